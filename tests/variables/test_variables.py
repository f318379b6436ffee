"""Variables, scopes, initializers and partitions against TensorFlow 1.15.5."""

import numpy as np

import reflow as tf
from tests.ops.recorded import Recorded

recorded = Recorded("variables")


@recorded.each_case
def test_as_tensorflow(name):
    recorded.check(name)


def test_an_element_of_a_resource_vector_is_a_scalar():
    variable = tf.get_variable("vector", initializer=np.arange(3, dtype=np.uint16), use_resource=True)
    with tf.Session() as session:
        session.run(variable.initializer)
        assert session.run(tf.gather(variable, 2)).tolist() == 2
        assert session.run(tf.gather(variable, [1, 2])).tolist() == [1, 2]


def test_quotients_of_rows_of_wide_unsigned_integers():
    variable = tf.get_variable("wide", initializer=np.array([65534, 7], np.uint16), use_resource=True)
    change = tf.raw_ops.ResourceScatterDiv(resource=variable.handle, indices=[0], updates=np.array([2], np.uint16))
    with tf.Session() as session:
        session.run(variable.initializer)
        session.run(change)
        assert session.run(variable).tolist() == [32767, 7]
