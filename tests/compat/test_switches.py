"""The switches between 1.x and 2."""

import pytest

import reflow as tf

SWITCHES = ["v2_behavior", "v2_tensorshape", "tensor_equality", "control_flow_v2"]


@pytest.mark.parametrize("switch", SWITCHES)
def test_turning_the_behaviour_of_2_off_is_fine_and_on_is_refused(switch):
    assert getattr(tf, f"disable_{switch}")() is None
    assert getattr(tf.compat.v1, f"disable_{switch}").__name__ == f"disable_{switch}"
    with pytest.raises(NotImplementedError, match=f"tf.enable_{switch}"):
        getattr(tf, f"enable_{switch}")()


def test_control_flow_is_that_of_1():
    assert tf.control_flow_v2_enabled() is False
