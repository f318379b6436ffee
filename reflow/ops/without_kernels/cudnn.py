"""The recurrent networks of NVIDIA's cuDNN: all layers and steps in one op, all weights in one vector."""

from reflow.graph.build import call
from reflow.graph.registry import gradient
from reflow.graph.shapes import Dims
from reflow.ops.shape_rules import with_rank
from reflow.ops.without_kernels.definition import define_without_kernel

_MODES = ("rnn_mode: string in rnn_relu|rnn_tanh|lstm|gru = lstm, "
          "input_mode: string in linear_input|skip_input|auto_select = linear_input, "
          "direction: string in unidirectional|bidirectional = unidirectional, dropout: float = 0, seed: int = 0, "
          "seed2: int = 0")  # fmt: skip
_FLOATS = "T: type in half|float|double"
_STATE = "input: T, input_h: T, input_c: T, params: T"
_RESULT = "output: T, output_h: T, output_c: T, reserve_space: T"
_BACKPROPS = "output_backprop: T, output_h_backprop: T, output_c_backprop: T, reserve_space: T"
_GRADIENTS = "input_backprop: T, input_h_backprop: T, input_c_backprop: T, params_backprop: T"


# --- the network ------------------------------------------------------------------------------------------------------


def _forward_shape(op) -> list[Dims]:
    x, h = op._inputs[0].dims, op._inputs[1].dims
    steps, batch, _ = with_rank(x, 3)
    units = with_rank(h, 3)[2]
    if units is not None and op.attrs["direction"] == b"bidirectional":
        units *= 2
    # The third version passes on the shape that the cells' state has; the others only know an LSTM to have cells.
    if op.type == "CudnnRNNV3":
        c = op._inputs[2].dims if op.attrs["rnn_mode"] == b"lstm" else ()
    else:
        c = h if op.attrs["rnn_mode"] == b"lstm" else ()
    return [(steps, batch, units), h, c, *[None] * (len(op.op_def.outputs) - 3)]


def _backprop_shape(op) -> list[Dims]:
    return [tensor.dims for tensor in op._inputs[:4]]


for _version, _lengths, _reserved, _projections, _order in (
    ("", "", "", "", ""),
    ("V2", "", ", host_reserved: int8", "", ""),
    ("V3", ", sequence_lengths: int32", ", host_reserved: int8", ", num_proj: int = 0", ", time_major: bool = true"),
):
    define_without_kernel(
        f"CudnnRNN{_version}", f"{_STATE}{_lengths} -> {_RESULT}{_reserved}",
        f"{_FLOATS}, {_MODES}{_projections}, is_training: bool = true{_order}", shape=_forward_shape, is_stateful=True,
    )  # fmt: skip
    define_without_kernel(
        f"CudnnRNNBackprop{_version}",
        f"{_STATE}{_lengths}, output: T, output_h: T, output_c: T, {_BACKPROPS}{_reserved} -> {_GRADIENTS}",
        f"{_FLOATS}, {_MODES}{_projections}{_order}", shape=_backprop_shape, is_stateful=True,
    )  # fmt: skip


@gradient("CudnnRNN", "CudnnRNNV2", "CudnnRNNV3")
def _cudnn_gradient(op, *grads):
    if not op.get_attr("is_training"):
        raise ValueError(f"To use {op.type} in gradients, is_training must be set to True.")
    backprop = op.type.replace("RNN", "RNNBackprop")
    attrs = {name: value for name, value in op.attrs.items() if name not in ("T", "is_training") and name[0] != "_"}
    results = call(backprop, *op.inputs, *op.outputs[:3], *grads[:3], *op.outputs[3:], **attrs)
    return [*results, None] if len(op.inputs) > 4 else list(results)


# --- its weights ------------------------------------------------------------------------------------------------------

_SIZES = "num_layers: int32, num_units: int32, input_size: int32"


def _params_size_shape(op) -> list[Dims]:
    for tensor in op._inputs:
        with_rank(tensor.dims, 0)
    return [(1,)]


def _to_params_shape(op) -> list[Dims]:
    return [(None,)]


def _to_canonical_shape(op) -> list[Dims]:
    with_rank(op._inputs[3].dims, 1)
    counts = [op.attrs[arg.number_attr] for arg in op.op_def.outputs]
    return [(None, None)] * counts[0] + [(None,)] * counts[1]


define_without_kernel("CudnnRNNParamsSize", f"{_SIZES} -> params_size: S",
                      f"{_FLOATS}, S: type in index, {_MODES}, num_proj: int = 0",
                      shape=_params_size_shape)  # fmt: skip

for _version, _weights, _biases, _extra in (
    ("", "num_params", "num_params", "num_params: int >= 1"),
    ("V2", "num_params_weights", "num_params_biases",
     "num_params_weights: int >= 1, num_params_biases: int >= 1, num_proj: int = 0"),
):  # fmt: skip
    _parts = f"weights: {_weights}*T, biases: {_biases}*T"
    define_without_kernel(f"CudnnRNNCanonicalToParams{_version}", f"{_SIZES}, {_parts} -> params: T",
                          f"{_FLOATS}, {_MODES}, {_extra}", shape=_to_params_shape)  # fmt: skip
    define_without_kernel(f"CudnnRNNParamsToCanonical{_version}", f"{_SIZES}, params: T -> {_parts}",
                          f"{_FLOATS}, {_MODES}, {_extra}", shape=_to_canonical_shape)  # fmt: skip
