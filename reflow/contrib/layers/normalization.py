"""Normalization of each example by itself: over layers, instances, groups, and to unit length.

Ba et al., https://arxiv.org/abs/1607.06450; Ulyanov et al., https://arxiv.org/abs/1607.08022; Wu and He,
https://arxiv.org/abs/1803.08494.
"""

from reflow.contrib.framework.arg_scope import add_arg_scope
from reflow.contrib.framework.variables import model_variable
from reflow.contrib.layers import layer_parts
from reflow.graph import dtypes
from reflow.graph.convert import to_tensor
from reflow.graph.export import export
from reflow.ops import elementwise
from reflow.ops import normalization as ops
from reflow.ops.arithmetic import div
from reflow.ops.constant import ones
from reflow.ops.joining import concat
from reflow.ops.padding import tile
from reflow.ops.reduction import reduce_sum
from reflow.ops.shape_ops import reshape, shape
from reflow.ops.strided_slice import strided_slice
from reflow.variables.initializers import Ones, Zeros
from reflow.variables.variable_scope import variable_scope


def _parameters(center, scale, params_shape, dtype, param_initializers, variables_collections, trainable,
                spread=None):  # fmt: skip
    """(beta, gamma), None where not wanted, in the shape `spread` that broadcasts to the inputs."""

    def parameter(name, wanted, initializer):
        if not wanted:
            return None
        variable = model_variable(
            name, shape=params_shape, dtype=dtype, initializer=(param_initializers or {}).get(name, initializer),
            collections=layer_parts.get_variable_collections(variables_collections, name), trainable=trainable,
        )  # fmt: skip
        return reshape(variable, spread) if spread else variable

    return parameter("beta", center, Zeros()), parameter("gamma", scale, Ones())


def _of_known_rank(inputs):
    """The inputs as a tensor, and its rank."""
    inputs = to_tensor(inputs)
    if inputs.shape.ndims is None:
        raise ValueError(f"Inputs {inputs.name} has undefined rank.")
    return inputs, inputs.shape.ndims


@export("contrib.layers.layer_norm")
@add_arg_scope
def layer_norm(inputs, center=True, scale=True, activation_fn=None, reuse=None, variables_collections=None,
               outputs_collections=None, trainable=True, begin_norm_axis=1, begin_params_axis=-1,
               scope=None):  # fmt: skip
    """Layer normalization: scales each example to mean `beta` and standard deviation `gamma`.

    Args:
      inputs: a floating tensor of rank 2 or more.
      center: whether there is a `beta`.
      scale: whether there is a `gamma`.
      activation_fn: a function of the output, or None.
      reuse: True to find the variables of an earlier layer in `scope`.
      variables_collections: a list of collections for the variables, or a dict of lists by "beta" and "gamma".
      outputs_collections: collections for the output.
      trainable: whether the variables are trained.
      begin_norm_axis: the first axis that is normalized over, with all behind it.
      begin_params_axis: the first axis of `beta` and `gamma`, with all behind it; their sizes have to be known.
      scope: a variable scope or its name; "LayerNorm" made unique if None.

    Returns:
      The normalized inputs.

    Raises:
      ValueError: if the rank, or a size of `beta` and `gamma`, is not known, or an axis does not exist.
    """
    with variable_scope(scope, "LayerNorm", [inputs], reuse=reuse) as sc:
        inputs, rank = _of_known_rank(inputs)
        if begin_norm_axis < 0:
            begin_norm_axis += rank
        if begin_params_axis >= rank or begin_norm_axis >= rank:
            raise ValueError(f"begin_params_axis ({begin_params_axis}) and begin_norm_axis ({begin_norm_axis}) must be "
                             f"< rank(inputs) ({rank})")  # fmt: skip
        params_shape = inputs.shape[begin_params_axis:]
        if not params_shape.is_fully_defined():
            raise ValueError(f"Inputs {inputs.name}: shape(inputs)[{begin_params_axis}:] is not fully defined: "
                             f"{inputs.shape}")  # fmt: skip
        dtype = inputs.dtype.base_dtype
        beta, gamma = _parameters(center, scale, params_shape, dtype, None, variables_collections, trainable)
        mean, variance = ops.moments(inputs, list(range(begin_norm_axis, rank)), keep_dims=True)
        epsilon = 1e-3 if dtype == dtypes.float16 else 1e-12
        outputs = ops.batch_normalization(inputs, mean, variance, offset=beta, scale=gamma, variance_epsilon=epsilon)
        outputs.set_shape(inputs.shape)
        return layer_parts.finish(outputs, activation_fn, outputs_collections, sc.name)


@export("contrib.layers.instance_norm")
@add_arg_scope
def instance_norm(inputs, center=True, scale=True, epsilon=1e-6, activation_fn=None, param_initializers=None,
                  reuse=None, variables_collections=None, outputs_collections=None, trainable=True,
                  data_format="NHWC", scope=None):  # fmt: skip
    """Instance normalization: scales each channel of each example to mean `beta` and standard deviation `gamma`.

    Args:
      inputs: a floating tensor [batch, *space, channels] (by `data_format`); the channels have to be known.
      center: whether there is a `beta`.
      scale: whether there is a `gamma`.
      epsilon: what is added to the variance before its root is taken.
      activation_fn: a function of the output, or None.
      param_initializers: a dict of initializers for "beta" and "gamma".
      reuse: True to find the variables of an earlier layer in `scope`.
      variables_collections: a list of collections for the variables, or a dict of lists by "beta" and "gamma".
      outputs_collections: collections for the output.
      trainable: whether the variables are trained.
      data_format: "NHWC" or "NCHW".
      scope: a variable scope or its name; "InstanceNorm" made unique if None.

    Returns:
      The normalized inputs.

    Raises:
      ValueError: if the rank or the number of channels is not known, or for an unknown `data_format`.
    """
    inputs, rank = _of_known_rank(inputs)
    layer_parts.check_data_format(data_format, "NCHW", "NHWC")
    with variable_scope(scope, "InstanceNorm", [inputs], reuse=reuse) as sc:
        channels_first = data_format == "NCHW"
        channel_axis = 1 if channels_first else rank - 1
        params_shape = inputs.shape[channel_axis : channel_axis + 1]
        if not params_shape.is_fully_defined():
            raise ValueError(f"Inputs {inputs.name} has undefined channels dimension {params_shape}.")
        spread = [1, inputs.shape[1].value] + [1] * (rank - 2) if channels_first else None
        beta, gamma = _parameters(center, scale, params_shape, inputs.dtype.base_dtype, param_initializers,
                                  variables_collections, trainable, spread)  # fmt: skip
        axes = [axis for axis in range(1, rank) if axis != channel_axis]
        mean, variance = ops.moments(inputs, axes, keep_dims=True)
        outputs = ops.batch_normalization(inputs, mean, variance, beta, gamma, epsilon, name="instancenorm")
        return layer_parts.finish(outputs, activation_fn, outputs_collections, sc.name)


@export("contrib.layers.group_norm")
@add_arg_scope
def group_norm(inputs, groups=32, channels_axis=-1, reduction_axes=(-3, -2), center=True, scale=True, epsilon=1e-6,
               activation_fn=None, param_initializers=None, reuse=None, variables_collections=None,
               outputs_collections=None, trainable=True, scope=None, mean_close_to_zero=False):  # fmt: skip
    """Group normalization: scales each group of channels of each example to mean 0 and deviation 1, then by parameters.

    Args:
      inputs: a floating tensor of known rank; channels and the axes that are reduced have to be known.
      groups: the number of groups, which divides that of the channels.
      channels_axis: the axis of the channels.
      reduction_axes: the axes that are normalized over besides the channels of a group.
      center: whether there is a `beta`.
      scale: whether there is a `gamma`.
      epsilon: what is added to the variance before its root is taken.
      activation_fn: a function of the output, or None.
      param_initializers: a dict of initializers for "beta" and "gamma".
      reuse: True to find the variables of an earlier layer in `scope`.
      variables_collections: a list of collections for the variables, or a dict of lists by "beta" and "gamma".
      outputs_collections: collections for the output.
      trainable: whether the variables are trained.
      scope: a variable scope or its name; "GroupNorm" made unique if None.
      mean_close_to_zero: compute the variance as that of numbers around 0, in one pass.

    Returns:
      The normalized inputs.

    Raises:
      ValueError: if a size is not known, an axis does not exist, or the groups do not divide the channels.
    """
    inputs, rank = _of_known_rank(inputs)
    if channels_axis > rank - 1:
        raise ValueError("Axis is out of bounds.")
    run_time_sizes = shape(inputs)
    sizes = [run_time_sizes[i] if size is None else size for i, size in enumerate(inputs.shape.as_list())]
    if channels_axis < 0:
        channels_axis += rank
    axes = [axis + rank if axis < 0 else axis for axis in reduction_axes]
    channels = _checked_groups(inputs, groups, channels_axis, axes)
    before, after = sizes[:channels_axis], sizes[channels_axis + 1 :]
    inputs = reshape(inputs, [*before, groups, channels // groups, *after])
    spread = [1] * len(before) + [groups, channels // groups] + [1] * len(after)
    moments_axes = [channels_axis + 1] + [axis + 1 if axis > channels_axis else axis for axis in axes]
    with variable_scope(scope, "GroupNorm", [inputs], reuse=reuse) as sc:
        beta, gamma = _parameters(center, scale, [channels], inputs.dtype.base_dtype, param_initializers,
                                  variables_collections, trainable, spread)  # fmt: skip
        if mean_close_to_zero:
            counts, mean_sum, square_sum, _ = ops.sufficient_statistics(inputs, moments_axes, keep_dims=True)
            mean, variance = ops.normalize_moments(counts, mean_sum, square_sum, shift=None)
        else:
            mean, variance = ops.moments(inputs, moments_axes, keep_dims=True)
        outputs = reshape(_scaled(inputs, mean, variance, beta, gamma, epsilon), sizes)
        return layer_parts.finish(outputs, activation_fn, outputs_collections, sc.name)


def _checked_groups(inputs, groups, channels_axis, axes):
    """The number of channels."""
    channels = inputs.shape[channels_axis].value
    if channels is None:
        raise ValueError(f"Inputs {inputs.name} has undefined channel dimension: {channels_axis}.")
    for axis in axes:
        if axis > inputs.shape.ndims:
            raise ValueError("Axis is out of bounds.")
        if inputs.shape[axis].value is None:
            raise ValueError(f"Inputs {inputs.name} has undefined dimensions {axis}.")
        if axis == channels_axis:
            raise ValueError("reduction_axis must be mutually exclusive with channels_axis")
    if groups > channels:
        raise ValueError(f"Invalid groups {groups} for {channels} channels.")
    if channels % groups:
        raise ValueError(f"{channels} channels is not commensurate with {groups} groups.")
    return channels


def _scaled(inputs, mean, variance, beta, gamma, epsilon):
    gain = elementwise.rsqrt(variance + epsilon)
    offset = -mean * gain
    if gamma is not None:
        gain, offset = gain * gamma, offset * gamma
    if beta is not None:
        offset = offset + beta
    return inputs * gain + offset


@export("contrib.layers.unit_norm")
@add_arg_scope
def unit_norm(inputs, dim, epsilon=1e-7, scope=None):
    """The inputs, scaled to unit length along one axis.

    Args:
      inputs: a floating tensor of known rank.
      dim: the axis, not negative.
      epsilon: what is added to the square of the length.
      scope: a variable scope or its name; "UnitNorm" made unique if None.

    Returns:
      A tensor of the shape of `inputs`.

    Raises:
      ValueError: if the rank is not known, or the axis does not exist.
    """
    with variable_scope(scope, "UnitNorm", [inputs]):
        if not inputs.get_shape():
            raise ValueError("The input rank must be known.")
        rank = inputs.get_shape().ndims
        if dim < 0 or dim >= rank:
            raise ValueError("dim must be positive but smaller than the input rank.")
        lengths = elementwise.sqrt(epsilon + reduce_sum(elementwise.square(inputs), dim, True))
        multiples = [strided_slice(shape(inputs), [dim], [dim + 1])]
        if dim > 0:
            multiples.insert(0, ones([dim], dtypes.int32))
        if dim < rank - 1:
            multiples.append(ones([rank - 1 - dim], dtypes.int32))
        return div(inputs, tile(lengths, concat(multiples, 0)))
