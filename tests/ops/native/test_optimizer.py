"""Update rules in C against the same rules in PyTorch's multi-tensor calls."""

import numpy as np
import pytest
import torch

from reflow.ops import optimizer_rules as rules
from reflow.ops.native import optimizer as optimizer_native

# Many small variables, an empty one, one that both threads work on.
SHAPES = [(3,), (17, 5), (0, 4), (), (40_000,), (64,)]
RULES = [
    (rules.momentum, 1, {"lr": 0.1, "momentum": 0.9, "use_nesterov": False}),
    (rules.momentum, 1, {"lr": 0.1, "momentum": 0.9, "use_nesterov": True}),
    (rules.adagrad, 1, {"lr": 0.1, "update_slots": True}),
    (rules.rms_prop, 2, {"lr": 0.1, "rho": 0.9, "momentum": 0.5, "epsilon": 1e-3}),
]


@pytest.fixture(autouse=True)
def _with_a_compiler():
    if optimizer_native._library() is None:
        pytest.skip("no C compiler")


def _columns(slots, dtype=torch.float32):
    generator = torch.Generator().manual_seed(0)
    return [[torch.rand(shape, generator=generator, dtype=dtype) + 0.1 for shape in SHAPES] for _ in range(slots + 2)]


@pytest.mark.parametrize(("rule", "slots", "numbers"), RULES)
def test_rules(rule, slots, numbers, monkeypatch):
    compiled, expected = _columns(slots), _columns(slots)
    calls = []
    update = optimizer_native.update
    monkeypatch.setattr(optimizer_native, "update", lambda *args: calls.append(update(*args)) or calls[-1])
    for _ in range(3):
        rule(*compiled, **numbers)
    assert calls == [True] * 3
    monkeypatch.setattr(optimizer_native, "update", lambda *args: False)
    for _ in range(3):
        rule(*expected, **numbers)
    for mine, theirs in zip(compiled, expected, strict=True):
        for a, b in zip(mine, theirs, strict=True):
            np.testing.assert_allclose(a.numpy(), b.numpy(), rtol=1e-5, atol=1e-6)


def test_what_is_left_to_pytorch():
    strided = [[torch.ones(4, 4).t()[:, :2]], [torch.ones(4, 2)], [torch.ones(4, 2)]]
    for columns in _columns(1, torch.float64), strided, [[], [], []]:
        before = [[t.clone() for t in column] for column in columns]
        assert not optimizer_native.update("adagrad", columns, (0.1,))
        assert all(torch.equal(a, b) for x, y in zip(before, columns, strict=True) for a, b in zip(x, y, strict=True))
    assert not optimizer_native.update("adagrad", _columns(1), (float("nan"),))


def test_a_momentum_of_infinity_stays_one():
    var, accum, grad = ([torch.tensor([value])] for value in (1.0, 0.0, float("inf")))
    rules.momentum(var, accum, grad, lr=0.1, momentum=0.9, use_nesterov=False)
    assert var[0].item() == -float("inf")
