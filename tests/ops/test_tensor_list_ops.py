"""TensorLists against what TensorFlow 1.15.5 does, and against later changes of what was put in."""

import numpy as np

import reflow as tf
from tests.ops.recorded import Recorded

recorded = Recorded("tensor_list")

# TensorFlow leaves what it does not write as memory has it, or fails later, in other words.
_OTHER_WORDS = {"gather beyond", "append another batch", "push on another batch", "split into too little"}


@recorded.each_case
def test_as_tensorflow(name):
    recorded.check(name)


def test_messages():
    for name, outcome in recorded.outcomes.items():
        if "error" not in outcome or any(words in name for words in _OTHER_WORDS):
            continue
        message = recorded.recording.outcome(tf, name, recorded.functions[name])["message"]
        assert message.splitlines()[0].split(" for '")[0] == outcome["message"].splitlines()[0].split(" for '")[0], name


def test_lists_keep_their_elements():
    """What is put in or taken out may change afterwards: the list does not."""
    lists = recorded.cases.Lists(tf)
    with tf.Graph().as_default(), tf.Session() as session:
        v = tf.Variable([1.0, 2.0])
        session.run(tf.global_variables_initializer())
        handle = lists.push(lists.empty(), v)
        with tf.control_dependencies([handle]):
            changed = tf.assign(v, [8.0, 9.0])
        with tf.control_dependencies([changed]):
            stacked, item = lists.stack(handle), lists.get(handle, 0)
        relu = tf.nn.relu(-item)
        with tf.control_dependencies([relu]):
            again = lists.get(handle, 0)
        for value, wanted in zip(session.run([stacked, again, relu]), ([[1, 2]], [1, 2], [0, 0]), strict=True):
            np.testing.assert_array_equal(value, wanted)


def test_a_long_list():
    lists = recorded.cases.Lists(tf)
    with tf.Graph().as_default(), tf.Session() as session:
        xs = [tf.constant([float(i), 0.0]) for i in range(300)]
        stacked = lists.stack(lists.push(lists.empty(), *xs))
        assert session.run(tf.reduce_sum(stacked)) == 299 * 150
