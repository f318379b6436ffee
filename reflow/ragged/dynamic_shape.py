"""The shape of a ragged tensor as tensors, and how two such shapes broadcast.

A shape has partitioned dimensions, of which the outermost is uniform and the innermost ragged, and inner dimensions,
which are uniform. The size of a uniform dimension is a scalar, that of a ragged one the vector of its row lengths.
"""

from reflow.graph import dtypes
from reflow.graph.context import control_dependencies, name_scope
from reflow.graph.convert import to_tensor
from reflow.graph.shapes import dimension_value
from reflow.ops.casting import cast
from reflow.ops.checks import Assert
from reflow.ops.comparison import equal
from reflow.ops.constant import constant, ones
from reflow.ops.gathering import gather
from reflow.ops.identity import identity
from reflow.ops.joining import concat, stack
from reflow.ops.ranges import range as number_range
from reflow.ops.reduction import reduce_all, reduce_sum
from reflow.ops.select import where
from reflow.ops.shape_ops import shape, size
from reflow.ragged.arguments import int_tensor
from reflow.ragged.partitions import repeat_ranges, splits_of_lengths
from reflow.ragged.tensor import convert_to_tensor_or_ragged_tensor, is_ragged


class DynamicShape:
    """The shape of a ragged or dense tensor, as tensors.

    Args:
      partitioned: a list of scalars (uniform) and vectors (ragged); empty for a dense tensor.
      inner: an integer vector, the sizes of the inner dimensions.
      dtype: the type of all sizes; that of the ragged ones, or int64, if None.

    Raises:
      ValueError: if the first partitioned dimension is ragged or the last is not, or ranks or types do not fit.
    """

    def __init__(self, partitioned, inner, dtype=None):
        with name_scope(None, "RaggedTensorDynamicShape", [partitioned, inner]):
            partitioned = [to_tensor(each, name=f"partitioned_dimension_size_{axis}")
                           for axis, each in enumerate(partitioned)]  # fmt: skip
            inner = to_tensor(inner, name="inner_dim_sizes")
            _check_partitioned(partitioned)
            inner.shape.assert_has_rank(1)
            dtype = dtype or _type_of(partitioned)
            self.partitioned = tuple(cast(each, dtype) for each in partitioned)
            self.inner = cast(inner, dtype)

    @classmethod
    def of(cls, tensor) -> "DynamicShape":
        """The shape of a tensor, dense or ragged."""
        with name_scope(None, "RaggedTensorDynamicShapeFromTensor", [tensor]):
            tensor = convert_to_tensor_or_ragged_tensor(tensor)
            if not is_ragged(tensor):
                return cls([], shape(tensor))
            return cls([tensor.nrows(), *tensor.nested_row_lengths()], shape(tensor.flat_values)[1:])

    @property
    def dtype(self):
        """The type of the sizes."""
        return self.inner.dtype

    @property
    def inner_rank(self):
        """The number of inner dimensions; None if it is not known."""
        return dimension_value(self.inner.shape[0])

    @property
    def rank(self):
        """The number of dimensions; None if it is not known."""
        return None if self.inner_rank is None else len(self.partitioned) + self.inner_rank

    def size(self, axis: int):
        """The size of a dimension: a scalar, or the vector of its row lengths."""
        count = len(self.partitioned)
        return self.partitioned[axis] if axis < count else self.inner[axis - count]

    def is_ragged(self, axis: int) -> bool:
        """Whether a dimension is ragged."""
        return 0 < axis < len(self.partitioned) and self.partitioned[axis].shape.ndims == 1

    def _slice_count(self, axis: int):
        """How many elements the dimensions up to `axis` have."""
        if axis < 0:
            return constant(1, dtype=self.dtype)
        if self.is_ragged(axis):
            return reduce_sum(self.partitioned[axis])
        return self.size(axis) * self._slice_count(axis - 1)

    def broadcast_to_rank(self, rank: int) -> "DynamicShape":
        """This shape with dimensions of size 1 in front.

        Raises:
          ValueError: if the rank is not known, or greater already.
        """
        if self.rank is None:
            raise ValueError("Unable to broadcast: self.rank is unknown")
        missing = rank - self.rank
        if missing < 0:
            raise ValueError(f"Unable to broadcast: rank={rank} must be greater than self.rank={self.rank}.")
        if missing == 0:
            return self
        if self.partitioned:
            return DynamicShape([1] * missing + list(self.partitioned), self.inner)
        return DynamicShape([], concat([ones([missing], self.dtype), self.inner], axis=0))

    def broadcast_dimension(self, axis: int, lengths) -> "DynamicShape":
        """This shape with one dimension broadcast.

        Args:
          axis: the dimension.
          lengths: its size in the other shape, a scalar or the vector of row lengths.

        Raises:
          ValueError: if the outermost dimension would become ragged.
          InvalidArgumentError: when it runs, if the sizes do not broadcast.
        """
        lengths = int_tensor(lengths, "lengths", self.dtype)
        is_uniform = lengths.shape.ndims == 0
        fits = self._broadcasts(axis, lengths, is_uniform)
        words = ["Unable to broadcast: dimension size mismatch in dimension", axis, "lengths=", lengths, "dim_size=",
                 self.size(axis)]  # fmt: skip
        check = Assert(fits, data=words, summarize=10)
        with control_dependencies([check]):
            if axis >= len(self.partitioned):
                if is_uniform:
                    return self._inner_made_longer(axis, lengths)
                if axis == 0:
                    raise ValueError("Unable to broadcast: outermost dimension must be uniform.")
                return self._inner_made_ragged(axis, lengths)
            if self.is_ragged(axis):
                return DynamicShape(self.partitioned, identity(self.inner))
            return self._partitioned_made_longer(axis, lengths, is_uniform)

    def _broadcasts(self, axis, lengths, is_uniform):
        """Whether a dimension broadcasts to `lengths`, a bool scalar."""
        if self.is_ragged(axis):
            return equal(lengths, 1) if is_uniform else reduce_all(equal(lengths, self.size(axis)))
        ours = self.size(axis)
        if is_uniform:
            return equal(lengths, 1) | equal(ours, 1) | equal(ours, lengths)
        return equal(ours, 1)

    def _partitioned_made_longer(self, axis, lengths, is_uniform):
        """A uniform partitioned dimension of size 1 is repeated, and with it what is inside of it."""
        ours = self.size(axis)
        partitioned = list(self.partitioned[:axis])
        if is_uniform:
            lengths = where(equal(ours, 1), lengths, ours)
            repeats = where(equal(ours, 1), lengths, 1)
            splits = stack([0, self._slice_count(axis)])
        else:
            splits = number_range(size(lengths, out_type=self.dtype) + 1)
            repeats = lengths
        partitioned.append(lengths)
        for inside in self.partitioned[axis + 1 :]:
            if inside.shape.ndims == 0:
                partitioned.append(inside)
                splits *= inside
            else:
                partitioned.append(repeat_ranges(inside, splits, repeats))
                splits = gather(splits_of_lengths(inside), splits)
        return DynamicShape(partitioned, self.inner)

    def _inner_made_longer(self, axis, length):
        ours = self.size(axis)
        place = axis - len(self.partitioned)
        longer = where(equal(ours, 1), length, ours)
        return DynamicShape(self.partitioned,
                            concat([self.inner[:place], [longer], self.inner[place + 1 :]], axis=0))  # fmt: skip

    def _inner_made_ragged(self, axis, lengths):
        place = axis - len(self.partitioned)
        uniform = [self.inner[i] for i in range(place)]
        return DynamicShape([*self.partitioned, *uniform, lengths], self.inner[place + 1 :])


def _check_partitioned(partitioned):
    for axis, each in enumerate(partitioned):
        if each.shape.ndims is None:
            raise ValueError(f"rank of partitioned_dim_sizes[{axis}] is unknown")
        each.shape.with_rank_at_most(1)
    if partitioned and partitioned[0].shape.ndims == 1:
        raise ValueError("outermost partitioned dimension must be uniform")
    if partitioned and partitioned[-1].shape.ndims == 0:
        raise ValueError("innermost partitioned dimension must be ragged")


def _type_of(partitioned):
    found = {each.dtype for each in partitioned if each.shape.ndims == 1}
    if len(found) > 1:
        raise ValueError("partitioned_dim_sizes must have matching dtypes")
    return found.pop() if found else dtypes.int64


def broadcast_shapes(x: DynamicShape, y: DynamicShape) -> DynamicShape:
    """The shape that two shapes broadcast to.

    Raises:
      ValueError: if the rank of one is not known.
      InvalidArgumentError: when it runs, if the sizes do not broadcast.
    """
    if x.rank is None or y.rank is None:
        raise ValueError("Unable to broadcast: unknown rank")
    rank = max(x.rank, y.rank)
    x, y = x.broadcast_to_rank(rank), y.broadcast_to_rank(rank)
    for axis in range(rank):
        x = x.broadcast_dimension(axis, y.size(axis))
        y = y.broadcast_dimension(axis, x.size(axis))
    return x
