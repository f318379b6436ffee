"""Adding a bias to the channels of a tensor: BiasAdd, BiasAddV1, and the layers made of it and a matrix product."""

import torch

from reflow.graph.build import call
from reflow.graph.context import name_scope
from reflow.graph.convert import to_tensor
from reflow.graph.errors import InvalidArgumentError
from reflow.graph.export import export
from reflow.graph.operation import Tensor
from reflow.graph.registry import define_op, gradient
from reflow.graph.shapes import dims_in_brackets
from reflow.ops.matmul import matmul
from reflow.ops.native import reduction as reduction_native
from reflow.ops.shape_rules import merge_size, with_rank, with_rank_at_least

_FORMAT = "data_format: string in NHWC|NCHW = NHWC"


def _channel_axis(data_format, rank):
    return 1 if data_format == b"NCHW" else rank - 1


def _least_rank(data_format):
    return 3 if data_format == b"NCHW" else 2


def _bias_add_shape(op):
    data_format = op.attrs.get("data_format")
    dims = with_rank_at_least(op._inputs[0].dims, _least_rank(data_format))
    (channels,) = with_rank(op._inputs[1].dims, 1)
    if dims is None:
        return [None]
    axis = _channel_axis(data_format, len(dims))
    return [dims[:axis] + (merge_size(dims[axis], channels),) + dims[axis + 1 :]]


def _check_value(value, data_format):
    """Checks what the shape rule cannot of a value whose rank it does not know. TensorFlow adds to nothing in NCHW."""
    least = _least_rank(data_format) if value.numel() else 2
    if value.dim() < least:
        raise InvalidArgumentError(None, None, f"Input tensor must be at least {least}D: "
                                   f"{dims_in_brackets(tuple(value.shape))}")  # fmt: skip


def _bias_add(value, bias, data_format=b"NHWC"):
    _check_value(value, data_format)
    if bias.dim() != 1:
        raise InvalidArgumentError(None, None, f"Biases must be 1D: {dims_in_brackets(tuple(bias.shape))}")
    axis = _channel_axis(data_format, value.dim())
    if bias.shape[0] != value.shape[axis]:
        shapes = f"{dims_in_brackets(tuple(bias.shape))} vs. {dims_in_brackets(tuple(value.shape))}"
        which = "last" if data_format == b"NHWC" else "channel"
        raise InvalidArgumentError(None, None, f"Must provide as many biases as the {which} dimension of the input "
                                   f"tensor: {shapes}")  # fmt: skip
    if axis != value.dim() - 1:
        bias = bias.reshape((-1,) + (1,) * (value.dim() - 2))
    if value.dtype is torch.uint16:
        # ATen adds no uint16; two's complement sums are the same.
        return (value.view(torch.int16) + bias.view(torch.int16)).view(torch.uint16)
    return value + bias


def _lower_bias_add(node):
    """A plain sum, once the shapes are known to fit."""
    value, bias = node.args
    dims, bias_dims = node.dims(0), node.dims(1)
    if dims is None or bias_dims is None or node.attrs["T"].name == "uint16":
        return None
    if len(bias_dims) != 1 or len(dims) < _least_rank(node.attrs.get("data_format")):
        return None
    axis = _channel_axis(node.attrs.get("data_format"), len(dims))
    if dims[axis] is None or dims[axis] != bias_dims[0]:
        return None
    if axis != len(dims) - 1:
        bias = f"{bias}.view({(-1,) + (1,) * (len(dims) - 2)})"
    return f"torch.add({value}, {bias})"


define_op(
    "BiasAdd", "value: T, bias: T -> output: T", f"T: type in number, {_FORMAT}",
    shape=_bias_add_shape, kernel=_bias_add, lower=_lower_bias_add,
)  # fmt: skip
define_op(
    "BiasAddV1", "value: T, bias: T -> output: T", "T: type in number",
    shape=_bias_add_shape, kernel=_bias_add, lower=_lower_bias_add,
)  # fmt: skip


def _bias_add_grad_shape(op):
    data_format = op.attrs["data_format"]
    dims = with_rank_at_least(op._inputs[0].dims, _least_rank(data_format))
    return [(None,) if dims is None else (dims[_channel_axis(data_format, len(dims))],)]


def _bias_add_grad(out_backprop, data_format):
    _check_value(out_backprop, data_format)
    rank = out_backprop.dim()
    channel = _channel_axis(data_format, rank)
    axes = [i for i in range(rank) if i != channel]
    if out_backprop.dtype is torch.uint16:
        return out_backprop.view(torch.int16).sum(axes, dtype=torch.int16).view(torch.uint16)
    return out_backprop.sum(axes, dtype=out_backprop.dtype)


def _lower_bias_add_grad(node):
    dims = node.dims(0)
    if dims is None or len(dims) < _least_rank(node.attrs["data_format"]) or not node.attrs["T"].is_floating:
        return None
    channel = _channel_axis(node.attrs["data_format"], len(dims))
    return f"torch.sum({node.args[0]}, {[i for i in range(len(dims)) if i != channel]})"


_sum_of_few = reduction_native.over_all_but_the_last(_bias_add_grad, most=1 << 13)


def _native_bias_add_grad(node):
    return None if node.attrs["data_format"] == b"NCHW" else _sum_of_few(node)


define_op(
    "BiasAddGrad", "out_backprop: T -> output: T", f"T: type in number, {_FORMAT}",
    shape=_bias_add_grad_shape, kernel=_bias_add_grad, lower=_lower_bias_add_grad, native=_native_bias_add_grad,
)  # fmt: skip


@gradient("BiasAdd")
def _bias_add_gradient(op, grad):
    return grad, call("BiasAddGrad", grad, data_format=op.attrs["data_format"])


@gradient("BiasAddGrad")
def _bias_add_grad_gradient(op, grad):
    """The gradient of a sum over all but the channels: the same channel values everywhere."""
    shape, channels = call("Shape", op._inputs[0]), call("Shape", grad)
    if op.attrs["data_format"] == b"NCHW":
        before, after = shape[:1], [shape[2:]]
    else:
        before, after = shape[:-1], []
    ones = [call("OnesLike", part) for part in (before, *after)]
    expanded = call("Reshape", grad, call("ConcatV2", [ones[0], channels, *ones[1:]], 0))
    return call("Tile", expanded, call("ConcatV2", [before, [1], *after], 0))


@gradient("BiasAddV1")
def _bias_add_v1_gradient(op, grad):
    axes = call("Range", 0, call("Sub", call("Rank", grad), 1), 1)
    return grad, call("Sum", grad, axes)


# --- public functions ---------------------------------------------------------------------------------------------


@export("nn.bias_add")
def bias_add(value, bias, data_format=None, name=None):
    """Add a vector of biases to the channels of `value`.

    Args:
      value: tensor of rank 2 or more; its channels are the last dimension, or dimension 1 if `data_format` says so.
      bias: vector as long as there are channels, of the same type.
      data_format: "N...C" (the default) or "NC...".
      name: a name for the operation.

    Returns:
      A tensor like `value`.

    Raises:
      ValueError: if `data_format` has another form, or the shapes do not fit.
    """
    data_format = _canonical_format(data_format)
    if type(value) is type(bias) is Tensor and value.dtype.base_dtype is bias.dtype.base_dtype:
        return call("BiasAdd", value, bias, name=name, data_format=data_format)
    with name_scope(name, "BiasAdd", [value, bias]) as scope:
        value = to_tensor(value, name="input")
        bias = to_tensor(bias, value.dtype, "bias")
        return call("BiasAdd", value, bias, name=scope, data_format=data_format)


def _canonical_format(data_format) -> str:
    if data_format is None:
        return "NHWC"
    if data_format.startswith("NC"):
        return "NCHW"
    if data_format.startswith("N") and data_format.endswith("C"):
        return "NHWC"
    raise ValueError("data_format must be of the form `N...C` or `NC...`")


def bias_add_v1(value, bias, name=None):
    """`bias_add` as the deprecated op BiasAddV1, which has no data format."""
    with name_scope(name, "BiasAddV1", [value, bias]) as scope:
        value = to_tensor(value, name="input")
        bias = to_tensor(bias, value.dtype, "bias")
        return call("BiasAddV1", value, bias, name=scope)


@export("nn.xw_plus_b")
def xw_plus_b(x, weights, biases, name=None):
    """matmul(x, weights) + biases.

    Args:
      x: [batch, in_units] matrix.
      weights: [in_units, out_units] matrix of the same type.
      biases: vector of out_units.
      name: a name for the sum ("xw_plus_b").

    Returns:
      A [batch, out_units] matrix.
    """
    with name_scope(name, "xw_plus_b", [x, weights, biases]) as scope:
        x, weights, biases = _convert_layer(x, weights, biases)
        return bias_add(matmul(x, weights), biases, name=scope)


def xw_plus_b_v1(x, weights, biases, name=None):
    """`xw_plus_b` with the deprecated op BiasAddV1."""
    with name_scope(name, "xw_plus_b_v1", [x, weights, biases]) as scope:
        x, weights, biases = _convert_layer(x, weights, biases)
        return bias_add_v1(matmul(x, weights), biases, name=scope)


def _convert_layer(x, weights, biases):
    return to_tensor(x, name="x"), to_tensor(weights, name="weights"), to_tensor(biases, name="biases")


@export("nn.relu_layer")
def relu_layer(x, weights, biases, name=None):
    """relu(matmul(x, weights) + biases).

    Args:
      x: [batch, in_units] matrix.
      weights: [in_units, out_units] matrix of the same type.
      biases: vector of out_units.
      name: a name for the result ("relu_layer").

    Returns:
      A [batch, out_units] matrix.
    """
    with name_scope(name, "relu_layer", [x, weights, biases]) as scope:
        x, weights, biases = _convert_layer(x, weights, biases)
        return call("Relu", bias_add(matmul(x, weights), biases), name=scope)
