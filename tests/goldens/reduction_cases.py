"""Reductions, positions of extrema, scans and ranges, and their gradients."""

import numpy as np
from op_recording import Cases

case = Cases()

REDUCTIONS = ["reduce_sum", "reduce_mean", "reduce_prod", "reduce_max", "reduce_min"]
OTHERS = ["reduce_logsumexp", "math.reduce_variance", "math.reduce_std", "math.reduce_euclidean_norm"]
AXES = [None, 0, 1, -1, [0], [0, 2], [0, 1, 2], [-1, 0], []]
NO_GRADIENT = {"math.reduce_euclidean_norm"}


def find(tf, dotted):
    for name in dotted.split("."):
        tf = getattr(tf, name)
    return tf


@case.each(name=REDUCTIONS + OTHERS)
def axes(tf, t, name):
    """With and without keeping the axes, of known shape."""
    function = find(tf, name)
    x = t.feed(t.random.uniform(0.5, 2, (2, 3, 4)).astype("float32"))
    ys = [function(x, axis, keepdims=keep) for axis in AXES for keep in (False, True)]
    t.out(*ys)
    if name not in NO_GRADIENT:
        t.grad(ys, x)


@case.each(name=REDUCTIONS + OTHERS)
def unknown_shapes(tf, t, name):
    function = find(tf, name)
    value = t.random.uniform(0.5, 2, (2, 3, 4)).astype("float32")
    for static in ([None, 3, 4], [None, None, None], None):
        x = t.feed(value, static)
        ys = [function(x, axis) for axis in (None, 0, [1, 2], -1)] + [function(x, 1, keepdims=True)]
        t.out(*ys)
        for y in ys if name not in NO_GRADIENT else []:
            t.grad(y, x)
        t.forward_nodes = None
    t.end_of_forward()


@case.each(name=REDUCTIONS)
def second_gradients(tf, t, name):
    x = t.feed(t.random.uniform(0.5, 2, (2, 3)).astype("float64"))
    t.grad(t.out(find(tf, name)(tf.square(x), 1)), x, second=True)


@case.each(
    dtype=[
        "float16",
        "float64",
        "bfloat16",
        "int8",
        "int16",
        "int32",
        "int64",
        "uint8",
        "uint16",
        "complex64",
        "complex128",
    ]
)
def types(tf, t, dtype):
    values = t.integers(0, 5, 3, 4) if dtype[0] in "ui" else t.random.uniform(0.5, 2, (3, 4))
    if dtype[0] == "i":
        values = values - 2
    if dtype[0] == "c":
        values = values + 1j * t.random.uniform(-1, 1, (3, 4))
    x = t.feed(values, dtype=tf.as_dtype(dtype))
    t.out(tf.reduce_sum(x), tf.reduce_sum(x, 1), tf.reduce_mean(x, 0), tf.reduce_prod(x), tf.reduce_prod(x, [0]))
    if dtype[0] != "c":
        t.out(tf.reduce_max(x), tf.reduce_min(x, 1, keepdims=True), tf.argmax(x, 1), tf.argmin(x))
    if dtype[0] in "fbc":
        t.grad([tf.reduce_sum(x, 0), tf.reduce_mean(x, 1)], x)


@case.each(dtype=["int8", "uint8", "int32", "int64"])
def overflow(tf, t, dtype):
    """Sums and products wrap around; a mean is of the wrapped sum."""
    top = np.iinfo(dtype).max
    x = t.feed(np.array([top, top, 3], dtype))
    t.out(tf.reduce_sum(x), tf.reduce_prod(x))
    if dtype != "int64":
        t.out(tf.reduce_mean(x))


@case
def means_of_integers(tf, t):
    x = t.feed(np.array([[-1, -2], [1, 2], [7, -8]], "int32"))
    t.out(tf.reduce_mean(x), tf.reduce_mean(x, 0), tf.reduce_mean(x, 1))


@case
def over_nothing(tf, t):
    for dtype in ("float32", "int32"):
        x = t.feed(np.zeros([0, 3], dtype), [None, 3])
        t.out(
            tf.reduce_sum(x),
            tf.reduce_sum(x, 0),
            tf.reduce_sum(x, 1),
            tf.reduce_prod(x, 0),
            tf.reduce_max(x, 0),
            tf.reduce_min(x, 0),
            tf.reduce_mean(x, 0),
            tf.reduce_max(x, 1),
            tf.reduce_mean(x, 1, keepdims=True),
        )
    b = t.feed(np.zeros([0, 2], bool), [None, 2])
    t.out(tf.reduce_all(b), tf.reduce_any(b), tf.reduce_all(b, 0), tf.reduce_any(b, 0, keepdims=True))


@case
def of_nothing_known(tf, t):
    """Gradients of means over axes of size 0."""
    x = t.feed(np.zeros([0, 3], "float32"))
    t.grad([tf.reduce_sum(x, 0), tf.reduce_mean(x, 0)], x)


@case
def special_values(tf, t):
    """A NaN is no extremum; sums of infinities."""
    nan, inf = np.nan, np.inf
    x = t.feed(np.array([[nan, 1, 2], [1, nan, 0.5], [1, 2, nan], [-inf, inf, 3]], "float32"))
    t.out(
        tf.reduce_max(x, 1),
        tf.reduce_min(x, 1),
        tf.reduce_sum(x, 1),
        tf.reduce_max(x),
        tf.argmax(x, 1),
        tf.argmin(x, 1),
    )
    y = t.feed(np.array([nan, nan], "float32"))
    t.out(tf.reduce_max(y), tf.reduce_min(y), tf.argmax(y))


@case
def scalars(tf, t):
    x = t.feed(np.float32(3))
    t.out(tf.reduce_sum(x), tf.reduce_max(x, []), tf.reduce_mean(2.0), tf.argmax([3, 5]), tf.reduce_prod([2, 3]))
    t.grad(tf.reduce_sum(x) + tf.reduce_mean(x), x)


@case
def booleans(tf, t):
    x = t.feed(np.array([[True, False], [True, True]]))
    for function in (tf.reduce_all, tf.reduce_any):
        t.out(function(x), function(x, 0), function(x, [1]), function(x, [0, 1], keepdims=True), function(x, name="n"))


@case
def old_argument_names(tf, t):
    x = t.feed(t.random.uniform(0.5, 2, (2, 3)).astype("float32"))
    t.out(
        tf.reduce_sum(x, reduction_indices=[1]),
        tf.reduce_mean(x, reduction_indices=0, keep_dims=True),
        tf.reduce_max(x, keep_dims=True),
        tf.argmax(x, dimension=1),
        tf.reduce_logsumexp(x, reduction_indices=1),
        tf.arg_max(x, 0),
        tf.arg_min(x, 1),
        tf.count_nonzero(x, reduction_indices=[0]),
    )


@case.each(kind=["both axes", "both keepdims", "axis", "argmax axis", "argmax both", "type", "count both"])
def wrong_arguments(tf, t, kind):
    x = t.feed(t.normal(2, 3))
    operations = {
        "both axes": lambda: tf.reduce_sum(x, axis=0, reduction_indices=0),
        "both keepdims": lambda: tf.reduce_sum(x, keepdims=True, keep_dims=True),
        "axis": lambda: tf.reduce_sum(x, 5),
        "argmax axis": lambda: tf.argmax(x, 2),
        "argmax both": lambda: tf.argmax(x, 0, dimension=1),
        "type": lambda: tf.reduce_sum(tf.constant([True])),
        "count both": lambda: tf.count_nonzero(x, input=x),
    }
    t.out(operations[kind]())


@case
def axes_as_tensors(tf, t):
    x = t.feed(t.random.uniform(0.5, 2, (2, 3)).astype("float32"))
    axis = t.feed(np.array([1], "int32"))
    many = t.feed(np.array([0, 1], "int64"), [None])
    ys = [
        tf.reduce_sum(x, axis),
        tf.reduce_max(x, many),
        tf.reduce_mean(x, axis, keepdims=True),
        tf.reduce_prod(x, axis),
    ]
    t.out(*ys)
    t.grad(ys, x)
    t.out(tf.argmax(x, t.feed(np.int32(1))))


@case
def of_lists(tf, t):
    t.out(tf.reduce_sum([[1, 2], [3, 4]]), tf.reduce_max([1.0, 3.0]), tf.reduce_sum(np.ones([2, 3]), 0))


@case
def extremum_gradients(tf, t):
    """Equal extrema share the gradient."""
    x = t.feed(np.array([[1, 3, 3], [2, 2, 2]], "float32"))
    t.grad([tf.reduce_max(x, 1), tf.reduce_min(x, 1)], x)
    t.grad([tf.reduce_max(x)], x)


@case
def product_gradients(tf, t):
    """Of products with zeros."""
    x = t.feed(np.array([[0, 3, 2], [0, 2, 0], [1, 4, 5]], "float32"))
    t.grad([tf.reduce_prod(x, 1)], x)
    t.grad([tf.reduce_prod(x), tf.reduce_prod(x, [0, 1])], x)


@case
def count_nonzero(tf, t):
    x = t.feed(np.array([[0, 1, 2], [0, 0, 3]], "float32"))
    t.out(
        tf.count_nonzero(x),
        tf.count_nonzero(x, 0),
        tf.count_nonzero(x, axis=1, keepdims=True, dtype=tf.int32),
        tf.count_nonzero(input=x, name="named"),
        tf.count_nonzero(t.feed(np.array([True, False]))),
    )


@case
def count_strings(tf, t):
    t.out(tf.count_nonzero(t.feed(np.array(["", "a"], object), dtype=tf.string)))


@case
def logsumexp_of_infinities(tf, t):
    inf = np.inf
    x = t.feed(np.array([[-inf, -inf], [inf, 1], [1000, 1000], [-1000, -1000]], "float32"))
    t.out(tf.reduce_logsumexp(x, 1), tf.reduce_logsumexp(x, 1, keepdims=True))


@case
def argmax(tf, t):
    x = t.feed(t.integers(0, 4, 3, 4, 5))
    for axis in (None, 0, 1, 2, -1, -3):
        t.out(tf.argmax(x, axis), tf.argmin(x, axis, output_type=tf.int32))
    y = t.feed(np.zeros([2, 3], "float32"), None)
    t.out(tf.argmax(y, 1), tf.argmin(y, 0))
    t.grad(tf.cast(tf.argmax(y, 1), tf.float32) + tf.reduce_sum(y), y)


@case
def argmax_of_nothing(tf, t):
    t.out(tf.argmax(t.feed(np.zeros([0, 3], "float32"), [None, 3]), 0))


# --- scans --------------------------------------------------------------------------------------------------------


@case.each(name=["cumsum", "cumprod", "math.cumulative_logsumexp"])
def scans(tf, t, name):
    function = find(tf, name)
    x = t.feed(t.random.uniform(0.5, 2, (2, 3, 4)).astype("float32"))
    ys = [
        function(x, axis, exclusive, reverse)
        for axis in (0, 1, -1)
        for exclusive in (False, True)
        for reverse in (False, True)
    ]
    ys.append(function(x))
    t.out(*ys)
    smooth = [y for i, y in enumerate(ys) if name != "math.cumulative_logsumexp" or i % 4 < 2]
    t.grad(smooth, x)


@case.each(dtype=["float16", "float64", "int8", "int32", "int64", "uint8", "uint16", "complex64", "bfloat16"])
def scans_of_types(tf, t, dtype):
    values = t.integers(0, 9, 3, 4) if dtype[0] in "iu" else t.random.uniform(0.5, 2, (3, 4))
    x = t.feed(values, dtype=tf.as_dtype(dtype))
    t.out(tf.cumsum(x), tf.cumprod(x, 1), tf.cumsum(x, 1, exclusive=True), tf.cumprod(x, 0, reverse=True))


@case
def scans_of_nothing(tf, t):
    x = t.feed(np.zeros([0, 3], "float32"), [None, 3])
    t.out(
        tf.cumsum(x),
        tf.cumprod(x, 1, exclusive=True),
        tf.cumsum(t.feed(t.normal(3)), t.feed(np.int32(0))),
        tf.cumsum([1, 2, 3]),
    )


@case
def scan_of_a_wrong_axis(tf, t):
    t.out(tf.cumsum(t.feed(t.normal(3)), 1))


# --- ranges -------------------------------------------------------------------------------------------------------


@case
def ranges(tf, t):
    t.out(
        tf.range(5),
        tf.range(2, 7),
        tf.range(2, 9, 3),
        tf.range(9, 2, -3),
        tf.range(3, 3),
        tf.range(0.0, 1.0, 0.1),
        tf.range(5.0, 0.0, -0.7),
        tf.range(0.0, 0.3, 0.1),
        tf.range(5, dtype=tf.float32),
        tf.range(0, 4, 0.5),
        tf.range(tf.constant(3, tf.int64)),
        tf.range(1, 4, name="named"),
        tf.range(0.0, 10.0, 0.3, dtype=tf.float64),
    )


@case
def ranges_of_fed_limits(tf, t):
    n = t.feed(np.int32(4))
    x = t.feed(np.float32(0.25))
    t.out(tf.range(n), tf.range(1, n), tf.range(n, 0, -1), tf.range(0.0, 1.0, x), tf.range(tf.shape(tf.zeros([n]))[0]))


@case.each(kind=["zero", "sign", "vector", "sign when run"])
def wrong_ranges(tf, t, kind):
    operations = {
        "zero": lambda: tf.range(0, 5, 0),
        "sign": lambda: tf.range(0, 5, -1),
        "vector": lambda: tf.range([1, 2]),
        "sign when run": lambda: tf.range(0, t.feed(np.int32(-5))),
    }
    t.out(operations[kind]())


@case
def line_spaces(tf, t):
    t.out(
        tf.linspace(0.0, 1.0, 11),
        tf.lin_space(1.0, 2.0, 7),
        tf.linspace(3.0, -1.0, 1),
        tf.linspace(0.0, 1.0, 2),
        tf.linspace(tf.constant(0.0, tf.float64), 1.0, 5, name="named"),
        tf.linspace(0.0, t.feed(np.float32(2)), 3),
        tf.linspace(0.0, 1.0, t.feed(np.int32(4))),
    )


@case.each(kind=["none", "negative when run"])
def wrong_line_spaces(tf, t, kind):
    operations = {
        "none": lambda: tf.linspace(0.0, 1.0, 0),
        "negative when run": lambda: tf.linspace(0.0, 1.0, t.feed(np.int32(-1))),
    }
    t.out(operations[kind]())


@case
def shapes_from_arithmetic(tf, t):
    """Static shapes see through arithmetic on shapes that are known."""
    x = t.feed(t.normal(2, 3, 4))
    n = tf.shape(x)[0] * tf.shape(x)[1]
    y = t.feed(t.normal(24), [None])
    t.out(
        tf.reshape(y, [n, 4]),
        tf.reshape(y, [tf.reduce_prod(tf.shape(x)[:2]), -1]),
        tf.zeros([n + 1, n // 2]),
        tf.range(n - 2),
        tf.fill([tf.maximum(n, 7)], 1.0),
        tf.reshape(y, [-1, tf.cast(n, tf.int32) % 5 + 3]),
    )
