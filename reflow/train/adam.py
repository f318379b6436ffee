"""Adam."""

from reflow.graph.build import call
from reflow.graph.convert import to_tensor
from reflow.graph.export import export
from reflow.graph.graph import get_default_graph
from reflow.ops import state
from reflow.ops.casting import cast
from reflow.ops.control import group
from reflow.ops.elementwise import sqrt
from reflow.ops.scatter_state import scatter_add
from reflow.train.optimizer import Optimizer


@export("train.AdamOptimizer")
class AdamOptimizer(Optimizer):
    """Steps of about equal size: the running mean of the gradients over the root of that of their squares.

    m = beta1 * m + (1 - beta1) * g; v = beta2 * v + (1 - beta2) * g^2;
    var -= learning_rate * sqrt(1 - beta2^t) / (1 - beta1^t) * m / (sqrt(v) + epsilon).

    Source: Kingma, Ba, "Adam: a method for stochastic optimization", arXiv:1412.6980; epsilon is that of the
    formulation before section 2.1 ("epsilon hat").

    Args:
      learning_rate: a number, tensor, or function that returns one.
      beta1, beta2: the decay rates of the running means, alike.
      epsilon: a small number, alike.
      use_locking: protect the updates by the variables' locks.
      name: the name scope of the updates, and of the slots.
    """

    def __init__(self, learning_rate=0.001, beta1=0.9, beta2=0.999, epsilon=1e-8, use_locking=False, name="Adam"):
        super().__init__(use_locking, name)
        self._lr = learning_rate
        self._beta1 = beta1
        self._beta2 = beta2
        self._epsilon = epsilon

    def _get_beta_accumulators(self):
        graph = get_default_graph()
        return self._get_non_slot_variable("beta1_power", graph), self._get_non_slot_variable("beta2_power", graph)

    def _create_slots(self, var_list):
        # The same variable for the same set of them, whatever their order.
        first = min(var_list, key=lambda v: v.name)
        self._create_non_slot_variable(self._beta1, "beta1_power", first)
        self._create_non_slot_variable(self._beta2, "beta2_power", first)
        for v in var_list:
            self._zeros_slot(v, "m", self._name)
            self._zeros_slot(v, "v", self._name)

    def _prepare(self):
        lr, beta1, beta2, epsilon = map(self._call_if_callable, (self._lr, self._beta1, self._beta2, self._epsilon))
        self._lr_t = to_tensor(lr, name="learning_rate")
        self._beta1_t = to_tensor(beta1, name="beta1")
        self._beta2_t = to_tensor(beta2, name="beta2")
        self._epsilon_t = to_tensor(epsilon, name="epsilon")

    def _dense(self, grad, var):
        beta1_power, beta2_power = self._get_beta_accumulators()
        slots = {"m": self.get_slot(var, "m"), "v": self.get_slot(var, "v")}
        numbers = {"beta1_power": beta1_power, "beta2_power": beta2_power, "lr": self._lr_t, "beta1": self._beta1_t,
                   "beta2": self._beta2_t, "epsilon": self._epsilon_t}  # fmt: skip
        return self._call_update("Adam", var, grad, slots, numbers)

    def _apply_dense(self, grad, var):
        return self._dense(grad, var)

    def _resource_apply_dense(self, grad, var):
        return self._dense(grad, var)

    def _apply_sparse_shared(self, grad, var, indices, scatter_add):
        """The running means decay in all rows, so all rows change, not only those that have a gradient."""
        powers = self._get_beta_accumulators()
        numbers = (*powers, self._lr_t, self._beta1_t, self._beta2_t, self._epsilon_t)
        beta1_power, beta2_power, lr, beta1, beta2, epsilon = (cast(n, var.dtype.base_dtype) for n in numbers)
        rate = lr * sqrt(1 - beta2_power) / (1 - beta1_power)
        m_t = self._decay_and_add(self.get_slot(var, "m"), beta1, grad * (1 - beta1), indices, scatter_add)
        v_t = self._decay_and_add(self.get_slot(var, "v"), beta2, grad * grad * (1 - beta2), indices, scatter_add)
        root = sqrt(v_t)
        update = state.assign_sub(var, rate * m_t / (root + epsilon), use_locking=self._use_locking)
        return group(update, m_t, v_t)

    def _decay_and_add(self, slot, decay, values, indices, scatter_add):
        decayed = state.assign(slot, slot * decay, use_locking=self._use_locking)
        with get_default_graph().control_dependencies([decayed]):
            return scatter_add(slot, indices, values)

    def _apply_sparse(self, grad, var):
        def add(slot, indices, values):
            return scatter_add(slot, indices, values, use_locking=self._use_locking)

        return self._apply_sparse_shared(grad.values, var, grad.indices, add)

    def _resource_scatter_add(self, slot, indices, values):
        with get_default_graph().control_dependencies([call("ResourceScatterAdd", slot.handle, indices, values)]):
            return slot.value()

    def _resource_apply_sparse(self, grad, var, indices):
        return self._apply_sparse_shared(grad, var, indices, self._resource_scatter_add)

    def _finish(self, update_ops, name_scope):
        """Also bring the powers of the decay rates forward, once all updates have used them."""
        graph = get_default_graph()
        with graph.control_dependencies(update_ops):
            beta1_power, beta2_power = self._get_beta_accumulators()
            with graph.colocate_with(beta1_power.op):
                beta1_update = beta1_power.assign(beta1_power * self._beta1_t, use_locking=self._use_locking)
                beta2_update = beta2_power.assign(beta2_power * self._beta2_t, use_locking=self._use_locking)
        return group(*update_ops, beta1_update, beta2_update, name=name_scope)
