"""RaggedTensorValue: the value of a ragged tensor, as NumPy arrays."""

import numpy as np

from reflow.graph.export import export


@export("ragged.RaggedTensorValue", "compat.v1.ragged.RaggedTensorValue")
class RaggedTensorValue:
    """What a session makes of a RaggedTensor, and what may be fed in its place.

    Args:
      values: an array, or a RaggedTensorValue for a higher ragged rank: the values of all rows, one behind the other.
      row_splits: an int32 or int64 vector: row i is `values[row_splits[i]:row_splits[i + 1]]`.

    Raises:
      TypeError: for arguments of other types.
      ValueError: if the row splits of `values` are of another type.
    """

    def __init__(self, values, row_splits):
        is_array = isinstance(row_splits, (np.ndarray, np.generic))
        if not (is_array and row_splits.dtype in (np.int64, np.int32) and row_splits.ndim == 1):
            raise TypeError("row_splits must be a 1D int32 or int64 numpy array")
        if not isinstance(values, (np.ndarray, np.generic, RaggedTensorValue)):
            raise TypeError("values must be a numpy array or a RaggedTensorValue")
        if isinstance(values, RaggedTensorValue) and row_splits.dtype != values.row_splits.dtype:
            raise ValueError("row_splits and values.row_splits must have the same dtype")
        self._values = values
        self._row_splits = row_splits

    @property
    def values(self):
        """The values of all rows: an array or a RaggedTensorValue."""
        return self._values

    @property
    def row_splits(self):
        """Where rows begin and end in `values`."""
        return self._row_splits

    @property
    def dtype(self):
        """The NumPy type of the values."""
        return self._values.dtype

    @property
    def flat_values(self):
        """The innermost values, an array."""
        values = self._values
        while isinstance(values, RaggedTensorValue):
            values = values.values
        return values

    @property
    def nested_row_splits(self):
        """A tuple of the row splits of all ragged dimensions, the outermost first."""
        inner = self._values.nested_row_splits if isinstance(self._values, RaggedTensorValue) else ()
        return (self._row_splits, *inner)

    @property
    def ragged_rank(self):
        """The number of ragged dimensions."""
        return len(self.nested_row_splits)

    @property
    def shape(self):
        """A tuple with None for the ragged dimensions."""
        return (self._row_splits.shape[0] - 1, None, *self._values.shape[1:])

    def to_list(self):
        """The value as nested lists."""
        values = self._values
        values = values.to_list() if isinstance(values, RaggedTensorValue) else values.tolist()
        return [values[start:limit] for start, limit in zip(self._row_splits[:-1], self._row_splits[1:], strict=True)]

    def __str__(self):
        return f"<tf.RaggedTensorValue {self.to_list()}>"

    def __repr__(self):
        return f"tf.RaggedTensorValue(values={self._values!r}, row_splits={self._row_splits!r})"
