"""Ops that slice, gather, scatter and compare elements, and diagonals of matrices."""

import numpy as np

from tests.differential.table import Table

table = Table("selection")


def _i32(values):
    return np.array(values, "int32")


# --- slices ---------------------------------------------------------------------------------------------------------


def _slice(d):
    shape = d.shape()
    begin = [d.int(0, size) for size in shape]
    sizes = [d.pick(-1, d.int(0, size - at)) for size, at in zip(shape, begin, strict=True)]
    return [d.array("T", shape), *(np.array(v, d.dtype("Index").np_dtype) for v in (begin, sizes))], {}


def _strides(d, rank):
    spec = [[d.int(-4, 4) for _ in range(rank)] for _ in range(2)] + [[d.pick(1, 1, 2, -1, -2) for _ in range(rank)]]
    masks = ("begin_mask", "end_mask", "new_axis_mask", "shrink_axis_mask")
    attrs = {name: d.int(0, (1 << rank) - 1) if d.flag() else 0 for name in masks}
    attrs["ellipsis_mask"] = 1 << d.int(0, rank - 1) if rank and d.flag() else 0
    return [np.array(v, d.dtype("Index").np_dtype) for v in spec], attrs


def _strided_slice(d):
    shape = d.shape(most=4)
    spec, attrs = _strides(d, d.int(0, len(shape)))
    return [d.array("T", shape), *spec], attrs


table.add("Slice", _slice)
table.add("StridedSlice", _strided_slice)

# --- gather and scatter ---------------------------------------------------------------------------------------------


def _gather(d):
    shape = d.shape(least=1, low=1)
    return [d.array("Tparams", shape), d.array("Tindices", d.shape(most=2), low=0, high=shape[0] - 1)], {}


def _gather_axis(d):
    shape = d.shape(least=1, low=1)
    axis = d.axis(len(shape))
    size = shape[axis] if -len(shape) <= axis < len(shape) else 1
    batch_dims = d.int(0, axis % len(shape)) if d.flag() else 0
    inner = d.shape(least=int(batch_dims > 0), most=2)
    indices = d.array("Tindices", (*shape[:batch_dims], *inner), low=0, high=size - 1)
    return [d.array("Tparams", shape), indices, d.ints("Taxis", axis)], {"batch_dims": batch_dims}


def nd_indices(d, dtype, shape, outer):
    depth = d.int(1, len(shape))
    rows = [[d.int(0, size - 1) for size in shape[:depth]] for _ in range(int(np.prod(outer)))]
    return np.array(rows, d.dtype(dtype).np_dtype).reshape(*outer, depth)


def _gather_nd(d):
    shape = d.shape(least=1, low=1)
    return [d.array("Tparams", shape), nd_indices(d, "Tindices", shape, d.shape(least=1, most=2))], {}


def scatter_nd(d):
    shape = d.shape(least=1, low=1)
    indices = nd_indices(d, "Tindices", shape, d.shape(least=1, most=2))
    updates = d.array("T", indices.shape[:-1] + shape[indices.shape[-1] :], "finite")
    if d.op == "ScatterNd":
        return [indices, updates, np.array(shape, d.dtype("Tindices").np_dtype)], {}
    return [d.array("T", shape, "finite"), indices, updates], {}


def strided_update(d):
    shape = d.shape(most=3, low=1)
    begin = [d.int(0, size - 1) for size in shape]
    end = [d.int(first + 1, size) for first, size in zip(begin, shape, strict=True)]
    value = d.array("T", [last - first for first, last in zip(begin, end, strict=True)])
    spec = (np.array(v, d.dtype("Index").np_dtype) for v in (begin, end, [1] * len(shape)))
    if d.op == "StridedSliceGrad":
        return [np.array(shape, d.dtype("Index").np_dtype), *spec, value], {}
    return [d.array("T", shape), *spec, value], {}


def _rows_update(d):
    shape = d.shape(least=1, low=1)
    rows = d.array("int32", (d.size(),), low=0, high=shape[0] - 1)
    if d.op != "InplaceAdd":
        rows = np.unique(rows)
    return [d.array("T", shape, "finite"), rows, d.array("T", (*rows.shape, *shape[1:]), "finite")], {}


def distinct_scatter_nd(d):
    """`scatter_nd` of places that differ from each other."""
    tensor, indices, updates = scatter_nd(d)[0]
    _, first = np.unique(indices.reshape(-1, indices.shape[-1]), axis=0, return_index=True)
    inner = updates.shape[indices.ndim - 1 :]
    rows = np.sort(first)
    return [tensor, indices.reshape(-1, indices.shape[-1])[rows], updates.reshape(-1, *inner)[rows]], {}


def _accidental_hits(d):
    batch, count = d.int(0, 3), d.int(1, 2)
    candidates = d.ints("int64", [3 * i + d.int(0, 2) for i in range(d.int(0, 3))])
    return [d.array("int64", (batch, count), low=0, high=8), candidates], {"num_true": count}


def _partition(d):
    shape = d.shape()
    count = d.int(1, 3)
    partitions = d.array("int32", shape[: d.int(0, len(shape))], low=0, high=count - 1)
    return [d.array("T", shape), partitions], {"num_partitions": count}


def _stitch(d):
    # Together they name every row of the result: what TensorFlow leaves in the others is what the memory held before.
    inner, shapes = d.shape(most=1), [d.shape(most=2) for _ in range(d.int(1, 3))]
    sizes = [int(np.prod(shape)) for shape in shapes]
    rows = np.arange(sum(sizes), dtype="int32")[:: d.pick(1, -1)] // d.pick(1, 2)
    parts = np.split(rows, np.cumsum(sizes)[:-1])
    indices = [part.reshape(shape) for part, shape in zip(parts, shapes, strict=True)]
    return [indices, [d.array("T", (*i.shape, *inner)) for i in indices]], {}


table.add("Gather", _gather)
# Of an axis that is not known, TensorFlow infers shapes as if there were no batch_dims.
table.add("GatherV2", _gather_axis, constants=("axis",))
table.add("GatherNd", _gather_nd)
table.add("ScatterNd TensorScatterAdd TensorScatterSub ScatterNdNonAliasingAdd", scatter_nd, scaled=True)
# Which of two updates of one place counts is not determined.
table.add("TensorScatterUpdate", distinct_scatter_nd, faults=False)
table.add("StridedSliceGrad TensorStridedSliceUpdate", strided_update, faults=False)
table.add("InplaceAdd InplaceSub InplaceUpdate", _rows_update, faults=False, gradient=False)
table.add("ComputeAccidentalHits", _accidental_hits)
table.add("DynamicPartition", _partition)
table.add("DynamicStitch", _stitch, faults=False)
table.add("ParallelDynamicStitch", _stitch, faults=False, static_shapes=False)

# --- choice ---------------------------------------------------------------------------------------------------------


def _select(d):
    shape = d.shape()
    condition = d.pick(shape, (), shape[:1])
    return [d.array("bool", condition), d.array("T", shape), d.array("T", shape)], {}


def _select_v2(d):
    shape = d.shape()
    return [d.array("bool", d.broadcast(shape)), d.array("T", shape), d.array("T", d.broadcast(shape))], {}


def _where(d):
    return [d.array("T", d.shape(least=1))], {}


def _one_hot(d):
    shape = d.shape()
    axis = d.int(-1, len(shape))
    return [d.array("TI", shape, low=-1, high=4), _i32(d.int(0, 4)), d.array("T", ()), d.array("T", ())], {"axis": axis}


def _vector(d):
    return [d.array("T", (d.size(high=6),), "finite")], {}


def _unique_axis(d):
    shape = d.shape(least=1, low=1, high=3)
    axes = np.array([d.int(0, len(shape) - 1)], d.dtype("Taxis").np_dtype)
    return [d.array("T", shape, "finite", low=0, high=1), axes], {}


def _list_diff(d):
    return [d.array("T", (d.size(high=6),), "finite"), d.array("T", (d.size(high=6),), "finite")], {}


def _bitpack(d):
    return [d.array("T", (*d.shape(most=2), 8), "finite"), d.array("T", (), "finite")], {}


def _edit_distance(d):
    inputs = []
    for _ in range(2):
        rows = sorted({(d.int(0, 1), d.int(0, 2)) for _ in range(d.int(0, 4))})
        inputs += [np.array(rows, "int64").reshape(-1, 2), d.array("T", (len(rows),), "finite", low=0, high=2),
                   np.array([2, 3], "int64")]  # fmt: skip
    return inputs, {"normalize": d.flag()}


table.add("Select", _select)
table.add("SelectV2", _select_v2)
table.add("Where", _where)
table.add("OneHot", _one_hot)
table.add("Unique UniqueWithCounts", _vector)
table.add("UniqueV2 UniqueWithCountsV2", _unique_axis, static_shapes=False)
table.add("ListDiff", _list_diff)
table.add("CompareAndBitpack", _bitpack)
table.add("EditDistance", _edit_distance, faults=False)

# --- batches, space and depth ---------------------------------------------------------------------------------------


def _space_to_batch_nd(d):
    blocks = [d.int(1, 2) for _ in range(d.int(1, 2))]
    paddings, sizes = [], []
    for block in blocks:
        before, size = d.int(0, 2), d.int(1, 4)
        paddings.append([before, -(before + size) % block])
        sizes.append(size)
    array = d.array("T", (d.int(1, 2), *sizes, *d.shape(most=1)), "finite")
    return [array, d.ints("Tblock_shape", blocks), d.ints("Tpaddings", paddings)], {}


def _batch_to_space_nd(d):
    blocks = [d.int(1, 2) for _ in range(d.int(1, 2))]
    crops = [[d.int(0, 1), 0] for _ in blocks]
    array = d.array("T", (int(np.prod(blocks)), *(d.int(2, 3) for _ in blocks), *d.shape(most=1)), "finite")
    return [array, d.ints("Tblock_shape", blocks), d.ints("Tcrops", crops)], {}


def _space_to_batch(d):
    array = d.array("T", (d.int(1, 2), 2 * d.int(1, 2), 2 * d.int(1, 2), d.int(1, 2)), "finite")
    return [array, d.ints("Tpaddings", [[d.int(0, 1)] * 2, [0, 0]])], {"block_size": 2}


def _batch_to_space(d):
    array = d.array("T", (4 * d.int(1, 2), d.int(1, 2), d.int(1, 2), d.int(1, 2)), "finite")
    return [array, d.ints("Tidx", [[d.int(0, 1), 0], [0, d.int(0, 1)]])], {"block_size": 2}


def _space_to_depth(d):
    block = d.pick(2, 3)
    return [d.array("T", (d.size(), block * d.int(1, 2), block * d.int(1, 2), d.int(1, 2)))], {"block_size": block}


def _depth_to_space(d):
    return [d.array("T", (d.size(), d.int(1, 2), d.int(1, 2), 4 * d.int(1, 2)))], {"block_size": 2}


table.add("SpaceToBatchND", _space_to_batch_nd, constants=("block_shape",))
table.add("BatchToSpaceND", _batch_to_space_nd, constants=("block_shape",))
table.add("SpaceToBatch", _space_to_batch)
table.add("BatchToSpace", _batch_to_space)
table.add("SpaceToDepth", _space_to_depth)
table.add("DepthToSpace", _depth_to_space)

# --- diagonals ------------------------------------------------------------------------------------------------------


def _diagonal(d):
    return [d.array("T" if "T" in d.types else "float32", d.shape(least=1, most=2))], {}


def _square(d):
    shape = d.shape(least=1, most=2)
    return [d.array("T", shape + shape)], {}


def _matrix(d):
    return [d.array("T", d.shape(least=2))], {}


def _set_diagonal(d):
    shape = d.shape(least=2)
    return [d.array("T", shape), d.array("T", (*shape[:-2], min(shape[-2:])))], {}


def _bands(d, rows, columns):
    """(k, number of diagonals, length of the longest)."""
    low = d.int(1 - rows, columns - 1)
    high = d.int(low, columns - 1)
    if d.flag():
        high = low
    length = min(rows + min(high, 0), columns - max(low, 0))
    return _i32(low if low == high and d.flag() else [low, high]), high - low + 1, length


def _diag_v2(d):
    rows, columns = d.int(1, 4), d.int(1, 4)
    k, count, length = _bands(d, rows, columns)
    shape = (*d.shape(most=1), *((count,) if count > 1 else ()), length)
    return [d.array("T", shape), k, _i32(rows), _i32(columns), d.array("T", ())], {}


def _diag_part_v2(d):
    shape = d.shape(least=2, low=1)
    k, _, _ = _bands(d, *shape[-2:])
    return [d.array("T", shape), k, d.array("T", ())], {}


def _set_diag_v2(d):
    shape = d.shape(least=2, low=1)
    k, count, length = _bands(d, *shape[-2:])
    return [d.array("T", shape), d.array("T", (*shape[:-2], *((count,) if count > 1 else ()), length)), k], {}


def _band_part(d):
    shape = d.shape(least=2, low=1)
    return [d.array("T", shape), *(d.ints("Tindex", d.int(-1, size)) for size in shape[-2:])], {}


table.add("Diag MatrixDiag", _diagonal)
table.add("DiagPart", _square)
table.add("MatrixDiagPart", _matrix)
table.add("MatrixSetDiag", _set_diagonal)
# TensorFlow 1.15 has these ops, but no function that makes them: gradients, and shapes of what is not known, fail.
table.add("MatrixDiagV2", _diag_v2, faults=False, gradient=False, constants=("diagonal", "k", "num_rows", "num_cols"))
table.add("MatrixDiagPartV2", _diag_part_v2, faults=False, gradient=False, constants=("k",))
table.add("MatrixSetDiagV2", _set_diag_v2, faults=False, gradient=False, constants=("input", "diagonal", "k"))
table.add("MatrixBandPart", _band_part)
