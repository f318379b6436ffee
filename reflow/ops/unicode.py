"""Text in different encodings: UnicodeDecode, UnicodeEncode, UnicodeTranscode."""

import itertools

import torch

from reflow.graph.build import call
from reflow.graph.context import name_scope
from reflow.graph.convert import to_tensor
from reflow.graph.export import EXPORTS, export
from reflow.graph.registry import define_op
from reflow.ops.shape_rules import unchanged_shape, with_rank
from reflow.ops.strings import mapped, string_array
from reflow.ops.unicode_codec import ErrorOptions, decoded, encoded

_ERRORS = "errors: string in strict|replace|ignore = replace"
_REPLACEMENT = "replacement_char: int = 65533, replace_control_characters: bool = false"
_SPLITS = "Tsplits: type in int32|int64 = int64"
_OUTPUT_ENCODING = "output_encoding: string in UTF-8|UTF-16-BE|UTF-32-BE"

# --- kernels ------------------------------------------------------------------------------------------------------


def _transcode(input, input_encoding, output_encoding, errors, replacement_char, replace_control_characters):
    source, target = input_encoding.decode(), output_encoding.decode()
    options = ErrorOptions(errors.decode(), replacement_char, replace_control_characters)

    def convert(text):
        return encoded([code for code, _ in decoded(text, source, options)], target, options)

    return mapped(convert, input)


def _decode(input, input_encoding, errors, replacement_char, replace_control_characters, Tsplits):
    splits, codes, _ = _decode_with_offsets(input, input_encoding, errors, replacement_char, replace_control_characters,
                                            Tsplits)  # fmt: skip
    return splits, codes


def _decode_with_offsets(input, input_encoding, errors, replacement_char, replace_control_characters, Tsplits):
    options = ErrorOptions(errors.decode(), replacement_char, replace_control_characters)
    rows = [decoded(text, input_encoding.decode(), options) for text in input.reshape(-1).tolist()]
    splits = [0, *itertools.accumulate(map(len, rows))]
    pairs = list(itertools.chain(*rows))
    codes = torch.tensor([code for code, _ in pairs], dtype=torch.int32)
    return torch.tensor(splits, dtype=Tsplits), codes, torch.tensor([start for _, start in pairs], dtype=torch.int64)


def _encode(input_values, input_splits, errors, output_encoding, replacement_char):
    options = ErrorOptions(errors.decode(), replacement_char)
    values, splits = input_values.tolist(), input_splits.tolist()
    if splits[:1] != [0] or splits[-1] != len(values) or any(b < a for a, b in itertools.pairwise(splits)):
        raise ValueError("Values in input_splits must be equal or in ascending order, from 0 to the number of "
                         "input_values.")  # fmt: skip
    encoding = output_encoding.decode()
    return string_array((len(splits) - 1,), (encoded(values[a:b], encoding, options)
                                             for a, b in itertools.pairwise(splits)))  # fmt: skip


# --- ops ----------------------------------------------------------------------------------------------------------


def _decode_shape(op):
    dims = op._inputs[0].dims
    count = 1
    for size in (None,) if dims is None else dims:
        count = None if count is None or size is None else count * size
    return [(None if count is None else count + 1,), (None,), (None,)][: len(op.op_def.outputs)]


def _encode_shape(op):
    with_rank(op._inputs[0].dims, 1)
    (splits,) = with_rank(op._inputs[1].dims, 1)
    if splits == 0:
        raise ValueError("Negative dimension size caused by subtracting 1 from 0")
    return [(None if splits is None else splits - 1,)]


define_op(
    "UnicodeTranscode", "input: string -> output: string",
    f"input_encoding: string, {_OUTPUT_ENCODING}, {_ERRORS}, {_REPLACEMENT}", shape=unchanged_shape, kernel=_transcode,
)  # fmt: skip
define_op(
    "UnicodeDecode", "input: string -> row_splits: Tsplits, char_values: int32",
    f"input_encoding: string, {_ERRORS}, {_REPLACEMENT}, {_SPLITS}", shape=_decode_shape, kernel=_decode,
)  # fmt: skip
define_op(
    "UnicodeDecodeWithOffsets",
    "input: string -> row_splits: Tsplits, char_values: int32, char_to_byte_starts: int64",
    f"input_encoding: string, {_ERRORS}, {_REPLACEMENT}, {_SPLITS}", shape=_decode_shape, kernel=_decode_with_offsets,
)  # fmt: skip
define_op(
    "UnicodeEncode", "input_values: int32, input_splits: Tsplits -> output: string",
    f"errors: string in ignore|replace|strict = replace, {_OUTPUT_ENCODING}, replacement_char: int = 65533, {_SPLITS}",
    shape=_encode_shape, kernel=_encode,
)  # fmt: skip


# --- public functions ---------------------------------------------------------------------------------------------


def _ragged():
    """The class RaggedTensor, which stands in a higher room than this."""
    return EXPORTS["RaggedTensor"]


def _is_ragged(value) -> bool:
    return "RaggedTensor" in EXPORTS and isinstance(value, _ragged())


@export("strings.unicode_transcode")
def unicode_transcode(input, input_encoding, output_encoding, errors="replace", replacement_char=65533,
                      replace_control_characters=False, name=None):  # fmt: skip
    """Each string in another encoding.

    Args:
      input: a string tensor.
      input_encoding: the name of the encoding of `input`, such as "UTF-8", "UTF-16-BE", "latin1".
      output_encoding: "UTF-8", "UTF-16-BE" or "UTF-32-BE".
      errors: what to do with malformed text: "strict", "replace" or "ignore".
      replacement_char: the code point that stands for what is malformed.
      replace_control_characters: whether control characters count as malformed.
      name: the node's name.

    Returns:
      A string tensor shaped like `input`.

    Raises:
      InvalidArgumentError: when run, for malformed text if `errors` is "strict", and for an unknown encoding.
    """
    return call("UnicodeTranscode", input, input_encoding=input_encoding, output_encoding=output_encoding,
                errors=errors, replacement_char=replacement_char,
                replace_control_characters=replace_control_characters, name=name)  # fmt: skip


@export("strings.unicode_encode")
def unicode_encode(input, output_encoding, errors="replace", replacement_char=65533, name=None):
    """The strings of rows of code points.

    Args:
      input: an int32 tensor of rank 1 or more, dense or ragged; its innermost rows are the strings.
      output_encoding: "UTF-8", "UTF-16-BE" or "UTF-32-BE".
      errors: what to do with what is no character: "strict", "replace" or "ignore".
      replacement_char: the code point that stands for what is no character.
      name: a name scope.

    Returns:
      A string tensor with one dimension less.

    Raises:
      ValueError: for a scalar, or an unknown rank.
    """
    with name_scope(name, "UnicodeEncode", [input]):
        tensor = input if _is_ragged(input) else to_tensor(input)
        if tensor.shape.ndims is None:
            raise ValueError("Rank of input_tensor must be statically known.")
        options = {"output_encoding": output_encoding, "errors": errors, "replacement_char": replacement_char}
        if _is_ragged(tensor):
            return _encode_ragged(tensor, options)
        return _encode_dense(tensor, options)


def _encode_ragged(tensor, options):
    if tensor.flat_values.shape.ndims > 1:
        return tensor.with_flat_values(unicode_encode(tensor.flat_values, **options))
    if tensor.ragged_rank > 1:
        return tensor.with_values(unicode_encode(tensor.values, **options))
    return call("UnicodeEncode", tensor.values, tensor.row_splits, **options)


def _encode_dense(tensor, options):
    from reflow.graph import dtypes
    from reflow.ops.joining import stack
    from reflow.ops.shape_ops import reshape, shape

    rank = tensor.shape.ndims
    if rank == 0:
        raise ValueError("input_tensor's rank must be at least 1.")
    if rank == 1:
        splits = stack([0, shape(tensor, out_type=dtypes.int32)[0]])
        row = _ragged().from_row_splits(tensor, splits, validate=False)
        return reshape(unicode_encode(row, **options), [])
    if rank == 2:
        return unicode_encode(_ragged().from_tensor(tensor), **options)
    rows = reshape(tensor, stack([-1, shape(tensor)[-1]]))
    return reshape(unicode_encode(rows, **options), tensor.shape[:-1])


def _decode_rows(input, input_encoding, errors, replacement_char, replace_control_characters, with_offsets):
    """The code points, and with `with_offsets` where they begin: tensors or RaggedTensors."""
    from reflow.ops.shape_ops import reshape

    input = input if _is_ragged(input) else to_tensor(input, name="input")
    rank = input.shape.ndims
    if rank is None:
        raise ValueError("Rank of `input` must be statically known.")
    if rank > 1:
        input = _all_ragged(input, rank)
    flat = reshape(input.flat_values if _is_ragged(input) else input, [-1])
    splits, *results = call(
        "UnicodeDecodeWithOffsets" if with_offsets else "UnicodeDecode", flat, input_encoding=input_encoding,
        errors=errors, replacement_char=replacement_char, replace_control_characters=replace_control_characters,
    )  # fmt: skip
    if rank:
        results = [_ragged().from_row_splits(each, splits, validate=False) for each in results]
        if rank > 1:
            results = [input.with_flat_values(each) for each in results]
    return tuple(results) if with_offsets else results[0]


def _all_ragged(input, rank):
    """`input` with all dimensions but the innermost ragged."""
    if not _is_ragged(input):
        return _ragged().from_tensor(input, ragged_rank=rank - 1)
    if input.ragged_rank < rank - 1:
        inner = _ragged().from_tensor(input.flat_values, ragged_rank=rank - input.ragged_rank + 1)
        return input.with_flat_values(inner)
    return input


@export("strings.unicode_decode")
def unicode_decode(input, input_encoding, errors="replace", replacement_char=0xFFFD, replace_control_characters=False,
                   name=None):  # fmt: skip
    """The code points of the characters of each string.

    Args:
      input: a string tensor of known rank, dense or ragged.
      input_encoding: the name of the encoding, such as "UTF-8".
      errors: what to do with malformed text: "strict", "replace" or "ignore".
      replacement_char: the code point that stands for what is malformed.
      replace_control_characters: whether control characters count as malformed.
      name: a name scope.

    Returns:
      An int32 RaggedTensor with one dimension more; for a scalar a vector.

    Raises:
      ValueError: for an unknown rank.
    """
    with name_scope(name, "UnicodeDecode", [input]):
        return _decode_rows(input, input_encoding, errors, replacement_char, replace_control_characters, False)


@export("strings.unicode_decode_with_offsets")
def unicode_decode_with_offsets(input, input_encoding, errors="replace", replacement_char=0xFFFD,
                                replace_control_characters=False, name=None):  # fmt: skip
    """The code points of the characters of each string, and where they begin; arguments as of `unicode_decode`.

    Returns:
      Two tensors of one shape: the code points (int32) and the places of their first bytes (int64).
    """
    with name_scope(name, "UnicodeDecodeWithOffsets", [input]):
        return _decode_rows(input, input_encoding, errors, replacement_char, replace_control_characters, True)


def _encode_each(codes, encoding, errors, replacement_char):
    expand_dims = EXPORTS["expand_dims"]
    return unicode_encode(expand_dims(codes, -1), output_encoding=encoding, errors=errors,
                          replacement_char=replacement_char)  # fmt: skip


@export("strings.unicode_split")
def unicode_split(input, input_encoding, errors="replace", replacement_char=0xFFFD, name=None):
    """Splits each string into its characters.

    Args:
      input: a string tensor of known rank, dense or ragged.
      input_encoding: "UTF-8", "UTF-16-BE" or "UTF-32-BE".
      errors: what to do with malformed text: "strict", "replace" or "ignore".
      replacement_char: the code point that stands for what is malformed.
      name: a name scope.

    Returns:
      A string RaggedTensor with one dimension more; for a scalar a vector.
    """
    with name_scope(name, "UnicodeSplit", [input]):
        codes = _decode_rows(input, input_encoding, errors, replacement_char, False, False)
        return _encode_each(codes, input_encoding, errors, replacement_char)


@export("strings.unicode_split_with_offsets")
def unicode_split_with_offsets(input, input_encoding, errors="replace", replacement_char=0xFFFD, name=None):
    """Splits each string into its characters, and says where they begin; arguments as of `unicode_split`.

    Returns:
      Two tensors of one shape: the characters and the places of their first bytes (int64).
    """
    with name_scope(name, "UnicodeSplitWithOffsets", [input]):
        codes, starts = _decode_rows(input, input_encoding, errors, replacement_char, False, True)
        return _encode_each(codes, input_encoding, errors, replacement_char), starts
