"""Rows and columns of a trained matrix under new numbers: GenerateVocabRemapping, LoadAndRemapMatrix.

A vocabulary file has one word a line; the line's number is the word's number.
"""

import itertools

import numpy as np
import torch

from reflow.files.tensor_bundle import BundleReader
from reflow.files.tensor_slice import TensorSlice
from reflow.graph import errors
from reflow.graph.registry import define_op
from reflow.ops.shape_rules import with_rank
from reflow.ops.sparse_coordinates import in_brackets, invalid
from reflow.platform.file_io import local_path, tensorflow_errors

# --- vocabularies -------------------------------------------------------------------------------------------------


def _words(path: str, count: int) -> list[bytes]:
    """The words of a file: the first `count`, or all if -1."""
    if count == 0:
        raise errors.OutOfRangeError(None, None, f"Finished reading 0 of lines from {path}")
    with tensorflow_errors(path), open(path, "rb") as file:
        lines = file if count == -1 else itertools.islice(file, count)
        words = [line.removesuffix(b"\n").replace(b"\r", b"") for line in lines]
    if b"" in words:
        raise invalid(f"Invalid content in {path}: empty line found at line {words.index(b'')}.")
    if len(words) < count:
        raise invalid(f"Invalid vocab_size in {path}: expected {count} but got {len(words)}")
    return words


def _numbers(path: str, count: int) -> dict[bytes, int]:
    numbers: dict[bytes, int] = {}
    for number, word in enumerate(_words(path, count)):
        if numbers.setdefault(word, number) != number:
            raise errors.FailedPreconditionError(
                None, None, f"HashTable has different value for same key. Key {word.decode(errors='replace')} has "
                f"{numbers[word]} and trying to add value {number}",
            )  # fmt: skip
    return numbers


def _file_name(array, what):
    if array.ndim:
        raise invalid(f"{what} should be a single string, but got {in_brackets(array.shape)}")
    if not array.item():
        raise invalid("new vocab filename cannot be empty.")
    return local_path(array.item())


def _generate(new_vocab_file, old_vocab_file, new_vocab_offset, num_new_vocab, old_vocab_size):
    new_path, old_path = _file_name(new_vocab_file, "new_vocab_file"), _file_name(old_vocab_file, "old_vocab_file")
    old = _numbers(old_path, old_vocab_size)
    new = _words(new_path, -1)
    if len(new) < new_vocab_offset + num_new_vocab:
        raise invalid("lookup table size must be larger than last new vocab entry's line")
    wanted = new[new_vocab_offset : new_vocab_offset + num_new_vocab]
    remapping = torch.tensor([old.get(word, -1) for word in wanted], dtype=torch.int64)
    return remapping, (remapping >= 0).sum().to(torch.int32)


def _generated_shape(op):
    for tensor in op._inputs:
        with_rank(tensor.dims, 0)
    return [(op.attrs["num_new_vocab"],), ()]


define_op(
    "GenerateVocabRemapping", "new_vocab_file: string, old_vocab_file: string -> remapping: int64, num_present: int32",
    "new_vocab_offset: int >= 0, num_new_vocab: int >= 0, old_vocab_size: int >= -1 = -1", shape=_generated_shape,
    kernel=_generate, gradient=None,
)  # fmt: skip


# --- matrices -----------------------------------------------------------------------------------------------------


def _check_unique(remapping):
    """No old number may come twice."""
    places: dict[int, int] = {}
    for new, old in enumerate(remapping):
        if old >= 0 and places.setdefault(old, new) != new:
            raise errors.UnimplementedError(
                None, None, f"Old ID {old} is mapped to both new ID {places[old]} and {new}, which is not supported."
            )


def _checked_shape(reader, name, columns):
    """The shape of the stored matrix; `columns` is what its second dimension has to be, if it matters."""
    dtype, shape = reader.dtype(name), reader.shape(name)
    if dtype.name != "float32":
        raise invalid(f"Tensor {name} has invalid type {dtype.name} instead of expected type float")
    if len(shape) != 2:
        raise invalid(f"Tensor {name} has shape {in_brackets(shape)} of invalid rank {len(shape)} instead of expected "
                      "shape of rank 2.")  # fmt: skip
    if columns is not None and shape[1] != columns:
        raise invalid(f"Tensor {name} has shape {in_brackets(shape)}, where the size of its 2nd dimension is "
                      f"{shape[1]} instead of being equal to num_cols={columns}")  # fmt: skip
    return shape


def _check_numbers(numbers, size, what):
    if numbers.size and numbers.max() >= size:
        raise errors.InternalError(None, None, f"{what} {numbers.max()} is out of bounds: there are {size}")


def _fill_rows(matrix, reader, name, rows, columns, most_rows):
    """Copy what is stored of `matrix` into it, at most `most_rows` rows at once, if that is a positive number."""
    shape = _checked_shape(reader, name, None if columns.size else matrix.shape[1])
    _check_numbers(rows, shape[0], "Row")
    _check_numbers(columns, shape[1], "Column")
    new_rows = np.flatnonzero(rows >= 0)
    new_columns = np.flatnonzero(columns >= 0) if columns.size else np.arange(shape[1])
    old_columns = columns[new_columns] if columns.size else new_columns
    if not new_rows.size:
        return
    first, end = int(rows[new_rows].min()), int(rows.max()) + 1
    step = most_rows if most_rows > 0 else end - first
    for start in range(first, end, step):
        count = min(step, end - start)
        block = reader.read_slice(name, shape, TensorSlice(((start, count), (0, -1))))
        here = new_rows[(rows[new_rows] >= start) & (rows[new_rows] < start + count)]
        matrix[np.ix_(here, new_columns)] = block[np.ix_(rows[here] - start, old_columns)]


def _load(ckpt_path, old_tensor_name, row_remapping, col_remapping, initializing_values, num_rows, num_cols,
          max_rows_in_memory):  # fmt: skip
    rows, columns = row_remapping.numpy(), col_remapping.numpy()
    if rows.size != num_rows:
        raise invalid(f"Size of row_remapping is {rows.size} instead of being equal to num_rows={num_rows}")
    if columns.size not in (0, num_cols):
        raise invalid(f"Provided col_remapping, but its size is {columns.size} instead of being equal to "
                      f"num_cols={num_cols}")  # fmt: skip
    _check_unique(rows.tolist())
    _check_unique(columns.tolist())
    matrix = np.zeros((num_rows, num_cols), np.float32)
    if (rows >= 0).any():
        reader = BundleReader(local_path(ckpt_path.item()))
        try:
            _fill_rows(matrix, reader, old_tensor_name.item().decode(), rows, columns, max_rows_in_memory)
        finally:
            reader.close()
    missing = np.broadcast_to((rows < 0)[:, None], matrix.shape)
    if columns.size:
        missing = missing | (columns < 0)
    values, wanted = initializing_values.numpy().reshape(-1), int(missing.sum())
    if values.size < wanted:
        raise invalid(f"initializing_values contained {values.size} elements, but more missing values remain.")
    if values.size > wanted:
        raise invalid(f"initializing_values contained {values.size} elements, but only {wanted} elements were used to "
                      "fill in missing values.")  # fmt: skip
    matrix[missing] = values
    return torch.from_numpy(matrix)


def _loaded_shape(op):
    # TensorFlow looks at no input here: `initializing_values` may have any shape.
    return [(op.attrs["num_rows"], op.attrs["num_cols"])]


define_op(
    "LoadAndRemapMatrix",
    "ckpt_path: string, old_tensor_name: string, row_remapping: int64, col_remapping: int64, "
    "initializing_values: float -> output_matrix: float",
    "num_rows: int >= 0, num_cols: int >= 1, max_rows_in_memory: int = -1", shape=_loaded_shape, kernel=_load,
    is_stateful=True, gradient=None,
)  # fmt: skip
