"""Tensors as text, in the forms that TensorFlow's Assert, Print and string formatting give them."""

import math

import ml_dtypes
import numpy as np

from reflow.ops.torch_types import array_of

_SHORT_ESCAPES = {ord("\n"): "\\n", ord("\r"): "\\r", ord("\t"): "\\t", ord('"'): '\\"', ord("'"): "\\'",
                  ord("\\"): "\\\\"}  # fmt: skip


def plain_text(value, most: int) -> str:
    """The first `most` elements (all if negative), rows in brackets: "[0 1 2...]...", as Assert and Print show them."""
    array = np.asarray(array_of(value))
    elements = array.reshape(-1)
    limit = elements.size if most < 0 else min(most, elements.size)
    if not array.ndim:
        text = _element(elements[0], False) if limit else ""
    else:
        parts: list[str] = []
        _plain_rows(array.shape, elements, limit, 0, 0, parts)
        text = "".join(parts)
    return text + ("..." if elements.size > limit else "")


def _plain_rows(shape, elements, limit, axis, done, parts) -> int:
    """Append the text of one row of axis `axis`; returns how many elements have been shown."""
    if done >= limit:
        return done
    if axis == len(shape) - 1:
        for i in range(shape[axis]):
            if done >= limit:
                if axis:
                    parts.append("...")
                break
            parts.append(f"{' ' if i else ''}{_element(elements[done], False)}")
            done += 1
        return done
    for _ in range(shape[axis]):
        is_open = done < limit
        if is_open:
            parts.append("[")
        done = _plain_rows(shape, elements, limit, axis + 1, done, parts)
        if is_open:
            parts.append("]")
    return done


def framed_text(value, most: int) -> str:
    """At most `most` elements from both ends of every axis (all if negative), laid out as NumPy does."""
    array = np.asarray(array_of(value))
    ends = array.size if most < 0 else min(most, array.size)
    if not array.ndim:
        return _element(array[()], True) if ends else "..."
    return _frame(array, ends, 0, array.ndim)


def _frame(array, ends, axis, rank) -> str:
    if axis == rank:
        return _element(array[()], True)
    count = array.shape[0]
    between = " " if axis == rank - 1 else "\n" * (rank - axis - 1) + " " * (axis + 1)
    parts = [_frame(array[i, ...], ends, axis + 1, rank) for i in range(min(ends, count))]
    text = between.join(parts)
    if count > 2 * ends:
        text += f"{between}..."
    for i in range(max(ends, count - ends), count):
        text += between + _frame(array[i, ...], ends, axis + 1, rank)
    return f"[{text}]"


def _element(value, quoted: bool) -> str:
    if isinstance(value, (bytes, str)):
        data = value.encode() if isinstance(value, str) else value
        text = "".join(_SHORT_ESCAPES.get(c) or (chr(c) if 32 <= c < 127 else f"\\{c:03o}") for c in data)
        return f'"{text}"' if quoted else text
    if isinstance(value, (bool, np.bool_)):
        return "1" if value else "0"
    if isinstance(value, np.float64):
        return _shortest(float(value), 15, 17)
    if isinstance(value, (np.floating, ml_dtypes.bfloat16)):
        return _shortest(float(value), 6, 9)
    if isinstance(value, np.complexfloating):
        # TensorFlow 1.15 shows a question mark for these.
        return f"({_element(value.real, quoted)},{_element(value.imag, quoted)})"
    return str(int(value))


def _shortest(number: float, digits: int, all_digits: int) -> str:
    """With `digits` significant digits if that is exact, else with `all_digits`."""
    if math.isnan(number):
        return "nan"
    if math.isinf(number):
        return "inf" if number > 0 else "-inf"
    for precision in (digits, all_digits):
        text = f"{number:.{precision}g}"
        if precision == all_digits or _same(text, number, all_digits):
            break
    return text


def _same(text: str, number: float, all_digits: int) -> bool:
    return np.float32(text) == np.float32(number) if all_digits == 9 else float(text) == number
