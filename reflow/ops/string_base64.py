"""Base64 for URLs: EncodeBase64, DecodeBase64."""

import base64
import binascii
import re

from reflow.graph.build import call
from reflow.graph.export import export
from reflow.graph.registry import define_op
from reflow.ops.shape_rules import unchanged_shape
from reflow.ops.strings import mapped

_DIGITS = re.compile(rb"[A-Za-z0-9_-]*={0,2}")


def _encode(input, pad):
    encode = base64.urlsafe_b64encode
    return mapped(encode if pad else lambda text: encode(text).rstrip(b"="), input)


def _decoded(text: bytes) -> bytes:
    digits = text.rstrip(b"=")
    padding = len(text) - len(digits)
    if len(text) % 4 == 1:
        raise ValueError("Base64 string length cannot be 1 modulo 4.")
    if not _DIGITS.fullmatch(text) or padding and len(text) % 4 or len(digits) % 4 == 1:
        raise ValueError("Invalid character found in base64.")
    try:
        return base64.urlsafe_b64decode(digits + b"=" * (-len(digits) % 4))
    except binascii.Error as error:
        raise ValueError(f"Invalid base64: {error}") from None


define_op("EncodeBase64", "input: string -> output: string", "pad: bool = false", shape=unchanged_shape,
          kernel=_encode, gradient=None)  # fmt: skip
define_op("DecodeBase64", "input: string -> output: string", shape=unchanged_shape,
          kernel=lambda input: mapped(_decoded, input), gradient=None)  # fmt: skip


@export("io.encode_base64", "encode_base64")
def encode_base64(input, pad=False, name=None):
    """Each string in the base64 that is safe in URLs (RFC 4648, with "-" and "_").

    Args:
      input: a string tensor.
      pad: whether to fill up with "=" to a multiple of four characters.
      name: the node's name.

    Returns:
      A string tensor shaped like `input`.
    """
    return call("EncodeBase64", input, pad=pad, name=name)


@export("io.decode_base64", "decode_base64")
def decode_base64(input, name=None):
    """The strings that base64 safe for URLs stands for, padded or not.

    Args:
      input: a string tensor.
      name: the node's name.

    Returns:
      A string tensor shaped like `input`.

    Raises:
      InvalidArgumentError: when run, for what is no base64.
    """
    return call("DecodeBase64", input, name=name)
