"""File name patterns as TensorFlow matches them.

Unlike Python's `glob`, a star matches hidden files too, a backslash takes the next character literally, and "**" is
no more than "*".
"""

import os
import re

_SPECIAL = re.compile(r"[*?\[\\]")


def matching_paths(pattern: str) -> list[str]:
    """Lists the existing paths that match a pattern, sorted.

    Args:
      pattern: a path whose components may hold `*`, `?`, `[...]`, `[!...]` and `\\x`.

    Returns:
      A list of paths that begin as the pattern does.
    """
    first = _SPECIAL.search(pattern)
    if first is None:
        return [pattern] if os.path.exists(pattern) and not pattern.endswith("/") else []
    fixed = pattern.rfind("/", 0, first.start()) + 1
    found = [pattern[:fixed]]
    components = pattern[fixed:].split("/")
    for position, component in enumerate(components):
        is_last = position == len(components) - 1
        matcher = re.compile(_translate(component), re.DOTALL)
        found = [path for folder in found for path in _matches_in(folder, matcher, is_last)]
    return sorted(found)


def _matches_in(folder: str, matcher: re.Pattern[str], is_last: bool) -> list[str]:
    """The matching entries of a folder; for a component that is not the last, folders with a slash behind."""
    try:
        names = os.listdir(folder or ".")
    except OSError:
        # A folder that cannot be read holds nothing that could be opened either.
        return []
    paths = [folder + name for name in names if matcher.fullmatch(name)]
    return paths if is_last else [f"{path}/" for path in paths if os.path.isdir(path)]


def _translate(component: str) -> str:
    """A regular expression for one path component, by the rules of POSIX fnmatch."""
    parts, position = [], 0
    while position < len(component):
        char = component[position]
        end = _bracket_end(component, position) if char == "[" else 0
        if char == "*":
            parts.append(".*")
        elif char == "?":
            parts.append(".")
        elif end:
            parts.append(_translate_bracket(component[position + 1 : end]))
            position = end
        elif char == "\\" and position + 1 < len(component):
            position += 1
            parts.append(re.escape(component[position]))
        else:
            parts.append(re.escape(char))
        position += 1
    return "".join(parts)


def _bracket_end(component: str, start: int) -> int:
    """The index of the bracket that closes the one at `start`, or 0: a first "]" is a member, not the end."""
    first_member = start + 2 if component[start + 1 : start + 2] in ("!", "^") else start + 1
    return max(component.find("]", first_member + 1), 0)


def _translate_bracket(members: str) -> str:
    negated = members[0] in "!^"
    body = re.sub(r"([\[\]^&~|\\])", r"\\\1", members[1:] if negated else members)
    return f"[{'^' if negated else ''}{body}]"
