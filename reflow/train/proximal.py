"""Gradient descent and Adagrad with proximal steps: L1 regularization that makes exact zeros.

Source: Duchi, Singer, "Efficient learning using forward-backward splitting", 2009.
"""

from reflow.graph.convert import to_tensor
from reflow.graph.export import export
from reflow.graph.graph import get_default_graph
from reflow.ops.constant import constant
from reflow.train.slot_optimizer import SlotOptimizer


class _ProximalOptimizer(SlotOptimizer):
    def __init__(self, learning_rate, l1_regularization_strength, l2_regularization_strength, use_locking, name):
        super().__init__(use_locking, name)
        self._learning_rate = learning_rate
        self._l1_regularization_strength = l1_regularization_strength
        self._l2_regularization_strength = l2_regularization_strength

    def _prepare(self):
        self._learning_rate_tensor = to_tensor(self._learning_rate, name="learning_rate")
        self._l1_tensor = to_tensor(self._l1_regularization_strength, name="l1_regularization_strength")
        self._l2_tensor = to_tensor(self._l2_regularization_strength, name="l2_regularization_strength")


@export("train.ProximalGradientDescentOptimizer")
class ProximalGradientDescentOptimizer(_ProximalOptimizer):
    """Gradient descent, then a step towards zero.

    Args:
      learning_rate: a number or tensor.
      l1_regularization_strength: a number or tensor, at least 0.
      l2_regularization_strength: alike.
      use_locking: protect the updates by the variables' locks.
      name: the name scope of the updates.
    """

    def __init__(self, learning_rate, l1_regularization_strength=0.0, l2_regularization_strength=0.0,
                 use_locking=False, name="ProximalGradientDescent"):  # fmt: skip
        super().__init__(learning_rate, l1_regularization_strength, l2_regularization_strength, use_locking, name)

    def _apply(self, grad, var, indices=None):
        numbers = {"alpha": self._learning_rate_tensor, "l1": self._l1_tensor, "l2": self._l2_tensor}
        return self._call_update("ProximalGradientDescent", var, grad, {}, numbers, indices)


@export("train.ProximalAdagradOptimizer")
class ProximalAdagradOptimizer(_ProximalOptimizer):
    """Adagrad, then a step towards zero at each element's own rate.

    Args:
      learning_rate: a number or tensor.
      initial_accumulator_value: a positive number that the accumulators begin with.
      l1_regularization_strength: a number or tensor, at least 0.
      l2_regularization_strength: alike.
      use_locking: protect the updates by the variables' locks.
      name: the name scope of the updates, and of the slots.

    Raises:
      ValueError: if the initial value is not positive.
    """

    def __init__(self, learning_rate, initial_accumulator_value=0.1, l1_regularization_strength=0.0,
                 l2_regularization_strength=0.0, use_locking=False, name="ProximalAdagrad"):  # fmt: skip
        if initial_accumulator_value <= 0.0:
            raise ValueError(f"initial_accumulator_value must be positive: {initial_accumulator_value}")
        super().__init__(learning_rate, l1_regularization_strength, l2_regularization_strength, use_locking, name)
        self._initial_accumulator_value = initial_accumulator_value

    def _create_slots(self, var_list):
        for v in var_list:
            with get_default_graph().colocate_with(v.op):
                value = constant(self._initial_accumulator_value, shape=v.get_shape(), dtype=v.dtype.base_dtype)
            self._get_or_make_slot(v, value, "accumulator", self._name)

    def _apply(self, grad, var, indices=None):
        slots = {"accum": self.get_slot(var, "accumulator")}
        numbers = {"lr": self._learning_rate_tensor, "l1": self._l1_tensor, "l2": self._l2_tensor}
        return self._call_update("ProximalAdagrad", var, grad, slots, numbers, indices)
