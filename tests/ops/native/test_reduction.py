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
