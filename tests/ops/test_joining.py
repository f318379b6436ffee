"""joining against TensorFlow 1.15.5."""

import numpy as np

import reflow as tf
from reflow.platform import deprecation
from tests.ops.recorded import Recorded

recorded = Recorded("joining")


@recorded.each_case
def test_as_tensorflow(name):
    recorded.check(name)


def test_the_order_of_arguments_before_1_0():
    with tf.Graph().as_default(), tf.Session() as session:
        x = tf.constant([[1, 2], [3, 4]])
        old = [
            tf.concat(1, [x, x]), tf.concat(concat_dim=1, values=[x, x]), tf.concat(1, values=[x, x]),
            *tf.split(1, 2, x), *tf.split(split_dim=1, num_split=2, value=x),
        ]  # fmt: skip
        new = [tf.concat([x, x], 1)] * 3 + [*tf.split(x, 2, 1)] * 2
        for ours, theirs in zip(session.run(old), session.run(new), strict=True):
            np.testing.assert_array_equal(ours, theirs)


def test_the_old_order_is_noted_once(caplog):
    deprecation._already_noted.clear()
    with tf.Graph().as_default(), caplog.at_level("WARNING", "tensorflow"):
        for _ in range(2):
            tf.concat(0, [[1], [2]])
            tf.concat([[1], [2]], 0)
    assert sum("concat(concat_dim, values, name)" in record.getMessage() for record in caplog.records) == 1
