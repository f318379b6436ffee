"""What a program sets for all sessions."""

import pytest

import reflow as tf


@pytest.fixture
def logged():
    tf.debugging.set_log_device_placement(True)
    yield
    tf.debugging.set_log_device_placement(False)


def _run(**options):
    with tf.Graph().as_default(), tf.Session(**options) as session:
        session.run(tf.exp(tf.constant(1.0, name="here")))


def test_placement_is_not_logged_unasked(capsys):
    assert not tf.debugging.get_log_device_placement()
    _run()
    assert capsys.readouterr().err == ""


def test_sessions_without_a_configuration_log_placement(logged, capsys):
    assert tf.debugging.get_log_device_placement()
    _run()
    assert "here: (Const): /job:localhost/replica:0/task:0/device:CPU:0" in capsys.readouterr().err
    _run(config=tf.ConfigProto())
    assert capsys.readouterr().err == ""
