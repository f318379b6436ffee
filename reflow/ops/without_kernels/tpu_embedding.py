"""Embedding tables in the memory of TPUs, with the parameters of the optimizers that train them there."""

from reflow.graph.context import get_default_graph
from reflow.graph.registry import gradient
from reflow.graph.shapes import Dims
from reflow.ops.shape_rules import merge, no_outputs, unchanged, unknown, with_rank
from reflow.ops.without_kernels.definition import define_without_kernel

# --- the tables of each optimizer -------------------------------------------------------------------------------------

# Optimizer -> the tensors that it keeps beside the embeddings.
_SLOTS = {
    "ADAM": ("momenta", "velocities"),
    "Adadelta": ("accumulators", "updates"),
    "Adagrad": ("accumulators",),
    "CenteredRMSProp": ("ms", "mom", "mg"),
    "FTRL": ("accumulators", "linears"),
    "MDLAdagradLight": ("accumulators", "weights", "benefits"),
    "Momentum": ("momenta",),
    "ProximalAdagrad": ("accumulators",),
    "RMSProp": ("ms", "mom"),
    "StochasticGradientDescent": (),
}
# Those that also have a form for gradients accumulated over several steps.
_ACCUMULATING = ("ADAM", "Adadelta", "Adagrad", "FTRL", "Momentum", "ProximalAdagrad", "RMSProp")
_TABLE = "table_id: int >= -1 = -1, table_name: string = '', num_shards: int, shard_id: int"


def _check_table(op) -> None:
    if (op.attrs["table_id"] >= 0) == bool(op.attrs["table_name"]):
        raise ValueError("exactly one of table_id or table_name must be non-default")


def _load_shape(op) -> list[Dims]:
    _check_table(op)
    dims: Dims = (None, None)
    for tensor in op._inputs:
        dims = merge(dims, with_rank(tensor.dims, 2))
    return []


def _retrieve_shape(op) -> list[Dims]:
    _check_table(op)
    return [(None, None)] * len(op.op_def.outputs)


def _define_tables(optimizer: str, slots: tuple[str, ...]) -> None:
    parts = ", ".join(f"{part}: float" for part in ("parameters", *slots))
    suffix = "ParametersGradAccumDebug" if "gradient_accumulators" in slots else "Parameters"
    define_without_kernel(f"LoadTPUEmbedding{optimizer}{suffix}", f"{parts} ->", _TABLE, shape=_load_shape,
                          is_stateful=True)  # fmt: skip
    define_without_kernel(f"RetrieveTPUEmbedding{optimizer}{suffix}", f"-> {parts}", _TABLE, shape=_retrieve_shape,
                          is_stateful=True)  # fmt: skip


for _optimizer, _slots in _SLOTS.items():
    _define_tables(_optimizer, _slots)
    if _optimizer in _ACCUMULATING:
        _define_tables(_optimizer, (*_slots, "gradient_accumulators"))


# --- lookups ----------------------------------------------------------------------------------------------------------


def _send_gradients_shape(op) -> list[Dims]:
    for tensor in op._inputs[op.attrs["N"] :]:
        with_rank(tensor.dims, 0)
    return []


_BATCH = ("sample_indices: N*T1, embedding_indices: N*T2, aggregation_weights: N*T3, mode_override: string ->",
          "T1: type in index = int32, T2: type in index = int32, T3: type in float|double = float, N: int >= 1, "
          "device_ordinal: int = -1, combiners: list(string) = []")  # fmt: skip

define_without_kernel("ConfigureTPUEmbedding", "->", "config: string", shape=no_outputs, is_stateful=True)
define_without_kernel("EnqueueTPUEmbeddingIntegerBatch", "batch: N*int32, mode_override: string ->",
                      "N: int >= 1, device_ordinal: int = -1", shape=no_outputs, is_stateful=True)  # fmt: skip
define_without_kernel("EnqueueTPUEmbeddingSparseBatch", *_BATCH, shape=no_outputs, is_stateful=True)
define_without_kernel("EnqueueTPUEmbeddingSparseTensorBatch", _BATCH[0],
                      f"{_BATCH[1]}, table_ids: list(int), max_sequence_lengths: list(int) = []", shape=no_outputs,
                      is_stateful=True)  # fmt: skip
define_without_kernel("RecvTPUEmbeddingActivations", "-> outputs: num_outputs*float",
                      "num_outputs: int >= 1, config: string", shape=unknown, is_stateful=True)  # fmt: skip
define_without_kernel("SendTPUEmbeddingGradients", "inputs: N*float, learning_rates: NN*float ->",
                      "N: int >= 1, NN: int >= 0 = 0, config: string", shape=_send_gradients_shape,
                      is_stateful=True)  # fmt: skip
define_without_kernel("TPUEmbeddingActivations",
                      "embedding_variable: float, sliced_activations: float -> output: float",
                      "table_id: int >= 0, lookup_id: int >= 0", shape=unchanged(1))  # fmt: skip


@gradient("TPUEmbeddingActivations")
def _activations_gradient(op, grad):
    """Leave the gradient in a collection, where what sends it to the table looks for it."""
    from reflow.ops.constant import zeros
    from reflow.ops.identity import identity

    name = f"tpu_embedding_gradients_table_{op.get_attr('table_id')}"
    gradients = get_default_graph().get_collection_ref(name)
    if not gradients:
        raise RuntimeError("Gradients for TPUEmbedding have been generated in non-training mode. "
                           "Build the optimizer's nodes only where the model is trained.")  # fmt: skip
    gradients[op.get_attr("lookup_id")] = identity(grad)
    return [zeros(tensor.shape) for tensor in op.inputs]
