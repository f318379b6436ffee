"""Graphs of quantized ops that no CPU runs are TensorFlow's."""

import pytest

import reflow as tf
from tests.ops.recorded import _import_from_goldens, _short_floats

outcome = _import_from_goldens("without_kernels_cases").outcome
functions = _import_from_goldens("quantized_graphs_cases").case.functions
recorded = _import_from_goldens("op_recording").read("quantized_graphs")


@pytest.mark.parametrize("name", list(functions))
def test_graphs_as_tensorflow_builds_them(name):
    expected, actual = recorded[name], outcome(tf, functions[name])
    if "error" in expected or "error" in actual:
        assert actual.get("error") == expected.get("error"), actual.get("message")
        assert actual["message"].startswith(expected["message"].split(" for '")[0])
        return
    assert actual["shapes"] == expected["shapes"]
    assert sorted(map(_short_floats, actual["nodes"])) == sorted(map(_short_floats, expected["nodes"]))
