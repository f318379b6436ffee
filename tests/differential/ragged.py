"""Ops on ragged tensors: rows of different lengths as flat values and where the rows begin."""

import numpy as np

from tests.differential.table import Table

table = Table("ragged")


def _splits(d, dtype="Tsplits", rows=None):
    """Where rows begin, of a random number of rows of random lengths."""
    lengths = [d.int(0, 3) for _ in range(d.int(0, 3) if rows is None else rows)]
    return d.ints(dtype, np.cumsum([0, *lengths]))


def _nested_splits(d, dtype="Tsplits"):
    """The splits of one or two ragged dimensions, and the number of flat values."""
    splits = [_splits(d, dtype)]
    if d.flag():
        splits.append(_splits(d, dtype, rows=int(splits[0][-1])))
    return splits, int(splits[-1][-1])


def _range(d):
    count = d.int(0, 3)
    bounds = [d.array("T", (count,) if d.flag() else (), "finite", low=-5, high=9) for _ in range(2)]
    return [*bounds, d.array("T", (count,) if d.flag() else (), "nonzero", low=1, high=4)], {}


def _gather(d):
    splits, count = _nested_splits(d)
    rows = len(splits[0]) - 1
    shape = d.shape(most=1) if rows else (0,)
    indices = d.array("Tindices", shape, low=0, high=max(rows - 1, 0))
    values = d.array("Tvalues", (count, *d.shape(most=1)))
    return [splits, values, indices], {"OUTPUT_RAGGED_RANK": len(splits) + len(shape) - 1}


def _to_sparse(d):
    splits, count = _nested_splits(d)
    return [splits, d.array("T", (count, *d.shape(most=1)))], {}


def _partitions(d):
    """Partitions of all kinds, their names, and the number of flat values; names that do not fit, now and then."""
    splits, count = _nested_splits(d, "Tindex")
    tensors, kinds = [], []
    for i, rows in enumerate(splits):
        if d.flag():
            ids = np.repeat(np.arange(len(rows) - 1), np.diff(rows))
            tensors += [d.ints("Tindex", ids)] if i else [d.ints("Tindex", len(rows) - 1), d.ints("Tindex", ids)]
            kinds += [b"VALUE_ROWIDS"] if i else [b"FIRST_DIM_SIZE", b"VALUE_ROWIDS"]
        else:
            tensors.append(rows)
            kinds.append(b"ROW_SPLITS")
    if d.rarely():
        kinds[d.int(0, len(kinds) - 1)] = d.pick(b"ROW_LENGTHS", b"a")
    return tensors, kinds, count


def _to_tensor(d):
    tensors, kinds, count = _partitions(d)
    inner = d.shape(most=1)
    levels = len(kinds) - (kinds[0] == b"FIRST_DIM_SIZE") + 1
    sizes = [d.pick(-1, -1, d.int(0, 3)) for _ in range(levels)] + list(inner)
    shape = d.ints("Tshape", d.pick(-1, sizes, sizes))
    return [shape, d.array("T", (count, *inner)), d.array("T", ()), tensors], {"row_partition_types": kinds}


# Numbers of steps are computed in the type itself, where half and bfloat16 round.
table.add("RaggedRange", _range, faults=False, types={"T": ["float32", "float64", "int32", "int64"]})
table.add("RaggedGather", _gather, faults=False)
table.add("RaggedTensorToSparse", _to_sparse, faults=False)
table.add("RaggedTensorToTensor", _to_tensor, faults=False)
