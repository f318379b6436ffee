"""What the recorded cases do not show: re-entered scopes, messages, configurations, meta graphs."""

import numpy as np
import pytest

import reflow as tf
from reflow.variables.partition_info import PartitionInfo


@pytest.fixture(autouse=True)
def graph():
    with tf.Graph().as_default() as graph:
        yield graph


def test_a_scope_object_may_be_entered_again():
    scope = tf.variable_scope("a", reuse=tf.AUTO_REUSE)
    with scope:
        v = tf.get_variable("v", [1])
        first = tf.constant(0.0)
    with scope:
        assert tf.get_variable("v", [1]) is v
        second = tf.constant(0.0)
    assert (first.op.name, second.op.name) == ("a/Const", "a_1/Const")


def test_a_failing_scope_leaves_the_current_one():
    with pytest.raises(ValueError, match="reuse=True cannot be used"), tf.variable_scope(None, "x", reuse=True):
        pass
    assert tf.get_variable_scope().name == ""
    with pytest.raises(KeyError), tf.variable_scope("a"):
        raise KeyError
    assert tf.get_variable_scope().name == "" and tf.get_default_graph().get_name_scope() == ""


def test_threads_have_scopes_of_their_own(graph):
    import threading

    names = []

    def work():
        with graph.as_default():
            names.append(tf.get_variable_scope().name)

    with tf.variable_scope("a"):
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
    assert names == [""]


def test_where_a_variable_was_made_first_is_told():
    tf.get_variable("v", [1])
    with pytest.raises(ValueError, match=r"(?s)Variable v already exists.*Originally defined at.*test_scopes\.py"):
        tf.get_variable("v", [1])


@pytest.mark.parametrize(
    "initializer",
    [
        tf.zeros_initializer(tf.int32), tf.ones_initializer(), tf.constant_initializer([1, 2]),
        tf.random_uniform_initializer(-1, 1, seed=3), tf.random_normal_initializer(1.0, 2.0),
        tf.truncated_normal_initializer(dtype=tf.float64), tf.uniform_unit_scaling_initializer(2.0),
        tf.variance_scaling_initializer(mode="fan_avg"), tf.orthogonal_initializer(2.0), tf.initializers.identity(3.0),
        tf.glorot_uniform_initializer(seed=1), tf.glorot_normal_initializer(), tf.initializers.he_normal(4),
    ],
    ids=lambda i: type(i).__name__,
)  # fmt: skip
def test_configurations_make_equal_initializers(initializer):
    again = type(initializer).from_config(initializer.get_config())
    assert again.get_config() == initializer.get_config()


@pytest.mark.parametrize(
    "make, message",
    [
        (lambda: tf.variance_scaling_initializer(scale=0), "`scale` must be positive"),
        (lambda: tf.variance_scaling_initializer(mode="fan"), "Invalid `mode`"),
        (lambda: tf.variance_scaling_initializer(distribution="box"), "Invalid `distribution`"),
        (lambda: tf.random_normal_initializer(dtype=tf.int32), "Expected floating point type"),
        (lambda: tf.orthogonal_initializer()([3]), "at least two-dimensional"),
        (lambda: tf.initializers.identity()([3]), "only be used for 2D"),
        (lambda: tf.variable_axis_size_partitioner(0), "must be positive"),
        (lambda: tf.min_max_variable_partitioner(axis=2)(tf.TensorShape([1]), tf.float32), "along axis 2"),
        (lambda: tf.create_partitioned_variables([2], [1, 1], tf.ones_initializer()), "must have the length"),
        (lambda: PartitionInfo([4], [4]), "Expected 0 <= offset < shape"),
    ],
)
def test_arguments_that_cannot_be(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_a_part_knows_its_place():
    info = PartitionInfo([6, 4], [2, 0])
    assert info.single_slice_dim([2, 4]) == 0 and info.single_offset([2, 4]) == 2
    assert PartitionInfo([6, 4], [0, 0]).single_slice_dim([6, 4]) is None
    with pytest.raises(ValueError, match="could be either dimension"):
        info.single_slice_dim([2, 2])


@pytest.mark.parametrize("use_resource", [False, True])
def test_variables_survive_a_meta_graph(use_resource):
    v = tf.get_variable("v", initializer=[1.0, 2.0], use_resource=use_resource)
    tf.get_variable("w", [4, 2], partitioner=tf.fixed_size_partitioner(2), initializer=tf.ones_initializer())
    v.assign_add([1.0, 1.0], name="bump")
    meta_graph = tf.train.export_meta_graph()
    with tf.Graph().as_default(), tf.Session() as session:
        tf.train.import_meta_graph(meta_graph, import_scope="in")
        found, *parts = tf.global_variables()
        assert type(found) is type(v) and found.name == "in/v:0" and found.trainable
        assert [p._save_slice_info.spec for p in parts] == ["4 2 0,2:0,2", "4 2 2,2:0,2"]
        session.run(tf.global_variables_initializer())
        session.run("in/bump")
        np.testing.assert_array_equal(session.run(found), [2, 3])


def test_resource_variables_by_default():
    assert not tf.resource_variables_enabled()
    tf.enable_resource_variables()
    try:
        assert tf.Variable(1.0).op.type == tf.get_variable("v", [1]).op.type == "VarHandleOp"
        with tf.variable_scope("a", use_resource=False):
            assert tf.get_variable("w", [1]).op.type == "VariableV2"
    finally:
        tf.disable_resource_variables()
    assert tf.Variable(1.0).op.type == "VariableV2"


@pytest.mark.parametrize("old, new", [
    ("all_variables", "global_variables"), ("initialize_all_variables", "global_variables_initializer"),
    ("initialize_local_variables", "local_variables_initializer"),
])  # fmt: skip
def test_names_of_before_one_point_zero(old, new):
    tf.Variable(1.0)
    ours, theirs = getattr(tf, old)(), getattr(tf, new)()
    assert ours == theirs if isinstance(ours, list) else ours.type == theirs.type == "NoOp"


def test_in_place_operators():
    v = tf.Variable([1.0])
    original = v
    v += 1.0
    assert isinstance(v, tf.Tensor) and v is not original
    r = tf.Variable([1.0], use_resource=True)
    with pytest.raises(RuntimeError, match="assign_add"):
        r += 1.0
