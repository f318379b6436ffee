"""Graphs of ops that no CPU runs: nodes, static shapes, mistakes, gradients."""

from op_recording import Cases, Trial

case = Cases()


def outcome(tf, function):
    """What a case builds under `tf`: nodes and static shapes, or the exception. Nothing runs."""
    with tf.Graph().as_default():
        trial = Trial(tf, "")
        try:
            made = function(tf, trial)
        except Exception as error:
            return {"error": type(error).__name__, "message": str(error).splitlines()[0]}
        trial.end_of_forward()
        return {"nodes": trial.forward_nodes, "shapes": [str(t.shape) for t in flat(made) if hasattr(t, "shape")]}


def flat(made):
    if not isinstance(made, (list, tuple)):
        return [made]
    return [tensor for part in made for tensor in flat(part)]


def x(tf, *shape, **options):
    return tf.placeholder(options.get("dtype", "float32"), shape)


def make_sum(tf):
    return tf.raw_ops.CrossReplicaSum(input=x(tf, 3), group_assignment=[[0]])


def all_to_all(tf, shape, concat, split, count):
    return tf.raw_ops.AllToAll(input=tf.placeholder("float32", shape), group_assignment=[[0, 1]], split_count=count,
                               concat_dimension=concat, split_dimension=split)  # fmt: skip


def recv(tf, op, **options):
    return getattr(tf.raw_ops, op)(**options)


def load_adam(tf, *shapes, **options):
    tensors = [tf.placeholder("float32", shape) for shape in shapes]
    options = options or {"table_name": "t"}
    return tf.raw_ops.LoadTPUEmbeddingADAMParameters(parameters=tensors[0], momenta=tensors[1], velocities=tensors[2],
                                                     num_shards=2, shard_id=1, **options)  # fmt: skip


SIZES = {"num_layers": 1, "num_units": 2, "input_size": 3}
MADE = {
    "all_to_all": lambda tf: all_to_all(tf, [4, None, 6], 0, 2, 2),
    "all_to_all of one axis": lambda tf: all_to_all(tf, [4, 4, 6], 1, 1, 2),
    "all_to_all beyond": lambda tf: all_to_all(tf, [4, 4, 6], 1, 3, 2),
    "all_to_all below": lambda tf: all_to_all(tf, [4, 4, 6], -1, 0, 2),
    "all_to_all of unknown rank": lambda tf: all_to_all(tf, None, 1, 0, 2),
    "cross_replica_sum": make_sum,
    "collective_permute": lambda tf: tf.raw_ops.CollectivePermute(input=x(tf, 3), source_target_pairs=[[0, 1]]),
    "infeed": lambda tf: tf.raw_ops.InfeedDequeue(dtype="float32", shape=[2, None]),
    "infeed_tuple": lambda tf: recv(tf, "InfeedDequeueTuple", dtypes=["float32", "int32"], shapes=[[2], None]),
    "infeed_tuple short": lambda tf: recv(tf, "InfeedDequeueTuple", dtypes=["float32", "int32"], shapes=[[2]]),
    "outfeed": lambda tf: tf.raw_ops.OutfeedDequeue(dtype="float32", shape=[2, None]),
    "outfeed_tuple": lambda tf: recv(tf, "OutfeedDequeueTuple", dtypes=["float32", "int32"], shapes=[[2], None]),
    "outfeed_tuple short": lambda tf: recv(tf, "OutfeedDequeueTuple", dtypes=["float32", "int32"], shapes=[[2]]),
    "enqueue": lambda tf: tf.raw_ops.InfeedEnqueue(input=x(tf, 1), shape=[1]),
    "enqueue_tuple": lambda tf: tf.raw_ops.InfeedEnqueueTuple(inputs=[x(tf, 1)], shapes=[[1]]),
    "outfeed_enqueue": lambda tf: tf.raw_ops.OutfeedEnqueue(input=x(tf, 1)),
    "outfeed_enqueue_tuple": lambda tf: tf.raw_ops.OutfeedEnqueueTuple(inputs=[x(tf, 1), x(tf)]),
    "prelinearize": lambda tf: tf.raw_ops.InfeedEnqueuePrelinearizedBuffer(
        input=tf.raw_ops.Prelinearize(input=x(tf, 1))
    ),
    "prelinearize_tuple": lambda tf: tf.raw_ops.PrelinearizeTuple(inputs=[x(tf, 1)], shapes=[[1]]),
    "nccl_reduce": lambda tf: tf.raw_ops.NcclReduce(input=[x(tf, 3), x(tf, None)], reduction="sum"),
    "nccl_all_reduce": lambda tf: tf.raw_ops.NcclAllReduce(
        input=x(tf, 3), reduction="max", num_devices=2, shared_name="s"
    ),
    "nccl_broadcast": lambda tf: tf.raw_ops.NcclBroadcast(input=x(tf, 3), shape=[3]),
    "configure": lambda tf: tf.raw_ops.ConfigureDistributedTPU(),
    "configure_embedding": lambda tf: tf.raw_ops.ConfigureTPUEmbedding(config="c"),
    "shutdown": lambda tf: tf.raw_ops.ShutdownDistributedTPU(),
    "heartbeat": lambda tf: tf.raw_ops.WorkerHeartbeat(request="r"),
    "compilation": lambda tf: tf.raw_ops.TPUCompilationResult(),
    "ordinal": lambda tf: tf.raw_ops.TPUOrdinalSelector(),
    "metadata": lambda tf: tf.raw_ops.TPUReplicateMetadata(num_replicas=2),
    "replicated_input": lambda tf: tf.raw_ops.TPUReplicatedInput(inputs=[x(tf, 3, None), x(tf, None, 4)]),
    "replicated_input of two shapes": lambda tf: tf.raw_ops.TPUReplicatedInput(inputs=[x(tf, 3), x(tf, 4)]),
    "replicated_output": lambda tf: tf.raw_ops.TPUReplicatedOutput(input=x(tf, 3, None), num_replicas=2),
    "activations": lambda tf: tf.raw_ops.TPUEmbeddingActivations(
        embedding_variable=x(tf, 1), sliced_activations=x(tf, 2, 3), table_id=0, lookup_id=1
    ),
    "activations of no table": lambda tf: tf.raw_ops.TPUEmbeddingActivations(
        embedding_variable=x(tf, 1), sliced_activations=x(tf, 2, 3), table_id=-1, lookup_id=1
    ),
    "send": lambda tf: tf.raw_ops.SendTPUEmbeddingGradients(inputs=[x(tf, 2)], learning_rates=[x(tf)], config="c"),
    "send a vector": lambda tf: tf.raw_ops.SendTPUEmbeddingGradients(
        inputs=[x(tf, 2)], learning_rates=[x(tf, 2)], config="c"
    ),
    "integer_batch": lambda tf: tf.raw_ops.EnqueueTPUEmbeddingIntegerBatch(
        batch=[x(tf, 2, dtype="int32")], mode_override=""
    ),
    "load": lambda tf: load_adam(tf, [2, 3], [2, 3], [None, 3]),
    "load vectors": lambda tf: load_adam(tf, [2], [2], [2]),
    "load different shapes": lambda tf: load_adam(tf, [2, 3], [2, 3], [2, 4]),
    "load no table": lambda tf: load_adam(tf, [2, 3], [2, 3], [2, 3], table_id=-1),
    "load two tables": lambda tf: load_adam(tf, [2, 3], [2, 3], [2, 3], table_id=1, table_name="t"),
    "params_size": lambda tf: tf.raw_ops.CudnnRNNParamsSize(T="float32", S="int32", **SIZES),
    "params_size of vectors": lambda tf: tf.raw_ops.CudnnRNNParamsSize(
        num_layers=[1], num_units=2, input_size=3, T="float32", S="int32"
    ),
    "to_params": lambda tf: tf.raw_ops.CudnnRNNCanonicalToParams(weights=[x(tf, 2, 3)], biases=[x(tf, 2)], **SIZES),
    "to_params_v2": lambda tf: tf.raw_ops.CudnnRNNCanonicalToParamsV2(
        weights=[x(tf, 2, 3)] * 2, biases=[x(tf, 2)], **SIZES
    ),
    "to_canonical": lambda tf: tf.raw_ops.CudnnRNNParamsToCanonical(params=x(tf, 2), num_params=2, **SIZES),
    "to_canonical of a matrix": lambda tf: tf.raw_ops.CudnnRNNParamsToCanonical(
        params=x(tf, 2, 2), num_params=2, **SIZES
    ),
    "to_canonical_v2": lambda tf: tf.raw_ops.CudnnRNNParamsToCanonicalV2(
        params=x(tf, 2), num_params_weights=2, num_params_biases=1, **SIZES
    ),
}


@case.each(what=sorted(MADE))
def made(tf, t, what):
    return MADE[what](tf)


@case.each(op=["EnqueueTPUEmbeddingSparseBatch", "EnqueueTPUEmbeddingSparseTensorBatch"])
def sparse_batches(tf, t, op):
    more = {"table_ids": [0]} if "Tensor" in op else {}
    ids = x(tf, 2, dtype="int64")
    return getattr(tf.raw_ops, op)(sample_indices=[ids], embedding_indices=[ids], mode_override="",
                                   aggregation_weights=[x(tf, 2)], **more)  # fmt: skip


@case
def tables_of_every_optimizer(tf, t):
    names = sorted(n for n in dir(tf.raw_ops) if n.startswith("RetrieveTPUEmbedding"))
    tables = [getattr(tf.raw_ops, n)(num_shards=1, shard_id=0, table_id=2) for n in names]
    for name, table in zip(names, tables):  # noqa: B905
        parts = table._asdict() if hasattr(table, "_asdict") else {"parameters": table}
        load = getattr(tf.raw_ops, name.replace("Retrieve", "Load"))
        load(num_shards=1, shard_id=0, table_id=2, **parts)
    return tables


def cudnn(tf, version, **options):
    inputs = {"input": x(tf, 7, 2, 5), "input_h": x(tf, 1, 2, 4), "input_c": x(tf, 1, 2, 4), "params": x(tf, None)}
    if version == "V3":
        inputs["sequence_lengths"] = x(tf, 2, dtype="int32")
    return inputs, getattr(tf.raw_ops, "CudnnRNN" + version)(**dict(inputs, **options))


@case.each(version=["", "V2", "V3"])
def cudnn_networks(tf, t, version):
    made = []
    for mode in ["lstm", "gru"]:
        for direction in ["unidirectional", "bidirectional"]:
            made.extend(cudnn(tf, version, rnn_mode=mode, direction=direction)[1])
    return made


@case.each(version=["", "V2", "V3"])
def cudnn_gradients(tf, t, version):
    inputs, made = cudnn(tf, version, dropout=0.5, seed=3)
    sources = [inputs[name] for name in ("input", "input_h", "input_c", "params")]
    return tf.gradients([made.output, made.output_h], sources)


@case.each(version=["", "V3"])
def cudnn_not_in_training(tf, t, version):
    inputs, made = cudnn(tf, version, is_training=False)
    tf.gradients(made.output, inputs["input"])


@case.each(op=["AllToAll", "CrossReplicaSum", "CollectivePermute"])
def gradients_over_replicas(tf, t, op):
    tensor = x(tf, 4, 6)
    if op == "AllToAll":
        y = tf.raw_ops.AllToAll(input=tensor, group_assignment=[[0, 1]], split_count=2, concat_dimension=0,
                                split_dimension=1)  # fmt: skip
    elif op == "CrossReplicaSum":
        y = tf.raw_ops.CrossReplicaSum(input=tensor, group_assignment=[[0]])
    else:
        y = tf.raw_ops.CollectivePermute(input=tensor, source_target_pairs=[[0, 1]])
    return tf.gradients(y, tensor)


@case.each(what=["NcclAllReduce sum", "NcclAllReduce max", "NcclReduce sum", "NcclReduce max"])
def gradients_of_nccl(tf, t, what):
    op, reduction = what.split()
    with tf.device("/device:GPU:0"):
        tensor = x(tf, 3)
        if op == "NcclReduce":
            y = tf.raw_ops.NcclReduce(input=[tensor, tensor], reduction=reduction)
        else:
            y = tf.raw_ops.NcclAllReduce(input=tensor, reduction=reduction, num_devices=1, shared_name="s")
        weights = tf.ones([3])
    return tf.gradients(y, tensor, grad_ys=weights)


@case
def gradient_of_nccl_broadcast(tf, t):
    with tf.device("/device:GPU:0"):
        tensor = x(tf, 3)
        y = tf.raw_ops.NcclBroadcast(input=tensor, shape=[3])
        ys = [tf.negative(y), tf.square(y)]
    return tf.gradients(ys, tensor)


@case
def gradient_of_nccl_without_a_device(tf, t):
    tensor = x(tf, 3)
    tf.gradients(tf.raw_ops.NcclReduce(input=[tensor], reduction="sum"), tensor)


@case.each(training=[True, False])
def gradient_of_activations(tf, t, training):
    if training:
        tf.get_collection_ref("tpu_embedding_gradients_table_0").extend([None, None])
    variable, activations = x(tf, 1), x(tf, 2, 3)
    y = tf.raw_ops.TPUEmbeddingActivations(
        embedding_variable=variable, sliced_activations=activations, table_id=0, lookup_id=1
    )
    return tf.gradients(y, [variable, activations]) + tf.get_collection("tpu_embedding_gradients_table_0")[1:]
