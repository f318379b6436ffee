"""Ops that only plans contain: what the rewrite passes make of several of the program's ops."""

import torch

from reflow.graph.registry import define_op, get_op_def
from reflow.ops.conv import conv_with_bias, lower_conv, native_conv
from reflow.ops.matmul import ONEDNN_ACTIVATIONS, linear_kernel, onednn_product
from reflow.ops.native import max_pool as native_pool
from reflow.ops.native.ending import Ending
from reflow.ops.native.few_rows import few_rows
from reflow.ops.native.small_products import small_fused_product
from reflow.ops.output_activations import activated, expression, is_in_c
from reflow.ops.windows import DATA_FORMATS_2D

# --- products -----------------------------------------------------------------------------------------------------


def _activated_matmul(a, b, transpose_a, transpose_b, activation):
    return activated(torch.mm(a.t() if transpose_a else a, b.t() if transpose_b else b), activation)


def _fused_matmul(a, b, addend, transpose_a, transpose_b, activation):
    """activation(a b + addend), where the addend is a vector for all rows, or a matrix."""
    return activated(torch.addmm(addend, a.t() if transpose_a else a, b.t() if transpose_b else b), activation)


def _fused_matmul_with_residual(a, b, bias, residual, transpose_a, transpose_b, activation):
    """activation(a b + bias + residual), where the bias is a vector for all rows, the residual a matrix."""
    return activated(_fused_matmul(a, b, residual, transpose_a, transpose_b, "").add_(bias), activation)


def _lower_product(node):
    """The expression of any of the three; None where the kernel is quicker, which calls functions in C."""
    activation, (a, b, *addends) = node.attrs["activation"], node.args
    vector, matrix = _vector_and_matrix(node)
    product = onednn_product(node, vector or "None", matrix, activation)
    if product is not None or is_in_c(node):
        return product
    a = f"{a}.t()" if node.attrs["transpose_a"] else a
    b = f"{b}.t()" if node.attrs["transpose_b"] else b
    if activation == "Relu" and vector and not matrix:
        return f"torch._addmm_activation({vector}, {a}, {b})"
    if not addends:
        return expression(f"torch.mm({a}, {b})", activation)
    total = f"torch.addmm({matrix or vector}, {a}, {b})"
    return expression(f"{total}.add_({vector})" if vector and matrix else total, activation)


def _vector_and_matrix(node) -> tuple[str, str]:
    """The expressions of the addends of a product, each "" where there is none."""
    if len(node.args) == 3:
        return ("", node.args[2]) if len(node.dims(2) or ()) == 2 else (node.args[2], "")
    return (node.args[2], node.args[3]) if len(node.args) == 4 else ("", "")


def _product_by_onednn(a, b, *addends, transpose_a, transpose_b, activation):
    bias, residual = (next((t for t in addends if t.dim() == rank), None) for rank in (1, 2))
    return linear_kernel(a.t() if transpose_a else a, b if transpose_b else b.t(), bias, residual, activation)


def _onednn_rule(node):
    """The `native` rule of large products: oneDNN's, with an activation in C where oneDNN has none behind the sum."""
    is_part = node.attrs["activation"] in ONEDNN_ACTIVATIONS and not _vector_and_matrix(node)[1]
    return None if is_part or not is_in_c(node) or onednn_product(node) is None else _product_by_onednn


def _product_shape(op):
    a, b = op._inputs[0].dims, op._inputs[1].dims
    rows = a and a[1 if op.attrs["transpose_a"] else 0]
    columns = b and b[0 if op.attrs["transpose_b"] else 1]
    return [(rows, columns)]


def _define_product(name, addends, kernel):
    few, small = few_rows(kernel), small_fused_product(kernel)
    define_op(
        name, f"a: T, b: T{addends} -> product: T",
        'T: type, transpose_a: bool = false, transpose_b: bool = false, activation: string = ""',
        shape=_product_shape, kernel=kernel, lower=_lower_product,
        native=lambda node: few(node) or small(node) or _onednn_rule(node), gradient=None,
    )  # fmt: skip


_define_product("_ActivatedMatMul", "", _activated_matmul)
_define_product("_FusedMatMul", ", addend: T", _fused_matmul)
_define_product("_FusedMatMulWithResidual", ", bias: T, residual: T", _fused_matmul_with_residual)

# --- convolutions -------------------------------------------------------------------------------------------------


def _fused_conv(input, filter, bias, residual, strides, padding, data_format, dilations, explicit_paddings, activation):
    return conv_with_bias(
        input, filter, bias[0] if bias else None, strides, padding, data_format, dilations, explicit_paddings,
        activation, residual[0].contiguous() if residual else None,
    )  # fmt: skip


def _lower_fused_conv(node):
    bias, residual = bias_and_residual(node)
    convolved = None if is_in_c(node) else lower_conv(node, bias)
    if convolved is None:
        return None
    return expression(f"{convolved}.add_({residual})" if residual else convolved, node.attrs["activation"])


def bias_and_residual(node) -> tuple[str, str]:
    """The expressions of the bias, or "None", and of the residual, or "", of a `Call` of N biases and R residuals."""
    bias, residual = node.attrs["N"], node.attrs["R"]
    return node.args[2] if bias else "None", node.args[2 + bias] if residual else ""


def _fused_conv_shape(op):
    return get_op_def("Conv2D").shape(op)


_CONV_ATTRS = (
    "T: type, strides: list(int), use_cudnn_on_gpu: bool = true, padding: string, explicit_paddings: list(int) = [], "
    f"{DATA_FORMATS_2D}, dilations: list(int) = [1, 1, 1, 1], activation: string = \"\""
)
define_op(
    "_FusedConv2D", "input: T, filter: T, bias: N*T, residual: R*T -> output: T", f"N: int, R: int, {_CONV_ATTRS}",
    shape=_fused_conv_shape, kernel=_fused_conv, lower=_lower_fused_conv, gradient=None,
)  # fmt: skip


# A window of 2x2 places beside the next.
_HALVES = [1, 2, 2, 1]


def _conv_and_max_pool(
    input, filter, bias, strides, padding, data_format, dilations, explicit_paddings, activation, with_places=False
):
    attrs = {"strides": strides, "padding": padding, "data_format": data_format, "dilations": dilations,
             "explicit_paddings": explicit_paddings}  # fmt: skip
    outputs = native_conv(input, filter, Ending(bias, activation, True, with_places), attrs)
    if outputs is None:
        sums = conv_with_bias(input, filter, bias, activation=activation, **attrs)
        outputs = native_pool.max_pool_with_places(sums, _HALVES, _HALVES, b"VALID")
    return outputs


def _conv_max_pool(input, filter, bias, strides, padding, data_format, dilations, explicit_paddings, activation):
    return _conv_and_max_pool(
        input, filter, bias, strides, padding, data_format, dilations, explicit_paddings, activation
    )[0]  # fmt: skip


def _conv_max_pool_with_places(
    input, filter, bias, strides, padding, data_format, dilations, explicit_paddings, activation
):  # fmt: skip
    return _conv_and_max_pool(
        input, filter, bias, strides, padding, data_format, dilations, explicit_paddings, activation, with_places=True
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
