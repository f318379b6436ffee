"""A process that is killed at any moment while it writes leaves a whole checkpoint: the old one or the new one."""

import errno
import io
import itertools
import os

import numpy as np
import pytest

from reflow.files import durable
from reflow.files.checkpoint_state import get_checkpoint_state, update_checkpoint_state
from reflow.files.checkpoint_v1 import CheckpointV1Reader, CheckpointV1Writer
from reflow.files.tensor_bundle import BundleReader, BundleWriter, merge_bundles
from reflow.graph import errors


@pytest.fixture(autouse=True)
def _without_waiting_for_the_disk(monkeypatch):
    monkeypatch.setattr(os, "fsync", lambda fd: None)  # a kill does not lose what the system already has


class MortalFile:
    """A file whose write is cut off in the middle when the clock says so."""

    def __init__(self, file, tick):
        self._file = file
        self._tick = tick

    def write(self, data):
        if self._tick(die=False):
            self._file.write(data[: len(data) // 2])
            os._exit(9)
        self._tick()
        return self._file.write(data)

    def __getattr__(self, name):
        return getattr(self._file, name)


def killed_at(step, action):
    """Runs an action in a child process that dies at its `step`-th change to the file system; whether it died."""
    pid = os.fork()
    if pid:
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 9
    try:
        clock = itertools.count()

        def tick(die=True):
            now = next(clock) == step
            if now and die:
                os._exit(9)
            return now

        def counted(function):
            return lambda *arguments: (tick(), function(*arguments))[1]

        for name in ("replace", "link", "unlink", "fsync", "rmdir", "mkdir"):
            setattr(os, name, counted(getattr(os, name)))
        durable.open = lambda path, mode, buffering: MortalFile(io.FileIO(path, mode), tick)
        action()
    except BaseException:
        os._exit(1)
    os._exit(0)


def write_bundle(prefix, value):
    with BundleWriter(str(prefix)) as writer:
        writer.add("a", np.full(100, value))
        writer.add("b", np.full(50, value))


def write_shards(prefix, value, names=("a", "b")):
    prefixes = [str(prefix.parent / f"temp{value}" / name) for name in names]
    for name, part in zip(names, prefixes, strict=True):
        with BundleWriter(part) as writer:
            writer.add(name, np.full(100, value))
    merge_bundles(prefixes, str(prefix))


def read_bundle(prefix):
    """The one value that all tensors of a checkpoint have."""
    with BundleReader(str(prefix)) as reader:
        values = {value for name in (b"a", b"b") for value in reader.read(name).tolist()}
    assert len(values) == 1, "a mixture of two checkpoints"
    return values.pop()


def write_v1(path, value):
    writer = CheckpointV1Writer(str(path))
    writer.add("a", np.full(3, value))
    writer.finish()


def read_v1(path):
    with CheckpointV1Reader(str(path)) as reader:
        return reader.read("a")[0]


def write_state(path, value):
    update_checkpoint_state(str(path.parent), f"model-{value}", latest_filename=path.name)


def read_state(path):
    state = get_checkpoint_state(str(path.parent), path.name)
    assert len(state.all_model_checkpoint_paths) == 1
    return int(state.model_checkpoint_path.rpartition("-")[2])


def no_links(write):
    def without(path, value):
        def link(*arguments):
            raise OSError("this file system has no links")

        link, os.link = os.link, link
        try:
            write(path, value)
        finally:
            os.link = link

    return without


WRITERS = {
    "bundle over bundle": (write_bundle, write_bundle, read_bundle),
    "shards over bundle": (write_bundle, write_shards, read_bundle),
    "shards over shards": (write_shards, write_shards, read_bundle),
    "bundle over shards": (write_shards, write_bundle, read_bundle),
    "bundle over bundle without links": (write_bundle, no_links(write_bundle), read_bundle),
    "V1": (write_v1, write_v1, read_v1),
    "checkpoint state": (write_state, write_state, read_state),
}


@pytest.mark.parametrize("name", WRITERS)
def test_a_kill_at_any_step_leaves_the_old_or_the_new_one_whole(tmp_path, name):
    write_old, write_new, read = WRITERS[name]
    seen = []
    for step in range(200):
        path = tmp_path / str(step) / "model"
        path.parent.mkdir()
        write_old(path, 1)
        died = killed_at(step, lambda path=path: write_new(path, 2))
        seen.append(read(path))
        # What the dead process left must not disturb the next one.
        write_new(path, 3)
        assert read(path) == 3
        write_old(path, 4)
        assert read(path) == 4
        if not died:
            break
    assert not died, "the writer never came to its end"
    assert seen == sorted(seen)
    assert seen[0] == 1
    assert seen[-1] == 2
    assert len(seen) > 5


def test_a_replaced_bundle_has_its_usual_names_and_leaves_nothing(tmp_path):
    write_shards(tmp_path / "model", 1)
    write_shards(tmp_path / "model", 2)
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == ["model.data-00000-of-00002", "model.data-00001-of-00002", "model.index"]
    write_bundle(tmp_path / "model", 3)
    write_bundle(tmp_path / "model", 4)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["model.data-00000-of-00001", "model.index"]


def test_replacing_a_bundle_gives_the_same_bytes_as_a_new_one(tmp_path):
    write_bundle(tmp_path / "new", 2)
    write_bundle(tmp_path / "replaced", 1)
    write_bundle(tmp_path / "replaced", 2)
    for suffix in (".index", ".data-00000-of-00001"):
        assert (tmp_path / f"new{suffix}").read_bytes() == (tmp_path / f"replaced{suffix}").read_bytes()


def test_a_prefix_with_pattern_characters_does_not_remove_other_files(tmp_path):
    write_bundle(tmp_path / "mx", 1)
    for value in (2, 3):
        write_bundle(tmp_path / "m[x]", value)
    assert read_bundle(tmp_path / "mx") == 1
    assert read_bundle(tmp_path / "m[x]") == 3


def test_a_full_disk_leaves_the_old_bundle_and_no_temporary_file(tmp_path, monkeypatch):
    write_bundle(tmp_path / "model", 1)

    class FullDisk(io.FileIO):
        def write(self, data):
            raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(durable, "open", lambda path, mode, buffering: FullDisk(path, mode), raising=False)
    with pytest.raises(errors.ResourceExhaustedError, match="model.data.*No space"):
        write_bundle(tmp_path / "model", 2)
    monkeypatch.undo()
    assert read_bundle(tmp_path / "model") == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["model.data-00000-of-00001", "model.index"]
