"""Tensors broadcast to a shape some of whose dimensions are ragged."""

from reflow.ops.comparison import equal
from reflow.ops.gathering import gather
from reflow.ops.joining import concat, stack
from reflow.ops.select import where
from reflow.ops.shape_ops import reshape, shape
from reflow.ragged.arguments import told_value
from reflow.ragged.dynamic_shape import DynamicShape
from reflow.ragged.partitions import repeat_ranges
from reflow.ragged.tensor import RaggedTensor, convert_to_tensor_or_ragged_tensor, is_ragged
from reflow.ragged.tiling import tile


def broadcast_rows(tensor, wanted: DynamicShape):
    """A tensor broadcast along all dimensions but the inner ones, which the op that follows broadcasts itself.

    Args:
      tensor: a tensor, dense or ragged.
      wanted: a shape that it broadcasts to.

    Returns:
      A RaggedTensor with the rows of `wanted`; the tensor itself if that is a dense shape.

    Raises:
      ValueError: if a rank is not known, or the tensor has more dimensions or ragged ones.
    """
    tensor = convert_to_tensor_or_ragged_tensor(tensor)
    if not wanted.partitioned:
        if is_ragged(tensor):
            raise ValueError("Incompatible with shape: ragged rank mismatch")
        return tensor
    _check(tensor, wanted)
    given = DynamicShape.of(tensor).broadcast_to_rank(wanted.rank)
    tensor = _of_ragged_rank(_of_rank(tensor, wanted), wanted)
    tensor = _uniform_tiled(tensor, given, wanted)
    for axis in range(len(wanted.partitioned)):
        if wanted.is_ragged(axis) and not given.is_ragged(axis):
            tensor = _tile_rows(tensor, axis, wanted.size(axis), wanted.dtype)
    return tensor


def _check(tensor, wanted):
    if is_ragged(tensor) and tensor.row_splits.dtype is not wanted.dtype:
        raise ValueError("rt_input and dst_shape have different row_split dtypes; use "
                         "RaggedTensor.with_row_splits_dtype() to convert to a compatible dtype.")  # fmt: skip
    rank = tensor.shape.ndims
    if rank is None or wanted.rank is None:
        raise ValueError("Unable to broadcast: unknown rank")
    if rank > wanted.rank:
        raise ValueError("Incompatible with shape: rank mismatch")
    if is_ragged(tensor) and tensor.ragged_rank >= len(wanted.partitioned):
        raise ValueError("Incompatible with shape: ragged rank mismatch")


def _of_rank(tensor, wanted):
    """The tensor with dimensions of size 1 in front, until it has as many as wanted."""
    if wanted.rank <= tensor.shape.ndims:
        return tensor
    if tensor.shape.ndims < wanted.inner_rank + 1:
        tensor = reshape(tensor, concat([[-1], wanted.inner], axis=0))
    for _ in range(wanted.rank - tensor.shape.ndims):
        rows = tensor.nrows() if is_ragged(tensor) else shape(tensor, out_type=wanted.dtype)[0]
        tensor = RaggedTensor.from_row_lengths(tensor, [rows], validate=False)
    return tensor


def _of_ragged_rank(tensor, wanted):
    """The tensor with all partitioned dimensions made ragged."""
    if not is_ragged(tensor):
        return RaggedTensor.from_tensor(tensor, ragged_rank=len(wanted.partitioned) - 1, row_splits_dtype=wanted.dtype)
    missing = tensor.flat_values.shape.ndims - 1 - wanted.inner_rank
    if missing <= 0:
        return tensor
    inner = RaggedTensor.from_tensor(tensor.flat_values, ragged_rank=missing, row_splits_dtype=wanted.dtype)
    return tensor.with_flat_values(inner)


def _uniform_tiled(tensor, given, wanted):
    """The tensor with its uniform dimensions of size 1 repeated."""
    multiples = [1] * wanted.rank
    for axis in range(len(wanted.partitioned)):
        if given.is_ragged(axis) or wanted.is_ragged(axis):
            continue
        ours, theirs = given.size(axis), wanted.size(axis)
        if told_value(ours) in (1, None) and told_value(theirs) != 1:
            multiples[axis] = where(equal(ours, 1), theirs, 1)
    if all(isinstance(each, int) for each in multiples):
        return tensor
    return tile(tensor, stack(multiples, axis=0))


def _tile_rows(tensor, axis: int, repeats, splits_type):
    """The tensor with the elements of a dimension, whose size is 1 everywhere, repeated as often as rows are long."""
    if not is_ragged(tensor):
        tensor = RaggedTensor.from_tensor(tensor, ragged_rank=1, row_splits_dtype=splits_type)
    if axis > 1:
        return tensor.with_values(_tile_rows(tensor.values, axis - 1, repeats, splits_type))
    nested, lengths = tensor.nested_row_splits, tensor.nested_row_lengths()
    splits = nested[0]
    tiled_lengths = [repeats]
    for level in range(1, len(lengths)):
        tiled_lengths.append(repeat_ranges(lengths[level], splits, repeats))
        splits = gather(nested[level], splits)
    values = repeat_ranges(tensor.flat_values, splits, repeats)
    return RaggedTensor.from_nested_row_lengths(values, tiled_lengths, validate=False)
