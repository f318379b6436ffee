"""What the ops on sparse tensors share: rows of coordinates compared and ordered, values moved, arguments checked."""

import math

import torch

from reflow.graph import errors
from reflow.graph.sparse_tensor import SparseTensor, SparseTensorValue
from reflow.ops.movement import moves_elements

_INT64_MAX = 2**63 - 1


def as_sparse_tensor(value) -> SparseTensor:
    """A SparseTensor for a SparseTensor or SparseTensorValue.

    Raises:
      TypeError: for anything else.
    """
    if isinstance(value, SparseTensorValue):
        return SparseTensor.from_value(value)
    if not isinstance(value, SparseTensor):
        raise TypeError("Input must be a SparseTensor.")
    return value


def invalid(message: str) -> errors.InvalidArgumentError:
    """The error of a kernel whose arguments do not fit."""
    return errors.InvalidArgumentError(None, None, message)


def in_brackets(sizes) -> str:
    """[2,3], as TensorFlow writes shapes and rows of indices."""
    return "[" + ",".join(str(int(size)) for size in sizes) + "]"


# --- rows of coordinates ------------------------------------------------------------------------------------------


def row_keys(*matrices) -> list[torch.Tensor]:
    """A number for each row of int64 matrices of as many columns; numbers compare as rows do, column by column.

    Returns:
      An int64 vector a matrix.
    """
    rows = torch.cat(matrices) if len(matrices) > 1 else matrices[0]
    keys = _positions(rows)
    if keys is None:
        keys = torch.unique(rows, dim=0, return_inverse=True)[1]
    return list(keys.split([len(m) for m in matrices]))


def _positions(rows):
    """Row-major positions in the least box around the rows; None if that has too many."""
    if not rows.numel():
        return rows.new_zeros(len(rows))
    low = rows.amin(0)
    sizes = (rows.amax(0) - low + 1).tolist()
    if min(sizes) < 1 or math.prod(sizes) > _INT64_MAX:
        return None
    keys = rows.new_zeros(len(rows))
    for column, size in enumerate(sizes):
        keys = keys * size + (rows[:, column] - low[column])
    return keys


def row_order(rows) -> torch.Tensor | None:
    """The permutation that sorts rows; equal ones keep their order. None if they are sorted."""
    (keys,) = row_keys(rows)
    if bool((keys[1:] >= keys[:-1]).all()):
        return None
    return torch.argsort(keys, stable=True)


def positions_of(wanted, rows) -> torch.Tensor:
    """For each row of `wanted` the number of the first equal row of `rows`; -1 where there is none."""
    wanted_keys, keys = row_keys(wanted, rows)
    if not len(keys):
        return torch.full_like(wanted_keys, -1)
    order = torch.argsort(keys, stable=True)
    sorted_keys = keys[order]
    found = torch.searchsorted(sorted_keys, wanted_keys).clamp_(max=len(keys) - 1)
    return torch.where(sorted_keys[found] == wanted_keys, order[found], -1)


def first_outside(rows, dims) -> int | None:
    """The number of the first row with a coordinate that is negative or not less than its size."""
    if not rows.numel():
        return None
    sizes = torch.as_tensor(dims, dtype=rows.dtype, device=rows.device)
    outside = ((rows < 0) | (rows >= sizes)).any(1)
    return int(torch.nonzero(outside)[0]) if bool(outside.any()) else None


def flat_positions(rows, dims) -> torch.Tensor:
    """The row-major positions of rows of coordinates in a tensor of shape `dims`, an int64 vector."""
    positions = rows.new_zeros(len(rows), dtype=torch.int64)
    for column, size in enumerate(dims):
        positions = positions * size + rows[:, column]
    return positions


@moves_elements
def take(values, rows):
    """values[rows], for values of any type, an array of strings too."""
    return values[rows]


@moves_elements
def at_positions(values, positions):
    """values[positions], and zero at positions -1."""
    padded = torch.cat([values, values.new_zeros(1)])
    return padded[positions]


# --- arguments of kernels -----------------------------------------------------------------------------------------


def check_parts(indices, values, shape, names=("indices", "values", "shape")) -> None:
    """Raise InvalidArgumentError unless a sparse tensor's parts are a matrix, a vector and a vector that fit."""
    for part, rank, name in zip((indices, values, shape), (2, 1, 1), names, strict=True):
        if part.ndim != rank:
            kind = "matrix" if rank == 2 else "vector"
            raise invalid(f"Input {name} should be a {kind} but received shape {in_brackets(part.shape)}")
    if indices.shape[0] != values.shape[0]:
        raise invalid(f"Number of elements in {names[0]} ({indices.shape[0]}) and {names[1]} ({values.shape[0]}) "
                      "do not match.")  # fmt: skip
    if indices.shape[1] != shape.shape[0]:
        raise invalid(f"Number of dimensions in {names[0]} ({indices.shape[1]}) and {names[2]} ({shape.shape[0]}) "
                      "do not match.")  # fmt: skip


_OUT_OF_ORDER = (
    "out of order. Many sparse ops require sorted indices.\n"
    "    Use `tf.sparse.reorder` to create a correctly ordered copy.\n\n"
)


def check_sorted(rows, dims):
    """Raise InvalidArgumentError for the first row that is out of bounds, out of order or repeated."""
    outside = first_outside(rows, dims)
    before, after = rows[:-1], rows[1:]
    positions = flat_positions(rows, dims)
    unsorted = torch.nonzero(positions[1:] <= positions[:-1]).reshape(-1)
    wrong = int(unsorted[0]) + 1 if len(unsorted) else None
    if outside is not None and (wrong is None or outside <= wrong):
        raise invalid(f"indices[{outside}] = {in_brackets(rows[outside])} is out of bounds: need 0 <= index < "
                      f"{in_brackets(dims)}")  # fmt: skip
    if wrong is not None:
        how = "repeated" if torch.equal(before[wrong - 1], after[wrong - 1]) else _OUT_OF_ORDER
        raise invalid(f"indices[{wrong}] = {in_brackets(rows[wrong])} is {how}")
