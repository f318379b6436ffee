"""Tiles and pads in C: those of NumPy."""

import numpy as np
import pytest

import reflow as tf
from reflow.ops.native import copies as copies_native
from tests.ops.native.sessions import run_natively

RANDOM = np.random.RandomState(0)
TYPES = [np.float32, np.int64, np.uint8, np.complex128]


@pytest.fixture(autouse=True)
def _with_a_compiler():
    if copies_native._library() is None:
        pytest.skip("no C compiler")


def _numbers(shape, dtype):
    return RANDOM.randint(0, 100, shape).astype(dtype)


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize(
    ("shape", "multiples"),
    [
        ((5,), (3,)), ((2, 3), (2, 2)), ((2, 3), (1, 4)), ((2, 3), (4, 1)), ((2, 1, 3), (2, 5, 2)),
        ((2, 3, 4, 5), (1, 2, 1, 2)), ((200, 100), (3, 2)),
    ],
)  # fmt: skip
def test_tile(shape, multiples, dtype):
    x = _numbers(shape, dtype)
    result = run_natively("native_tile", lambda x: tf.tile(x, multiples), x)
    np.testing.assert_array_equal(result, np.tile(x, multiples))


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize(
    ("shape", "paddings"),
    [
        ((5,), [(0, 3)]), ((2, 3), [(0, 0), (1, 2)]), ((2, 3), [(2, 1), (0, 0)]), ((2, 3, 4), [(1, 0), (0, 2), (3, 1)]),
        ((1, 7, 1), [(0, 1), (1, 0), (2, 2)]), ((200, 100), [(1, 1), (0, 0)]),
    ],
)  # fmt: skip
def test_pad(shape, paddings, dtype):
    x = _numbers(shape, dtype)
    np.testing.assert_array_equal(run_natively("native_pad", lambda x: tf.pad(x, paddings), x), np.pad(x, paddings))


def test_what_is_not_contiguous():
    x = _numbers((3, 4), np.float32)
    result = run_natively("native_tile", lambda x: tf.tile(tf.transpose(x), [2, 2]), x)
    np.testing.assert_array_equal(result, np.tile(x.T, (2, 2)))


@pytest.mark.parametrize(("shape", "multiples"), [((3, 1), (1, 4)), ((2, 3), (0, 1)), ((0, 3), (2, 2))])
def test_views_and_tiles_of_nothing_are_left_to_pytorch(shape, multiples):
    with pytest.raises(AssertionError):
        run_natively("native_tile", lambda x: tf.tile(x, multiples), _numbers(shape, np.float32))
