"""`tf.train.init_from_checkpoint` and `warm_start` beside TensorFlow 1.15.5: the same values, nodes and errors."""

import gzip
import json
import pathlib
import sys

import pytest

import reflow as tf

GOLDENS = pathlib.Path(__file__).parents[1] / "goldens"
sys.path.append(str(GOLDENS))
import warm_start_cases  # noqa: E402

RECORDED = json.loads(gzip.decompress((GOLDENS / "warm_start.json.gz").read_bytes()))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("earlier")
    warm_start_cases.write_checkpoint(tf, str(path))
    return str(path)


@pytest.fixture(autouse=True)
def graph():
    with tf.Graph().as_default() as graph:
        yield graph


@pytest.mark.parametrize("case", warm_start_cases.cases)
def test_as_tensorflow(case, folder):
    actual = json.loads(json.dumps(warm_start_cases.outcome(tf, case, folder)))
    expected = RECORDED[case]
    assert actual.keys() == expected.keys()
    for key, value in expected.items():
        assert actual[key] == value, key


def test_missing_tensor(folder):
    with pytest.raises(ValueError, match="Tensor nowhere is not found in .* checkpoint .*'a/w': \\[3, 4\\]"):
        tf.train.init_from_checkpoint(folder, {"nowhere": tf.get_variable("q", [3, 5])})


def test_name_that_nothing_uses(folder):
    tf.get_variable("a/w", [3, 4])
    with pytest.raises(ValueError, match="in var_name_to_prev_var_name that were not used: {'k'}"):
        tf.train.warm_start(folder, var_name_to_prev_var_name={"k": "a/w"})


def test_variables_of_several_kinds(folder):
    with pytest.raises(ValueError, match="it must be all `Variable` or all `str`.  Given types are "):
        tf.train.warm_start(folder, [tf.get_variable("a/w", [3, 4]), "a"])


def test_slices_of_two_variables(folder):
    partitioner = tf.fixed_size_partitioner(2)
    first, second = (tf.get_variable(name, [10], partitioner=partitioner) for name in ("x", "y"))
    with pytest.raises(ValueError, match="Slices must all be from the same tensor: x != y"):
        tf.train.init_from_checkpoint(folder, {"p": [next(iter(first)), next(iter(second))]})


def test_iterating_over_checkpoints(tmp_path):
    tf.get_variable("v", [])
    saver = tf.train.Saver()
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        found = tf.train.checkpoints_iterator(str(tmp_path), timeout=0)
        paths = []
        for step in range(2):
            saver.save(session, str(tmp_path / "m"), global_step=step)
            paths.append(next(found))
    assert paths == [str(tmp_path / "m-0"), str(tmp_path / "m-1")]
    assert next(found, None) is None  # No newer one, and no time to wait for it.


def test_timeouts_ask_whether_to_go_on(tmp_path):
    answers = [False, True]
    assert not list(tf.train.checkpoints_iterator(str(tmp_path), timeout=0, timeout_fn=lambda: answers.pop(0)))
    assert not answers
