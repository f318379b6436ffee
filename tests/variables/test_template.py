"""tf.make_template against TensorFlow 1.15.5."""

import re
import threading

import pytest

import reflow as tf
from tests.ops.recorded import Recorded

recorded = Recorded("templates")


@recorded.each_case
def test_as_tensorflow(name):
    recorded.check(name)


def test_errors_tell_where_the_template_was_made():
    with tf.Graph().as_default():
        layer = tf.make_template("layer", lambda x: x + tf.get_variable(f"v{int(x)}", initializer=x))
        layer(1.0)
        with pytest.raises(ValueError, match=r"Variable layer/v2 does not exist") as caught:
            layer(2.0)
    assert re.search(r"originally defined at:\n.*layer = tf.make_template\(", str(caught.value), re.DOTALL)


def test_a_function_may_call_its_own_template():
    def power(x, exponent):
        v = tf.get_variable("v", initializer=2.0, use_resource=True)
        return v * x if exponent == 1 else v * template(x, exponent - 1)

    with tf.Graph().as_default(), tf.Session() as session:
        with tf.variable_scope("", reuse=tf.AUTO_REUSE):
            template = tf.make_template("power", power)
            y = template(1.0, 1) + template(1.0, 3)
        assert [v.name for v in template.variables] == ["power/v:0"]
        session.run(tf.global_variables_initializer())
        assert session.run(y) == 10


def test_what_is_new_at_later_calls_is_logged(caplog):
    with tf.Graph().as_default():
        layer = tf.make_template("layer", lambda: tf.Variable(1.0, trainable=False))
        layer()
        caplog.set_level("INFO", logger="tensorflow")
        assert "New variables" not in caplog.text
        layer()
    assert "New variables created when calling a template after the first time" in caplog.text


def test_calls_from_several_threads_share_variables():
    with tf.Graph().as_default() as graph:
        layer = tf.make_template("layer", lambda: tf.get_variable("v", [2]))
        first = layer()
        found = []

        def call():
            with graph.as_default():
                found.append(layer())

        threads = [threading.Thread(target=call) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert found == [first] * 3 and len(tf.global_variables()) == 1
