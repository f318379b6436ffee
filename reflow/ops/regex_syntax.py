"""Regular expressions in RE2's syntax, as Python's `re` takes them.

The two agree on most constructs. Here the others are rewritten: flags in the middle, Unicode and POSIX classes, `\\z`,
`\\Q...\\E`, `\\x{...}`, `(?U)`, braces that are no repetition; and what RE2 does not have (look-around,
back-references, possessive repetition) is refused.
"""

import functools
import re
import sys
import unicodedata

from reflow.ops.unicode_script import script_ranges

_POSIX = {
    "alnum": "0-9A-Za-z", "alpha": "A-Za-z", "ascii": "\\x00-\\x7f", "blank": "\\t ", "cntrl": "\\x00-\\x1f\\x7f",
    "digit": "0-9", "graph": "!-~", "lower": "a-z", "print": " -~", "punct": "!-/:-@\\[-`{-~", "space": "\\t-\\r ",
    "upper": "A-Z", "word": "0-9A-Za-z_", "xdigit": "0-9A-Fa-f",
}  # fmt: skip
_PERL = {"d": "0-9", "s": "\\t\\n\\f\\r ", "w": "0-9A-Za-z_"}
# What `text_of` makes of bytes that are no UTF-8: no class has them.
_MALFORMED = (0xDC80, 0xDCFF)
_NOT_MALFORMED = "\\udc80-\\udcff"
_CONTROL = {"a": 7, "f": 12, "t": 9, "n": 10, "r": 13, "v": 11}
_REPEAT = re.compile(r"\{(\d+)(?:(,)(\d*))?\}")
_MOST_REPEATS = 1000


Ranges = list[tuple[int, int]]
"""A class of characters: the (first, last) of each run, in order."""


class RegexError(ValueError):
    """What is wrong with a pattern, in RE2's words."""


@functools.lru_cache(256)
def compiled(pattern: bytes) -> re.Pattern:
    """The compiled form of an RE2 pattern, for text decoded by `text_of`.

    Raises:
      RegexError: for what RE2 does not take either.
    """
    try:
        translated = _Translator(text_of(pattern)).translated()
        return re.compile(translated, re.ASCII)
    except (re.error, OverflowError, RecursionError) as error:
        raise RegexError(str(error)) from None


def text_of(data: bytes) -> str:
    """UTF-8 bytes as text that `bytes_of` turns back into the same bytes, even if they are malformed."""
    return data.decode("utf-8", "surrogateescape")


def bytes_of(text: str) -> bytes:
    """The inverse of `text_of`."""
    return text.encode("utf-8", "surrogateescape")


class _Translator:
    """One pass over a pattern.

    `levels` has, for each open group, the flag groups that were opened inside of it to stand for flags in the middle:
    they close with it, and are closed and opened again around each `|`.
    """

    def __init__(self, pattern: str):
        self.pattern = pattern
        self.place = 0
        self.parts: list[str] = []
        self.levels: list[list[str]] = [[]]
        self.flags: list[frozenset] = [frozenset()]

    def translated(self) -> str:
        can_repeat = False
        while self.place < len(self.pattern):
            can_repeat = self._one(can_repeat)
        if len(self.levels) > 1:
            raise RegexError(f"missing ): {self.pattern}")
        self.parts.append(")" * len(self.levels[0]))
        return "".join(self.parts)

    def _one(self, can_repeat: bool) -> bool:
        """Translate the construct at `place`; returns whether a repetition may follow."""
        char = self.pattern[self.place]
        if char in "*+?" or char == "{" and _REPEAT.match(self.pattern, self.place):
            return self._repetition(can_repeat)
        self.place += 1
        if char == "(":
            return self._group()
        if char == ")":
            return self._end_of_group()
        if char == "[":
            self.parts.append(self._char_class())
        elif char == "\\":
            return self._escape()
        elif char == "|":
            opened = self.levels[-1]
            self.parts.append(")" * len(opened) + "|" + "".join(opened))
            return False
        elif char == "$":
            self.parts.append("$" if "m" in self.flags[-1] else "\\Z")
        else:
            self.parts.append(self._any_character() if char == "." else char if char == "^" else re.escape(char))
        return True

    def _any_character(self) -> str:
        return f"[^{_NOT_MALFORMED}]" if "s" in self.flags[-1] else f"[^\\n{_NOT_MALFORMED}]"

    def _repetition(self, can_repeat: bool) -> bool:
        match = _REPEAT.match(self.pattern, self.place)
        text = match[0] if match else self.pattern[self.place]
        if not can_repeat:
            raise RegexError(f"no argument for repetition operator: {text}")
        if match and not _is_small(match):
            raise RegexError(f"invalid repetition size: {text}")
        self.place += len(text)
        is_lazy = self.pattern[self.place : self.place + 1] == "?"
        self.place += is_lazy
        following = self.pattern[self.place : self.place + 1]
        if following and following in "*+?" or _REPEAT.match(self.pattern, self.place):
            raise RegexError(f"bad repetition operator: {text}{following}")
        self.parts.append(text + "?" * (is_lazy != ("U" in self.flags[-1])))
        return False

    # --- groups ---------------------------------------------------------------------------------------------------

    def _group(self) -> bool:
        match = re.compile(r"\?(?:(P<\w+>)|([imsU]*(?:-[imsU]+)?)([:)]))").match(self.pattern, self.place)
        if match is None:
            if self.pattern[self.place : self.place + 1] == "?":
                raise RegexError(f"invalid perl operator: ({self.pattern[self.place : self.place + 2]}")
            self._open("(", self.flags[-1])
            return False
        self.place = match.end()
        if match[1]:  # Nothing asks for the names of groups, and RE2 lets two have the same.
            self._open("(", self.flags[-1])
            return False
        opening, flags = self._with_flags(match[2])
        if match[3] == ":":
            self._open(opening, flags)
        else:
            self.parts.append(opening)
            self.levels[-1].append(opening)
            self.flags[-1] = flags
        return False

    def _with_flags(self, text: str) -> tuple[str, frozenset]:
        """The opening of a group with some flags changed, and all flags that hold in it."""
        on, _, off = text.partition("-")
        changed = "-".join(filter(None, [on.replace("U", ""), off.replace("U", "")]))
        if off.replace("U", "") and not on.replace("U", ""):
            changed = f"-{changed}"
        return f"(?{changed}:", (self.flags[-1] | set(on)) - set(off)

    def _open(self, opening: str, flags: frozenset) -> None:
        self.parts.append(opening)
        self.levels.append([])
        self.flags.append(flags)

    def _end_of_group(self) -> bool:
        if len(self.levels) == 1:
            raise RegexError(f"missing (: {self.pattern}")
        self.parts.append(")" * (len(self.levels.pop()) + 1))
        self.flags.pop()
        return True

    # --- escapes --------------------------------------------------------------------------------------------------

    def _escape(self) -> bool:
        letter = self.pattern[self.place : self.place + 1]
        if letter in ("A", "z", "b", "B") and letter:
            self.place += 1
            self.parts.append("\\Z" if letter == "z" else f"\\{letter}")
        elif letter == "Q":
            self._quoted()
        elif letter == "C":
            self.place += 1
            self.parts.append("(?s:.)")
        else:
            ranges = self._class_escape()
            self.parts.append(f"[{_as_members(ranges)}]" if ranges is not None else self._literal_escape())
        return True

    def _quoted(self) -> None:
        end = self.pattern.find("\\E", self.place)
        text = self.pattern[self.place + 1 : end if end >= 0 else None]
        self.place = len(self.pattern) if end < 0 else end + 2
        self.parts.append(re.escape(text))

    def _class_escape(self) -> Ranges | None:
        """The class that the escape at `place` names; None if it names none."""
        letter = self.pattern[self.place : self.place + 1]
        if letter and letter in "dswDSW":
            self.place += 1
            ranges = _ascii_ranges(_PERL[letter.lower()])
            return ranges if letter.islower() else _complement(ranges)
        if letter not in ("p", "P"):
            return None
        match = re.compile(r"[pP](?:\{(\^?)(\w+)\}|(\w))").match(self.pattern, self.place)
        if match is None:
            raise RegexError(f"invalid character class range: \\{self.pattern[self.place : self.place + 2]}")
        self.place = match.end()
        ranges = _unicode_class(match[2] or match[3])
        return _complement(ranges) if (letter == "P") != bool(match[1]) else ranges

    def _literal_escape(self) -> str:
        """The character that the escape at `place` stands for, escaped."""
        match = re.compile(
            r"x\{([0-9A-Fa-f]+)\}|x([0-9A-Fa-f]{2})|(0[0-7]{0,2}|[1-7][0-7]{1,2})|([aftnrv])|([^0-9A-Za-z])", re.DOTALL
        ).match(self.pattern, self.place)
        if match is None:
            shown = self.pattern[self.place : self.place + 1]
            raise RegexError(f"invalid escape sequence: \\{shown}" if shown else "trailing \\")
        self.place = match.end()
        digits, short, octal, control, other = match.groups()
        if other:
            return re.escape(other)
        code = _CONTROL[control] if control else int(octal, 8) if octal else int(digits or short, 16)
        if code > sys.maxunicode:
            raise RegexError(f"invalid escape sequence: \\{match[0]}")
        return _escaped(code)

    # --- classes --------------------------------------------------------------------------------------------------

    def _char_class(self) -> str:
        start = self.place - 1
        parts = ["["]
        if self.pattern.startswith("^", self.place):
            self.place += 1
            parts.append(f"^{_NOT_MALFORMED}")
        is_first = True
        while is_first or not self.pattern.startswith("]", self.place):
            if self.place >= len(self.pattern):
                raise RegexError(f"missing ]: {self.pattern[start:]}")
            parts.append(self._class_members())
            is_first = False
        self.place += 1
        return "".join(parts) + "]"

    def _class_members(self) -> str:
        """One member of a class: a character, a range or a class by name."""
        posix = re.compile(r"\[:(\^?)(\w+):\]").match(self.pattern, self.place)
        if posix:
            if posix[2] not in _POSIX:
                raise RegexError(f"invalid character class range: {posix[0]}")
            self.place = posix.end()
            ranges = _ascii_ranges(_POSIX[posix[2]])
            return _as_members(_complement(ranges) if posix[1] else ranges)
        if self.pattern[self.place] == "\\":
            self.place += 1
            ranges = self._class_escape()
            if ranges is not None:
                return _as_members(ranges)
            self.place -= 1
        first = self._class_char()
        if not re.compile(r"-[^\]]", re.DOTALL).match(self.pattern, self.place):
            return first
        self.place += 1
        return f"{first}-{self._class_char()}"

    def _class_char(self) -> str:
        char = self.pattern[self.place]
        self.place += 1
        return self._literal_escape() if char == "\\" else _escaped(ord(char))


def _is_small(match: re.Match) -> bool:
    least, most = int(match[1]), int(match[3] or match[1])
    return least <= most <= _MOST_REPEATS


def _escaped(code: int) -> str:
    return f"\\U{code:08x}"


@functools.cache
def _ascii_ranges(members: str) -> Ranges:
    """A class of ASCII characters, written as Python writes it."""
    inside = re.compile(f"[{members}]")
    return _runs([code for code in range(128) if inside.match(chr(code))])


def _complement(ranges: Ranges) -> Ranges:
    """All characters that a class does not have; what is malformed is in neither."""
    gaps, start = [], 0
    for first, last in sorted([*ranges, _MALFORMED]):
        if first > start:
            gaps.append((start, first - 1))
        start = last + 1
    return [*gaps, (start, sys.maxunicode)] if start <= sys.maxunicode else gaps


def _runs(codes: list[int]) -> Ranges:
    """The runs of successive numbers in an ascending list."""
    runs: list[list[int]] = []
    for code in codes:
        if runs and runs[-1][1] == code - 1:
            runs[-1][1] = code
        else:
            runs.append([code, code])
    return [(first, last) for first, last in runs]


def _as_members(ranges: Ranges) -> str:
    return "".join(f"{_escaped(first)}-{_escaped(last)}" for first, last in ranges)


@functools.cache
def _unicode_class(name: str) -> Ranges:
    """A Unicode general category ("L", "Nd") or script ("Greek")."""
    if name == "Any":
        return _complement([])
    ranges = script_ranges(name)
    if ranges is None and len(name) <= 2:
        codes = [c for c in range(sys.maxunicode + 1) if unicodedata.category(chr(c)).startswith(name)]
        ranges = _runs(codes)
    if not ranges:
        raise RegexError(f"invalid character class range: \\p{{{name}}}")
    return ranges
