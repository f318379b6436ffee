"""Relatives of Adam: AdaMax, Nadam, and Adam that leaves alone the rows without a gradient."""

from reflow.graph.build import call
from reflow.graph.context import colocate_with, control_dependencies
from reflow.graph.export import export
from reflow.graph.graph import get_default_graph
from reflow.ops import elementwise, state
from reflow.ops.arithmetic import maximum
from reflow.ops.casting import cast
from reflow.ops.control import group
from reflow.ops.gathering import gather
from reflow.ops.scatter_state import scatter_add, scatter_sub, scatter_update
from reflow.train.adam import AdamOptimizer


@export("contrib.opt.AdaMaxOptimizer")
class AdaMaxOptimizer(AdamOptimizer):
    """Adam with the infinity norm: steps are divided by a decaying maximum of gradients.

    m = beta1 * m + (1 - beta1) * g; v = max(beta2 * v, |g|); var -= learning_rate / (1 - beta1^t) * m / (v + epsilon).

    Source: Kingma, Ba, "Adam: a method for stochastic optimization", arXiv:1412.6980, section 7.1.

    Args:
      learning_rate: a number, tensor, or function that returns one.
      beta1, beta2: the decay rates, alike.
      epsilon: a small number, alike.
      use_locking: protect the updates by the variables' locks.
      name: the name scope of the updates, and of the slots.
    """

    def __init__(self, learning_rate=0.001, beta1=0.9, beta2=0.999, epsilon=1e-8, use_locking=False, name="AdaMax"):
        super().__init__(learning_rate, beta1, beta2, epsilon, use_locking, name)

    def _get_beta_accumulators(self):
        return self._get_non_slot_variable("beta1_power", get_default_graph())

    def _create_slots(self, var_list):
        self._create_non_slot_variable(self._beta1, "beta1_power", min(var_list, key=lambda v: v.name))
        for v in var_list:
            self._zeros_slot(v, "m", self._name)
            self._zeros_slot(v, "v", self._name)

    def _dense(self, grad, var):
        slots = {"m": self.get_slot(var, "m"), "v": self.get_slot(var, "v")}
        numbers = {"beta1_power": self._get_beta_accumulators(), "lr": self._lr_t, "beta1": self._beta1_t,
                   "beta2": self._beta2_t, "epsilon": self._epsilon_t}  # fmt: skip
        return self._call_update("AdaMax", var, grad, slots, numbers)

    def _sparse(self, grad, var, indices, add, update):
        """Only the rows that have a gradient change."""
        numbers = (self._get_beta_accumulators(), self._lr_t, self._beta1_t, self._beta2_t, self._epsilon_t)
        beta1_power, lr, beta1, beta2, epsilon = (cast(n, var.dtype.base_dtype) for n in numbers)
        m, v = self.get_slot(var, "m"), self.get_slot(var, "v")
        m_rows = gather(m, indices) * beta1 + grad * (1 - beta1)
        with control_dependencies([m_rows]):
            m_update = update(m, indices, m_rows)
        v_rows = maximum(gather(v, indices) * beta2, elementwise.abs(grad))
        with control_dependencies([v_rows]):
            v_update = update(v, indices, v_rows)
        rows = -lr / (1 - beta1_power) * (m_rows / (v_rows + epsilon))
        with control_dependencies([rows]):
            var_update = add(var, indices, rows)
        return group(var_update, m_update, v_update)

    def _apply_sparse(self, grad, var):
        def add(x, indices, values):
            return scatter_add(x, indices, values, use_locking=self._use_locking)

        def update(x, indices, values):
            return scatter_update(x, indices, values, use_locking=self._use_locking)

        return self._sparse(grad.values, var, grad.indices, add, update)

    def _resource_scatter_update(self, x, indices, values):
        with control_dependencies([call("ResourceScatterUpdate", x.handle, indices, values)]):
            return x.value()

    def _resource_apply_sparse(self, grad, var, indices):
        return self._sparse(grad, var, indices, self._resource_scatter_add, self._resource_scatter_update)

    def _finish(self, update_ops, name_scope):
        with control_dependencies(update_ops):
            power = self._get_beta_accumulators()
            with colocate_with(power.op):
                power_update = power.assign(power * self._beta1_t, use_locking=self._use_locking)
        return group(*update_ops, power_update, name=name_scope)


@export("contrib.opt.NadamOptimizer")
class NadamOptimizer(AdamOptimizer):
    """Adam with Nesterov's momentum: the step uses the mean that the gradient has been added to once more.

    Source: Dozat, "Incorporating Nesterov momentum into Adam", 2015. The arguments are those of
    `tf.train.AdamOptimizer`.
    """

    def _dense(self, grad, var):
        beta1_power, beta2_power = self._get_beta_accumulators()
        slots = {"m": self.get_slot(var, "m"), "v": self.get_slot(var, "v")}
        numbers = {"beta1_power": beta1_power, "beta2_power": beta2_power, "lr": self._lr_t, "beta1": self._beta1_t,
                   "beta2": self._beta2_t, "epsilon": self._epsilon_t}  # fmt: skip
        return self._call_update("Adam", var, grad, slots, numbers, use_nesterov=True)

    def _apply_sparse_shared(self, grad, var, indices, scatter_add):
        beta1, beta2, epsilon, rate = _rate(self, var)
        m, v = self.get_slot(var, "m"), self.get_slot(var, "v")
        m_rows = grad * (1 - beta1)
        m_t = state.assign(m, m * beta1, use_locking=self._use_locking)
        with control_dependencies([m_t]):
            m_t = scatter_add(m, indices, m_rows)
            m_bar = m_rows + beta1 * gather(m_t, indices)
        v_t = self._decay_and_add(v, beta2, (grad * grad) * (1 - beta2), indices, scatter_add)
        root = elementwise.sqrt(gather(v_t, indices))
        return group(scatter_add(var, indices, -rate * m_bar / (root + epsilon)), m_bar, v_t)


def _rate(optimizer, var):
    """(beta1, beta2, epsilon, learning rate without bias) of an Adam, in the type of a variable."""
    numbers = (*optimizer._get_beta_accumulators(), optimizer._lr_t, optimizer._beta1_t, optimizer._beta2_t,
               optimizer._epsilon_t)  # fmt: skip
    beta1_power, beta2_power, lr, beta1, beta2, epsilon = (cast(n, var.dtype.base_dtype) for n in numbers)
    return beta1, beta2, epsilon, lr * elementwise.sqrt(1 - beta2_power) / (1 - beta1_power)


@export("contrib.opt.LazyAdamOptimizer")
class LazyAdamOptimizer(AdamOptimizer):
    """Adam whose sparse updates change only the rows that have a gradient: cheaper for large embeddings.

    Its results differ from Adam's, whose running means decay in all rows. The arguments are those of
    `tf.train.AdamOptimizer`.
    """

    def _apply_sparse(self, grad, var):
        indices = grad.indices
        beta1, beta2, epsilon, rate = _rate(self, var)
        m, v = self.get_slot(var, "m"), self.get_slot(var, "v")
        m_t = scatter_update(m, indices, beta1 * gather(m, indices) + (1 - beta1) * grad.values,
                             use_locking=self._use_locking)  # fmt: skip
        v_t = scatter_update(v, indices, beta2 * gather(v, indices) + (1 - beta2) * elementwise.square(grad.values),
                             use_locking=self._use_locking)  # fmt: skip
        m_rows, v_rows = gather(m_t, indices), gather(v_t, indices)
        divisor = elementwise.sqrt(v_rows) + epsilon
        update = scatter_sub(var, indices, rate * m_rows / divisor, use_locking=self._use_locking)
        return group(update, m_t, v_t)

    def _resource_apply_sparse(self, grad, var, indices):
        beta1, beta2, epsilon, rate = _rate(self, var)
        m, v = self.get_slot(var, "m"), self.get_slot(var, "v")
        m_rows = beta1 * gather(m, indices) + (1 - beta1) * grad
        m_update = call("ResourceScatterUpdate", m.handle, indices, m_rows)
        v_rows = beta2 * gather(v, indices) + (1 - beta2) * elementwise.square(grad)
        v_update = call("ResourceScatterUpdate", v.handle, indices, v_rows)
        rows = rate * m_rows / (elementwise.sqrt(v_rows) + epsilon)
        return group(call("ResourceScatterSub", var.handle, indices, rows), m_update, v_update)
