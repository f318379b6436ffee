"""Programs of layers, losses and normalization, run under TensorFlow 1.15.5 and Reflow. Runs under Python 3.7 too."""

import numpy as np
from op_recording import Cases

case = Cases()
FLOATS = ["float16", "float32", "float64"]


def probabilities(t, *shape, **options):
    p = np.exp(t.normal(*shape, dtype="float64"))
    return (p / p.sum(-1, keepdims=True)).astype(options.get("dtype", "float32"))


# --- bias ---------------------------------------------------------------------------------------------------------


@case.each(dtype=FLOATS + ["int8", "int16", "int32", "int64", "uint8", "uint16", "complex64", "complex128"])
def _bias_add(tf, t, dtype):
    if "int" in dtype:
        x, b = t.feed(t.integers(0, 100, 2, 3, dtype=dtype)), t.feed(t.integers(0, 200, 3).astype(dtype))
    else:
        x, b = t.feed(t.normal(2, 3, dtype=dtype)), t.feed(t.normal(3, dtype=dtype))
    t.out(tf.nn.bias_add(x, b))
    t.out(tf.raw_ops.BiasAddV1(value=x, bias=b), tf.raw_ops.BiasAddGrad(out_backprop=x))


@case.each(shape=[(2, 3), (2, 4, 3), (2, 4, 5, 3), (2, 1, 2, 2, 3)])
def _bias_add_gradient(tf, t, shape):
    x, b = t.feed(t.normal(*shape)), t.feed(t.normal(3))
    t.grad(t.out(tf.nn.bias_add(x, b)), [x, b], second=True)


@case.each(shape=[(2, 3, 4), (2, 3, 4, 5)])
def _bias_add_channels_first(tf, t, shape):
    x, b = t.feed(t.normal(*shape)), t.feed(t.normal(3))
    t.grad(t.out(tf.nn.bias_add(x, b, data_format="NCHW", name="sum")), [x, b])


@case
def _bias_add_of_values(tf, t):
    t.out(tf.nn.bias_add(np.ones((2, 2), "float32"), [1.0, 2.0]), tf.nn.bias_add([[1.0]], [2.0], data_format="NWC"))


@case.each(shape=[(0, 3), (2, 0)])
def _bias_add_empty(tf, t, shape):
    x, b = t.feed(np.zeros(shape, "float32")), t.feed(np.zeros(shape[1], "float32"))
    t.grad(t.out(tf.nn.bias_add(x, b)), [x, b])


@case
def _bias_add_sizes(tf, t):
    tf.nn.bias_add(tf.ones([2, 3]), tf.ones([4]))


@case
def _bias_add_sizes_when_run(tf, t):
    t.out(tf.nn.bias_add(t.feed(t.normal(2, 3), [None, None]), t.feed(t.normal(1), [None])))


@case
def _bias_add_vector(tf, t):
    tf.nn.bias_add(tf.ones([3]), tf.ones([3]))


@case
def _bias_add_types(tf, t):
    tf.nn.bias_add(tf.ones([2, 3]), tf.ones([3], tf.float64))


@case
def _bias_add_format(tf, t):
    tf.nn.bias_add(tf.ones([2, 3]), tf.ones([3]), data_format="CHWN")


@case
def _layers(tf, t):
    x, w, b = t.feed(t.normal(2, 3)), t.feed(t.normal(3, 4)), t.feed(t.normal(4))
    t.out(tf.nn.xw_plus_b(x, w, b), tf.nn.relu_layer(x, w, b), tf.nn.xw_plus_b([[1.0, 2.0, 3.0]], w, b, name="layer"))


# --- softmax ------------------------------------------------------------------------------------------------------


@case.each(dtype=FLOATS)
def _softmax(tf, t, dtype):
    x = t.feed(t.normal(2, 3, dtype=dtype) * np.asarray(3, dtype))
    y, z = t.out(tf.nn.softmax(x)), t.out(tf.nn.log_softmax(x))
    if dtype != "float16":
        t.grad(y, x, second=True)
        t.grad(z, x, second=True)


@case.each(axis=[0, 1, 2, -1, -2, -3])
def _softmax_axis(tf, t, axis):
    x = t.feed(t.normal(2, 3, 4))
    y, z = t.out(tf.nn.softmax(x, axis=axis)), t.out(tf.nn.log_softmax(x, axis, name="logs"))
    t.grad([y, z], x)


@case
def _softmax_old_argument(tf, t):
    t.out(tf.nn.softmax(t.feed(t.normal(2, 3)), dim=0), tf.nn.softmax([[1.0, 2.0]]), tf.math.softmax([1.0, 2.0]))


@case
def _softmax_unknown_sizes(tf, t):
    x = t.feed(t.normal(2, 3, 4), [None, 3, None])
    t.out(tf.nn.softmax(x, axis=1), tf.nn.softmax(x), tf.nn.softmax(t.feed(t.normal(2, 3), None)))


@case
def _softmax_extremes(tf, t):
    x = tf.constant([[1e4, 0, -1e4], [np.inf, 0, 1], [-np.inf, 0, 1], [np.nan, 0, 1]], tf.float32)
    t.out(tf.nn.softmax(x), tf.nn.log_softmax(x))


@case.each(shape=[(0, 3), (2, 0)])
def _softmax_empty(tf, t, shape):
    x = t.feed(np.zeros(shape, "float32"))
    t.out(tf.nn.softmax(x), tf.nn.log_softmax(x))


@case.each(axis=[2, -3])
def _softmax_wrong_axis(tf, t, axis):
    tf.nn.softmax(tf.ones([2, 3]), axis=axis)


@case
def _softmax_scalar(tf, t):
    tf.nn.softmax(tf.constant(1.0))


@case
def _softmax_both_arguments(tf, t):
    tf.nn.softmax(tf.ones([2, 3]), axis=0, dim=0)


@case
def _softmax_integers(tf, t):
    tf.nn.softmax([[1, 2]])


# --- softmax cross entropy ----------------------------------------------------------------------------------------


@case.each(dtype=FLOATS)
def _cross_entropy(tf, t, dtype):
    x, labels = t.feed(t.normal(4, 3, dtype=dtype)), t.feed(probabilities(t, 4, 3, dtype=dtype))
    loss = t.out(tf.nn.softmax_cross_entropy_with_logits_v2(labels=labels, logits=x))
    if dtype != "float16":
        t.grad(loss, [x, labels], second=True)


@case
def _cross_entropy_first_version(tf, t):
    x, labels = t.feed(t.normal(4, 3)), t.feed(probabilities(t, 4, 3))
    loss = t.out(tf.nn.softmax_cross_entropy_with_logits(labels=labels, logits=x))
    t.grad(loss, [x, labels])


@case.each(axis=[0, 1, 2, -1, -2])
def _cross_entropy_axis(tf, t, axis):
    x, labels = t.feed(t.normal(2, 3, 4)), t.feed(probabilities(t, 2, 3, 4))
    t.grad(t.out(tf.nn.softmax_cross_entropy_with_logits_v2(labels=labels, logits=x, axis=axis)), x)
    t.out(tf.nn.softmax_cross_entropy_with_logits(labels=labels, logits=x, dim=axis, name="xent"))


@case
def _cross_entropy_unknown_sizes(tf, t):
    x, labels = t.feed(t.normal(2, 3, 4), [None, 3, None]), t.feed(probabilities(t, 2, 3, 4), None)
    t.out(tf.nn.softmax_cross_entropy_with_logits_v2(labels, x))
    t.out(tf.nn.softmax_cross_entropy_with_logits(labels=labels, logits=t.feed(t.normal(2, 3, 4), None)))


@case
def _cross_entropy_integer_labels(tf, t):
    t.out(tf.nn.softmax_cross_entropy_with_logits_v2(labels=[[0, 1], [1, 0]], logits=[[1.0, 2.0], [0.5, -0.5]]))


@case
def _cross_entropy_op_broadcasts(tf, t):
    x, labels = t.feed(t.normal(4, 3)), t.feed(probabilities(t, 1, 3))
    t.out(*tf.raw_ops.SoftmaxCrossEntropyWithLogits(features=x, labels=labels))


@case
def _cross_entropy_extremes(tf, t):
    x = tf.constant([[1e4, 0, -1e4], [0, 0, -1e30], [np.nan, 0, 1]], tf.float32)
    labels = tf.constant([[0, 0.5, 0.5], [0.5, 0.5, 0], [1, 0, 0]], tf.float32)
    t.out(*tf.raw_ops.SoftmaxCrossEntropyWithLogits(features=x, labels=labels))


@case.each(shape=[(0, 3), (2, 0)])
def _cross_entropy_empty(tf, t, shape):
    x = t.feed(np.zeros(shape, "float32"))
    t.out(tf.nn.softmax_cross_entropy_with_logits_v2(labels=x, logits=x))


@case
def _cross_entropy_positional(tf, t):
    tf.nn.softmax_cross_entropy_with_logits(tf.ones([2, 3]), tf.ones([2, 3]))


@case
def _cross_entropy_missing(tf, t):
    tf.nn.softmax_cross_entropy_with_logits(logits=tf.ones([2, 3]))


@case
def _cross_entropy_sizes(tf, t):
    tf.nn.softmax_cross_entropy_with_logits_v2(labels=tf.ones([2, 3]), logits=tf.ones([2, 4]))


# --- sparse softmax cross entropy ---------------------------------------------------------------------------------


@case.each(dtype=FLOATS)
def _sparse_cross_entropy(tf, t, dtype):
    x = t.feed(t.normal(4, 3, dtype=dtype))
    for labels in ("int32", "int64"):
        classes = t.feed(t.integers(0, 3, 4, dtype=labels))
        loss = t.out(tf.nn.sparse_softmax_cross_entropy_with_logits(labels=classes, logits=x))
    t.grad(loss, x)


@case
def _sparse_cross_entropy_of_images(tf, t):
    x, classes = t.feed(t.normal(2, 3, 4, 5)), t.feed(t.integers(0, 5, 2, 3, 4))
    t.grad(t.out(tf.nn.sparse_softmax_cross_entropy_with_logits(labels=classes, logits=x, name="loss")), x)


@case
def _sparse_cross_entropy_of_vector(tf, t):
    t.out(tf.nn.sparse_softmax_cross_entropy_with_logits(labels=1, logits=[1.0, 2.0, 3.0]))


@case.each(label=[3, -1])
def _sparse_cross_entropy_bad_label(tf, t, label):
    t.out(tf.nn.sparse_softmax_cross_entropy_with_logits(labels=[0, label], logits=tf.ones([2, 3])))


@case
def _sparse_cross_entropy_second_gradient(tf, t):
    x = t.feed(t.normal(4, 3))
    loss = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=[0, 1, 2, 0], logits=x)
    tf.gradients(tf.gradients(loss, x), x)


@case
def _sparse_cross_entropy_extremes(tf, t):
    x = tf.constant([[1e4, 0, -1e4], [-np.inf, 0, 1], [np.nan, 0, 1]], tf.float32)
    t.out(*tf.raw_ops.SparseSoftmaxCrossEntropyWithLogits(features=x, labels=[2, 0, 0]))


@case.each(shapes=["scalar", "rank", "size"])
def _sparse_cross_entropy_shapes(tf, t, shapes):
    labels, logits = {"scalar": ([], []), "rank": ([2, 3], [2, 3]), "size": ([3], [2, 3])}[shapes]
    tf.nn.sparse_softmax_cross_entropy_with_logits(labels=tf.zeros(labels, tf.int32), logits=tf.ones(logits))


@case
def _sparse_cross_entropy_empty(tf, t):
    x, classes = t.feed(np.zeros((0, 3), "float32")), t.feed(np.zeros(0, "int64"))
    t.out(tf.nn.sparse_softmax_cross_entropy_with_logits(labels=classes, logits=x))


# --- logistic losses ----------------------------------------------------------------------------------------------


@case.each(dtype=FLOATS)
def _sigmoid_cross_entropy(tf, t, dtype):
    x, labels = t.feed(3 * t.normal(4, 3, dtype=dtype)), t.feed(t.random.rand(4, 3).astype(dtype))
    loss = t.out(tf.nn.sigmoid_cross_entropy_with_logits(labels=labels, logits=x))
    if dtype != "float16":
        t.grad(loss, [x, labels], second=True)


@case
def _sigmoid_cross_entropy_extremes(tf, t):
    x = t.feed(np.array([0.0, -0.0, 1e4, -1e4, np.inf, -np.inf, np.nan], "float32"))
    loss = t.out(tf.nn.sigmoid_cross_entropy_with_logits(labels=tf.ones([7]), logits=x, name="loss"))
    t.grad(loss, x)


@case.each(weight=[1, 0.5, 3.0])
def _weighted_cross_entropy(tf, t, weight):
    x, labels = t.feed(3 * t.normal(4, 3)), t.feed(t.random.rand(4, 3).astype("float32"))
    t.grad(t.out(tf.nn.weighted_cross_entropy_with_logits(labels, x, weight)), [x, labels])
    t.out(tf.nn.weighted_cross_entropy_with_logits(targets=labels, logits=x, pos_weight=tf.constant([1.0, 2.0, 3.0])))


@case.each(full=[False, True])
def _log_poisson(tf, t, full):
    targets = t.feed(np.array([0.0, 0.5, 1, 2, 30], "float32"))
    x = t.feed(t.normal(5))
    t.grad(t.out(tf.nn.log_poisson_loss(targets, x, compute_full_loss=full)), [x, targets])


@case.each(loss=["sigmoid", "weighted", "poisson"])
def _losses_of_other_shapes(tf, t, loss):
    x, y = tf.ones([2, 3]), tf.ones([3, 2])
    if loss == "sigmoid":
        tf.nn.sigmoid_cross_entropy_with_logits(labels=x, logits=y)
    elif loss == "weighted":
        tf.nn.weighted_cross_entropy_with_logits(x, y, 1.0)
    else:
        tf.nn.log_poisson_loss(x, y)


@case
def _sigmoid_cross_entropy_positional(tf, t):
    tf.nn.sigmoid_cross_entropy_with_logits(tf.ones([2]), tf.ones([2]))


# --- normalization ------------------------------------------------------------------------------------------------


@case.each(dtype=FLOATS)
def _l2_loss(tf, t, dtype):
    x = t.feed(t.normal(4, 3, dtype=dtype))
    t.grad(t.out(tf.nn.l2_loss(x)), x)
    t.out(tf.nn.l2_loss([3.0, 4.0], name="loss"), tf.nn.l2_loss(tf.zeros([0])))


@case.each(axis=[None, 0, 1, [0, 1], -1])
def _l2_normalize(tf, t, axis):
    x = t.feed(t.normal(4, 3))
    t.grad(t.out(tf.nn.l2_normalize(x, axis)), x, second=True)
    t.out(tf.nn.l2_normalize(tf.zeros([2, 2]), axis, epsilon=1e-6, name="unit"), tf.math.l2_normalize(x, dim=axis))


@case.each(dtype=FLOATS)
def _moments(tf, t, dtype):
    x = t.feed(t.normal(2, 3, 4, dtype=dtype))
    mean, variance = t.out(*tf.nn.moments(x, [0, 1]))
    t.out(*tf.nn.moments(x, [2], keep_dims=True, name="stats"))
    if dtype != "float16":
        t.grad([mean, variance], x)


@case
def _moments_unknown_sizes(tf, t):
    t.out(*tf.nn.moments(t.feed(t.normal(2, 3, 4), [None, 3, None]), axes=[0, -1], keepdims=True))


@case
def _weighted_moments(tf, t):
    x, weights = t.feed(t.normal(2, 3, 4)), t.feed(t.random.rand(3, 1).astype("float32"))
    mean, variance = t.out(*tf.nn.weighted_moments(x, [0, 1], weights))
    t.out(*tf.nn.weighted_moments(x, [1], 2, keepdims=True))
    t.grad([mean, variance], [x, weights])


@case
def _weighted_moments_half(tf, t):
    t.out(*tf.nn.weighted_moments(t.feed(t.normal(4, 3, dtype="float16")), [0], t.feed(np.ones((4, 1), "float16"))))


@case.each(shift=[None, 0.5])
def _sufficient_statistics(tf, t, shift):
    x = t.feed(t.normal(2, 3, 4))
    counts, sums, squares, used = tf.nn.sufficient_statistics(x, [0, 2], shift=shift)
    t.out(counts, sums, squares, *tf.nn.normalize_moments(counts, sums, squares, used))
    unknown = t.feed(t.normal(2, 3), [None, None])
    t.out(*tf.nn.sufficient_statistics(unknown, [0], keep_dims=True)[:3])


@case.each(parts=["both", "scale", "offset", "none"])
def _batch_normalization(tf, t, parts):
    x, mean, variance = t.feed(t.normal(4, 3)), t.feed(t.normal(3)), t.feed(t.random.rand(3).astype("float32"))
    scale, offset = t.feed(t.normal(3)), t.feed(t.normal(3))
    y = tf.nn.batch_normalization(x, mean, variance, offset if parts in ("both", "offset") else None,
                                  scale if parts in ("both", "scale") else None, 0.001)  # fmt: skip
    t.grad(t.out(y), [x, mean, variance, scale, offset])


@case
def _batch_norm_with_global_normalization(tf, t):
    x, vectors = t.feed(t.normal(2, 2, 2, 3)), [t.feed(t.random.rand(3).astype("float32")) for _ in range(4)]
    mean, variance, beta, gamma = vectors
    t.out(tf.nn.batch_norm_with_global_normalization(x, mean, variance, beta, gamma, 0.01, True))
    new_names = {"input": x, "mean": mean, "variance": variance, "variance_epsilon": 0.01}
    t.out(tf.nn.batch_norm_with_global_normalization(beta=beta, gamma=gamma, scale_after_normalization=False,
                                                     **new_names))  # fmt: skip


@case
def _zero_fraction(tf, t):
    x = t.feed(np.array([0, 1, 0, 2.5], "float32"))
    t.out(tf.nn.zero_fraction(x), tf.math.zero_fraction([0, 0, 1], name="zeros"))


# --- dropout ------------------------------------------------------------------------------------------------------


@case.each(options=["rate", "keep_prob", "tensor", "keep_tensor"])
def _dropout(tf, t, options):
    x = t.feed(t.normal(3, 4))
    arguments = {"rate": {"rate": 0.3}, "keep_prob": {"keep_prob": 0.4}, "tensor": {"rate": tf.constant(0.25)},
                 "keep_tensor": {"keep_prob": t.feed(np.float32(0.5))}}[options]  # fmt: skip
    t.grad(t.out(tf.nn.dropout(x, seed=7, **arguments)), x)


@case.each(dtype=["float16", "float64"])
def _dropout_types(tf, t, dtype):
    t.out(tf.nn.dropout(t.feed(t.normal(3, 4, dtype=dtype)), 0.5, seed=3))


@case
def _dropout_noise_shape(tf, t):
    x = t.feed(t.normal(3, 4, 2))
    t.out(tf.nn.dropout(x, 0.5, noise_shape=[3, 1, 1], seed=1), tf.nn.dropout(x, 0.5, noise_shape=[None, 4, 1], seed=1))
    t.out(tf.nn.dropout(x, 0.5, noise_shape=tf.constant([1, 4, 1]), seed=1, name="drop"))


@case
def _dropout_of_nothing(tf, t):
    x = t.feed(t.normal(3, 4))
    t.out(tf.nn.dropout(x, 1.0), tf.nn.dropout(x, rate=0), tf.nn.dropout(x, rate=tf.constant(0.0)))


@case
def _dropout_graph_seed(tf, t):
    x = t.feed(np.ones(100, "float32"))
    t.out(tf.nn.dropout(x, 0.5), tf.nn.dropout(x, 0.5))


@case
def _dropout_unknown_size(tf, t):
    t.out(tf.nn.dropout(t.feed(t.normal(3, 4), [None, 4]), rate=0.5, seed=5))


@case.each(wrong=["none", "both", "high", "negative", "integers", "keep", "vector"])
def _dropout_wrong(tf, t, wrong):
    x = tf.ones([2])
    calls = {
        "none": lambda: tf.nn.dropout(x), "both": lambda: tf.nn.dropout(x, 0.5, rate=0.5),
        "high": lambda: tf.nn.dropout(x, rate=1.0), "negative": lambda: tf.nn.dropout(x, rate=-0.1),
        "integers": lambda: tf.nn.dropout([1, 2], rate=0.1), "keep": lambda: tf.nn.dropout(x, "x"),
        "vector": lambda: tf.nn.dropout(x, rate=tf.ones([2])),
    }  # fmt: skip
    calls[wrong]()


# --- embeddings ---------------------------------------------------------------------------------------------------


@case
def _embedding_lookup(tf, t):
    table = tf.Variable(t.normal(5, 3), name="table")
    ids = t.feed(np.array([[0, 4], [2, 2]], "int64"))
    rows = t.out(tf.nn.embedding_lookup(table, ids))
    t.out(tf.nn.embedding_lookup(t.feed(t.normal(5, 2)), [1, 0], name="rows"))
    t.grad(rows, table)


@case
def _embedding_lookup_out_of_range(tf, t):
    t.out(tf.nn.embedding_lookup(tf.ones([2, 3]), [2]))


@case.each(strategy=["mod", "div"])
def _embedding_lookup_in_parts(tf, t, strategy):
    tables = [t.feed(t.normal(n, 2)) for n in (3, 2, 2)]
    ids = t.feed(np.array([[0, 1, 2, 3], [6, 5, 4, 0]], "int32"))
    rows = t.out(tf.nn.embedding_lookup(tables, ids, partition_strategy=strategy))
    t.grad(rows, tables)


@case
def _embedding_lookup_of_unknown_tables(tf, t):
    tables = [t.feed(t.normal(2, 2), [None, 2]), t.feed(t.normal(2, 2), [2, None])]
    t.out(tf.nn.embedding_lookup(tables, t.feed(np.array([3, 1, 0], "int64")), partition_strategy="div"))


@case
def _embedding_lookup_max_norm(tf, t):
    table, ids = t.feed(2 * t.normal(5, 3)), t.feed(np.array([[0, 4], [2, 2]], "int32"))
    t.grad(t.out(tf.nn.embedding_lookup(table, ids, max_norm=1.0)), table)
    t.out(tf.nn.embedding_lookup([table, table], ids, max_norm=0.5))


@case.each(wrong=["none", "empty", "strategy"])
def _embedding_lookup_wrong(tf, t, wrong):
    params = {"none": None, "empty": [], "strategy": [tf.ones([2, 2]), tf.ones([2, 2])]}[wrong]
    tf.nn.embedding_lookup(params, [0], partition_strategy="other")


def _sparse_ids(tf, t, weights=False):
    indices, shape = [[0, 0], [0, 2], [1, 0], [3, 1]], [4, 3]
    ids = tf.SparseTensor(indices, t.feed(np.array([1, 3, 1, 0], "int64")), shape)
    values = np.array([1.0, 2.0, 0.5, 3.0], "float32")
    return ids, tf.SparseTensor(indices, t.feed(values), shape) if weights else None


@case.each(combiner=["sum", "mean", "sqrtn"])
def _embedding_lookup_sparse(tf, t, combiner):
    table = t.feed(t.normal(5, 2))
    ids, _ = _sparse_ids(tf, t)
    t.grad(t.out(tf.nn.embedding_lookup_sparse(table, ids, None, combiner=combiner)), table)


@case.each(combiner=["sum", "mean", "sqrtn"])
def _embedding_lookup_sparse_weighted(tf, t, combiner):
    table = t.feed(t.normal(5, 2))
    ids, weights = _sparse_ids(tf, t, weights=True)
    t.grad(t.out(tf.nn.embedding_lookup_sparse(table, ids, weights, combiner=combiner, name="mix")), table)


@case.each(wrong=["combiner", "ids", "weights"])
def _embedding_lookup_sparse_wrong(tf, t, wrong):
    ids, weights = _sparse_ids(tf, t, weights=True)
    if wrong == "combiner":
        tf.nn.embedding_lookup_sparse(tf.ones([5, 2]), ids, None, combiner="max")
    elif wrong == "ids":
        tf.nn.embedding_lookup_sparse(tf.ones([5, 2]), [1], None, combiner="sum")
    else:
        tf.nn.embedding_lookup_sparse(tf.ones([5, 2]), ids, [1.0], combiner="sum")


@case.each(default=[None, 1])
def _safe_embedding_lookup_sparse(tf, t, default):
    table = t.feed(t.normal(5, 2))
    indices = [[0, 0], [0, 2], [1, 0], [3, 1], [3, 2]]
    ids = tf.SparseTensor(indices, t.feed(np.array([1, -3, -1, 0, 4], "int64")), [4, 3])
    weights = tf.SparseTensor(indices, t.feed(np.array([1.0, 2.0, 0.5, 3.0, -1], "float32")), [4, 3])
    t.values_only()  # Reflow knows the shape of the ids as a matrix
    t.out(tf.nn.safe_embedding_lookup_sparse([table], ids, default_id=default))
    t.out(tf.nn.safe_embedding_lookup_sparse([table], ids, weights, default_id=default, combiner="sum"))
    t.out(tf.nn.safe_embedding_lookup_sparse([table], ids, weights, default_id=default, combiner="sqrtn"))
