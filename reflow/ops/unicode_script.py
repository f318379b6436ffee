"""The scripts that characters belong to: UnicodeScript, and the ranges that regular expressions name.

`unicode_scripts.txt` lists where in Unicode the script changes; scripts have ICU's numbers (UScriptCode).
"""

import functools
import pathlib
import sys

import numpy as np
import torch

from reflow.graph.build import call
from reflow.graph.export import export
from reflow.graph.registry import define_op
from reflow.ops.shape_rules import unchanged_shape

_TABLE = pathlib.Path(__file__).with_name("unicode_scripts.txt")
# In the order of their numbers in ICU; 54 is no script of any character.
_NAMES_TEXT = (
    "Common Inherited Arabic Armenian Bengali Bopomofo Cherokee Coptic Cyrillic Deseret Devanagari Ethiopic Georgian "
    "Gothic Greek Gujarati Gurmukhi Han Hangul Hebrew Hiragana Kannada Katakana Khmer Lao Latin Malayalam Mongolian "
    "Myanmar Ogham Old_Italic Oriya Runic Sinhala Syriac Tamil Telugu Thaana Thai Tibetan Canadian_Aboriginal Yi "
    "Tagalog Hanunoo Buhid Tagbanwa Braille Cypriot Limbu Linear_B Osmanya Shavian Tai_Le Ugaritic - Buginese "
    "Glagolitic Kharoshthi Syloti_Nagri New_Tai_Lue Tifinagh Old_Persian"
)
_NAMES = _NAMES_TEXT.split()


@functools.cache
def _runs() -> tuple[np.ndarray, np.ndarray]:
    """(first character, script) of each run."""
    lines = [line.split() for line in _TABLE.read_text().splitlines() if not line.startswith("#")]
    return np.array([int(start, 16) for start, _ in lines]), np.array([int(script) for _, script in lines], np.int32)


def script_ranges(name: str) -> list[tuple[int, int]] | None:
    """The (first, last) characters of a script; None if no script of that name is known here."""
    if name not in _NAMES:
        return None
    starts, scripts = _runs()
    ends = np.append(starts[1:] - 1, sys.maxunicode)
    chosen = scripts == _NAMES.index(name)
    return list(zip(starts[chosen].tolist(), ends[chosen].tolist(), strict=True))


def _script(input):
    codes = input.numpy()
    starts, scripts = _runs()
    found = scripts[np.searchsorted(starts, codes, side="right") - 1]
    return torch.from_numpy(np.asarray(np.where((codes < 0) | (codes > sys.maxunicode), np.int32(-1), found)))


define_op("UnicodeScript", "input: int32 -> output: int32", shape=unchanged_shape, kernel=_script)


@export("strings.unicode_script")
def unicode_script(input, name=None):
    """The script that each character belongs to.

    Args:
      input: an int32 tensor of code points.
      name: the node's name.

    Returns:
      An int32 tensor shaped like `input` of ICU's numbers of scripts (UScriptCode); -1 for what is no character.
    """
    return call("UnicodeScript", input, name=name)
