"""Ops that only plans contain: what the rewrite passes make of several of the program's ops."""

import torch

from reflow.graph.registry import define_op
from reflow.ops.matmul import onednn_product


def _fused_matmul(a, b, bias, transpose_a, transpose_b, relu):
    product = torch.addmm(bias, a.t() if transpose_a else a, b.t() if transpose_b else b)
    return product.relu_() if relu else product


def _lower_fused_matmul(node):
    a, b, bias = node.args
    product = onednn_product(node, bias, "relu" if node.attrs["relu"] else "none")
    if product is not None:
        return product
    a = f"{a}.t()" if node.attrs["transpose_a"] else a
    b = f"{b}.t()" if node.attrs["transpose_b"] else b
    function = "torch._addmm_activation" if node.attrs["relu"] else "torch.addmm"
    return f"{function}({bias}, {a}, {b})"


def _fused_matmul_shape(op):
    a, b = op._inputs[0].dims, op._inputs[1].dims
    rows = a and a[1 if op.attrs["transpose_a"] else 0]
    columns = b and b[0 if op.attrs["transpose_b"] else 1]
    return [(rows, columns)]


define_op(
    "_FusedMatMul", "a: T, b: T, bias: T -> product: T",
    "T: type, transpose_a: bool = false, transpose_b: bool = false, relu: bool = false",
    shape=_fused_matmul_shape, kernel=_fused_matmul, lower=_lower_fused_matmul, gradient=None,
)  # fmt: skip
