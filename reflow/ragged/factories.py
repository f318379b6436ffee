"""How ragged tensors are made of values and row partitions: the `from_...` methods of RaggedTensor.

A row partition says how a tensor's values divide into rows: by row splits, row numbers, row lengths, row starts or row
limits. All become row splits.
"""

from typing import TYPE_CHECKING

import numpy as np

from reflow.graph import dtypes
from reflow.graph.context import name_scope
from reflow.graph.convert import to_tensor
from reflow.graph.operation import Tensor
from reflow.ops.casting import cast
from reflow.ops.checks import assert_equal, assert_less, assert_less_equal, assert_non_negative
from reflow.ops.constant import constant, zeros
from reflow.ops.control import with_dependencies
from reflow.ops.counting import bincount
from reflow.ops.joining import concat
from reflow.ops.reduction import reduce_sum
from reflow.ops.scan import cumsum
from reflow.ops.shape_checks import assert_rank, assert_rank_at_least
from reflow.ops.shape_ops import shape
from reflow.ragged.arguments import SPLITS_TYPES, told_value

# --- what is checked ------------------------------------------------------------------------------------------------


def _message(method: str) -> str:
    return f"Arguments to {method} do not form a valid RaggedTensor"


def _check_validate(validate) -> None:
    if not isinstance(validate, bool):
        raise TypeError("validate must have type bool")


def _check_list(values, name: str) -> None:
    if isinstance(values, Tensor):
        raise TypeError(f"{name} must be a list of Tensors")


def _count(values, out_type=dtypes.int32) -> Tensor:
    """How many rows a tensor, dense or ragged, has."""
    nrows = getattr(values, "nrows", None)
    return shape(values, out_type=out_type)[0] if nrows is None else nrows(out_type=out_type)


def _never_falls(tensor, message):
    return assert_non_negative(tensor[1:] - tensor[:-1], message=message)


def _is_zero(tensor, message):
    return assert_equal(tensor, constant(0, dtype=tensor.dtype), message=message)


def _after(checks, values, partition):
    """`partition`, as soon as the checks and one of the rank of `values` are through."""
    if isinstance(values, Tensor):
        checks.append(assert_rank_at_least(values, 1))
    return with_dependencies(checks, partition)


# --- the number of rows -----------------------------------------------------------------------------------------------


def _counted_rows(value_rowids):
    """The number of rows that hold all values: a tensor, and an int if it is known."""
    known = told_value(value_rowids)
    if known is None:
        return concat([value_rowids[-1:], [-1]], axis=0)[0] + 1, None
    count = int(known[-1]) + 1 if known.size else 0
    return to_tensor(count, value_rowids.dtype, "nrows"), count


def _given_rows(nrows, value_rowids):
    """The number of rows that the program gives: a tensor, and an int if it is known."""
    nrows = to_tensor(nrows, value_rowids.dtype, "nrows")
    count = told_value(nrows)
    if count is None:
        return nrows, None
    if count < 0:
        raise ValueError(f"Expected nrows >= 0; got {count}")
    known = told_value(value_rowids)
    if known is not None and known.size and count < known[-1] + 1:
        raise ValueError(f"Expected nrows >= value_rowids[-1] + 1; got nrows={count}, value_rowids[-1]={known[-1]}")
    return nrows, int(count)


# --- the methods ------------------------------------------------------------------------------------------------------


class RowPartitionFactories:
    """The class methods of RaggedTensor that make one of values and row partitions.

    Their arguments in common:
      values, flat_values: a tensor [n, ...], or what converts to one; `values` may be a RaggedTensor.
      validate: whether to check, when it runs, that the partition fits; if not set the result of one that does not fit
        is undefined.
      name: a name scope.
    """

    if TYPE_CHECKING:
        # What RaggedTensor, the one class that inherits these, defines.
        def __init__(self, values, row_splits, cached_row_lengths=None, cached_value_rowids=None, cached_nrows=None,
                     internal=False): ...  # fmt: skip

        @property
        def row_splits(self) -> Tensor: ...

    @classmethod
    def from_value_rowids(cls, values, value_rowids, nrows=None, name=None, validate=True):
        """A ragged tensor of values and the number of the row that each belongs to.

        Args:
          values: a tensor [n, ...], dense or ragged.
          value_rowids: an integer vector [n] of row numbers that do not fall.
          nrows: an integer scalar, the number of rows; the last row number + 1 if None.
          name: a name scope.
          validate: whether to check the row numbers when it runs.

        Returns:
          A RaggedTensor [nrows, (row length), ...].

        Raises:
          TypeError: if `validate` is no bool.
          ValueError: if `nrows` is too small, or shapes or types do not fit.
        """
        _check_validate(validate)
        with name_scope(name, "RaggedFromValueRowIds", [values, value_rowids, nrows]):
            values, value_rowids = cls._convert_values_and_row_partition(values, value_rowids, "value_rowids")
            value_rowids.shape.assert_has_rank(1)
            nrows, count = _counted_rows(value_rowids) if nrows is None else _given_rows(nrows, value_rowids)
            nrows.shape.assert_has_rank(0)
            values.shape[:1].assert_is_compatible_with(value_rowids.shape)
            if validate:
                message = _message("from_value_rowids")
                counts = _count(values), _count(value_rowids)
                checks = [
                    assert_rank(value_rowids, 1, message=message), assert_rank(nrows, 0, message=message),
                    assert_equal(*counts, message=message), assert_non_negative(value_rowids[:1], message=message),
                    _never_falls(value_rowids, message), assert_less(value_rowids[-1:], nrows, message=message),
                ]  # fmt: skip
                value_rowids = _after(checks, values, value_rowids)
            ids, rows = cast(value_rowids, dtypes.int32), cast(nrows, dtypes.int32)
            lengths = bincount(ids, minlength=rows, maxlength=rows, dtype=value_rowids.dtype)
            splits = concat([[0], cumsum(lengths)], axis=0)
            if count is not None:
                lengths.set_shape([count])
                splits.set_shape([count + 1])
            return cls(values, splits, lengths, value_rowids, nrows, internal=True)

    @classmethod
    def from_row_splits(cls, values, row_splits, name=None, validate=True):
        """A ragged tensor of values and the places between rows.

        Args:
          values: a tensor [n, ...], dense or ragged.
          row_splits: an integer vector [rows + 1] from 0 to n that does not fall: row i is
            `values[row_splits[i]:row_splits[i + 1]]`.
          name: a name scope.
          validate: whether to check the row splits when it runs.

        Returns:
          A RaggedTensor [rows, (row length), ...].

        Raises:
          TypeError: if `validate` is no bool.
          ValueError: if `row_splits` is empty, or shapes or types do not fit.
        """
        _check_validate(validate)
        if isinstance(row_splits, (list, tuple)) and not row_splits:
            raise ValueError("row_splits tensor may not be empty.")
        with name_scope(name, "RaggedFromRowSplits", [values, row_splits]):
            values, row_splits = cls._convert_values_and_row_partition(values, row_splits, "row_splits")
            row_splits.shape.assert_has_rank(1)
            if validate:
                message = _message("from_row_splits")
                count = _count(values, row_splits.dtype)
                checks = [
                    assert_rank(row_splits, 1, message=message), _is_zero(row_splits[0], message),
                    _never_falls(row_splits, message), assert_equal(row_splits[-1], count, message=message),
                ]  # fmt: skip
                row_splits = _after(checks, values, row_splits)
            return cls(values, row_splits, internal=True)

    @classmethod
    def from_row_lengths(cls, values, row_lengths, name=None, validate=True):
        """A ragged tensor of values and the length of each row.

        Args:
          values: a tensor [n, ...], dense or ragged.
          row_lengths: an integer vector [rows] whose sum is n.
          name: a name scope.
          validate: whether to check the lengths when it runs.

        Returns:
          A RaggedTensor [rows, (row length), ...].

        Raises:
          TypeError: if `validate` is no bool.
          ValueError: if shapes or types do not fit.
        """
        _check_validate(validate)
        with name_scope(name, "RaggedFromRowLengths", [values, row_lengths]):
            values, row_lengths = cls._convert_values_and_row_partition(values, row_lengths, "row_lengths")
            row_lengths.shape.assert_has_rank(1)
            if validate:
                message = _message("from_row_lengths")
                counts = reduce_sum(row_lengths), _count(values, row_lengths.dtype)
                checks = [
                    assert_rank(row_lengths, 1, message=message), assert_non_negative(row_lengths, message=message),
                    assert_equal(*counts, message=message),
                ]  # fmt: skip
                row_lengths = _after(checks, values, row_lengths)
            limits = cumsum(row_lengths)
            return cls(values, concat([[0], limits], axis=0), row_lengths, internal=True)

    @classmethod
    def from_row_starts(cls, values, row_starts, name=None, validate=True):
        """A ragged tensor of values and the place where each row begins.

        Args:
          values: a tensor [n, ...], dense or ragged.
          row_starts: an integer vector [rows] that begins with 0 and does not fall.
          name: a name scope.
          validate: whether to check the starts when it runs.

        Returns:
          A RaggedTensor [rows, (row length), ...].

        Raises:
          TypeError: if `validate` is no bool.
          ValueError: if shapes or types do not fit.
        """
        _check_validate(validate)
        with name_scope(name, "RaggedFromRowStarts", [values, row_starts]):
            values, row_starts = cls._convert_values_and_row_partition(values, row_starts, "row_starts")
            row_starts.shape.assert_has_rank(1)
            count = _count(values, row_starts.dtype)
            if validate:
                message = _message("from_row_starts")
                checks = [
                    assert_rank(row_starts, 1, message=message), _is_zero(row_starts[:1], message),
                    _never_falls(row_starts, message), assert_less_equal(row_starts[-1:], count, message=message),
                ]  # fmt: skip
                row_starts = _after(checks, values, row_starts)
            return cls(values, concat([row_starts, [count]], axis=0), internal=True)

    @classmethod
    def from_row_limits(cls, values, row_limits, name=None, validate=True):
        """A ragged tensor of values and the place behind the end of each row.

        Args:
          values: a tensor [n, ...], dense or ragged.
          row_limits: an integer vector [rows] that does not fall and ends with n.
          name: a name scope.
          validate: whether to check the limits when it runs.

        Returns:
          A RaggedTensor [rows, (row length), ...].

        Raises:
          TypeError: if `validate` is no bool.
          ValueError: if shapes or types do not fit.
        """
        _check_validate(validate)
        with name_scope(name, "RaggedFromRowLimits", [values, row_limits]):
            values, row_limits = cls._convert_values_and_row_partition(values, row_limits, "row_limits")
            row_limits.shape.assert_has_rank(1)
            if validate:
                message = _message("from_row_limits")
                count = _count(values, row_limits.dtype)
                checks = [
                    assert_rank(row_limits, 1, message=message), assert_non_negative(row_limits[:1], message=message),
                    _never_falls(row_limits, message), assert_equal(row_limits[-1:], count, message=message),
                ]  # fmt: skip
                row_limits = _after(checks, values, row_limits)
            zero = zeros([1], row_limits.dtype)
            return cls(values, concat([zero, row_limits], axis=0), internal=True)

    @classmethod
    def from_nested_value_rowids(cls, flat_values, nested_value_rowids, nested_nrows=None, name=None, validate=True):
        """A ragged tensor of several ragged dimensions, made by `from_value_rowids` from the inside out.

        Args:
          flat_values: a tensor [n, ...].
          nested_value_rowids: a list of integer vectors, the outermost first.
          nested_nrows: a list of integer scalars, as long.
          name: a name scope.
          validate: whether to check the row numbers when it runs.

        Returns:
          A RaggedTensor (`flat_values` for an empty list).

        Raises:
          TypeError: if `nested_value_rowids` is a tensor.
          ValueError: if the lists differ in length.
        """
        _check_validate(validate)
        _check_list(nested_value_rowids, "nested_value_rowids")
        if nested_nrows is None:
            nested_nrows = [None] * len(nested_value_rowids)
        else:
            _check_list(nested_nrows, "nested_nrows")
            if len(nested_nrows) != len(nested_value_rowids):
                raise ValueError("nested_nrows must have the same length as nested_value_rowids")
        given = [flat_values, *nested_value_rowids, *nested_nrows]
        with name_scope(name, "RaggedFromNestedValueRowIds", given):
            result = flat_values
            for rowids, nrows in reversed(list(zip(nested_value_rowids, nested_nrows, strict=True))):
                result = cls.from_value_rowids(result, rowids, nrows, validate=validate)
            return result

    @classmethod
    def from_nested_row_splits(cls, flat_values, nested_row_splits, name=None, validate=True):
        """A ragged tensor of several ragged dimensions, made by `from_row_splits` from the inside out.

        Args:
          flat_values: a tensor [n, ...].
          nested_row_splits: a list of integer vectors, the outermost first.
          name: a name scope.
          validate: whether to check the row splits when it runs.

        Returns:
          A RaggedTensor (`flat_values` for an empty list).

        Raises:
          TypeError: if `nested_row_splits` is a tensor.
        """
        return cls._from_nested("row_splits", cls.from_row_splits, "RaggedFromNestedRowSplits", flat_values,
                                nested_row_splits, name, validate)  # fmt: skip

    @classmethod
    def from_nested_row_lengths(cls, flat_values, nested_row_lengths, name=None, validate=True):
        """A ragged tensor of several ragged dimensions, made by `from_row_lengths` from the inside out.

        Args:
          flat_values: a tensor [n, ...].
          nested_row_lengths: a list of integer vectors, the outermost first.
          name: a name scope.
          validate: whether to check the row lengths when it runs.

        Returns:
          A RaggedTensor (`flat_values` for an empty list).

        Raises:
          TypeError: if `nested_row_lengths` is a tensor.
        """
        # The odd spelling of the scope is TensorFlow's.
        return cls._from_nested("row_lengths", cls.from_row_lengths, "RaggedFromNestedRowlengths", flat_values,
                                nested_row_lengths, name, validate)  # fmt: skip

    @classmethod
    def _from_nested(cls, kind, factory, scope, flat_values, partitions, name, validate):
        _check_validate(validate)
        _check_list(partitions, f"nested_{kind}")
        with name_scope(name, scope, [flat_values, *partitions]):
            result = flat_values
            for partition in reversed(partitions):
                result = factory(result, partition, validate=validate)
            return result

    @classmethod
    def _convert_values_and_row_partition(cls, values, partition, name):
        """Both as tensors (or `values` ragged), with the row partition in a type that fits."""
        if isinstance(values, cls):
            if not isinstance(partition, Tensor):
                return values, to_tensor(partition, values.row_splits.dtype, name)
            _check_partition_type(partition, name)
            if values.row_splits.dtype is not partition.dtype:
                raise ValueError(f"dtype mismatch: {name} ({partition.dtype}) vs values.row_splits "
                                 f"({values.row_splits.dtype})")  # fmt: skip
            return values, partition
        values = to_tensor(values, name="values")
        is_int32 = isinstance(partition, np.ndarray) and partition.dtype == np.int32
        partition = to_tensor(partition, name=name, preferred_dtype=None if is_int32 else dtypes.int64)
        _check_partition_type(partition, name)
        return values, partition


def _check_partition_type(partition, name):
    if partition.dtype not in SPLITS_TYPES:
        raise ValueError(f"{name} must have dtype int32 or int64")
