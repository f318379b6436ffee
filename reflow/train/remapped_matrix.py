"""The initializer of a matrix that reads an older one from a checkpoint, its rows or columns in another order."""

from reflow.graph import dtypes
from reflow.graph.build import call
from reflow.graph.convert import to_tensor
from reflow.ops.joining import concat
from reflow.ops.ranges import range as range_of_numbers
from reflow.variables.initializers import Zeros


def remapped_matrix_initializer(path, tensor_name, rows, columns, old_rows=-1, row_files=None, column_files=None,
                                extra_rows=0, extra_columns=0, backup=None):  # fmt: skip
    """Make the initializer of a matrix, or of the parts of one that is cut along its rows.

    Row i of the new matrix is that row of the old one whose vocabulary entry is line i of the new vocabulary; what the
    old matrix does not have is initialized by `backup`.

    Args:
      path: the checkpoint.
      tensor_name: the name of the old matrix in it, float32.
      rows: how many entries of the new row vocabulary are used; without one, how many rows the new matrix has.
      columns: the same for columns.
      old_rows: how many entries of the old row vocabulary are used; -1 for all.
      row_files: paths of the old and of the new vocabulary of the rows; None if they are the same.
      column_files: the same for columns.
      extra_rows: how many rows follow those of the vocabulary.
      extra_columns: the same for columns.
      backup: an initializer; zeros if None.

    Returns:
      An initializer `(shape, dtype, partition_info) -> float32 Tensor`.

    Raises:
      TypeError: if `backup` is no function.
    """
    backup = Zeros() if backup is None else backup
    if not callable(backup):
        raise TypeError(f"initializer must be callable, instead of being {backup} of type {type(backup)}.")

    def initializer(shape, dtype=dtypes.float32, partition_info=None):
        if dtype != dtypes.float32:
            raise TypeError(f"Currently, only float32 is supported. Received dtype: {dtype}")
        _check_shape(shape, columns, extra_columns)
        offset = 0 if partition_info is None else partition_info.single_offset(shape)
        if offset + shape[0] > rows + extra_rows:
            raise ValueError(f"Trying to initialize {shape[0]} additional rows after {offset} rows have already been "
                             f"initialized, which would exceed expected total row count of new_row_vocab_size ({rows}) "
                             f"+ num_row_oov_buckets ({extra_rows}) = {rows + extra_rows}.")  # fmt: skip
        own_extra_rows = min(shape[0], max(0, offset + shape[0] - rows))
        if offset > rows:
            return backup(shape)
        loaded = shape[0] - own_extra_rows
        matrix = _load(path, tensor_name, offset, loaded, columns, old_rows, row_files, column_files, backup)
        if own_extra_rows:
            matrix = concat([matrix, to_tensor(backup([own_extra_rows, columns]))], 0)
        if extra_columns:
            matrix = concat([matrix, to_tensor(backup([shape[0], extra_columns]))], 1)
        return matrix

    return initializer


def _check_shape(shape, columns, extra_columns):
    if len(shape) != 2:
        raise ValueError(f"Expected 2-dim shape, but received: {shape}")
    if shape[0] <= 0:
        raise ValueError(f"Expected 1st dim of shape to be > 0, but received shape: {shape}")
    if shape[1] != columns + extra_columns:
        raise ValueError(f"Expected 2nd dim of shape to be new_col_vocab_size ({columns}) + num_col_oov_buckets "
                         f"({extra_columns}) = {columns + extra_columns}, but received shape: {shape}")  # fmt: skip


def _load(path, tensor_name, offset, rows, columns, old_rows, row_files, column_files, backup):
    """The part of the new matrix that the vocabularies describe."""
    if row_files is None:
        row_numbers, rows_present = range_of_numbers(offset, offset + rows, dtype=dtypes.int64), rows
    else:
        row_numbers, rows_present = _numbers_of(row_files, offset, rows, old_rows)
    column_numbers, columns_present = [], columns
    if column_files is not None:
        column_numbers, columns_present = _numbers_of(column_files, 0, columns, -1)
    missing = backup([rows * columns - rows_present * columns_present, 1])
    return call("LoadAndRemapMatrix", path, tensor_name, row_numbers, column_numbers, missing, num_rows=rows,
                num_cols=columns)  # fmt: skip


def _numbers_of(files, offset, count, old_size):
    """Where in the old vocabulary the entries of the new one are (-1: nowhere), and how many are there."""
    old, new = files
    return call("GenerateVocabRemapping", new, old, new_vocab_offset=offset, num_new_vocab=count,
                old_vocab_size=old_size)  # fmt: skip
