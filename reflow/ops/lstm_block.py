"""LSTM cells and layers as single ops: LSTMBlockCell, BlockLSTM, BlockLSTMV2 and their gradients.

With [i, ci, f, o] = [x, h'] w + b, where ' stands for the step before (Hochreiter and Schmidhuber, 1997, with forget
gates and, if asked for, peepholes: Gers and Schmidhuber, 2000):

    i = sigmoid(i + wci cs')    f = sigmoid(f + forget_bias + wcf cs')    ci = tanh(ci)
    cs = clip(ci i + cs' f)     o = sigmoid(o + wco cs)                   h = tanh(cs) o

`w` has its columns in the order i, ci, f, o; for version 2 in the order i, f, ci, o.
"""

from typing import NamedTuple

import torch

from reflow.graph.build import call
from reflow.graph.registry import define_op, gradient
from reflow.ops.shape_rules import with_rank
from reflow.ops.sparse_coordinates import in_brackets, invalid

_GATES, _GATES_V2 = ("i", "ci", "f", "o"), ("i", "f", "ci", "o")


class _Step(NamedTuple):
    """What one step makes, in the order of the ops' outputs."""

    i: torch.Tensor
    cs: torch.Tensor
    f: torch.Tensor
    o: torch.Tensor
    ci: torch.Tensor
    co: torch.Tensor
    h: torch.Tensor


class _Peepholes(NamedTuple):
    """The weights from the cell to the gates."""

    wci: torch.Tensor
    wcf: torch.Tensor
    wco: torch.Tensor


# --- one step -------------------------------------------------------------------------------------------------------


def _step(sums, cs_prev, peepholes, forget_bias, cell_clip, order) -> _Step:
    """A step from `sums` = [x, h'] w + b; `peepholes` is None for none."""
    gates = dict(zip(order, sums.chunk(4, -1), strict=True))
    i, f, o = gates["i"], gates["f"] + forget_bias, gates["o"]
    if peepholes is not None:
        i, f = i + cs_prev * peepholes.wci, f + cs_prev * peepholes.wcf
    i, f, ci = torch.sigmoid(i), torch.sigmoid(f), torch.tanh(gates["ci"])
    cs = ci * i + cs_prev * f
    if cell_clip > 0:
        cs = cs.clamp(-cell_clip, cell_clip)
    if peepholes is not None:
        o = o + cs * peepholes.wco
    o, co = torch.sigmoid(o), torch.tanh(cs)
    return _Step(i, cs, f, o, ci, co, co * o)


def _step_gradient(step: _Step, cs_prev, peepholes, cs_grad, h_grad):
    """(gradient of cs', gradients of the sums before the gates by gate)."""
    i, cs, f, o, ci, co, _ = step
    d_o = h_grad * co * o * (1 - o)
    d_cs = h_grad * o * (1 - co * co) + cs_grad
    if peepholes is not None:
        d_cs = d_cs + d_o * peepholes.wco
    grads = {"i": d_cs * ci * i * (1 - i), "ci": d_cs * i * (1 - ci * ci), "f": d_cs * cs_prev * f * (1 - f), "o": d_o}
    d_cs_prev = d_cs * f
    if peepholes is not None:
        d_cs_prev = d_cs_prev + grads["i"] * peepholes.wci + grads["f"] * peepholes.wcf
    return d_cs_prev, grads


def _peephole_gradients(grads, cs_prev, cs) -> list[torch.Tensor]:
    return [(grads["i"] * cs_prev).sum(0), (grads["f"] * cs_prev).sum(0), (grads["o"] * cs).sum(0)]


def _check(name, tensor, *sizes):
    if tuple(tensor.shape) != sizes:
        raise invalid(f"{name} must have the shape {in_brackets(sizes)} but has {in_brackets(tensor.shape)}")


def _check_weights(batch, inputs, cs_prev, h_prev, w, b):
    if cs_prev.dim() != 2:
        raise invalid(f"cs_prev must be a matrix but has the shape {in_brackets(cs_prev.shape)}")
    units = cs_prev.shape[1]
    _check("cs_prev", cs_prev, batch, units)
    _check("h_prev", h_prev, batch, units)
    _check("w", w, inputs + units, 4 * units)
    _check("b", b, 4 * units)


# --- cells ----------------------------------------------------------------------------------------------------------


def _cell(x, cs_prev, h_prev, w, wci, wcf, wco, b, forget_bias, cell_clip, use_peephole):
    _check_weights(x.shape[0], x.shape[1], cs_prev, h_prev, w, b)
    sums = torch.addmm(b, torch.cat([x, h_prev], 1), w)
    peepholes = _Peepholes(wci, wcf, wco) if use_peephole else None
    return tuple(_step(sums, cs_prev, peepholes, forget_bias, cell_clip, _GATES))


def _cell_gradient(x, cs_prev, h_prev, w, wci, wcf, wco, b, i, cs, f, o, ci, co, cs_grad, h_grad, use_peephole):
    _check_weights(x.shape[0], x.shape[1], cs_prev, h_prev, w, b)
    peepholes = _Peepholes(wci, wcf, wco) if use_peephole else None
    d_cs_prev, grads = _step_gradient(_Step(i, cs, f, o, ci, co, co), cs_prev, peepholes, cs_grad, h_grad)
    to_peepholes = [torch.zeros_like(t) for t in (wci, wcf, wco)]
    if use_peephole:
        to_peepholes = _peephole_gradients(grads, cs_prev, cs)
    return d_cs_prev, torch.cat([grads[gate] for gate in _GATES], 1), *to_peepholes


# --- layers ---------------------------------------------------------------------------------------------------------


def _layer(seq_len_max, x, cs_prev, h_prev, w, peepholes, b, forget_bias, cell_clip, order):
    """The first `seq_len_max` steps; zeros after them."""
    steps, batch, inputs = x.shape
    _check_weights(batch, inputs, cs_prev, h_prev, w, b)
    if not 0 <= seq_len_max <= steps:
        raise invalid(f"seq_len_max {seq_len_max} is not between 0 and {steps}")
    # The inputs' part of all steps at once.
    from_inputs = torch.addmm(b, x[:seq_len_max].reshape(-1, inputs), w[:inputs]).unflatten(0, (seq_len_max, batch))
    outputs = [x.new_zeros(steps, batch, cs_prev.shape[1]) for _ in _Step._fields]
    for t in range(seq_len_max):
        sums = torch.addmm(from_inputs[t], h_prev, w[inputs:])
        made = _step(sums, cs_prev, peepholes, forget_bias, cell_clip, order)
        for output, value in zip(outputs, made, strict=True):
            output[t] = value
        cs_prev, h_prev = made.cs, made.h
    return tuple(outputs)


def _block(seq_len_max, x, cs_prev, h_prev, w, wci, wcf, wco, b, forget_bias, cell_clip, use_peephole):
    peepholes = _Peepholes(wci, wcf, wco) if use_peephole else None
    return _layer(seq_len_max, x, cs_prev, h_prev, w, peepholes, b, forget_bias, cell_clip, _GATES)


def _block_v2(seq_len_max, x, cs_prev, h_prev, w, wci, wcf, wco, b, cell_clip, use_peephole):
    peepholes = _Peepholes(wci, wcf, wco) if use_peephole else None
    return _layer(seq_len_max, x, cs_prev, h_prev, w, peepholes, b, 0.0, cell_clip, _GATES_V2)


def _block_gradient(order):
    def kernel(seq_len_max, x, cs_prev, h_prev, w, wci, wcf, wco, b, i, cs, f, o, ci, co, h, cs_grad, h_grad,
               use_peephole):  # fmt: skip
        batch, inputs = x.shape[1:]
        _check_weights(batch, inputs, cs_prev, h_prev, w, b)
        peepholes = _Peepholes(wci, wcf, wco) if use_peephole else None
        to_peepholes = [torch.zeros_like(t) for t in (wci, wcf, wco)]
        d_sums = x.new_zeros(seq_len_max, batch, w.shape[1])
        d_cs, d_h = torch.zeros_like(cs_prev), torch.zeros_like(h_prev)
        made = _Step(i, cs, f, o, ci, co, h)
        for t in reversed(range(seq_len_max)):
            before = cs[t - 1] if t else cs_prev
            step = _Step(*[each[t] for each in made])
            d_cs, grads = _step_gradient(step, before, peepholes, d_cs + cs_grad[t], d_h + h_grad[t])
            torch.cat([grads[gate] for gate in order], 1, out=d_sums[t])
            d_h = d_sums[t] @ w[inputs:].T
            if use_peephole:
                parts = _peephole_gradients(grads, before, step.cs)
                to_peepholes = [total + part for total, part in zip(to_peepholes, parts, strict=True)]
        rows = d_sums.flatten(0, 1)
        h_before = torch.cat([h_prev[None], h])[:seq_len_max].flatten(0, 1)
        d_w = torch.cat([x[:seq_len_max].reshape(-1, inputs).T @ rows, h_before.T @ rows])
        d_x = torch.zeros_like(x)
        d_x[:seq_len_max] = (rows @ w[:inputs].T).unflatten(0, (seq_len_max, batch))
        return d_x, d_cs, d_h, d_w, *to_peepholes, rows.sum(0)

    return kernel


# --- shapes ---------------------------------------------------------------------------------------------------------


def _cell_shape(op):
    batch, _ = with_rank(op._inputs[0].dims, 2)
    _, units = with_rank(op._inputs[1].dims, 2)
    return [(batch, units)] * 7


def _cell_gradient_shape(op):
    batch, _ = with_rank(op._inputs[0].dims, 2)
    _, units = with_rank(op._inputs[1].dims, 2)
    return [(batch, units), (batch, None if units is None else 4 * units), *[(units,)] * 3]


def _block_shape(op):
    steps, batch, _ = with_rank(op._inputs[1].dims, 3)
    (sums,) = with_rank(op._inputs[8].dims, 1)
    if sums is not None and sums % 4:
        raise ValueError(f"Dimension size must be evenly divisible by 4 but is {sums}")
    return [(steps, batch, None if sums is None else sums // 4)] * 7


def _block_gradient_shape(op):
    inputs = op._inputs
    ranks = zip(range(1, 9), (3, 2, 2, 2, 1, 1, 1, 1), strict=True)
    return [with_rank(inputs[i].dims, rank) for i, rank in ranks]


# --- ops ------------------------------------------------------------------------------------------------------------

_STATE = "cs_prev: T, h_prev: T, w: T, wci: T, wcf: T, wco: T, b: T"
_OUTPUTS = "i: T, cs: T, f: T, o: T, ci: T, co: T, h: T"
_PEEPHOLE, _TYPE = "use_peephole: bool = false", "T: type in half|float"
_GRADIENTS = "wci_grad: T, wcf_grad: T, wco_grad: T"

define_op(
    "LSTMBlockCell", f"x: T, {_STATE} -> {_OUTPUTS}",
    f"forget_bias: float = 1, cell_clip: float = 3, {_PEEPHOLE}, {_TYPE}", shape=_cell_shape, kernel=_cell,
)  # fmt: skip
define_op(
    "LSTMBlockCellGrad",
    f"x: T, {_STATE}, i: T, cs: T, f: T, o: T, ci: T, co: T, cs_grad: T, h_grad: T -> "
    f"cs_prev_grad: T, dicfo: T, {_GRADIENTS}",
    f"use_peephole: bool, {_TYPE}", shape=_cell_gradient_shape, kernel=_cell_gradient,
)  # fmt: skip
define_op(
    "BlockLSTM", f"seq_len_max: int64, x: T, {_STATE} -> {_OUTPUTS}",
    f"forget_bias: float = 1, cell_clip: float = 3, {_PEEPHOLE}, {_TYPE}", shape=_block_shape, kernel=_block,
    host="seq_len_max",
)  # fmt: skip
define_op(
    "BlockLSTMV2", f"seq_len_max: int64, x: T, {_STATE} -> {_OUTPUTS}",
    f"cell_clip: float = 0, {_PEEPHOLE}, {_TYPE}", shape=_block_shape, kernel=_block_v2, host="seq_len_max",
)  # fmt: skip
for _name, _order in (("BlockLSTMGrad", _GATES), ("BlockLSTMGradV2", _GATES_V2)):
    define_op(
        _name,
        f"seq_len_max: int64, x: T, {_STATE}, {_OUTPUTS}, cs_grad: T, h_grad: T -> "
        f"x_grad: T, cs_prev_grad: T, h_prev_grad: T, w_grad: T, {_GRADIENTS}, b_grad: T",
        f"use_peephole: bool, {_TYPE}", shape=_block_gradient_shape, kernel=_block_gradient(_order),
        host="seq_len_max",
    )  # fmt: skip


@gradient("BlockLSTM", "BlockLSTMV2")
def _block_lstm_gradient(op, *grads):
    """Of the seven outputs only the cells' states and the results have gradients."""
    _, cs_grad, _, _, _, _, h_grad = grads
    name = "BlockLSTMGrad" if op.type == "BlockLSTM" else "BlockLSTMGradV2"
    made = call(name, *op.inputs, *op.outputs, cs_grad, h_grad, use_peephole=op.attrs["use_peephole"])
    return [None, *made]
