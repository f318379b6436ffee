"""Text conversion, versions, resources and the compatibility horizon."""

import os
import pathlib

import numpy as np
import pytest

from reflow.graph.export import EXPORTS
from reflow.platform import compat_text, forward_compatibility, resource_loader, versions


def test_text_conversion():
    assert compat_text.as_bytes("h\u00e9") == "h\u00e9".encode()
    assert compat_text.as_text(b"h\xe9", "latin-1") == "h\u00e9"
    assert compat_text.as_str(b"a") == compat_text.as_str("a") == "a"
    assert compat_text.as_str_any(b"a") == "a"
    assert compat_text.as_str_any(3) == "3"
    assert compat_text.path_to_str(pathlib.PurePosixPath("a/b")) == "a/b"
    assert compat_text.path_to_str(b"a") == b"a"
    for convert in (compat_text.as_bytes, compat_text.as_text):
        with pytest.raises(TypeError, match="Expected binary or unicode string, got 3"):
            convert(3)


def test_number_types():
    assert isinstance(np.int8(1), EXPORTS["compat.integral_types"])
    assert isinstance(np.float32(1), EXPORTS["compat.real_types"])
    assert not isinstance(1j, EXPORTS["compat.real_types"])
    assert isinstance(np.complex64(1), EXPORTS["compat.complex_types"])


def test_versions_are_those_of_the_release_whose_behaviour_this_is():
    assert EXPORTS["__version__"] == EXPORTS["VERSION"] == EXPORTS["version.VERSION"] == "1.15.5"
    assert EXPORTS["GRAPH_DEF_VERSION"] == 134
    assert EXPORTS["GIT_VERSION"].startswith("v1.15.5-reflow-")
    assert versions.get_compile_flags()[1] == "-D_GLIBCXX_USE_CXX11_ABI=0"
    assert os.path.isdir(versions.get_lib())


def test_resources_lie_beside_the_caller():
    here = os.path.dirname(os.path.abspath(__file__))
    assert resource_loader.get_data_files_path() == here
    assert resource_loader.get_path_to_datafile("x.txt") == os.path.join(here, "x.txt")
    assert resource_loader.get_root_dir_with_all_resources() == here
    assert b"resource_loader" in resource_loader.load_resource("platform/resource_loader.py")
    with pytest.raises(IOError, match="nothing.here"):
        resource_loader.load_resource("nothing.here")


def test_resources_of_a_bazel_program_lie_below_its_runfiles():
    code = compile("root = get()", "/b/program.runfiles/project/pkg/x.py", "exec")
    scope = {"get": resource_loader.get_root_dir_with_all_resources}
    exec(code, scope)
    assert scope["root"] == "/b/program.runfiles/project"


def test_the_horizon_can_be_moved(monkeypatch):
    assert forward_compatibility.forward_compatible(2019, 8, 20)
    assert not forward_compatibility.forward_compatible(2019, 8, 21)
    monkeypatch.setenv("TF_FORWARD_COMPATIBILITY_DELTA_DAYS", "1")
    assert forward_compatibility.forward_compatible(2019, 8, 21)
    with forward_compatibility.forward_compatibility_horizon(2018, 2, 3):
        assert not forward_compatibility.forward_compatible(2018, 2, 3)
        assert forward_compatibility.forward_compatible(2018, 1, 31)
    assert forward_compatibility.forward_compatible(2018, 2, 3)
