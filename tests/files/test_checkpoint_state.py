import os
import random

import pytest
from tensorboard.compat.proto.saver_pb2 import SaverDef

from reflow.files import checkpoint_state as state
from reflow.graph import errors


@pytest.fixture(autouse=True)
def _folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    os.mkdir("logs")


def touch(*names):
    for name in names:
        with open(name, "w") as file:
            file.write("x")


def test_same_file_as_tensorflow_writes(golden):
    os.mkdir("files")
    state.update_checkpoint_state("files", "files/v2", ["files/v1", "files/v2"], "checkpoint", [1.5, 2.25], 0.5)
    with open("files/checkpoint", "rb") as ours:
        assert ours.read() == (golden / "checkpoint").read_bytes()


def test_reads_what_tensorflow_wrote(golden):
    found = state.get_checkpoint_state(str(golden))
    assert found.model_checkpoint_path == str(golden / "v2")
    assert list(found.all_model_checkpoint_paths) == [str(golden / "v1"), str(golden / "v2")]
    assert list(found.all_model_checkpoint_timestamps) == [1.5, 2.25]
    assert state.latest_checkpoint(str(golden)) == str(golden / "v2")


@pytest.mark.parametrize(
    ("folder", "path", "relative", "stored"),
    [
        ("logs", "logs/m-1", False, "m-1"),
        ("logs", "m-1", False, "../m-1"),
        ("logs", "/abs/m-1", False, "/abs/m-1"),
        ("{cwd}/logs", "{cwd}/logs/m-1", False, "{cwd}/logs/m-1"),
        ("{cwd}/logs", "{cwd}/logs/m-1", True, "m-1"),
        ("{cwd}/logs", "m-1", True, "m-1"),
    ],
)
def test_relative_and_absolute_paths(folder, path, relative, stored):
    folder, path, stored = (text.format(cwd=os.getcwd()) for text in (folder, path, stored))
    state.update_checkpoint_state_internal(folder, path, [path], save_relative_paths=relative)
    with open("logs/checkpoint") as file:
        lines = file.read().splitlines()
    assert lines == [f'model_checkpoint_path: "{stored}"', f'all_model_checkpoint_paths: "{stored}"']
    found = state.get_checkpoint_state(folder).model_checkpoint_path
    assert os.path.normpath(found) == os.path.normpath(os.path.join(folder, stored))


def test_the_latest_path_is_added_to_the_list_of_all():
    paths = ["logs/m-1"]
    proto = state.generate_checkpoint_state_proto("logs", "logs/m-2", paths)
    assert list(proto.all_model_checkpoint_paths) == ["m-1", "m-2"]
    assert paths == ["m-1", "m-2"]  # TensorFlow changes the caller's list, too


def test_timestamps_must_match():
    with pytest.raises(ValueError, match="must match checkpoint paths"):
        state.generate_checkpoint_state_proto("logs", "logs/m-2", ["logs/m-2"], [1.0, 2.0])


def test_a_checkpoint_with_the_files_own_name():
    with pytest.raises(RuntimeError, match="conflicts with path used for checkpoint state"):
        state.update_checkpoint_state("/logs", "/logs/checkpoint")


def test_no_state():
    assert state.get_checkpoint_state("logs") is None
    assert state.latest_checkpoint("logs") is None
    assert state.latest_checkpoint("nowhere") is None


def test_a_state_whose_checkpoint_is_gone():
    state.update_checkpoint_state("logs", "logs/m-1")
    assert state.latest_checkpoint("logs") is None
    touch("logs/m-1.index")
    assert state.latest_checkpoint("logs") == "logs/m-1"


def test_another_file_name():
    state.update_checkpoint_state("logs", "logs/m-1", latest_filename="mine")
    touch("logs/m-1")
    assert state.latest_checkpoint("logs") is None
    assert state.latest_checkpoint("logs", "mine") == "logs/m-1"


def test_a_damaged_state_counts_as_none():
    state.update_checkpoint_state("logs", "logs/m-1", ["logs/m-0", "logs/m-1"])
    with open("logs/checkpoint", "rb") as file:
        contents = file.read()
    generator = random.Random(0)
    for _ in range(300):
        damaged = bytearray(contents[: generator.randrange(len(contents)) + 1])
        damaged[generator.randrange(len(damaged))] = generator.randrange(256)
        with open("logs/checkpoint", "wb") as file:
            file.write(damaged)
        try:
            found = state.get_checkpoint_state("logs")
        except ValueError as error:
            assert "Invalid checkpoint state" in str(error)  # the line that names the latest is gone
        else:
            assert found is None or found.model_checkpoint_path.startswith("logs/")


def test_exists_and_mtimes():
    touch("v2.index", "v1", "s-00000-of-00002", "s-00001-of-00002", "odd[1]")
    assert state.checkpoint_exists("v2")
    assert state.checkpoint_exists("v1")
    assert state.checkpoint_exists("s-?????-of-00002")
    assert state.checkpoint_exists("odd[1]")
    assert not state.checkpoint_exists("v3")
    for i, name in enumerate(["v2.index", "v1", "s-00000-of-00002"]):
        os.utime(name, (0, 1000.5 + i))
    assert state.get_checkpoint_mtimes(["v2", "none", "v1", "s-?????-of-00002"]) == [1000.5, 1001.5, 1002.5]


def test_remove():
    files = [
        "a.index",
        "a.meta",
        "a.data-00000-of-00002",
        "a.data-00001-of-00002",
        "ab.index",
        "v1",
        "v1.meta",
        "s.meta",
    ]
    touch(*files, "s-00000-of-00001")
    state.remove_checkpoint("a")
    state.remove_checkpoint("nothing")
    state.remove_checkpoint("v1", SaverDef.V1)
    state.remove_checkpoint("s-?????-of-00001", SaverDef.V1)
    assert sorted(os.listdir(".")) == ["ab.index", "logs"]


def test_a_folder_that_is_missing():
    with pytest.raises(errors.NotFoundError, match="nowhere/checkpoint"):
        state.update_checkpoint_state("nowhere", "nowhere/m")
