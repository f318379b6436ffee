"""Shapes that do not fit, as the fed shapes show: TensorFlow 1.15.5's words, and nothing but tf.errors."""

import numpy as np
import pytest

import reflow as tf

RAISED = tf.errors.InvalidArgumentError


@pytest.fixture(autouse=True)
def graph():
    with tf.Graph().as_default() as graph:
        yield graph


def _run(function, *shapes, **config):
    fed = [tf.placeholder(tf.float32) for _ in shapes]
    with tf.Session(config=tf.ConfigProto(**config)) as session:
        return session.run(function(*fed), {x: np.ones(shape) for x, shape in zip(fed, shapes, strict=True)})


def _matmul(a, b):
    return tf.raw_ops.MatMul(a=a, b=b, name="far")


def _conv(x, w):
    return tf.nn.conv2d(x, w, [1, 1, 1, 1], "VALID")


@pytest.mark.parametrize("function, shapes, message", [
    (_matmul, [(2, 3), (2, 3)], "Matrix size-incompatible: In[0]: [2,3], In[1]: [2,3]"),
    (tf.linalg.matmul, [(3,), (3,)], "In[0] ndims must be >= 2: 1"),
    (lambda a, b: tf.raw_ops.BatchMatMulV2(x=a, y=b), [(2, 2, 3), (3, 3, 3)],
     "In[0] and In[1] must have compatible batch dimensions: [2,2,3] vs. [3,3,3]"),
    (tf.add, [(2, 3), (4,)], "Incompatible shapes: [2,3] vs. [4]"),
    (tf.nn.bias_add, [(2, 3), (4,)],
     "Must provide as many biases as the last dimension of the input tensor: [4] vs. [2,3]"),
    (_conv, [(1, 2, 2, 3), (5, 5, 3, 5)],
     "Computed output size would be negative: -2 [input_size: 2, effective_filter_size: 5, stride: 1]"),
    (_conv, [(1, 2, 3), (5, 5, 3, 5)], "input must be 4-dimensional[1,2,3]"),
    (_conv, [(1, 5, 5, 3), (5, 3, 5)], "filter must be 4-dimensional: [5,3,5]"),
    (lambda x: tf.nn.max_pool(x, 2, 2, "VALID"), [(1, 2, 3)], "tensor_in_shape must have 2 spatial dimensions. 3 0"),
    (tf.nn.lrn, [(5, 3)], "in must be 4-dimensional"),
    (lambda a, b: tf.concat([a, b], 0), [(2, 3), (2, 4)],
     "ConcatOp : Dimensions of inputs should match: shape[0] = [2,3] vs. shape[1] = [2,4]"),
    (lambda a, b: tf.concat([a, b], 0), [(2, 3), (2,)],
     "ConcatOp : Ranks of all input tensors should match: shape[0] = [2,3] vs. shape[1] = [2]"),
    (lambda a, b: tf.stack([a, b]), [(2, 3), (2, 4)],
     "Shapes of all inputs must match: values[0].shape = [2,3] != values[1].shape = [2,4]"),
    (lambda a, b: tf.add_n([a, b], name="many"), [(2, 2), (2, 3)],
     "Inputs to operation many of type AddN must have the same size and shape.  Input 0: [2,2] != input 1: [2,3]"),
    (lambda a: tf.split(a, 2, 0), [(3, 3)],
     "Number of ways to split should evenly divide the split dimension, but got split_dim 0 (size = 3) and num_split"),
    (lambda a: tf.transpose(a, [0, 1]), [(3, 3, 3)],
     "transpose expects a vector of size 3. But input(1) is a vector of size 2"),
    (lambda a: tf.tile(a, [1, 2, 3]), [(2, 2)],
     "Expected multiples argument to be a vector of length 2 but got length 3"),
    (lambda a: tf.pad(a, [[1, 1]]), [(2, 2)],
     "The first dimension of paddings must be the rank of inputs[1,2] [2,2]"),
    (lambda a, b: tf.nn.softmax_cross_entropy_with_logits_v2(labels=a, logits=b), [(2, 4), (2, 3)],
     "logits and labels must be broadcastable: logits_size=[2,3] labels_size=[2,4]"),
    (tf.nn.softmax, [()], "logits must have >= 1 dimension, got []"),
])  # fmt: skip
def test_in_the_words_of_tensorflow(function, shapes, message):
    with pytest.raises(RAISED) as info:
        _run(function, *shapes)
    assert info.value.message.startswith(message)
    assert "_Misfit" not in info.value.message and info.value.op is not None


def test_a_misfit_in_a_branch_that_is_not_taken_says_nothing():
    x, w = tf.placeholder(tf.float32), tf.placeholder(tf.float32)
    y = tf.cond(tf.equal(tf.rank(x), 4), lambda: tf.reduce_sum(_conv(x, w)), lambda: tf.constant(-1.0))
    with tf.Session() as session:
        assert session.run(y, {x: np.ones((2, 2)), w: np.ones((1, 1, 2, 1))}) == -1
        assert session.run(y, {x: np.ones((1, 2, 2, 2)), w: np.ones((1, 1, 2, 1))}) == 8


def test_the_next_run_fits():
    x = tf.placeholder(tf.float32)
    y = tf.matmul(x, x)
    with tf.Session() as session:
        with pytest.raises(RAISED):
            session.run(y, {x: np.ones((2, 3))})
        assert session.run(y, {x: np.ones((2, 2))}).tolist() == [[2, 2], [2, 2]]


def test_a_misfit_on_another_device():
    def far(a, b):
        with tf.device("/cpu:1"):
            product = _matmul(a, b)
        with tf.device("/cpu:0"):
            return tf.exp(product)

    with pytest.raises(RAISED, match=r"node far \(MatMul\)\]\] with input shapes: \[2,3\], \[2,3\]"):
        _run(far, (2, 3), (2, 3), device_count={"CPU": 2})


def test_what_a_kernel_takes_is_no_misfit_whatever_the_shape_rule_says():
    """TensorFlow's rule wants a vector of axes, its kernel takes any tensor of them."""
    x, axes = tf.placeholder(tf.bool), tf.placeholder(tf.int32)
    with tf.Session() as session:
        got = session.run(tf.reduce_all(x, axes), {x: np.ones((2, 3), bool), axes: [[0, 1]]})
    assert got == True  # noqa: E712
