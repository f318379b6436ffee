"""Gradient descent with momentum."""

from reflow.graph.convert import to_tensor
from reflow.graph.export import export
from reflow.train.slot_optimizer import SlotOptimizer


@export("train.MomentumOptimizer")
class MomentumOptimizer(SlotOptimizer):
    """accumulation = momentum * accumulation + gradient; var -= learning_rate * accumulation.

    Source: Sutskever, Martens, Dahl, Hinton, "On the importance of initialization and momentum in deep learning", 2013.

    Args:
      learning_rate: a number, tensor, or function that returns one.
      momentum: alike.
      use_locking: protect the updates by the variables' locks.
      name: the name scope of the updates, and of the slots.
      use_nesterov: take the gradient where the momentum leads.
    """

    def __init__(self, learning_rate, momentum, use_locking=False, name="Momentum", use_nesterov=False):
        super().__init__(use_locking, name)
        self._learning_rate = learning_rate
        self._momentum = momentum
        self._use_nesterov = use_nesterov

    def _create_slots(self, var_list):
        for v in var_list:
            self._zeros_slot(v, "momentum", self._name)

    def _prepare(self):
        self._learning_rate_tensor = to_tensor(self._call_if_callable(self._learning_rate), name="learning_rate")
        self._momentum_tensor = to_tensor(self._call_if_callable(self._momentum), name="momentum")

    def _apply(self, grad, var, indices=None):
        slots = {"accum": self.get_slot(var, "momentum")}
        numbers = {"lr": self._learning_rate_tensor, "momentum": self._momentum_tensor}
        return self._call_update("Momentum", var, grad, slots, numbers, indices, use_nesterov=self._use_nesterov)
