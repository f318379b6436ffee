"""Arithmetic with transposed tensors in C: exactly what PyTorch computes."""

import numpy as np
import pytest
import torch

import reflow as tf
from reflow.ops.native import transposition as transposition_native

RANDOM = np.random.RandomState(0)

# Shape and order of axes: squares, rests on both sides, few rows, images to channels first, and back.
CASES = [
    ((256, 256), (1, 0)), ((300, 219), (1, 0)), ((9, 9000), (1, 0)), ((9000, 11), (1, 0)),
    ((3, 40, 50, 17), (0, 3, 1, 2)), ((3, 17, 40, 50), (0, 2, 3, 1)), ((4, 5, 60, 70), (0, 1, 3, 2)),
]  # fmt: skip


@pytest.fixture(autouse=True)
def _with_a_compiler():
    if transposition_native._library() is None:
        pytest.skip("no C compiler")


def _run(build, *arrays):
    """What `build` makes of placeholders that are fed with the arrays, and the source of the plan."""
    with tf.Graph().as_default(), tf.Session() as session:
        placeholders = [tf.placeholder(a.dtype, a.shape) for a in arrays]
        result = build(*placeholders)
        feeds = dict(zip(placeholders, arrays, strict=True))
        return session.run(result, feeds), session.plan(result, feeds).source


@pytest.mark.parametrize(("shape", "perm"), CASES)
def test_arithmetic(shape, perm):
    a = RANDOM.randn(*shape).astype(np.float32)
    t = a.transpose(perm)
    y = RANDOM.randn(*t.shape).astype(np.float32)
    for function, expected in (tf.add, np.add), (tf.subtract, np.subtract), (tf.multiply, np.multiply):
        result, source = _run(lambda a, y, f=function: f(tf.transpose(a, perm), y), a, y)
        assert "native_transposed" in source
        np.testing.assert_array_equal(result, expected(t, y))
        np.testing.assert_array_equal(_run(lambda a, y, f=function: f(y, tf.transpose(a, perm)), a, y)[0],
                                      expected(y, t))  # fmt: skip


def test_the_other_input_is_overwritten_where_nothing_needs_it():
    a, y = RANDOM.randn(2, 300, 300).astype(np.float32)
    result, source = _run(lambda a, y: tf.transpose(a) - tf.exp(y), a, y)
    assert "native_transposed_difference(transpose, Exp, out=Exp)" in source
    np.testing.assert_allclose(result, a.T - np.exp(y), rtol=1e-5, atol=1e-5)


def test_both_transposed_or_not_contiguous_before():
    a, y = RANDOM.randn(2, 300, 300).astype(np.float32)
    np.testing.assert_array_equal(_run(lambda a, y: tf.transpose(a) + tf.transpose(y), a, y)[0], a.T + y.T)
    wide = RANDOM.randn(300, 600).astype(np.float32)
    np.testing.assert_array_equal(_run(lambda w, y: tf.transpose(w[:, ::2]) + y, wide, y)[0], wide[:, ::2].T + y)


@pytest.mark.parametrize(("shape", "perm"), [((20, 20), (1, 0)), ((40, 50, 60), (2, 1, 0)), ((3, 300, 100), (1, 0, 2))])
def test_what_is_left_to_pytorch(shape, perm):
    """Small tensors, reversed axes, and rows that stay whole."""
    a = RANDOM.randn(*shape).astype(np.float32)
    result, source = _run(lambda a: tf.transpose(a, perm) + tf.ones([shape[p] for p in perm]), a)
    assert "native_transposed" not in source
    np.testing.assert_array_equal(result, a.transpose(perm) + 1)


@pytest.mark.parametrize(("shape", "perm"), [case for case in CASES if len(case[0]) == 4] + [
    ((2, 3, 5, 7), (0, 2, 3, 1)), ((2, 5, 7, 3), (0, 3, 1, 2)), ((1, 16, 4, 4), (0, 2, 3, 1)),
    ((2, 9, 1, 8), (0, 2, 3, 1)),
])  # fmt: skip
def test_in_memory(shape, perm):
    parts = transposition_native._exchanged_groups(shape, list(perm))
    kernel = transposition_native._transpose(_in_memory, shape, perm, parts)
    wide = torch.from_numpy(RANDOM.randn(*shape[:-1], 2 * shape[-1]).astype(np.float32))
    # What is not contiguous goes to PyTorch's kernel.
    for x in wide[..., : shape[-1]].contiguous(), wide[..., : shape[-1]]:
        result = kernel(x, perm=perm)
        assert result.is_contiguous() and result.data_ptr() != x.data_ptr()
        np.testing.assert_array_equal(result, x.numpy().transpose(perm))


def _in_memory(x, perm):
    return x.permute(perm).contiguous()
