"""Variables filled from checkpoints by tf.contrib.framework."""

import numpy as np
import pytest

import reflow as tf

framework = tf.contrib.framework


@pytest.fixture
def checkpoint(tmp_path):
    """A checkpoint with variables a/w, a/b and w, and its folder."""
    with tf.Graph().as_default(), tf.Session() as session:
        with tf.variable_scope("a"):
            tf.get_variable("w", initializer=np.arange(6.0, dtype=np.float32).reshape(2, 3))
            tf.get_variable("b", initializer=np.float32(7))
        tf.get_variable("w", initializer=np.float32([1, 2]))
        session.run(tf.global_variables_initializer())
        return tf.train.Saver().save(session, str(tmp_path / "model"))


@pytest.fixture(autouse=True)
def graph():
    with tf.Graph().as_default() as graph:
        yield graph


def initialized(*variables):
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        return session.run(list(variables))


def test_variables_begin_with_stored_values(checkpoint, tmp_path):
    with tf.variable_scope("b"):
        w = tf.get_variable("w", [2, 3])
        b = tf.get_variable("b", [])
    other = tf.get_variable("other", [2])
    framework.init_from_checkpoint(str(tmp_path), {"a/": "b/", "w": other})
    values = initialized(w, b, other)
    assert values[0].tolist() == [[0, 1, 2], [3, 4, 5]]
    assert values[1] == 7
    assert values[2].tolist() == [1, 2]


def test_parts_begin_with_their_part(checkpoint):
    with tf.variable_scope("c", partitioner=tf.fixed_size_partitioner(2)):
        whole = tf.get_variable("w", [2, 3])
    framework.init_from_checkpoint(checkpoint, {"a/w": "c/w"})
    assert initialized(tf.convert_to_tensor(whole))[0].tolist() == [[0, 1, 2], [3, 4, 5]]


def test_name_of_a_variable(checkpoint):
    v = tf.get_variable("v", [2, 3])
    framework.init_from_checkpoint(checkpoint, {"a/w": "v"})
    assert initialized(v)[0][1, 2] == 5


@pytest.mark.parametrize(
    "assignment, problem",
    [({"missing": "v"}, "is not found"), ({"w": "v"}, "doesn't match"), ({"a/w": "nothing/"}, "scope only")],
)
def test_what_does_not_fit(checkpoint, assignment, problem):
    tf.get_variable("v", [2, 3])
    with pytest.raises(ValueError, match=problem):
        framework.init_from_checkpoint(checkpoint, assignment)


def test_scope_that_lacks_a_variable(checkpoint):
    with tf.variable_scope("s"):
        tf.get_variable("unknown", [1])
    with pytest.raises(ValueError, match="a/unknown"):
        framework.init_from_checkpoint(checkpoint, {"a/": "s/"})


def test_assignment_by_names_and_map(checkpoint):
    with tf.variable_scope("a"):
        w = tf.get_variable("w", [2, 3])
    x = tf.get_variable("x", [2])
    operation, feeds = framework.assign_from_checkpoint(checkpoint, [w])
    again, more_feeds = framework.assign_from_checkpoint(checkpoint, {"w": [x], "missing": x}, ignore_missing_vars=True)
    with tf.Session() as session:
        session.run([operation, again], {**feeds, **more_feeds})
        assert session.run(w)[1, 2] == 5
        assert session.run(x).tolist() == [1, 2]


def test_assignment_of_parts(checkpoint):
    with tf.variable_scope("a", partitioner=tf.fixed_size_partitioner(3, axis=1)):
        w = tf.get_variable("w", [2, 3])
    operation, feeds = framework.assign_from_checkpoint(checkpoint, list(w))
    with tf.Session() as session:
        session.run(operation, feeds)
        assert session.run(tf.convert_to_tensor(w)).tolist() == [[0, 1, 2], [3, 4, 5]]


def test_assignment_that_does_not_fit(checkpoint):
    x = tf.get_variable("x", [3])
    with pytest.raises(ValueError, match="missing variable"):
        framework.assign_from_checkpoint(checkpoint, [x])
    with pytest.raises(ValueError, match="must be unchanged"):
        framework.assign_from_checkpoint(checkpoint, {"w": x})


def test_function_that_restores(checkpoint):
    w, missing = tf.get_variable("w", [2]), tf.get_variable("missing", [1])
    restore = framework.assign_from_checkpoint_fn(checkpoint, [w, missing], ignore_missing_vars=True)
    with tf.Session() as session:
        restore(session)
        assert session.run(w).tolist() == [1, 2]
    assert framework.assign_from_checkpoint_fn(checkpoint, [missing], ignore_missing_vars=True) is None
    with pytest.raises(ValueError, match="cannot be empty"):
        framework.assign_from_checkpoint_fn(checkpoint, [])


def test_values_by_function():
    v = tf.get_variable("v", [2, 2])
    assign = framework.assign_from_values_fn({"v": np.arange(4.0)})
    with tf.Session() as session:
        assign(session)
        assert session.run(v).tolist() == [[0, 1], [2, 3]]


def test_reading(checkpoint, tmp_path):
    assert framework.list_variables(str(tmp_path)) == [("a/b", []), ("a/w", [2, 3]), ("w", [2])]
    assert framework.load_variable(checkpoint, "a/b") == 7
    assert framework.load_checkpoint(checkpoint).has_tensor("w")
