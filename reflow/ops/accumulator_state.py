"""The state behind conditional accumulators: gradients of many workers, added up until somebody takes the mean."""

import numpy as np
import torch

from reflow.graph import errors
from reflow.graph.shapes import Dims, dims_compatible, dims_in_brackets
from reflow.ops.waiting import Waiting


def _fail(message: str):
    return errors.InvalidArgumentError(None, None, message)


class Accumulator(Waiting):
    """A sum of gradients that are recent enough.

    Args:
      dtype: the DType of the gradients.
      dims: raw dims that every gradient has to fit.
      is_mean: give the mean instead of the sum.
    """

    def __init__(self, dtype, dims: Dims, is_mean: bool):
        super().__init__()
        self.dtype = dtype
        self.dims = dims
        self.is_mean = is_mean
        self._count = 0
        self._global_step = 0

    @property
    def count(self) -> int:
        """How many gradients were added since the last take."""
        with self._changed:
            return self._count

    def set_global_step(self, step: int) -> None:
        """From now on, gradients of earlier steps are dropped."""
        with self._changed:
            self._global_step = step

    def apply(self, local_step: int, *gradient) -> None:
        """Add a gradient, unless it is of an earlier step than the accumulator.

        Raises:
          InvalidArgumentError: if it does not fit the others.
        """
        with self._changed:
            self._check(*gradient)
            if local_step < self._global_step:
                return
            if self._count:
                self._add(*gradient)
            else:
                self._begin(*gradient)
            self._count += 1
            self._changed.notify_all()

    def take(self, required: int):
        """Wait for `required` gradients; their mean (or sum). The accumulator begins anew, one step later.

        Raises:
          InvalidArgumentError: if `required` is not positive.
        """
        if required <= 0:
            raise _fail(f"Argument num_required must be positive, but is {required}")
        with self._changed:
            self._wait_for(lambda: self._count >= required, "TakeGrad")
            result = self._result()
            self._count = 0
            self._global_step += 1
            return result

    # What the kinds of accumulators define, each for the parts that its gradients have.

    def _check(self, *gradient) -> None:
        """Raise InvalidArgumentError unless a gradient fits."""
        raise NotImplementedError

    def _begin(self, *gradient) -> None:
        """The first gradient since the last take."""
        raise NotImplementedError

    def _add(self, *gradient) -> None:
        """One more gradient."""
        raise NotImplementedError

    def _result(self):
        """The mean, or sum, of the gradients."""
        raise NotImplementedError

    def _check_fit(self, wanted: Dims, dims: tuple) -> None:
        if not dims_compatible(wanted, dims):
            raise _fail(f"Shape mismatch: expected {dims_in_brackets(wanted)}, got {dims_in_brackets(dims)}")


class DenseAccumulator(Accumulator):
    """Of gradients that are tensors."""

    def _check(self, gradient) -> None:
        if self._count:
            self._check_fit(tuple(self._sum.shape), tuple(gradient.shape))
        self._check_fit(self.dims, tuple(gradient.shape))

    def _begin(self, gradient) -> None:
        self._sum = gradient.clone()

    def _add(self, gradient) -> None:
        self._sum += gradient

    def _result(self):
        return (self._sum / self._count).to(self._sum.dtype) if self.is_mean else self._sum


class SparseAccumulator(Accumulator):
    """Of gradients that are rows: (indices [n], values [n, ...], shape or an empty vector, is the shape known)."""

    def _check(self, indices, values, shape, has_shape) -> None:
        if indices.ndim != 1:
            raise _fail(f"Input indices should be vector but received shape: {dims_in_brackets(tuple(indices.shape))}")
        if not values.ndim:
            raise _fail("Values cannot be 0-dimensional.")
        if values.shape[0] != len(indices):
            raise _fail(f"Expected {len(indices)} non-empty input values, got {values.shape[0]}")
        if has_shape:
            self._check_prefix("shape", 0, self.dims, tuple(shape))
        dims = tuple(values.shape)
        self._check_prefix("values", 1, self.dims, dims)
        if self._count:
            self._check_prefix("values", 1, tuple(self._values.shape), dims)

    def _check_prefix(self, what: str, first: int, wanted: Dims, dims: tuple) -> None:
        """The declared shape may leave out the last sizes. The first of the values is that of the rows given."""
        wanted = wanted or ()
        if len(dims) < len(wanted):
            raise _fail(f"Shape mismatch: expected {what} rank at least {len(wanted)}, got {len(dims)}")
        for i in range(first, len(wanted)):
            if wanted[i] not in (None, dims[i]):
                raise _fail(f"Shape mismatch: expected {what} dim {i} to be {wanted[i]}, got {dims[i]}")

    def _begin(self, indices, values, shape, has_shape) -> None:
        self._indices, self._values = indices.numpy().copy(), values.clone()
        self._row_counts = np.ones(len(self._indices), np.int64)

    def _add(self, indices, values, shape, has_shape) -> None:
        """Merge two ascending lists of rows; a row in both is added up."""
        ours, theirs = self._indices, indices.numpy()
        merged: list[tuple] = []  # (row number, how many gradients have it, their sum)
        i = j = 0
        while i < len(ours) or j < len(theirs):
            if j == len(theirs) or i < len(ours) and ours[i] < theirs[j]:
                merged.append((ours[i], self._row_counts[i], self._values[i]))
                i += 1
            elif i == len(ours) or theirs[j] < ours[i]:
                merged.append((theirs[j], 1, values[j]))
                j += 1
            else:
                merged.append((ours[i], self._row_counts[i] + 1, self._values[i] + values[j]))
                i, j = i + 1, j + 1
        if merged:
            numbers, counts, rows = zip(*merged, strict=True)
            self._indices, self._row_counts = np.array(numbers, np.int64), np.array(counts, np.int64)
            self._values = torch.stack(rows)

    def _result(self):
        values = self._values
        if self.is_mean:
            counts = torch.from_numpy(self._row_counts).reshape(-1, *[1] * (values.ndim - 1))
            values = (values / counts).to(values.dtype)
        rows = self.dims[0] if self.dims else None
        shape = [-1 if rows is None else rows, *values.shape[1:]]
        return torch.from_numpy(self._indices), values, torch.tensor(shape)
