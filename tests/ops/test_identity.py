"""identity against TensorFlow 1.15.5."""

import subprocess
import sys

import numpy as np
import pytest

import reflow as tf
from reflow.graph.build import call
from tests.ops.recorded import Recorded

recorded = Recorded("identity")


@recorded.each_case
def test_as_tensorflow(name):
    recorded.check(name)


@pytest.fixture(autouse=True)
def graph():
    with tf.Graph().as_default():
        yield


def test_debugging_ops_pass_their_input_on():
    x = np.array([1.5, 2.5])
    with tf.Session() as session:
        for op in ("Copy", "CopyHost", "DebugIdentity", "DebugGradientIdentity", "DeepCopy"):
            np.testing.assert_array_equal(session.run(call(op, x)), x)


def test_references_pass_through():
    v = tf.get_variable("v", initializer=[1.0, 2.0], use_resource=False)
    with tf.Session() as session:
        session.run(v.initializer)
        for op in ("RefIdentity", "DebugGradientRefIdentity"):
            changed = tf.assign_add(call(op, v._ref()), [1.0, 1.0])
            before = session.run(v)
            np.testing.assert_array_equal(session.run(changed), before + 1)
            np.testing.assert_array_equal(session.run(v), before + 1)


def test_ref_select_chooses_a_variable():
    a = tf.get_variable("a", initializer=1.0, use_resource=False)
    b = tf.get_variable("b", initializer=2.0, use_resource=False)
    which = tf.placeholder(tf.int32, [])
    chosen = tf.assign_add(call("RefSelect", which, [a._ref(), b._ref()]), 10.0)
    with tf.Session() as session:
        session.run([a.initializer, b.initializer])
        session.run(chosen, {which: 1})
        assert session.run([a, b]) == [1.0, 12.0]


def test_control_trigger_runs():
    with tf.Session() as session:
        assert session.run(call("ControlTrigger")) is None


def test_abort_ends_the_process():
    program = "import reflow as tf; tf.Session().run(tf.raw_ops.Abort(error_msg='bye'))"
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, check=False)
    assert result.returncode != 0 and b"bye" in result.stderr


VIEWS = {
    "identity_n": lambda v, w: tf.identity_n([w, v])[1], "reshape": lambda v, w: tf.reshape(v, [2, 1]),
    "slice": lambda v, w: v[:1], "split": lambda v, w: tf.split(v, 2)[0], "unstack": lambda v, w: tf.unstack(v)[0],
    "squeeze": lambda v, w: tf.squeeze(tf.expand_dims(v, 0)), "broadcast": lambda v, w: tf.broadcast_to(v, [2, 2]),
    "gather_nd": lambda v, w: tf.gather_nd(v, np.zeros([1, 0], "int32")), "transpose": lambda v, w: tf.transpose(v),
    "bitcast": lambda v, w: tf.bitcast(tf.bitcast(v, tf.int32), tf.float32), "concat": lambda v, w: tf.concat([v], 0),
    "mirror_pad": lambda v, w: tf.pad(v, [[0, 0]], "REFLECT"), "check": lambda v, w: tf.check_numerics(v, ""),
    "diag_part": lambda v, w: tf.matrix_diag_part(tf.expand_dims(v, 0)), "ensure": lambda v, w: tf.ensure_shape(v, [2]),
    "batch_to_space": lambda v, w: tf.batch_to_space_nd(tf.reshape(v, [2, 1]), [1], [[0, 0]]),
    "tile": lambda v, w: tf.tile(v, [1]), "pad": lambda v, w: tf.pad(v, [[0, 0]]),
    "roll": lambda v, w: tf.roll(v, 0, 0),
    "reverse": lambda v, w: tf.reverse(v, []), "print": lambda v, w: tf.Print(v, [], first_n=0),
    "default": lambda v, w: tf.placeholder_with_default(v, [2]), "where": lambda v, w: tf.where([True, True], v, w),
}  # fmt: skip


@pytest.mark.parametrize("name", VIEWS)
def test_a_view_of_a_variable_keeps_its_value_when_the_variable_changes(name):
    v = tf.get_variable("v", initializer=[2.0, 2.0], use_resource=False)
    w = tf.get_variable("w", initializer=[3.0, 3.0], use_resource=False)
    view = VIEWS[name](v, w)
    with tf.control_dependencies([view]):
        change = tf.assign_add(v, [10.0, 10.0])
    with tf.Session() as session:
        session.run([v.initializer, w.initializer])
        before, after = session.run([view, change])
    assert np.all(before == 2) and np.all(after == 12)
