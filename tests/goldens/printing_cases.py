"""Values as text."""

import numpy as np
from array_inputs import TYPES, array
from op_recording import Cases

case = Cases()


# TensorFlow prints complex numbers as question marks.
@case.each(dtype=[d for d in TYPES if "complex" not in d])
def formats(tf, t, dtype):
    shapes = [(), (7,), (2, 3), (2, 2, 3), (0,), (2, 0)]
    for shape in shapes:
        x = t.feed(array(t, dtype, *shape))
        for summarize in (-1, 0, 1, 3):
            t.out(tf.strings.format("{}", x, summarize=summarize))


@case
def special_numbers(tf, t):
    values = [0.1, 1 / 3.0, 1e20, 123456789, 1e-10, -0.0, np.nan, np.inf, -np.inf, 16777216.0, 0.00001234]
    for dtype in ("float16", "float32", "float64"):
        with np.errstate(over="ignore"):
            numbers = np.array(values).astype(dtype)
        t.out(tf.strings.format("{}", t.feed(numbers), summarize=-1))
    t.out(tf.strings.format("{}", t.feed(np.array([b"a'b\"\n\t\\\xe9\x01"], object))))


@case
def templates(tf, t):
    x, y = t.feed(np.int32(3)), t.feed(np.array([1, 2], "int32"))
    t.out(
        tf.strings.format("x = {}, y = {}.", [x, y]),
        tf.strings.format("%s and %s", (y, x), placeholder="%s", name="f"),
        tf.strings.format("{}", x),
    )


@case
def wrong_number_of_placeholders(tf, t):
    tf.strings.format("{} {}", [tf.constant(1)])


@case.each(dtype=TYPES)
def old_print(tf, t, dtype):
    x = t.feed(array(t, dtype, 2, 3), [None, 3])
    y = t.out(tf.Print(x, [x, tf.shape(x)], "message: ", first_n=1, summarize=2))
    t.out(tf.Print(x, [x]))
    if dtype == "float32":
        t.grad(y, x)


@case
def new_print(tf, t):
    x = t.feed(np.array([1.5, 2.5], "float32"))
    sparse = tf.SparseTensor([[0]], [1], [2])
    nothing = [
        tf.print("a", x, {"k": x, "l": [1, "b"]}, sep="|"), tf.print(tf.constant("text"), name="p"), tf.print(sparse),
        tf.print("x", end="", summarize=-1), tf.print(x, x, output_stream=tf.logging.info), tf.print("{}", x),
    ]  # fmt: skip
    with tf.control_dependencies(nothing):
        t.out(tf.identity(x))


@case
def wrong_keyword_of_print(tf, t):
    tf.print("a", file=None)


@case
def wrong_stream_of_print(tf, t):
    tf.print("a", output_stream="stdout")
