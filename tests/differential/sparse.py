"""Ops on sparse tensors and on sets."""

import numpy as np

from tests.differential.table import Table

table = Table("sparse")


def _i64(values):
    return np.array(values, "int64")


def sparse(d, shape, dtype="T", domain="finite", least=0):
    """Indices in order, values and shape of a sparse tensor."""
    cells = int(np.prod(shape))
    places = sorted({d.int(0, cells - 1) for _ in range(d.int(least, 4))}) if cells else []
    indices = np.stack(np.unravel_index(np.array(places, int), shape), -1) if places else np.zeros((0, len(shape)))
    return [_i64(indices).reshape(-1, len(shape)), d.array(dtype, (len(places),), domain), _i64(shape)]


def _two(d):
    shape = d.shape(least=1, low=1)
    return [*sparse(d, shape), *sparse(d, shape)], {}


def _add(d):
    # The threshold has the type of the values' absolute value, whatever the signature allows.
    real = {"complex64": "float32", "complex128": "float64"}.get(d.dtype("T").name, d.dtype("T").name)
    return [*_two(d)[0], d.array(real, (), "unit", low=0, high=1)], {}


def _softmax(d):
    return sparse(d, d.shape(least=2, low=1)), {}


def _to_dense(d):
    indices, values, shape = sparse(d, d.shape(least=1, low=1))
    kind = d.dtype("Tindices").np_dtype
    return [indices.astype(kind), shape.astype(kind), values, d.array("T", ())], {"validate_indices": d.flag()}


def _dense_add(d):
    shape, kind = d.shape(least=1, low=1), d.dtype("Tindices").np_dtype
    indices, values, dims = sparse(d, shape)
    return [indices.astype(kind), values, dims.astype(kind), d.array("T", shape, "finite")], {}


def _dense_cwise(d):
    shape = d.shape(least=1, low=1)
    return [*sparse(d, shape), d.array("T", shape[d.int(0, len(shape) - 1) :], "nonzero", low=1, high=9)], {}


def _matmul(d):
    rows, inner, columns = d.int(1, 4), d.int(1, 4), d.int(1, 4)
    adjoint_a, adjoint_b = d.flag(), d.flag()
    indices, values, shape = sparse(d, (inner, rows) if adjoint_a else (rows, inner))
    dense = d.array("T", (columns, inner) if adjoint_b else (inner, columns), "finite")
    return [indices.astype(d.dtype("Tindices").np_dtype), values, shape, dense], {
        "adjoint_a": adjoint_a, "adjoint_b": adjoint_b}  # fmt: skip


def _reduce(d):
    shape = d.shape(least=1, low=1)
    axes = [i - len(shape) * d.flag() for i in range(len(shape)) if d.flag()]
    return [*sparse(d, shape), np.array(axes, "int32")], {"keep_dims": d.flag()}


def _concat(d):
    shape = list(d.shape(least=1, low=1))
    axis, parts = d.int(0, len(shape) - 1), []
    for _ in range(d.int(2, 3)):
        shape[axis] = d.int(1, 3)
        parts.append(sparse(d, shape))
    return [list(column) for column in zip(*parts, strict=True)], {"concat_dim": axis - len(shape) * d.flag()}


def _split(d):
    shape = d.shape(least=1, low=1)
    axis = d.int(0, len(shape) - 1)
    return [_i64(axis), *sparse(d, shape)], {"num_split": d.int(1, shape[axis])}


def _reorder(d):
    indices, values, shape = sparse(d, d.shape(least=1, low=1))
    order = np.arange(len(values))[:: d.pick(1, -1)]
    return [indices[order], values[order], shape], {}


def _reshape(d):
    indices, _, shape = sparse(d, d.shape(least=1, low=1), "float32")
    target = list(d.pick(shape.tolist(), shape.tolist()[::-1], [int(np.prod(shape))], [*shape.tolist(), 1]))
    if d.flag():
        target[d.int(0, len(target) - 1)] = -1
    return [indices, shape, _i64(target)], {}


def _slice(d):
    shape = d.shape(least=1, low=1)
    start = [d.int(0, size - 1) for size in shape]
    return [*sparse(d, shape), _i64(start), _i64([d.int(0, size) for size in shape])], {}


def _fill_rows(d):
    return [*sparse(d, (d.int(1, 4), d.int(1, 3))), d.array("T", ())], {}


def _fill_rows_gradient(d):
    count = d.int(1, 5)
    return [_i64(sorted({d.int(0, count - 1) for _ in range(3)})), d.array("T", (count,), "finite")], {}


def _add_gradient(d):
    shape = d.shape(least=1, low=1)
    a, b = (sparse(d, shape, "float32")[0] for _ in range(2))
    both = _i64(sorted({*map(tuple, a.tolist()), *map(tuple, b.tolist())})).reshape(-1, len(shape))
    return [d.array("T", (len(both),), "finite"), a, b, both], {}


def _slice_gradient(d):
    shape = d.shape(least=1, low=1)
    indices = sparse(d, shape, "float32")[0]
    start = _i64([d.int(0, size - 1) for size in shape])
    inside = indices[(indices >= start).all(1)] - start
    return [d.array("T", (len(inside),), "finite"), indices, start, inside], {}


def _cross(d):
    """Features of one batch: sparse ones of numbers or strings, and dense ones."""
    batch, hashed = d.int(1, 3), d.flag()
    parts = [sparse(d, (batch, 2), d.pick("int64", "string")) for _ in range(d.int(0, 2))]
    dense = [d.array(d.pick("int64", "string"), (batch, 1)) for _ in range(d.int(0 if parts else 1, 2))]
    columns = [list(column) for column in zip(*parts, strict=True)] or [[], [], []]
    kind = d.dtype("int64" if hashed else "string")
    return [*columns, dense], {
        "hashed_output": hashed, "num_buckets": d.pick(0, 100), "hash_key": d.pick(956888297470, 7), "out_type": kind,
        "internal_type": kind if hashed else d.dtype("string")}  # fmt: skip


def _set(d, outer):
    """A sparse batch of sets: indices, values without repetition within a row, shape."""
    rows, values = [], []
    for row in np.ndindex(*outer):
        for i, value in enumerate(sorted({d.int(0, 4) for _ in range(d.int(0, 3))})):
            rows.append([*row, i])
            values.append(b"%d" % value if d.dtype("T").name == "string" else value)
    array = np.array([*values, b""], object)[:-1] if d.dtype("T").name == "string" else d.ints("T", values)
    return [_i64(rows).reshape(-1, len(outer) + 1), array, _i64([*outer, 3])]


def _set_size(d):
    return _set(d, (d.int(1, 3),)), {}


def _operation(d):
    return {"set_operation": d.pick(b"a-b", b"b-a", b"intersection", b"union")}


def _dense_sets(d):
    rows = d.int(1, 3)
    return [d.array("T", (rows, d.int(1, 3)), low=0, high=4) for _ in range(2)], _operation(d)


def _dense_and_sparse_sets(d):
    rows = d.int(1, 3)
    return [d.array("T", (rows, d.int(1, 3)), low=0, high=4), *_set(d, (rows,))], _operation(d)


def _sparse_sets(d):
    outer = (d.int(1, 3),)
    return [*_set(d, outer), *_set(d, outer)], _operation(d)


# What TensorFlow does with indices that are out of range or order is often undefined, so inputs are not damaged.
table.add("SparseAdd", _add, faults=False,
          types={"T": ["float32", "float64", "int32", "int64", "uint8", "int8", "int16", "complex64", "complex128"]})
table.add("SparseSparseMaximum SparseSparseMinimum", _two, faults=False)
table.add("SparseSoftmax", _softmax, faults=False)
table.add("SparseToDense", _to_dense, faults=False)
table.add("SparseTensorDenseAdd", _dense_add, faults=False)
table.add("SparseDenseCwiseAdd SparseDenseCwiseMul SparseDenseCwiseDiv", _dense_cwise, faults=False)
table.add("SparseTensorDenseMatMul", _matmul, faults=False, scaled=True,
          types={"T": ["float32", "float64", "int32", "bfloat16"]})  # fmt: skip
table.add("SparseReduceSum SparseReduceSumSparse SparseReduceMax SparseReduceMaxSparse", _reduce, faults=False,
          scaled=True, tolerances={"float16": 2e-2, "bfloat16": 1e-1})  # fmt: skip
table.add("SparseConcat", _concat, faults=False)
table.add("SparseSplit", _split, faults=False)
table.add("SparseReorder", _reorder, faults=False)
table.add("SparseReshape", _reshape, faults=False)
table.add("SparseSlice", _slice, faults=False)
table.add("SparseFillEmptyRows", _fill_rows, faults=False)
table.add("SparseFillEmptyRowsGrad", _fill_rows_gradient, faults=False)
table.add("SparseAddGrad", _add_gradient, faults=False)
table.add("SparseSliceGrad", _slice_gradient, faults=False)
table.add("SparseCross", _cross, faults=False)
table.add("SetSize", _set_size, faults=False)
table.add("DenseToDenseSetOperation", _dense_sets, faults=False)
table.add("DenseToSparseSetOperation", _dense_and_sparse_sets, faults=False)
table.add("SparseToSparseSetOperation", _sparse_sets, faults=False)
