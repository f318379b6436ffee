"""Convolutions in one to three dimensions as public functions, also dilated ("atrous") and transposed ones.

A filter stands as [*window, in_channels, out_channels]; that of a transposed convolution as [*window, out, in].
"""

import numpy as np

from reflow.graph.build import call
from reflow.graph.context import name_scope
from reflow.graph.convert import to_tensor
from reflow.graph.export import export
from reflow.graph.operation import Tensor
from reflow.graph.shapes import as_shape, dimension_at_index
from reflow.ops.batch_space import batch_to_space, space_to_batch
from reflow.ops.joining import concat
from reflow.ops.renamed_arguments import either_argument
from reflow.ops.shape_ops import expand_dims, shape, squeeze
from reflow.ops.space_to_batch import with_space_to_batch
from reflow.ops.windows import channel_index, one_a_dimension

_ONES_2D, _ONES_3D = [1, 1, 1, 1], [1, 1, 1, 1, 1]


# --- two dimensions -----------------------------------------------------------------------------------------------


def _explicit(padding):
    """The `padding` attribute, and the numbers of explicit paddings: [[0, 0], [top, bottom], [left, right], [0, 0]]."""
    if padding == "EXPLICIT":
        raise ValueError('"EXPLICIT" is not a valid value for the padding parameter. To use explicit padding, the '
                         "padding parameter must be a list.")  # fmt: skip
    if not isinstance(padding, (list, tuple)):
        return padding, []
    for i, pair in enumerate(padding):
        what = "When padding is a list, each element of padding must be a list/tuple of size 2. Element with index"
        if not isinstance(pair, (list, tuple)):
            raise ValueError(f"{what} {i} of padding is not a list/tuple")
        if len(pair) != 2:
            raise ValueError(f"{what} {i} of padding has size {len(pair)}")
    if len(padding) != 4:
        raise ValueError(f"When padding is a list, it must be of size 4. Got padding of size: {len(padding)}")
    return "EXPLICIT", [p for pair in padding for p in pair]


@export("nn.conv2d")
def conv2d(input, filter=None, strides=None, padding=None, use_cudnn_on_gpu=True, data_format="NHWC",
           dilations=_ONES_2D, name=None, filters=None):  # fmt: skip
    """Two-dimensional convolution (cross-correlation) of images.

    Args:
      input: [batch, height, width, channels] tensor of half, bfloat16, float32 or float64 (by `data_format`).
      filter: [height, width, in_channels, out_channels] tensor of the same type.
      strides: an int, two ints, or one a dimension of `input`: how far the window moves.
      padding: "SAME", "VALID", or a list of a pair of ints a dimension of `input`.
      use_cudnn_on_gpu: accepted.
      data_format: "NHWC" or "NCHW".
      dilations: as `strides`: the distance between the elements of the window.
      name: a name for the operation.
      filters: the newer name of `filter`.

    Returns:
      [batch, height', width', out_channels] (by `data_format`): with SAME padding height' = ceil(height / stride), with
      VALID ceil((height - (window - 1) * dilation) / stride).

    Raises:
      ValueError: if an argument has a wrong form, or the shapes do not fit.
    """
    filter = either_argument("filters", filters, "filter", filter)
    padding, explicit = _explicit(padding)
    data_format = data_format or "NHWC"
    index = channel_index(data_format, 2)
    return call("Conv2D", input, filter, name=name, strides=one_a_dimension(strides, 2, index, "strides"),
                padding=padding, explicit_paddings=explicit, use_cudnn_on_gpu=use_cudnn_on_gpu,
                data_format=data_format, dilations=one_a_dimension(dilations, 2, index, "dilations"))  # fmt: skip


@export("nn.conv2d_backprop_filter")
def conv2d_backprop_filter(input, filter_sizes, out_backprop, strides, padding, use_cudnn_on_gpu=True,
                           data_format="NHWC", dilations=_ONES_2D, name=None):  # fmt: skip
    """The gradient of a convolution with respect to its filter.

    Args:
      input: [batch, height, width, channels] tensor (by `data_format`).
      filter_sizes: int32 vector, the shape of the filter.
      out_backprop: the gradient of the convolution's output.
      strides, padding, use_cudnn_on_gpu, data_format, dilations, name: as in `conv2d`, but with one value a dimension.

    Returns:
      A tensor of the shape `filter_sizes`.
    """
    padding, explicit = _explicit(padding)
    return call("Conv2DBackpropFilter", input, filter_sizes, out_backprop, name=name, strides=strides, padding=padding,
                explicit_paddings=explicit, use_cudnn_on_gpu=use_cudnn_on_gpu, data_format=data_format,
                dilations=dilations)  # fmt: skip


@export("nn.conv2d_backprop_input")
def conv2d_backprop_input(input_sizes, filter=None, out_backprop=None, strides=None, padding=None,
                          use_cudnn_on_gpu=True, data_format="NHWC", dilations=_ONES_2D, name=None,
                          filters=None):  # fmt: skip
    """The gradient of a convolution with respect to its input.

    Args:
      input_sizes: int32 vector, the shape of the input.
      filter: [height, width, in_channels, out_channels] tensor.
      out_backprop: the gradient of the convolution's output.
      strides, padding, use_cudnn_on_gpu, data_format, dilations, name: as in `conv2d`, but with one value a dimension.
      filters: the newer name of `filter`.

    Returns:
      A tensor of the shape `input_sizes`.
    """
    filter = either_argument("filters", filters, "filter", filter)
    padding, explicit = _explicit(padding)
    return call("Conv2DBackpropInput", input_sizes, filter, out_backprop, name=name, strides=strides, padding=padding,
                explicit_paddings=explicit, use_cudnn_on_gpu=use_cudnn_on_gpu, data_format=data_format,
                dilations=dilations)  # fmt: skip


@export("nn.conv2d_transpose")
def conv2d_transpose(value=None, filter=None, output_shape=None, strides=None, padding="SAME", data_format="NHWC",
                     name=None, input=None, filters=None, dilations=None):  # fmt: skip
    """The transpose (gradient) of a two-dimensional convolution, at times called deconvolution.

    Args:
      value: [batch, height, width, in_channels] tensor (by `data_format`).
      filter: [height, width, out_channels, in_channels] tensor of the same type.
      output_shape: int32 vector, the shape of the output.
      strides: an int, two ints, or one a dimension: how far apart the outputs of neighbouring inputs are.
      padding: "SAME" or "VALID".
      data_format: "NHWC" or "NCHW".
      name: a name for the operation.
      input: the newer name of `value`.
      filters: the newer name of `filter`.
      dilations: as `strides`: the distance between the elements of the window.

    Returns:
      A tensor of the shape `output_shape`.
    """
    value = either_argument("input", input, "value", value)
    filter = either_argument("filters", filters, "filter", filter)
    with name_scope(name, "conv2d_transpose", [value, filter, output_shape]) as scope:
        return _transposed("Conv2DBackpropInput", 2, value, filter, output_shape, strides, padding,
                           data_format or "NHWC", dilations, scope)  # fmt: skip


def _transposed(op_name, rank, value, filter, output_shape, strides, padding, data_format, dilations, name):
    index = channel_index(data_format, rank)
    return call(op_name, output_shape, filter, value, name=name,
                strides=one_a_dimension(strides, rank, index, "strides"), padding=padding, data_format=data_format,
                dilations=one_a_dimension(dilations, rank, index, "dilations"))  # fmt: skip


# --- one dimension, as a convolution of images one pixel high -----------------------------------------------------


def _format_1d(data_format):
    """The format of images one pixel high, where the height goes, and where the channels are."""
    if data_format in (None, "NHWC", "NWC"):
        return "NHWC", 1, 2
    if data_format in ("NCHW", "NCW"):
        return "NCHW", 2, 1
    raise ValueError('data_format must be "NWC" or "NCW".')


@export("nn.conv1d")
def conv1d(value=None, filters=None, stride=None, padding=None, use_cudnn_on_gpu=None, data_format=None, name=None,
           input=None, dilations=None):  # fmt: skip
    """One-dimensional convolution (cross-correlation) of sequences.

    Args:
      value: [batch, width, channels] tensor of half, bfloat16, float32 or float64 (by `data_format`).
      filters: [width, in_channels, out_channels] tensor of the same type.
      stride: an int: how far the window moves.
      padding: "SAME" or "VALID".
      use_cudnn_on_gpu: accepted.
      data_format: "NWC" (if None) or "NCW".
      name: a name for the operation.
      input: the newer name of `value`.
      dilations: an int: the distance between the elements of the window.

    Returns:
      [batch, width', out_channels] (by `data_format`).

    Raises:
      ValueError: for another data format, or shapes that do not fit.
    """
    value = either_argument("input", input, "value", value)
    with name_scope(name, "conv1d", [value, filters]) as scope:
        data_format, height_axis, index = _format_1d(data_format)
        strides = [1, *one_a_dimension(stride, 1, index, "stride")]
        dilations = [1, *one_a_dimension(dilations, 1, index, "dilations")]
        images = expand_dims(value, height_axis)
        options = {} if use_cudnn_on_gpu is None else {"use_cudnn_on_gpu": use_cudnn_on_gpu}
        result = call("Conv2D", images, expand_dims(filters, 0), name=scope, strides=strides, padding=padding,
                      data_format=data_format, dilations=dilations, **options)  # fmt: skip
        return squeeze(result, [height_axis])


@export("nn.conv1d_transpose")
def conv1d_transpose(input, filters, output_shape, strides, padding="SAME", data_format="NWC", dilations=None,
                     name=None):  # fmt: skip
    """The transpose (gradient) of a one-dimensional convolution.

    Args:
      input: [batch, width, in_channels] tensor (by `data_format`).
      filters: [width, out_channels, in_channels] tensor of the same type.
      output_shape: int32 vector of 3, the shape of the output.
      strides: an int: how far apart the outputs of neighbouring inputs are.
      padding: "SAME" or "VALID".
      data_format: "NWC" or "NCW".
      dilations: an int: the distance between the elements of the window.
      name: a name for the operation.

    Returns:
      A tensor of the shape `output_shape`.
    """
    with name_scope(name, "conv1d_transpose", [input, filters, output_shape]) as scope:
        data_format, height_axis, index = _format_1d(data_format)
        strides = [1, *one_a_dimension(strides, 1, index, "stride")]
        dilations = [1, *one_a_dimension(dilations, 1, index, "dilations")]
        images = expand_dims(input, height_axis)
        filters = expand_dims(filters, 0)
        sizes = output_shape if isinstance(output_shape, Tensor) else list(output_shape)
        sizes = concat([sizes[:height_axis], [1], sizes[height_axis:]], 0)
        result = call("Conv2DBackpropInput", sizes, filters, images, name=scope, strides=strides, padding=padding,
                      data_format=data_format, dilations=dilations)  # fmt: skip
        return squeeze(result, height_axis)


# --- three dimensions ---------------------------------------------------------------------------------------------


@export("nn.conv3d")
def conv3d(input, filter=None, strides=None, padding=None, data_format="NDHWC", dilations=_ONES_3D, name=None,
           filters=None):  # fmt: skip
    """Three-dimensional convolution (cross-correlation) of volumes.

    Args:
      input: [batch, depth, height, width, channels] tensor of half, bfloat16, float32 or float64 (by `data_format`).
      filter: [depth, height, width, in_channels, out_channels] tensor of the same type.
      strides: five ints: how far the window moves.
      padding: "SAME" or "VALID".
      data_format: "NDHWC" or "NCDHW".
      dilations: five ints: the distance between the elements of the window.
      name: a name for the operation.
      filters: the newer name of `filter`.

    Returns:
      [batch, depth', height', width', out_channels] (by `data_format`).
    """
    filter = either_argument("filters", filters, "filter", filter)
    return call("Conv3D", input, filter, name=name, strides=strides, padding=padding, data_format=data_format,
                dilations=dilations)  # fmt: skip


@export("nn.conv3d_backprop_filter", "nn.conv3d_backprop_filter_v2")
def conv3d_backprop_filter_v2(input, filter_sizes, out_backprop, strides, padding, data_format="NDHWC",
                              dilations=_ONES_3D, name=None):  # fmt: skip
    """The gradient of a three-dimensional convolution with respect to its filter.

    Args:
      input: [batch, depth, height, width, channels] tensor (by `data_format`).
      filter_sizes: int32 vector, the shape of the filter.
      out_backprop: the gradient of the convolution's output.
      strides, padding, data_format, dilations, name: as in `conv3d`.

    Returns:
      A tensor of the shape `filter_sizes`.
    """
    return call("Conv3DBackpropFilterV2", input, filter_sizes, out_backprop, name=name, strides=strides,
                padding=padding, data_format=data_format, dilations=dilations)  # fmt: skip


@export("nn.conv3d_transpose")
def conv3d_transpose(value, filter=None, output_shape=None, strides=None, padding="SAME", data_format="NDHWC",
                     name=None, input=None, filters=None, dilations=None):  # fmt: skip
    """The transpose (gradient) of a three-dimensional convolution.

    Args:
      value: [batch, depth, height, width, in_channels] tensor (by `data_format`).
      filter: [depth, height, width, out_channels, in_channels] tensor of the same type.
      output_shape: int32 vector of 5, the shape of the output.
      strides: an int, three ints, or one a dimension: how far apart the outputs of neighbouring inputs are.
      padding: "SAME" or "VALID".
      data_format: "NDHWC" or "NCDHW".
      name: a name for the operation.
      input: the newer name of `value`.
      filters: the newer name of `filter`.
      dilations: as `strides`: the distance between the elements of the window.

    Returns:
      A tensor of the shape `output_shape`.
    """
    filter = either_argument("filters", filters, "filter", filter)
    value = either_argument("input", input, "value", value)
    with name_scope(name, "conv3d_transpose", [value, filter, output_shape]) as scope:
        return _transposed("Conv3DBackpropInputV2", 3, value, filter, output_shape, strides, padding,
                           data_format or "NDHWC", dilations, scope)  # fmt: skip


@export("nn.conv_transpose")
def conv_transpose(input, filters, output_shape, strides, padding="SAME", data_format=None, dilations=None, name=None):
    """The transpose (gradient) of a convolution in as many dimensions as `output_shape` says.

    Args:
      input, filters, strides, padding, data_format, dilations, name: as in `conv1d_transpose`, `conv2d_transpose` and
        `conv3d_transpose`.
      output_shape: 3, 4 or 5 sizes, the shape of the output.

    Returns:
      A tensor of the shape `output_shape`.

    Raises:
      ValueError: if `output_shape` has another length.
    """
    with name_scope(name, "conv_transpose", [input, filters, output_shape]) as scope:
        if isinstance(output_shape, Tensor):
            rank = output_shape.shape[0].value - 2
        elif hasattr(output_shape, "__len__"):
            rank = len(output_shape) - 2
        else:
            raise ValueError("output_shape must be a tensor or sized collection.")
        if not 1 <= rank <= 3:
            raise ValueError(f"output_shape must be of length 3, 4 or 5 but was {rank + 2}.")
        function = {1: conv1d_transpose, 2: conv2d_transpose, 3: conv3d_transpose}[rank]
        return function(input, filters, output_shape, strides, padding=padding, data_format=data_format,
                        dilations=dilations, name=scope)  # fmt: skip


# --- any number of dimensions -------------------------------------------------------------------------------------


@export("nn.convolution")
def convolution(input, filter, padding, strides=None, dilation_rate=None, name=None, data_format=None, filters=None,
                dilations=None):  # fmt: skip
    """Convolution (cross-correlation) in one, two or three dimensions, also dilated.

    Args:
      input: [batch, *spatial, channels] tensor of half, bfloat16, float32 or float64 (by `data_format`).
      filter: [*window, in_channels, out_channels] tensor of the same type.
      padding: "SAME" or "VALID".
      strides: one int a spatial dimension: how far the window moves; 1 if None.
      dilation_rate: one int a spatial dimension: the distance between the elements of the window; 1 if None.
      name: a name scope.
      data_format: "N...C" (if None) or "NC...".
      filters: the newer name of `filter`.
      dilations: the newer name of `dilation_rate`.

    Returns:
      [batch, *spatial', out_channels] (by `data_format`).

    Raises:
      ValueError: if the rank is not known or too great, or strides and dilations are both greater than 1.
    """
    filter = either_argument("filters", filters, "filter", filter)
    dilation_rate = either_argument("dilations", dilations, "dilation_rate", dilation_rate)
    rank = _spatial_rank(input, filter)
    index = channel_index(data_format, rank)
    strides = one_a_dimension(strides, rank, index, "strides")
    dilation_rate = one_a_dimension(dilation_rate, rank, index, "dilations")
    with name_scope(name, "convolution", [input, filter]) as scope:
        if any(d != 1 for d in dilation_rate):
            return _dilated(input, filter, padding, strides, dilation_rate, data_format, rank, scope)
        if rank == 1:
            return conv1d(input, filter, strides, padding=padding, data_format=data_format, dilations=dilation_rate,
                          name=scope)  # fmt: skip
        options = {} if data_format is None else {"data_format": data_format}
        return call(f"Conv{rank}D", input, filter, name=scope, strides=strides, padding=padding,
                    dilations=dilation_rate, **options)  # fmt: skip


def _spatial_rank(input, filter) -> int:
    for value in (input, filter):
        rank = as_shape(value.shape).ndims
        if rank is not None:
            if not 3 <= rank <= 5:
                raise ValueError(f"Input tensor must be of rank 3, 4 or 5 but was {rank}.")
            return rank - 2
    raise ValueError("rank of input or filter must be known")


def _dilated(input, filter, padding, strides, dilation_rate, data_format, rank, scope):
    """A dilated convolution is a plain one of interleaved pieces of the input (space_to_batch)."""
    is_first = channel_index(data_format, rank) == 1
    strides = np.array(strides[2:] if is_first else strides[1:-1], np.int32)
    dilation_rate = np.array(dilation_rate[2:] if is_first else dilation_rate[1:-1], np.int32)
    check_positive(strides, dilation_rate)
    input, filter = to_tensor(input, name="input"), to_tensor(filter, name="filter")
    _check_channels(input.shape, filter.shape, rank, is_first)

    def plain(pieces, _, padding):
        return _not_dilated(pieces, filter, padding, list(strides), data_format, rank, scope)

    first = 2 if is_first else 1
    result = with_space_to_batch(
        input, dilation_rate, padding, plain, filter_shape=_shape_of(filter), spatial_dims=range(first, first + rank),
        data_format=data_format,
    )  # fmt: skip
    if is_first and result.dims is not None and result.dims[1] is None:
        result.set_shape([*result.dims[:1], filter.dims[-1], *result.dims[2:]])
    return result


def _shape_of(tensor):
    return tensor.shape if tensor.shape.is_fully_defined() else shape(tensor)


def check_positive(strides, dilation_rate):
    """Raises ValueError unless both are positive and at most one of them greater than 1."""
    if np.any(dilation_rate < 1):
        raise ValueError("all values of dilation_rate must be positive")
    if np.any(strides < 1):
        raise ValueError("all values of strides must be positive")
    if np.any(strides > 1) and np.any(dilation_rate > 1):
        raise ValueError("strides > 1 not supported in conjunction with dilation_rate > 1")


def _check_channels(input_shape, filter_shape, rank, is_first):
    for what, each in (("input", input_shape), ("filter", filter_shape)):
        if each.ndims not in (None, rank + 2):
            raise ValueError(f"{what} tensor must have rank {rank + 2}")
    depth = dimension_at_index(input_shape, 1 if is_first else rank + 1)
    if not depth.is_compatible_with(filter_shape[rank]):
        raise ValueError("number of input channels does not match corresponding dimension of filter, "
                         f"{depth} != {filter_shape[rank]}")  # fmt: skip


def _not_dilated(input, filter, padding, strides, data_format, rank, name):
    if rank == 1:
        return conv1d(input, filter, strides[0], padding=padding, data_format=data_format, name=name)
    data_format = data_format or ("NHWC" if rank == 2 else "NDHWC")
    strides = [1, 1, *strides] if data_format.startswith("NC") else [1, *strides, 1]
    return call(f"Conv{rank}D", input, filter, name=name, strides=strides, padding=padding, data_format=data_format)


# --- atrous, in two dimensions ------------------------------------------------------------------------------------


@export("nn.atrous_conv2d")
def atrous_conv2d(value, filters, rate, padding, name=None):
    """Convolution of images with `rate - 1` holes between the elements of the filter.

    Args:
      value: [batch, height, width, channels] tensor of half, bfloat16, float32 or float64.
      filters: [height, width, in_channels, out_channels] tensor of the same type.
      rate: a positive int, or two: the distance between the elements of the filter.
      padding: "SAME" or "VALID".
      name: a name scope.

    Returns:
      [batch, height', width', out_channels].
    """
    return convolution(value, filters, padding, dilation_rate=np.broadcast_to(rate, (2,)), name=name)


@export("nn.atrous_conv2d_transpose")
def atrous_conv2d_transpose(value, filters, output_shape, rate, padding, name=None):
    """The transpose (gradient) of `atrous_conv2d`.

    Args:
      value: [batch, height, width, in_channels] tensor.
      filters: [height, width, out_channels, in_channels] tensor of the same type.
      output_shape: four sizes: the shape of the output.
      rate: a positive int: the distance between the elements of the filter.
      padding: "SAME" or "VALID".
      name: a name scope.

    Returns:
      A tensor of the shape `output_shape`.

    Raises:
      ValueError: if the channels do not match, or `rate` or `padding` is no such value.
    """
    with name_scope(name, "atrous_conv2d_transpose", [value, filters, output_shape]):
        value, filters = to_tensor(value, name="value"), to_tensor(filters, name="filters")
        _check_transpose(value, filters, rate, padding)
        if rate == 1:
            return conv2d_transpose(value, filters, output_shape, [1, 1, 1, 1], padding=padding)
        sizes = _checked_output_shape(output_shape, filters)
        pads = _atrous_pads(filters, rate) if padding == "SAME" else [(0, 0), (0, 0)]
        padded = [sizes[1 + i] + before + after for i, (before, after) in enumerate(pads)]
        # More padding, so that the rate divides the sizes.
        extra = [(rate - size % rate) % rate for size in padded]
        pieces = space_to_batch(value, [[0, extra[0]], [0, extra[1]]], block_size=rate)
        piece_sizes = [rate * rate * sizes[0], *[(p + e) // rate for p, e in zip(padded, extra, strict=True)], sizes[3]]
        result = call("Conv2DBackpropInput", piece_sizes, filters, pieces, strides=[1, 1, 1, 1], padding="VALID")
        crops = [[before, after + e] for (before, after), e in zip(pads, extra, strict=True)]
        return batch_to_space(result, crops, block_size=rate)


def _check_transpose(value, filters, rate, padding):
    channels, expected = value.shape[3], filters.shape[3]
    if not channels.is_compatible_with(expected):
        raise ValueError(f"value's input channels does not match filters' input channels, {channels} != {expected}")
    if rate < 1:
        raise ValueError(f"rate {rate} cannot be less than one")
    if padding not in ("SAME", "VALID") and rate > 1:
        raise ValueError(f"padding must be either VALID or SAME: {padding}")


def _checked_output_shape(output_shape, filters):
    tensor = to_tensor(output_shape, name="output_shape")
    if not tensor.shape.is_compatible_with([4]):
        raise ValueError(f"output_shape must have shape (4,), got {tensor.shape}")
    if isinstance(output_shape, Tensor):
        return output_shape
    if not filters.shape[2].is_compatible_with(output_shape[3]):
        raise ValueError("output_shape does not match filter's output channels, "
                         f"{output_shape[3]} != {filters.shape[2]}")  # fmt: skip
    return list(output_shape)


def _atrous_pads(filters, rate):
    """The SAME padding of a dilated window: more behind than before if it is odd."""
    sizes = filters.dims if filters.dims is not None and None not in filters.dims else shape(filters)
    totals = [(sizes[i] - 1) * rate for i in range(2)]
    return [(total // 2, total - total // 2) for total in totals]
