"""Quantized ops that TensorFlow has in its builds with Intel's MKL only, and one that it never had a kernel for.

Most are a convolution or a matrix product and what a network does with its result, in one: add a bias, add another
tensor, rectify, requantize.
"""

from reflow.graph.build import call
from reflow.graph.dtypes import quint8
from reflow.graph.export import export
from reflow.ops.depthwise import depthwise_dims
from reflow.ops.quantized_arithmetic import check_scalars, matmul_dims
from reflow.ops.quantized_layers import conv2d_dims
from reflow.ops.quantized_numbers import QUANTIZED
from reflow.ops.shape_rules import unchanged_shape, with_rank, with_rank_at_most
from reflow.ops.without_kernels.definition import define_without_kernel

_FROZEN = "min_freezed_output: float, max_freezed_output: float"
_BIAS_TYPE = "Tbias: type in float|qint32, "


def _index(op, name: str) -> int:
    return next(i for i, arg in enumerate(op.op_def.inputs) if arg.name == name)


def _check_scalars_named(op, *names: str) -> None:
    check_scalars(op, *[_index(op, name) for name in names if any(arg.name == name for arg in op.op_def.inputs)])


def _check_bias(op) -> None:
    if "WithBias" in op.type:
        with_rank(op._inputs[2].dims, 1)


# --- convolutions -----------------------------------------------------------------------------------------------------


def _conv2d_shape(op):
    """A filter has one range or one a channel, and so has a result that is not made narrow again."""
    dims = conv2d_dims(op)
    _check_bias(op)
    _check_scalars_named(op, "min_input", "max_input", "min_freezed_output", "max_freezed_output")
    if op.type == "QuantizedConv2DAndRequantize":
        _check_scalars_named(op, "min_filter", "max_filter")
    for name in ("min_filter", "max_filter"):
        ends = with_rank_at_most(op._inputs[_index(op, name)].dims, 1)
    return [dims, (), ()] if op.type.endswith("Requantize") else [dims, ends, ends]


def _depthwise_shape(op):
    return [depthwise_dims(op, b"NHWC"), None, None]


def _define_conv2d(what: str, out_type: str = "qint32", bias: str = "", last: str = "", types: str = "",
                   padding_list: bool = True) -> None:  # fmt: skip
    """Define an op.

    Args:
      what: what follows "Quantized" in its name.
      out_type: the default of the attribute.
      bias: the type of the bias; none if "".
      last: the inputs after the ranges.
      types: the attributes for the types of bias and summand.
      padding_list: whether it has that attribute.
    """
    define_without_kernel(
        f"Quantized{what}",
        f"input: Tinput, filter: Tfilter, {f'bias: {bias}, ' if bias else ''}"
        f"min_input: float, max_input: float, min_filter: float, max_filter: float{last and ', ' + last} -> "
        "output: out_type, min_output: float, max_output: float",
        f"{types}Tinput: type in {QUANTIZED}, Tfilter: type in {QUANTIZED}, strides: list(int), "
        f"padding: string in SAME|VALID, out_type: type in {QUANTIZED} = {out_type}, "
        f"dilations: list(int) = [1, 1, 1, 1]{', padding_list: list(int) = []' if padding_list else ''}",
        shape=_depthwise_shape if what.startswith("Depthwise") else _conv2d_shape,
    )


_define_conv2d("Conv2DAndRelu")
_define_conv2d("Conv2DAndReluAndRequantize", "quint8", last=_FROZEN)
_define_conv2d("Conv2DAndRequantize", "qint8", last=_FROZEN)
_define_conv2d("Conv2DPerChannel", padding_list=False)
_define_conv2d("Conv2DWithBias", bias="float")
_define_conv2d("Conv2DWithBiasAndRelu", bias="float")
_define_conv2d("Conv2DWithBiasAndReluAndRequantize", "quint8", "Tbias", _FROZEN, _BIAS_TYPE)
_define_conv2d("Conv2DWithBiasAndRequantize", "qint8", "Tbias", _FROZEN, _BIAS_TYPE)
_define_conv2d("Conv2DWithBiasSumAndRelu", bias="float", last="summand: float")
for _sum in ("SignedSum", "Sum"):
    _define_conv2d(
        f"Conv2DWithBias{_sum}AndReluAndRequantize", "quint8", "Tbias",
        f"{_FROZEN}, summand: Tsummand, min_summand: float, max_summand: float",
        f"{_BIAS_TYPE}Tsummand: type in {QUANTIZED}, ",
    )  # fmt: skip
_define_conv2d("DepthwiseConv2D", padding_list=False)
_define_conv2d("DepthwiseConv2DWithBias", bias="float", padding_list=False)
_define_conv2d("DepthwiseConv2DWithBiasAndRelu", bias="float", padding_list=False)
_define_conv2d("DepthwiseConv2DWithBiasAndReluAndRequantize", "quint8", "Tbias", _FROZEN, _BIAS_TYPE,
               padding_list=False)  # fmt: skip


# --- matrix products --------------------------------------------------------------------------------------------------


def _matmul_shape(op):
    dims = matmul_dims(op)
    _check_bias(op)
    check_scalars(op, *range(3, len(op._inputs)))
    return [dims, (), ()]


def _define_matmul(what: str, out_type: str, bias: str, last: str = "", types: str = "") -> None:
    define_without_kernel(
        f"QuantizedMatMul{what}",
        f"a: T1, b: T2, bias: {bias}, min_a: float, max_a: float, min_b: float, max_b: float{last and ', ' + last} -> "
        "out: Toutput, min_out: float, max_out: float",
        f"T1: type in {QUANTIZED}, T2: type in {QUANTIZED}, {types}Toutput: type in {QUANTIZED} = {out_type}, "
        "transpose_a: bool = false, transpose_b: bool = false, "
        "input_quant_mode: string in MIN_FIRST|SCALED = MIN_FIRST",
        shape=_matmul_shape,
    )


_define_matmul("WithBias", "qint32", "Tbias", types=_BIAS_TYPE)
_define_matmul("WithBiasAndRelu", "qint32", "float")
_define_matmul("WithBiasAndReluAndRequantize", "quint8", "Tbias", _FROZEN, _BIAS_TYPE)


# --- ranges -----------------------------------------------------------------------------------------------------------


def _per_channel_shape(op):
    for tensor in op._inputs[1:3]:
        with_rank(tensor.dims, 1)
    check_scalars(op, *range(3, len(op._inputs)))
    return [*(unchanged_shape(op) if len(op.op_def.outputs) == 3 else []), (), ()]


def _relu_x_shape(op):
    check_scalars(op, 1, 2, 3)
    return [*unchanged_shape(op), (), ()]


define_without_kernel(
    "RequantizationRangePerChannel",
    "input: T, input_min: float, input_max: float -> output_min: float, output_max: float",
    f"T: type in {QUANTIZED} = qint32, clip_value_max: float", shape=_per_channel_shape,
)  # fmt: skip
define_without_kernel(
    "RequantizePerChannel",
    "input: T, input_min: float, input_max: float, requested_output_min: float, requested_output_max: float -> "
    "output: out_type, output_min: float, output_max: float",
    f"T: type in {QUANTIZED} = qint32, out_type: type in {QUANTIZED} = quint8", shape=_per_channel_shape,
)  # fmt: skip
define_without_kernel(
    "QuantizedReluX",
    "features: Tinput, max_value: float, min_features: float, max_features: float -> "
    "activations: out_type, min_activations: float, max_activations: float",
    f"Tinput: type in {QUANTIZED}, out_type: type in {QUANTIZED} = quint8", shape=_relu_x_shape,
)  # fmt: skip


@export("nn.quantized_relu_x")
def quantized_relu_x(features, max_value, min_features, max_features, out_type=quint8, name=None):
    """A quantized tensor cut off below 0 and above a number: min(max(features, 0), max_value).

    TensorFlow 1.15 has no kernel for it: the graph is made, and a step that needs the result fails.

    Args:
      features: quantized tensor.
      max_value: float32 scalar: the greatest real to return.
      min_features: float32 scalar: the real that the least integer stands for.
      max_features: float32 scalar: the real that the greatest integer stands for.
      out_type: the type of the result.
      name: the node's name.

    Returns:
      (activations, min_activations, max_activations).
    """
    return call("QuantizedReluX", features, max_value, min_features, max_features, out_type=out_type, name=name)
