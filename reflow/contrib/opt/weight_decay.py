"""Optimizers that make weights smaller at each step: Loshchilov and Hutter, https://arxiv.org/abs/1711.05101."""

from typing import TYPE_CHECKING, Any

from reflow.graph.build import call
from reflow.graph.context import control_dependencies
from reflow.graph.convert import to_tensor
from reflow.graph.export import export
from reflow.ops.control import no_op
from reflow.ops.gathering import gather
from reflow.ops.scatter_state import scatter_add
from reflow.train.adam import AdamOptimizer
from reflow.train.momentum import MomentumOptimizer
from reflow.train.optimizer import Optimizer

# For the type checker the extension is an optimizer, which it is where it stands among the bases of one.
if TYPE_CHECKING:
    _Extended = Optimizer
else:
    _Extended = object


@export("contrib.opt.DecoupledWeightDecayExtension")
class DecoupledWeightDecayExtension(_Extended):
    """Adds weight decay to an optimizer: before its update of a variable, var -= weight_decay * var.

    It stands before the optimizer among the bases of a class; see `extend_with_decoupled_weight_decay`.

    Args:
      weight_decay: a number, tensor, or function that returns one.
      **kwargs: the arguments of the optimizer.
    """

    def __init__(self, weight_decay, **kwargs):
        self._decay_var_list = None
        self._weight_decay = weight_decay
        super().__init__(**kwargs)

    def minimize(self, loss, global_step=None, var_list=None, gate_gradients=Optimizer.GATE_OP,
                 aggregation_method=None, colocate_gradients_with_ops=False, name=None, grad_loss=None,
                 decay_var_list=None):  # fmt: skip
        """As of the optimizer.

        Args:
          loss, global_step, var_list, gate_gradients, aggregation_method, colocate_gradients_with_ops, name, grad_loss:
            see `tf.train.Optimizer.minimize`.
          decay_var_list: accepted and not used, as in TensorFlow 1.15: all variables decay. `apply_gradients` takes it.

        Returns:
          An Operation.
        """
        return super().minimize(loss, global_step, var_list, gate_gradients, aggregation_method,
                                colocate_gradients_with_ops, name, grad_loss)  # fmt: skip

    def apply_gradients(self, grads_and_vars, global_step=None, name=None, decay_var_list=None):
        """As of the optimizer; `decay_var_list` are the variables that decay, all if None."""
        self._decay_var_list = set(decay_var_list or ())
        return super().apply_gradients(grads_and_vars, global_step=global_step, name=name)

    def _prepare(self):
        self._weight_decay_tensor = to_tensor(self._call_if_callable(self._weight_decay), name="weight_decay")
        super()._prepare()

    def _decays(self, var):
        return not self._decay_var_list or var in self._decay_var_list

    def _decayed(self, var):
        """A context in which `var` has decayed."""
        decay = var.assign_sub(self._weight_decay * var, self._use_locking) if self._decays(var) else no_op()
        return control_dependencies([decay])

    def _rows_decayed(self, var, indices, add):
        """A context in which rows of `var` have decayed."""
        decay = add(var, indices, -self._weight_decay * gather(var, indices)) if self._decays(var) else no_op()
        return control_dependencies([decay])

    def _apply_dense(self, grad, var):
        with self._decayed(var):
            return super()._apply_dense(grad, var)

    def _resource_apply_dense(self, grad, var):
        with self._decayed(var):
            return super()._resource_apply_dense(grad, var)

    def _apply_sparse(self, grad, var):
        def add(x, indices, values):
            return scatter_add(x, indices, values, self._use_locking)

        with self._rows_decayed(var, grad.indices, add):
            return super()._apply_sparse(grad, var)

    def _resource_scatter_add(self, x, i, v, _=None):
        with control_dependencies([call("ResourceScatterAdd", x.handle, i, v)]):
            return x.value()

    def _resource_apply_sparse(self, grad, var, indices):
        with self._rows_decayed(var, indices, self._resource_scatter_add):
            return super()._resource_apply_sparse(grad, var, indices)


@export("contrib.opt.extend_with_decoupled_weight_decay")
def extend_with_decoupled_weight_decay(base_optimizer):
    """The class of an optimizer with weight decay.

    Args:
      base_optimizer: a class of optimizers.

    Returns:
      A class whose first argument is `weight_decay`, followed by the optimizer's arguments by name.
    """
    base: Any = base_optimizer

    class OptimizerWithDecoupledWeightDecay(DecoupledWeightDecayExtension, base):
        """The optimizer with weight decay."""

    return OptimizerWithDecoupledWeightDecay


@export("contrib.opt.MomentumWOptimizer")
class MomentumWOptimizer(DecoupledWeightDecayExtension, MomentumOptimizer):
    """`tf.train.MomentumOptimizer` with weight decay.

    Source: Loshchilov and Hutter, https://arxiv.org/abs/1711.05101.

    Args:
      weight_decay: how much of a variable goes at each step: a number, tensor, or function that returns one.
      learning_rate, momentum, use_locking, name, use_nesterov: those of `tf.train.MomentumOptimizer`.
    """

    def __init__(self, weight_decay, learning_rate, momentum, use_locking=False, name="MomentumW",
                 use_nesterov=False):  # fmt: skip
        super().__init__(weight_decay, learning_rate=learning_rate, momentum=momentum, use_locking=use_locking,
                         name=name, use_nesterov=use_nesterov)  # fmt: skip


@export("contrib.opt.AdamWOptimizer")
class AdamWOptimizer(DecoupledWeightDecayExtension, AdamOptimizer):
    """`tf.train.AdamOptimizer` with weight decay.

    Source: Loshchilov and Hutter, https://arxiv.org/abs/1711.05101.

    Args:
      weight_decay: how much of a variable goes at each step: a number, tensor, or function that returns one.
      learning_rate, beta1, beta2, epsilon, use_locking, name: those of `tf.train.AdamOptimizer`.
    """

    def __init__(self, weight_decay, learning_rate=0.001, beta1=0.9, beta2=0.999, epsilon=1e-8, use_locking=False,
                 name="AdamW"):  # fmt: skip
        super().__init__(weight_decay, learning_rate=learning_rate, beta1=beta1, beta2=beta2, epsilon=epsilon,
                         use_locking=use_locking, name=name)  # fmt: skip
