"""Operations on strings, one element at a time: joining, length, case, white space, substrings."""

import itertools
from collections.abc import Callable, Iterable

import numpy as np
import torch

from reflow.graph.build import call
from reflow.graph.export import export
from reflow.graph.registry import define_op
from reflow.graph.shapes import broadcast_dims
from reflow.ops.shape_rules import merge, unchanged_shape
from reflow.platform.deprecation import deprecated


def string_array(shape, values: Iterable[bytes]) -> np.ndarray:
    """The object array of a shape that holds these strings."""
    result = np.empty(shape, object)
    result.reshape(-1)[:] = list(values)
    return result


def mapped(function: Callable, array: np.ndarray) -> np.ndarray:
    """The array of `function` of each element."""
    return string_array(array.shape, map(function, array.reshape(-1).tolist()))


# --- joining ------------------------------------------------------------------------------------------------------


def _join_shape(op):
    dims = [tensor.dims for tensor in op._inputs]
    if all(d == () for d in dims):
        return [()]
    shape = None
    for each in dims:
        if each:
            shape = merge(shape, each)
    return [shape]


def _join(inputs, separator):
    if all(array.ndim == 0 for array in inputs):
        return np.array(separator.join(array.item() for array in inputs), object)
    shape = next(array.shape for array in inputs if array.ndim)
    rows = zip(*(np.broadcast_to(array, shape).reshape(-1) for array in inputs), strict=True)
    return string_array(shape, map(separator.join, rows))


define_op("StringJoin", "inputs: N*string -> output: string", 'N: int >= 1, separator: string = ""', shape=_join_shape,
          kernel=_join, gradient=None)  # fmt: skip


@export("strings.join", "string_join")
def string_join(inputs, separator="", name=None):
    """Joins strings, element by element.

    Args:
      inputs: a list of string tensors of one shape; scalars among them are repeated.
      separator: a string to put between them.
      name: the node's name.

    Returns:
      A string tensor of the inputs' shape.

    Raises:
      ValueError: if the shapes differ.
    """
    return call("StringJoin", inputs, name=name, separator=separator)


# --- length, case, white space ------------------------------------------------------------------------------------


def characters(text: bytes) -> int:
    """How many characters UTF-8 text has: its bytes without those that continue a character."""
    return len(text) - sum(byte & 0xC0 == 0x80 for byte in text)


def _length(input, unit):
    measure = len if unit == b"BYTE" else characters
    lengths = [measure(text) for text in input.reshape(-1).tolist()]
    return torch.tensor(lengths, dtype=torch.int32).reshape(input.shape)


def _with_case(change_ascii: Callable, change_text: Callable) -> Callable:
    """The kernel that changes the case of ASCII letters or, if the encoding is "utf-8", of all letters."""

    def kernel(input, encoding):
        if not encoding:
            return mapped(change_ascii, input)
        if encoding != b"utf-8":
            raise ValueError(f"only utf-8 or '' (no encoding) is supported, received {encoding.decode()}")
        # TensorFlow reads such text up to a NUL.
        return mapped(lambda text: change_text(text.partition(b"\0")[0].decode(errors="replace")).encode(), input)

    return kernel


define_op("StringLength", "input: string -> output: int32", "unit: string in BYTE|UTF8_CHAR = BYTE",
          shape=unchanged_shape, kernel=_length)  # fmt: skip
define_op("StringLower", "input: string -> output: string", 'encoding: string = ""', shape=unchanged_shape,
          kernel=_with_case(bytes.lower, str.lower))  # fmt: skip
define_op("StringUpper", "input: string -> output: string", 'encoding: string = ""', shape=unchanged_shape,
          kernel=_with_case(bytes.upper, str.upper))  # fmt: skip
define_op("StringStrip", "input: string -> output: string", shape=unchanged_shape,
          kernel=lambda input: mapped(bytes.strip, input))  # fmt: skip


@export("strings.length")
def string_length(input, name=None, unit="BYTE"):
    """The length of each string.

    Args:
      input: a string tensor.
      name: the node's name.
      unit: what to count: "BYTE", or "UTF8_CHAR" for the characters of UTF-8 text.

    Returns:
      An int32 tensor shaped like `input`.
    """
    return call("StringLength", input, unit=unit, name=name)


@export("strings.lower")
def string_lower(input, encoding="", name=None):
    """Each string in lower case.

    Args:
      input: a string tensor.
      encoding: "" to change ASCII letters only, or "utf-8".
      name: the node's name.

    Returns:
      A string tensor shaped like `input`.
    """
    return call("StringLower", input, encoding=encoding, name=name)


@export("strings.upper")
def string_upper(input, encoding="", name=None):
    """Each string in upper case.

    Args:
      input: a string tensor.
      encoding: "" to change ASCII letters only, or "utf-8".
      name: the node's name.

    Returns:
      A string tensor shaped like `input`.
    """
    return call("StringUpper", input, encoding=encoding, name=name)


@export("strings.strip", "string_strip")
def string_strip(input, name=None):
    """Each string without white space at its ends.

    Args:
      input: a string tensor.
      name: the node's name.

    Returns:
      A string tensor shaped like `input`.
    """
    return call("StringStrip", input, name=name)


# --- substrings ---------------------------------------------------------------------------------------------------


def _substr_shape(op):
    source, first, count = (tensor.dims for tensor in op._inputs)
    if first is not None and count is not None:
        if len(first) != len(count):
            raise ValueError(f"Shape must be rank {len(count)} but is rank {len(first)}")
        for a, b in zip(first, count, strict=True):
            if a != b:
                raise ValueError(f"pos and len shapes must match: {list(first)} vs. {list(count)}")
    return [broadcast_dims(source, first)]


def _substr(input, pos, len, unit):
    if pos.shape != len.shape:
        raise ValueError(f"pos and len should have the same shape, got: {list(pos.shape)} vs. {list(len.shape)}")
    shape = np.broadcast_shapes(input.shape, tuple(pos.shape))
    texts = np.broadcast_to(input, shape).reshape(-1).tolist()
    starts = pos.broadcast_to(shape).reshape(-1).tolist()
    counts = len.broadcast_to(shape).reshape(-1).tolist()
    cut = _bytes_from if unit == b"BYTE" else _characters_from
    return string_array(shape, map(cut, itertools.count(), texts, starts, counts))


def _bytes_from(place, text, start, count):
    # A negative length is read as an enormous one.
    first, last = _span(place, text, len(text), start, len(text) if count < 0 else count)
    return text[first:last]


def _characters_from(place, text, start, count):
    starts = [i for i, byte in enumerate(text) if byte & 0xC0 != 0x80]
    first, last = _span(place, text, len(starts), start, max(count, 0))
    ends = [*starts, len(text)]
    return text[ends[first] : ends[last]]


def _span(place, text, size, start, count):
    """The units of a substring: from which on, up to which; a negative start counts from the end."""
    if not -size <= start <= size:
        raise ValueError(f"pos {start} out of range for string b'{text.decode(errors='replace')}' at index {place}")
    first = start + size if start < 0 else start
    return first, min(first + count, size)


define_op(
    "Substr", "input: string, pos: T, len: T -> output: string",
    "T: type in int32|int64, unit: string in BYTE|UTF8_CHAR = BYTE", shape=_substr_shape, kernel=_substr,
)  # fmt: skip


@export("strings.substr")
def substr(input, pos, len, name=None, unit="BYTE"):
    """A part of each string.

    Args:
      input: a string tensor.
      pos: int32 or int64: where each part begins; counted from the end if negative. Broadcasts with `input`.
      len: a tensor like `pos`: how long each part is at most.
      name: the node's name.
      unit: what `pos` and `len` count: "BYTE", or "UTF8_CHAR" for the characters of UTF-8 text.

    Returns:
      A string tensor of the broadcast shape.

    Raises:
      ValueError: if the shapes do not fit.
      InvalidArgumentError: when run, if a part would begin outside of its string.
    """
    return call("Substr", input, pos, len, unit=unit, name=name)


@export("substr")
@deprecated(None, "Use `tf.strings.substr` instead of `tf.substr`.")
def substr_deprecated(input, pos, len, name=None, unit="BYTE"):
    """A part of each string: the older name of `tf.strings.substr`."""
    return substr(input, pos, len, name=name, unit=unit)
