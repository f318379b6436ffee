"""Adadelta."""

from reflow.graph.convert import to_tensor
from reflow.graph.export import export
from reflow.train.slot_optimizer import SlotOptimizer


@export("train.AdadeltaOptimizer")
class AdadeltaOptimizer(SlotOptimizer):
    """The rate is the ratio of the running sizes of updates and gradients.

    Source: Zeiler, "ADADELTA: an adaptive learning rate method", arXiv:1212.5701.

    Args:
      learning_rate: a number, tensor, or function that returns one; 1.0 is the method as published.
      rho: the decay rate of the running sizes, alike.
      epsilon: a small number, alike.
      use_locking: protect the updates by the variables' locks.
      name: the name scope of the updates, and of the slots.
    """

    def __init__(self, learning_rate=0.001, rho=0.95, epsilon=1e-8, use_locking=False, name="Adadelta"):
        super().__init__(use_locking, name)
        self._lr = learning_rate
        self._rho = rho
        self._epsilon = epsilon

    def _create_slots(self, var_list):
        for v in var_list:
            self._zeros_slot(v, "accum", self._name)
            self._zeros_slot(v, "accum_update", self._name)

    def _prepare(self):
        lr, rho, epsilon = map(self._call_if_callable, (self._lr, self._rho, self._epsilon))
        self._lr_t = to_tensor(lr, name="lr")
        self._rho_t = to_tensor(rho, name="rho")
        self._epsilon_t = to_tensor(epsilon, name="epsilon")

    def _apply(self, grad, var, indices=None):
        slots = {name: self.get_slot(var, name) for name in ("accum", "accum_update")}
        numbers = {"lr": self._lr_t, "rho": self._rho_t, "epsilon": self._epsilon_t}
        return self._call_update("Adadelta", var, grad, slots, numbers, indices)
