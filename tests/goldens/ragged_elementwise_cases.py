"""Operators and elementwise functions of ragged tensors, under TensorFlow 1.15.5 and Reflow (Python 3.7 as well)."""

from op_recording import Cases
from ragged_inputs import ONE, TWO, fed, flat_values, out

case = Cases()

# --- operators and elementwise functions ------------------------------------------------------------------------------

OPERATORS = {
    "add": lambda x, y: x + y,
    "sub": lambda x, y: x - y,
    "mul": lambda x, y: x * y,
    "truediv": lambda x, y: x / y,
    "floordiv": lambda x, y: x // y,
    "mod": lambda x, y: x % y,
    "pow": lambda x, y: x**y,
    "lt": lambda x, y: x < y,
    "le": lambda x, y: x <= y,
    "gt": lambda x, y: x > y,
    "ge": lambda x, y: x >= y,
}
LOGIC = {"and": lambda x, y: x & y, "or": lambda x, y: x | y}


@case.each(name=sorted(OPERATORS))
def operator(tf, t, name):
    x, function = fed(t, ONE, dtype="int32"), OPERATORS[name]
    y = x.with_flat_values(t.feed(t.integers(1, 4, 8)))
    out(t, function(x, y), function(x, 2), function(3, x), function(tf.constant(3), x), function(x, tf.constant(2)))


@case.each(name=sorted(LOGIC))
def logic_operator(tf, t, name):
    x, function = fed(t, ONE, dtype="bool"), LOGIC[name]
    out(t, function(x, ~x), function(x, True), function(False, x), function(tf.constant(True), x))
    t.values_only()


@case
def unary_operators(tf, t):
    x = fed(t, TWO)
    out(t, -x, abs(x), tf.constant([x == x, x != 1]))


UNARY = {
    "float32": """abs acos asin asinh atan atanh ceil cos cosh digamma erf erfc exp expm1 floor identity is_finite
        is_inf is_nan lgamma log log1p log_sigmoid negative ones_like reciprocal rint round rsqrt sign sin
        sinh sqrt square tan zeros_like acosh math.abs math.sin math.log_sigmoid debugging.is_nan as_string
        to_double to_int32""",
    "complex64": "angle conj imag real to_complex128",
    "bool": "logical_not",
    "int32": "bitwise.invert strings.unicode_script abs square to_float to_int64 strings.as_string",
    "string": """string_strip strings.length strings.strip decode_base64 encode_base64 string_to_number
        strings.to_number io.encode_base64 identity zeros_like io.decode_compressed""",
}
REFUSED_UNARY = """nn.relu sigmoid tanh stop_gradient shape reverse nn.softmax tf.erfinv transpose unique
        reduce_logsumexp math.count_nonzero nn.l2_loss math.cumsum argmax sort size_of invert_permutation
        is_strictly_increasing"""


def _named(tf, name):
    for part in name.split("."):
        tf = getattr(tf, part)
    return tf


@case.each(which=[(dtype, name) for dtype in sorted(UNARY) for name in UNARY[dtype].split()])
def unary(tf, t, which):
    out(t, _named(tf, which[1])(fed(t, TWO if which[0] != "string" else ONE, dtype=which[0])))


@case.each(name=REFUSED_UNARY.split())
def unary_refused(tf, t, name):
    out(t, _named(tf, name)(fed(t, ONE)))


@case
def unary_arguments(tf, t):
    x, words = fed(t, TWO), fed(t, ONE, dtype="string")
    out(t, tf.abs(x=x), tf.abs(x, name="n"), tf.cast(x, tf.int32), tf.cast(x=x, dtype=tf.float64, name="wide"))
    out(t, tf.clip_by_value(x, 0.0, 1.0), tf.check_numerics(x, "m"), tf.saturate_cast(x, tf.uint8))
    out(t, tf.ones_like(x, optimize=False), tf.zeros_like(x, dtype=tf.int32), tf.as_string(x, precision=2))
    out(t, tf.strings.substr(words, 0, 1), tf.substr(words, 0, 1), tf.strings.regex_replace(words, "1", "x"))
    out(t, tf.strings.regex_full_match(words, "1"))
    out(t, tf.strings.to_hash_bucket_fast(words, 7), tf.strings.to_hash_bucket_strong(words, 7, [1, 2]))
    out(t, tf.strings.length(words, unit="UTF8_CHAR"))
    out(t, tf.string_to_hash_bucket_fast(words, 7))


BINARY = {
    "float32": """add atan2 complex div_no_nan divide equal floordiv floormod greater greater_equal less less_equal
        maximum minimum multiply not_equal pow realdiv squared_difference subtract truediv truncatediv mod
        math.add math.divide_no_nan""",
    "int32": """add bitwise.bitwise_and bitwise.bitwise_or bitwise.bitwise_xor bitwise.left_shift bitwise.right_shift
        truncatemod truncatediv floordiv truediv divide maximum""",
    "bool": "logical_and logical_or equal",
}


@case.each(which=[(dtype, name) for dtype in sorted(BINARY) for name in BINARY[dtype].split()])
def binary(tf, t, which):
    x, function = fed(t, TWO, dtype=which[0]), _named(tf, which[1])
    y = x.with_flat_values(t.feed(flat_values(t, 7, (), which[0])))
    out(t, function(x, y), function(x, y.flat_values[0]), function(y.flat_values[1], x))
    t.values_only()


@case.each(
    name=["div", "math.xlogy", "matmul", "xdivy", "igamma", "assert_equal", "where_v2", "nn.bias_add", "math.zeta"]
)
def binary_refused(tf, t, name):
    out(t, _named(tf, name)(fed(t, ONE), fed(t, ONE)))


# Row splits or shapes that broadcast with those of TWO, or do not.
BROADCAST = {
    "scalar": ((), None),
    "rows": ((4, 1, 1), None),
    "one": ((1, 1, 1), None),
    "vector": ((1,), None),
    "other": ((3, 1, 1), None),
    "columns": ((4, 2, 1), None),
    "wide": ((1, 2, 1), None),
    "ragged_rows": (None, ([[0, 1, 1, 2, 3]], ())),
    "ragged_inner": (None, ([[0, 2, 2, 5, 6]], (1,))),
    "same": (None, (TWO, ())),
    "different": (None, ([[0, 1, 1, 5, 6], TWO[1]], ())),
    "inner_dim": ((4, 1, 1, 2), None),
    "ragged_one": (None, ([[0, 1, 2, 3, 4], [0, 1, 2, 3, 4]], ())),
}


@case.each(which=sorted(BROADCAST))
def broadcast(tf, t, which):
    shape, ragged = BROADCAST[which]
    x = fed(t, TWO)
    y = t.feed(t.normal(*shape)) if ragged is None else fed(t, *ragged)
    out(t, x + y)
    out(t, tf.multiply(y, x))


@case.each(shape=[(), (2,), (1, 1), (5, 1), (5, 1, 2), (1, 1, 2), (4, 1), (2, 2), (5, 4, 2), (3,), (1, 4, 1)])
def broadcast_inner(tf, t, shape):
    out(t, fed(t, ONE, (2,)) * t.feed(t.normal(*shape)))


@case
def broadcast_unknown(tf, t):
    x = fed(t, TWO, known=False)
    y = t.feed(t.normal(4, 1, 1), [None, None, None])
    out(t, x + y, fed(t, ONE, known=False) - fed(t, ONE, known=False))


@case
def broadcast_mixed_splits(tf, t):
    out(t, fed(t, ONE) + fed(t, ONE, splits_dtype="int32"))


@case
def broadcast_unknown_rank(tf, t):
    out(t, fed(t, ONE) + t.feed(t.normal(5, 1), None))


@case
def elementwise_gradient(tf, t):
    x, y = fed(t, TWO), t.feed(t.normal(4, 1, 1))
    z = tf.exp(x) * y + tf.square(x)
    out(t, z)
    t.grad(z.flat_values, [x.flat_values, y])


@case
def lists(tf, t):
    x, y = fed(t, ONE), fed(t, ONE)
    words = fed(t, ONE, dtype="string")
    out(t, tf.add_n([x, y]), tf.add_n(inputs=[x, y.with_flat_values(y.flat_values * 2), x], name="sum"))
    out(t, tf.strings.join([words, "-", words]), tf.string_join([words, words], separator=","))
    # TensorFlow leaves a constant behind of its first try.
    t.values_only()


@case.each(what=["splits", "ranks", "none"])
def lists_refused(tf, t, what):
    other = {"splits": fed(t, [[0, 1, 8]]), "ranks": fed(t, [[0, 1, 8], [0, 1, 2, 3, 4, 5, 6, 7, 8]]), "none": None}
    out(t, tf.add_n([fed(t, ONE), other[what]]))


@case
def map_flat_values(tf, t):
    x, y = fed(t, TWO), fed(t, TWO)
    function = tf.ragged.map_flat_values
    out(t, function(tf.nn.relu, x), function(tf.add, x, y), function(tf.concat, [x, y], axis=0))
    out(t, function(tf.where, x=x, y=y, condition=tf.greater(x, y)), function(tf.abs, -3))


@case.each(what=["splits", "types", "size"])
def map_flat_values_refused(tf, t, what):
    other = {"splits": fed(t, [[0, 1, 8]]), "types": fed(t, ONE, splits_dtype="int32"), "size": fed(t, ONE)}[what]
    out(t, tf.ragged.map_flat_values(lambda x, y: (x + y)[1:] if what == "size" else x, fed(t, ONE), other))
