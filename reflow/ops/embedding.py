"""Looking up rows of embedding tables, whole or cut into partitions, for dense and sparse ids."""

from reflow.graph import dtypes
from reflow.graph.build import call
from reflow.graph.context import colocate_with, name_scope
from reflow.graph.convert import to_tensor
from reflow.graph.export import export
from reflow.graph.indexed_slices import convert_to_tensor_or_indexed_slices
from reflow.graph.shapes import Dimension, TensorShape
from reflow.graph.sparse_tensor import SparseTensor
from reflow.ops.casting import cast
from reflow.ops.clip import clip_by_norm
from reflow.ops.constant import constant, fill, ones_like, zeros_like
from reflow.ops.gathering import gather
from reflow.ops.identity import identity
from reflow.ops.joining import concat, stack
from reflow.ops.ranges import range as range_
from reflow.ops.reduction import reduce_prod, reduce_sum
from reflow.ops.select import where
from reflow.ops.shape_ops import expand_dims, rank, reshape, shape, size
from reflow.ops.slicing import slice_
from reflow.ops.sparse_functions import sparse_retain
from reflow.ops.sparse_structure import sparse_fill_empty_rows, sparse_reshape
from reflow.platform import logging

# --- dense ids ----------------------------------------------------------------------------------------------------


@export("nn.embedding_lookup")
def embedding_lookup(params, ids, partition_strategy="mod", name=None, validate_indices=True, max_norm=None):
    """Rows of an embedding table, one for each id.

    Args:
      params: a table [rows, ...], or a list of P tables that hold the rows of one table in partitions.
      ids: int32 or int64 tensor of row numbers.
      partition_strategy: "mod": row i is row i // P of partition i % P; "div": each partition holds consecutive rows,
        the first ones one more if they do not divide evenly.
      name: a name for the operation.
      validate_indices: accepted; ids out of range are an error always.
      max_norm: if given, embeddings of a larger l2 norm are scaled down to it.

    Returns:
      A tensor shaped ids.shape + params.shape[1:].

    Raises:
      ValueError: if `params` is empty or the strategy unknown.
    """
    return _lookup(params, ids, partition_strategy, name, max_norm, None)


def embedding_lookup_and_transform(params, ids, partition_strategy="mod", name=None, max_norm=None, transform_fn=None):
    """`embedding_lookup`, with a function applied to the embeddings of each partition, beside it.

    Args:
      params, ids, partition_strategy, name, max_norm: as in `embedding_lookup`.
      transform_fn: takes embeddings [n, ...] and returns a tensor [n, ...]; None for none.

    Returns:
      A tensor shaped ids.shape + shape of a transformed embedding.
    """
    return _lookup(params, ids, partition_strategy, name, max_norm, transform_fn)


def _lookup(params, ids, partition_strategy, name, max_norm, transform):
    tables = _tables_of(params)
    with name_scope(name, "embedding_lookup", [*tables, ids]) as scope:
        if not any(_is_resource_variable(table) for table in tables):
            tables = [convert_to_tensor_or_indexed_slices(t, name=f"params_{i}") for i, t in enumerate(tables)]
        ids = to_tensor(ids, name="ids")
        if len(tables) == 1 and (transform is None or ids.shape.ndims == 1):
            with colocate_with(tables[0]):
                result = _clip(gather(tables[0], ids, name=scope), ids, max_norm)
                result = result if transform is None else transform(result)
            # Outside of the colocation with the table.
            return identity(result)
        return _lookup_in_parts(tables, ids, partition_strategy, scope, max_norm, transform)


def _tables_of(params) -> list:
    if params is None:
        raise ValueError("params must be specified")
    if _is_partitioned(params):
        return list(params)
    if isinstance(params, (list, tuple)) and not params:
        raise ValueError("Need at least one param")
    return params if isinstance(params, list) else [params]


def _is_partitioned(value) -> bool:
    """True for a PartitionedVariable."""
    return hasattr(value, "_get_variable_list")


def _is_resource_variable(value) -> bool:
    return hasattr(value, "handle")


def _clip(embeddings, ids, max_norm):
    """The embeddings, scaled down to `max_norm` where they are longer."""
    if max_norm is None:
        return embeddings
    ids_rank, embeddings_rank = ids.shape.ndims, embeddings.shape.ndims
    if ids_rank and embeddings_rank:
        axes = list(range(ids_rank, embeddings_rank))
    else:
        axes = range_(ids_rank or rank(ids), embeddings_rank or rank(embeddings))
    return clip_by_norm(embeddings, max_norm, axes=axes)


def _lookup_in_parts(tables, ids, partition_strategy, scope, max_norm, transform):
    """Sort the ids by partition, look up in each, and put the results in the ids' order again."""
    flat_ids = reshape(ids, [-1])
    positions = range_(size(flat_ids))
    places = _PLACES.get(partition_strategy)
    if places is None:
        raise ValueError(f"Unrecognized partition strategy: {partition_strategy}")
    partitions, rows = places(flat_ids, tables)
    partitions = cast(partitions, dtypes.int32)
    rows_in = call("DynamicPartition", rows, partitions, num_partitions=len(tables))
    positions_in = call("DynamicPartition", positions, partitions, num_partitions=len(tables))
    results = []
    for table, table_rows in zip(tables, rows_in, strict=True):
        with colocate_with(table):
            result = gather(table, table_rows)
            if transform is not None:
                result = transform(_clip(result, table_rows, max_norm))
        results.append(result)
    stitched = call("ParallelDynamicStitch", positions_in, results, name=scope)
    result = _with_shape_of_ids(stitched, ids, tables, transform)
    return result if transform is not None else _clip(result, ids, max_norm)


def _places_mod(ids, tables):
    return ids % len(tables), ids // len(tables)


def _places_div(ids, tables):
    count = len(tables)
    total = _total_rows(tables, ids.dtype.base_dtype)
    least, extras = total // count, total % count
    partitions = call("Maximum", ids // (least + 1), (ids - extras) // least)
    rows = where(partitions < extras, ids % (least + 1), (ids - extras) % least)
    return partitions, rows


_PLACES = {"mod": _places_mod, "div": _places_div}


def _total_rows(tables, dtype):
    known = [_row_count(table) for table in tables]
    if None not in known and sum(known):
        return constant(sum(known), dtype)
    counts = []
    for table, rows in zip(tables, known, strict=True):
        if rows is not None:
            counts.append(rows)
        else:
            with colocate_with(table):
                counts.append(shape(table)[0])
    return reduce_sum(cast(stack(counts), dtype))


def _row_count(table):
    return table.shape.dims[0].value if table.shape.dims else None


def _with_shape_of_ids(stitched, ids, tables, transform):
    if transform is None:
        element = tables[0].shape[1:]
        for table in tables[1:]:
            element = element.merge_with(table.shape[1:])
    else:
        element = stitched.shape[1:]
    if element.is_fully_defined():
        element_shape = element
    elif transform is None:
        with colocate_with(tables[0]):
            table_shape = shape(tables[0])
        element_shape = table_shape[1:]
    else:
        element_shape = shape(stitched)[1:]
    result = reshape(stitched, concat([shape(ids), element_shape], 0))
    result.set_shape(ids.shape.concatenate(element))
    return result


# --- sparse ids ---------------------------------------------------------------------------------------------------


@export("nn.embedding_lookup_sparse")
def embedding_lookup_sparse(params, sp_ids, sp_weights, partition_strategy="mod", name=None, combiner=None,
                            max_norm=None):  # fmt: skip
    """Combined embeddings: for each row of a sparse matrix of ids, the sum or mean of the embeddings of its ids.

    Args:
      params: a table [rows, ...], or a list of partitions of one.
      sp_ids: SparseTensor [n, m] of int64 row numbers, at least one a row.
      sp_weights: SparseTensor like `sp_ids` of float weights, or None for 1.
      partition_strategy: "mod" or "div", as in `embedding_lookup`.
      name: a name for the operation.
      combiner: "sum": the weighted sum; "mean" (if None): that over the sum of the weights; "sqrtn": that over the
        square root of the sum of the squared weights.
      max_norm: if given, embeddings of a larger l2 norm are scaled down to it before they are combined.

    Returns:
      A tensor [n, ...].

    Raises:
      TypeError: if `sp_ids` is not a SparseTensor, or `sp_weights` neither that nor None.
      ValueError: for an unknown combiner.
    """
    if combiner is None:
        logging.warning('The default value of combiner will change from "mean" to "sqrtn" after 2016/11/01.')
        combiner = "mean"
    if combiner not in ("mean", "sqrtn", "sum"):
        raise ValueError("combiner must be one of 'mean', 'sqrtn' or 'sum'")
    tables = _tables_of(params)
    _check_sparse(sp_ids, sp_weights)
    with name_scope(name, "embedding_lookup_sparse", [*tables, sp_ids]) as scope:
        segments = cast(sp_ids.indices[:, 0], dtypes.int32)
        ids, places = call("Unique", sp_ids.values)
        embeddings = embedding_lookup(tables, ids, partition_strategy=partition_strategy, max_norm=max_norm)
        if embeddings.dtype.base_dtype in (dtypes.float16, dtypes.bfloat16):
            embeddings = cast(embeddings, dtypes.float32)
        if sp_weights is None:
            return call(_SEGMENT_OPS[combiner], embeddings, places, segments, name=scope)
        return _combine_weighted(embeddings, places, segments, sp_weights.values, combiner, scope)


_SEGMENT_OPS = {"sum": "SparseSegmentSum", "mean": "SparseSegmentMean", "sqrtn": "SparseSegmentSqrtN"}


def _check_sparse(sp_ids, sp_weights):
    if not isinstance(sp_ids, SparseTensor):
        raise TypeError("sp_ids must be SparseTensor")
    if sp_weights is None:
        return
    if not isinstance(sp_weights, SparseTensor):
        raise TypeError("sp_weights must be either None or SparseTensor")
    for part in ("values", "indices", "dense_shape"):
        getattr(sp_ids, part).shape.assert_is_compatible_with(getattr(sp_weights, part).shape)


def _combine_weighted(embeddings, places, segments, weights, combiner, scope):
    weights = cast(weights, embeddings.dtype)
    embeddings = gather(embeddings, places)
    weights_shape = weights.shape
    ones = fill(expand_dims(rank(embeddings) - 1, 0), 1)
    weights = reshape(weights, concat([shape(weights), ones], 0))
    if embeddings.shape.ndims is not None:
        weights.set_shape(weights_shape.concatenate([1] * (embeddings.shape.ndims - 1)))
    embeddings *= weights
    if combiner == "sum":
        return call("SegmentSum", embeddings, segments, name=scope)
    embeddings = call("SegmentSum", embeddings, segments)
    if combiner == "mean":
        divisor = call("SegmentSum", weights, segments)
    else:
        divisor = call("Sqrt", call("SegmentSum", call("Pow", weights, 2), segments))
    return call("RealDiv", embeddings, divisor, name=scope)


@export("nn.safe_embedding_lookup_sparse")
def safe_embedding_lookup_sparse(embedding_weights, sparse_ids, sparse_weights=None, combiner="mean", default_id=None,
                                 name=None, partition_strategy="div", max_norm=None):  # fmt: skip
    """`embedding_lookup_sparse` for rows that may be empty or hold ids below 0 or weights of 0 or less.

    Such ids do not count (with the combiner "sum" all weights do); a row without ids gets the embedding of
    `default_id`, or zeros.

    Args:
      embedding_weights: a table [rows, ...], or a list of partitions of one.
      sparse_ids: SparseTensor [d0, ..., dn] of ids; the last dimension is combined.
      sparse_weights: SparseTensor like `sparse_ids` of weights, or None for 1.
      combiner: "sum", "mean" or "sqrtn".
      default_id: the id for empty rows; None for zeros.
      name: a name for the operation.
      partition_strategy: "mod" or "div", as in `embedding_lookup`.
      max_norm: if given, embeddings of a larger l2 norm are scaled down to it before they are combined.

    Returns:
      A tensor [d0, ..., d(n-1), ...].

    Raises:
      ValueError: without `embedding_weights`.
    """
    if embedding_weights is None or isinstance(embedding_weights, (list, tuple)) and not embedding_weights:
        raise ValueError(f"Missing embedding_weights {embedding_weights}.")
    dtype = None if sparse_weights is None else sparse_weights.dtype
    tables = [_table_of_type(table, dtype) for table in _tables_of(embedding_weights)]
    with name_scope(name, "embedding_lookup", [*tables, sparse_ids, sparse_weights]) as scope:
        original_shape = sparse_ids.dense_shape
        known_rank = original_shape.shape.dims[0].value
        ids, weights = _as_matrix(sparse_ids, sparse_weights, known_rank)
        ids, weights = _without_invalid(ids, weights, combiner)
        ids, is_empty, weights = _with_defaults(ids, weights, default_id)
        result = embedding_lookup_sparse(
            tables, ids, weights, combiner=combiner, partition_strategy=partition_strategy,
            name=None if default_id is None else scope, max_norm=max_norm,
        )  # fmt: skip
        if default_id is None:
            is_empty = call("Tile", reshape(is_empty, [-1, 1]), stack([1, shape(result)[1]]))
            result = where(is_empty, zeros_like(result), result, name=scope)
        return _in_original_shape(result, original_shape, known_rank)


def _table_of_type(table, dtype):
    if _is_resource_variable(table) and dtype in (None, table.dtype):
        return table
    return to_tensor(table, dtype)


def _rank_of(original_shape, known_rank):
    return size(original_shape) if known_rank is None else known_rank


def _as_matrix(ids, weights, known_rank):
    original_shape = ids.dense_shape
    full_rank = _rank_of(original_shape, known_rank)
    rows = reduce_prod(slice_(original_shape, [0], [full_rank - 1]))
    matrix = sparse_reshape(ids, [rows, gather(original_shape, full_rank - 1)])
    if weights is not None:
        weights = SparseTensor(matrix.indices, weights.values, matrix.dense_shape)
    return matrix, weights


def _without_invalid(ids, weights, combiner):
    """Drop ids below 0 and, unless the weighted sum is wanted, weights that are not positive."""
    is_valid = call("GreaterEqual", ids.values, 0)
    if weights is None:
        return sparse_retain(ids, is_valid), None
    is_valid = call("LogicalAnd", is_valid, ones_like(weights.values, dtype=dtypes.bool_))
    ids, weights = sparse_retain(ids, is_valid), sparse_retain(weights, is_valid)
    if combiner != "sum":
        is_positive = call("Greater", weights.values, 0)
        ids, weights = sparse_retain(ids, is_positive), sparse_retain(weights, is_positive)
    return ids, weights


def _with_defaults(ids, weights, default_id):
    ids, is_empty = sparse_fill_empty_rows(ids, default_id or 0)
    if weights is not None:
        weights, _ = sparse_fill_empty_rows(weights, 1.0)
    return ids, is_empty, weights


def _in_original_shape(result, original_shape, known_rank):
    outer = slice_(cast(original_shape, dtypes.int32), [0], [_rank_of(original_shape, known_rank) - 1])
    final = reshape(result, concat([outer, slice_(shape(result), [1], [-1])], 0))
    outer_rank = (Dimension(known_rank) - 1).value
    unknown = TensorShape(None if outer_rank is None else [None] * outer_rank)
    final.set_shape(unknown.concatenate(result.shape[1:]))
    return final
