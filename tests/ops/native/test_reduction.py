"""Reductions in C: the values of NumPy, NaN that count for nothing, and sums that stay accurate."""

import numpy as np
import pytest
import torch

import reflow as tf
from reflow.ops.native import reduction as reduction_native

RANDOM = np.random.RandomState(0)


@pytest.fixture(autouse=True)
def _with_a_compiler():
    if reduction_native._library() is None:
        pytest.skip("no C compiler")


def _run(build, x):
    with tf.Graph().as_default(), tf.Session() as session:
        placeholder = tf.placeholder(x.dtype, x.shape)
        result = build(placeholder)
        return session.run(result, {placeholder: x}), session.plan(result, {placeholder: x}).source


# A row of every length about a lane and a block; columns fewer and more than fit; both threads.
SHAPES = [(1, 1, 1), (1, 63, 1), (1, 65, 1), (3, 8200, 1), (1, 40_001, 1), (300, 130, 1), (2, 129, 3), (5, 40, 700),
          (1, 200, 1100), (3, 1000, 17)]  # fmt: skip


@pytest.mark.parametrize("keepdims", [False, True])
@pytest.mark.parametrize("shape", SHAPES)
def test_reductions(shape, keepdims):
    x = RANDOM.randn(*shape).astype(np.float32)
    wide = x.astype(np.float64)
    for function, expected in (tf.reduce_max, np.max), (tf.reduce_min, np.min), (tf.reduce_mean, np.mean):
        result, source = _run(lambda x, f=function: f(x, 1, keepdims), x)
        assert "native_" in source
        np.testing.assert_allclose(result, expected(wide, axis=1, keepdims=keepdims), rtol=1e-6, atol=1e-7)


def test_sets_of_axes():
    x = RANDOM.randn(3, 4, 5, 6).astype(np.float32)
    for axes in None, [0], [0, 1], [-1], [2, 1], [1, 2, 3]:
        result, source = _run(lambda x, a=axes: tf.reduce_max(x, a), x)
        assert "native_max" in source
        np.testing.assert_array_equal(result, np.max(x, None if axes is None else tuple(axes)))
    for axes in [0, 2], []:
        result, source = _run(lambda x, a=axes: tf.reduce_max(x, a), x)
        assert "native_" not in source
        np.testing.assert_array_equal(result, np.max(x, tuple(axes)))


@pytest.mark.parametrize("axis", [None, 0, 1])
def test_a_nan_counts_for_nothing_in_an_extremum(axis):
    x = RANDOM.randn(70, 90).astype(np.float32)
    x[RANDOM.rand(70, 90) < 0.1] = np.nan
    x[:, 3] = x[5] = np.nan
    x[7, 8] = np.inf
    fmax = np.fmax.reduce(x, axis=axis, initial=-np.inf)
    np.testing.assert_array_equal(_run(lambda x: tf.reduce_max(x, axis), x)[0], fmax)
    fmin = np.fmin.reduce(x, axis=axis, initial=np.inf)
    np.testing.assert_array_equal(_run(lambda x: tf.reduce_min(x, axis), x)[0], fmin)
    assert np.isnan(_run(lambda x: tf.reduce_mean(x, axis), x)[0]).any()


@pytest.mark.parametrize("shape", [(250_000, 1), (1, 250_000)])
def test_a_mean_of_many_numbers_is_accurate(shape):
    x = (1000 + RANDOM.rand(*shape)).astype(np.float32)
    result, source = _run(tf.reduce_mean, x)
    assert "native_sum" in source
    np.testing.assert_allclose(result, x.mean(dtype=np.float64), rtol=6e-8)


def test_half_the_squares():
    x = RANDOM.randn(300, 200).astype(np.float32)
    result, source = _run(tf.nn.l2_loss, x)
    assert "native_half_the_squares" in source
    np.testing.assert_allclose(result, (x.astype(np.float64) ** 2).sum() / 2, rtol=1e-6)


def test_tensors_that_are_not_contiguous():
    x = RANDOM.randn(30, 20).astype(np.float32)
    np.testing.assert_array_equal(_run(lambda x: tf.reduce_max(tf.transpose(x), 0), x)[0], x.max(1))
    np.testing.assert_allclose(_run(lambda x: tf.nn.l2_loss(tf.transpose(x)), x)[0], (x**2).sum() / 2, rtol=1e-5)


@pytest.mark.parametrize("dtype", [torch.float64, torch.int32])
def test_other_types_are_left_to_pytorch(dtype):
    x = torch.arange(20, dtype=dtype).numpy()
    result, source = _run(tf.reduce_max, x)
    assert result == 19
    assert "native_" not in source


def test_sums_of_few_numbers_and_sums_for_a_bias():
    x = RANDOM.randn(6, 7, 8).astype(np.float32)
    for axes in None, [0], [1], [2], [0, 1]:
        result, source = _run(lambda x, a=axes: tf.reduce_sum(x, a), x)
        assert "native_sum" in source
        np.testing.assert_allclose(result, x.sum(None if axes is None else tuple(axes)), rtol=1e-6, atol=1e-6)
    result, source = _run(lambda x: tf.raw_ops.BiasAddGrad(out_backprop=x), x)
    assert "native_sum" in source
    np.testing.assert_allclose(result, x.sum((0, 1)), rtol=1e-6, atol=1e-6)
    channels_first = x.reshape(2, 3, 7, 8)
    result, source = _run(lambda x: tf.raw_ops.BiasAddGrad(out_backprop=x, data_format="NCHW"), channels_first)
    np.testing.assert_allclose(result, channels_first.sum((0, 2, 3)), rtol=1e-5)


@pytest.mark.parametrize("dtype", [tf.int32, tf.int64])
@pytest.mark.parametrize("axis", [0, 1, -1])
@pytest.mark.parametrize("shape", [(1, 1), (5, 7), (7, 5, 3), (40, 1030), (300, 5, 60)])
def test_positions(shape, axis, dtype):
    """Of equal numbers the first one counts."""
    x = RANDOM.randint(0, 9, shape).astype(np.float32)
    for function, expected in (tf.argmax, np.argmax), (tf.argmin, np.argmin):
        result, source = _run(lambda x, f=function: f(x, axis, output_type=dtype), x)
        assert "native_arg" in source and result.dtype == dtype.as_numpy_dtype
        np.testing.assert_array_equal(result, expected(x, axis))


@pytest.mark.parametrize("axis", [0, 1])
def test_a_nan_is_no_extremum(axis):
    x = np.array([[np.nan, 1, -np.inf], [np.nan, np.nan, np.inf], [np.nan, -np.inf, 2]], np.float32)
    expected = {0: [0, 0, 1], 1: [1, 2, 2]}
    np.testing.assert_array_equal(_run(lambda x: tf.argmax(x, axis), x)[0], expected[axis])


@pytest.mark.parametrize(("n", "k"), [(1, 1), (9, 1), (9, 4), (9, 9), (5000, 32)])
def test_top_k(n, k):
    """Descending, and of equal numbers the first ones first."""
    x = RANDOM.randint(0, 20, (8, n)).astype(np.float32)
    (values, places), source = _run(lambda x: tf.nn.top_k(x, k), x)
    assert "native_top_k" in source
    order = np.argsort(-x, axis=1, kind="stable")[:, :k]
    np.testing.assert_array_equal(places, order)
    np.testing.assert_array_equal(values, np.take_along_axis(x, order, 1))


def test_top_k_of_a_nan_is_pytorchs():
    (values, _), source = _run(lambda x: tf.nn.top_k(x, 2), np.array([[1, np.nan, 3]], np.float32))
    assert "native_top_k" in source
    np.testing.assert_array_equal(values, [[np.nan, 3]])
