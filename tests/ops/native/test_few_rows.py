"""Products of few rows against PyTorch's, and which products take that way."""

import numpy as np
import pytest
import torch

import reflow as tf
from reflow.ops.native import few_rows as few_rows_native
from reflow.ops.native.ending import CODES
from reflow.ops.output_activations import activated

library = few_rows_native.load()
pytestmark = pytest.mark.skipif(library is None, reason="the C kernel cannot be built here")


@pytest.mark.parametrize("rows", [1, 3, 16, 32])
@pytest.mark.parametrize(("depth", "columns"), [(8, 16), (100, 33), (1, 5), (77, 300), (64, 31), (513, 1)])
@pytest.mark.parametrize("activation", CODES)
def test_product(rows, depth, columns, activation):
    generator = torch.Generator().manual_seed(rows * depth + columns)
    a, b = torch.randn(rows, depth, generator=generator), torch.randn(depth, columns, generator=generator)
    bias, residual = torch.randn(columns, generator=generator), torch.randn(rows, columns, generator=generator)
    for addends in ([], [bias], [None, residual], [bias, residual]):
        expected = a.double() @ b.double() + sum(addend for addend in addends if addend is not None)
        value = few_rows_native.product(library, a, b, *addends, activation=activation)
        expected = activated(expected, activation)
        torch.testing.assert_close(value, expected.float(), rtol=1e-5, atol=1e-4)


def test_infinities_and_nan_go_through():
    a, b = torch.ones(2, 9), torch.ones(9, 20)
    a[0, 3], a[1, 4] = torch.inf, torch.nan
    value = few_rows_native.product(library, a, b, torch.zeros(20), activation="Relu")
    assert value[0].isinf().all()
    assert value[1].isnan().all()


def _source(rows, depth=400, columns=600, dtype=tf.float32, **transposed):
    with tf.Graph().as_default():
        shape = [depth, rows] if transposed.get("transpose_a") else [rows, depth]
        x = tf.placeholder(dtype, shape)
        w = tf.Variable(np.zeros([columns, depth] if transposed.get("transpose_b") else [depth, columns]), dtype=dtype)
        with tf.Session() as session:
            return session.plan(tf.matmul(x, w, **transposed), [x]).source


def test_which_products_take_it():
    assert "native_matmul" in _source(20)
    assert "native_matmul" in _source(32)
    for source in (_source(33), _source(20, columns=40), _source(20, dtype=tf.float64), _source(20, transpose_a=True),
                   _source(20, transpose_b=True)):  # fmt: skip
        assert "native_matmul" not in source


def test_a_dense_layer_in_a_session():
    random = np.random.RandomState(0)
    w, b, data = (random.randn(*shape).astype("f") for shape in ((500, 512), (512,), (7, 500)))
    x = tf.placeholder(tf.float32, [None, 500])
    y = tf.nn.relu(tf.nn.xw_plus_b(x, tf.Variable(w), tf.Variable(b)))
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        assert "native_fused_matmul" in session.plan(y, {x: data}).source
        np.testing.assert_allclose(session.run(y, {x: data}), np.maximum(data @ w + b, 0), rtol=1e-4, atol=1e-3)
        assert session.run(y, {x: data[:0]}).shape == (0, 512)
