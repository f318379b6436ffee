"""Blocks of space moved to the batch or depth axis and back: SpaceToBatch, BatchToSpace, SpaceToDepth, DepthToSpace."""

import math

import numpy as np

from reflow.graph import dtypes
from reflow.graph.build import call
from reflow.graph.context import name_scope
from reflow.graph.convert import constant_value, to_tensor
from reflow.graph.export import export
from reflow.graph.registry import define_op, gradient
from reflow.ops.movement import moves_elements
from reflow.ops.padding import pad_with_zeros
from reflow.ops.renamed_arguments import renamed_argument
from reflow.ops.shape_rules import merge, with_rank, with_rank_at_least

# --- between space and batch --------------------------------------------------------------------------------------


def _check_blocks(rank, block_shape, pairs, what):
    """Raise ValueError unless there is one block size and one pair of paddings or crops for each of enough axes."""
    if rank < 1 + len(block_shape):
        raise ValueError(f"input rank should be >= {1 + len(block_shape)} instead of {rank}")
    if len(pairs) != len(block_shape):
        raise ValueError(f"{what} should have shape [{len(block_shape)}, 2] instead of [{len(pairs)}, 2]")
    for size, pair in zip(block_shape, pairs, strict=True):
        if size < 1:
            raise ValueError(f"block_shape must be positive, got {size}")
        if min(pair) < 0:
            raise ValueError(f"{what} must be non-negative, got {list(pair)}")


def _evenly(size, by, what="padded_shape"):
    if size % by:
        raise ValueError(f"{what}={size} is not divisible by block_shape={by}")
    return size // by


def _static_part(size, by):
    """`size / by`, in the words of a shape rule where the two do not fit."""
    if size % by:
        raise ValueError(f"Dimension size must be evenly divisible by {by} but is {size}")
    return size // by


@moves_elements
def _tensor_to_blocks(padded, block_shape):
    """[b, s1, ..., sm, ...] -> [prod(blocks) * b, s1 / block1, ..., ...]: blocks go to the front of the batch."""
    m = len(block_shape)
    batch, space, rest = padded.shape[0], padded.shape[1:1 + m], padded.shape[1 + m:]
    split = [n for s, b in zip(space, block_shape, strict=True) for n in (_evenly(s, b), b)]
    blocks, outer = [2 + 2 * i for i in range(m)], [1 + 2 * i for i in range(m)]
    order = [*blocks, 0, *outer, *range(1 + 2 * m, 1 + 2 * m + len(rest))]
    sizes = [batch * math.prod(block_shape), *(s // b for s, b in zip(space, block_shape, strict=True)), *rest]
    return padded.reshape([batch, *split, *rest]).permute(order).reshape(sizes)


def _space_to_batch_nd(input, block_shape, paddings):
    m = len(block_shape)
    _check_blocks(len(input.shape), block_shape, paddings, "paddings")
    everywhere = [(0, 0), *paddings, *[(0, 0)] * (len(input.shape) - 1 - m)]
    return _tensor_to_blocks(pad_with_zeros(input, everywhere), block_shape)


@moves_elements
def _batch_to_space_nd(input, block_shape, crops):
    """The blocks at the front of the batch go back into space, which is then cropped."""
    m = len(block_shape)
    _check_blocks(input.dim(), block_shape, crops, "crops")
    space, rest = input.shape[1:1 + m], input.shape[1 + m:]
    batch = _evenly(input.shape[0], math.prod(block_shape), "input batch")
    order = [m] + [axis for i in range(m) for axis in (m + 1 + i, i)]
    order += range(2 * m + 1, 2 * m + 1 + len(rest))
    sizes = [s * b for s, b in zip(space, block_shape, strict=True)]
    whole = input.reshape([*block_shape, batch, *space, *rest]).permute(order).reshape([batch, *sizes, *rest])
    for size, (before, after) in zip(sizes, crops, strict=True):
        if before + after > size:
            raise ValueError(f"cropped_shape={size - before - after} must be non-negative")
    box = tuple(slice(before, size - after) for size, (before, after) in zip(sizes, crops, strict=True))
    return whole[(slice(None), *box)]


def _blocks_shape(op, new_size, new_batch):
    """Dims after every spatial size s becomes `new_size(s, block, pair)` and the batch `new_batch(batch, product)`."""
    dims, (count,) = op._inputs[0].dims, with_rank(op._inputs[1].dims, 1)
    merge(op._inputs[2].dims, (count, 2))
    block_shape, pairs = constant_value(op._inputs[1]), constant_value(op._inputs[2])
    if count is not None:
        dims = with_rank_at_least(dims, count + 1)
    if block_shape is not None and (block_shape < 1).any():
        raise ValueError("block_shape must be positive")
    if block_shape is not None and pairs is not None and (pairs < 0).any():
        raise ValueError(f"{op.op_def.inputs[2].name} cannot be negative")
    if dims is None:
        return [None]
    if block_shape is None:
        known = len(dims) if count is None else count + 1
        return [(None,) * known + dims[known:]]
    m = len(block_shape)
    batch = None if dims[0] is None else new_batch(dims[0], int(np.prod(block_shape)))
    if pairs is None:
        return [(batch, *(None,) * m, *dims[1 + m:])]
    _check_blocks(len(dims), block_shape.tolist(), pairs.tolist(), op.op_def.inputs[2].name)
    space = [None if s is None else new_size(s, b, pair)
             for s, b, pair in zip(dims[1:1 + m], block_shape.tolist(), pairs.tolist(), strict=True)]  # fmt: skip
    return [(batch, *space, *dims[1 + m:])]


def _space_to_batch_shape(op):
    return _blocks_shape(op, lambda s, b, pair: _static_part(s + sum(pair), b), lambda batch, product: batch * product)


def _cropped(size, by, pair):
    if sum(pair) > size * by:
        raise ValueError(f"Negative dimension size caused by subtracting {sum(pair)} from {size * by}")
    return size * by - sum(pair)


def _batch_to_space_shape(op):
    return _blocks_shape(op, _cropped, lambda batch, product: _static_part(batch, product))


define_op(
    "SpaceToBatchND", "input: T, block_shape: Tblock_shape, paddings: Tpaddings -> output: T",
    "T: type, Tblock_shape: type in index = int32, Tpaddings: type in index = int32",
    shape=_space_to_batch_shape, kernel=_space_to_batch_nd, host="block_shape paddings",
)  # fmt: skip

define_op(
    "BatchToSpaceND", "input: T, block_shape: Tblock_shape, crops: Tcrops -> output: T",
    "T: type, Tblock_shape: type in index = int32, Tcrops: type in index = int32",
    shape=_batch_to_space_shape, kernel=_batch_to_space_nd, host="block_shape crops", aliases=(0,),
)  # fmt: skip


# --- the same for images, with one block size ---------------------------------------------------------------------


def _image_blocks_shape(op, new_size, new_batch):
    dims, size = with_rank(op._inputs[0].dims, 4), op.attrs["block_size"]
    merge(op._inputs[1].dims, (2, 2))
    pairs = constant_value(op._inputs[1])
    batch = None if dims[0] is None else new_batch(dims[0], size * size)
    if pairs is None:
        return [(batch, None, None, dims[3])]
    space = [None if s is None else new_size(s, size, pair) for s, pair in zip(dims[1:3], pairs.tolist(), strict=True)]
    return [(batch, *space, dims[3])]


def _check_images(tensor):
    if len(tensor.shape) != 4:
        raise ValueError(f"Input rank should be: 4 instead of: {len(tensor.shape)}")


def _space_to_batch(input, paddings, block_size):
    _check_images(input)
    return _space_to_batch_nd(input, [block_size] * 2, paddings)


def _batch_to_space(input, crops, block_size):
    _check_images(input)
    return _batch_to_space_nd(input, [block_size] * 2, crops)


define_op(
    "SpaceToBatch", "input: T, paddings: Tpaddings -> output: T",
    "T: type, Tpaddings: type in index = int32, block_size: int >= 2",
    shape=lambda op: _image_blocks_shape(
        op, lambda s, b, pair: _static_part(s + sum(pair), b), lambda batch, product: batch * product),
    kernel=_space_to_batch, host="paddings",
)  # fmt: skip

define_op(
    "BatchToSpace", "input: T, crops: Tidx -> output: T", "T: type, block_size: int >= 2, Tidx: type in index = int32",
    shape=lambda op: _image_blocks_shape(
        op, _cropped, lambda batch, product: _static_part(batch, product)),
    kernel=_batch_to_space, host="crops", aliases=(0,),
)  # fmt: skip


@gradient("SpaceToBatchND")
def _space_to_batch_nd_gradient(op, grad):
    return [call("BatchToSpaceND", grad, op._inputs[1], op._inputs[2]), None, None]


@gradient("BatchToSpaceND")
def _batch_to_space_nd_gradient(op, grad):
    return [call("SpaceToBatchND", grad, op._inputs[1], op._inputs[2]), None, None]


@gradient("SpaceToBatch")
def _space_to_batch_gradient(op, grad):
    return [batch_to_space(grad, op._inputs[1], block_size=op.attrs["block_size"]), None]


@gradient("BatchToSpace")
def _batch_to_space_gradient(op, grad):
    return [space_to_batch(grad, op._inputs[1], block_size=op.attrs["block_size"]), None]


@export("space_to_batch_nd", "manip.space_to_batch_nd")
def space_to_batch_nd(input, block_shape, paddings, name=None):
    """Blocks of the spatial axes, moved to the batch axis.

    Args:
      input: a tensor [batch, s1, ..., sm, ...].
      block_shape: int32 or int64 vector [m]: the size of a block.
      paddings: int32 or int64 matrix [m, 2]: how many zeros to add before and after, for each spatial axis; then the
        sizes have to be multiples of the blocks'.
      name: the node's name.

    Returns:
      A Tensor [batch * prod(block_shape), (s1 + padding) / block1, ..., ...].
    """
    return call("SpaceToBatchND", input, block_shape, paddings, name=name)


@export("batch_to_space_nd", "manip.batch_to_space_nd")
def batch_to_space_nd(input, block_shape, crops, name=None):
    """Blocks on the batch axis, moved back into space: the inverse of `space_to_batch_nd`.

    Args:
      input: a tensor [batch, s1, ..., sm, ...], its batch a multiple of prod(block_shape).
      block_shape: int32 or int64 vector [m]: the size of a block.
      crops: int32 or int64 matrix [m, 2]: how many elements to cut off before and after, for each spatial axis.
      name: the node's name.

    Returns:
      A Tensor [batch / prod(block_shape), s1 * block1 - crops, ..., ...].
    """
    return call("BatchToSpaceND", input, block_shape, crops, name=name)


def _image_block(block_shape, block_size):
    size = renamed_argument("block_shape", block_shape, "block_size", block_size)
    return np.array([size, size], np.int64)


@export("space_to_batch", "nn.space_to_batch")
def space_to_batch(input, paddings, block_size=None, name=None, block_shape=None):
    """Square blocks of images, moved to the batch axis.

    Args:
      input: a tensor [batch, height, width, depth].
      paddings: int32 or int64 matrix [2, 2]: how many zeros to add above and below, left and right.
      block_size: int of at least 2.
      name: the node's name.
      block_shape: the newer name of `block_size`.

    Returns:
      A Tensor [batch * block_size^2, padded height / block_size, padded width / block_size, depth].
    """
    result = space_to_batch_nd(input, _image_block(block_shape, block_size), paddings, name)
    result.set_shape(result.shape.with_rank(4))
    return result


@export("batch_to_space")
def batch_to_space(input, crops, block_size, name=None, block_shape=None):
    """Square blocks on the batch axis, moved back into images: the inverse of `space_to_batch`.

    Args:
      input: a tensor [batch, height, width, depth], its batch a multiple of block_size^2.
      crops: int32 or int64 matrix [2, 2]: how much to cut off above and below, left and right.
      block_size: int of at least 2.
      name: the node's name.
      block_shape: the newer name of `block_size`.

    Returns:
      A Tensor [batch / block_size^2, height * block_size - crops, width * block_size - crops, depth].
    """
    result = batch_to_space_nd(input, _image_block(block_shape, block_size), crops, name)
    result.set_shape(result.shape.with_rank(4))
    return result


@export("required_space_to_batch_paddings")
def required_space_to_batch_paddings(input_shape, block_shape, base_paddings=None, name=None):
    """The paddings that make sizes multiples of a block's, and the crops that undo what they add.

    Args:
      input_shape: int32 vector [m]: the spatial sizes.
      block_shape: int32 vector [m]: the size of a block.
      base_paddings: int32 matrix [m, 2]: the least paddings; zeros if None.
      name: the name scope.

    Returns:
      (paddings, crops): int32 matrices [m, 2]; constants if all arguments are.

    Raises:
      ValueError: if m is not known.
    """
    from reflow.ops.constant import zeros
    from reflow.ops.joining import stack

    with name_scope(name, "required_space_to_batch_paddings", [input_shape, block_shape]):
        input_shape = to_tensor(input_shape, dtypes.int32, "input_shape")
        block_shape = to_tensor(block_shape, dtypes.int32, "block_shape")
        block_shape.shape.assert_is_fully_defined()
        block_shape.shape.assert_has_rank(1)
        m = block_shape.dims[0]
        if not m:
            return zeros([0, 2], dtypes.int32), zeros([0, 2], dtypes.int32)
        input_shape.shape.assert_is_compatible_with([m])
        if base_paddings is None:
            base_paddings = zeros([m, 2], dtypes.int32)
        else:
            base_paddings = to_tensor(base_paddings, dtypes.int32, "base_paddings")
            base_paddings.shape.assert_is_compatible_with([m, 2])
        known = [constant_value(t) for t in (input_shape, block_shape, base_paddings)]
        if all(value is not None for value in known):
            input_shape, block_shape, base_paddings = known
        start, least_end = base_paddings[:, 0], base_paddings[:, 1]
        extra = (block_shape - (input_shape + start + least_end) % block_shape) % block_shape
        end = least_end + extra
        paddings = stack([[start[i], end[i]] for i in range(m)], name="paddings")
        return paddings, stack([[0, extra[i]] for i in range(m)], name="crops")


# --- between space and depth --------------------------------------------------------------------------------------

# VECT_C packs four channels of an int8 image into an axis of their own; it exists on GPUs only.
_DEPTH_ATTRS = "T: type, block_size: int >= 2, data_format: string in NHWC|NCHW|NCHW_VECT_C = NHWC"


def _image_dims(op):
    """(batch, height, width, depth) of the input."""
    if op.attrs["data_format"] == b"NCHW_VECT_C":
        raise ValueError("NCHW_VECT_C is not supported on CPU")
    dims = with_rank(op._inputs[0].dims, 4)
    return dims if op.attrs["data_format"] == b"NHWC" else (dims[0], dims[2], dims[3], dims[1])


def _in_format(op, batch, height, width, depth):
    if op.attrs["data_format"] == b"NHWC":
        return [(batch, height, width, depth)]
    return [(batch, depth, height, width)]


def _divided(size, by):
    if size is None:
        return None
    if size % by:
        raise ValueError(f"Dimension size must be evenly divisible by {by} but is {size}")
    return size // by


def _times(size, by):
    return None if size is None else size * by


def _space_to_depth_shape(op):
    batch, height, width, depth = _image_dims(op)
    size = op.attrs["block_size"]
    return _in_format(op, batch, _divided(height, size), _divided(width, size), _times(depth, size * size))


def _depth_to_space_shape(op):
    batch, height, width, depth = _image_dims(op)
    size = op.attrs["block_size"]
    return _in_format(op, batch, _times(height, size), _times(width, size), _divided(depth, size * size))


@moves_elements
def _space_to_depth(input, block_size, data_format):
    x = input if data_format == b"NHWC" else input.permute(0, 2, 3, 1)
    batch, height, width, depth = x.shape
    rows, columns = (_evenly(s, block_size, "image size") for s in (height, width))
    blocks = x.reshape(batch, rows, block_size, columns, block_size, depth).permute(0, 1, 3, 2, 4, 5)
    result = blocks.reshape(batch, rows, columns, block_size * block_size * depth)
    return result if data_format == b"NHWC" else result.permute(0, 3, 1, 2)


@moves_elements
def _depth_to_space(input, block_size, data_format):
    x = input if data_format == b"NHWC" else input.permute(0, 2, 3, 1)
    batch, rows, columns, channels = x.shape
    depth = _evenly(channels, block_size * block_size, "depth")
    blocks = x.reshape(batch, rows, columns, block_size, block_size, depth).permute(0, 1, 3, 2, 4, 5)
    result = blocks.reshape(batch, rows * block_size, columns * block_size, depth)
    return result if data_format == b"NHWC" else result.permute(0, 3, 1, 2)


define_op("SpaceToDepth", "input: T -> output: T", _DEPTH_ATTRS, shape=_space_to_depth_shape, kernel=_space_to_depth)
define_op("DepthToSpace", "input: T -> output: T", _DEPTH_ATTRS, shape=_depth_to_space_shape, kernel=_depth_to_space)


@gradient("SpaceToDepth")
def _space_to_depth_gradient(op, grad):
    return depth_to_space(grad, op.attrs["block_size"], data_format=op.attrs["data_format"])


@gradient("DepthToSpace")
def _depth_to_space_gradient(op, grad):
    return space_to_depth(grad, op.attrs["block_size"], data_format=op.attrs["data_format"])


@export("space_to_depth", "nn.space_to_depth")
def space_to_depth(input, block_size, name=None, data_format="NHWC"):
    """Square blocks of images, moved to the depth axis.

    Args:
      input: a tensor [batch, height, width, depth], or [batch, depth, height, width].
      block_size: int of at least 2 that divides height and width.
      name: the node's name.
      data_format: "NHWC" or "NCHW": the order of the axes.

    Returns:
      A Tensor [batch, height / block_size, width / block_size, depth * block_size^2], in that order of axes.
    """
    return call("SpaceToDepth", input, block_size=block_size, data_format=data_format, name=name)


@export("depth_to_space", "nn.depth_to_space")
def depth_to_space(input, block_size, name=None, data_format="NHWC"):
    """Square blocks on the depth axis, moved back into images: the inverse of `space_to_depth`.

    Args:
      input: a tensor [batch, height, width, depth], or [batch, depth, height, width]; block_size^2 divides depth.
      block_size: int of at least 2.
      name: the node's name.
      data_format: "NHWC" or "NCHW": the order of the axes.

    Returns:
      A Tensor [batch, height * block_size, width * block_size, depth / block_size^2], in that order of axes.
    """
    return call("DepthToSpace", input, block_size=block_size, data_format=data_format, name=name)


