"""Fourier transforms, with gradients and failures."""

import numpy as np
from op_recording import Cases

case = Cases()

SHAPES = {1: [[8], [7], [2, 5], [1], [2, 0], [0, 4]], 2: [[4, 6], [3, 5], [2, 3, 4]], 3: [[2, 3, 4], [2, 2, 3, 5]]}


def _functions(tf, rank):
    name = {1: "fft", 2: "fft2d", 3: "fft3d"}[rank]
    return {kind: getattr(tf.signal, kind + name) for kind in ("", "i", "r", "ir")}


@case.each(rank=[1, 2, 3])
def complex_transforms(tf, t, rank):
    functions = _functions(tf, rank)
    for shape in SHAPES[rank]:
        for dtype in ("complex64", "complex128"):
            x = t.feed(t.normal(*shape, dtype=dtype))
            t.out(functions[""](x), functions["i"](x, name="inverse"))


@case.each(rank=[1, 2, 3])
def complex_gradients(tf, t, rank):
    functions = _functions(tf, rank)
    for shape in ([2, 3, 4], [3, 2, 2, 5]):
        x = t.feed(t.normal(*shape, dtype="complex64"))
        t.grad([functions[""](x), functions["i"](x)], x)


@case.each(rank=[1, 2, 3])
def real_transforms(tf, t, rank):
    functions = _functions(tf, rank)
    for shape in SHAPES[rank]:
        x = t.feed(t.normal(*shape))
        t.out(functions["r"](x))
        y = t.feed(t.normal(*shape, dtype="complex64"))
        if shape[-1] != 1:
            t.out(functions["ir"](y, name="inverse"))


@case.each(rank=[1, 2])
def real_gradients(tf, t, rank):
    functions = _functions(tf, rank)
    for shape in ([2, 3, 4], [2, 3, 5], [2, 2]):
        x = t.feed(t.normal(*shape))
        t.grad(functions["r"](x), x)
        y = t.feed(t.normal(*shape, dtype="complex64"))
        t.grad(functions["ir"](y), y)


@case.each(length=[4, 7, 8, 11, 12])
def lengths(tf, t, length):
    x, y = t.feed(t.normal(2, 8)), t.feed(t.normal(2, 5, dtype="complex64"))
    forward, inverse = tf.signal.rfft(x, [length]), tf.signal.irfft(y, [length])
    t.out(forward, inverse)
    if length in (8, 11, 12):
        t.grad(forward, x)
    if length in (8, 11, 12):
        t.grad(inverse, y)


@case
def lengths_of_two(tf, t):
    x, y = t.feed(t.normal(4, 6)), t.feed(t.normal(4, 4, dtype="complex64"))
    t.out(tf.spectral.rfft2d(x, [5, 4]), tf.spectral.rfft2d(x, [3, 9]), tf.spectral.irfft2d(y, [5, 4]))
    t.out(tf.spectral.irfft2d(y, [3, 9], name="wide"), tf.spectral.rfft3d(t.feed(t.normal(2, 2, 2)), [1, 2, 3]))


@case.each(shape=[None, [None, None], [2, None], [None, 8]])
def unknown_shapes(tf, t, shape):
    x = t.feed(t.normal(2, 8), shape)
    y = t.feed(t.normal(2, 8, dtype="complex64"), shape)
    t.out(tf.signal.rfft(x, [11]), tf.signal.irfft(y, [17]), tf.signal.fft(y))
    if shape is not None:
        forward, inverse = tf.signal.rfft(x), tf.signal.irfft(y)
        t.out(forward, inverse)
        t.grad(forward, x)
        t.grad(inverse, y)


@case
def fed_length(tf, t):
    length = t.feed(np.array([6], "int32"))
    t.out(tf.signal.rfft(t.feed(t.normal(2, 5)), length))
    t.out(tf.signal.irfft(t.feed(t.normal(3, dtype="complex64")), length))


@case
def length_of_wrong_rank(tf, t):
    tf.signal.rfft(t.feed(t.normal(3, 4)), [2, 3])


@case
def too_long(tf, t):
    t.out(tf.raw_ops.RFFT(input=t.feed(t.normal(4)), fft_length=[5]))


@case
def too_long_inverse(tf, t):
    t.out(tf.raw_ops.IRFFT(input=t.feed(t.normal(4, dtype="complex64")), fft_length=[8]))


@case
def rank_too_small(tf, t):
    tf.signal.fft2d(t.feed(t.normal(4, dtype="complex64")))


@case
def rank_too_small_when_run(tf, t):
    t.out(tf.signal.fft2d(t.feed(t.normal(4, dtype="complex64"), None)))


@case
def of_real(tf, t):
    tf.signal.fft(t.feed(t.normal(4)))


@case
def gradient_of_three(tf, t):
    x = t.feed(t.normal(2, 3, 4))
    t.grad(tf.signal.rfft3d(x), x)


@case.each(shape=[[5], [4, 3], [2, 3, 5]])
def shifts(tf, t, shape):
    x = t.feed(t.normal(*shape))
    for function in (tf.signal.fftshift, tf.signal.ifftshift):
        t.out(function(x), function(x, 0), function(x, [len(shape) - 1], name="last"), function(x, -1))
