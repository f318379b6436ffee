"""Diagonals and bands."""

import numpy as np
from array_inputs import TYPES, array
from op_recording import Cases

case = Cases()
NUMBERS = [d for d in TYPES if d not in ("string", "uint16")]


@case.each(dtype=["float16", "float32", "float64", "int32", "int64", "complex64", "complex128"])
def tensors(tf, t, dtype):
    x, y = t.feed(array(t, dtype, 2, 3)), t.feed(array(t, dtype, 2, 3, 2, 3), [2, None, 2, 3])
    a, b = t.out(tf.diag(x), tf.diag_part(y))
    if dtype == "float32":
        t.grad([a, b], [x, y], second=True)


@case.each(bad=["odd", "shape", "scalar"])
def wrong_tensors(tf, t, bad):
    if bad == "odd":
        tf.diag_part(t.feed(t.normal(2, 2, 2)))
    elif bad == "shape":
        tf.diag_part(t.feed(t.normal(2, 3)))
    else:
        tf.diag(t.feed(np.float32(1)))


@case.each(dtype=NUMBERS)
def matrices(tf, t, dtype):
    x, m = t.feed(array(t, dtype, 2, 3), [None, 3]), t.feed(array(t, dtype, 2, 3, 4), [None, 3, 4])
    a, b, c = t.out(tf.matrix_diag(x), tf.matrix_diag_part(m), tf.matrix_set_diag(m, x))
    t.out(
        tf.matrix_band_part(m, 1, 0),
        tf.matrix_band_part(m, -1, 1),
        tf.matrix_band_part(m, 0, -1),
        tf.matrix_band_part(m, 2, 2),
    )
    t.out(
        tf.raw_ops.MatrixDiag(diagonal=x),
        tf.raw_ops.MatrixDiagPart(input=m),
        tf.raw_ops.MatrixSetDiag(input=m, diagonal=x),
    )
    if dtype == "float32":
        t.grad([a, b, c], [x, m])


BANDS = [0, 1, -1, (-1, 0), (0, 1), (-1, 1), (-2, -1), (1, 2), (-2, 3)]


@case.each(k=BANDS)
def diagonals(tf, t, k):
    m, ops = t.feed(t.normal(2, 3, 4)), tf.raw_ops
    part = t.out(ops.MatrixDiagPartV2(input=m, k=k, padding_value=7.0))
    values = t.feed(t.normal(*part.shape.as_list()))
    t.out(ops.MatrixSetDiagV2(input=m, diagonal=values, k=k))
    t.out(ops.MatrixDiagV2(diagonal=values, k=k, num_rows=3, num_cols=4, padding_value=2.0))
    t.out(ops.MatrixDiagV2(diagonal=values, k=k, num_rows=-1, num_cols=-1, padding_value=0.0))


@case
def old_gradients(tf, t):
    x, m, s = t.feed(t.normal(2, 3)), t.feed(t.normal(2, 3, 4)), t.feed(t.normal(2, 3, 3))
    t.grad(t.out(tf.raw_ops.MatrixDiag(diagonal=x)), x)
    t.grad(t.out(tf.raw_ops.MatrixDiagPart(input=m)), m)
    t.grad(t.out(tf.raw_ops.MatrixDiagPart(input=s)), s)
    t.grad(t.out(tf.raw_ops.MatrixSetDiag(input=m, diagonal=x)), [m, x])
    t.grad(t.out(tf.matrix_band_part(m, 1, 1)), m)


@case
def dynamic(tf, t):
    m, k = t.feed(t.normal(3, 4), None), t.feed(np.int32(1))
    t.out(tf.matrix_diag_part(m), tf.matrix_diag(t.feed(t.normal(2), None)))
    t.out(tf.raw_ops.MatrixDiagPartV2(input=m, k=k, padding_value=0.0))
    t.out(tf.matrix_band_part(m, t.feed(np.int64(1)), t.feed(np.int64(0))))


@case.each(bad=["rank", "set", "k", "rows", "lower", "order"])
def wrong_matrices(tf, t, bad):
    x, m = t.feed(t.normal(3)), t.feed(t.normal(3, 4))
    if bad == "rank":
        tf.matrix_diag_part(x)
    elif bad == "set":
        tf.matrix_set_diag(m, t.feed(t.normal(2)))
    elif bad == "k":
        t.out(tf.raw_ops.MatrixDiagPartV2(input=m, k=4, padding_value=0.0))
    elif bad == "rows":
        t.out(tf.raw_ops.MatrixDiagV2(diagonal=x, k=0, num_rows=2, num_cols=-1, padding_value=0.0))
    elif bad == "lower":
        t.out(tf.matrix_band_part(m, 4, 0))
    else:
        tf.raw_ops.MatrixDiagPartV2(input=m, k=(1, 0), padding_value=0.0)
