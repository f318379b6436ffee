"""AddSign and PowerSign: larger steps where gradient and running mean agree in sign, and decays of that effect.

Source: Bello et al., "Neural optimizer search with reinforcement learning", https://arxiv.org/abs/1709.07417.
"""

import math

from reflow.graph.convert import to_tensor
from reflow.graph.dtypes import float32, int32
from reflow.graph.export import export
from reflow.ops import elementwise, state
from reflow.ops.arithmetic import floormod, maximum, minimum, pow
from reflow.ops.casting import cast
from reflow.ops.comparison import greater_equal
from reflow.ops.constant import constant
from reflow.ops.control import group
from reflow.ops.gathering import gather
from reflow.ops.scatter_state import scatter_sub
from reflow.ops.select import where
from reflow.ops.trigonometry import cos
from reflow.train.optimizer import Optimizer


class _SignOptimizer(Optimizer):
    """What both share: the running mean `m`, and the decay of the effect of signs."""

    # The op of a dense update.
    _update_name: str

    def __init__(self, learning_rate, beta, sign_decay_fn, use_locking, name):
        super().__init__(use_locking, name)
        self._lr = learning_rate
        self._beta = beta
        self._sign_decay_fn = sign_decay_fn

    def apply_gradients(self, grads_and_vars, global_step=None, name=None):
        """As of any optimizer; the decay of the effect of signs is computed from `global_step`."""
        if self._sign_decay_fn is not None:
            self._sign_decay_t = to_tensor(self._sign_decay_fn(global_step), name="sign_decay")
        return super().apply_gradients(grads_and_vars, global_step=global_step, name=name)

    def _prepare_strength(self):
        """Make the tensors of the number that says how strong the effect of signs is."""
        raise NotImplementedError

    def _strength(self):
        """That number, as an input of a dense update: a dict from its name."""
        raise NotImplementedError

    def _factor(self, dtype):
        """The function (sign_decay, agreement of signs) -> factor of the gradient."""
        raise NotImplementedError

    def _create_slots(self, var_list):
        for v in var_list:
            self._zeros_slot(v, "m", self._name)

    def _prepare(self):
        self._lr_t = to_tensor(self._lr, name="learning_rate")
        self._beta_t = to_tensor(self._beta, name="beta")
        self._prepare_strength()
        if self._sign_decay_fn is None:
            self._sign_decay_t = to_tensor(1.0, name="sign_decay")

    def _dense(self, grad, var):
        numbers = {"lr": self._lr_t, "sign_decay": self._sign_decay_t, "beta": self._beta_t, **self._strength()}
        return self._call_update(self._update_name, var, grad, {"m": self.get_slot(var, "m")}, numbers)

    def _apply_dense(self, grad, var):
        return self._dense(grad, var)

    def _resource_apply_dense(self, grad, var):
        return self._dense(grad, var)

    def _apply_sparse(self, grad, var):
        dtype = var.dtype.base_dtype
        lr, beta = cast(self._lr_t, dtype), cast(self._beta_t, dtype)
        factor = self._factor(dtype)
        m = self.get_slot(var, "m")
        m_t = state.assign(m, m * beta + grad * (1 - beta), use_locking=self._use_locking)
        sign = elementwise.sign(grad.values)
        agreement = gather(elementwise.sign(m_t), grad.indices) * sign
        rows = lr * factor(cast(self._sign_decay_t, dtype), agreement) * grad.values
        return group(scatter_sub(var, grad.indices, rows, use_locking=self._use_locking), m_t)


@export("contrib.opt.AddSignOptimizer")
class AddSignOptimizer(_SignOptimizer):
    """m = beta * m + (1 - beta) * g; var -= learning_rate * (alpha + sign_decay * sign(g) * sign(m)) * g.

    Source: Bello et al., https://arxiv.org/abs/1709.07417.

    Args:
      learning_rate: a number or tensor.
      alpha: alike.
      beta: the decay rate of the running mean, alike.
      sign_decay_fn: a function from the global step to the decay, such as `get_linear_decay_fn` returns; 1 if None.
      use_locking: protect the updates by the variables' locks.
      name: the name scope of the updates, and of the slots.
    """

    _update_name = "AddSign"

    def __init__(self, learning_rate=0.1, alpha=1.0, beta=0.9, sign_decay_fn=None, use_locking=False,
                 name="AddSignOptimizer"):  # fmt: skip
        super().__init__(learning_rate, beta, sign_decay_fn, use_locking, name)
        self._alpha = alpha

    def _prepare_strength(self):
        self._alpha_t = to_tensor(self._alpha, name="alpha")

    def _strength(self):
        return {"alpha": self._alpha_t}

    def _factor(self, dtype):
        alpha = cast(self._alpha_t, dtype)
        return lambda decay, agreement: alpha + decay * agreement


@export("contrib.opt.PowerSignOptimizer")
class PowerSignOptimizer(_SignOptimizer):
    """m = beta * m + (1 - beta) * g; var -= learning_rate * base^(sign_decay * sign(g) * sign(m)) * g.

    Source: Bello et al., https://arxiv.org/abs/1709.07417.

    Args:
      learning_rate: a number or tensor.
      base: a number.
      beta: the decay rate of the running mean, a number or tensor.
      sign_decay_fn: a function from the global step to the decay, such as `get_linear_decay_fn` returns; 1 if None.
      use_locking: protect the updates by the variables' locks.
      name: the name scope of the updates, and of the slots.
    """

    _update_name = "PowerSign"

    def __init__(self, learning_rate=0.1, base=math.e, beta=0.9, sign_decay_fn=None, use_locking=False,
                 name="PowerSignOptimizer"):  # fmt: skip
        super().__init__(learning_rate, beta, sign_decay_fn, use_locking, name)
        self._logbase = math.log(base)

    def _prepare_strength(self):
        self._logbase_t = to_tensor(self._logbase, name="logbase")

    def _strength(self):
        return {"logbase": self._logbase_t}

    def _factor(self, dtype):
        logbase, e = cast(self._logbase_t, dtype), cast(math.e, dtype)
        return lambda decay, agreement: pow(e, logbase * decay * agreement)


# --- decays -------------------------------------------------------------------------------------------------------


def _needs_step(global_step, name):
    if global_step is None:
        raise ValueError(f"global_step is required for {name}.")


@export("contrib.opt.get_linear_decay_fn")
def get_linear_decay_fn(decay_steps):
    """A decay from 1 to 0 in a straight line, as a function of the global step.

    Args:
      decay_steps: the number of steps.

    Returns:
      A function for `sign_decay_fn`; it raises ValueError without a step.
    """

    def linear_decay(global_step):
        _needs_step(global_step, "linear_decay")
        step = minimum(global_step, decay_steps)
        remaining = cast(decay_steps, int32) - cast(step, int32)
        return maximum(0.0, cast(remaining, float32) / cast(decay_steps, float32))

    return linear_decay


@export("contrib.opt.get_cosine_decay_fn")
def get_cosine_decay_fn(decay_steps, num_periods=0.5, zero_after=None):
    """A decay along a cosine, as a function of the global step: 0.5 * (1 + cos(2 pi num_periods step / decay_steps)).

    Args:
      decay_steps: the number of steps.
      num_periods: the number of periods.
      zero_after: the number of periods after which it is 0, or None.

    Returns:
      A function for `sign_decay_fn`; it raises ValueError without a step.
    """

    def cosine_decay(global_step):
        _needs_step(global_step, "cosine_decay")
        step = minimum(global_step, decay_steps)
        done = cast(step, float32) / cast(decay_steps, float32)
        fraction = 2.0 * num_periods * done
        decayed = 0.5 * (1.0 + cos(constant(math.pi) * fraction))
        return decayed if zero_after is None else where(greater_equal(fraction, 2 * zero_after), 0.0, decayed)

    return cosine_decay


@export("contrib.opt.get_restart_decay_fn")
def get_restart_decay_fn(decay_steps, num_periods=1, zero_after=None):
    """A decay along half a cosine that begins anew each period, as a function of the global step.

    Args:
      decay_steps: the number of steps.
      num_periods: how often it begins.
      zero_after: the number of periods after which it is 0, or None.

    Returns:
      A function for `sign_decay_fn`; it raises ValueError without a step.
    """

    def restart_decay(global_step):
        _needs_step(global_step, "cosine_decay")
        step = minimum(global_step, decay_steps)
        fraction = floormod(num_periods * cast(step, float32), decay_steps) / cast(decay_steps, float32)
        decayed = 0.5 * (1.0 + cos(constant(math.pi) * fraction))
        if zero_after is None:
            return decayed
        periods = cast(num_periods * step, float32) / cast(decay_steps, float32)
        return where(greater_equal(periods, zero_after), 0.0, decayed)

    return restart_decay
