"""A program's mistakes: TensorFlow 1.15.5's exception classes and words (tests/goldens/bad_input_*.py)."""

import json
import pathlib
import sys

import pytest

import reflow as tf

GOLDENS = pathlib.Path(__file__).parent / "goldens"
sys.path.append(str(GOLDENS))
import bad_input_cases  # noqa: E402, F401 - it fills the recording's cases, as the next but one does
import bad_input_recording  # noqa: E402
import bad_input_when_run_cases  # noqa: E402, F401

RECORDED = json.loads((GOLDENS / "bad_input.json").read_text())


# The class is TensorFlow's; the message says the same in other words, or says more.
OTHER_WORDS = {
    "iteration": "says what to do instead",
    "truth": "says what to do instead",
    "uninitialized_variable": "says what to do",
    "uninitialized_resource_variable": "TensorFlow speaks of its containers",
}


@pytest.mark.parametrize("name", bad_input_recording.cases)
def test_says_what_tensorflow_says(name):
    ours, theirs = bad_input_recording.outcome(tf, name), RECORDED[name]
    if name in OTHER_WORDS:
        assert ours[0] == theirs[0]
        assert ours[1] != theirs[1]
    else:
        assert ours == theirs
