"""Real numbers as small integers."""

import numpy as np
from op_recording import Cases

case = Cases()
REALS = np.array([-3.2, -1.0, -0.4, 0.0, 0.3, 0.5, 1.1, 2.49, 2.5, 7.0], "float32")


@case.each(dtype=["quint8", "qint8", "quint16", "qint16", "qint32"])
def quantize(tf, t, dtype):
    # TensorFlow overflows at the greatest qint32.
    x = t.feed(REALS[REALS < 3] if dtype == "qint32" else REALS, [None])
    for mode in ("MIN_COMBINED", "MIN_FIRST", "SCALED"):
        if mode == "MIN_COMBINED" and dtype == "qint32":
            continue
        for low, high in ((-3.0, 3.0), (0.0, 5.0), (-1.0, 4.0)):
            q, a, b = tf.quantization.quantize(x, low, high, getattr(tf, dtype), mode=mode)
            t.out(a, b, tf.quantization.dequantize(q, a, b, mode=mode))
            t.out(
                tf.bitcast(
                    q,
                    {
                        "quint8": tf.uint8,
                        "qint8": tf.int8,
                        "quint16": tf.uint16,
                        "qint16": tf.int16,
                        "qint32": tf.int32,
                    }[dtype],
                )
            )


@case.each(mode=["HALF_AWAY_FROM_ZERO", "HALF_TO_EVEN"])
def round_modes(tf, t, mode):
    x = t.feed(np.array([0.5, 1.5, 2.5, -0.5, -1.5], "float32"))
    q, a, b = tf.quantize(x, -127.0, 127.0, tf.qint8, mode="SCALED", round_mode=mode, name="q")
    t.out(tf.bitcast(q, tf.int8), a, b)
    q, a, b = tf.quantize_v2(
        x, t.feed(np.float32(-2)), t.feed(np.float32(2)), tf.quint8, round_mode="HALF_AWAY_FROM_ZERO"
    )
    t.out(tf.bitcast(q, tf.uint8), a, b)


@case
def narrow_range_of_quantize(tf, t):
    q, a, b = tf.quantization.quantize(t.feed(REALS), 1.0, 1.001, tf.quint8)
    t.out(tf.bitcast(q, tf.uint8), a, b)


@case
def empty_range_of_quantize(tf, t):
    t.out(tf.quantization.quantize(t.feed(REALS), 1.0, -1.0, tf.quint8)[1])


@case.each(signed=[True, False])
def there_and_back(tf, t, signed):
    x = t.feed(REALS)
    for options in (
        dict(),
        dict(num_bits=4),
        dict(range_given=True),
        dict(range_given=True, num_bits=3),
        dict(narrow_range=True),
        dict(round_mode="HALF_UP"),
        dict(range_given=True, round_mode="HALF_UP", num_bits=5),
    ):
        y = t.out(
            tf.quantization.quantize_and_dequantize(x, -2.0 if signed else 0.0, 3.0, signed_input=signed, **options)
        )
    t.grad(y, x)


@case
def there_and_back_versions(tf, t):
    x = t.feed(REALS.astype("float64"))
    a = t.out(tf.raw_ops.QuantizeAndDequantizeV3(input=x, input_min=-2.0, input_max=3.0, num_bits=4))
    b = t.out(tf.raw_ops.QuantizeAndDequantizeV3(input=x, input_min=-2.0, input_max=3.0, num_bits=4, range_given=False))
    c = t.out(tf.raw_ops.QuantizeAndDequantizeV2(input=x, input_min=0.0, input_max=0.0))
    t.grad([a, b, c], x)


@case
def there_and_back_wrong_range(tf, t):
    t.out(tf.quantization.quantize_and_dequantize(t.feed(REALS), 3.0, -2.0, range_given=True))


@case
def concat(tf, t):
    a = tf.bitcast(t.feed(np.array([[0, 100], [200, 255]], "uint8")), tf.quint8)
    b = tf.bitcast(t.feed(np.array([[7, 8], [9, 10]], "uint8")), tf.quint8)
    for ranges in (([0.0, 0.0], [1.0, 1.0]), ([-1.0, 0.0], [1.0, 2.0])):
        q, low, high = tf.quantized_concat(1, [a, b], *ranges)
        t.out(tf.bitcast(q, tf.uint8), low, high)


@case
def reshape(tf, t):
    a = tf.bitcast(t.feed(np.arange(6, dtype="uint8")), tf.quint8)
    q, low, high = tf.raw_ops.QuantizedReshape(tensor=a, shape=[2, 3], input_min=0.0, input_max=1.0)
    t.out(tf.bitcast(q, tf.uint8), low, high)
