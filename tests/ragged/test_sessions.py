"""Ragged tensors in sessions, in tf.nest and in conditionals; RaggedTensorValue and RaggedTensorSpec."""

import pickle

import numpy as np
import pytest

import reflow as tf

LISTS = [[1, 2], [], [3]]
DEEP = [[[1], [2, 3]], [], [[]]]


@pytest.fixture
def session():
    with tf.Graph().as_default(), tf.Session() as session:
        yield session


@pytest.mark.parametrize("value", [LISTS, DEEP])
def test_fetch(session, value):
    result = session.run(tf.ragged.constant(value))
    assert isinstance(result, tf.ragged.RaggedTensorValue)
    assert result.to_list() == value
    assert result.dtype == np.int32
    assert result.row_splits.dtype == np.int64


def test_fetch_in_structures(session):
    ragged = tf.ragged.constant(LISTS)
    result = session.run({"a": [ragged, ragged.row_splits], "b": ragged + 1})
    assert result["a"][0].to_list() == LISTS
    assert result["a"][1].tolist() == [0, 2, 2, 3]
    assert result["b"].to_list() == [[2, 3], [], [4]]


@pytest.mark.parametrize("value", [LISTS, DEEP])
def test_feed(session, value):
    rank = 1 if value is LISTS else 2
    fed = tf.ragged.placeholder(tf.int32, ragged_rank=rank)
    result = session.run(fed * 2, {fed: tf.ragged.constant_value(value, dtype=np.int32)})
    assert result.ragged_rank == rank
    assert result.flat_values.tolist() == [2, 4, 6]
    # A step is made for a shape that is fed; it fits others, too.
    other = tf.ragged.constant_value([[5]] if rank == 1 else [[[5]]], dtype=np.int32)
    assert session.run(fed, {fed: other}).to_list() == other.to_list()


def test_what_was_fetched_can_be_fed(session):
    ragged = tf.ragged.constant(LISTS)
    value = session.run(ragged * 3)
    assert session.run(ragged + 1, {ragged: value}).to_list() == [[4, 7], [], [10]]


def test_callables_and_partial_runs(session):
    fed = tf.ragged.placeholder(tf.float32, 1)
    total = tf.reduce_sum(fed, axis=1)
    handle = session.partial_run_setup([total], [*fed.nested_row_splits, fed.flat_values])
    value = tf.ragged.constant_value([[1.0, 2.0], [4.0]], dtype=np.float32)
    assert session.partial_run(handle, total, {fed: value}).tolist() == [3, 4]


def test_gradients_through_ragged_tensors(session):
    rows = tf.Variable([1.0, 2.0, 3.0])
    ragged = tf.RaggedTensor.from_row_splits(rows, [0, 2, 2, 3])
    loss = tf.reduce_sum(tf.reduce_sum(ragged * ragged, axis=1) * [1.0, 1.0, 10.0])
    train = tf.train.GradientDescentOptimizer(0.1).minimize(loss)
    session.run(tf.global_variables_initializer())
    session.run(train)
    np.testing.assert_allclose(session.run(rows), [0.8, 1.6, -3.0], rtol=1e-6)


def test_conditionals(session):
    flag = tf.placeholder(tf.bool, [])
    ragged = tf.ragged.constant(LISTS)
    chosen = tf.cond(flag, lambda: ragged[1:], lambda: ragged * 2)
    assert isinstance(chosen, tf.RaggedTensor)
    assert session.run(chosen, {flag: True}).to_list() == [[], [3]]
    assert session.run(chosen, {flag: False}).to_list() == [[2, 4], [], [6]]


def test_in_nests(session):
    ragged = tf.ragged.constant(DEEP)
    parts = tf.nest.flatten({"x": ragged}, expand_composites=True)
    assert parts == [ragged.flat_values, *ragged.nested_row_splits]
    assert tf.nest.flatten({"x": ragged}) == [ragged]
    (again,) = tf.nest.pack_sequence_as([ragged], parts, expand_composites=True)
    assert session.run(again).to_list() == DEEP
    assert session.run(tf.group(ragged)) is None


def test_control_dependencies_and_consumers(session):
    ragged = tf.ragged.constant(LISTS)
    with tf.control_dependencies([ragged]):
        after = tf.no_op()
    assert after.control_inputs == [ragged.flat_values.op]
    doubled = ragged * 2
    assert doubled.flat_values.op in ragged.consumers()


def test_other_graphs():
    """What is made of a ragged tensor goes to its graph, whichever is the default one."""
    with tf.Graph().as_default() as graph:
        ragged = tf.ragged.constant(LISTS)
    made = tf.reduce_sum(-ragged, axis=0)
    assert made.graph is graph
    assert made.name == "RaggedReduceSum/UnsortedSegmentSum:0"


def test_not_a_tensor(session):
    ragged = tf.ragged.constant(LISTS)
    assert not tf.is_tensor(ragged)
    assert tf.strings.split(["a b"], result_type="RaggedTensor").dtype is tf.string
    assert repr(ragged) == (
        'tf.RaggedTensor(values=Tensor("RaggedConstant/values:0", shape=(3,), dtype=int32), '
        'row_splits=Tensor("RaggedConstant/Const:0", shape=(4,), dtype=int64))'
    )
    with pytest.raises(TypeError, match="Failed to convert object of type .*RaggedTensor"):
        tf.convert_to_tensor(ragged)


def test_exclusive_or(session):
    """TensorFlow broadcasts in each of its parts, and so knows less of the static shape."""
    x, y = tf.ragged.constant([[True, False], [True]]), tf.ragged.constant([[True, True], [False]])
    assert session.run(x ^ y).to_list() == [[False, True], [True]]
    assert session.run(tf.logical_xor(True, x)).to_list() == [[False, True], [False]]


def test_what_tensorflow_refuses(session):
    """Ragged coordinates in a dense tensor; a dense tensor of no rows of unknown shape."""
    indices = tf.ragged.constant([[[0, 1], [2, 0]], [[0, 0]]], ragged_rank=1)
    made = tf.gather_nd(tf.reshape(tf.range(6), [3, 2]), indices)
    assert session.run(made).to_list() == [[1, 4], [0]]
    assert session.run(tf.ragged.constant([], tf.float32, ragged_rank=1).to_tensor()).shape == (0, 0)
    assert session.run(tf.ragged.row_splits_to_segment_ids([0])).tolist() == []


def test_arrays_on_the_left(session):
    ragged = tf.ragged.constant([[1.0, 2.0], [3.0]])
    assert session.run(np.float32(1) + ragged).to_list() == [[2, 3], [4]]
    assert session.run(np.array([[1], [2]], np.float32) * ragged).to_list() == [[1, 2], [6]]
    assert session.run(tf.constant([[1.0], [2.0]]) - ragged).to_list() == [[0, -1], [-1]]
    assert session.run(tf.constant(2.0) < ragged).to_list() == [[False, False], [True]]


# --- values -----------------------------------------------------------------------------------------------------------


def test_value():
    value = tf.ragged.constant_value(DEEP)
    assert value.shape == (3, None, None)
    assert value.ragged_rank == 2
    assert [splits.tolist() for splits in value.nested_row_splits] == [[0, 2, 2, 3], [0, 1, 3, 3]]
    assert str(value) == f"<tf.RaggedTensorValue {DEEP}>"
    assert repr(tf.ragged.constant_value([[1]])) == (
        "tf.RaggedTensorValue(values=array([1]), row_splits=array([0, 1]))"
    )


@pytest.mark.parametrize("values, splits, error", [
    ([1], np.array([0, 1]), TypeError), (np.array([1]), [0, 1], TypeError),
    (np.array([1]), np.array([0.0, 1]), TypeError), (np.array([1]), np.array([[0, 1]]), TypeError),
    (tf.ragged.constant_value([[1]]), np.array([0, 1], np.int32), ValueError),
])  # fmt: skip
def test_value_refuses(values, splits, error):
    with pytest.raises(error):
        tf.ragged.RaggedTensorValue(values, splits)


# --- specifications ---------------------------------------------------------------------------------------------------


def test_spec(session):
    ragged = tf.ragged.constant(DEEP, dtype=tf.float32)
    spec = tf.RaggedTensorSpec.from_value(ragged)
    assert spec == tf.RaggedTensorSpec([3, None, None], tf.float32)
    assert spec.value_type is tf.RaggedTensor
    assert tf.RaggedTensorSpec([2], tf.int32).value_type is tf.Tensor
    assert spec == tf.RaggedTensorSpec.from_value(session.run(ragged))
    assert pickle.loads(pickle.dumps(spec)) == spec
    assert hash(spec) == hash(tf.RaggedTensorSpec([3, None, None], tf.float32, 2, tf.int64))
    assert spec.is_compatible_with(ragged)
    assert not spec.is_compatible_with(tf.ragged.constant(DEEP))
    assert not spec.is_compatible_with(tf.ragged.constant(LISTS, tf.float32))
    wider = spec.most_specific_compatible_type(tf.RaggedTensorSpec([4, None, None]))
    assert wider == tf.RaggedTensorSpec([None, None, None])
    assert repr(tf.RaggedTensorSpec([1], ragged_rank=0)) == (
        "RaggedTensorSpec(TensorShape([Dimension(1)]), tf.float32, 0, tf.int64)"
    )


@pytest.mark.parametrize("arguments, error", [
    ({}, ValueError), ({"ragged_rank": 1.5}, TypeError), ({"shape": [None], "ragged_rank": 1}, ValueError),
])  # fmt: skip
def test_spec_refuses(arguments, error):
    with pytest.raises(error):
        tf.RaggedTensorSpec(**arguments)
