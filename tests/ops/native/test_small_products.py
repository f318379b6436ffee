"""Products of small matrices in C: those of NumPy in double precision, with every factor transposed or not."""

import numpy as np
import pytest
import torch

import reflow as tf
from reflow.graph.build import call
from reflow.ops.native import small_products as small_products_native
from reflow.ops.native.ending import CODES
from reflow.ops.output_activations import activated
from tests.ops.native.sessions import run_natively

RANDOM = np.random.RandomState(0)
# Rows, depth, columns: fewer than a block or panel, several and a rest, the largest.
SIZES = [(1, 1, 1), (3, 5, 7), (8, 4, 16), (19, 64, 33), (32, 32, 32), (32, 64, 64), (128, 16, 64)]


@pytest.fixture(autouse=True)
def _with_a_compiler():
    if small_products_native._library() is None:
        pytest.skip("no C compiler")


def _factors(sizes, transposes, *batch):
    rows, depth, columns = sizes
    shapes = [(rows, depth), (depth, columns)]
    pairs = zip(shapes, transposes, strict=True)
    return [RANDOM.randn(*batch, *(reversed(s) if t else s)).astype(np.float32) for s, t in pairs]


def _product(a, b, transposes):
    wide = [np.swapaxes(x, -1, -2) if t else x for x, t in zip((a, b), transposes, strict=True)]
    return np.matmul(*[x.astype(np.float64) for x in wide])


@pytest.mark.parametrize("transposes", [(False, False), (False, True), (True, False), (True, True)])
@pytest.mark.parametrize("sizes", SIZES)
def test_products(sizes, transposes):
    a, b = _factors(sizes, transposes)
    result = run_natively("native_small_product", lambda a, b: tf.matmul(a, b, *transposes), a, b)
    np.testing.assert_allclose(result, _product(a, b, transposes), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("transposes", [(False, True), (True, False)])
def test_many_products(transposes):
    a, b = _factors((5, 6, 17), transposes, 3, 2)
    result = run_natively("native_small_product", lambda a, b: tf.matmul(a, b, *transposes), a, b)
    np.testing.assert_allclose(result, _product(a, b, transposes), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("activation", CODES)
@pytest.mark.parametrize(("shapes", "name"), [
    ([], "activated"), ([(35,)], "and_addend"), ([(9, 35)], "and_addend"), ([(35,), (9, 35)], "and_addends"),
], ids=["none", "vector", "matrix", "both"])  # fmt: skip
def test_addends_and_activations(shapes, name, activation):
    a, b = _factors((9, 20, 35), (False, False))
    addends = [RANDOM.randn(*shape).astype(np.float32) for shape in shapes]

    def build(a, b, *addends):
        result = tf.matmul(a, b)
        for addend in addends:
            result = result + addend
        return call(activation, result) if activation else result

    if not addends and not activation:
        return
    result = run_natively(f"native_small_product_{name}", build, a, b, *addends)
    expected = torch.from_numpy(_product(a, b, (False, False)) + sum(addends))
    np.testing.assert_allclose(result, activated(expected, activation), rtol=1e-5, atol=1e-5)


def test_nans_and_infinities():
    a = np.array([[1, np.nan], [np.inf, 2]], np.float32)
    b = np.array([[1, 2], [0, 1]], np.float32)
    result = run_natively("native_small_product", tf.matmul, a, b)
    np.testing.assert_array_equal(result, a @ b)


def test_factors_that_are_not_contiguous():
    a, b = _factors((6, 6, 6), (False, False))
    result = run_natively("native_small_product", lambda a, b: tf.matmul(tf.transpose(a, name="t")[::2], b), a, b)
    np.testing.assert_allclose(result, _product(a.T[::2], b, (False, False)), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("sizes", [(129, 2, 2), (2, 65, 2), (2, 2, 65), (64, 64, 64)])
def test_larger_products_are_left_to_the_blas(sizes):
    with pytest.raises(AssertionError):
        run_natively("native_small_product", tf.matmul, *_factors(sizes, (False, False)))
