"""RaggedTensor.__getitem__: rows and parts of rows."""

from reflow.graph.context import name_scope
from reflow.graph.convert import to_tensor
from reflow.graph.operation import Tensor
from reflow.ops.arithmetic import maximum, minimum
from reflow.ops.casting import cast
from reflow.ops.conditional import cond
from reflow.ops.constant import zeros
from reflow.ops.gathering import gather as dense_gather
from reflow.ops.joining import concat, stack
from reflow.ops.ranges import range as number_range
from reflow.ops.shape_ops import shape, size
from reflow.ragged.gathering import gather
from reflow.ragged.ranges import ragged_range
from reflow.ragged.tensor import RaggedTensor

_ALL = slice(None, None, None)


def getitem(ragged: RaggedTensor, key):
    """Rows and parts of rows of a ragged tensor, as of a dense one.

    Args:
      ragged: a RaggedTensor.
      key: an index, slice, `...` or `tf.newaxis`, or a tuple of them. A ragged dimension behind the first can be
        sliced, but not indexed: not each row need have such an element.

    Returns:
      A RaggedTensor; a Tensor where no ragged dimension is left.

    Raises:
      ValueError: for an index into an inner ragged dimension.
      IndexError: for too many indices.
      TypeError: for bounds of slices that are no integers.
    """
    with name_scope(None, "RaggedGetItem", [ragged, *_tensors_in(key)]):
        return _getitem(ragged, list(key) if isinstance(key, (list, tuple)) else [key])


def _tensors_in(key):
    if isinstance(key, Tensor):
        yield key
    elif isinstance(key, (list, tuple)):
        for item in key:
            yield from _tensors_in(item)
    elif isinstance(key, slice):
        yield from _tensors_in((key.start, key.stop, key.step))


def _getitem(ragged, keys: list):
    """`ragged[keys]`; the first key is for its rows."""
    if not keys:
        return ragged
    key, inner_keys = keys[0], keys[1:]
    if key is Ellipsis:
        return _getitem(ragged, _without_ellipsis(keys, ragged.shape.ndims))
    if key is None:
        inner = _getitem(ragged, inner_keys)
        return RaggedTensor.from_row_splits(inner, stack([0, _splits_count(inner) - 1]), validate=False)
    if isinstance(key, slice):
        return _in_rows(_sliced_rows(ragged, key), inner_keys)
    starts, limits = ragged.row_splits[:-1], ragged.row_splits[1:]
    row = ragged.values[starts[key] : limits[key]]
    return row.__getitem__(inner_keys)


def _splits_count(ragged):
    return shape(ragged.row_splits, out_type=ragged.row_splits.dtype)[0]


def _is_everything(key: slice) -> bool:
    return key.start is None and key.stop is None and key.step is None


def _sliced_rows(ragged, key: slice):
    if _is_everything(key):
        return ragged
    starts, limits = ragged.row_splits[:-1][key], ragged.row_splits[1:][key]
    zero = zeros([1], ragged.row_splits.dtype)
    if key.step is not None and key.step != 1:
        return _ranges_of_values(starts, limits, 1, ragged.values)
    # The first split is the start of the first row, or 0 if no row is left.
    splits = concat([zero[size(starts) :], starts[:1], limits], axis=0)
    first, last = splits[0], splits[-1]
    return RaggedTensor.from_row_splits(ragged.values[first:last], splits - first, validate=False)


def _in_rows(ragged, keys: list):
    """`ragged[:, *keys]`."""
    if not keys:
        return ragged
    if isinstance(ragged, Tensor):
        return ragged.__getitem__([_ALL, *keys])
    key = keys[0]
    if key is Ellipsis:
        return _in_rows(ragged, _without_ellipsis(keys, ragged.values.shape.ndims))
    if key is None:
        inner = _in_rows(ragged, keys[1:])
        return RaggedTensor.from_row_splits(inner, number_range(_splits_count(inner)), validate=False)
    if not isinstance(key, slice):
        raise ValueError("Cannot index into an inner ragged dimension.")
    if not _is_everything(key):
        ragged = _sliced_in_rows(ragged, key)
    return ragged.with_values(_in_rows(ragged.values, keys[1:]))


def _sliced_in_rows(ragged, key: slice):
    starts, limits = ragged.row_splits[:-1], ragged.row_splits[1:]
    first, last = starts, limits
    # A bound of 0 is left to the start and, as in TensorFlow, to the end of the row.
    if key.start is not None and key.start != 0:
        first = _shifted(key.start, ragged.row_splits[:-1], ragged.row_splits[1:])
    if key.stop is not None and key.stop != 0:
        last = _shifted(key.stop, ragged.row_splits[:-1], ragged.row_splits[1:])
    return _ranges_of_values(first, last, key.step, ragged.values)


def _shifted(offset, starts, limits):
    """The place that an offset from the start (or, if it is negative, the end) names in each row."""

    def from_start(offset):
        return minimum(starts + offset, limits)

    def from_end(offset):
        return maximum(limits + offset, starts)

    if isinstance(offset, Tensor):
        offset = cast(offset, starts.dtype)
        return cond(offset >= 0, lambda: from_start(offset), lambda: from_end(offset))
    if not isinstance(offset, int):
        raise TypeError("slice offsets must be integers or None")
    return from_start(offset) if offset > 0 else from_end(offset)


def _ranges_of_values(starts, limits, step, values):
    """The rows of values that begin, end and step as said."""
    step = to_tensor(1 if step is None else step, name="step")
    if not step.dtype.is_integer:
        raise TypeError("slice strides must be integers or None")
    places = ragged_range(starts, limits, cast(step, starts.dtype), row_splits_dtype=starts.dtype)
    pick = gather if isinstance(values, RaggedTensor) else dense_gather
    return places.with_values(pick(values, places.values))


def _without_ellipsis(keys: list, rank):
    """The keys, with a slice of everything in front of the ellipsis, or without it if no dimension is left for it."""
    if rank is None:
        raise ValueError("Ellipsis not supported for unknown shape RaggedTensors")
    count = sum(key is not None for key in keys)
    if count > rank + 1:
        raise IndexError("Too many indices for RaggedTensor")
    return keys[1:] if count == rank + 1 else [_ALL, *keys]
