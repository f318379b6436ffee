"""From Python values to tensors: types, names, conversion functions and their order, constant values."""

import collections

import numpy as np
import pytest

import reflow as tf
from reflow.graph.convert import constant_value, constant_value_as_dims, convert_n_to_tensor


@pytest.fixture(autouse=True)
def graph():
    with tf.Graph().as_default() as graph:
        yield graph


@pytest.mark.parametrize(
    ("value", "dtype", "shape"),
    [(1, tf.int32, []), (1.5, tf.float32, []), (2**40, tf.int64, []), (True, tf.bool, []), ("a", tf.string, []),
     (1j, tf.complex128, []), ([1, 2.5], tf.float32, [2]), ([], tf.float32, [0]), ([[1], [2]], tf.int32, [2, 1]),
     (np.float64(1), tf.float64, []), (np.zeros([2, 3], np.int8), tf.int8, [2, 3]), (b"\xff", tf.string, []),
     (np.array(["a", "b"]), tf.string, [2])],
)  # fmt: skip
def test_types_of_python_values(value, dtype, shape):
    tensor = tf.convert_to_tensor(value)
    assert (tensor.dtype, tensor.shape.as_list()) == (dtype, shape)


def test_wanted_and_preferred_types():
    assert tf.convert_to_tensor(1, tf.float64).dtype is tf.float64
    assert tf.convert_to_tensor(1, preferred_dtype=tf.float64).dtype is tf.float64
    assert tf.convert_to_tensor(1.5, preferred_dtype=tf.int32).dtype is tf.float32
    assert tf.convert_to_tensor(1, dtype_hint=tf.int64).dtype is tf.int64
    with pytest.raises(ValueError, match="Tensor conversion requested dtype float32 for Tensor with dtype int32"):
        tf.convert_to_tensor(tf.constant(1), tf.float32)


def test_names():
    assert tf.convert_to_tensor(1, name="mine").name == "mine:0"
    assert tf.convert_to_tensor(1, name="mine").name == "mine_1:0"
    assert tf.constant(1, name=None).name == "Const:0"
    named = convert_n_to_tensor([1, tf.constant(2, name="two"), 3], name="n")
    assert [t.name for t in named] == ["n_0:0", "two:0", "n_2:0"]


def test_tensors_among_values_are_packed():
    packed = tf.convert_to_tensor([1.0, tf.constant(2.0), [tf.constant(3.0)][0]])
    assert packed.op.type == "Pack"
    with tf.Session() as session:
        assert session.run(packed).tolist() == [1, 2, 3]


class _Point(collections.namedtuple("Point", "x y")):
    pass


def test_conversion_functions_are_asked_by_priority():
    asked = []

    def refusing(value, dtype=None, name=None, as_ref=False):
        asked.append("refusing")
        return NotImplemented

    def summing(value, dtype=None, name=None, as_ref=False):
        asked.append("summing")
        return tf.constant(float(value.x + value.y), dtype or tf.float32, name=name)

    tf.register_tensor_conversion_function(_Point, summing, 50)
    tf.register_tensor_conversion_function(_Point, refusing, 10)
    with tf.Session() as session:
        assert session.run(tf.convert_to_tensor(_Point(1, 2)) * 2.0) == 6
    assert asked == ["refusing", "summing"]
    with pytest.raises(TypeError, match="must be a type"):
        tf.register_tensor_conversion_function("text", summing)
    with pytest.raises(TypeError, match="must be callable"):
        tf.register_tensor_conversion_function(_Point, "text")


def test_a_conversion_function_that_gives_another_type():
    class Stubborn:
        pass

    tf.register_tensor_conversion_function(Stubborn, lambda value, dtype=None, name=None, as_ref=False: tf.constant(1))
    with pytest.raises(RuntimeError, match="returned incompatible dtype: requested = float32, actual = int32"):
        tf.convert_to_tensor(Stubborn(), tf.float32)


def test_constant_values():
    x = tf.placeholder(tf.float32, [2, None])
    assert constant_value(tf.constant([1, 2])).tolist() == [1, 2]
    assert constant_value(tf.shape(tf.zeros([2, 3]))).tolist() == [2, 3]
    assert constant_value(tf.shape(x)) is None
    assert constant_value_as_dims(tf.shape(x)) == (2, None)
    assert constant_value_as_dims(tf.stack([5, tf.shape(x)[1]])) == (5, None)
    assert constant_value_as_dims(tf.placeholder(tf.int32, [3])) == (None, None, None)
    assert constant_value_as_dims(tf.placeholder(tf.int32)) is None
    assert tf.get_static_value(tf.constant(3)) == 3
    assert tf.get_static_value(x) is None
