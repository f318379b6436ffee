"""How a variable is cut into parts, and what the initializer of a part gets to know."""

from collections.abc import Sequence


class PartitionInfo:
    """Where a part lies in its whole, for initializers that look at the whole.

    Args:
      full_shape: the shape of the whole, a list of int.
      var_offset: where the part begins, a list of int.

    Raises:
      TypeError: if one is no sequence.
      ValueError: if the offset is outside the shape.
    """

    def __init__(self, full_shape, var_offset):
        _check_sequence(full_shape, "full_shape")
        _check_sequence(var_offset, "var_offset")
        if len(var_offset) != len(full_shape):
            raise ValueError(f"Expected equal length, but `var_offset` is of length {len(var_offset)} while full_shape "
                             f"is of length {len(full_shape)}.")  # fmt: skip
        for offset, size in zip(var_offset, full_shape, strict=True):
            if offset < 0 or offset >= size:
                raise ValueError(f"Expected 0 <= offset < shape but found offset={offset}, shape={size} for "
                                 f"var_offset={var_offset}, full_shape={full_shape}")  # fmt: skip
        self._full_shape = full_shape
        self._var_offset = var_offset

    @property
    def full_shape(self):
        """The shape of the whole."""
        return self._full_shape

    @property
    def var_offset(self):
        """Where the part begins."""
        return self._var_offset

    def single_offset(self, shape):
        """The offset along the one axis that is cut; 0 if none is. `shape` is the part's."""
        axis = self.single_slice_dim(shape)
        return 0 if axis is None else self.var_offset[axis]

    def single_slice_dim(self, shape):
        """The one axis along which a part of that shape is smaller than the whole; None if there is none.

        Raises:
          ValueError: if there are several, or the part does not fit.
        """
        _check_sequence(shape, "shape")
        if len(shape) != len(self.full_shape):
            raise ValueError(f"Expected equal length, but received shape={shape} of length {len(shape)} while "
                             f"self.full_shape={self.full_shape} is of length {len(self.full_shape)}.")  # fmt: skip
        for axis, size in enumerate(shape):
            if self.var_offset[axis] + size > self.full_shape[axis]:
                raise ValueError(f"With self.var_offset={self.var_offset}, a partition of shape={shape} would exceed "
                                 f"self.full_shape={self.full_shape} in dimension {axis}.")  # fmt: skip
        axes = [i for i, size in enumerate(shape) if size != self.full_shape[i]]
        if len(axes) > 1:
            raise ValueError(f"Cannot use single_slice_dim() with shape={shape} and self.full_shape={self.full_shape} "
                             f"since slice dim could be either dimension {axes[1]} or {axes[0]}.")  # fmt: skip
        return axes[0] if axes else None


def _check_sequence(value, name):
    if not isinstance(value, Sequence) or isinstance(value, str):
        raise TypeError(f"`{name}` must be a sequence (like tuple or list) instead of {type(value).__name__}")


def call_partitioner(partitioner, shape, dtype):
    """The number of parts along each axis that a partitioner decides on.

    Raises:
      ValueError: if the shape is not known, or the answer is no such list.
    """
    if not shape.is_fully_defined():
        raise ValueError(f"Shape of a new partitioned variable must be fully defined, but instead was {shape}.")
    if shape.ndims < 1:
        raise ValueError(f"A partitioned Variable must have rank at least 1, shape: {shape}")
    slicing = partitioner(shape=shape, dtype=dtype)
    if not isinstance(slicing, Sequence):
        raise ValueError(f"Partitioner must return a sequence, but saw: {slicing}")
    if len(slicing) != shape.ndims:
        raise ValueError(f"Partitioner returned a partition list that does not match the Variable's rank: {slicing} "
                         f"vs. {shape}")  # fmt: skip
    if any(p < 1 for p in slicing):
        raise ValueError(f"Partitioner returned zero partitions for some axes: {slicing}")
    if sum(p > 1 for p in slicing) > 1:
        raise ValueError(f"Can only slice a variable along one dimension: shape: {shape}, partitioning: {slicing}")
    return slicing


def slice_dim_and_count(slicing) -> tuple[int, int]:
    """(the axis that is cut, into how many parts)."""
    return next(((axis, count) for axis, count in enumerate(slicing) if count > 1), (0, 1))


def iter_slices(full_shape, count, axis):
    """(offset, shape) of each part; the first ones are larger by one where the sizes do not divide."""
    size, excess = divmod(full_shape[axis], count)
    offset = [0] * len(full_shape)
    for i in range(count):
        shape = list(full_shape)
        shape[axis] = size + (i < excess)
        yield list(offset), shape
        offset[axis] += shape[axis]
