"""Shape rules that families share, through ops that use them."""

import pytest

import reflow as tf
from reflow.ops import shape_rules


@pytest.fixture(autouse=True)
def graph():
    with tf.Graph().as_default() as graph:
        yield graph


def test_merge():
    assert shape_rules.merge((2, None), (None, 3)) == (2, 3)
    assert shape_rules.merge(None, (2,)) == (2,)
    with pytest.raises(ValueError, match=r"Dimension 1 in both shapes must be equal, but are 3 and 4. Shapes are "
                                         r"\[2,3\] and \[2,4\]"):  # fmt: skip
        shape_rules.merge((2, 3), (2, 4))
    with pytest.raises(ValueError, match="Shapes must be equal rank, but are 1 and 2"):
        shape_rules.merge((2,), (2, 3))


def test_merge_prefix():
    assert shape_rules.merge_prefix((None, 3, 4), (2, None)) == ((2, 3, 4), (2, 3))
    assert shape_rules.merge_prefix(None, (2,)) == (None, (2,))
    with pytest.raises(ValueError, match="Shape must be at least rank 2 but is rank 1"):
        shape_rules.merge_prefix((2,), (2, 3))


def test_ranks():
    assert shape_rules.with_rank(None, 2) == (None, None)
    assert shape_rules.with_rank_at_most((1, 2), 2) == (1, 2)
    with pytest.raises(ValueError, match="Shape must be rank 1 but is rank 0"):
        shape_rules.with_rank((), 1)
    with pytest.raises(ValueError, match="Shape must be at most rank 1 but is rank 2"):
        shape_rules.with_rank_at_most((1, 2), 1)


def test_axis_within():
    assert shape_rules.axis_within(-1, 3) == 2
    with pytest.raises(ValueError, match="Invalid dimension 3 for input with 3 dimensions."):
        shape_rules.axis_within(3, 3)


@pytest.mark.parametrize(
    "dims, axis, keep, expected",
    [
        ([2, 3, 4], 1, False, [2, 4]), ([2, 3, 4], [0, -1], True, [1, 3, 1]), ([2, None], 0, False, [None]),
        ([2, None], [], False, [2, None]), (None, 0, True, None),
    ],
)  # fmt: skip
def test_reduction(dims, axis, keep, expected):
    shape = tf.reduce_sum(tf.placeholder(tf.float32, dims), axis, keepdims=keep).shape
    assert (None if shape.ndims is None else shape.as_list()) == expected


def test_reduction_over_axes_that_are_fed():
    axes = tf.placeholder(tf.int32, [None])
    x = tf.placeholder(tf.float32, [2, 3])
    assert tf.reduce_sum(x, axes).shape.ndims is None
    assert tf.reduce_sum(x, axes, keepdims=True).shape.as_list() == [None, None]


def test_a_shape_that_does_not_fit_is_reported_with_op_and_shapes():
    x, y = tf.placeholder(tf.float32, [2, 3]), tf.placeholder(tf.float32, [4])
    with pytest.raises(ValueError) as caught:
        tf.add(x, y, name="total")
    assert str(caught.value) == (
        "Dimensions must be equal, but are 3 and 4 for 'total' (op: 'Add') with input shapes: [2,3], [4]."
    )


def test_outputs_of_rules():
    op = tf.nn.top_k(tf.constant([1.0, 2.0])).values.op
    assert shape_rules.output_count(op) == 2
    assert shape_rules.scalar(op) == [(), ()]
    assert shape_rules.unknown(op) == [None, None]
    assert shape_rules.vector(3)(op) == [(3,)]
