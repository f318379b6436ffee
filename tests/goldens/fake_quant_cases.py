"""Quantization rehearsed in training."""

import numpy as np
from op_recording import Cases

case = Cases()
REALS = np.array([-9.0, -6.0, -3.2, -1.0, -0.4, 0.0, 0.3, 0.5, 1.1, 2.49, 2.5, 5.9, 6.0, 7.0], "float32")
OPTIONS = [{}, {"num_bits": 4}, {"narrow_range": True}, {"num_bits": 2, "narrow_range": True}, {"num_bits": 16}]


@case.each(options=OPTIONS)
def args(tf, t, options):
    x = t.feed(REALS, [None])
    for low, high in ((-6.0, 6.0), (-1.3, 2.7), (0.0, 4.0), (0.5, 4.0), (-3.0, -1.0)):
        y = t.out(tf.fake_quant_with_min_max_args(x, low, high, **options))
        t.grad(y, x)


@case.each(options=OPTIONS)
def variables(tf, t, options):
    x = t.feed(REALS)
    for low, high in ((-6.0, 6.0), (-1.3, 2.7), (0.0, 0.0)):
        a, b = t.feed(np.float32(low)), t.feed(np.float32(high))
        y = t.out(tf.fake_quant_with_min_max_vars(x, a, b, **options))
        t.grad(y, [x, a, b])


@case.each(rank=[1, 2, 4])
def per_channel(tf, t, rank):
    x = t.feed(t.normal(*[2, 3, 2, 4][-rank:]) * 4)
    low, high = t.feed(np.array([-1.0, -2.0, 0.0, -0.1], "float32")), t.feed(np.array([1.0, 0.5, 0.0, 3.0], "float32"))
    y = t.out(tf.fake_quant_with_min_max_vars_per_channel(x, low, high, name="q"))
    t.grad(y, [x, low, high])


@case
def gradient_functions(tf, t):
    x, g = t.feed(REALS), t.feed(t.normal(14))
    t.out(tf.fake_quant_with_min_max_args_gradient(g, x), *tf.fake_quant_with_min_max_vars_gradient(g, x, -1.0, 2.0))
    result = tf.fake_quant_with_min_max_vars_gradient(g, x, -1.0, 2.0)
    t.out(result.backprops_wrt_input, result.backprop_wrt_min)


@case.each(bad=["scalar", "channels"])
def wrong_shapes(tf, t, bad):
    x = t.feed(t.normal(2, 3))
    if bad == "scalar":
        tf.fake_quant_with_min_max_vars(x, [0.0], [1.0])
    else:
        tf.fake_quant_with_min_max_vars_per_channel(x, [0.0, 0.0], [1.0, 1.0])
