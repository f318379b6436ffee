"""Views without PyTorch's Python layer: those of its own functions, in the memory of their input."""

import numpy as np
import pytest
import torch

import reflow as tf
from reflow.ops.native import extensions
from reflow.ops.native import view as view_native
from tests.ops.native.sessions import run_natively


@pytest.fixture(autouse=True)
def _with_a_compiler():
    if extensions.load(view_native._SOURCE) is None:
        pytest.skip("no C++ compiler")


VIEWS = {
    "reshape": (lambda x: tf.reshape(x, [4, -1]), lambda x: x.reshape(4, -1)),
    "expand_dims": (lambda x: tf.expand_dims(x, 1), lambda x: x[:, None]),
    "squeeze": (lambda x: tf.squeeze(x, [2]), lambda x: x[:, :, 0]),
    "transpose": (lambda x: tf.transpose(x, [1, 3, 0, 2]), lambda x: x.transpose(1, 3, 0, 2)),
    "slice": (lambda x: tf.slice(x, [1, 0, 0, 2], [2, -1, 1, 1]), lambda x: x[1:3, :, :, 2:3]),
    "strided_slice": (lambda x: x[1:, ..., ::2, tf.newaxis], lambda x: x[1:, ..., ::2, None]),
}


@pytest.mark.parametrize("dtype", [np.float32, np.int64, np.bool_, np.complex64])
@pytest.mark.parametrize("name", VIEWS)
def test_views(name, dtype):
    x = np.arange(4 * 6 * 5).reshape(4, 6, 1, 5).astype(dtype)
    build, expected = VIEWS[name]
    np.testing.assert_array_equal(run_natively(f"native_{name}", build, x), expected(x))


@pytest.mark.parametrize("axis", [0, 1, -1])
def test_lists_of_views(axis):
    x = np.arange(4 * 6 * 8).reshape(4, 6, 8).astype(np.float32)
    for part, expected in zip(run_natively("native_split", lambda x: tf.split(x, 2, axis), x), np.split(x, 2, axis),
                              strict=True):  # fmt: skip
        np.testing.assert_array_equal(part, expected)
    for i, part in enumerate(run_natively("native_unpack", lambda x: tf.unstack(x, axis=axis), x)):
        np.testing.assert_array_equal(part, np.take(x, i, axis))


def test_of_what_is_not_contiguous():
    """The kernels of pools may give any layout; a view of a view is left to PyTorch from the start."""
    x = np.arange(24, dtype=np.float32).reshape(4, 6)
    result = run_natively("native_transpose", lambda x: tf.reshape(tf.transpose(x), [-1]), x)
    np.testing.assert_array_equal(result, x.T.reshape(-1))
    kernel = view_native._view(lambda x: x.reshape(3, 8), 0, (4, 6), (), ())
    tensor = torch.arange(24.0).reshape(6, 4).t()
    assert torch.equal(kernel(tensor), tensor.reshape(3, 8))


def test_a_view_is_in_the_memory_of_its_input():
    """Also where that is itself a part of a larger tensor."""
    kernel = view_native._view(lambda x: x.reshape(2, 3), 0, (6,), (), ())
    memory = torch.arange(10.0)
    view = kernel(memory[2:8])
    assert (view.shape, view.stride(), view.storage_offset()) == ((2, 3), (3, 1), 2)
    view[1, 1] = -1
    assert memory[6] == -1


def test_what_copies_is_no_view():
    assert view_native._view(lambda x: x.flip(0), 0, (4,), (), ()) is None
    x = np.arange(4, dtype=np.float32)
    with pytest.raises(AssertionError):
        run_natively("native_strided_slice", lambda x: x[::-1], x)
