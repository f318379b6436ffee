"""The factories of alike ops: public functions, types that ATen lacks, constants, operators."""

import inspect

import numpy as np
import pytest

import reflow as tf
from reflow.graph.convert import constant_value
from reflow.ops.factories import types_of


@pytest.fixture(autouse=True)
def graph():
    with tf.Graph().as_default() as graph:
        yield graph


def test_public_functions_look_like_written_ones():
    assert tf.exp.__name__ == "exp"
    assert tf.exp.__module__ == "reflow.ops.elementwise"
    assert list(inspect.signature(tf.exp).parameters) == ["x", "name"]
    assert list(inspect.signature(tf.nn.relu).parameters) == ["features", "name"]
    assert list(inspect.signature(tf.add).parameters) == ["x", "y", "name"]
    assert tf.nn.tanh is tf.tanh is tf.math.tanh
    assert "bfloat16 or float16" not in tf.exp.__doc__
    assert "float32" in tf.exp.__doc__ and "Returns:" in tf.exp.__doc__


def test_types_are_named_in_the_order_of_their_numbers():
    assert types_of("Igamma") == "float32 or float64"
    assert types_of("LogicalAnd") == "bool"
    assert types_of("Cast", "DstT") == "any type"


@pytest.mark.parametrize("dtype", ["uint16", "uint32", "uint64"])
def test_types_that_aten_lacks(dtype):
    x = np.array([1, 5, np.iinfo(dtype).max], dtype)
    fed = tf.placeholder(dtype, [None])
    outputs = [fed < 5, tf.greater_equal(fed, 5), tf.bitwise.invert(fed), tf.reduce_max(fed), tf.argmin(fed)]
    expected = [x < 5, x >= 5, ~x, x.max(), 0]
    for actual, wanted in zip(tf.Session().run(outputs, {fed: x}), expected, strict=True):
        np.testing.assert_array_equal(actual, wanted)
        assert actual.dtype == np.asarray(wanted).dtype


def test_shapes_see_through_arithmetic_on_known_sizes():
    x = tf.placeholder(tf.float32, [4, 6])
    rows, columns = tf.shape(x)[0], tf.shape(x)[1]
    assert tf.zeros([rows * columns // 8, tf.maximum(rows, columns) - 1, columns % 4]).shape.as_list() == [3, 5, 2]
    assert constant_value(rows / 2) is None


def test_arithmetic_that_fails_is_left_to_the_run():
    assert constant_value(tf.constant(1) // 0) is None
    assert constant_value(tf.constant([1, 2]) % [1, 0]) is None


def test_large_tensors_are_not_computed_while_the_graph_is_built():
    assert constant_value(tf.constant(np.ones(1000, np.int32)) + 1) is None


def test_constants_of_a_long_chain():
    """Deeper than the stack: given up, not an error."""
    x = tf.constant(1)
    for _ in range(3000):
        x = x + 1
    assert constant_value(x) in (None, 3001)


def test_constants_of_a_wide_graph():
    """Each node is computed once: 60 doublings would take for ever otherwise."""
    x = tf.constant(1, tf.int64)
    for _ in range(60):
        x = x + x
    assert constant_value(x) == 2**60


def test_operators_leave_unknown_operands_to_the_other_side():
    class Other:
        def __radd__(self, other):
            return "added"

    assert tf.constant(1.0) + Other() == "added"
    with pytest.raises(TypeError):
        tf.constant(1.0) - Other()


def test_operations_of_another_graph_go_there():
    with tf.Graph().as_default() as other:
        x = tf.constant(2.0)
    y = x * 3.0 + 1.0
    assert y.graph is other
    assert tf.get_default_graph().get_operations() == []


def test_integers_that_tensorflow_has_no_kernel_for():
    with pytest.raises(tf.errors.InvalidArgumentError, match="No OpKernel"):
        tf.Session().run(tf.tan(tf.placeholder_with_default([1, 2], [None])))


@pytest.mark.parametrize("operation", [tf.floordiv, tf.truncatediv, tf.div])
def test_the_quotient_that_does_not_fit_wraps_around(operation):
    """The processor's instruction would trap, and end the process."""
    least = tf.placeholder_with_default(np.int32(-(2**31)), [])
    assert tf.Session().run(operation(least, tf.placeholder_with_default(-1, []))) == -(2**31)


def test_division_by_zero_names_the_node():
    x = tf.placeholder(tf.int32, name="x")
    with pytest.raises(tf.errors.InvalidArgumentError, match="Integer division by zero") as caught:
        tf.Session().run(tf.floordiv(1, x, name="quotient"), {x: 0})
    assert caught.value.op.name == "quotient"


@pytest.mark.parametrize("name", ["ReluGrad", "Relu6Grad", "EluGrad", "SeluGrad", "SoftplusGrad", "SoftsignGrad",
                                  "LeakyReluGrad"])  # fmt: skip
@pytest.mark.parametrize("shapes", [([1], []), ([2], [1]), ([2, 0], [0])])
def test_gradients_of_activations_do_not_broadcast(name, shapes):
    inputs = [tf.placeholder_with_default(np.ones(shape, np.float32), None) for shape in shapes]
    node = tf.get_default_graph().create_op(name, inputs, [tf.float32])
    with pytest.raises(tf.errors.InvalidArgumentError, match="same size and shape"):
        tf.Session().run(node.outputs[0])
