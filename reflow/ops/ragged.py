"""The ops on ragged tensors: RaggedRange, RaggedGather and the conversions to dense, sparse and variant tensors.

A ragged tensor of ragged rank k is k vectors of row splits, the outermost first, and the flat values: row i of level d
is what stands from `splits[d][i]` to `splits[d][i + 1]` in the level below.
"""

import itertools
import math

import numpy as np
import torch

from reflow.graph import dtypes, errors
from reflow.graph.build import call
from reflow.graph.convert import constant_value
from reflow.graph.indexed_slices import IndexedSlices
from reflow.graph.registry import define_op, gradient
from reflow.graph.shapes import dims_to_str, merge_dims, num_elements
from reflow.ops.gathering import gather
from reflow.ops.movement import as_signed
from reflow.ops.shape_ops import reshape, shape
from reflow.ops.shape_rules import merge_size, with_rank, with_rank_at_least, with_rank_at_most
from reflow.ops.sparse_coordinates import flat_positions, invalid, take
from reflow.ops.torch_types import FROM_TORCH


def _lengths(splits):
    return splits[1:] - splits[:-1]


def _row_numbers(splits):
    """The row of each value: i as often as row i is long."""
    lengths = _lengths(splits)
    return torch.repeat_interleave(torch.arange(len(lengths), device=splits.device), lengths.long())


def _splits_of(lengths, dtype):
    """The row splits of rows of these lengths."""
    return torch.cat([lengths.new_zeros(1, dtype=dtype), torch.cumsum(lengths, 0).to(dtype)])


def _ranges(starts, limits):
    """start, start + 1, ..., limit - 1 of each row, one behind the other."""
    lengths = limits - starts
    firsts = torch.cumsum(lengths, 0) - lengths
    offsets = torch.repeat_interleave(starts - firsts, lengths)
    return torch.arange(len(offsets), device=starts.device) + offsets


def _copied(tensor):
    """The tensor, or array of strings, in memory of its own."""
    return tensor.clone() if isinstance(tensor, torch.Tensor) else tensor.copy()


# --- RaggedRange --------------------------------------------------------------------------------------------------


def _range_lengths(starts, limits, deltas):
    """How many numbers each row has."""
    if not bool((deltas != 0).all()):
        raise invalid("Requires delta != 0")
    if starts.is_floating_point():
        counts = torch.ceil(((limits - starts) / deltas).abs()).long()
    else:
        span, step = (limits.long() - starts.long()).abs(), deltas.long().abs()
        counts = torch.div(span + step - 1, step, rounding_mode="floor")
    is_empty = ((deltas > 0) & (limits < starts)) | ((deltas < 0) & (limits > starts))
    return counts.masked_fill(is_empty, 0)


def _counted(starts, deltas, rows, places, longest):
    """The number at each place of each row; those of floats come about by adding, and so do their errors."""
    if not starts.is_floating_point():
        return starts[rows] + deltas[rows] * places.to(starts.dtype)
    columns = [starts]
    for _ in range(longest - 1):
        columns.append(columns[-1] + deltas)
    return torch.stack(columns, 1)[rows, places]


def _ragged_range(starts, limits, deltas, Tsplits):
    bounds = {"starts": starts, "limits": limits, "deltas": deltas}
    for name, value in bounds.items():
        if value.ndim > 1:
            raise invalid(f"{name} must be a scalar or vector")
    sizes = {len(value) for value in bounds.values() if value.ndim}
    if len(sizes) > 1:
        raise invalid("starts, limits, and deltas must have the same shape")
    rows = max(sizes, default=1)
    starts, limits, deltas = (value.expand(rows) for value in bounds.values())
    lengths = _range_lengths(starts, limits, deltas)
    splits = _splits_of(lengths, torch.int64)
    of_row = _row_numbers(splits)
    places = torch.arange(len(of_row), device=splits.device) - splits[of_row]
    longest = int(lengths.max()) if rows else 0
    return splits.to(Tsplits), _counted(starts, deltas, of_row, places, longest)


def _ragged_range_shape(op):
    rows, all_scalar = None, True
    for tensor in op._inputs:
        dims = with_rank_at_most(tensor.dims, 1)
        if dims:
            rows = merge_size(dims[0], rows)
        all_scalar = all_scalar and dims == ()
    if rows is None and all_scalar:
        rows = 1
    return [(None if rows is None else rows + 1,), (None,)]


define_op(
    "RaggedRange", "starts: T, limits: T, deltas: T -> rt_nested_splits: Tsplits, rt_dense_values: T",
    "T: type in bfloat16|float|double|int32|int64 = int32, Tsplits: type in index = int64",
    shape=_ragged_range_shape, kernel=_ragged_range, gradient=None,
)  # fmt: skip


# --- RaggedGather -------------------------------------------------------------------------------------------------


def _check_indices(indices, count):
    outside = ((indices < 0) | (indices >= count)).reshape(-1)
    if bool(outside.any()):
        first = int(torch.nonzero(outside)[0])
        place = ",".join(map(str, np.unravel_index(first, tuple(indices.shape)))) if indices.ndim else ""
        value = int(indices.reshape(-1)[first])
        raise invalid(f"indices{f'[{place}]' if place else ''} = {value} is not in [0, {count})")


def _check_splits(splits, following):
    """`following`: how many items the level below has; splits may end before its end."""
    if not len(splits):
        raise invalid("Ragged splits may not be empty")
    if int(splits[0]) < 0:
        raise invalid("Ragged splits must be non-negative")
    if int(splits[-1]) > following:
        raise invalid("Ragged splits must not point past values")
    if bool((_lengths(splits) < 0).any()):
        raise invalid("Ragged splits must be sorted")


def _ragged_gather(params_nested_splits, params_dense_values, indices, OUTPUT_RAGGED_RANK):
    outermost = params_nested_splits[0]
    _check_indices(indices, outermost.shape[0] - 1)
    if params_dense_values.ndim == 0:
        raise invalid("params.rank must be nonzero")
    if indices.ndim - 1 + len(params_nested_splits) != OUTPUT_RAGGED_RANK:
        raise invalid("OUTPUT_RAGGED_RANK must be indices.rank - 1 + PARAMS_RAGGED_RANK")
    counts = [len(splits) - 1 for splits in params_nested_splits[1:]] + [params_dense_values.shape[0]]
    for splits, following in zip(params_nested_splits, counts, strict=True):
        _check_splits(splits, following)
    nested = [_uniform_splits(indices, axis, outermost.dtype) for axis in range(indices.ndim - 1)]
    rows = indices.reshape(-1).long()
    for level, splits in enumerate(params_nested_splits):
        starts, limits = splits[rows].long(), splits[rows + 1].long()
        if indices.ndim or level:
            nested.append(_splits_of(limits - starts, splits.dtype))
        rows = _ranges(starts, limits)
    return nested, take(params_dense_values, rows)


def _uniform_splits(indices, axis, dtype):
    """The splits of dimension `axis + 1` of a dense tensor."""
    rows, size = math.prod(indices.shape[: axis + 1]), indices.shape[axis + 1]
    return torch.arange(rows + 1, dtype=dtype, device=indices.device) * size


def _ragged_gather_shape(op):
    levels = op.attrs["PARAMS_RAGGED_RANK"]
    for tensor in op._inputs[:levels]:
        with_rank(tensor.dims, 1)
    values = with_rank_at_least(op._inputs[levels].dims, 1)
    with_rank(op._inputs[levels + 1].dims, op.attrs["OUTPUT_RAGGED_RANK"] - levels + 1)
    return [(None,)] * op.attrs["OUTPUT_RAGGED_RANK"] + [None if values is None else (None, *values[1:])]


define_op(
    "RaggedGather",
    "params_nested_splits: PARAMS_RAGGED_RANK*Tsplits, params_dense_values: Tvalues, indices: Tindices"
    " -> output_nested_splits: OUTPUT_RAGGED_RANK*Tsplits, output_dense_values: Tvalues",
    "Tvalues: type, Tindices: type in index, Tsplits: type in index = int64, PARAMS_RAGGED_RANK: int >= 1, "
    "OUTPUT_RAGGED_RANK: int >= 0", shape=_ragged_gather_shape, kernel=_ragged_gather,
)  # fmt: skip


@gradient("RaggedGather")
def _ragged_gather_gradient(op, *grads):
    *nested, values, indices = op.inputs
    ends = nested[0]
    for splits in nested[1:]:
        ends = gather(splits, ends)
    flat = reshape(indices, [-1])
    starts, limits = gather(ends, flat), gather(ends[1:], flat)
    _, places = call("RaggedRange", starts, limits, 1)
    return [None] * len(nested) + [IndexedSlices(grads[-1], places, shape(values)), None]


# --- RaggedTensorToSparse -----------------------------------------------------------------------------------------


def _check_whole(nested, values):
    """Raise InvalidArgumentError unless the splits divide the whole level below, from its start to its end."""
    for splits in nested:
        if not splits.numel():
            raise invalid("ragged splits may not be empty.")
        if int(splits.reshape(-1)[0]) != 0:
            raise invalid("First value of ragged splits must be 0.")
    counts = [len(splits) - 1 for splits in nested[1:]] + [values.shape[0] if values.ndim else 0]
    for splits, following in zip(nested, counts, strict=True):
        if splits.ndim != 1 or int(splits[-1]) != following:
            raise invalid("Final value of ragged splits must match the length the corresponding ragged values.")


def _coordinates(nested, count):
    """int64 [count, levels + 1]: the place of each of the flat values."""
    columns: list[list] = []
    for splits in nested:
        rows = _row_numbers(splits)
        places = torch.arange(len(rows), device=splits.device) - splits[rows]
        columns = [column[rows] for column in columns or [torch.arange(len(splits) - 1, device=splits.device)]]
        columns.append(places)
    return torch.stack(columns, 1).reshape(count, len(nested) + 1)


def _longest(splits):
    return int(_lengths(splits).max()) if len(splits) > 1 else 0


def _ragged_to_sparse(rt_nested_splits, rt_dense_values):
    _check_whole(rt_nested_splits, rt_dense_values)
    inner = tuple(rt_dense_values.shape[1:])
    device = rt_nested_splits[0].device
    outer = _coordinates(rt_nested_splits, rt_dense_values.shape[0])
    if inner:
        places = torch.cartesian_prod(*(torch.arange(size, device=device) for size in inner)).reshape(-1, len(inner))
        repeated = outer.repeat_interleave(len(places), 0)
        outer = torch.cat([repeated, places.repeat(rt_dense_values.shape[0], 1)], 1)
    sizes = [len(rt_nested_splits[0]) - 1, *map(_longest, rt_nested_splits), *inner]
    return outer, _copied(rt_dense_values.reshape(-1)), torch.tensor(sizes, dtype=torch.int64)


def _ragged_to_sparse_shape(op):
    for tensor in op._inputs[:-1]:
        with_rank(tensor.dims, 1)
    dims = with_rank_at_least(op._inputs[-1].dims, 1)
    rank = None if dims is None else len(dims) + op.attrs["RAGGED_RANK"]
    count = 0 if dims is not None and 0 in dims else num_elements(dims)
    return [(count, rank), (count,), (rank,)]


define_op(
    "RaggedTensorToSparse",
    "rt_nested_splits: RAGGED_RANK*Tsplits, rt_dense_values: T"
    " -> sparse_indices: int64, sparse_values: T, sparse_dense_shape: int64",
    "RAGGED_RANK: int >= 1, T: type, Tsplits: type in index = int64",
    shape=_ragged_to_sparse_shape, kernel=_ragged_to_sparse,
)  # fmt: skip


@gradient("RaggedTensorToSparse")
def _ragged_to_sparse_gradient(op, indices_grad, values_grad, shape_grad):
    return [None] * (len(op.inputs) - 1) + [reshape(values_grad, shape(op.inputs[-1]))]


# --- RaggedTensorToTensor -----------------------------------------------------------------------------------------

_PARTITION_KINDS = ("FIRST_DIM_SIZE", "VALUE_ROWIDS", "ROW_SPLITS")


def _places_in_runs(row_ids):
    """The place of each value in its run of equal row numbers."""
    numbers = torch.arange(len(row_ids), device=row_ids.device)
    is_first = torch.ones_like(row_ids, dtype=torch.bool)
    is_first[1:] = row_ids[1:] != row_ids[:-1]
    return numbers - torch.cummax(numbers * is_first, 0).values if len(row_ids) else numbers


def _partition(kind, tensor, rows):
    """(row number, place in the row) of each item that a partition divides, and the length of the longest row."""
    if kind == "ROW_SPLITS":
        if len(tensor) != rows + 1:
            raise errors.InternalError(None, None, "Values and indices must be equal")
        row_ids, longest = _row_numbers(tensor), _longest(tensor)
        return row_ids, torch.arange(len(row_ids), device=tensor.device) - tensor[row_ids], longest
    places = _places_in_runs(tensor)
    return tensor.long(), places, int(places.max()) + 1 if len(places) else 0


def _dense_coordinates(kinds, tensors):
    """int64 [values, levels + 1], -1 where a value is in no row; the sizes of the least tensor that holds all."""
    if kinds[0] == "FIRST_DIM_SIZE":
        count, kinds, tensors = int(tensors[0]), kinds[1:], tensors[1:]
    else:
        count = len(tensors[0]) - 1
    columns, sizes = [torch.arange(count, device=tensors[0].device)], [count]
    for kind, tensor in zip(kinds, tensors, strict=True):
        row_ids, places, longest = _partition(kind, tensor, len(columns[0]))
        is_row = (row_ids >= 0) & (row_ids < len(columns[0]))
        parents = row_ids.clamp(0, max(len(columns[0]) - 1, 0))
        columns = [torch.where(is_row, column[parents], -1) if len(column) else row_ids.new_full((len(row_ids),), -1)
                   for column in columns]  # fmt: skip
        columns.append(places)
        sizes.append(longest)
    return torch.stack(columns, 1), sizes


def _ragged_to_tensor(shape, values, default_value, row_partition_tensors, row_partition_types):
    kinds = [kind.decode() for kind in row_partition_types]
    coordinates, sizes = _dense_coordinates(kinds, row_partition_tensors)
    if len(coordinates) != values.shape[0]:
        raise errors.InternalError(None, None, "Values and indices must be equal")
    if isinstance(shape, list):
        sizes = [size if wanted < 0 else wanted for wanted, size in zip(shape, sizes, strict=False)]
    limits = torch.tensor(sizes, dtype=torch.int64, device=coordinates.device)
    inside = torch.nonzero(((coordinates >= 0) & (coordinates < limits)).all(1)).reshape(-1)
    places = flat_positions(coordinates[inside], sizes)
    inner = tuple(values.shape[1:])
    total = math.prod(sizes)
    if isinstance(values, torch.Tensor):
        dense = as_signed(default_value).expand(total, *inner).clone()
        dense[places] = as_signed(values)[inside]
        dense = dense.view(values.dtype)
    else:
        dense = np.broadcast_to(default_value, (total, *inner)).copy()
        dense[places.numpy()] = values[inside.numpy()]
    return dense.reshape(*sizes, *inner)


def _checked_kinds(op):
    kinds = [kind.decode(errors="replace") for kind in op.attrs["row_partition_types"]]
    for kind in kinds:
        if kind in ("ROW_LENGTHS", "ROW_LIMITS", "ROW_STARTS"):
            raise ValueError(f"Unsupported partition type: {kind}")
        if kind not in _PARTITION_KINDS:
            raise ValueError(f"Unknown string for partition info type: {kind}")
    _check_order(kinds)
    return kinds


def _check_order(kinds):
    """The outermost partition has row splits, or a number of rows before the rows of its values."""
    if not kinds:
        raise ValueError("Partition info types should not be empty")
    if "FIRST_DIM_SIZE" in kinds[1:]:
        raise ValueError("FIRST_DIM_SIZE must be first")
    if kinds[0] == "FIRST_DIM_SIZE" and kinds[1:2] != ["VALUE_ROWIDS"]:
        raise ValueError("FIRST_DIM_SIZE must be followed by VALUE_ROWIDS")
    if kinds[0] == "VALUE_ROWIDS":
        raise ValueError("VALUE_ROWIDS cannot be first")


def _check_default(default, values):
    """A default value broadcasts to one of the flat values."""
    if default is None or values is None:
        return
    if len(default) >= len(values) and default:
        raise ValueError(f"default_value_shape {dims_to_str(default)} and value_shape {dims_to_str(values)} do not "
                         "match: a default value has fewer dimensions")  # fmt: skip
    for i, (ours, theirs) in enumerate(zip(default[::-1], values[:0:-1], strict=False)):
        if None not in (ours, theirs) and ours not in (1, theirs):
            axis = len(default) - 1 - i
            raise ValueError(f"default_value_shape and value_shape do not match on dimension {axis}")


def _wanted_dims(tensor):
    """The shape that a program asks for: None for "any", which a scalar -1 stands for."""
    value = constant_value(tensor)
    if value is None and tensor.dims == ():
        raise ValueError("Received a shape scalar with unknown static value.  A static value of '-1' is required to "
                         "represent an unknown shape.")  # fmt: skip
    if value is None:
        return (None,) * tensor.dims[0] if tensor.dims and tensor.dims[0] is not None else None
    if value.ndim == 0:
        if value != -1:
            raise ValueError(f"Received an invalid shape scalar with a static value that is not '-1': {value}")
        return None
    return tuple(None if size < 0 else int(size) for size in value)


def _ragged_to_tensor_shape(op):
    kinds = _checked_kinds(op)
    wanted, values = _wanted_dims(op._inputs[0]), op._inputs[1].dims
    _check_default(op._inputs[2].dims, values)
    if values is None:
        return [wanted]
    levels = len(kinds) - (kinds[:1] == ["FIRST_DIM_SIZE"])
    dims = (None,) * (levels + 1) + values[1:]
    if wanted is None:
        return [dims]
    if len(wanted) != len(dims):
        raise ValueError(f"Value shape {dims_to_str(values)} and ragged rank {levels} do not match with the shape "
                         f"{dims_to_str(wanted)}")  # fmt: skip
    try:
        return [merge_dims(wanted, dims)]
    except ValueError:
        raise ValueError("Value and shape dimension are inconsistent.") from None


define_op(
    "RaggedTensorToTensor",
    "shape: Tshape, values: T, default_value: T, row_partition_tensors: num_row_partition_tensors*Tindex -> result: T",
    "T: type, Tindex: type in int64|int32, Tshape: type in int64|int32, num_row_partition_tensors: int >= 1, "
    "row_partition_types: list(string)", shape=_ragged_to_tensor_shape, kernel=_ragged_to_tensor, host="shape",
)  # fmt: skip


# --- variants -----------------------------------------------------------------------------------------------------


def _variant(parts):
    """A scalar variant that holds the splits and the flat values of a ragged tensor."""
    scalar = np.empty((), object)
    scalar[()] = tuple(map(_copied, parts))
    return scalar


def _ragged_rows(nested, values):
    """The splits and values of each row of a ragged tensor."""
    for row in range(len(nested[0]) - 1):
        start, limit, parts = int(nested[0][row]), int(nested[0][row + 1]), []
        for splits in nested[1:]:
            parts.append(splits[start : limit + 1] - splits[start])
            start, limit = int(splits[start]), int(splits[limit])
        yield [*parts, values[start:limit]]


def _ragged_to_variant(rt_nested_splits, rt_dense_values, batched_input):
    _check_whole(rt_nested_splits, rt_dense_values)
    if not batched_input:
        return _variant([*rt_nested_splits, rt_dense_values])
    rows = [_variant(parts) for parts in _ragged_rows(rt_nested_splits, rt_dense_values)]
    return np.stack(rows) if rows else np.empty(0, object)


def _ragged_to_variant_shape(op):
    for tensor in op._inputs[:-1]:
        with_rank(tensor.dims, 1)
    with_rank_at_least(op._inputs[-1].dims, 1)
    if not op.attrs["batched_input"]:
        return [()]
    splits = op._inputs[0].dims
    return [(None if splits is None or splits[0] is None else splits[0] - 1,)]


define_op(
    "RaggedTensorToVariant",
    "rt_nested_splits: RAGGED_RANK*Tsplits, rt_dense_values: Tvalues -> encoded_ragged: variant",
    "RAGGED_RANK: int >= 1, Tvalues: type, Tsplits: type in index, batched_input: bool",
    shape=_ragged_to_variant_shape, kernel=_ragged_to_variant, gradient=None,
)  # fmt: skip


def _inner_rank(encoded, input_ragged_rank, output_ragged_rank):
    rank = encoded.ndim
    if input_ragged_rank == -1:
        input_ragged_rank = output_ragged_rank - rank
        if input_ragged_rank < 0:
            raise invalid("Inferred input_ragged_rank (output_ragged_rank - encoded_variant.dims()) must be >= 0, "
                          f"found output_ragged_rank: {output_ragged_rank}, encoded_variant.dims(): {rank}, inferred "
                          f"input_ragged_rank: {input_ragged_rank}")  # fmt: skip
    if output_ragged_rank != rank + input_ragged_rank:
        raise invalid("output_ragged_rank must be equal to input_ragged_rank + encoded_ragged.dims(); "
                      f"output_ragged_rank: {output_ragged_rank}, input_ragged_rank: {input_ragged_rank}, "
                      f"encoded_variant.dims(): {rank}")  # fmt: skip
    return input_ragged_rank


def _type_of(part):
    return FROM_TORCH[part.dtype] if isinstance(part, torch.Tensor) else dtypes.string


def _checked_parts(item, levels, values_type, splits_type):
    if not isinstance(item, tuple) or len(item) != levels + 1:
        raise invalid(f"Encoded input RaggedTensorVariant has {len(item) - 1 if isinstance(item, tuple) else '?'} row "
                      f"splits, expected {levels}")  # fmt: skip
    *nested, values = item
    if _type_of(values) is not values_type:
        raise invalid(f"Expected values Tensor dtype: {values_type.name}, found: {_type_of(values).name}")
    for splits in nested:
        if _type_of(splits) is not splits_type:
            raise invalid(f"Expected row_splits Tensor dtype: {splits_type.name}, found: {_type_of(splits).name}")
    return item


def _ragged_from_variant(encoded_ragged, input_ragged_rank, output_ragged_rank, Tvalues, Tsplits):
    levels = _inner_rank(encoded_ragged, input_ragged_rank, output_ragged_rank)
    values_type, splits_type = FROM_TORCH.get(Tvalues, Tvalues), FROM_TORCH[Tsplits]
    items = [_checked_parts(item, levels, values_type, splits_type) for item in encoded_ragged.reshape(-1).tolist()]
    if encoded_ragged.ndim == 0:
        *nested, values = items[0]
        return nested, values
    if not items:
        raise invalid("a ragged tensor cannot be made of no variants: their shape is not known")
    sizes = encoded_ragged.shape
    nested = [torch.arange(math.prod(sizes[:axis]) + 1, dtype=Tsplits) * sizes[axis] for axis in range(1, len(sizes))]
    counts = [len(item[0]) - bool(levels) for item in items]
    nested.append(_splits_of(torch.tensor(counts), Tsplits))
    for level in range(levels):
        nested.append(_splits_of(torch.cat([_lengths(item[level]) for item in items]), Tsplits))
    values = [item[-1] for item in items]
    return nested, torch.cat(values) if isinstance(values[0], torch.Tensor) else np.concatenate(values)


def _ragged_from_variant_shape(op):
    given, made = op.attrs["input_ragged_rank"], op.attrs["output_ragged_rank"]
    dims = op._inputs[0].dims
    if given >= 0 and dims is not None:
        with_rank(dims, made - given)
    return [*itertools.repeat((None,), made), None]


define_op(
    "RaggedTensorFromVariant",
    "encoded_ragged: variant -> output_nested_splits: output_ragged_rank*Tsplits, output_dense_values: Tvalues",
    "input_ragged_rank: int >= -1, output_ragged_rank: int >= 1, Tvalues: type, Tsplits: type in index",
    shape=_ragged_from_variant_shape, kernel=_ragged_from_variant, aliases=(0,),
)  # fmt: skip
