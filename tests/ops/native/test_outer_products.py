"""Adam's update by a product that is never in memory, against PyTorch's in double precision."""

import numpy as np
import pytest
import torch

import reflow as tf
from reflow.engine.passes import update_by_product
from reflow.ops.native import outer_products

pytestmark = pytest.mark.skipif(outer_products.load() is None, reason="the C kernel cannot be built here")

_NUMBERS = {"rate": 0.1, "beta1": 0.9, "beta2": 0.99, "epsilon": 1e-3}


@pytest.mark.parametrize(("examples", "rows", "columns"), [
    (5, 28, 64), (1, 1, 1), (64, 30, 33), (100, 3, 200), (256, 57, 10), (0, 4, 5), (3, 0, 5), (3, 4, 0),
])  # fmt: skip
def test_adam(examples, rows, columns):
    generator = torch.Generator().manual_seed(1)
    a, b = torch.randn(examples, rows, generator=generator), torch.randn(examples, columns, generator=generator)
    states = [torch.randn(rows, columns, generator=generator) for _ in range(2)]
    states.append(torch.rand(rows, columns, generator=generator))
    var, m, v = (state.double() for state in states)
    gradient = a.double().t() @ b.double()
    m = 0.9 * m + 0.1 * gradient
    v = 0.99 * v + 0.01 * gradient**2
    var = var - 0.1 * m / (v.sqrt() + 1e-3)
    assert outer_products.adam(*states, a, b, **_NUMBERS)
    for state, expected in zip(states, (var, m, v), strict=True):
        torch.testing.assert_close(state, expected.float(), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("kind", ["double", "transposed", "many examples"])
def test_what_pytorch_has_to_do(kind):
    examples = outer_products.MOST_EXAMPLES + 1 if kind == "many examples" else 4
    a, b = torch.ones(examples, 3), torch.ones(examples, 5)
    states = [torch.zeros(3, 5) for _ in range(3)]
    if kind == "double":
        a, b, states = a.double(), b.double(), [state.double() for state in states]
    elif kind == "transposed":
        states[1] = torch.zeros(5, 3).t()
    assert not outer_products.adam(*states, a, b, **_NUMBERS)
    assert all(torch.all(state == 0) for state in states)


@pytest.mark.parametrize("threads", [1, 2])
def test_equal_bits_whatever_the_number_of_threads(threads):
    torch.manual_seed(0)
    a, b = torch.randn(7, 100), torch.randn(7, 50)
    before = torch.get_num_threads()
    results = []
    try:
        for count in (before, threads):
            torch.set_num_threads(count)
            states = [torch.ones(100, 50) for _ in range(3)]
            outer_products.adam(*states, a, b, **_NUMBERS)
            results.append(states)
    finally:
        torch.set_num_threads(before)
    assert all(torch.equal(x, y) for x, y in zip(*results, strict=True))


@pytest.mark.parametrize("use_resource", [False, True])
def test_training_uses_it(use_resource, monkeypatch):
    random = np.random.RandomState(0)
    data = random.randn(20, 90).astype("f")
    start = random.randn(90, 40).astype("f") / 10
    results = []
    for least in (1000, 1 << 30):
        monkeypatch.setattr(update_by_product, "_LEAST_FOR_ADAM", least)
        with tf.Graph().as_default(), tf.Session() as session:
            x = tf.placeholder(tf.float32, [None, 90])
            w = tf.get_variable("w", initializer=start, use_resource=use_resource)
            loss = tf.reduce_sum(tf.square(tf.matmul(x, w) - 1.0))
            train = tf.train.AdamOptimizer(0.1).minimize(loss)
            session.run(tf.global_variables_initializer())
            assert ("apply_product" in session.plan(train, {x: data}).source) is (least == 1000)
            for _ in range(4):
                session.run(train, {x: data})
            results.append(session.run(tf.global_variables()))
    for got, want in zip(*results, strict=True):
        np.testing.assert_allclose(got, want, rtol=1e-4, atol=1e-5)
