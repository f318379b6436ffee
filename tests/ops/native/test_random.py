"""Random numbers and shuffles in C: those of the NumPy path, run after run, in plans of known shapes."""

import numpy as np
import pytest
import torch

import reflow as tf
from reflow.ops import philox_distributions, philox_sequential
from reflow.ops.native import philox as philox_native
from reflow.ops.philox import PhiloxState
from tests.ops.native.sessions import run_natively

SEEDS = (7, 8)


@pytest.fixture(autouse=True)
def _with_a_compiler():
    if philox_native.load() is None:
        pytest.skip("no C compiler")


def _runs(build, count=2):
    with tf.Graph().as_default(), tf.Session() as session:
        tf.set_random_seed(SEEDS[0])
        result = build()
        return [session.run(result) for _ in range(count)], session.plan(result).source


@pytest.mark.parametrize("shape", [(), (1,), (3, 5), (64, 4), (70_001,)])
@pytest.mark.parametrize(
    ("op", "name", "expected", "tolerance"),
    [
        ("RandomUniform", "uniform", philox_distributions.uniform, 0),
        ("RandomStandardNormal", "normal", philox_distributions.standard_normal, 1e-6),
    ],
)
def test_numbers_are_those_of_the_stream(op, name, expected, tolerance, shape, monkeypatch):
    sizes = np.array(shape, np.int32)
    runs, source = _runs(lambda: getattr(tf.raw_ops, op)(shape=sizes, dtype=tf.float32, seed=7, seed2=8))
    assert f"native_random_{name}" in source
    monkeypatch.setattr(philox_native, "load", lambda: None)
    state = PhiloxState(*SEEDS)
    for values in runs:
        np.testing.assert_allclose(values, expected(state, shape, torch.float32), rtol=0, atol=tolerance)


def test_no_numbers():
    runs, _ = _runs(lambda: tf.random_uniform([0, 3]))
    assert runs[0].shape == (0, 3)


def test_other_types_are_left_to_numpy():
    assert "native_random" not in _runs(lambda: tf.random_uniform([4], dtype=tf.float64))[1]


@pytest.mark.parametrize("dtype", [np.float32, np.int64, np.uint8, np.complex128])
@pytest.mark.parametrize("shape", [(2,), (257,), (258, 3), (5000,), (300, 200)])
def test_shuffles_are_those_of_the_stream(shape, dtype, monkeypatch):
    value = np.arange(np.prod(shape)).reshape(shape).astype(dtype)

    def build(x):
        return tf.raw_ops.RandomShuffle(value=x, seed=SEEDS[0], seed2=SEEDS[1])

    result = run_natively("native_shuffle", build, value)
    monkeypatch.setattr(philox_native, "load", lambda: None)
    np.testing.assert_array_equal(result, philox_sequential.shuffle(PhiloxState(*SEEDS), torch.from_numpy(value)))


def test_a_shuffle_of_what_is_not_contiguous(monkeypatch):
    value = np.arange(12, dtype=np.float32).reshape(3, 4)

    def build(x):
        return tf.raw_ops.RandomShuffle(value=tf.transpose(x), seed=SEEDS[0], seed2=SEEDS[1])

    result = run_natively("native_shuffle", build, value)
    monkeypatch.setattr(philox_native, "load", lambda: None)
    np.testing.assert_array_equal(result, philox_sequential.shuffle(PhiloxState(*SEEDS), torch.from_numpy(value).t()))


@pytest.mark.parametrize("value", [np.zeros((0, 3), np.float32), np.ones((1, 3), np.float32), np.float32(2)])
def test_nothing_to_shuffle(value):
    with tf.Session() as session:
        np.testing.assert_array_equal(session.run(tf.random_shuffle(tf.constant(value))), value)
