"""Functions on strings whose results have rows of different lengths: sparse or ragged tensors."""

from reflow.graph import dtypes
from reflow.graph.build import call
from reflow.graph.context import name_scope
from reflow.graph.convert import to_tensor
from reflow.graph.export import EXPORTS, export
from reflow.graph.operation import Tensor
from reflow.ops.string_split import split_at, split_at_any
from reflow.platform.deprecation import deprecated_argument_lookup


def _ragged():
    """The class RaggedTensor, which stands in a higher room than this."""
    return EXPORTS["RaggedTensor"]


def _is_ragged(value) -> bool:
    return "RaggedTensor" in EXPORTS and isinstance(value, _ragged())


def _tensor_or_ragged(value, dtype=None, name=None):
    """A RaggedTensor as it is, anything else as a tensor."""
    return value if _is_ragged(value) else to_tensor(value, dtype, name)


def _ragged_of_sparse(parts):
    return _ragged().from_value_rowids(values=parts.values, value_rowids=parts.indices[:, 0],
                                       nrows=parts.dense_shape[0], validate=False)  # fmt: skip


def _wrong_result_type():
    return ValueError("result_type must be 'RaggedTensor' or 'SparseTensor'.")


# --- splitting ----------------------------------------------------------------------------------------------------


@export("string_split")
def string_split(source, sep=None, skip_empty=True, delimiter=None, result_type="SparseTensor", name=None):
    """Splits each string of a vector at each occurrence of any of some bytes.

    Args:
      source: a string vector.
      sep: a string scalar of the separating bytes, " " if None; if it is empty every byte is a part.
      skip_empty: whether to leave out empty parts.
      delimiter: an older name of `sep`.
      result_type: "SparseTensor" or "RaggedTensor".
      name: a name scope.

    Returns:
      A matrix of the type asked for, whose row i holds the parts of string i.

    Raises:
      ValueError: for another result type, or if `source` is no vector.
    """
    with name_scope(name, "StringSplit", [source]):
        parts = split_at_any(source, sep, skip_empty, delimiter)
        if result_type == "SparseTensor":
            return parts
        if result_type == "RaggedTensor":
            return _ragged_of_sparse(parts)
        raise _wrong_result_type()


@export("strings.split")
def strings_split(input=None, sep=None, maxsplit=-1, result_type="SparseTensor", source=None, name=None):
    """Splits each string as Python's `str.split` does.

    Args:
      input: a string tensor, dense or ragged.
      sep: a string scalar, the separator; None or "" for runs of white space.
      maxsplit: how often to split each string at most; -1 for no limit.
      result_type: "SparseTensor" or "RaggedTensor".
      source: an older name of `input`.
      name: a name scope.

    Returns:
      A tensor of the type asked for with one dimension more: the parts of each string.

    Raises:
      ValueError: for another result type.
    """
    input = deprecated_argument_lookup("input", input, "source", source)
    with name_scope(name, "StringSplit", [input]):
        input = _tensor_or_ragged(input, dtypes.string, "input")
        if result_type == "SparseTensor" and input.shape.ndims == 1:
            return split_at(input, sep, maxsplit)
        parts = _ragged_split(input, sep, maxsplit)
        if result_type == "SparseTensor":
            return parts.to_sparse()
        if result_type == "RaggedTensor":
            return parts
        raise _wrong_result_type()


def _ragged_split(input, sep, maxsplit):
    from reflow.ops.joining import stack

    with name_scope(None, "StringSplit", [input]):
        input = _tensor_or_ragged(input, dtypes.string, "input")
        if _is_ragged(input):
            return input.with_flat_values(_ragged_split(input.flat_values, sep, maxsplit))
        rank = input.shape.ndims
        if rank == 0:
            return _ragged_split(stack([input]), sep, maxsplit)[0]
        if rank == 1 or rank is None:
            return _ragged_of_sparse(split_at(input, sep, maxsplit))
        return _ragged_split(_ragged().from_tensor(input), sep, maxsplit)


@export("strings.bytes_split")
def string_bytes_split(input, name=None):
    """Splits each string into its bytes.

    Args:
      input: a string tensor of known rank, dense or ragged.
      name: a name scope.

    Returns:
      A RaggedTensor with one dimension more; for a scalar a vector.

    Raises:
      ValueError: if the rank is not known.
    """
    from reflow.ops.joining import stack

    with name_scope(name, "StringsByteSplit", [input]):
        input = _tensor_or_ragged(input, name="input")
        if _is_ragged(input):
            return input.with_flat_values(string_bytes_split(input.flat_values))
        rank = input.shape.ndims
        if rank is None:
            raise ValueError("input must have a statically-known rank.")
        if rank == 0:
            return string_bytes_split(stack([input]))[0]
        if rank > 1:
            return string_bytes_split(_ragged().from_tensor(input))
        indices, values, shape = call("StringSplit", input, "", skip_empty=False)
        return _ragged().from_value_rowids(values=values, value_rowids=indices[:, 0], nrows=shape[0], validate=False)


# --- n-grams ------------------------------------------------------------------------------------------------------


def _paddings(pad_values) -> tuple:
    """(left, right) padding."""
    if pad_values is None:
        return "", ""
    pair = pad_values if isinstance(pad_values, (list, tuple)) else (pad_values, pad_values)
    if not all(isinstance(value, (str, bytes)) for value in pair[:2]):
        raise TypeError("pad_values must be a string, tuple of strings, or None.")
    return pair[0], pair[1]


@export("strings.ngrams")
def ngrams(data, ngram_width, separator=" ", pad_values=None, padding_width=None, preserve_short_sequences=False,
           name=None):  # fmt: skip
    """The n-grams of each row of strings: successive strings, joined.

    Args:
      data: a string tensor of known rank, dense or ragged; its innermost rows are what n-grams are made of.
      ngram_width: how many strings make an n-gram: an int or a list of ints.
      separator: what to put between the strings.
      pad_values: a string, or a pair of strings for the left and the right, to pad rows with; no padding if None.
      padding_width: how many of them to add at each end at most; as many as n-grams can reach if None.
      preserve_short_sequences: whether a row that is too short for any n-gram becomes one.
      name: a name scope.

    Returns:
      A RaggedTensor, or a Tensor if `data` is one.

    Raises:
      TypeError: for padding that is no string.
      ValueError: for widths below 1, a padding width without padding, or data of rank 0 or unknown rank.
    """
    from reflow.ops.joining import concat
    from reflow.ops.shape_ops import reshape, shape

    with name_scope(name, "StringNGrams", [data]):
        left, right = _paddings(pad_values)
        if padding_width is not None and padding_width < 1:
            raise ValueError("padding_width must be greater than 0.")
        if padding_width is not None and pad_values is None:
            raise ValueError("pad_values must be provided if padding_width is set.")
        data = _tensor_or_ragged(data, dtypes.string, "data")
        is_dense = isinstance(data, Tensor)
        if is_dense:
            dense_shape = concat([shape(data)[:-1], [-1]], axis=0)
            if data.shape.ndims is None:
                raise ValueError("Rank of data must be known.")
            if data.shape.ndims == 0:
                raise ValueError("Data must have rank>0")
            if data.shape.ndims == 1:
                row = _ragged().from_row_starts(data, [0], validate=False)
                rows = ngrams(row, ngram_width, separator, pad_values, padding_width, preserve_short_sequences, name)
                return rows[0]
            data = _ragged().from_tensor(data, ragged_rank=data.shape.ndims - 1)
        if data.ragged_rank > 1:
            result = data.with_values(ngrams(data.values, ngram_width, separator, pad_values, padding_width,
                                             preserve_short_sequences, name))  # fmt: skip
        else:
            result = _row_ngrams(data, ngram_width, separator, left, right,
                                 0 if pad_values is None else -1 if padding_width is None else padding_width,
                                 preserve_short_sequences)  # fmt: skip
        return reshape(result.flat_values, dense_shape) if is_dense else result


def _row_ngrams(data, ngram_width, separator, left, right, padding_width, preserve_short_sequences):
    widths = list(ngram_width) if isinstance(ngram_width, (list, tuple)) else [ngram_width]
    if any(width < 1 for width in widths):
        raise ValueError(f"All ngram_widths must be greater than 0. Got {ngram_width}")
    values, splits = call(
        "StringNGrams", data.flat_values, data.row_splits, separator=separator, ngram_widths=widths, left_pad=left,
        right_pad=right, pad_width=padding_width, preserve_short_sequences=preserve_short_sequences,
    )  # fmt: skip
    return _ragged().from_row_splits(values=values, row_splits=splits, validate=False)
