"""Segments, counting, order, clipping, the confusion matrix, and their gradients."""

import numpy as np
from op_recording import Cases

case = Cases()

SORTED = ["segment_sum", "segment_mean", "segment_prod", "segment_max", "segment_min"]
UNSORTED = [
    "unsorted_segment_sum",
    "unsorted_segment_prod",
    "unsorted_segment_max",
    "unsorted_segment_min",
    "unsorted_segment_mean",
    "unsorted_segment_sqrt_n",
]
SPARSE = ["sparse_segment_sum", "sparse_segment_mean", "sparse_segment_sqrt_n"]


def find(tf, name):
    return getattr(tf, name)


@case.each(name=SORTED)
def sorted_segments(tf, t, name):
    """With segments that have no rows."""
    x = t.feed(t.random.uniform(0.5, 2, (5, 3)).astype("float32"))
    y = t.out(find(tf, name)(x, [0, 0, 2, 2, 5]))
    loose = t.feed(t.random.uniform(0.5, 2, (4, 2)).astype("float32"), [None, None])
    z = t.out(find(tf, name)(loose, t.feed(np.array([0, 1, 1, 3], "int64"), [None]), name="named"))
    if name != "segment_prod":
        t.grad(y, x)
        t.grad(z, loose)


@case.each(name=SORTED)
def sorted_segments_of_types(tf, t, name):
    ids = t.feed(np.array([0, 0, 2, 3], "int32"))
    for dtype in ("float64", "int8", "int16", "int32", "int64", "uint8", "uint16", "float16"):
        x = t.feed(t.integers(1, 9, 4, 2), dtype=tf.as_dtype(dtype))
        t.out(find(tf, name)(x, ids))
    if name in ("segment_sum", "segment_prod"):
        t.out(find(tf, name)(t.feed(t.normal(4, dtype="complex64")), ids))


@case.each(name=SORTED)
def sorted_segments_of_nothing(tf, t, name):
    t.out(find(tf, name)(t.feed(np.zeros([0, 2], "float32"), [None, 2]), t.feed(np.zeros([0], "int32"), [None])))


@case.each(kind=["not sorted", "negative", "lengths", "rank"])
def wrong_sorted_segments(tf, t, kind):
    x = t.feed(t.normal(3), [None])
    ids = {"not sorted": [0, 2, 1], "negative": [-1, 0, 1], "lengths": [0, 1], "rank": [[0, 1, 2]]}[kind]
    t.out(tf.segment_sum(x, t.feed(np.array(ids, "int32"), None if kind != "rank" else [1, 3])))


@case.each(name=UNSORTED)
def unsorted_segments(tf, t, name):
    """With negative ids, and segments that have no rows."""
    x = t.feed(t.random.uniform(0.5, 2, (5, 3)).astype("float32"))
    y = t.out(find(tf, name)(x, [3, -1, 0, 3, 0], 5))
    t.grad(y, x)
    t.forward_nodes = None
    matrix = t.feed(t.random.uniform(0.5, 2, (2, 3, 2)).astype("float32"), [None, 3, 2])
    ids = t.feed(np.array([[0, 1, 0], [2, 2, 0]], "int64"), [None, 3])
    z = t.out(find(tf, name)(matrix, ids, t.feed(np.int32(3)) if name[-1] != "n" else 3, name="named"))
    t.grad(z, matrix)
    t.end_of_forward()


@case.each(name=UNSORTED[:4])
def unsorted_segments_of_types(tf, t, name):
    ids = t.feed(np.array([1, 0, 1, 3], "int32"))
    for dtype in ("float64", "int8", "int16", "int32", "int64", "uint8", "uint16", "float16"):
        x = t.feed(t.integers(1, 9, 4, 2), dtype=tf.as_dtype(dtype))
        t.out(find(tf, name)(x, ids, 4))


@case
def unsorted_products_with_zeros(tf, t):
    x = t.feed(np.array([2, 0, 3, 0, 0, 4], "float32"))
    t.grad(t.out(tf.unsorted_segment_prod(x, [0, 0, 0, 1, 1, 2], 4)), x)


@case.each(kind=["out of range", "negative number", "shapes", "static shapes"])
def wrong_unsorted_segments(tf, t, kind):
    x = t.feed(t.normal(3), [None])
    operations = {
        "out of range": lambda: tf.unsorted_segment_sum(x, [0, 1, 4], 4),
        "negative number": lambda: tf.unsorted_segment_sum(x, [0, 1, 4], t.feed(np.int32(-1))),
        "shapes": lambda: tf.unsorted_segment_sum(x, t.feed(np.array([0, 1], "int32"), [None]), 4),
        "static shapes": lambda: tf.unsorted_segment_sum(t.feed(t.normal(3)), [0, 1], 4),
    }
    t.out(operations[kind]())


@case.each(name=SPARSE)
def sparse_segments(tf, t, name):
    function = find(tf, name)
    for dtype in ("float32", "float64"):
        x = t.feed(t.normal(4, 3, dtype=dtype))
        ys = [function(x, [0, 2, 1, 0], [0, 0, 1, 3]), function(x, [3, 3], [0, 2], num_segments=5)]
        t.out(*ys)
        t.grad(ys, x)
        t.forward_nodes = None
    loose = t.feed(t.normal(4, 3), [None, None])
    indices, ids = t.feed(np.array([3, 0, 0], "int32"), [None]), t.feed(np.array([0, 1, 1], "int32"), [None])
    z = t.out(function(loose, indices, ids, name="named"))
    t.grad(z, loose)
    t.end_of_forward()


@case.each(dtype=["int8", "int32", "int64", "uint8"])
def sparse_segments_of_integers(tf, t, dtype):
    x = t.feed(t.integers(1, 9, 4, 2, dtype=dtype))
    t.out(tf.sparse_segment_sum(x, [0, 2, 1], [0, 0, 2]))


@case.each(kind=["index", "not sorted", "lengths", "few segments", "empty"])
def wrong_sparse_segments(tf, t, kind):
    x = t.feed(t.normal(3, 2))
    operations = {
        "index": lambda: tf.sparse_segment_sum(x, [0, 3], [0, 1]),
        "not sorted": lambda: tf.sparse_segment_sum(x, [0, 1], [1, 0]),
        "lengths": lambda: tf.sparse_segment_sum(x, t.feed(np.array([0, 1], "int32"), [None]), [0]),
        "few segments": lambda: tf.sparse_segment_mean(x, [0, 1], [0, 3], num_segments=2),
        "empty": lambda: tf.sparse_segment_sum(x, t.feed(np.zeros([0], "int32")), t.feed(np.zeros([0], "int32"))),
    }
    t.out(operations[kind]())


# --- counting -----------------------------------------------------------------------------------------------------


@case
def bincounts(tf, t):
    x = t.feed(t.integers(0, 6, 12))
    t.out(
        tf.bincount(x),
        tf.bincount(x, minlength=9),
        tf.bincount(x, maxlength=3),
        tf.bincount(x, dtype=tf.float32),
        tf.bincount(x, weights=t.feed(t.normal(12)), minlength=2, maxlength=6),
        tf.bincount([1, 1, 0]),
    )
    t.out(tf.bincount(t.feed(np.zeros([0], "int32"), [None])), tf.bincount(t.feed(t.integers(0, 3, 2, 3))))


@case
def bincount_of_negative_numbers(tf, t):
    t.out(tf.bincount(t.feed(np.array([1, -1], "int32"))))


@case.each(dtype=["float32", "float64", "int32", "int64"])
def histograms(tf, t, dtype):
    x = t.feed((t.normal(50) * 5).astype(dtype))
    bounds = np.array([-4, 5], dtype)
    t.out(tf.histogram_fixed_width(x, bounds, nbins=7), tf.histogram_fixed_width(x, bounds, dtype=tf.int64))
    if dtype[0] == "f":
        t.out(tf.histogram_fixed_width_bins(x, bounds, nbins=7), tf.histogram_fixed_width_bins(x, bounds))


@case.each(kind=["range", "bins", "bins when run"])
def wrong_histograms(tf, t, kind):
    x = t.feed(t.normal(5))
    operations = {
        "range": lambda: tf.histogram_fixed_width(x, [1.0, 1.0]),
        "bins": lambda: tf.histogram_fixed_width(x, [0.0, 1.0], nbins=0),
        "bins when run": lambda: tf.histogram_fixed_width(x, [0.0, 1.0], nbins=t.feed(np.int32(-2))),
    }
    t.out(operations[kind]())


@case
def buckets(tf, t):
    for dtype in ("float32", "float64", "int32", "int64"):
        x = t.feed(np.array([[-5, 0, 1], [10, 11, 100]], dtype))
        t.out(tf.raw_ops.Bucketize(input=x, boundaries=[0, 1, 10.5]))


@case
def buckets_out_of_order(tf, t):
    t.out(tf.raw_ops.Bucketize(input=t.feed(np.float32(1)), boundaries=[1, 0]))


@case
def in_top_k(tf, t):
    p = t.feed(np.array([[1, 2, 2, 3], [1, np.inf, 2, 3], [1, 2, 3, 4], [np.nan, 1, 2, 3], [4, 3, 2, 1]], "float32"))
    for dtype in ("int32", "int64"):
        targets = t.feed(np.array([1, 0, 9, 3, 0], dtype))
        for k in (1, 2, 3):
            t.out(tf.nn.in_top_k(p, targets, k), tf.raw_ops.InTopK(predictions=p, targets=targets, k=k))
    t.out(tf.nn.in_top_k(p, [0, 1, 2, 3, 0], 1, name="named"))


@case
def in_top_k_of_wrong_shapes(tf, t):
    t.out(tf.nn.in_top_k(t.feed(t.normal(2, 3)), [0, 1, 2], 1))


# --- order --------------------------------------------------------------------------------------------------------


@case.each(dtype=["float32", "float64", "float16", "int8", "int32", "int64", "uint8", "uint16"])
def top_k(tf, t, dtype):
    """Of equal numbers the first one comes first."""
    x = t.feed(
        t.integers(0, 5, 3, 7, dtype=dtype) if dtype[0] in "iu" else t.integers(0, 5, 3, 7), dtype=tf.as_dtype(dtype)
    )
    for k in (0, 1, 3, 7):
        t.out(*tf.nn.top_k(x, k))
    t.out(*tf.nn.top_k(x))


@case
def top_k_gradients(tf, t):
    x = t.feed(t.random.permutation(24).reshape(2, 3, 4).astype("float32"))
    t.grad(t.out(tf.nn.top_k(x, 2).values), x)
    y = t.feed(t.random.permutation(12).reshape(3, 4).astype("float32"), [None, None])
    t.grad(t.out(tf.nn.top_k(y, t.feed(np.int32(3))).values), y)


@case.each(kind=["large", "large when run", "negative when run"])
def wrong_top_k(tf, t, kind):
    x = t.feed(t.normal(2, 3), [2, 3] if kind == "large" else None)
    t.out(tf.nn.top_k(x, {"large": 4, "large when run": 4}.get(kind, t.feed(np.int32(-1)))).values)


@case.each(dtype=["float32", "float64", "int32", "int64", "uint8", "uint16"])
def nth_elements(tf, t, dtype):
    x = t.feed(t.integers(0, 9, 3, 5, dtype=dtype))
    for n in (0, 2, 4):
        t.out(tf.raw_ops.NthElement(input=x, n=n), tf.raw_ops.NthElement(input=x, n=n, reverse=True))


@case
def nth_element_gradient(tf, t):
    x = t.feed(np.array([[1, 5, 2, 2], [4, 3, 2, 1]], "float32"))
    t.grad(t.out(tf.raw_ops.NthElement(input=x, n=1)), x)


@case
def sorting(tf, t):
    x = t.feed(t.normal(2, 3, 4))
    for axis in (-1, 0, 1, 2, -2):
        t.out(tf.sort(x, axis), tf.sort(x, axis, "DESCENDING"), tf.argsort(x, axis), tf.argsort(x, axis, "DESCENDING"))
    loose = t.feed(t.normal(2, 3), None)
    t.out(tf.sort(loose), tf.sort(loose, 0), tf.argsort(loose, -2, "DESCENDING", name="named"))
    t.out(tf.sort([3, 1, 2]), tf.argsort(t.feed(t.integers(0, 3, 6))))


@case.each(kind=["direction", "axis"])
def wrong_sorting(tf, t, kind):
    x = t.feed(t.normal(3))
    t.out(tf.sort(x, direction="UP") if kind == "direction" else tf.sort(x, axis=t.feed(np.int32(0))))


# --- clipping -----------------------------------------------------------------------------------------------------


@case
def clip_by_value(tf, t):
    x = t.feed(t.normal(3, 4))
    low, high = t.feed(np.float32(-0.5)), t.feed(t.random.uniform(0, 1, (4,)).astype("float32"))
    ys = [tf.clip_by_value(x, -1.0, 0.5), tf.clip_by_value(x, low, high), tf.clip_by_value(x, 0.2, 0.1, name="named")]
    t.out(*ys)
    t.grad(ys, [x, low, high])
    n = t.feed(t.integers(-9, 9, 4))
    t.out(tf.clip_by_value(n, -3, 3), tf.clip_by_value([1.0, 5.0], 2.0, 3.0))


@case
def clip_op(tf, t):
    x = t.feed(np.array([1, 5, np.nan, 2.5], "float32"))
    low, high = t.feed(np.float32(2)), t.feed(np.float32(3))
    t.out(
        tf.raw_ops.ClipByValue(t=x, clip_value_min=low, clip_value_max=high),
        tf.raw_ops.ClipByValue(t=x, clip_value_min=[2.0, 3, 4, 0], clip_value_max=[3.0, 4, 5, 1]),
        tf.raw_ops.ClipByValue(t=x, clip_value_min=5.0, clip_value_max=3.0),
    )


@case
def clip_op_gradient(tf, t):
    x = t.feed(t.normal(2))
    t.grad(tf.raw_ops.ClipByValue(t=x, clip_value_min=0.0, clip_value_max=1.0), x)


@case
def clip_to_a_larger_shape(tf, t):
    t.out(tf.clip_by_value(t.feed(t.normal(3)), np.zeros([2, 3], "float32"), 1.0))


@case
def clip_by_norm(tf, t):
    x = t.feed(t.normal(3, 4))
    ys = [
        tf.clip_by_norm(x, 1.5),
        tf.clip_by_norm(x, 100.0),
        tf.clip_by_norm(x, 1.0, axes=[1]),
        tf.clip_by_norm(x, 0.5, 0, "n"),
    ]
    t.out(*ys)
    t.grad(ys, x)
    zero = t.feed(np.zeros([3], "float32"))
    t.grad(tf.clip_by_norm(zero, 1.0), zero)


@case
def clip_by_average_norm(tf, t):
    x = t.feed(t.normal(3, 4))
    t.grad(t.out(tf.clip_by_average_norm(x, 0.1), tf.clip_by_average_norm(x, 5.0, name="named")), x)


@case
def clip_by_global_norm(tf, t):
    xs = [t.feed(t.normal(3, 4)), None, t.feed(t.normal(2))]
    clipped, norm = tf.clip_by_global_norm(xs, 1.0)
    t.out(clipped[0], clipped[2], norm, tf.global_norm(xs), tf.global_norm(xs, name="named"))
    large, _ = tf.clip_by_global_norm(xs, 100.0, use_norm=norm, name="again")
    t.out(large[0], large[2])
    bad, _ = tf.clip_by_global_norm([t.feed(np.array([np.inf, 1], "float32"))], 1.0)
    t.out(bad[0])
    t.grad([clipped[0], clipped[2]], [xs[0], xs[2]])


@case
def clip_slices(tf, t):
    slices = tf.IndexedSlices(t.feed(t.normal(2, 3)), tf.constant([0, 4]), tf.constant([6, 3]))
    t.out(
        tf.clip_by_norm(slices, 0.5).values,
        tf.clip_by_value(slices, -0.1, 0.1).values,
        tf.clip_by_global_norm([slices], 0.5)[0][0].values,
    )


@case.each(kind=["norm", "clip"])
def clip_no_list(tf, t, kind):
    x = t.feed(t.normal(2))
    t.out(tf.global_norm(x) if kind == "norm" else tf.clip_by_global_norm(x, 1.0)[1])


# --- confusion matrix ---------------------------------------------------------------------------------------------


@case
def confusion_matrices(tf, t):
    t.values_only()
    labels, predictions = t.feed(np.array([1, 2, 4, 2])), t.feed(np.array([2, 2, 4, 0], "int32"))
    t.out(
        tf.confusion_matrix(labels, predictions),
        tf.confusion_matrix(labels, predictions, 6),
        tf.confusion_matrix(labels, predictions, weights=[1, 2, 3, 4], dtype=tf.float32),
        tf.confusion_matrix(t.feed(np.array([[1], [2]])), t.feed(np.array([2, 1]))),
        tf.confusion_matrix(t.feed(np.array([[1], [2]]), None), t.feed(np.array([2, 1]), None)),
    )


@case.each(kind=["negative", "large", "shapes"])
def wrong_confusion_matrices(tf, t, kind):
    labels = t.feed(np.array([0, -1] if kind == "negative" else [0, 5]))
    t.out(tf.confusion_matrix(labels, [0, 1, 1] if kind == "shapes" else [0, 1], 3))
