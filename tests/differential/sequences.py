"""Ops on sequences: decoders of scores in time, and cells of recurrent networks."""

import numpy as np

from tests.differential.networks import scores
from tests.differential.table import Table

table = Table("sequences")


def _greedy(d):
    return list(scores(d)), {"merge_repeated": d.flag()}


def _beams(d):
    # Scores all different: which of two equal beams comes first is not determined.
    numbers, lengths = scores(d)
    numbers = (numbers + np.linspace(0, 1, numbers.size).reshape(numbers.shape) / 7).astype(numbers.dtype)
    return [numbers, lengths], {"beam_width": d.int(2, 6), "top_paths": d.int(1, 2), "merge_repeated": d.flag()}


def _cell(d):
    """Batch, inputs and units of a cell."""
    return d.int(1, 3), d.int(1, 3), d.int(1, 3)


def _array(d, *shape):
    return d.array("T", shape, "symmetric_finite")


def _gru(d):
    batch, inputs, units = _cell(d)
    state = [_array(d, batch, inputs), _array(d, batch, units)]
    weights = [_array(d, inputs + units, 2 * units), _array(d, inputs + units, units), _array(d, 2 * units)]
    return [*state, *weights, _array(d, units)], {}


def _gru_gradient(d):
    inputs, _ = _gru(d)
    h_prev = inputs[1]
    gates = [d.array("T", h_prev.shape, "unit") for _ in range(2)]
    return [*inputs, *gates, *(_array(d, *h_prev.shape) for _ in range(2))], {}


def _lstm(d):
    batch, inputs, units = _cell(d)
    arrays = [_array(d, batch, inputs), _array(d, batch, units), _array(d, batch, units),
              _array(d, inputs + units, 4 * units), *(_array(d, units) for _ in range(3)),
              _array(d, 4 * units)]  # fmt: skip
    return arrays, {"cell_clip": d.pick(-1.0, 0.5, 3.0), "use_peephole": d.flag(), "forget_bias": d.pick(0.0, 1.0)}


def _lstm_gradient(d):
    arrays, attrs = _lstm(d)
    state = arrays[1].shape
    return [*arrays, *(_array(d, *state) for _ in range(8))], {"use_peephole": attrs["use_peephole"]}


def _lstm_block(d):
    arrays, attrs = _lstm(d)
    # Of the steps beyond seq_len_max TensorFlow leaves the results unset.
    time = d.int(1, 3)
    x = _array(d, time, *arrays[0].shape)
    if d.op == "BlockLSTMV2":
        del attrs["forget_bias"]
    return [np.array(time, "int64"), x, *arrays[1:]], attrs


def _lstm_block_gradient(d):
    (time, x, *arrays), attrs = _lstm_block(d)
    steps = (*x.shape[:2], arrays[0].shape[1])
    gates = [d.array("T", steps, domain) for domain in ("unit", "finite", "unit", "unit", "symmetric", "symmetric")]
    return [time, x, *arrays, *gates, *(_array(d, *steps) for _ in range(3))], {"use_peephole": attrs["use_peephole"]}


_CELLS = {"scaled": True, "faults": False, "tolerances": {"float16": 2e-2, "float32": 1e-4}}

table.add("CTCGreedyDecoder", _greedy, faults=False)
table.add("CTCBeamSearchDecoder", _beams, faults=False, tolerances={"float32": 1e-4, "float64": 1e-5})
table.add("GRUBlockCell", _gru, **_CELLS)
table.add("GRUBlockCellGrad", _gru_gradient, **_CELLS)
table.add("LSTMBlockCell", _lstm, **_CELLS)
table.add("LSTMBlockCellGrad", _lstm_gradient, **_CELLS)
table.add("BlockLSTM", _lstm_block, **_CELLS)
# The gradient differs: TensorFlow's is that of BlockLSTM, whose gates stand in another order.
table.add("BlockLSTMV2", _lstm_block, **{**_CELLS, "gradient": False})
table.add("BlockLSTMGrad", _lstm_block_gradient, **_CELLS)
