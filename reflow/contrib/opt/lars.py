"""Layer-wise adaptive rate scaling: You, Gitman, Ginsburg, https://arxiv.org/abs/1708.03888."""

from reflow.graph.build import call
from reflow.graph.convert import to_tensor
from reflow.graph.export import export
from reflow.ops.casting import cast
from reflow.ops.comparison import greater
from reflow.ops.linalg import norm
from reflow.ops.select import where
from reflow.train.optimizer import Optimizer


@export("contrib.opt.LARSOptimizer")
class LARSOptimizer(Optimizer):
    """Momentum with a learning rate for each variable: learning_rate * eeta * |w| / (|g| + weight_decay * |w|).

    Source: You, Gitman, Ginsburg, https://arxiv.org/abs/1708.03888.

    Args:
      learning_rate: a number, tensor, or function that returns one.
      momentum: a number, at least 0.
      weight_decay: how much of a variable is added to its gradient, a number of at least 0.
      eeta: the coefficient of the rate.
      epsilon: added to the divisor.
      name: the name scope of the updates, and of the slots.
      skip_list: parts of the names of variables that get the plain learning rate and no weight decay.
      use_nesterov: whether to use Nesterov's momentum.

    Raises:
      ValueError: for negative numbers.
    """

    def __init__(self, learning_rate, momentum=0.9, weight_decay=0.0001, eeta=0.001, epsilon=0.0,
                 name="LARSOptimizer", skip_list=None, use_nesterov=False):  # fmt: skip
        if momentum < 0.0:
            raise ValueError(f"momentum should be positive: {momentum}")
        if weight_decay < 0.0:
            raise ValueError(f"weight_decay should be positive: {weight_decay}")
        super().__init__(use_locking=False, name=name)
        self._learning_rate = learning_rate
        self._momentum = momentum
        self._weight_decay = weight_decay
        self._eeta = eeta
        self._epsilon = epsilon
        self._skip_list = skip_list
        self._use_nesterov = use_nesterov

    def _create_slots(self, var_list):
        for v in var_list:
            self._zeros_slot(v, "momentum", self._name)

    def _prepare(self):
        self._learning_rate_tensor = to_tensor(self._call_if_callable(self._learning_rate), name="learning_rate")
        self._momentum_tensor = to_tensor(self._call_if_callable(self._momentum), name="momentum")

    def compute_lr(self, grad, var):
        """(learning rate, gradient with weight decay) of a variable."""
        if self._skip_list is not None and any(part in var.name for part in self._skip_list):
            return self._learning_rate, grad
        w_norm, g_norm = norm(var, ord=2), norm(grad, ord=2)
        w_is_positive, g_is_positive = greater(w_norm, 0), greater(g_norm, 0)
        ratio = self._eeta * w_norm / (g_norm + self._weight_decay * w_norm + self._epsilon)
        ratio = where(w_is_positive, where(g_is_positive, ratio, 1.0), 1.0)
        return self._learning_rate * ratio, grad + self._weight_decay * var

    def _apply_dense(self, grad, var):
        slot = self.get_slot(var, "momentum")
        return self._dense("ApplyMomentum", grad, var, var, slot).op

    def _resource_apply_dense(self, grad, var):
        slot = self.get_slot(var, "momentum")
        return self._dense("ResourceApplyMomentum", grad, var, var.handle, slot.handle)

    def _dense(self, op_name, grad, var, *state):
        rate, grad = self.compute_lr(grad, var)
        one = cast(1.0, var.dtype.base_dtype)
        return call(op_name, *state, one, grad * rate, self._momentum, use_nesterov=self._use_nesterov)

    def _sparse(self, grad, var, indices):
        numbers = {"lr": self._learning_rate_tensor, "momentum": self._momentum_tensor}
        return self._call_update("Momentum", var, grad, {"accum": self.get_slot(var, "momentum")}, numbers, indices,
                                 use_nesterov=self._use_nesterov)  # fmt: skip

    def _apply_sparse(self, grad, var):
        return self._sparse(grad.values, var, grad.indices)

    def _resource_apply_sparse(self, grad, var, indices):
        return self._sparse(grad, var, indices)
