"""tf.train.Saver: what is saved, restored, kept and deleted, and what it says when that cannot be done."""

import itertools
import os
import pathlib
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

import reflow as tf
from reflow.train.saveable import SaveableObject, SaveSpec


@pytest.fixture(autouse=True)
def graph():
    with tf.Graph().as_default() as graph:
        yield graph


@pytest.fixture
def prefix(tmp_path):
    return str(tmp_path / "model")


def _two_variables(resource=False):
    w = tf.get_variable("w", initializer=np.arange(6, dtype=np.float32).reshape(2, 3), use_resource=resource)
    step = tf.get_variable("step", initializer=7, trainable=False, use_resource=resource)
    return w, step


def _save(prefix, **options):
    """Save the variables of the default graph with their initial values."""
    saver = tf.train.Saver(**options)
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        return saver.save(session, prefix)


def _names(folder):
    return sorted(path.name for path in pathlib.Path(folder).iterdir())


# --- save and restore -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("resource", [False, True])
def test_restores_what_was_saved_without_initializing(prefix, resource):
    w, step = _two_variables(resource)
    assert _save(prefix) == prefix
    with tf.Session() as session:
        tf.train.Saver().restore(session, prefix)
        np.testing.assert_array_equal(session.run(w), [[0, 1, 2], [3, 4, 5]])
        assert session.run(step) == 7
        session.run(tf.assign_add(step, 1))
        tf.train.Saver().restore(session, prefix)
        assert session.run(step) == 7


def test_files_beside_the_prefix(tmp_path, prefix):
    _two_variables()
    _save(prefix)
    assert _names(tmp_path) == ["checkpoint", "model.data-00000-of-00001", "model.index", "model.meta"]


def test_saves_the_current_values_not_those_of_a_later_run(prefix):
    w, _ = _two_variables()
    saver = tf.train.Saver()
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        session.run(tf.assign_add(w, tf.ones_like(w)))
        saver.save(session, prefix)
        session.run(tf.assign(w, tf.zeros_like(w)))
    np.testing.assert_array_equal(tf.train.load_variable(prefix, "w"), [[1, 2, 3], [4, 5, 6]])


def test_name_map_renames_in_the_file(prefix):
    w, step = _two_variables()
    _save(prefix, var_list={"weights": w})
    assert tf.train.list_variables(prefix) == [("weights", [2, 3])]
    with tf.Session() as session:
        tf.train.Saver({"weights": w}).restore(session, prefix)
        np.testing.assert_array_equal(session.run(w[1]), [3, 4, 5])
        assert session.run(tf.report_uninitialized_variables()).tolist() == [b"step"]


def test_a_subset_by_scope(prefix):
    with tf.variable_scope("a"):
        tf.get_variable("x", [2])
    with tf.variable_scope("b"):
        tf.get_variable("x", [2])
    _save(prefix, var_list=tf.get_collection(tf.GraphKeys.GLOBAL_VARIABLES, scope="b/"))
    assert tf.train.list_variables(prefix) == [("b/x", [2])]


def test_shape_unknown_until_it_runs(prefix):
    shapeless = tf.Variable(tf.placeholder_with_default([1.0, 2.0, 3.0], None), validate_shape=False, name="v")
    _save(prefix)
    with tf.Session() as session:
        tf.train.Saver().restore(session, prefix)
        assert session.run(shapeless).tolist() == [1, 2, 3]


def test_reshape(prefix):
    tf.get_variable("w", initializer=np.arange(6, dtype=np.float32).reshape(2, 3))
    _save(prefix)
    for resource in (False, True):
        with tf.Graph().as_default(), tf.Session() as session:
            w = tf.get_variable("w", [3, 2], use_resource=resource)
            tf.train.Saver(reshape=True).restore(session, prefix)
            np.testing.assert_array_equal(session.run(w), [[0, 1], [2, 3], [4, 5]])


def test_partitions_are_one_tensor_in_the_file(prefix):
    tf.get_variable("w", [5, 2], partitioner=tf.fixed_size_partitioner(2), initializer=tf.ones_initializer())
    _save(prefix)
    assert tf.train.list_variables(prefix) == [("w", [5, 2])]
    for partitions in (1, 3):
        with tf.Graph().as_default(), tf.Session() as session:
            w = tf.get_variable("w", [5, 2], partitioner=tf.fixed_size_partitioner(partitions))
            tf.train.Saver().restore(session, prefix)
            np.testing.assert_array_equal(session.run(tf.convert_to_tensor(w)), np.ones([5, 2]))


def test_a_saveable_object_of_a_programs_own(prefix):
    v = tf.get_variable("v", initializer=[1.0, 2.0])
    class Doubled(SaveableObject):
        def __init__(self):
            super().__init__(v, [SaveSpec(v * 2.0, "", "doubled", tf.float32)], "doubled")

        def restore(self, restored_tensors, restored_shapes):
            return tf.assign(v, restored_tensors[0] / 2.0)

    tf.add_to_collection(tf.GraphKeys.SAVEABLE_OBJECTS, Doubled())
    _save(prefix, var_list=[Doubled()])
    np.testing.assert_array_equal(tf.train.load_variable(prefix, "doubled"), [2, 4])
    with tf.Session() as session:
        tf.train.Saver([Doubled()]).restore(session, prefix)
        np.testing.assert_array_equal(session.run(v), [1, 2])


def test_version_1(tmp_path, prefix):
    w, step = _two_variables()
    _save(prefix, write_version=tf.train.SaverDef.V1)
    assert _names(tmp_path) == ["checkpoint", "model", "model.meta"]
    with tf.Session() as session:
        tf.train.Saver().restore(session, prefix)
        np.testing.assert_array_equal(session.run(w), [[0, 1, 2], [3, 4, 5]])
        assert session.run(step) == 7


# --- shards -----------------------------------------------------------------------------------------------------------


def _on_two_devices():
    variables = []
    for i in range(3):
        with tf.device(f"/cpu:{i % 2}"):
            variables.append(tf.get_variable(f"v{i}", initializer=np.full(4, i, np.float32)))
    return variables


@pytest.mark.parametrize("version", [tf.train.SaverDef.V1, tf.train.SaverDef.V2])
def test_a_shard_for_each_device(tmp_path, prefix, version):
    variables = _on_two_devices()
    saver = tf.train.Saver(sharded=True, write_version=version)
    with tf.Session(config=tf.ConfigProto(device_count={"CPU": 2})) as session:
        session.run(tf.global_variables_initializer())
        written = saver.save(session, prefix, global_step=5)
        session.run([v.assign(tf.zeros_like(v)) for v in variables])
        saver.restore(session, written)
        assert [v[0] for v in session.run(variables)] == [0, 1, 2]
    shards = [f"model-5{'.data' if version == tf.train.SaverDef.V2 else ''}-0000{i}-of-00002" for i in range(2)]
    index = ["model-5.index"] if version == tf.train.SaverDef.V2 else []
    assert _names(tmp_path) == ["checkpoint", *sorted([*shards, *index, "model-5.meta"])]
    assert tf.train.latest_checkpoint(tmp_path) == written


def test_shards_of_version_1_are_deleted_when_their_turn_comes(tmp_path, prefix):
    _on_two_devices()
    saver = tf.train.Saver(sharded=True, write_version=tf.train.SaverDef.V1, max_to_keep=1)
    with tf.Session(config=tf.ConfigProto(device_count={"CPU": 2})) as session:
        session.run(tf.global_variables_initializer())
        for step in range(2):
            saver.save(session, prefix, global_step=step)
    assert _names(tmp_path) == ["checkpoint", "model-1-00000-of-00002", "model-1-00001-of-00002", "model-1.meta"]


# --- which checkpoints are kept ---------------------------------------------------------------------------------------


def _steps(folder):
    return sorted(int(name[6:-6]) for name in _names(folder) if name.endswith(".index"))


def _save_steps(saver, prefix, steps, **options):
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        return [saver.save(session, prefix, global_step=step, **options) for step in steps]


@pytest.mark.parametrize(("keep", "left"), [(2, [3, 4]), (1, [4]), (0, [0, 1, 2, 3, 4]), (None, [0, 1, 2, 3, 4])])
def test_max_to_keep(tmp_path, prefix, keep, left):
    _two_variables()
    saver = tf.train.Saver(max_to_keep=keep)
    paths = _save_steps(saver, prefix, range(5))
    assert _steps(tmp_path) == left
    assert sum(name.endswith(".meta") for name in _names(tmp_path)) == len(left)
    assert saver.last_checkpoints == (paths[-keep:] if keep else [])
    state = tf.train.get_checkpoint_state(str(tmp_path))
    assert state.model_checkpoint_path == paths[-1]
    assert list(state.all_model_checkpoint_paths) == (paths[-keep:] if keep else paths[-1:])


def test_saving_to_one_name_again_keeps_it(tmp_path, prefix):
    _two_variables()
    saver = tf.train.Saver(max_to_keep=2)
    _save_steps(saver, prefix, [1, 2, 1, 3])
    assert _steps(tmp_path) == [1, 3]


def test_keep_checkpoint_every_n_hours(tmp_path, prefix, monkeypatch):
    _two_variables()
    now = [1e9]
    monkeypatch.setattr(time, "time", lambda: now[0])
    saver = tf.train.Saver(max_to_keep=1, keep_checkpoint_every_n_hours=1)
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        for minutes in range(0, 200, 25):
            now[0] = 1e9 + minutes * 60
            saver.save(session, prefix, global_step=minutes)
    # The first of each hour that is past when its turn to be deleted comes, and the last.
    assert _steps(tmp_path) == [75, 125, 175]


def test_recover_last_checkpoints(tmp_path, prefix):
    _two_variables()
    paths = _save_steps(tf.train.Saver(max_to_keep=0), prefix, range(3))
    os.unlink(paths[1] + ".index")
    saver = tf.train.Saver(max_to_keep=2)
    saver.recover_last_checkpoints(paths)
    assert saver.last_checkpoints == [paths[0], paths[2]]
    _save_steps(saver, prefix, [3])
    assert _steps(tmp_path) == [2, 3]


def test_pad_step_number_and_suffix(tmp_path, prefix):
    _, step = _two_variables()
    saver = tf.train.Saver(pad_step_number=True)
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        assert saver.save(session, prefix, global_step=step, meta_graph_suffix="graph") == prefix + "-00000007"
        saver.save(session, prefix, global_step=np.int64(8), write_meta_graph=False, write_state=False)
    assert _names(tmp_path) == ["checkpoint", "model-00000007.data-00000-of-00001", "model-00000007.graph",
                                "model-00000007.index", "model-00000008.data-00000-of-00001",
                                "model-00000008.index"]  # fmt: skip
    assert tf.train.latest_checkpoint(str(tmp_path)) == prefix + "-00000007"


def test_relative_paths_move_with_their_folder(tmp_path):
    _two_variables()
    (tmp_path / "here").mkdir()
    saver = tf.train.Saver(save_relative_paths=True)
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        saver.save(session, str(tmp_path / "here" / "model"))
    os.rename(tmp_path / "here", tmp_path / "there")
    assert (tmp_path / "there" / "checkpoint").read_text() == (
        'model_checkpoint_path: "model"\nall_model_checkpoint_paths: "model"\n')  # fmt: skip
    assert tf.train.latest_checkpoint(str(tmp_path / "there")) == str(tmp_path / "there" / "model")


def test_a_prefix_relative_to_the_working_directory(tmp_path, monkeypatch):
    w, _ = _two_variables()
    monkeypatch.chdir(tmp_path)
    assert _save("model") == "model"
    assert tf.train.latest_checkpoint(".") == "./model"
    os.makedirs("logs")
    assert _save("logs/model") == "logs/model"
    assert tf.train.latest_checkpoint("logs") == "logs/model"
    with tf.Session() as session:
        tf.train.Saver().restore(session, tf.train.latest_checkpoint("logs"))
        assert session.run(w[0, 1]) == 1


def test_another_name_of_the_state_file(tmp_path, prefix):
    _two_variables()
    _save_steps(tf.train.Saver(), prefix, [1], latest_filename="best")
    assert tf.train.latest_checkpoint(str(tmp_path)) is None
    assert tf.train.latest_checkpoint(str(tmp_path), "best") == prefix + "-1"


# --- building ---------------------------------------------------------------------------------------------------------


def test_defer_build(prefix):
    saver = tf.train.Saver(defer_build=True)
    w, _ = _two_variables()
    with tf.Session() as session, pytest.raises(RuntimeError, match="build\\(\\)` should be called before save"):
        saver.save(session, prefix)
    saver.build()
    nodes = len(tf.get_default_graph().get_operations())
    saver.build()
    assert len(tf.get_default_graph().get_operations()) == nodes
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        saver.save(session, prefix)
        saver.restore(session, prefix)


def test_an_empty_saver_does_nothing(tmp_path, prefix):
    saver = tf.train.Saver(allow_empty=True)
    with tf.Session() as session:
        assert saver.save(session, prefix) is None
        saver.restore(session, prefix)
    assert _names(tmp_path) == ["model.meta"]


def test_a_saver_def_works_in_another_graph(prefix):
    _two_variables()
    saver_def = tf.train.Saver().as_saver_def()
    graph_def = tf.get_default_graph().as_graph_def()
    _save(prefix)
    with tf.Graph().as_default(), tf.Session() as session:
        tf.import_graph_def(graph_def, name="copy")
        tf.train.Saver(saver_def=saver_def, name="copy").restore(session, prefix)
        np.testing.assert_array_equal(session.run("copy/w:0"), [[0, 1, 2], [3, 4, 5]])


# --- errors -----------------------------------------------------------------------------------------------------------


def test_a_variable_that_the_checkpoint_lacks(prefix):
    tf.get_variable("a", [2])
    _save(prefix)
    tf.get_variable("newcomer", [2])
    with tf.Session() as session, pytest.raises(tf.errors.NotFoundError) as failure:
        tf.train.Saver().restore(session, prefix)
    text = str(failure.value)
    assert "Restoring from checkpoint failed. This is most likely due to a Variable name or other graph key that is " \
           "missing from the checkpoint. Please ensure that you have not altered the graph expected based on the " \
           "checkpoint." in text  # fmt: skip
    assert "Key newcomer not found in checkpoint" in text


def test_a_variable_of_another_shape(prefix):
    """A reference variable: to a resource variable TensorFlow 1.15 assigns any shape."""
    tf.get_variable("a", [2, 3])
    _save(prefix)
    with tf.Graph().as_default(), tf.Session() as session:
        tf.get_variable("a", [3, 3])
        with pytest.raises(tf.errors.InvalidArgumentError) as failure:
            tf.train.Saver().restore(session, prefix)
    text = str(failure.value)
    assert "due to a mismatch between the current graph and the graph from the checkpoint" in text
    assert "[3,3]" in text and "[2,3]" in text


def test_a_variable_of_another_type(prefix):
    tf.get_variable("a", [2], tf.float64)
    _save(prefix)
    with tf.Graph().as_default(), tf.Session() as session:
        tf.get_variable("a", [2])
        with pytest.raises(tf.errors.InvalidArgumentError, match="tensor_name = a; expected dtype float does not equal "
                           "original dtype double"):  # fmt: skip
            tf.train.Saver().restore(session, prefix)


def test_prefixes_that_are_no_checkpoints(tmp_path, prefix):
    _two_variables()
    saver = tf.train.Saver()
    with tf.Session() as session:
        with pytest.raises(ValueError, match="Can't load save_path when it is None."):
            saver.restore(session, None)
        with pytest.raises(ValueError, match=f"The passed save_path is not a valid checkpoint: {prefix}"):
            saver.restore(session, prefix)


def test_a_folder_that_does_not_exist(tmp_path):
    _two_variables()
    with pytest.raises(ValueError, match="Parent directory of .*no/such/model doesn't exist, can't save."):
        _save(str(tmp_path / "no" / "such" / "model"))


def test_names_that_collide(tmp_path, prefix):
    _two_variables()
    saver = tf.train.Saver()
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        with pytest.raises(ValueError, match="collides with 'save_path'"):
            saver.save(session, str(tmp_path / "checkpoint"))
        with pytest.raises(ValueError, match="must not contain path components"):
            saver.save(session, prefix, latest_filename="a/b")
        with pytest.raises(TypeError, match="'sess' must be a Session"):
            saver.save("nonsense", prefix)


def test_an_uninitialized_variable_is_not_saved(tmp_path, prefix):
    _two_variables()
    with tf.Session() as session, pytest.raises(tf.errors.FailedPreconditionError, match="uninitialized value"):
        tf.train.Saver().save(session, prefix)
    assert _names(tmp_path) == []


@pytest.mark.parametrize("suffix", ["index", "data-00000-of-00001"])
def test_a_damaged_file_is_named_with_the_tensor(prefix, suffix):
    tf.get_variable("damaged", initializer=np.arange(1000, dtype=np.float32))
    _save(prefix)
    path = f"{prefix}.{suffix}"
    with open(path, "r+b") as file:
        file.seek(os.path.getsize(path) // 2)
        byte = file.read(1)
        file.seek(-1, os.SEEK_CUR)
        file.write(bytes([byte[0] ^ 1]))
    with tf.Session() as session, pytest.raises(tf.errors.DataLossError) as failure:
        tf.train.Saver().restore(session, prefix)
    assert path in str(failure.value)
    if suffix != "index":
        assert "damaged" in str(failure.value)


def test_a_missing_data_file(prefix):
    _two_variables()
    _save(prefix)
    os.unlink(f"{prefix}.data-00000-of-00001")
    with tf.Session() as session, pytest.raises(tf.errors.NotFoundError, match="data-00000-of-00001"):
        tf.train.Saver().restore(session, prefix)


# --- a process that is killed -----------------------------------------------------------------------------------------

_ENDLESS = """
import sys
import numpy as np
import reflow as tf

value = tf.get_variable("value", [500_000], tf.float64, tf.zeros_initializer())
increase = tf.assign_add(value, tf.ones_like(value))
saver = tf.train.Saver(max_to_keep=1)
with tf.Session() as session:
    session.run(tf.global_variables_initializer())
    while True:
        session.run(increase)
        saver.save(session, sys.argv[1])
        print("saved", flush=True)
"""


def test_a_killed_process_leaves_a_whole_checkpoint(tmp_path):
    """It overwrites one checkpoint without end: whenever it dies, what lies there is all of one or all of another."""
    prefix = str(tmp_path / "model")
    for turn in range(3):
        process = subprocess.Popen([sys.executable, "-c", _ENDLESS, prefix], stdout=subprocess.PIPE)
        for _ in range(2):
            process.stdout.readline()
        time.sleep(0.003 + 0.011 * turn)
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stdout.close()
        with tf.Graph().as_default(), tf.Session() as session:
            value = tf.get_variable("value", [500_000], tf.float64)
            tf.train.Saver().restore(session, tf.train.latest_checkpoint(str(tmp_path)))
            values = session.run(value)
        assert values[0] >= 1
        assert (values == values[0]).all()


def _save_and_die(saver, session, prefix, at):
    """In a process of its own: save, and be killed at the `at`-th time that a file is opened, renamed or removed."""
    child = os.fork()
    if not child:
        left = itertools.count(at, -1)

        def audit(event, arguments):
            inside = arguments and str(arguments[0]).startswith(os.path.dirname(prefix))
            if inside and event in ("open", "os.rename", "os.remove", "os.mkdir") and not next(left):
                os.kill(os.getpid(), signal.SIGKILL)

        sys.addaudithook(audit)
        saver.save(session, prefix, global_step=2)
        os._exit(0)
    return os.waitpid(child, 0)[1]


def test_killed_at_each_step_of_a_save(tmp_path, prefix):
    """The checkpoint of before is found and restored until the new one is whole."""
    step = tf.get_variable("step", initializer=1)
    saver = tf.train.Saver(max_to_keep=1)
    seen = set()
    for at in range(100):
        with tf.Session() as session:
            session.run(step.initializer)
            saver.set_last_checkpoints([])
            saver.save(session, prefix, global_step=1)
            session.run(step.assign(2))
            status = _save_and_die(saver, session, prefix, at)
            latest = tf.train.latest_checkpoint(str(tmp_path))
            saver.restore(session, latest)
            assert latest == f"{prefix}-{session.run(step)}"
            seen.add(session.run(step))
        if status == 0:
            break
    assert at > 5
    assert seen == {1, 2}
