"""Files against outcomes recorded from TensorFlow 1.15.5, and what the recording cannot hold."""

import importlib.util
import json
import pathlib

import pytest

from reflow.graph import errors
from reflow.platform import file_io, gfile

GOLDENS = pathlib.Path(__file__).parents[1] / "goldens"
RECORDED = json.loads((GOLDENS / "gfile.json").read_text())


def _outcomes():
    spec = importlib.util.spec_from_file_location("gfile_cases", GOLDENS / "gfile_cases.py")
    cases = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(cases)
    return cases.outcomes(gfile)


@pytest.mark.parametrize(
    ("recorded", "ours"),
    [pytest.param(*pair, id=pair[0][0]) for pair in zip(RECORDED, _outcomes(), strict=True)],
)
def test_same_outcome_as_tensorflow(recorded, ours):
    assert ours == recorded


def test_paths_may_be_bytes_or_path_objects(tmp_path):
    with gfile.GFile(tmp_path / "a", "w") as out:
        out.write("x")
    assert gfile.Exists(bytes(tmp_path / "a"))
    assert gfile.GFile(str(tmp_path / "a")).read() == "x"
    assert gfile.Glob(tmp_path / "*") == [str(tmp_path / "a")]
    with pytest.raises(TypeError, match="Expected binary or unicode string"):
        gfile.Exists(3)


def test_copying_a_folder_makes_no_file(tmp_path):
    (tmp_path / "folder").mkdir()
    with pytest.raises(errors.InvalidArgumentError, match="Is a directory"):
        gfile.Copy(str(tmp_path / "folder"), str(tmp_path / "copy"))
    assert not gfile.Exists(str(tmp_path / "copy"))


def test_seek_takes_its_argument_once(tmp_path):
    (tmp_path / "a").write_text("abc")
    source = gfile.GFile(str(tmp_path / "a"))
    source.seek(position=2)
    assert source.read() == "c"
    with pytest.raises(TypeError, match="simultaneously"):
        source.seek(1, position=2)


def test_walk_reports_a_missing_folder(tmp_path):
    seen = []
    assert list(file_io.walk_v2(str(tmp_path / "none"), onerror=seen.append)) == []
    assert isinstance(seen[0], errors.NotFoundError)


def test_whole_file_functions(tmp_path):
    name = str(tmp_path / "a")
    file_io.write_string_to_file(name, "h\u00e9")
    assert file_io.read_file_to_string(name) == "h\u00e9"
    assert file_io.read_file_to_string(name, binary_mode=True) == "h\u00e9".encode()
    file_io.atomic_write_string_to_file(name, b"new")
    assert file_io.file_crc32(name) == file_io.file_crc32(name, block_size=1) == hex(0x6BE34445)
    assert not file_io.filecmp(name, __file__)
    with pytest.raises(errors.AlreadyExistsError):
        file_io.atomic_write_string_to_file(name, b"newer", overwrite=False)
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_a_full_disk_is_a_resource_error():
    with pytest.raises(errors.ResourceExhaustedError, match="No space left"), gfile.GFile("/dev/full", "w") as out:
        out.write("x")
        out.flush()
