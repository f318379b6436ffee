"""Encoded text taken apart into characters and put together: what the Unicode ops and ICU's converters do."""

import codecs
from collections.abc import Callable
from dataclasses import dataclass


def _find_codec(encoding: str) -> codecs.CodecInfo:
    try:
        return codecs.lookup(encoding.replace(" ", "_"))
    except LookupError:
        raise ValueError(f"Could not create converter for input encoding: {encoding}") from None


@dataclass(frozen=True)
class ErrorOptions:
    """What to do with malformed text.

    Attributes:
      errors: "strict", "replace" or "ignore".
      replacement: the code point that stands for what is malformed.
      replaces_control: whether control characters count as malformed.
    """

    errors: str
    replacement: int
    replaces_control: bool = False

    def __post_init__(self):
        if not 0 <= self.replacement <= 0x10FFFF:
            raise ValueError("replacement_char out of unicode codepoint range")


class _Place(Exception):
    """Where decoding stopped: raised by no codec, so that it comes through."""

    def __init__(self, start: int, end: int):
        super().__init__()
        self.start, self.end = start, end


def _stop(error):
    raise _Place(error.start, error.end)


codecs.register_error("reflow.stop", _stop)


def characters(text: bytes, encoding: str) -> list[tuple[int | None, int]]:
    """(code point, where it begins) of each character; None for each part that is malformed.

    Raises:
      ValueError: for an encoding that is not known.
    """
    codec = _find_codec(encoding)
    result: list[tuple[int | None, int]] = []
    base = 0
    while base < len(text):
        try:
            decoded, malformed = codec.decode(text[base:], "reflow.stop")[0], None
        except _Place as place:
            # A codec that keeps a state is not expected to fail in what it has decoded without failing before.
            decoded, malformed = codec.decode(text[base : base + place.start], "reflow.stop")[0], place
        start = base
        size = _size_function(codec, encoding)
        for character in decoded:
            result.append((ord(character), start))
            start += size(character)
        if malformed is None:
            break
        result.append((None, base + malformed.start))
        base += max(malformed.end, malformed.start + 1)
    return result


def _size_function(codec: codecs.CodecInfo, encoding: str) -> Callable[[str], int]:
    if codec.name == "utf-8":
        return lambda c: 1 if c < "\x80" else 2 if c < "\u0800" else 3 if c < "\U00010000" else 4
    if codec.name.startswith("utf-16"):
        return lambda c: 2 if c < "\U00010000" else 4
    if codec.name.startswith("utf-32"):
        return lambda c: 4
    return lambda c: len(codec.encode(c)[0])


def decoded(text: bytes, encoding: str, options: ErrorOptions) -> list[tuple[int, int]]:
    """(code point, where it begins) of each character, malformed ones dealt with.

    Raises:
      ValueError: for malformed text if that is an error, and for an encoding that is not known.
    """
    result = []
    for code, start in characters(text, encoding):
        if code is not None and (code > 0x1F or not options.replaces_control):
            result.append((code, start))
        elif options.errors == "strict":
            raise ValueError("Invalid formatting on input string")
        elif options.errors != "ignore":
            result.append((options.replacement, start))
    return result


def encoded(codes: list[int], encoding: str, options: ErrorOptions) -> bytes:
    """The text of some code points in "UTF-8", "UTF-16-BE" or "UTF-32-BE".

    Raises:
      ValueError: for what is no character if that is an error.
    """
    kept = []
    for code in codes:
        if 0 <= code <= 0x10FFFF:
            kept.append(code)
        elif options.errors == "strict":
            raise ValueError("Code point value out of valid Unicode range.")
        elif options.errors == "replace":
            kept.append(options.replacement)
    # No encoding has surrogates.
    return "".join([chr(0xFFFD if 0xD800 <= code < 0xE000 else code) for code in kept]).encode(encoding)
