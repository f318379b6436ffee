"""Ragged tensors repeated along their dimensions: tile."""

from reflow.graph.context import name_scope
from reflow.ops.gathering import gather
from reflow.ops.joining import concat
from reflow.ops.padding import tile as dense_tile
from reflow.ops.ranges import range as number_range
from reflow.ragged.arguments import int_tensor, told_value
from reflow.ragged.partitions import repeat_ranges, splits_of_lengths
from reflow.ragged.tensor import RaggedTensor, convert_to_tensor_or_ragged_tensor, is_ragged


def tile(input, multiples, name=None):
    """A tensor repeated along each dimension; `tf.tile` of ragged tensors.

    Args:
      input: a tensor, dense or ragged.
      multiples: an integer vector with a number for each dimension.
      name: a name scope.

    Returns:
      A tensor of the same type and ragged rank.
    """
    with name_scope(name, "RaggedTile", [input, multiples]):
        input = convert_to_tensor_or_ragged_tensor(input, name="input")
        if not is_ragged(input):
            return dense_tile(input, multiples, name)
        multiples = int_tensor(multiples, "multiples", input.row_splits.dtype)
        multiples.shape.assert_has_rank(1)
        known = told_value(multiples)
        values = _tiled_values(input, multiples, known)
        return RaggedTensor.from_nested_row_splits(values, _tiled_splits(input, multiples, known), validate=False)


def _is_once(known, axis) -> bool:
    """Whether an axis is known not to be repeated."""
    return known is not None and known[axis] == 1


def _tiled_values(ragged, multiples, known):
    nested = ragged.nested_row_splits
    places = number_range(nested[-1][-1])
    inner = None
    for axis in range(ragged.ragged_rank, 0, -1):
        splits = nested[axis - 1]
        if inner is not None:
            splits = gather(inner * multiples[axis + 1], splits)
        if not _is_once(known, axis):
            places = repeat_ranges(places, splits, multiples[axis])
        inner = splits
    repeats = concat([multiples[:1], multiples[ragged.ragged_rank + 1 :]], axis=0)
    return dense_tile(gather(ragged.flat_values, places), repeats)


def _tiled_splits(ragged, multiples, known):
    nested = ragged.nested_row_splits
    projected = _projected_splits(nested)
    result = []
    for axis, splits in enumerate(nested):
        lengths = (splits[1:] - splits[:-1]) * multiples[axis + 1]
        repeats = 1
        for outer in range(axis - 1, -1, -1):
            if not _is_once(known, outer + 1):
                rows = projected[outer][axis - 1] * repeats
                lengths = repeat_ranges(lengths, rows, multiples[outer + 1])
            repeats *= multiples[outer + 1]
        result.append(splits_of_lengths(dense_tile(lengths, multiples[:1])))
    return result


def _projected_splits(nested):
    """By level and a level below it: where the rows of the one begin and end in the other."""
    projected = [{level: splits} for level, splits in enumerate(nested)]
    for level, places in enumerate(projected):
        for below in range(level + 1, len(nested) - 1):
            places[below] = gather(nested[below], places[below - 1])
    return projected
