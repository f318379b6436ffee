"""Elements of ragged tensors at given places: gather, batch_gather, gather_nd."""

from reflow.graph import dtypes
from reflow.graph.build import call
from reflow.graph.context import control_dependencies, name_scope
from reflow.graph.convert import to_tensor
from reflow.graph.shapes import dimension_value
from reflow.ops.casting import cast
from reflow.ops.checks import assert_equal
from reflow.ops.constant import ones
from reflow.ops.gathering import batch_gather as dense_batch_gather
from reflow.ops.gathering import gather as dense_gather
from reflow.ops.gathering import gather_nd as dense_gather_nd
from reflow.ops.grids import repeat
from reflow.ops.joining import concat
from reflow.ops.shape_ops import expand_dims, rank, reshape, shape
from reflow.ragged.shape_functions import expand_dims as ragged_expand_dims
from reflow.ragged.tensor import RaggedTensor, common_splits_type, convert_to_tensor_or_ragged_tensor, is_ragged
from reflow.ragged.tiling import tile


def _both(params, indices):
    params = convert_to_tensor_or_ragged_tensor(params, name="params")
    indices = convert_to_tensor_or_ragged_tensor(indices, name="indices")
    common_splits_type(params, indices)
    return params, indices


# --- gather -----------------------------------------------------------------------------------------------------------


def gather(params, indices, validate_indices=None, axis=0, batch_dims=0, name=None):
    """Rows of a tensor, dense or ragged, by number; `tf.gather` of ragged tensors.

    Args:
      params: a tensor of rows.
      indices: an integer tensor of row numbers.
      validate_indices: not looked at.
      axis, batch_dims: 0; nothing else is supported.
      name: a name scope.

    Returns:
      A tensor of shape `indices.shape + params.shape[1:]`, ragged if one of them is.

    Raises:
      ValueError: for another axis, batch dimensions, or dense indices of unknown rank into a ragged tensor.
    """
    if not isinstance(axis, int) or axis != 0:
        raise ValueError("axis != 0 is not supported for ragged gather yet.")
    if not isinstance(batch_dims, int) or batch_dims != 0:
        raise ValueError("batch_dims != 0 is not supported for ragged gather yet.")
    with name_scope(name, "RaggedGather", [params, indices]):
        params, indices = _both(params, indices)
        if is_ragged(indices):
            return indices.with_values(gather(params, indices.values))
        if not is_ragged(params):
            return dense_gather(params, indices)
        indices = to_tensor(indices)
        if indices.shape.ndims is None:
            raise ValueError("indices.shape.ndims must be known statically")
        splits = params.nested_row_splits
        nested, values = call("RaggedGather", splits, params.flat_values, indices,
                              OUTPUT_RAGGED_RANK=indices.shape.ndims + len(splits) - 1)  # fmt: skip
        return RaggedTensor.from_nested_row_splits(values, nested, validate=False)


# --- batch_gather -----------------------------------------------------------------------------------------------------


def batch_gather(params, indices, name=None):
    """Elements of each row by their place in it; `tf.batch_gather` of ragged tensors.

    Args:
      params: a tensor, dense or ragged.
      indices: an integer tensor: the dimensions but the innermost are those of `params`.
      name: a name scope.

    Returns:
      A tensor shaped as `indices`, and as `params` behind that.

    Raises:
      ValueError: if the shapes do not fit.
    """
    if not (is_ragged(params) or is_ragged(indices)):
        return dense_batch_gather(params, indices, name)
    with name_scope(name, "RaggedBatchGather", [params, indices]):
        params, indices = _both(params, indices)
        rank_of_indices = indices.shape.ndims
        if rank_of_indices is None:
            raise ValueError("batch_gather does not allow indices with unknown shape.")
        if rank_of_indices == 0:
            raise ValueError("indices.rank must be at least 1.")
        if is_ragged(indices):
            return _gather_in_ragged_rows(params, indices)
        if rank_of_indices == 1:
            return gather(params, indices)
        if rank_of_indices == 2:
            starts = expand_dims(params.row_starts(), 1)
            return gather(params.values, cast(indices, starts.dtype) + starts)
        raise _batch_mismatch()


def _batch_mismatch():
    return ValueError("batch shape from indices does not match params shape")


def _gather_in_ragged_rows(params, indices):
    if indices.shape.ndims > 2:
        if not is_ragged(params):
            raise _batch_mismatch()
        with control_dependencies([assert_equal(params.row_splits, indices.row_splits)]):
            gathered = batch_gather(params.values, indices.values)
            return RaggedTensor.from_row_splits(gathered, indices.row_splits, validate=False)
    if not is_ragged(params):
        if params.shape.ndims is not None and params.shape.ndims < 2:
            raise _batch_mismatch()
        params = RaggedTensor.from_tensor(params, ragged_rank=1, row_splits_dtype=indices.row_splits.dtype)
    counts = indices.row_lengths()
    starts = repeat(params.row_starts(), counts, axis=0)
    places = cast(indices.values, starts.dtype) + starts
    return RaggedTensor.from_row_splits(gather(params.values, places), indices.row_splits, validate=False)


# --- gather_nd --------------------------------------------------------------------------------------------------------


def gather_nd(params, indices, batch_dims=0, name=None):
    """Elements by their coordinates; `tf.gather_nd` of ragged tensors.

    Args:
      params: a tensor, dense or ragged.
      indices: an integer tensor [..., n]; the innermost dimension is not ragged and of known size.
      batch_dims: 0; nothing else is supported.
      name: a name scope.

    Returns:
      A tensor shaped as `indices` without the innermost dimension, and as `params` behind the first n.

    Raises:
      ValueError: for batch dimensions, or if the shape of `indices` is not known so far.
    """
    if not isinstance(batch_dims, int) or batch_dims != 0:
        raise ValueError("batch_dims != 0 is not supported for ragged gather yet.")
    if not (is_ragged(params) or is_ragged(indices)):
        return dense_gather_nd(params, indices, name)
    with name_scope(name, "RaggedGatherNd", [params, indices]):
        params, indices = _both(params, indices)
        count = _coordinate_count(indices)
        if indices.shape.ndims > 2:
            return _gather_nd_in_rows(params, indices)
        if not is_ragged(params):
            return dense_gather_nd(params, indices)
        if count == 0:
            return _copies(params, indices)
        if count == 1:
            return gather(params, reshape(indices, [-1]))
        return _gather_at(params, cast(indices, params.row_splits.dtype), count)


def _coordinate_count(indices) -> int:
    dims = indices.shape
    if dims.ndims is None:
        raise ValueError("indices.rank be statically known.")
    if dims.ndims == 0:
        raise ValueError("indices.rank must be at least 1.")
    if is_ragged(indices) and dims.ndims == indices.ragged_rank + 1:
        raise ValueError("The innermost dimension of indices may not be ragged")
    count = dimension_value(dims[-1])
    if count is None:
        raise ValueError("indices.shape[-1] must be statically known.")
    return count


def _gather_nd_in_rows(params, indices):
    """For indices of rank 3 and more: what their innermost rows name, in ragged rows."""
    outer = indices.shape.ndims - 2
    is_dense = not is_ragged(indices)
    if is_dense:
        indices = RaggedTensor.from_tensor(indices, ragged_rank=outer, row_splits_dtype=common_splits_type(params))
    result = indices.with_flat_values(gather_nd(params, indices.flat_values))
    if is_dense and is_ragged(result) and result.ragged_rank == outer:
        return result.to_tensor()
    return result


def _copies(params, indices):
    """For coordinates of length 0: the whole of `params` for each."""
    params_rank = params.ragged_rank + rank(params.flat_values)
    for _ in range(indices.shape.ndims - 1):
        params = ragged_expand_dims(params, axis=0)
    multiples = concat([shape(indices)[:-1], ones([params_rank], dtypes.int32)], axis=0)
    return tile(params, multiples)


def _gather_at(params, indices, count: int):
    """Goes down level by level: the row in a level and the place in the row are a number in the level below."""
    numbers = dense_gather(params.row_splits, indices[..., 0])
    numbers += indices[..., 1]
    level = params.values
    for axis in range(2, count):
        if not is_ragged(level):
            coordinates = concat([expand_dims(numbers, axis=1), indices[..., axis:]], axis=1)
            return dense_gather_nd(level, coordinates)
        numbers = dense_gather(level.row_starts(), numbers)
        numbers += indices[..., axis]
        level = level.values
    return gather(level, numbers)
