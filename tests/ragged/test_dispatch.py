"""Which functions take ragged arguments, and what that costs the others."""

import inspect
import json
import pathlib
import sys

import pytest

import reflow as tf
from reflow.graph.export import EXPORTS
from reflow.platform import deprecation, logging
from reflow.ragged import dispatch

DISPATCHED = pathlib.Path(__file__).parents[1] / "goldens" / "ragged_dispatch.json"


_WRAPPER_CODE = dispatch.with_ragged(lambda: None, None).__code__


def _replaced(function):
    while function is not None:
        if getattr(function, "__code__", None) is _WRAPPER_CODE:
            return True
        function = getattr(function, "__wrapped__", None)
    return False



# TensorFlow hands these on to functions of its second API, which have the dispatchers; and names from before 1.0.
BY_OTHER_FUNCTIONS = {
    *(f"{prefix}reduce_{op}" for prefix in ("", "math.") for op in ("sum", "prod", "min", "max", "mean", "any", "all")),
    "reduce_join", "strings.reduce_join", "complex_abs", "inv", "mul", "neg", "pack", "select", "sub",
}  # fmt: skip


def test_the_functions_are_tensorflows():
    """Public names of functions for which TensorFlow 1.15.5 registers a dispatcher of ragged arguments."""
    ours = {name for name, value in EXPORTS.items() if inspect.isfunction(value) and _replaced(value)}
    assert ours - BY_OTHER_FUNCTIONS == set(json.loads(DISPATCHED.read_text()))
    assert ours >= BY_OTHER_FUNCTIONS


def test_modules_offer_what_the_public_names_do():
    for name in ("add", "concat", "reduce_sum", "gather", "abs"):
        module = sys.modules[EXPORTS[name].__module__]
        assert getattr(module, name) is EXPORTS[name]


def test_signatures_and_docstrings_stay():
    assert list(inspect.signature(tf.concat).parameters) == ["values", "axis", "name"]
    assert tf.add.__name__ == "add"
    assert "x + y" in tf.add.__doc__


def test_the_first_error_is_raised_if_nothing_is_ragged():
    with pytest.raises(TypeError, match="not in list of allowed values"):
        tf.floor(["text"])
    with pytest.raises(ValueError, match="Dimensions must be equal|Shapes"):
        tf.add(tf.zeros([2]), tf.zeros([3]))


def test_dense_arguments_never_reach_the_handler():
    asked = []
    function = dispatch.with_ragged(lambda x: x + 1, lambda *call: asked.append(call))
    assert function(1) == 2
    assert asked == []


def test_other_errors_pass():
    def broken(x):
        raise KeyError(x)

    with pytest.raises(KeyError):
        dispatch.with_ragged(broken, None)(1)


def test_notes_name_the_line_of_the_program(monkeypatch):
    noted = []
    monkeypatch.setattr(logging, "warning", lambda message, *args: noted.append(args[0]))
    monkeypatch.setattr(deprecation, "_already_noted", set())
    tf.concat(0, [[1], [2]])
    assert noted == [__file__]
