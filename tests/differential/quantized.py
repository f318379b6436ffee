"""Arithmetic, convolutions, pools and activations of numbers that stand for a range of real ones in few bits.

Most kernels read the ranges as the first of however many numbers they are given; TensorFlow reads beyond empty ones.
"""

import numpy as np

from tests.differential.table import Table

table = Table("quantized", kept=12)

_NARROW, _WIDE = ["quint8"], ["qint32"]


def _range(d):
    """The real numbers that the least and the greatest integer stand for."""
    low = -d.int(0, 8) / 2
    return [np.array(low, "float32"), np.array(low + d.int(1, 16) / 2, "float32")]


def _symmetric_range(d):
    """A range as sums of products have it: its middle is 0."""
    high = d.pick(1.0, 64.0, 2.0**20)
    return [np.array(-high, "float32"), np.array(high, "float32")]


def _range_of(d, name):
    return _symmetric_range(d) if d.dtype(name).name == "qint32" else _range(d)


def _elementwise(d):
    shape = d.shape()
    other = d.pick(shape, shape[-1:], ()) if shape else d.shape(most=2)
    arrays = [d.array("T1", shape), d.array("T2", other)]
    return [*(arrays if d.flag() else reversed(arrays)), *_range(d), *_range(d)], {}


def _bias(d):
    shape = d.shape(least=1)
    return [d.array("T1", shape), d.array("T2", shape[-1:]), *_range(d), *_range(d)], {}


def _product(d):
    rows, inner, columns = (d.int(1, 4) for _ in range(3))
    attrs = {"transpose_a": d.flag(), "transpose_b": d.flag()}
    a = (inner, rows) if attrs["transpose_a"] else (rows, inner)
    b = (columns, inner) if attrs["transpose_b"] else (inner, columns)
    return [d.array("T1", a), d.array("T2", b), *_range(d), *_range(d)], attrs


def _windows(d):
    stride = d.int(1, 2)
    return {"strides": [1, stride, stride, 1], "padding": d.pick(b"SAME", b"VALID")}


def _convolution(d):
    depth = d.int(1, 3)
    images = d.array("Tinput", (d.int(1, 2), d.int(3, 5), d.int(3, 5), depth))
    weights = d.array("Tfilter", (d.int(1, 3), d.int(1, 3), depth, d.int(1, 3)))
    return [images, weights, *_range(d), *_range(d)], _windows(d)


def _pool(d):
    images = d.array("T", (d.int(1, 2), d.int(3, 5), d.int(3, 5), d.int(1, 3)))
    return [images, *_range(d)], {"ksize": [1, d.int(1, 3), d.int(1, 3), 1], **_windows(d)}


def _batch_norm(d):
    depth = d.int(1, 3)
    inputs = [d.array("Tinput", (d.int(1, 2), d.int(1, 2), d.int(1, 2), depth)), *_range(d)]
    for _ in ("mean", "variance", "beta", "gamma"):
        inputs += [d.array("Tinput", (depth,)), np.array(0, "float32"), np.array(d.int(1, 8), "float32")]
    return inputs, {"variance_epsilon": d.pick(0.0625, 1.0), "scale_after_normalization": d.flag()}


def _instance_norm(d):
    x = d.array("T", (d.int(1, 2), d.int(1, 3), d.int(1, 3), d.int(1, 3)))
    return [x, *_range(d)], {"output_range_given": d.flag(), "given_y_min": -2.0, "given_y_max": 2.0,
                             "variance_epsilon": 0.0625, "min_separation": d.pick(0.001, 0.5)}  # fmt: skip


def _join(d):
    shape = list(d.shape(least=1))
    axis = d.int(0, len(shape) - 1)
    arrays, ranges = [], []
    for _ in range(d.int(2, 3)):
        shape[axis] = d.size()
        arrays.append(d.array("T", shape))
        ranges.append(_range_of(d, "T"))
    axis = d.axis(len(shape)) if d.rarely() else axis
    return [np.array(axis, "int32"), arrays, [r[0] for r in ranges], [r[1] for r in ranges]], {}


def _reshape(d):
    shape = d.shape(low=1)
    to = d.pick((-1,), shape, shape[::-1], (*shape, 1), (2, -1))
    return [d.array("T", shape), d.ints("Tshape", to), *_range(d)], {}


def _resize(d):
    images = d.array("T", (d.int(1, 2), d.int(1, 3), d.int(1, 3), d.int(1, 3)))
    align = d.flag()
    return [images, np.array([d.int(1, 5), d.int(1, 5)], "int32"), *_range_of(d, "T")], {
        "align_corners": align, "half_pixel_centers": not align and d.flag()}  # fmt: skip


def _unary(d):
    return [d.array("Tinput", d.shape()), *_range_of(d, "Tinput")], {}


def _requantize(d):
    low = -d.int(0, 8) / 2
    return [d.array("Tinput", d.shape()), *_symmetric_range(d), np.array(low, "float32"),
            np.array(low + d.int(1, 16) / 2, "float32")], {}  # fmt: skip


_PAIR = {"T1": _NARROW, "T2": _NARROW, "Toutput": _WIDE}

table.add("QuantizedAdd QuantizedMul", _elementwise, types=_PAIR)
table.add("QuantizedBiasAdd", _bias, types={"T1": ["qint8", "quint8"], "T2": ["qint8", "quint8"], "out_type": _WIDE})
table.add("QuantizedMatMul", _product, types={**_PAIR, "Tactivation": _NARROW})
table.add("QuantizedConv2D", _convolution, types={"Tinput": _NARROW, "Tfilter": _NARROW, "out_type": _WIDE})
table.add("QuantizedAvgPool QuantizedMaxPool", _pool, types={"T": _NARROW})
table.add("QuantizedBatchNormWithGlobalNormalization", _batch_norm, types={"Tinput": _NARROW, "out_type": _WIDE})
# Halfway between two integers the order of the sums decides.
table.add("QuantizedInstanceNorm", _instance_norm, types={"T": _NARROW}, scaled=True, tolerances={"quint8": 1 / 256})
table.add("QuantizedConcat", _join, types={"T": _NARROW + _WIDE})
table.add("QuantizedReshape", _reshape, types={"T": _NARROW + _WIDE})
table.add("QuantizedResizeBilinear", _resize)
table.add("QuantizedRelu QuantizedRelu6", _unary, types={"Tinput": _NARROW, "out_type": _NARROW})
table.add("RequantizationRange", _unary, types={"Tinput": _WIDE})
table.add("QuantizeDownAndShrinkRange", _unary, types={"Tinput": _WIDE, "out_type": _NARROW})
table.add("Requantize", _requantize, types={"Tinput": _WIDE, "out_type": ["quint8", "qint8"]})
