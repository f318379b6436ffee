"""Batch normalization as fused ops (Ioffe and Szegedy 2015), with first and second gradients.

With mean m and variance v over all dimensions but the channels, r = (v + epsilon)^-1/2 and n = (x - m) r:
y = scale * n + offset.
"""

import torch

from reflow.graph import dtypes
from reflow.graph.build import call
from reflow.graph.operation import Tensor
from reflow.graph.registry import define_op, gradient
from reflow.ops import windows
from reflow.ops.shape_rules import merge_size, with_rank

_ATTRS = "epsilon: float = 0.0001, data_format: string in {formats} = NHWC, is_training: bool = true"
_TWO_D, _ANY_D = "NHWC|NCHW", "NHWC|NCHW|NDHWC|NCDHW"


# --- shapes -------------------------------------------------------------------------------------------------------


def _rank(op):
    return 5 if b"D" in op.attrs["data_format"] else 4


def _forward_shape(op):
    """y like x, and the statistics as vectors of the channels; the last output of version 3 is not specified."""
    data_format = op.attrs["data_format"]
    dims = with_rank(op._inputs[0].dims, _rank(op))
    depth = windows.channels(dims, data_format)
    for tensor in op._inputs[1 : 3 if op.attrs["is_training"] else 5]:
        depth = merge_size(depth, with_rank(tensor.dims, 1)[0])
    y = windows.with_layout(dims[0], windows.spatial(dims, data_format), depth, data_format)
    return [y, *[(depth,)] * 4, None][: len(op.op_def.outputs)]


def _backward_shape(op):
    data_format = op.attrs["data_format"]
    dims = with_rank(op._inputs[0].dims, _rank(op))
    x_dims = with_rank(op._inputs[1].dims, _rank(op))
    depth = merge_size(windows.channels(dims, data_format), windows.channels(x_dims, data_format))
    for tensor in op._inputs[2:5]:
        depth = merge_size(depth, with_rank(tensor.dims, 1)[0])
    dims = windows.with_layout(dims[0], windows.spatial(dims, data_format), depth, data_format)
    unused = (0,) if op.attrs["is_training"] else (depth,)
    return [dims, (depth,), (depth,), unused, unused]


# --- kernels ------------------------------------------------------------------------------------------------------


def _in_own_memory(*vectors):
    """The vectors, one number after the other: ATen's kernels for channels last overlook the stride of a constant."""
    return [v.contiguous() for v in vectors]


def _batch_norm(x, scale, offset, mean, variance, epsilon, data_format, is_training):
    x = windows.channels_first(x, data_format)
    scale, offset, mean, variance = _in_own_memory(scale, offset, mean, variance)
    if not is_training:
        y, _, _ = torch.native_batch_norm(x, scale, offset, mean, variance, False, 0.0, epsilon)
        return windows.in_layout(y, data_format), mean, variance, mean, variance
    depth, count = x.shape[1], x.numel() // max(x.shape[1], 1)
    if count == 0:
        nan = scale.new_full((depth,), torch.nan)
        return windows.in_layout(x.clone(), data_format), nan, nan, nan, nan
    # With momentum 1 ATen's running statistics are this batch's, the variance without bias.
    mean, unbiased = scale.new_zeros(depth), scale.new_zeros(depth)
    y, _, _ = torch.native_batch_norm(x, scale, offset, mean, unbiased, True, 1.0, epsilon)
    if count == 1:
        unbiased.zero_()
    return windows.in_layout(y, data_format), mean, unbiased, mean, unbiased * ((count - 1) / count)


def _batch_norm_v3(x, scale, offset, mean, variance, epsilon, data_format, is_training):
    outputs = _batch_norm(x, scale, offset, mean, variance, epsilon, data_format, is_training)
    return (*outputs, scale.new_zeros(()))


def _batch_norm_grad(y_backprop, x, scale, reserve_space_1, reserve_space_2, epsilon, data_format, is_training):
    grad, x = windows.channels_first(y_backprop, data_format), windows.channels_first(x, data_format)
    scale, mean, variance = _in_own_memory(scale, reserve_space_1, reserve_space_2)
    unused = scale.new_zeros(0 if is_training else x.shape[1])
    if x.numel() == 0:
        zeros = scale.new_zeros(x.shape[1])
        return windows.in_layout(x.clone(), data_format), zeros, zeros, unused, unused
    grad_x, grad_scale, grad_offset = torch.ops.aten.native_batch_norm_backward(
        grad, x, scale, mean, variance, mean, (variance + epsilon).rsqrt(), is_training, epsilon, [True, True, True]
    )
    return windows.in_layout(grad_x, data_format), grad_scale, grad_offset, unused, unused


def _batch_norm_grad_v3(
    y_backprop, x, scale, reserve_space_1, reserve_space_2, reserve_space_3, epsilon, data_format, is_training
):
    return _batch_norm_grad(
        y_backprop, x, scale, reserve_space_1, reserve_space_2, epsilon, data_format, is_training
    )  # fmt: skip


# --- ops ----------------------------------------------------------------------------------------------------------

_INPUTS = "x: T, scale: {u}, offset: {u}, mean: {u}, variance: {u}"
_OUTPUTS = "y: T, batch_mean: {u}, batch_variance: {u}, reserve_space_1: {u}, reserve_space_2: {u}"
_GRAD_INPUTS = "y_backprop: T, x: T, scale: {s}, reserve_space_1: {u}, reserve_space_2: {u}"
_GRAD_OUTPUTS = "x_backprop: T, scale_backprop: {u}, offset_backprop: {u}, {a}: {u}, {b}: {u}"
_HALF_TOO = "T: type in half|bfloat16|float, U: type in float"

define_op(
    "FusedBatchNorm", f"{_INPUTS} -> {_OUTPUTS}".format(u="T"), f"T: type in float, {_ATTRS.format(formats=_TWO_D)}",
    shape=_forward_shape, kernel=_batch_norm, aliases=(3, 4),
)  # fmt: skip
define_op(
    "FusedBatchNormV2", f"{_INPUTS} -> {_OUTPUTS}".format(u="U"), f"{_HALF_TOO}, {_ATTRS.format(formats=_TWO_D)}",
    shape=_forward_shape, kernel=_batch_norm, aliases=(3, 4),
)  # fmt: skip
define_op(
    "FusedBatchNormV3", f"{_INPUTS} -> {_OUTPUTS}, reserve_space_3: {{u}}".format(u="U"),
    f"{_HALF_TOO}, {_ATTRS.format(formats=_ANY_D)}", shape=_forward_shape, kernel=_batch_norm_v3, aliases=(3, 4),
)  # fmt: skip
define_op(
    "FusedBatchNormGrad",
    f"{_GRAD_INPUTS} -> {_GRAD_OUTPUTS}".format(s="T", u="T", a="reserve_space_3", b="reserve_space_4"),
    f"T: type in float, {_ATTRS.format(formats=_TWO_D)}", shape=_backward_shape, kernel=_batch_norm_grad,
)  # fmt: skip
define_op(
    "FusedBatchNormGradV2",
    f"{_GRAD_INPUTS} -> {_GRAD_OUTPUTS}".format(s="float", u="U", a="reserve_space_3", b="reserve_space_4"),
    f"{_HALF_TOO}, {_ATTRS.format(formats=_TWO_D)}", shape=_backward_shape, kernel=_batch_norm_grad,
)  # fmt: skip
define_op(
    "FusedBatchNormGradV3",
    f"{_GRAD_INPUTS}, reserve_space_3: {{u}} -> {_GRAD_OUTPUTS}".format(
        s="float", u="U", a="reserve_space_4", b="reserve_space_5"
    ),
    f"{_HALF_TOO}, {_ATTRS.format(formats=_ANY_D)}", shape=_backward_shape, kernel=_batch_norm_grad_v3,
)  # fmt: skip


# --- first gradients ----------------------------------------------------------------------------------------------


@gradient("FusedBatchNorm", "FusedBatchNormV2", "FusedBatchNormV3")
def _batch_norm_gradient(op, grad_y, *_):
    op_name = op.type.replace("FusedBatchNorm", "FusedBatchNormGrad")
    x, scale = op._inputs[:2]
    data_format, is_training = op.attrs["data_format"], op.attrs["is_training"]
    statistics = op.outputs[3:5] if is_training else op._inputs[3:5]
    if not is_training and data_format == b"NCHW":
        data_format = b"NHWC"
        x, grad_y = (call("Transpose", t, [0, 2, 3, 1]) for t in (x, grad_y))
    inputs = [grad_y, x, scale, *statistics, *op.outputs[5:]]
    grads = call(op_name, *inputs, epsilon=op.attrs["epsilon"], data_format=data_format, is_training=is_training)
    grad_x, grad_scale, grad_offset = grads[:3]
    if data_format != op.attrs["data_format"]:
        grad_x = call("Transpose", grad_x, [0, 3, 1, 2])
    if is_training:
        return grad_x, grad_scale, grad_offset, grads[3], grads[4]
    return grad_x, grad_scale, grad_offset, None, None


# --- second gradients ---------------------------------------------------------------------------------------------


@gradient("FusedBatchNormGrad", "FusedBatchNormGradV2", "FusedBatchNormGradV3")
def _batch_norm_grad_gradient(op, a, b, c, *_):
    """From (a, b, c), the gradients of (dx, dscale, doffset), to those of (dy, x, scale)."""
    frame = _Frame(op)
    gradients = frame.training(a, b, c) if op.attrs["is_training"] else frame.inference(a, b, c)
    return (*gradients, *[None] * (len(op._inputs) - 3))


class _Frame:
    """The terms that second gradients are made of; all in float32, vectors of the channels shaped to broadcast."""

    def __init__(self, op):
        self.type = op._inputs[1].dtype.base_dtype
        rank, data_format = _rank(op), op.attrs["data_format"]
        self.axis = 1 if windows.is_channels_first(data_format) else rank - 1
        self.axes = [i for i in range(rank) if i != self.axis]
        self.vector_shape = [-1 if i == self.axis else 1 for i in range(rank)]
        self.grad_y, self.x = (_cast(t, dtypes.float32) for t in op._inputs[:2])
        self.scale, mean, variance = (self.broadcast(t) for t in op._inputs[2:5])
        if op.attrs["is_training"]:
            mean = call("Mean", self.x, self.axes, keep_dims=True)
            variance = call("Mean", call("SquaredDifference", self.x, mean), self.axes, keep_dims=True)
        self.inverse = call("Rsqrt", variance + op.attrs["epsilon"])
        self.normalized = (self.x - mean) * self.inverse

    def broadcast(self, vector: Tensor) -> Tensor:
        """A vector of the channels, shaped to broadcast against x."""
        return call("Reshape", vector, self.vector_shape)

    def mean(self, tensor: Tensor) -> Tensor:
        """The mean over all but the channels, which broadcasts."""
        return call("Mean", tensor, self.axes, keep_dims=True)

    def sum(self, tensor: Tensor) -> Tensor:
        """The sum over all but the channels, as a vector."""
        return call("Sum", tensor, self.axes)

    def inference(self, a, b, c):
        """dx = scale r dy, dscale = sum(dy n), doffset = sum(dy), with r and n fixed."""
        a, b, c = _cast(a, dtypes.float32), self.broadcast(b), self.broadcast(c)
        by_grad_y = a * self.scale * self.inverse + b * self.normalized + c
        by_x = b * self.grad_y * self.inverse
        return _cast(by_grad_y, self.type), _cast(by_x, self.type), self.sum(a * self.inverse * self.grad_y)

    def training(self, a, b, c):
        """dx = scale r P(dy) with P(g) = g - mean(g) - n mean(g n), which takes out the mean and the part along n."""
        a, b, c = _cast(a, dtypes.float32), self.broadcast(b), self.broadcast(c)
        g, n, r, mean = self.grad_y, self.normalized, self.inverse, self.mean
        mean_a, mean_g, a_n, g_n = mean(a), mean(g), mean(a * n), mean(g * n)
        projected = g - mean_g - n * g_n
        by_grad_y = self.scale * r * (a - mean_a - n * a_n) + b * n + c
        # d(r P(g)) by x: through n (twice, in n and in mean(g n)) and through r.
        inner = mean(a * projected)
        by_n = -(a * g_n) - g * a_n
        by_n_projected = by_n - mean(by_n) - n * mean(by_n * n)
        by_x = self.scale * r * r * (by_n_projected - n * inner) + b * r * projected
        return _cast(by_grad_y, self.type), _cast(by_x, self.type), self.sum(a * r * projected)


def _cast(tensor, dtype):
    return tensor if tensor.dtype.base_dtype is dtype else call("Cast", tensor, DstT=dtype)
