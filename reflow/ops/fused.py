"""Ops that only plans contain: what the rewrite passes make of several of the program's ops."""

import torch

from reflow.graph.registry import define_op, get_op_def
from reflow.ops.conv import conv_with_bias, lower_conv, native_conv
from reflow.ops.matmul import onednn_product
from reflow.ops.native import max_pool as native_pool
from reflow.ops.native.ending import Ending
from reflow.ops.native.few_rows import few_rows
from reflow.ops.native.small_products import small_product_and_bias
from reflow.ops.windows import DATA_FORMATS_2D


def _fused_matmul(a, b, bias, transpose_a, transpose_b, relu):
    """a b + bias, where the bias is a vector for all rows, or a matrix."""
    product = torch.addmm(bias, a.t() if transpose_a else a, b.t() if transpose_b else b)
    return product.relu_() if relu else product


def _lower_fused_matmul(node):
    a, b, bias = node.args
    relu = node.attrs["relu"]
    if len(node.dims(2) or ()) == 2:
        product = onednn_product(node, bias, "add")
        last = ".relu_()" if relu else ""
    else:
        product = onednn_product(node, bias, "relu" if relu else "none")
        last = ""
    if product is not None:
        return f"{product}{last}"
    a = f"{a}.t()" if node.attrs["transpose_a"] else a
    b = f"{b}.t()" if node.attrs["transpose_b"] else b
    function = "torch._addmm_activation" if relu else "torch.addmm"
    return f"{function}({bias}, {a}, {b})"


def _fused_matmul_shape(op):
    a, b = op._inputs[0].dims, op._inputs[1].dims
    rows = a and a[1 if op.attrs["transpose_a"] else 0]
    columns = b and b[0 if op.attrs["transpose_b"] else 1]
    return [(rows, columns)]


_small_product = small_product_and_bias(_fused_matmul)

define_op(
    "_FusedMatMul", "a: T, b: T, bias: T -> product: T",
    "T: type, transpose_a: bool = false, transpose_b: bool = false, relu: bool = false",
    shape=_fused_matmul_shape, kernel=_fused_matmul, lower=_lower_fused_matmul,
    native=lambda node: few_rows(node) or _small_product(node), gradient=None,
)  # fmt: skip


def _fused_conv(input, filter, bias, strides, padding, data_format, dilations, explicit_paddings, relu):
    return conv_with_bias(input, filter, bias, strides, padding, data_format, dilations, explicit_paddings, relu)


def _lower_fused_conv(node):
    return lower_conv(node, node.args[2], ".relu_()" if node.attrs["relu"] else "")


def _fused_conv_shape(op):
    return get_op_def("Conv2D").shape(op)


_CONV_ATTRS = (
    "T: type, strides: list(int), use_cudnn_on_gpu: bool = true, padding: string, explicit_paddings: list(int) = [], "
    f"{DATA_FORMATS_2D}, dilations: list(int) = [1, 1, 1, 1], relu: bool = false"
)
define_op(
    "_FusedConv2D", "input: T, filter: T, bias: T -> output: T", _CONV_ATTRS,
    shape=_fused_conv_shape, kernel=_fused_conv, lower=_lower_fused_conv, gradient=None,
)  # fmt: skip


# A window of 2x2 places beside the next.
_HALVES = [1, 2, 2, 1]


def _conv_and_max_pool(
    input, filter, bias, strides, padding, data_format, dilations, explicit_paddings, relu, with_places=False
):
    attrs = {"strides": strides, "padding": padding, "data_format": data_format, "dilations": dilations,
             "explicit_paddings": explicit_paddings}  # fmt: skip
    outputs = native_conv(input, filter, Ending(bias, relu, True, with_places), attrs)
    if outputs is None:
        sums = conv_with_bias(input, filter, bias, relu=relu, **attrs)
        outputs = native_pool.max_pool_with_places(sums, _HALVES, _HALVES, b"VALID")
    return outputs


def _conv_max_pool(input, filter, bias, strides, padding, data_format, dilations, explicit_paddings, relu):
    return _conv_and_max_pool(
        input, filter, bias, strides, padding, data_format, dilations, explicit_paddings, relu
    )[0]  # fmt: skip


def _conv_max_pool_with_places(input, filter, bias, strides, padding, data_format, dilations, explicit_paddings, relu):
    return _conv_and_max_pool(
        input, filter, bias, strides, padding, data_format, dilations, explicit_paddings, relu, with_places=True
    )  # fmt: skip


def _conv_max_pool_shape(op):
    (sums,) = _fused_conv_shape(op)
    return [sums and (sums[0], *(size and size // 2 for size in sums[1:3]), sums[3])] * len(op.outputs)


define_op(
    "_FusedConv2DMaxPool", "input: T, filter: T, bias: T -> output: T", _CONV_ATTRS, shape=_conv_max_pool_shape,
    kernel=_conv_max_pool, gradient=None,
)  # fmt: skip
define_op(
    "_FusedConv2DMaxPoolWithPlaces", "input: T, filter: T, bias: T -> output: T, places: uint8", _CONV_ATTRS,
    shape=_conv_max_pool_shape, kernel=_conv_max_pool_with_places, gradient=None,
)  # fmt: skip
