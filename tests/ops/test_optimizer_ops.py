"""The optimizers' update ops against TensorFlow 1.15.5."""

import pytest
import torch

import reflow as tf
from reflow.graph.registry import OPS
from reflow.ops.optimizer_ops import UPDATES
from reflow.ops.resources import VariableState
from tests.ops.recorded import Recorded

recorded = Recorded("optimizer_ops", float16=5e-3)


@recorded.each_case
def test_as_tensorflow(name):
    recorded.check(name)


def _states(count, columns, seed):
    generator = torch.Generator().manual_seed(seed)
    states = [[VariableState(f"v{i}_{j}", tf.float32) for i in range(count)] for j in range(columns)]
    for column in states:
        for i, state in enumerate(column):
            state.value = torch.rand(i + 2, 3, generator=generator) + 0.1
    return states, [torch.randn(i + 2, 3, generator=generator) for i in range(count)]


@pytest.mark.parametrize("name", [n for n in UPDATES if not n.startswith("Resource")])
def test_many_variables_change_as_each_alone(name):
    update, op_def = UPDATES[name], OPS[name]
    numbers = {key: 3 if key == "global_step" else -0.5 if key == "lr_power" else 0.3 for key in update.numbers}
    attrs = {key: op_def.attrs[key].default for key in update.attrs}
    together, gradients = _states(3, update.slots, seed=1)
    apart, _ = _states(3, update.slots, seed=1)
    update.many(together, gradients, **numbers, **attrs)
    for i, gradient in enumerate(gradients):
        inputs = [None] * len(op_def.inputs)
        inputs[: update.slots] = [column[i] for column in apart]
        inputs[update.gradient] = gradient
        for key, position in update.numbers.items():
            inputs[position] = numbers[key]
        op_def.kernel(*inputs, use_locking=False, **attrs)
    for ours, theirs in zip(sum(together, []), sum(apart, []), strict=True):
        torch.testing.assert_close(ours.value, theirs.value)
