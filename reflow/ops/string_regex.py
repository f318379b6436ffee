"""Regular expressions: RegexReplace, RegexFullMatch and their forms with a constant pattern."""

import re

import torch

from reflow.graph.build import call
from reflow.graph.export import export
from reflow.graph.registry import define_op
from reflow.ops.regex_syntax import RegexError, bytes_of, compiled, text_of
from reflow.ops.shape_rules import unchanged_shape, with_rank
from reflow.ops.strings import mapped


def _pattern(pattern: bytes) -> re.Pattern:
    try:
        return compiled(pattern)
    except RegexError as error:
        raise ValueError(f"Invalid pattern: {pattern.decode(errors='replace')}, error: {error}") from None


# --- matching -----------------------------------------------------------------------------------------------------


def _static_full_match(input, pattern):
    matches = _pattern(pattern).fullmatch
    found = [matches(text_of(text)) is not None for text in input.reshape(-1).tolist()]
    return torch.tensor(found, dtype=torch.bool).reshape(input.shape)


def _scalar(array, name):
    if array.ndim:
        raise ValueError(f"{name} must be scalar, but received {list(array.shape)}")
    return array.item()


def _full_match(input, pattern):
    return _static_full_match(input, _scalar(pattern, "Pattern"))


# --- replacing ----------------------------------------------------------------------------------------------------

_REWRITE = re.compile(r"\\(.?)|[^\\]+", re.DOTALL)


class _Rewrite:
    """What to put in place of a match.

    Attributes:
      is_valid: False if a backslash stands before neither a digit nor a backslash: `parts` ends there.
    """

    def __init__(self, text: str):
        self.parts: list[str | int] = []
        self.is_valid = True
        for match in _REWRITE.finditer(text):
            if match[1] is None or match[1] == "\\":
                self.parts.append(match[1] or match[0])
            elif match[1] and match[1] in "0123456789":
                self.parts.append(int(match[1]))
            else:
                self.is_valid = False
                break

    def of(self, match: re.Match) -> str:
        """The text for one match; groups that the pattern does not have are empty."""
        groups = (match[0], *match.groups(""), *[""] * 9)
        return "".join([part if isinstance(part, str) else groups[part] for part in self.parts])


def _replaced_first(pattern, rewrite, text):
    match = pattern.search(text)
    if match is None or not rewrite.is_valid:
        return text
    return text[: match.start()] + rewrite.of(match) + text[match.end() :]


def _replaced_all(pattern, rewrite, text):
    """Unlike `re.sub`, nothing is put where an empty match follows directly on another match."""
    parts, place, last_end = [], 0, -1
    while place <= len(text):
        match = pattern.search(text, place)
        if match is None:
            break
        parts.append(text[place : match.start()])
        if match.end() == match.start() == last_end:
            parts.append(text[place : place + 1])
            place += 1
            continue
        parts.append(rewrite.of(match))
        place = last_end = match.end()
    parts.append(text[place:])
    return "".join(parts)


def _static_replace(input, pattern, rewrite, replace_global):
    regex, parsed = _pattern(pattern), _Rewrite(text_of(rewrite))
    replaced = _replaced_all if replace_global else _replaced_first
    return mapped(lambda text: bytes_of(replaced(regex, parsed, text_of(text))), input)


def _replace(input, pattern, rewrite, replace_global):
    return _static_replace(input, _scalar(pattern, "Pattern"), _scalar(rewrite, "Rewrite"), replace_global)


# --- ops ----------------------------------------------------------------------------------------------------------


def _with_scalars_shape(op):
    for tensor in op._inputs[1:]:
        with_rank(tensor.dims, 0)
    return unchanged_shape(op)


define_op("RegexFullMatch", "input: string, pattern: string -> output: bool", shape=_with_scalars_shape,
          kernel=_full_match)  # fmt: skip
define_op("StaticRegexFullMatch", "input: string -> output: bool", "pattern: string", shape=unchanged_shape,
          kernel=_static_full_match)  # fmt: skip
define_op(
    "RegexReplace", "input: string, pattern: string, rewrite: string -> output: string",
    "replace_global: bool = true", shape=_with_scalars_shape, kernel=_replace, gradient=None,
)  # fmt: skip
define_op(
    "StaticRegexReplace", "input: string -> output: string",
    "pattern: string, rewrite: string, replace_global: bool = true",
    shape=unchanged_shape, kernel=_static_replace,
)  # fmt: skip


@export("strings.regex_full_match")
def regex_full_match(input, pattern, name=None):
    """Whether a regular expression matches the whole of each string.

    Args:
      input: a string tensor.
      pattern: the expression in RE2's syntax: a string or a string scalar.
      name: the node's name.

    Returns:
      A bool tensor shaped like `input`.

    Raises:
      InvalidArgumentError: when run, for a malformed pattern.
    """
    if isinstance(pattern, (str, bytes)):
        return call("StaticRegexFullMatch", input, pattern=pattern, name=name)
    return call("RegexFullMatch", input, pattern, name=name)


@export("strings.regex_replace", "regex_replace")
def regex_replace(input, pattern, rewrite, replace_global=True, name=None):
    """Each string with the matches of a regular expression replaced.

    Args:
      input: a string tensor.
      pattern: the expression in RE2's syntax: a string or a string scalar.
      rewrite: what to put there, with \\1 to \\9 for the groups of the match: a string or a string scalar.
      replace_global: whether to replace all matches that do not overlap, or the first one.
      name: the node's name.

    Returns:
      A string tensor shaped like `input`.

    Raises:
      InvalidArgumentError: when run, for a malformed pattern.
    """
    attrs = {"replace_global": replace_global, "name": name}
    if isinstance(pattern, (str, bytes)) and isinstance(rewrite, (str, bytes)):
        return call("StaticRegexReplace", input, pattern=pattern, rewrite=rewrite, **attrs)
    return call("RegexReplace", input, pattern, rewrite, **attrs)
