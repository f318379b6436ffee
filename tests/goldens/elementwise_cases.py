"""Elementwise functions of one tensor, and their gradients."""

import numpy as np
from op_recording import Cases

case = Cases()

REAL = ["float16", "float32", "float64", "bfloat16"]
COMPLEX = ["complex64", "complex128"]

# Function, types, least and greatest input.
FUNCTIONS = [
    ("abs", REAL + ["int32", "int64"], -3, 3),
    ("negative", REAL + COMPLEX + ["int32", "int64"], -3, 3),
    ("sign", REAL + COMPLEX + ["int32", "int64"], -3, 3),
    ("square", REAL + COMPLEX + ["int32", "int64"], -3, 3),
    ("sqrt", REAL + COMPLEX, 0.1, 4),
    ("rsqrt", REAL + COMPLEX, 0.1, 4),
    ("reciprocal", REAL + COMPLEX, 0.3, 4),
    ("exp", REAL + COMPLEX, -3, 3),
    ("math.expm1", REAL + COMPLEX, -1, 1),
    ("math.log", REAL + COMPLEX, 0.2, 5),
    ("math.log1p", REAL + COMPLEX, -0.5, 2),
    ("floor", REAL, -3, 3),
    ("ceil", REAL, -3, 3),
    ("rint", REAL, -3, 3),
    ("round", REAL + ["int32", "int64"], -3, 3),
    ("sin", REAL + COMPLEX, -3, 3),
    ("cos", REAL + COMPLEX, -3, 3),
    ("tan", ["float32", "float64"] + COMPLEX, -1, 1),
    ("asin", ["float32", "float64"], -0.9, 0.9),
    ("acos", ["float32", "float64"], -0.9, 0.9),
    ("atan", ["float32", "float64"], -3, 3),
    ("sinh", ["float32", "float64"] + COMPLEX, -2, 2),
    ("cosh", ["float32", "float64"] + COMPLEX, -2, 2),
    ("tanh", REAL + COMPLEX, -2, 2),
    ("asinh", ["float32", "float64"] + COMPLEX, -2, 2),
    ("acosh", ["float32", "float64"] + COMPLEX, 1.2, 4),
    ("atanh", ["float32", "float64"] + COMPLEX, -0.9, 0.9),
    ("sigmoid", REAL + COMPLEX, -4, 4),
    ("nn.relu", REAL, -2, 2),
    ("nn.relu6", REAL, -3, 9),
    ("nn.elu", REAL, -2, 2),
    ("nn.selu", REAL, -2, 2),
    ("nn.leaky_relu", ["float16", "float32", "float64"], -2, 2),
    ("nn.softplus", REAL, -4, 4),
    ("nn.softsign", REAL, -4, 4),
    ("log_sigmoid", ["float32", "float64"], -4, 4),
    ("math.lgamma", ["float16", "float32", "float64"], 0.2, 5),
    ("math.digamma", ["float32", "float64"], 0.2, 5),
    ("math.erf", REAL, -2, 2),
    ("math.erfc", REAL, -2, 2),
    ("math.bessel_i0e", ["float32", "float64"], -3, 3),
    ("math.bessel_i1e", ["float32", "float64"], -3, 3),
    ("math.bessel_i0", ["float32", "float64"], -3, 3),
    ("math.bessel_i1", ["float32", "float64"], -3, 3),
]
NO_SECOND = {"nn.softsign", "sign", "floor", "ceil", "rint", "round", "math.digamma"}


def find(tf, dotted):
    for name in dotted.split("."):
        tf = getattr(tf, name)
    return tf


def numbers(t, low, high, dtype, *shape):
    real = t.random.uniform(low, high, shape)
    if dtype.startswith("complex"):
        return (real + 1j * t.random.uniform(-1, 1, shape)).astype(dtype)
    return np.rint(real).astype(dtype) if dtype.startswith("int") else real


def _define(name, dtypes, low, high):
    for dtype in dtypes:

        def check(tf, t, dtype=dtype):
            x = t.feed(numbers(t, low, high, dtype, 3, 4), [None, 4], tf.as_dtype(dtype))
            y = t.out(find(tf, name)(x))
            if not dtype.startswith("int"):
                t.grad(y, x, second=name not in NO_SECOND and dtype in ("float32", "float64"))

        case.add("%s[%s]" % (name, dtype), check)


for _row in FUNCTIONS:
    _define(*_row)


SPECIAL = np.array([0.0, -0.0, 1.0, -1.0, 0.5, -0.5, 1.5, 2.5, -2.5, 1e-30, -1e-30, 1e30, np.inf, -np.inf, np.nan])


@case.each(name=[row[0] for row in FUNCTIONS])
def special_values(tf, t, name):
    """Infinities, NaN, zeros, halves."""
    # Of -0 the inverse root is -inf for one kernel of TensorFlow's and inf for another.
    values = np.delete(SPECIAL, 1) if name == "rsqrt" else SPECIAL
    for dtype in ("float32", "float64"):
        t.out(find(tf, name)(t.feed(values.astype(dtype))))


@case.each(name=[row[0] for row in FUNCTIONS])
def empty_and_scalar(tf, t, name):
    function = find(tf, name)
    x = t.feed(np.zeros([0, 3], "float32"))
    t.out(
        function(x),
        function(t.feed(np.float32(0.75))),
        function([0.25, 0.5]),
        function(0.5, name="named") if name != "nn.leaky_relu" else function(0.5, alpha=0.1, name="named"),
    )


@case
def gradients_at_special_points(tf, t):
    """dy is zero in every second place: where it is, the gradients of roots are too, even at 0."""
    dy = tf.constant([0.0, 1.0, 0.0, 1.0, 0.0, 1.0])
    x = t.feed(np.array([0.0, 0.0, 1.0, 1.0, np.inf, np.inf], "float32"))
    for function in (
        tf.sqrt,
        tf.rsqrt,
        tf.reciprocal,
        tf.abs,
        tf.sign,
        tf.log,
        tf.nn.relu,
        tf.nn.selu,
        tf.nn.elu,
        tf.nn.relu6,
        tf.nn.leaky_relu,
        tf.tanh,
        tf.sigmoid,
        tf.nn.softplus,
        tf.nn.softsign,
    ):
        t.out(tf.gradients(function(x), x, dy)[0])


@case
def tests_of_numbers(tf, t):
    for dtype in ("float32", "float64", "float16"):
        x = t.feed(SPECIAL.astype(dtype))
        t.out(tf.is_nan(x), tf.is_inf(x), tf.is_finite(x))


@case.each(dtype=["float32", "float64"])
def complex_parts(tf, t, dtype):
    a, b = t.feed(t.normal(2, 3, dtype=dtype)), t.feed(t.normal(3, dtype=dtype))
    z = t.out(tf.complex(a, b))
    parts = [tf.real(z), tf.imag(z), tf.angle(z), tf.abs(z), tf.conj(z)]
    t.out(*parts)
    t.grad(parts[:4], [a, b])
    t.grad(parts[4], [a, b])


@case
def parts_of_real_numbers(tf, t):
    x = t.feed(t.normal(3))
    t.out(tf.real(x), tf.imag(x), tf.angle(x), tf.conj(x), tf.conj([1, 2]), tf.imag([1.0, 2.0]))


@case
def complex_of_constants(tf, t):
    t.out(tf.complex(1.5, -2.0), tf.complex([1.0, 2.0], 0.5, name="pair"), tf.abs([3 + 4j]))


@case
def complex_of_wrong_types(tf, t):
    t.out(tf.complex(tf.constant(1), tf.constant(2)))


@case
def conj_of_bool(tf, t):
    t.out(tf.conj(tf.constant(True)))


@case
def complex_abs_gradient_at_zero(tf, t):
    z = t.feed(np.array([0, 3 + 4j], "complex64"))
    t.grad(t.out(tf.abs(z)), z)


@case
def logical_not(tf, t):
    x = t.feed(np.array([True, False]))
    t.out(tf.logical_not(x), ~x, tf.logical_not(True))


@case
def wrong_type(tf, t):
    t.out(tf.exp(tf.constant([1, 2])))


@case
def unary_operators(tf, t):
    x = t.feed(t.normal(3))
    t.out(-x, abs(x))


@case.each(dtype=["int8", "int16", "int32", "int64", "uint8", "uint16"])
def relu_of_integers(tf, t, dtype):
    x = t.feed(t.integers(0 if dtype[0] == "u" else -9, 9, 7, dtype=dtype))
    t.out(tf.nn.relu(x), tf.nn.relu6(x))


@case
def leaky_relu_slopes(tf, t):
    x = t.feed(t.normal(5))
    for alpha in (0.0, 1.0, 1.5, -0.3, np.array(0.4)):
        t.grad(t.out(tf.nn.leaky_relu(x, alpha)), x)


@case
def leaky_relu_of_integers(tf, t):
    t.out(tf.nn.leaky_relu([-2, 3]), tf.nn.leaky_relu(t.feed(t.integers(-5, 5, 4))))


@case
def crelu(tf, t):
    x = t.feed(t.normal(2, 3))
    t.grad(t.out(tf.nn.crelu(x)), x)
    t.out(tf.nn.crelu(x, axis=0))


@case
def swish(tf, t):
    t.values_only()
    x = t.feed(t.normal(2, 3))
    t.grad(t.out(tf.nn.swish(x)), x)


@case
def lbeta(tf, t):
    x = t.feed(t.random.uniform(0.5, 3, (2, 4)).astype("float32"))
    t.grad(t.out(tf.lbeta(x)), x)
    t.out(tf.lbeta(tf.constant([1.0, 2.0])))
