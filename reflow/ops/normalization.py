"""Moments of tensors and normalization by them: moments, batch_normalization, l2_normalize, l2_loss, zero_fraction."""

import torch

from reflow.graph import dtypes
from reflow.graph.build import call
from reflow.graph.context import name_scope
from reflow.graph.convert import to_tensor
from reflow.graph.export import export
from reflow.graph.registry import define_op, gradient
from reflow.ops.casting import cast
from reflow.ops.conditional import cond
from reflow.ops.constant import constant, zeros, zeros_like
from reflow.ops.gathering import gather
from reflow.ops.identity import identity, stop_gradient
from reflow.ops.native import reduction as reduction_native
from reflow.ops.reduction import reduce_mean, reduce_prod, reduce_sum
from reflow.ops.renamed_arguments import either_argument, renamed_argument
from reflow.ops.shape_ops import shape, size, squeeze
from reflow.ops.shape_rules import scalar

# --- L2Loss -------------------------------------------------------------------------------------------------------


def _l2_loss(t):
    flat = t.reshape(-1)
    if t.dtype in (torch.float32, torch.float64):
        return torch.dot(flat, flat).mul_(0.5)
    return flat.square().sum() * 0.5


define_op("L2Loss", "t: T -> output: T", "T: type in floating", shape=scalar, kernel=_l2_loss,
          native=reduction_native.half_the_squares(_l2_loss))  # fmt: skip


@gradient("L2Loss")
def _l2_loss_gradient(op, grad):
    return op._inputs[0] * grad


@export("nn.l2_loss")
def l2_loss(t, name=None):
    """sum(t ** 2) / 2.

    Args:
      t: a tensor of half, bfloat16, float32 or float64.
      name: a name for the operation.

    Returns:
      A scalar of the same type.
    """
    return call("L2Loss", t, name=name)


# --- l2_normalize -------------------------------------------------------------------------------------------------


@export("nn.l2_normalize", "math.l2_normalize", "linalg.l2_normalize")
def l2_normalize(x, axis=None, epsilon=1e-12, name=None, dim=None):
    """x / sqrt(max(sum(x ** 2, axis), epsilon)).

    Args:
      x: a tensor of half, bfloat16, float32 or float64.
      axis: the dimension or dimensions to normalize along; all if None.
      epsilon: least value of the squared norm.
      name: a name for the operation.
      dim: the older name of `axis`.

    Returns:
      A tensor like `x`.
    """
    axis = renamed_argument("axis", axis, "dim", dim)
    with name_scope(name, "l2_normalize", [x]) as scope:
        x = to_tensor(x, name="x")
        square_sum = reduce_sum(call("Square", x), axis, keepdims=True)
        inverse_norm = call("Rsqrt", call("Maximum", square_sum, epsilon))
        return call("Mul", x, inverse_norm, name=scope)


# --- moments ------------------------------------------------------------------------------------------------------


def _keep_argument(keepdims, keep_dims):
    value = either_argument("keepdims", keepdims, "keep_dims", keep_dims)
    return False if value is None else value


@export("nn.moments")
def moments(x, axes, shift=None, name=None, keep_dims=None, keepdims=None):
    """The mean and the variance of `x` over `axes`; half is computed in float32.

    Args:
      x: a tensor.
      axes: a list of ints: the dimensions to reduce. For batch normalization of images: [0, 1, 2].
      shift: not used.
      name: a name scope.
      keep_dims: the older name of `keepdims`.
      keepdims: keep the reduced dimensions, with size 1.

    Returns:
      (mean, variance): the variance is not corrected for bias.
    """
    keepdims = _keep_argument(keepdims, keep_dims)
    with name_scope(name, "moments", [x, axes]):
        is_half = x.dtype.base_dtype is dtypes.float16
        y = cast(x, dtypes.float32) if is_half else x
        mean = reduce_mean(y, axes, keepdims=True, name="mean")
        # The gradient through the mean in the variance is zero: to stop it saves the nodes.
        deviation = call("SquaredDifference", y, stop_gradient(mean))
        variance = reduce_mean(deviation, axes, keepdims=True, name="variance")
        return _finished(mean, variance, axes, keepdims, is_half)


def _finished(mean, variance, axes, keepdims, is_half):
    results = [mean, variance]
    if not keepdims:
        results = [squeeze(t, axes) for t in results]
    if is_half:
        results = [cast(t, dtypes.float16) for t in results]
    return tuple(results)


@export("nn.weighted_moments")
def weighted_moments(x, axes, frequency_weights, name=None, keep_dims=None, keepdims=None):
    """The mean and the variance of `x` over `axes`, each element counted as often as its weight says.

    Args:
      x: a tensor.
      axes: a list of ints: the dimensions to reduce.
      frequency_weights: a tensor of weights that broadcasts against `x`.
      name: a name scope.
      keep_dims: the older name of `keepdims`.
      keepdims: keep the reduced dimensions, with size 1.

    Returns:
      (mean, variance).
    """
    keepdims = _keep_argument(keepdims, keep_dims)
    with name_scope(name, "weighted_moments", [x, frequency_weights, axes]):
        x = to_tensor(x, name="x")
        weights = to_tensor(frequency_weights, name="frequency_weights")
        is_half = x.dtype.base_dtype is dtypes.float16
        x = cast(x, dtypes.float32) if is_half else x
        weights = cast(weights, x.dtype)
        weighted_sum = reduce_sum(weights * x, axes, name="weighted_input_sum", keepdims=True)
        # Adding zeros broadcasts the weights to the shape of x.
        sum_of_weights = reduce_sum(weights + zeros_like(x), axes, name="sum_of_weights", keepdims=True)
        divisor = call("Reciprocal", sum_of_weights, name="inv_weight_sum")
        mean = call("Mul", weighted_sum, divisor)
        deviation = weights * call("SquaredDifference", x, mean)
        variance = call("Mul", reduce_sum(deviation, axes, name="weighted_distsq", keepdims=True), divisor)
        return _finished(mean, variance, axes, keepdims, is_half)


@export("nn.sufficient_statistics")
def sufficient_statistics(x, axes, shift=None, keep_dims=None, name=None, keepdims=None):
    """What the mean and the variance of `x` over `axes` can be computed from, batch by batch.

    Args:
      x: a tensor.
      axes: ints: the dimensions to reduce.
      shift: a tensor near the mean, subtracted first for precision; it broadcasts against `x`.
      keep_dims: the older name of `keepdims`.
      name: a name scope.
      keepdims: keep the reduced dimensions, with size 1.

    Returns:
      (count, sum, sum of squares, shift): the scalar number of elements; the sums are of x - shift; `shift` or None.
    """
    axes = list(set(axes))
    keepdims = _keep_argument(keepdims, keep_dims)
    with name_scope(name, "sufficient_statistics", [x, shift]):
        x = to_tensor(x, name="x")
        counts = _counts(x, axes)
        if shift is None:
            sums, squares = x, call("Square", x)
        else:
            shift = to_tensor(shift, name="shift")
            sums, squares = call("Sub", x, shift), call("SquaredDifference", x, shift)
        sums = reduce_sum(sums, axes, keepdims=keepdims, name="mean_ss")
        squares = reduce_sum(squares, axes, keepdims=keepdims, name="var_ss")
    return counts, sums, squares, shift


def _counts(x, axes):
    """How many elements are reduced into one."""
    if x.dims is not None and all(x.dims[axis] is not None for axis in axes):
        count = 1
        for axis in axes:
            count *= x.dims[axis]
        return constant(count, dtype=x.dtype.base_dtype)
    return reduce_prod(gather(cast(shape(x), x.dtype.base_dtype), axes), name="count")


@export("nn.normalize_moments")
def normalize_moments(counts, mean_ss, variance_ss, shift, name=None):
    """The mean and the variance from sufficient statistics.

    Args:
      counts: scalar: how many elements were summed.
      mean_ss: sums of x - shift.
      variance_ss: sums of (x - shift) ** 2.
      shift: what was subtracted, or None.
      name: a name scope.

    Returns:
      (mean, variance).
    """
    with name_scope(name, "normalize", [counts, mean_ss, variance_ss, shift]):
        divisor = call("Reciprocal", counts, name="divisor")
        if shift is None:
            mean = shifted_mean = call("Mul", mean_ss, divisor, name="mean")
        else:
            shifted_mean = call("Mul", mean_ss, divisor, name="shifted_mean")
            mean = call("Add", shifted_mean, shift, name="mean")
        mean_square = call("Mul", variance_ss, divisor)
        return mean, call("Sub", mean_square, call("Square", shifted_mean), name="variance")


# --- batch normalization ------------------------------------------------------------------------------------------


@export("nn.batch_normalization")
def batch_normalization(x, mean, variance, offset, scale, variance_epsilon, name=None):
    """scale * (x - mean) / sqrt(variance + variance_epsilon) + offset (Ioffe and Szegedy 2015).

    Args:
      x: a tensor.
      mean, variance: tensors that broadcast against `x`.
      offset: a tensor that broadcasts against `x`, or None for 0.
      scale: a tensor that broadcasts against `x`, or None for 1.
      variance_epsilon: a small number that keeps from dividing by 0.
      name: a name scope.

    Returns:
      A tensor like `x`.
    """
    with name_scope(name, "batchnorm", [x, mean, variance, scale, offset]):
        inverse = call("Rsqrt", variance + variance_epsilon)
        if scale is not None:
            inverse *= scale
        # The order of the operations is part of the interface: tools that fold batch norms look for it.
        scaled = x * cast(inverse, x.dtype)
        return scaled + cast(-mean * inverse if offset is None else offset - mean * inverse, x.dtype)


@export("nn.batch_norm_with_global_normalization")
def batch_norm_with_global_normalization(t=None, m=None, v=None, beta=None, gamma=None, variance_epsilon=None,
                                         scale_after_normalization=None, name=None, input=None, mean=None,
                                         variance=None):  # fmt: skip
    """`batch_normalization` with the arguments that it had first.

    Args:
      t: a tensor [batch, height, width, channels].
      m, v: the mean and the variance: vectors of the channels.
      beta: the offset: a vector.
      gamma: the scale: a vector, used if `scale_after_normalization`.
      variance_epsilon: a small number that keeps from dividing by 0.
      scale_after_normalization: whether to scale with `gamma`.
      name: a name scope.
      input, mean, variance: newer names of `t`, `m` and `v`.

    Returns:
      A tensor like `t`.
    """
    t = either_argument("input", input, "t", t)
    m = either_argument("mean", mean, "m", m)
    v = either_argument("variance", variance, "v", v)
    return batch_normalization(t, m, v, beta, gamma if scale_after_normalization else None, variance_epsilon, name)


# The least epsilon that cuDNN allows: TensorFlow raises smaller ones to it.
_LEAST_EPSILON = 1.001e-5


@export("nn.fused_batch_norm")
def fused_batch_norm(x, scale, offset, mean=None, variance=None, epsilon=0.001, data_format="NHWC", is_training=True,
                     name=None):  # fmt: skip
    """Batch normalization of images in one operation.

    Args:
      x: a tensor of four dimensions, of half, bfloat16 or float32.
      scale, offset: float32 vectors of the channels.
      mean, variance: float32 vectors of the channels: population statistics; None in training.
      epsilon: a small number added to the variance; at least 1.001e-5.
      data_format: "NHWC" or "NCHW".
      is_training: normalize with the statistics of this batch, not the given ones.
      name: a name for the operation.

    Returns:
      (y, batch_mean, batch_variance): a tensor like `x`, and the statistics, the variance corrected for bias.

    Raises:
      ValueError: if `mean` or `variance` is given in training.
    """
    x, scale = to_tensor(x, name="input"), to_tensor(scale, name="scale")
    offset = to_tensor(offset, name="offset")
    if is_training and (mean is not None or variance is not None):
        raise ValueError("Both 'mean' and 'variance' must be None if is_training is True.")
    mean = constant([]) if mean is None else mean
    variance = constant([]) if variance is None else variance
    outputs = call("FusedBatchNormV3", x, scale, offset, mean, variance, name=name,
                   epsilon=max(epsilon, _LEAST_EPSILON), data_format=data_format, is_training=is_training)  # fmt: skip
    return outputs[0], outputs[1], outputs[2]


# --- zero_fraction ------------------------------------------------------------------------------------------------


@export("nn.zero_fraction", "math.zero_fraction")
def zero_fraction(value, name=None):
    """The fraction of elements that are 0: how sparse a layer's output is. NaN for an empty tensor.

    Args:
      value: a numeric tensor.
      name: a name scope.

    Returns:
      A float32 scalar.
    """
    with name_scope(name, "zero_fraction", [value]):
        value = to_tensor(value, name="value")
        total = size(value, out_type=dtypes.int64)
        # The numbers of most tensors fit into int32, which is less to add up.
        nonzero = cond(call("LessEqual", total, dtypes.int32.max),
                       lambda: cast(_count_nonzero(value, dtypes.int32), dtypes.int64),
                       lambda: _count_nonzero(value, dtypes.int64))  # fmt: skip
        with name_scope("counts_to_fraction"):
            fraction = cast(total - nonzero, dtypes.float32) / cast(total, dtypes.float32)
        return identity(fraction, "fraction")


def _count_nonzero(value, dtype):
    with name_scope("count_nonzero", values=[value]):
        zero = zeros([], dtype=value.dtype.base_dtype)
        return reduce_sum(cast(call("NotEqual", value, zero), dtype), name="nonzero_count")
