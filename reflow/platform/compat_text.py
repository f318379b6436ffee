"""`tf.compat`: conversion between bytes and text, and the tuples of Python and NumPy types that count as numbers."""

import numbers
import os

import numpy as np

from reflow.graph.export import export, export_values

# For isinstance: NumPy scalars do not derive from Python's abstract number classes.
integral_types = (numbers.Integral, np.integer)
real_types = (numbers.Real, np.integer, np.floating)
complex_types = (numbers.Complex, np.number)
bytes_or_text_types = (bytes, str)

export_values(
    {
        "compat.integral_types": integral_types,
        "compat.real_types": real_types,
        "compat.complex_types": complex_types,
        "compat.bytes_or_text_types": bytes_or_text_types,
    }
)


@export("compat.as_bytes")
def as_bytes(bytes_or_text, encoding: str = "utf-8") -> bytes:
    """Converts text to bytes.

    Args:
      bytes_or_text: a str, or bytes, which are returned as they are.
      encoding: the name of the encoding.

    Returns:
      The bytes.

    Raises:
      TypeError: if the argument is neither bytes nor text.
    """
    if isinstance(bytes_or_text, str):
        return bytes_or_text.encode(encoding)
    if isinstance(bytes_or_text, bytes):
        return bytes_or_text
    raise TypeError(f"Expected binary or unicode string, got {bytes_or_text!r}")


@export("compat.as_text", "compat.as_str")
def as_text(bytes_or_text, encoding: str = "utf-8") -> str:
    """Converts bytes to text.

    Args:
      bytes_or_text: bytes, or a str, which is returned as it is.
      encoding: the name of the encoding.

    Returns:
      The text.

    Raises:
      TypeError: if the argument is neither bytes nor text.
    """
    if isinstance(bytes_or_text, str):
        return bytes_or_text
    if isinstance(bytes_or_text, bytes):
        return bytes_or_text.decode(encoding)
    raise TypeError(f"Expected binary or unicode string, got {bytes_or_text!r}")


as_str = as_text


@export("compat.as_str_any")
def as_str_any(value) -> str:
    """Converts any value to text: bytes are decoded as UTF-8, everything else goes through `str`."""
    return as_text(value) if isinstance(value, bytes) else str(value)


@export("compat.path_to_str")
def path_to_str(path):
    """Converts an `os.PathLike` object `path` to text; anything else is returned as it is."""
    return as_str_any(path.__fspath__()) if isinstance(path, os.PathLike) else path
