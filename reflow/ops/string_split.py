"""Splitting strings into parts: StringSplit, StringSplitV2, and the functions that give sparse tensors of parts."""

import re

import numpy as np
import torch

from reflow.graph import dtypes
from reflow.graph.build import call
from reflow.graph.convert import to_tensor
from reflow.graph.registry import define_op
from reflow.graph.sparse_tensor import SparseTensor
from reflow.ops.renamed_arguments import renamed_argument
from reflow.ops.shape_rules import with_rank
from reflow.ops.strings import string_array


def _sparse(rows: list[list[bytes]]):
    """(indices, values, dense shape) of the sparse matrix with these rows."""
    counts = np.array([len(row) for row in rows], np.int64)
    starts = np.cumsum(counts) - counts
    indices = np.empty((counts.sum(), 2), np.int64)
    indices[:, 0] = np.repeat(np.arange(len(rows)), counts)
    indices[:, 1] = np.arange(len(indices)) - np.repeat(starts, counts)
    shape = torch.tensor([len(rows), counts.max(initial=0)])
    return torch.from_numpy(indices), string_array((len(indices),), (part for row in rows for part in row)), shape


def _check_arguments(input, separator, name):
    if input.ndim != 1:
        raise ValueError(f"input must be a vector, got shape: {list(input.shape)}")
    if separator.ndim != 0:
        raise ValueError(f"{name} must be a scalar, got shape: {list(separator.shape)}")


def _bytes_of(text: bytes) -> list[bytes]:
    return [text[i : i + 1] for i in range(len(text))]


def _split_at_any(input, delimiter, skip_empty):
    _check_arguments(input, delimiter, "delimiter")
    delimiters = delimiter.item()
    split = re.compile(b"[" + re.escape(delimiters) + b"]").split if delimiters else _bytes_of
    rows = [split(text) if text else [] for text in input.tolist()]
    if skip_empty:
        rows = [[part for part in row if part] for row in rows]
    return _sparse(rows)


def _split_at(input, sep, maxsplit):
    _check_arguments(input, sep, "sep")
    separator = sep.item()
    return _sparse([_parts(text, separator, maxsplit) for text in input.tolist()])


def _parts(text: bytes, separator: bytes, most: int) -> list[bytes]:
    """As Python's `split`, but for white space what follows the last of `most` splits is a part even if it is empty."""
    if most == 0:
        return [text]
    if separator:
        return text.split(separator, max(most, -1))
    parts = text.split(None, max(most, -1))
    if most > 0 and len(parts) == most:
        parts.append(b"")
    return parts


def _sparse_shape(op):
    with_rank(op._inputs[0].dims, 1)
    with_rank(op._inputs[1].dims, 0)
    return [(None, 2), (None,), (2,)]


define_op(
    "StringSplit", "input: string, delimiter: string -> indices: int64, values: string, shape: int64",
    "skip_empty: bool = true", shape=_sparse_shape, kernel=_split_at_any, gradient=None,
)  # fmt: skip
define_op(
    "StringSplitV2", "input: string, sep: string -> indices: int64, values: string, shape: int64",
    "maxsplit: int = -1", shape=_sparse_shape, kernel=_split_at,
)  # fmt: skip


def split_at_any(source, sep=None, skip_empty=True, delimiter=None) -> SparseTensor:
    """Splits each string of a vector at each occurrence of any of some bytes.

    Args:
      source: a string vector.
      sep: a string scalar of the separating bytes, " " if None; if it is empty every byte is a part.
      skip_empty: whether to leave out empty parts.
      delimiter: an older name of `sep`.

    Returns:
      A SparseTensor whose row i holds the parts of string i.
    """
    sep = renamed_argument("sep", sep, "delimiter", delimiter)
    sep = to_tensor(" " if sep is None else sep, dtypes.string)
    source = to_tensor(source, dtypes.string)
    return SparseTensor(*call("StringSplit", source, sep, skip_empty=skip_empty))


def split_at(source, sep=None, maxsplit=-1) -> SparseTensor:
    """Splits each string of a vector as Python's `str.split` does.

    Args:
      source: a string vector.
      sep: a string scalar, the separator; None or "" for runs of white space.
      maxsplit: how often to split each string at most; -1 for no limit.

    Returns:
      A SparseTensor whose row i holds the parts of string i.
    """
    sep = to_tensor("" if sep is None else sep, dtypes.string)
    source = to_tensor(source, dtypes.string)
    return SparseTensor(*call("StringSplitV2", source, sep, maxsplit=maxsplit))
