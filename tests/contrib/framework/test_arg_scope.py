"""Arg scopes beyond what graphs show."""

import pytest

import reflow as tf

framework = tf.contrib.framework


@framework.add_arg_scope
def recorded(x, first=1, second=2, **others):
    """What it was called with."""
    return x, first, second, others


def test_function_keeps_its_name_and_text():
    assert recorded.__name__ == "recorded"
    assert recorded.__doc__ == "What it was called with."
    assert framework.arg_scoped_arguments(recorded) == ("first", "second")
    with pytest.raises(AssertionError):
        framework.arg_scoped_arguments(tf.add)


def test_scope_ends_with_its_block():
    before = framework.current_arg_scope()
    with pytest.raises(RuntimeError), framework.arg_scope([recorded], first=5):
        assert recorded(0) == (0, 5, 2, {})
        assert framework.current_arg_scope() is not before
        raise RuntimeError
    assert framework.current_arg_scope() is before
    assert recorded(0) == (0, 1, 2, {})


def test_scope_is_not_changed_by_inner_ones():
    with framework.arg_scope([recorded], first=5) as outer:
        with framework.arg_scope([recorded], second=6, third=7):
            assert recorded(0) == (0, 5, 6, {"third": 7})
        assert recorded(0) == (0, 5, 2, {})
    with framework.arg_scope(outer):
        assert recorded(0, first=8) == (0, 8, 2, {})


def test_scope_as_value_of_a_function():
    def defaults():
        with framework.arg_scope([recorded], second=9) as scope:
            return scope

    with framework.arg_scope(defaults()):
        assert recorded(1) == (1, 1, 9, {})
