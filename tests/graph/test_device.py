import json
import pathlib
import types

import pytest

from reflow.graph.device import DeviceSpec, canonical_name, merge_device

GOLDENS = json.loads((pathlib.Path(__file__).parents[1] / "goldens" / "graph_values.json").read_text())


def _outcome(compute):
    try:
        return {"value": compute()}
    except Exception as error:
        return {"error": type(error).__name__, "message": str(error)}


def _components(text):
    spec = DeviceSpec.from_string(text)
    return [spec.to_string(), spec.job, spec.replica, spec.task, spec.device_type, spec.device_index]


@pytest.mark.parametrize(("text", "expected"), GOLDENS["devices"])
def test_parsing_as_tensorflow_does(text, expected):
    assert _outcome(lambda: _components(text)) == expected


@pytest.mark.parametrize(("expression", "expected"), GOLDENS["specs"])
def test_specs_as_tensorflow_makes_them(expression, expected):
    names = {"DeviceSpec": DeviceSpec, "canonical_name": canonical_name}
    got = _outcome(lambda: repr(eval(expression, names)))
    if "message" in expected:
        got["message"] = got["message"].replace("DeviceSpec.__init__", "__init__")  # Newer Pythons qualify it.
    assert got == expected


@pytest.mark.parametrize(("outer", "inner", "expected"), GOLDENS["merges"])
def test_nested_scopes_merge_as_in_tensorflow(outer, inner, expected):
    operation = types.SimpleNamespace(device="")
    for spec in (inner, outer):
        operation.device = merge_device(spec)(operation)
    assert operation.device == expected


def test_a_spec_changes_in_place():
    spec = DeviceSpec(job="a", device_type="cpu")
    spec.task = 3
    assert spec.to_string() == "/job:a/task:3/device:CPU:*"
    spec.merge_from(DeviceSpec(device_type="gpu", device_index=2))
    assert spec.to_string() == "/job:a/task:3/device:GPU:2"
    assert spec.parse_from_string("/job:z") is spec
    assert spec == DeviceSpec(job="z") and hash(spec) == hash(DeviceSpec(job="z"))


def test_a_device_function_keeps_the_spec_it_was_made_of():
    spec = DeviceSpec(job="a")
    function = merge_device(spec)
    spec.job = "b"
    assert function(types.SimpleNamespace(device="")) == "/job:a"
    assert merge_device(function) is function


def test_what_is_no_device_is_an_error():
    with pytest.raises(TypeError, match="must be a string"):
        merge_device(3)
