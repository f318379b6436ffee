"""Pooling as public functions, in one to three dimensions, also dilated."""

import numpy as np

from reflow.graph import dtypes
from reflow.graph.build import call
from reflow.graph.context import name_scope
from reflow.graph.convert import to_tensor
from reflow.graph.export import export
from reflow.ops.convolution import check_positive
from reflow.ops.renamed_arguments import either_argument
from reflow.ops.shape_ops import expand_dims, squeeze
from reflow.ops.space_to_batch import with_space_to_batch
from reflow.ops.windows import channel_index, one_a_dimension


def _frame(ksize, strides, rank, data_format):
    index = channel_index(data_format, rank)
    return {"ksize": one_a_dimension(ksize, rank, index, "ksize"),
            "strides": one_a_dimension(strides, rank, index, "strides")}  # fmt: skip


def _pool(op_name, rank, value, ksize, strides, padding, data_format, name):
    data_format = data_format or ("NHWC" if rank == 2 else "NDHWC")
    frame = _frame(ksize, strides, rank, data_format)
    return call(op_name, value, name=name, padding=padding, data_format=data_format, **frame)


def _pool_1d(op_name, input, ksize, strides, padding, data_format, name):
    """Pool sequences as images one pixel high."""
    data_format = data_format or "NWC"
    frame = {key: [1, *values] for key, values in _frame(ksize, strides, 1, data_format).items()}
    height_axis = 1 if data_format == "NWC" else 2
    images = expand_dims(input, height_axis)
    result = call(op_name, images, name=name, padding=padding, data_format="NHWC" if data_format == "NWC" else "NCHW",
                  **frame)  # fmt: skip
    return squeeze(result, height_axis)


# --- maximum ------------------------------------------------------------------------------------------------------


@export("nn.max_pool")
def max_pool(value, ksize, strides, padding, data_format="NHWC", name=None, input=None):
    """The maxima over windows of images.

    Args:
      value: [batch, height, width, channels] tensor (by `data_format`).
      ksize: an int, two ints, or one a dimension: the size of the window.
      strides: as `ksize`: how far the window moves.
      padding: "SAME" or "VALID".
      data_format: "NHWC" or "NCHW".
      name: a name for the operation.
      input: the newer name of `value`.

    Returns:
      [batch, height', width', channels] (by `data_format`).

    Raises:
      ValueError: for a window of size 0, or shapes that do not fit.
    """
    value = either_argument("input", input, "value", value)
    with name_scope(name, "MaxPool", [value]) as scope:
        if np.any(np.equal(ksize, 0)):
            raise ValueError("ksize cannot be zero.")
        return _pool("MaxPool", 2, value, ksize, strides, padding, data_format, scope)


@export("nn.max_pool2d")
def max_pool2d(input, ksize, strides, padding, data_format="NHWC", name=None):
    """`max_pool`, by the name it has beside `max_pool1d` and `max_pool3d`.

    Args:
      input, ksize, strides, padding, data_format, name: as in `max_pool`.

    Returns:
      [batch, height', width', channels] (by `data_format`).
    """
    with name_scope(name, "MaxPool2d", [input]) as scope:
        return _pool("MaxPool", 2, input, ksize, strides, padding, data_format, scope)


@export("nn.max_pool1d")
def max_pool1d(input, ksize, strides, padding, data_format="NWC", name=None):
    """The maxima over windows of sequences.

    Args:
      input: [batch, width, channels] tensor (by `data_format`).
      ksize: an int: the size of the window.
      strides: an int: how far the window moves.
      padding: "SAME" or "VALID".
      data_format: "NWC" or "NCW".
      name: a name for the operation.

    Returns:
      [batch, width', channels] (by `data_format`).
    """
    with name_scope(name, "MaxPool1d", [input]) as scope:
        return _pool_1d("MaxPool", input, ksize, strides, padding, data_format, scope)


@export("nn.max_pool3d")
def max_pool3d(input, ksize, strides, padding, data_format="NDHWC", name=None):
    """The maxima over windows of volumes.

    Args:
      input: [batch, depth, height, width, channels] tensor of half, bfloat16 or float32 (by `data_format`).
      ksize: an int, three ints, or one a dimension: the size of the window.
      strides: as `ksize`: how far the window moves.
      padding: "SAME" or "VALID".
      data_format: "NDHWC" or "NCDHW".
      name: a name for the operation.

    Returns:
      [batch, depth', height', width', channels] (by `data_format`).
    """
    with name_scope(name, "MaxPool3D", [input]) as scope:
        return _pool("MaxPool3D", 3, input, ksize, strides, padding, data_format, scope)


def _pool_of_any_rank(kind, input, ksize, strides, padding, data_format, name):
    if input.shape.ndims is not None:
        rank = input.shape.ndims - 2
    elif data_format is not None:
        rank = len(data_format) - 2
    else:
        raise ValueError("The input must have a rank or a data format must be given.")
    if not 1 <= rank <= 3:
        raise ValueError(f"Input tensor must be of rank 3, 4 or 5 but was {rank + 2}.")
    if rank == 1:
        function = max_pool1d if kind == "Max" else avg_pool1d
        return function(input, ksize, strides, padding, data_format, name)
    return _pool(f"{kind}Pool" + ("3D" if rank == 3 else ""), rank, input, ksize, strides, padding, data_format, name)


@export("nn.max_pool_v2")
def max_pool_v2(input, ksize, strides, padding, data_format=None, name=None):
    """The maxima over windows in one, two or three spatial dimensions.

    Args:
      input: [batch, *spatial, channels] tensor (by `data_format`).
      ksize: an int, one a spatial dimension, or one a dimension: the size of the window.
      strides: as `ksize`: how far the window moves.
      padding: "SAME" or "VALID".
      data_format: "N...C" (if None) or "NC...".
      name: a name for the operation.

    Returns:
      [batch, *spatial', channels] (by `data_format`).

    Raises:
      ValueError: if the rank is not known or not 3, 4 or 5.
    """
    return _pool_of_any_rank("Max", input, ksize, strides, padding, data_format, name)


@export("nn.max_pool_with_argmax")
def max_pool_with_argmax(input, ksize, strides, padding, data_format="NHWC", Targmax=None, name=None,
                         output_dtype=None, include_batch_in_index=False):  # fmt: skip
    """The maxima over windows of images, and where they stand.

    Args:
      input: [batch, height, width, channels] tensor of a real type.
      ksize: an int, two ints, or one a dimension: the size of the window.
      strides: as `ksize`: how far the window moves.
      padding: "SAME" or "VALID".
      data_format: "NHWC".
      Targmax: the type of the positions, int64 (if None) or int32.
      name: a name for the operation.
      output_dtype: the newer name of `Targmax`.
      include_batch_in_index: count through the batch instead of anew for each image.

    Returns:
      The named tuple (output, argmax): a position is (y * width + x) * channels + channel.

    Raises:
      ValueError: for another data format.
    """
    if data_format != "NHWC":
        raise ValueError("Data formats other than 'NHWC' are not yet supported")
    targmax = either_argument("output_dtype", output_dtype, "Targmax", Targmax) or dtypes.int64
    return call("MaxPoolWithArgmax", input, name=name, ksize=ksize, strides=strides, padding=padding, Targmax=targmax,
                include_batch_in_index=include_batch_in_index)  # fmt: skip


# --- average ------------------------------------------------------------------------------------------------------


@export("nn.avg_pool", "nn.avg_pool2d")
def avg_pool(value, ksize, strides, padding, data_format="NHWC", name=None, input=None):
    """The averages over windows of images; padding does not count.

    Args:
      value: [batch, height, width, channels] tensor of half, bfloat16, float32 or float64 (by `data_format`).
      ksize: an int, two ints, or one a dimension: the size of the window.
      strides: as `ksize`: how far the window moves.
      padding: "SAME" or "VALID".
      data_format: "NHWC" or "NCHW".
      name: a name for the operation.
      input: the newer name of `value`.

    Returns:
      [batch, height', width', channels] (by `data_format`).
    """
    with name_scope(name, "AvgPool", [value]) as scope:
        value = either_argument("input", input, "value", value)
        return _pool("AvgPool", 2, value, ksize, strides, padding, data_format, scope)


@export("nn.avg_pool1d")
def avg_pool1d(input, ksize, strides, padding, data_format="NWC", name=None):
    """The averages over windows of sequences; padding does not count.

    Args:
      input: [batch, width, channels] tensor of half, bfloat16, float32 or float64 (by `data_format`).
      ksize: an int: the size of the window.
      strides: an int: how far the window moves.
      padding: "SAME" or "VALID".
      data_format: "NWC" or "NCW".
      name: a name for the operation.

    Returns:
      [batch, width', channels] (by `data_format`).
    """
    with name_scope(name, "AvgPool1D", [input]) as scope:
        return _pool_1d("AvgPool", input, ksize, strides, padding, data_format, scope)


@export("nn.avg_pool3d")
def avg_pool3d(input, ksize, strides, padding, data_format="NDHWC", name=None):
    """The averages over windows of volumes; padding does not count.

    Args:
      input: [batch, depth, height, width, channels] tensor of half, bfloat16, float32 or float64 (by `data_format`).
      ksize: an int, three ints, or one a dimension: the size of the window.
      strides: as `ksize`: how far the window moves.
      padding: "SAME" or "VALID".
      data_format: "NDHWC" or "NCDHW".
      name: a name for the operation.

    Returns:
      [batch, depth', height', width', channels] (by `data_format`).
    """
    with name_scope(name, "AvgPool3D", [input]) as scope:
        return _pool("AvgPool3D", 3, input, ksize, strides, padding, data_format, scope)


@export("nn.avg_pool_v2")
def avg_pool_v2(input, ksize, strides, padding, data_format=None, name=None):
    """The averages over windows in one, two or three spatial dimensions; padding does not count.

    Args:
      input: [batch, *spatial, channels] tensor of half, bfloat16, float32 or float64 (by `data_format`).
      ksize: an int, one a spatial dimension, or one a dimension: the size of the window.
      strides: as `ksize`: how far the window moves.
      padding: "SAME" or "VALID".
      data_format: "N...C" (if None) or "NC...".
      name: a name for the operation.

    Returns:
      [batch, *spatial', channels] (by `data_format`).

    Raises:
      ValueError: if the rank is not known or not 3, 4 or 5.
    """
    return _pool_of_any_rank("Avg", input, ksize, strides, padding, data_format, name)


# --- any kind -----------------------------------------------------------------------------------------------------


@export("nn.pool")
def pool(input, window_shape, pooling_type, padding, dilation_rate=None, strides=None, name=None, data_format=None,
         dilations=None):  # fmt: skip
    """Maxima or averages over windows in one, two or three spatial dimensions, also dilated.

    Args:
      input: [batch, *spatial, channels] tensor (by `data_format`).
      window_shape: one int a spatial dimension: the size of the window.
      pooling_type: "MAX" or "AVG".
      padding: "SAME" (with dilations of 1 only) or "VALID".
      dilation_rate: one int a spatial dimension: the distance between the elements of the window; 1 if None.
      strides: one int a spatial dimension: how far the window moves; 1 if None.
      name: a name for the operation.
      data_format: "N...C" (if None) or "NC...".
      dilations: the newer name of `dilation_rate`.

    Returns:
      [batch, *spatial', channels] (by `data_format`).

    Raises:
      ValueError: if an argument has a wrong form.
    """
    dilation_rate = either_argument("dilations", dilations, "dilation_rate", dilation_rate)
    with name_scope(name, f"{pooling_type.lower()}_pool", [input]) as scope:
        input = to_tensor(input, name="input")
        rank = len(window_shape)
        if not 1 <= rank <= 3:
            raise ValueError("It is required that 1 <= num_spatial_dims <= 3.")
        input.shape.with_rank(rank + 2)
        strides, dilation_rate = _checked_strides(strides, dilation_rate, rank, window_shape, padding)
        if pooling_type not in ("MAX", "AVG"):
            raise ValueError(f"{rank}-D {pooling_type} pooling is not supported.")
        is_first = data_format is not None and data_format.startswith("NC")

        def plain(pieces, _, padding):
            return _plain_pool(pooling_type, pieces, window_shape, strides, padding, data_format, is_first, scope)

        first = 2 if is_first else 1
        return with_space_to_batch(input, dilation_rate, padding, plain, filter_shape=window_shape,
                                   spatial_dims=range(first, first + rank))  # fmt: skip


def _checked_strides(strides, dilation_rate, rank, window_shape, padding):
    values = []
    for name, given in (("dilation_rate", dilation_rate), ("strides", strides)):
        given = [1] * rank if given is None else given
        if len(given) != rank:
            raise ValueError(f"len({name})={len(given)} but should be {rank}")
        values.append(np.array(given, np.int32))
    dilation_rate, strides = values
    check_positive(strides, dilation_rate)
    if padding == "SAME" and np.any(dilation_rate > 1):
        raise ValueError("pooling with SAME padding is not implemented for dilation_rate > 1")
    if np.any(strides > window_shape):
        raise ValueError(
            "strides > window_shape not supported due to inconsistency between CPU and GPU implementations"
        )
    return strides, dilation_rate


def _plain_pool(pooling_type, input, window_shape, strides, padding, data_format, is_first, name):
    rank = len(window_shape)
    index = 1 if is_first else rank + 1
    ksize = one_a_dimension(list(window_shape), rank, index, "ksize")
    strides = one_a_dimension(list(strides), rank, index, "strides")
    function = {("MAX", 3): max_pool3d, ("AVG", 3): avg_pool3d, ("MAX", 2): max_pool, ("AVG", 2): avg_pool}
    if rank > 1:
        return function[pooling_type, rank](input, ksize, strides, padding, name=name, data_format=data_format)
    if data_format not in (None, "NWC", "NCW"):
        raise ValueError('data_format must be either "NWC" or "NCW".')
    height_axis = 2 if is_first else 1
    result = function[pooling_type, 2](
        expand_dims(input, height_axis), [1, *ksize], [1, *strides], padding, name=name,
        data_format="NCHW" if is_first else "NHWC",
    )  # fmt: skip
    return squeeze(result, [height_axis])
