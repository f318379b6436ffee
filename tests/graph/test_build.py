"""Calls of ops: what a call finds out serves the next one of its kind, and nothing but that."""

import pytest

import reflow as tf
from reflow.graph.build import call


@pytest.fixture(autouse=True)
def graph():
    with tf.Graph().as_default() as g:
        yield g


@pytest.fixture
def matrix():
    call("MatMul", tf.ones([2, 2]), tf.ones([2, 2]), transpose_a=True)  # Calls like it have been made before.
    return tf.ones([2, 2])


def test_a_call_takes_the_attributes_given_and_otherwise_the_defaults(matrix):
    turned = call("MatMul", matrix, matrix, transpose_a=True)
    plain = call("MatMul", matrix, matrix)
    kept = call("MatMul", matrix, matrix, transpose_a=False)
    assert turned.op.attrs == {"transpose_a": True, "transpose_b": False, "T": tf.float32}
    assert plain.op.attrs == kept.op.attrs == {"transpose_a": False, "transpose_b": False, "T": tf.float32}


def test_calls_do_not_share_their_attributes(matrix):
    first, second = (call("MatMul", matrix, matrix, transpose_a=True) for _ in range(2))
    first.op.attrs["_class"] = [b"loc:@x"]
    first.op.attrs["transpose_a"] = False
    third = call("MatMul", matrix, matrix, transpose_a=True)
    assert second.op.attrs == third.op.attrs == {"transpose_a": True, "transpose_b": False, "T": tf.float32}


def test_types_come_from_the_inputs_of_each_call():
    for dtype in (tf.float32, tf.float64, tf.float32):
        total = call("Sum", tf.ones([2, 2], dtype), 0)
        assert (total.dtype, total.op.attrs["T"]) == (dtype, dtype)


@pytest.mark.parametrize("target", [tf.int32, tf.float64, tf.int32])
def test_types_come_from_the_attributes_of_each_call(matrix, target):
    assert call("Cast", matrix, DstT=target).dtype is target


def test_a_reference_is_not_taken_for_a_tensor():
    variable = tf.Variable(tf.ones([2]), use_resource=False)
    call("Assign", variable._ref(), tf.ones([2]))
    with pytest.raises(TypeError, match="requires that input 'ref' be a mutable tensor"):
        call("Assign", tf.ones([2]), tf.ones([2]))


def test_wrong_attributes_fail_each_time(matrix):
    for _ in range(2):
        with pytest.raises(TypeError, match="Expected bool for argument 'transpose_a' not 'yes'"):
            call("MatMul", matrix, matrix, transpose_a="yes")
        with pytest.raises(TypeError, match="unexpected attribute 'transpose_c'"):
            call("MatMul", matrix, matrix, transpose_c=True)


def test_wrong_types_fail_each_time(matrix):
    for _ in range(2):
        with pytest.raises(TypeError, match="has type float64 that does not match type float32"):
            call("MatMul", matrix, tf.ones([2, 2], tf.float64))
        with pytest.raises(TypeError, match="DataType bool not in list of allowed values"):
            call("MatMul", tf.constant([[True]]), tf.constant([[True]]))


def test_tensors_of_two_graphs_do_not_mix(matrix):
    with tf.Graph().as_default():
        other = tf.ones([2, 2])
    with pytest.raises(ValueError, match="must be from the same graph"):
        call("MatMul", matrix, other)


def test_a_long_list_of_inputs_is_not_the_operations(matrix):
    parts = [matrix, matrix]
    total = call("AddN", parts)
    parts.append(matrix)
    assert len(total.op.inputs) == 2
