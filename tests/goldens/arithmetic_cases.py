"""Arithmetic of two tensors, comparisons, bits and sums of many tensors, and their gradients."""

import numpy as np
from op_recording import Cases

case = Cases()

FLOATS = ["float16", "float32", "float64", "bfloat16"]
COMPLEX = ["complex64", "complex128"]
INTEGERS = ["int8", "int16", "int32", "int64", "uint8", "uint16"]
SPECIAL = np.array([0.0, -0.0, 1.0, -1.0, 2.5, -2.5, 1e-30, 1e30, np.inf, -np.inf, np.nan])

# Function, types of T that TensorFlow computes.
FUNCTIONS = [
    ("add", FLOATS + COMPLEX + ["int8", "int16", "int32", "int64", "uint8"]),
    ("subtract", FLOATS + COMPLEX + ["int8", "int16", "int32", "int64", "uint8", "uint16"]),
    ("multiply", FLOATS + COMPLEX + INTEGERS),
    ("truediv", FLOATS + COMPLEX + INTEGERS),
    ("div", FLOATS + COMPLEX + INTEGERS),
    ("realdiv", FLOATS + COMPLEX),
    ("floordiv", ["float16", "float32", "float64"] + INTEGERS),
    ("floor_div", ["float32", "int32"]),
    ("truncatediv", INTEGERS),
    ("floormod", ["float32", "float64", "int32", "int64"]),
    ("truncatemod", ["float32", "float64", "int32", "int64"]),
    ("maximum", ["float16", "float32", "float64", "int32", "int64"]),
    ("minimum", ["float16", "float32", "float64", "int32", "int64"]),
    ("squared_difference", ["float16", "float32", "float64", "int32", "int64"] + COMPLEX),
    ("div_no_nan", ["float32", "float64"] + COMPLEX),
    ("math.multiply_no_nan", ["float32", "float64"] + COMPLEX),
    ("math.xdivy", ["float32", "float64"] + COMPLEX),
    ("math.xlogy", ["float32", "float64"] + COMPLEX),
    ("pow", ["float16", "float32", "float64"] + COMPLEX + ["int32", "int64"]),
    ("math.nextafter", ["float32", "float64"]),
    ("atan2", ["float32", "float64"]),
]
NO_GRADIENT = {"floordiv", "floor_div", "truncatediv", "truncatemod"}
POSITIVE = {"pow", "math.xlogy"}
SAME_SHAPE = {"atan2"}


def find(tf, dotted):
    for name in dotted.split("."):
        tf = getattr(tf, name)
    return tf


def numbers(t, dtype, shape, positive=False):
    if dtype in INTEGERS:
        return (
            t.integers(1, 9, *shape, dtype=dtype)
            if positive or dtype[0] == "u"
            else (t.integers(1, 9, *shape, dtype=dtype) * t.random.choice([-1, 1], shape).astype(dtype))
        )
    values = t.random.uniform(0.5, 3, shape)
    if not positive:
        values = values * t.random.choice([-1, 1], shape)
    return values + 1j * t.random.uniform(-1, 1, shape) if dtype in COMPLEX else values


def _define(name, dtypes):
    for dtype in dtypes:

        def check(tf, t, dtype=dtype):
            kind = tf.as_dtype(dtype)
            positive = name in POSITIVE
            x = t.feed(numbers(t, dtype, (2, 3), positive), [2, 3], kind)
            y = t.feed(numbers(t, dtype, (2, 3), positive), [2, 3], kind)
            z = t.out(find(tf, name)(x, y))
            if dtype in INTEGERS or name in NO_GRADIENT:
                return
            t.grad(z, [x, y], second=dtype in ("float32", "float64") and name not in ("math.nextafter", "div"))

        case.add("%s[%s]" % (name, dtype), check)


for _row in FUNCTIONS:
    _define(*_row)

BROADCASTS = [((2, 3), (3,)), ((3,), (2, 3)), ((), (2, 3)), ((2, 1), (1, 3)), ((1,), ()), ((4, 1, 3), (2, 1))]


@case.each(name=[row[0] for row in FUNCTIONS if row[0] not in SAME_SHAPE])
def broadcasting(tf, t, name):
    """With known and with unknown static shapes."""
    dtype = "float32" if name != "truncatediv" else "int32"
    for shape_x, shape_y in BROADCASTS:
        values = [numbers(t, dtype, s, name in POSITIVE).astype(dtype) for s in (shape_x, shape_y)]
        x, y = t.feed(values[0]), t.feed(values[1])
        z = t.out(find(tf, name)(x, y))
        loose_x, loose_y = t.feed(values[0], [None] * len(shape_x)), t.feed(values[1], None)
        w = t.out(find(tf, name)(loose_x, loose_y))
        if name not in NO_GRADIENT:
            t.grad(z, [x, y])
            t.grad(w, [loose_x, loose_y])
            t.forward_nodes = None
    t.end_of_forward()


@case.each(
    name=[row[0] for row in FUNCTIONS if row[0] not in ("truncatediv", "math.multiply_no_nan", "math.nextafter")]
)
def special_values(tf, t, name):
    x, y = np.meshgrid(SPECIAL, SPECIAL)
    if name in ("floormod", "truncatemod"):
        x, y = x[np.isfinite(x) & (np.abs(x) < 1e20)], y[np.isfinite(x) & (np.abs(x) < 1e20)]
    for dtype in ("float32", "float64"):
        t.out(find(tf, name)(t.feed(x.astype(dtype)), t.feed(y.astype(dtype))))


@case.each(name=["maximum", "minimum"])
def special_constants(tf, t, name):
    x = t.feed(SPECIAL.astype("float32"))
    t.out(find(tf, name)(x, 0.5), find(tf, name)(0.5, x), find(tf, name)(x, np.float32(np.nan)))


@case.each(name=[row[0] for row in FUNCTIONS])
def empty(tf, t, name):
    dtype = "float32" if name != "truncatediv" else "int32"
    x = t.feed(np.zeros([0, 3], dtype), [None, 3])
    t.out(find(tf, name)(x, np.ones([3], dtype)), find(tf, name)(np.ones([1, 3], dtype), x, name="named"))


@case
def operators(tf, t):
    x, y = t.feed(t.normal(2, 3)), t.feed(t.normal(3))
    t.out(
        x + y,
        x - y,
        x * y,
        x / y,
        x // y,
        x % y,
        x**2.0,
        x + 1,
        1 + x,
        x - 1,
        1 - x,
        x * 2,
        2 * x,
        x / 2,
        2 / x,
        x // 2,
        2 // x,
        x % 2,
        2 % x,
        2.0**x,
        x + [1.0, 2.0, 3.0],
        x + np.float32(3),
        x * np.ones([2, 1]),
        x + True,
    )


@case
def operators_of_integers(tf, t):
    x = t.feed(t.integers(1, 9, 4))
    t.out(x / 2, x // 2, x % 3, x + x, x * np.int32(3), x**2, 7 / x)


@case
def operators_in_scopes(tf, t):
    x = t.feed(t.normal(3))
    with tf.name_scope("outer"):
        y = x + 1.0
        with tf.name_scope("inner"):
            z = y * x / 2.0
    with tf.control_dependencies([y]):
        t.out(z - 1.0, x + y)


@case
def comparison_operators(tf, t):
    x = t.feed(t.integers(0, 4, 6))
    t.out(x < 2, x <= 2, x > 2, x >= 2, 2 < x, x < x)  # noqa: SIM300
    a, b = x > 1, x < 3
    t.out(a & b, a | b, a ^ b, ~a, a & True, False | a, True ^ a)


@case.each(kind=["float of int", "int of float", "string", "none", "different", "bool"])
def wrong_operands(tf, t, kind):
    x = t.feed(t.integers(0, 4, 3))
    y = t.feed(t.normal(3))
    operations = {
        "float of int": lambda: x + 1.5,
        "int of float": lambda: y + 1,
        "string": lambda: x + "a",
        "none": lambda: x + None,
        "different": lambda: x * y,
        "bool": lambda: t.feed(np.array([True])) + True,
    }
    t.out(operations[kind]())


@case.each(kind=["shapes", "types", "truediv", "div", "scalar_mul", "sequence first"])
def wrong_arguments(tf, t, kind):
    x, y = t.feed(t.normal(2, 3)), t.feed(t.normal(2))
    operations = {
        "shapes": lambda: tf.add(x, y),
        "types": lambda: tf.multiply(2, x),
        "truediv": lambda: tf.truediv(x, [1, 2, 3]),
        "div": lambda: tf.div(x, tf.constant([1, 2, 3])),
        "scalar_mul": lambda: tf.scalar_mul([1.0, 2.0], x),
        "sequence first": lambda: tf.truediv([1, 2], tf.constant([1.0, 2.0])),
    }
    t.out(operations[kind]())


@case.each(kind=["floordiv", "floormod", "div", "pow", "shape"])
def failures_when_run(tf, t, kind):
    x = t.feed(np.array([1, -2], "int32"))
    zero = t.feed(np.array([1, 0], "int32"))
    wrong = t.feed(np.array([1, 2, 3], "int32"), [None])
    operations = {
        "floordiv": lambda: x // zero,
        "floormod": lambda: x % zero,
        "div": lambda: tf.div(x, zero),
        "pow": lambda: tf.pow(zero, x),
        "shape": lambda: x + wrong,
    }
    t.out(operations[kind]())


@case.each(dtype=INTEGERS)
def overflow(tf, t, dtype):
    """Integers wrap around."""
    limits = np.iinfo(dtype)
    x = t.feed(np.array([limits.min, limits.max, limits.max // 2 + 1, 3], dtype))
    t.out(x * x, x - np.array(7, dtype))
    if dtype != "uint16":
        t.out(x + x)


@case
def integer_power(tf, t):
    x, y = t.feed(np.array([2, 3, -2, 0, 1], "int32")), t.feed(np.array([31, 40, 3, 0, 5], "int32"))
    t.out(tf.pow(x, y), tf.pow(x, 2))


@case
def power_of_constants(tf, t):
    x = t.feed(np.array([0.0, 0.5, 2.0, -1.5, np.inf], "float32"))
    for exponent in (0.0, 0.5, 1.0, 2.0, 3.0, -0.5, -1.0, -2.0, 2.5):
        y = t.out(tf.pow(x, exponent))
        t.grad(y, x)


@case
def power_gradient_at_zero(tf, t):
    x, y = t.feed(np.array([0.0, 0.0, -1.0], "float32")), t.feed(np.array([2.0, 0.0, 2.0], "float32"))
    t.grad(t.out(tf.pow(x, y)), [x, y])


@case
def sums_of_strings(tf, t):
    x = t.feed(np.array(["a", "bc"], object), dtype=tf.string)
    t.out(x + "d", tf.add("e", x), x + x, tf.equal(x, "a"), tf.not_equal(x, ["a", "c"]))


@case
def divide(tf, t):
    x = t.feed(t.integers(1, 9, 3))
    t.out(
        tf.divide(x, 2),
        tf.divide(x, 2, name="named"),
        tf.divide(6.0, tf.cast(x, tf.float32)),
        tf.math.divide_no_nan(tf.constant([1.0, 2.0]), [0.0, 4.0]),
    )


@case
def scalar_products(tf, t):
    x = t.feed(t.normal(2, 2))
    slices = tf.IndexedSlices(x, tf.constant([0, 3]), tf.constant([5, 2]))
    t.out(tf.scalar_mul(2.0, x), tf.scalar_mul(2.0, slices).values, tf.math.scalar_mul(tf.constant(3.0), x, name="n"))


@case
def polynomials(tf, t):
    x = t.feed(t.normal(3))
    t.grad(t.out(tf.math.polyval([2.0, x, tf.constant(1.0)], x)), x)
    t.out(
        tf.math.polyval([], x),
        tf.math.polyval([3.0], x),
        tf.math.reciprocal_no_nan(t.feed(np.array([0, 2.0], "float32"))),
    )


@case
def logical_functions(tf, t):
    x, y = t.feed(np.array([[True], [False]])), t.feed(np.array([True, False]))
    t.out(tf.logical_and(x, y), tf.logical_or(x, y), tf.logical_xor(x, y), tf.logical_and(x, True, name="n"))


COMPARISONS = ["equal", "not_equal", "less", "less_equal", "greater", "greater_equal"]


@case.each(name=COMPARISONS)
def comparisons(tf, t, name):
    function = find(tf, name)
    x, y = np.meshgrid(SPECIAL, SPECIAL)
    t.out(
        function(t.feed(x), t.feed(y)),
        function(t.feed(x.astype("float32")), 1.0),
        function(np.array(1.0), tf.constant(x)),
    )
    for dtype in ["int8", "int16", "int32", "int64", "uint8"]:
        t.out(function(t.feed(np.arange(4, dtype=dtype)), t.feed(np.full([2, 1], 2, dtype))))
    for dtype in ["float16", "bfloat16"]:
        t.out(function(t.feed([1.0, 2.0, 3.0], dtype=tf.as_dtype(dtype)), tf.constant(2.0, tf.as_dtype(dtype))))


@case.each(name=["equal", "not_equal"])
def equality_of_other_types(tf, t, name):
    function = find(tf, name)
    t.out(function(t.feed(np.array([1 + 2j, 2])), 1 + 2j), function(t.feed(np.array([True, False])), True))


@case
def approximately_equal(tf, t):
    x = t.feed(np.array([1.0, 2.0, np.nan], "float32"))
    t.out(tf.raw_ops.ApproximateEqual(x=x, y=tf.constant([1.00001, 2.1, np.nan]), tolerance=0.01))


@case
def broadcast_gradient_args(tf, t):
    pairs = [
        ([2, 1], [2, 1]),
        ([2, 1], [1, 1]),
        ([3, 1, 5], [1, 1]),
        ([], [2, 1]),
        ([1], []),
        ([2, 3], [3]),
        ([1, 1, 1], [1, 1]),
        ([2, 0], [2, 1]),
        ([0, 1], [1]),
        ([5, 1, 3, 1], [5, 4, 1, 1]),
    ]
    for a, b in pairs:
        r = tf.raw_ops.BroadcastGradientArgs(
            s0=t.feed(np.array(a, "int32"), [None]), s1=t.feed(np.array(b, "int32"), [None])
        )
        t.out(*r)


# --- bits ---------------------------------------------------------------------------------------------------------


@case.each(dtype=["int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"])
def bits(tf, t, dtype):
    limits = np.iinfo(dtype)
    x = t.feed(np.array([limits.min, limits.max, 5, 12, 1], dtype))
    y = t.feed(np.array([3, 10, 6, 1, 2], dtype))
    b = tf.bitwise
    t.out(
        b.bitwise_and(x, y),
        b.bitwise_or(x, y),
        b.bitwise_xor(x, y),
        b.invert(x),
        b.left_shift(x, y),
        b.right_shift(x, y),
        b.bitwise_and(x, np.array(4, dtype)),
    )
    if dtype not in ("uint32", "uint64"):
        t.out(tf.raw_ops.PopulationCount(x=x))


@case.each(dtype=["int8", "int32", "int64", "uint8"])
def long_shifts(tf, t, dtype):
    x = t.feed(np.array([1, 100, 100, 1], dtype))
    y = t.feed(np.array([7, 70, 100, 8], dtype))
    t.out(tf.bitwise.left_shift(x, y), tf.bitwise.right_shift(x, y))


@case
def negative_shifts(tf, t):
    x, y = t.feed(np.array([1, -8, 100], "int32")), t.feed(np.array([-1, -2, -100], "int32"))
    t.out(tf.bitwise.left_shift(x, y), tf.bitwise.right_shift(x, y))


@case.each(dtype=["float32", "float64", "int8", "int32", "int64", "bool"])
def compare_and_bitpack(tf, t, dtype):
    x = t.feed(t.integers(0 if dtype == "bool" else -3, 2 if dtype == "bool" else 3, 2, 16, dtype=dtype))
    t.out(tf.raw_ops.CompareAndBitpack(input=x, threshold=np.array(0, dtype)))


# --- sums of many tensors -----------------------------------------------------------------------------------------


@case.each(dtype=["float32", "float64", "float16", "int32", "int64", "uint8", "complex64"])
def add_n(tf, t, dtype):
    xs = [
        t.feed(
            t.integers(-5, 5, 2, 3, dtype="int32") if dtype[0] in "iu" else t.normal(2, 3),
            [None, 3],
            tf.as_dtype(dtype),
        )
        if dtype != "uint8"
        else t.feed(t.integers(0, 200, 2, 3, dtype="uint8"))
        for _ in range(4)
    ]
    for count in (1, 2, 3, 4):
        t.out(tf.add_n(xs[:count]))
    y = t.out(tf.add_n(xs + xs * 6, name="many"))
    if dtype[0] == "f":
        t.grad(y, xs)


@case
def accumulate_n(tf, t):
    xs = [t.feed(t.normal(2, 3)) for _ in range(3)]
    y = t.out(tf.accumulate_n(xs))
    t.out(
        tf.accumulate_n(xs[:1]),
        tf.accumulate_n(xs[:1], name="one"),
        tf.accumulate_n(xs, shape=[2, 3], tensor_dtype=tf.float32),
    )
    t.grad(y, xs)


@case.each(kind=["empty", "shapes", "types", "accumulate types", "accumulate shape", "accumulate dtype"])
def wrong_sums(tf, t, kind):
    x, y = t.feed(t.normal(2)), t.feed(t.normal(3))
    n = t.feed(t.integers(0, 3, 2))
    operations = {
        "empty": lambda: tf.add_n([]),
        "shapes": lambda: tf.add_n([x, y]),
        "types": lambda: tf.add_n([x, n]),
        "accumulate types": lambda: tf.accumulate_n([x, n]),
        "accumulate shape": lambda: tf.accumulate_n([x, y]),
        "accumulate dtype": lambda: tf.accumulate_n([x, x], tensor_dtype=tf.int32),
    }
    t.out(operations[kind]())


@case
def sum_of_slices(tf, t):
    slices = tf.IndexedSlices(t.feed(t.normal(2, 2)), tf.constant([0, 2]), tf.constant([3, 2]))
    dense = t.feed(t.normal(3, 2))
    t.values_only()
    t.out(tf.add_n([slices, dense]), tf.add_n([slices]))
