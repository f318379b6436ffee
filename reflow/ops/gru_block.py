"""A GRU cell as a single op: GRUBlockCell and its gradient (Cho et al., 2014).

[r, u] = sigmoid([x, h'] w_ru + b_ru)    c = tanh([x, h' r] w_c + b_c)    h = u h' + (1 - u) c
"""

import torch

from reflow.graph.registry import define_op
from reflow.ops.shape_rules import with_rank
from reflow.ops.sparse_coordinates import in_brackets, invalid


def _check(x, h_prev, w_ru, w_c, b_ru, b_c):
    (batch, inputs), units = x.shape, h_prev.shape[1]
    shapes = {"h_prev": (h_prev, (batch, units)), "w_ru": (w_ru, (inputs + units, 2 * units)),
              "w_c": (w_c, (inputs + units, units)), "b_ru": (b_ru, (2 * units,)), "b_c": (b_c, (units,))}  # fmt: skip
    for name, (tensor, wanted) in shapes.items():
        if tuple(tensor.shape) != wanted:
            raise invalid(f"{name} must have the shape {in_brackets(wanted)} but has {in_brackets(tensor.shape)}")


def _cell(x, h_prev, w_ru, w_c, b_ru, b_c):
    _check(x, h_prev, w_ru, w_c, b_ru, b_c)
    r, u = torch.sigmoid(torch.addmm(b_ru, torch.cat([x, h_prev], 1), w_ru)).chunk(2, 1)
    c = torch.tanh(torch.addmm(b_c, torch.cat([x, h_prev * r], 1), w_c))
    return r.contiguous(), u.contiguous(), c, u * h_prev + (1 - u) * c


def _cell_gradient(x, h_prev, w_ru, w_c, b_ru, b_c, r, u, c, d_h):
    """Gradients of the inputs and of the sums before tanh and sigmoid, from which those of the weights follow."""
    _check(x, h_prev, w_ru, w_c, b_ru, b_c)
    d_c_bar = d_h * (1 - u) * (1 - c * c)
    d_x, d_hr = (d_c_bar @ w_c.T).split([x.shape[1], h_prev.shape[1]], 1)
    d_r_bar = d_hr * h_prev * r * (1 - r)
    d_u_bar = d_h * (h_prev - c) * u * (1 - u)
    d_bars = torch.cat([d_r_bar, d_u_bar], 1)
    more_x, d_h_prev = (d_bars @ w_ru.T).split([x.shape[1], h_prev.shape[1]], 1)
    return d_x + more_x, d_h_prev + d_hr * r + d_h * u, d_c_bar, d_bars


def _cell_shape(op):
    batch, _ = with_rank(op._inputs[0].dims, 2)
    _, units = with_rank(op._inputs[1].dims, 2)
    return [(batch, units)] * 4


def _cell_gradient_shape(op):
    batch, inputs = with_rank(op._inputs[0].dims, 2)
    _, units = with_rank(op._inputs[1].dims, 2)
    _, both = with_rank(op._inputs[2].dims, 2)
    return [(batch, inputs), (batch, units), (batch, units), (batch, both)]


_INPUTS = "x: T, h_prev: T, w_ru: T, w_c: T, b_ru: T, b_c: T"

define_op("GRUBlockCell", f"{_INPUTS} -> r: T, u: T, c: T, h: T", "T: type in float", shape=_cell_shape, kernel=_cell)
define_op(
    "GRUBlockCellGrad", f"{_INPUTS}, r: T, u: T, c: T, d_h: T -> d_x: T, d_h_prev: T, d_c_bar: T, d_r_bar_u_bar: T",
    "T: type in float", shape=_cell_gradient_shape, kernel=_cell_gradient,
)  # fmt: skip
