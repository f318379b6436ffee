"""RMSProp."""

from reflow.graph.convert import to_tensor
from reflow.graph.export import export
from reflow.ops.constant import ones_like
from reflow.train.slot_optimizer import SlotOptimizer
from reflow.variables.initializers import Ones


@export("train.RMSPropOptimizer")
class RMSPropOptimizer(SlotOptimizer):
    """mean_square: running mean of gradient^2; var -= learning_rate * gradient / sqrt(mean_square + epsilon).

    Sources: Tieleman, Hinton, "Lecture 6.5, RMSProp", Coursera 2012; the centered form Graves, "Generating sequences
    with recurrent neural networks", arXiv:1308.0850.

    Args:
      learning_rate: a number, tensor, or function that returns one.
      decay: the decay rate of the running mean, alike.
      momentum: the share of the last step that is added to the next one, alike.
      epsilon: a small number, alike.
      use_locking: protect the updates by the variables' locks.
      centered: divide by the root of the gradients' variance instead of their mean square.
      name: the name scope of the updates, and of the slots.
    """

    def __init__(self, learning_rate, decay=0.9, momentum=0.0, epsilon=1e-10, use_locking=False, centered=False,
                 name="RMSProp"):  # fmt: skip
        super().__init__(use_locking, name)
        self._learning_rate = learning_rate
        self._decay = decay
        self._momentum = momentum
        self._epsilon = epsilon
        self._centered = centered

    def _create_slots(self, var_list):
        for v in var_list:
            dtype, shape = v.dtype.base_dtype, v.get_shape()
            initial = Ones(dtype=dtype) if shape.is_fully_defined() else ones_like(v)
            self._get_or_make_slot_with_initializer(v, initial, shape, dtype, "rms", self._name)
            if self._centered:
                self._zeros_slot(v, "mg", self._name)
            self._zeros_slot(v, "momentum", self._name)

    def _prepare(self):
        numbers = self._learning_rate, self._decay, self._momentum, self._epsilon
        lr, decay, momentum, epsilon = map(self._call_if_callable, numbers)
        self._learning_rate_tensor = to_tensor(lr, name="learning_rate")
        self._decay_tensor = to_tensor(decay, name="decay")
        self._momentum_tensor = to_tensor(momentum, name="momentum")
        self._epsilon_tensor = to_tensor(epsilon, name="epsilon")

    def _apply(self, grad, var, indices=None):
        slots = {"ms": self.get_slot(var, "rms"), "mom": self.get_slot(var, "momentum")}
        if self._centered:
            slots["mg"] = self.get_slot(var, "mg")
        numbers = {"lr": self._learning_rate_tensor, "rho": self._decay_tensor, "momentum": self._momentum_tensor,
                   "epsilon": self._epsilon_tensor}  # fmt: skip
        name = "CenteredRMSProp" if self._centered else "RMSProp"
        return self._call_update(name, var, grad, slots, numbers, indices)
