"""Rows gathered and added up in C: the sums of PyTorch's kernels, and their errors."""

import functools

import numpy as np
import pytest

import reflow as tf
from reflow.ops.native import indexing as indexing_native
from tests.ops.native.sessions import run_natively

RANDOM = np.random.RandomState(0)
_run = functools.partial(run_natively, "native_")


@pytest.fixture(autouse=True)
def _with_a_compiler():
    if indexing_native._library() is None:
        pytest.skip("no C compiler")


def _numbers(*shape):
    return RANDOM.randint(-9, 9, shape).astype(np.float32)


# Rows, numbers in a row, segments; the last is worked on by two threads.
SIZES = [(1, 1, 1), (7, 3, 5), (40, 17, 100), (3000, 37, 211)]


@pytest.mark.parametrize("id_type", [np.int32, np.int64])
@pytest.mark.parametrize(("rows", "width", "count"), SIZES)
def test_unsorted_segments(rows, width, count, id_type):
    data, ids = _numbers(rows, width), RANDOM.randint(-2, count, rows).astype(id_type)
    result = _run(lambda data, ids: tf.unsorted_segment_sum(data, ids, count), data, ids)
    expected = np.zeros((count, width), np.float32)
    np.add.at(expected, ids[ids >= 0], data[ids >= 0])
    np.testing.assert_array_equal(result, expected)


def test_unsorted_segments_of_a_matrix_of_ids():
    data, ids = _numbers(3, 4, 5), RANDOM.randint(0, 6, (3, 4)).astype(np.int32)
    result = _run(lambda data, ids: tf.unsorted_segment_sum(data, ids, 6), data, ids)
    expected = np.zeros((6, 5), np.float32)
    np.add.at(expected, ids, data)
    np.testing.assert_array_equal(result, expected)


def test_an_id_that_is_too_large():
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"segment_ids\[2\] = 4 is out of range \[0, 4\)"):
        _run(lambda data, ids: tf.unsorted_segment_sum(data, ids, 4), _numbers(3, 2), np.array([0, -1, 4], np.int32))


@pytest.mark.parametrize("id_type", [np.int32, np.int64])
@pytest.mark.parametrize(("rows", "width", "count"), SIZES)
def test_sorted_segments(rows, width, count, id_type):
    data, ids = _numbers(rows, width), np.sort(RANDOM.randint(0, count, rows)).astype(id_type)
    expected = np.zeros((ids[-1] + 1, width), np.float32)
    np.add.at(expected, ids, data)
    np.testing.assert_array_equal(_run(tf.segment_sum, data, ids), expected)


@pytest.mark.parametrize(("ids", "message"), [([0, 2, 1], "not increasing"), ([-1, 0, 1], "-1 out of range")])
def test_ids_that_are_not_sorted(ids, message):
    with pytest.raises(tf.errors.InvalidArgumentError, match=message):
        _run(tf.segment_sum, _numbers(3, 2), np.array(ids, np.int32))


@pytest.mark.parametrize("index_type", [np.int32, np.int64])
@pytest.mark.parametrize(
    ("shape", "depth"), [((9,), 1), ((4, 5, 6), 1), ((4, 5, 6), 2), ((4, 5, 6), 3), ((99, 200), 1)]
)
def test_scatter_and_gather_by_rows_of_indices(shape, depth, index_type):
    indices = np.stack([RANDOM.randint(0, size, (7, 50)) for size in shape[:depth]], -1).astype(index_type)
    where = tuple(np.moveaxis(indices, -1, 0))
    updates = _numbers(7, 50, *shape[depth:])
    expected = np.zeros(shape, np.float32)
    np.add.at(expected, where, updates)
    np.testing.assert_array_equal(_run(lambda i, u: tf.scatter_nd(i, u, shape), indices, updates), expected)
    for dtype in np.float32, np.float64, np.int32, np.int64:
        params = _numbers(*shape).astype(dtype)
        np.testing.assert_array_equal(_run(tf.gather_nd, params, indices), params[where])


@pytest.mark.parametrize("bad", [-1, 4])
def test_an_index_that_is_out_of_range(bad):
    indices = np.array([[0, 0], [bad, 1]], np.int32)
    with pytest.raises(tf.errors.InvalidArgumentError, match=rf"indices\[1\] = \[{bad},1\] does not index into"):
        _run(tf.gather_nd, _numbers(4, 3), indices)
    with pytest.raises(tf.errors.InvalidArgumentError, match=rf"indices\[1\] = \[{bad},1\] does not index into"):
        _run(lambda i, u: tf.scatter_nd(i, u, [4, 3]), indices, _numbers(2))


def test_tensors_that_are_not_contiguous():
    params, ids = _numbers(5, 6), np.array([[1], [0], [5]], np.int64)
    np.testing.assert_array_equal(_run(lambda p, i: tf.gather_nd(tf.transpose(p), i), params, ids), params.T[[1, 0, 5]])
    sums = _run(lambda p, i: tf.unsorted_segment_sum(tf.transpose(p), i, 2), params, np.array([0, 1, 0, 1, 0, 1]))
    np.testing.assert_array_equal(sums, [params.T[::2].sum(0), params.T[1::2].sum(0)])


@pytest.mark.parametrize("index_type", [np.int32, np.int64])
def test_one_hot(index_type):
    indices = np.array([[0, 3, -1], [2, 4, 99]], index_type)
    result = _run(lambda i: tf.one_hot(i, 4, on_value=5.0, off_value=-1.0), indices)
    np.testing.assert_array_equal(result, np.where(indices[..., None] == np.arange(4), 5.0, -1.0))


@pytest.mark.parametrize(("start", "limit", "step"), [(0, 5, 1), (-7, 8, 3), (3, 3, 2), (0, 100_000, 7), (5, -5, -2)])
def test_ranges(start, limit, step):
    numbers = [np.array(n, np.int32) for n in (start, limit, step)]
    np.testing.assert_array_equal(_run(tf.range, *numbers), np.arange(start, limit, step))


def test_a_range_that_never_reaches_its_limit():
    with pytest.raises(tf.errors.InvalidArgumentError, match="Requires start <= limit"):
        _run(tf.range, *(np.array(n, np.int32) for n in (5, 0, 1)))


@pytest.mark.parametrize("index", [np.int32, np.int64])
@pytest.mark.parametrize("dtype", [np.float32, np.int64])
@pytest.mark.parametrize(("params", "indices"), [((5,), (3,)), ((5, 4), ()), ((5, 2, 3), (2, 2)), ((300, 64), (5000,))])
def test_gather(params, indices, dtype, index):
    params, indices = RANDOM.randint(0, 99, params).astype(dtype), RANDOM.randint(0, params[0], indices).astype(index)
    result = run_natively("native_gather", tf.gather, params, np.asarray(indices))
    np.testing.assert_array_equal(result, params[indices])


@pytest.mark.parametrize("bad", [-1, 5])
def test_gather_of_an_index_out_of_range(bad):
    params, indices = np.zeros((5, 2), np.float32), np.array([0, bad], np.int32)
    with pytest.raises(tf.errors.InvalidArgumentError, match=f"{bad} is not in"):
        run_natively("native_gather", tf.gather, params, indices)
