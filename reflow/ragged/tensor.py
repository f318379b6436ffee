"""RaggedTensor: a tensor whose rows differ in length, as a tensor of all values and the places between rows."""

from reflow.graph import dtypes
from reflow.graph.build import call
from reflow.graph.context import name_scope
from reflow.graph.convert import to_tensor
from reflow.graph.dtypes import DType, as_dtype
from reflow.graph.export import export
from reflow.graph.operation import Tensor
from reflow.graph.shapes import TensorShape, dimension_at_index
from reflow.graph.sparse_tensor import SparseTensor
from reflow.ops.arithmetic import maximum
from reflow.ops.casting import cast
from reflow.ops.constant import ones
from reflow.ops.gathering import gather
from reflow.ops.joining import concat, stack
from reflow.ops.reduction import reduce_max
from reflow.ops.shape_ops import shape
from reflow.ragged.arguments import MISMATCHED_SPLITS_TYPES, SPLITS_TYPES, axis_from_front, splits_type
from reflow.ragged.factories import RowPartitionFactories
from reflow.ragged.partitions import row_splits_to_segment_ids
from reflow.ragged.value import RaggedTensorValue


@export("RaggedTensor")
class RaggedTensor(RowPartitionFactories):
    """A tensor some of whose dimensions are ragged: their rows differ in length.

    It consists of `values`, the values of all rows one behind the other, and `row_splits`: row i is
    `values[row_splits[i]:row_splits[i + 1]]`. Where several dimensions are ragged, `values` is a RaggedTensor itself.

    The constructor is not for programs: they use the methods `from_...`, or `tf.ragged.constant`.

    Args:
      values: a Tensor or RaggedTensor of rank 1 or more.
      row_splits: an int32 or int64 vector.
      cached_row_lengths: the row lengths if they are known, else None.
      cached_value_rowids: the row number of each value if they are known, else None.
      cached_nrows: the number of rows if it is known, else None.
      internal: True, or the constructor is refused.

    Raises:
      TypeError: for arguments of other types.
      ValueError: if `internal` is not set, or shapes or types do not fit.
    """

    # NumPy leaves operators with arrays on the left to this class.
    __array_priority__ = 100

    def __init__(self, values, row_splits, cached_row_lengths=None, cached_value_rowids=None, cached_nrows=None,
                 internal=False):  # fmt: skip
        if not internal:
            raise ValueError("RaggedTensor constructor is private; please use one of the factory methods instead "
                             "(e.g., RaggedTensor.from_row_lengths())")  # fmt: skip
        if not isinstance(row_splits, Tensor):
            raise TypeError(f"Row-partitioning argument must be a Tensor, got {row_splits!r}")
        if not isinstance(values, (RaggedTensor, Tensor)):
            raise TypeError(f"values must be a Tensor or RaggedTensor, got {values!r}")
        if row_splits.dtype not in SPLITS_TYPES:
            raise ValueError("Row-partitioning argument must be int32 or int64")
        row_splits.shape.assert_has_rank(1)
        values.shape.with_rank_at_least(1)
        row_splits.set_shape([None])
        self._values = values
        self._row_splits = row_splits
        for tensor in (cached_row_lengths, cached_value_rowids, cached_nrows):
            if tensor is not None and not isinstance(tensor, Tensor):
                raise TypeError("Cached value must be a Tensor or None.")
            if tensor is not None and tensor.dtype not in SPLITS_TYPES:
                raise TypeError("Cached value must be int32 or int64.")
        self._cached_row_lengths = cached_row_lengths
        self._cached_value_rowids = cached_value_rowids
        self._cached_nrows = cached_nrows

    # --- what it consists of --------------------------------------------------------------------------------------

    @property
    def dtype(self):
        """The type of the values."""
        return self._values.dtype

    @property
    def shape(self):
        """The static shape, as far as it is known: the size of a ragged dimension is None."""
        rows = dimension_at_index(self._row_splits.shape, 0) - 1
        return TensorShape([rows, None]).concatenate(self._values.shape[1:])

    @property
    def ragged_rank(self):
        """The number of ragged dimensions, an int."""
        return len(self.nested_row_splits)

    @property
    def values(self):
        """The values of all rows: a Tensor, or a RaggedTensor if several dimensions are ragged."""
        return self._values

    @property
    def row_splits(self):
        """An int32 or int64 vector [rows + 1]: where rows begin and end in `values`."""
        return self._row_splits

    @property
    def flat_values(self):
        """The innermost values, a Tensor."""
        values = self._values
        while isinstance(values, RaggedTensor):
            values = values._values
        return values

    @property
    def nested_row_splits(self):
        """A tuple of the row splits of all ragged dimensions, the outermost first."""
        return tuple(level._row_splits for level in self._levels())

    @property
    def graph(self):
        """The graph that the tensors belong to."""
        return self._row_splits.graph

    def _levels(self):
        """This tensor, and those inside it."""
        level: RaggedTensor | Tensor = self
        while isinstance(level, RaggedTensor):
            yield level
            level = level._values

    # --- its rows -------------------------------------------------------------------------------------------------

    def value_rowids(self, name=None):
        """The row number of each of `values`: a vector [values] that does not fall.

        Args:
          name: a name scope.
        """
        if self._cached_value_rowids is not None:
            return self._cached_value_rowids
        with name_scope(name, "RaggedValueRowIds", [self]):
            return row_splits_to_segment_ids(self._row_splits)

    def nested_value_rowids(self, name=None):
        """A tuple of the `value_rowids` of all ragged dimensions, the outermost first.

        Args:
          name: a name scope.
        """
        with name_scope(name, "RaggedNestedValueRowIds", [self]):
            return tuple(level.value_rowids() for level in self._levels())

    def nrows(self, out_type=None, name=None):
        """The number of rows, a scalar.

        Args:
          out_type: its type; that of `row_splits` if None.
          name: a name scope.
        """
        out_type = self._row_splits.dtype if out_type is None else as_dtype(out_type)
        if self._cached_nrows is not None:
            return cast(self._cached_nrows, out_type)
        with name_scope(name, "RaggedNRows", [self]):
            return shape(self._row_splits, out_type=out_type)[0] - 1

    def row_starts(self, name=None):
        """Where each row begins in `values`: a vector [rows].

        Args:
          name: a name scope.
        """
        with name_scope(name, "RaggedRowStarts", [self]):
            return self._row_splits[:-1]

    def row_limits(self, name=None):
        """Where each row ends in `values`: a vector [rows].

        Args:
          name: a name scope.
        """
        with name_scope(name, "RaggedRowLimits", [self]):
            return self._row_splits[1:]

    def row_lengths(self, axis=1, name=None):
        """The lengths of the rows of one dimension.

        Args:
          axis: int, the dimension whose rows count.
          name: a name scope.

        Returns:
          An integer tensor of rank `axis`: the number of rows for 0, a vector for 1, else ragged.

        Raises:
          ValueError: if there is no such axis.
        """
        if self._cached_row_lengths is not None:
            return self._cached_row_lengths
        with name_scope(name, "RaggedRowLengths", [self]):
            axis = axis_from_front(axis, self.shape.ndims)
            if axis == 0:
                return self.nrows()
            if axis == 1:
                return self._row_splits[1:] - self._row_splits[:-1]
            if isinstance(self._values, RaggedTensor):
                return self.with_values(self._values.row_lengths(axis - 1))
            sizes = shape(self._values, out_type=self._row_splits.dtype)
            return self.with_values(ones(sizes[: axis - 1], self._row_splits.dtype) * sizes[axis - 1])

    def nested_row_lengths(self, name=None):
        """A tuple of the `row_lengths` of all ragged dimensions, the outermost first.

        Args:
          name: a name scope.
        """
        with name_scope(name, "RaggedNestedRowLengths", [self]):
            return tuple(level.row_lengths() for level in self._levels())

    def bounding_shape(self, axis=None, name=None, out_type=None):
        """The shape of the least dense tensor that has room for all rows.

        Args:
          axis: the dimensions to tell, an int or an integer tensor; None for all.
          name: a name scope.
          out_type: the type of the result; that of `row_splits` if None.

        Returns:
          An integer vector, or what `axis` picks of it.
        """
        out_type = self._row_splits.dtype if out_type is None else as_dtype(out_type)
        with name_scope(name, "RaggedBoundingBox", [self, axis]):
            if isinstance(axis, int) and axis == 0:
                return shape(self._row_splits, out_type=out_type)[0] - 1
            if isinstance(axis, int) and axis == 1:
                return maximum(reduce_max(self.row_lengths()), 0)
            splits_shape = shape(self._row_splits, out_type=out_type)
            values_shape = shape(self.flat_values, out_type=out_type)
            rows = splits_shape[0] - 1
            longest = [maximum(reduce_max(splits[1:] - splits[:-1]), 0) for splits in self.nested_row_splits]
            outer = stack([rows, *longest])
            box = concat([outer, values_shape[1:]], axis=0)
            return box if axis is None else gather(box, axis)

    # --- the same rows with other values ----------------------------------------------------------------------------

    def with_values(self, new_values):
        """These rows with other values.

        Args:
          new_values: a Tensor or RaggedTensor with as many rows as `values`.

        Returns:
          A RaggedTensor with the same `row_splits`.

        Raises:
          ValueError: if the shapes are known not to fit, or row splits are of different types.
        """
        new_values.shape.with_rank_at_least(1)
        self._values.shape[:1].assert_is_compatible_with(new_values.shape[:1])
        if isinstance(new_values, RaggedTensor) and self._row_splits.dtype is not new_values._row_splits.dtype:
            raise ValueError(f"self and new_values {MISMATCHED_SPLITS_TYPES}")
        return RaggedTensor(new_values, self._row_splits, self._cached_row_lengths, self._cached_value_rowids,
                            self._cached_nrows, internal=True)  # fmt: skip

    def with_flat_values(self, new_values):
        """These rows, in all ragged dimensions, with other values.

        Args:
          new_values: a Tensor or RaggedTensor with as many rows as `flat_values`.

        Returns:
          A RaggedTensor with the same `nested_row_splits`.
        """
        if isinstance(self._values, RaggedTensor):
            new_values = self._values.with_flat_values(new_values)
        return self.with_values(new_values)

    def with_row_splits_dtype(self, dtype):
        """This tensor with row splits of another type.

        Args:
          dtype: int32 or int64.

        Returns:
          A RaggedTensor; this one if it has such row splits.

        Raises:
          ValueError: for another type.
        """
        dtype = splits_type(dtype)
        if self._row_splits.dtype is dtype:
            return self
        row_splits, values = cast(self._row_splits, dtype), self._values
        if isinstance(values, RaggedTensor):
            values = values.with_row_splits_dtype(dtype)
        lengths, rowids = (None if tensor is None else cast(tensor, dtype)
                           for tensor in (self._cached_row_lengths, self._cached_value_rowids))  # fmt: skip
        return RaggedTensor(values, row_splits, lengths, rowids, self._cached_nrows, internal=True)

    # --- other kinds of tensors -----------------------------------------------------------------------------------

    @classmethod
    def from_tensor(cls, tensor, lengths=None, padding=None, ragged_rank=1, name=None, row_splits_dtype=dtypes.int64):
        """A ragged tensor of a dense one, without what pads its rows.

        Args:
          tensor: a tensor of rank `ragged_rank` + 1 or more.
          lengths: the lengths of rows to keep: an integer vector, or a list of such, one for each ragged dimension.
          padding: a value, shaped as `tensor[0, 0]`: what rows end with is left out.
          ragged_rank: int, the number of ragged dimensions.
          name: a name scope.
          row_splits_dtype: the type of the row splits, int32 or int64.

        Returns:
          A RaggedTensor.

        Raises:
          TypeError: if `ragged_rank` is no int.
          ValueError: if both `lengths` and `padding` are given, or the ranks do not fit.
        """
        from reflow.ragged.conversion import from_dense

        return from_dense(tensor, lengths, padding, ragged_rank, name, as_dtype(row_splits_dtype))

    def to_tensor(self, default_value=None, name=None):
        """A dense tensor: short rows are filled up.

        Args:
          default_value: what to fill up with, of the type of the values and a shape that broadcasts to one; 0 if None.
          name: a name scope.

        Returns:
          A Tensor of shape `bounding_shape()`.

        Raises:
          ValueError: if `default_value` is known not to fit.
        """
        from reflow.ragged.conversion import to_dense

        return to_dense(self, default_value, name)

    @classmethod
    def from_sparse(cls, st_input, name=None, row_splits_dtype=dtypes.int64):
        """A ragged tensor of a sparse matrix whose rows have no gaps.

        Args:
          st_input: a SparseTensor of rank 2: the values of a row stand in its first columns.
          name: a name scope.
          row_splits_dtype: the type of the row splits, int32 or int64.

        Returns:
          A RaggedTensor.

        Raises:
          TypeError: if `st_input` is no SparseTensor.
          ValueError: if its rank is not known to be 2.
          InvalidArgumentError: when it runs, if a row has gaps.
        """
        from reflow.ragged.conversion import from_sparse

        return from_sparse(st_input, name, as_dtype(row_splits_dtype))

    def to_sparse(self, name=None):
        """A sparse tensor of shape `bounding_shape()` with these values.

        Args:
          name: a name scope.

        Returns:
          A SparseTensor.
        """
        with name_scope(name, "RaggedToSparse", [self]):
            parts = call("RaggedTensorToSparse", self.nested_row_splits, self.flat_values, name=name)
            return SparseTensor(*parts)

    @classmethod
    def _from_variant(cls, variant, dtype, output_ragged_rank, input_ragged_rank=None, name=None):
        """The ragged tensor that `_to_variant` put into variants."""
        variant = to_tensor(variant, dtypes.variant, "variant")
        rank, inner = variant.shape.ndims, input_ragged_rank
        if rank is not None and inner is not None and output_ragged_rank != inner + rank:
            raise ValueError("output_ragged_rank must be equal to input_ragged_rank +variant.shape.ndims, found "
                             f"variant.shape.ndims: {rank}, input_ragged_rank: {inner}, output_ragged_rank: "
                             f"{output_ragged_rank}")  # fmt: skip
        with name_scope(name, "RaggedFromVariant", [variant]):
            nested, values = call(
                "RaggedTensorFromVariant", variant, input_ragged_rank=-1 if inner is None else inner,
                output_ragged_rank=output_ragged_rank, Tvalues=dtype, Tsplits=dtypes.int64, name=name,
            )  # fmt: skip
            return cls.from_nested_row_splits(values, nested, validate=False)

    def _to_variant(self, batched_input=False, name=None):
        """A scalar variant that holds this tensor, or with `batched_input` a vector of one for each row."""
        with name_scope(name, "RaggedToVariant", [self]):
            return call("RaggedTensorToVariant", self.nested_row_splits, self.flat_values,
                        batched_input=batched_input, name=name)  # fmt: skip

    # --- as part of a graph -----------------------------------------------------------------------------------------

    def consumers(self):
        """The operations that take one of the tensors: a list without repetitions."""
        consumers = [operation for tensor in self._to_components() for operation in tensor.consumers()]
        return list(dict.fromkeys(consumers))

    def to_list(self):
        """Not offered while a graph is built.

        Raises:
          ValueError: always; what a session makes of this tensor has a `to_list`.
        """
        raise ValueError("RaggedTensor.to_list() is only supported in eager mode; in graph mode, evaluate the "
                         "RaggedTensor first and then use RaggedTensorValue.to_list().")  # fmt: skip

    @property
    def _type_spec(self):
        from reflow.ragged.spec import RaggedTensorSpec

        return RaggedTensorSpec.from_value(self)

    def _to_components(self):
        return [self.flat_values, *self.nested_row_splits]

    def _as_graph_element(self):
        return self.flat_values

    def __bool__(self):
        raise TypeError("RaggedTensor may not be used as a boolean.")

    __nonzero__ = __bool__

    def __repr__(self):
        return f"tf.RaggedTensor(values={self._values}, row_splits={self._row_splits})"


def is_ragged(value) -> bool:
    """True for a RaggedTensor or RaggedTensorValue."""
    return isinstance(value, (RaggedTensor, RaggedTensorValue))


def convert_to_tensor_or_ragged_tensor(value, dtype: DType | None = None, preferred_dtype: DType | None = None,
                                       name: str | None = None):  # fmt: skip
    """A RaggedTensor as it is, a RaggedTensorValue as a RaggedTensor, anything else as a Tensor.

    Raises:
      ValueError: if a RaggedTensor is of another type than `dtype`.
    """
    if isinstance(value, RaggedTensor):
        if dtype and not dtype.is_compatible_with(value.dtype):
            raise ValueError(f"Tensor conversion requested dtype {dtype.name} for RaggedTensor with dtype "
                             f"{value.dtype.name}: {value!r}")  # fmt: skip
        return value
    if isinstance(value, RaggedTensorValue):
        with name_scope(name, "ConvertToTensorOrRaggedTensor", []):
            flat_values = to_tensor(value.flat_values, dtype, "flat_values", preferred_dtype)
            return RaggedTensor.from_nested_row_splits(flat_values, value.nested_row_splits, validate=False)
    return to_tensor(value, dtype, name, preferred_dtype)


def common_splits_type(*tensors) -> DType:
    """The type of the row splits of the ragged ones among some tensors; int64 if none is ragged.

    Raises:
      ValueError: if they differ.
    """
    found = {tensor.row_splits.dtype for tensor in tensors if isinstance(tensor, RaggedTensor)}
    if len(found) > 1:
        raise ValueError(f"Input RaggedTensors {MISMATCHED_SPLITS_TYPES}")
    return found.pop() if found else dtypes.int64
