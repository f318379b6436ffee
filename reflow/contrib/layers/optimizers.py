"""`optimize_loss`: a training step with all that goes around it."""

from collections.abc import Callable

from reflow.graph.collections import GraphKeys
from reflow.graph.convert import to_tensor
from reflow.graph.export import export, export_value
from reflow.graph.graph import get_default_graph
from reflow.graph.indexed_slices import IndexedSlices
from reflow.graph.operation import Tensor
from reflow.ops import elementwise
from reflow.ops.arithmetic import maximum, minimum
from reflow.ops.casting import cast
from reflow.ops.clip import clip_by_global_norm, global_norm
from reflow.ops.constant import ones_like
from reflow.ops.control import with_dependencies
from reflow.ops.random import truncated_normal
from reflow.ops.select import where
from reflow.ops.shape_checks import assert_scalar
from reflow.summary import summary
from reflow.train import training_util
from reflow.train.adagrad import AdagradOptimizer
from reflow.train.adam import AdamOptimizer
from reflow.train.ftrl import FtrlOptimizer
from reflow.train.gradient_descent import GradientDescentOptimizer
from reflow.train.momentum import MomentumOptimizer
from reflow.train.moving_averages import assign_moving_average
from reflow.train.optimizer import Optimizer
from reflow.train.rmsprop import RMSPropOptimizer
from reflow.variables.initializers import Constant, Zeros
from reflow.variables.variable_lists import trainable_variables
from reflow.variables.variable_scope import get_variable, variable_scope

OPTIMIZER_CLS_NAMES: dict[str, Callable[..., Optimizer]] = {
    "Adagrad": AdagradOptimizer,
    "Adam": AdamOptimizer,
    "Ftrl": FtrlOptimizer,
    "Momentum": lambda learning_rate: MomentumOptimizer(learning_rate, momentum=0.9),
    "RMSProp": RMSPropOptimizer,
    "SGD": GradientDescentOptimizer,
}
OPTIMIZER_SUMMARIES = ["learning_rate", "loss", "gradients", "gradient_norm", "global_gradient_norm"]
export_value("contrib.layers.OPTIMIZER_CLS_NAMES", OPTIMIZER_CLS_NAMES)
export_value("contrib.layers.OPTIMIZER_SUMMARIES", OPTIMIZER_SUMMARIES)


@export("contrib.layers.optimize_loss")
def optimize_loss(loss, global_step, learning_rate, optimizer, gradient_noise_scale=None, gradient_multipliers=None,
                  clip_gradients=None, learning_rate_decay_fn=None, update_ops=None, variables=None, name=None,
                  summaries=None, colocate_gradients_with_ops=False, increment_global_step=True):  # fmt: skip
    """A training step: updates, gradients, noise, clipping, summaries, and the optimizer's update.

    Args:
      loss: a scalar.
      global_step: the variable that counts steps; the graph's, if it has one, if None.
      learning_rate: a float or scalar tensor; None if the optimizer has its own.
      optimizer: "Adagrad", "Adam", "Ftrl", "Momentum", "RMSProp" or "SGD"; an optimizer, or its class; or a function
        from the learning rate (no argument if that is None) to an optimizer.
      gradient_noise_scale: the scale of normal noise to add to gradients, or None.
      gradient_multipliers: a dict from a variable or its name to a factor of its gradient.
      clip_gradients: the greatest global norm, a float; or a function from (gradient, variable) pairs to such.
      learning_rate_decay_fn: a function of learning rate and global step that returns the rate to use.
      update_ops: operations to run before the loss is computed; collection UPDATE_OPS if None.
      variables: the variables to train; all trainable ones if None.
      name: a variable scope or its name; "OptimizeLoss" made unique if None.
      summaries: which summaries to make, of OPTIMIZER_SUMMARIES; loss, learning rate and global norm if None.
      colocate_gradients_with_ops: place gradients where the operations are.
      increment_global_step: whether the step counts.

    Returns:
      The loss, computed after the variables were updated.

    Raises:
      ValueError: for a malformed argument.
    """
    loss = to_tensor(loss)
    assert_scalar(loss)
    if global_step is None:
        global_step = training_util.get_global_step()
    else:
        training_util.assert_global_step(global_step)
    with variable_scope(name, "OptimizeLoss", [loss, global_step]):
        if update_ops is None:
            update_ops = dict.fromkeys(get_default_graph().get_collection(GraphKeys.UPDATE_OPS))
        if update_ops:
            loss = with_dependencies(list(update_ops), loss)
        rate = _learning_rate(learning_rate)
        summaries = _checked_summaries(summaries)
        if learning_rate is not None and learning_rate_decay_fn is not None:
            if global_step is None:
                raise ValueError("global_step is required for learning_rate_decay_fn.")
            rate = learning_rate_decay_fn(rate, global_step)
            if "learning_rate" in summaries:
                summary.scalar("learning_rate", rate)
        opt = _optimizer(optimizer, rate)
        gradients = opt.compute_gradients(loss, trainable_variables() if variables is None else variables,
                                          colocate_gradients_with_ops=colocate_gradients_with_ops)  # fmt: skip
        if gradient_noise_scale is not None:
            gradients = [(_noisy(gradient, gradient_noise_scale), v) for gradient, v in gradients]
        if gradient_multipliers is not None:
            gradients = _multiplied(gradients, gradient_multipliers)
        gradients = _clipped_and_summarized(gradients, clip_gradients, summaries, loss)
        step = global_step if increment_global_step else None
        return with_dependencies([opt.apply_gradients(gradients, global_step=step, name="train")], loss)


def _learning_rate(learning_rate):
    """The learning rate as a tensor or variable, or None."""
    if learning_rate is None:
        return None
    if isinstance(learning_rate, Tensor) and learning_rate.get_shape().ndims == 0:
        return learning_rate
    if not isinstance(learning_rate, float):
        raise ValueError(f"Learning rate should be 0d Tensor or float. Got {learning_rate} of type "
                         f"{type(learning_rate)}")  # fmt: skip
    if learning_rate < 0.0:
        raise ValueError("Invalid learning_rate %s.", learning_rate)
    return get_variable("learning_rate", [], trainable=False, initializer=Constant(learning_rate))


def _checked_summaries(summaries):
    if summaries is None:
        return ["loss", "learning_rate", "global_gradient_norm"]
    for each in summaries:
        if each not in OPTIMIZER_SUMMARIES:
            raise ValueError(f"Summaries should be one of [{', '.join(OPTIMIZER_SUMMARIES)}], you provided {each}.")
    return summaries


def _optimizer(optimizer, rate):
    is_class = isinstance(optimizer, type) and issubclass(optimizer, Optimizer)
    if isinstance(optimizer, str) or is_class:
        if rate is None:
            kind = "class" if is_class else "string"
            raise ValueError(f"Learning rate is None, but should be specified if optimizer is {kind} ({optimizer}).")
        if is_class:
            return optimizer(learning_rate=rate)
        if optimizer not in OPTIMIZER_CLS_NAMES:
            raise ValueError(f"Optimizer name should be one of [{', '.join(OPTIMIZER_CLS_NAMES)}], you provided "
                             f"{optimizer}.")  # fmt: skip
        return OPTIMIZER_CLS_NAMES[optimizer](learning_rate=rate)
    if isinstance(optimizer, Optimizer):
        return optimizer
    if not callable(optimizer):
        raise ValueError("Unrecognized optimizer: should be string, subclass of Optimizer, instance of subclass of "
                         f"Optimizer or function with one argument. Got {optimizer}.")  # fmt: skip
    made = optimizer() if rate is None else optimizer(rate)
    if not isinstance(made, Optimizer):
        raise ValueError(f"Unrecognized optimizer: function should return subclass of Optimizer. Got {made}.")
    return made


# --- gradients ----------------------------------------------------------------------------------------------------


def _noisy(gradient, scale):
    if gradient is None:
        return None
    sizes = gradient.dense_shape if isinstance(gradient, IndexedSlices) else gradient.get_shape()
    return gradient + truncated_normal(sizes) * scale


def _scaled(gradient, factor):
    if isinstance(gradient, IndexedSlices):
        return IndexedSlices(gradient.values * factor, gradient.indices, gradient.dense_shape)
    return gradient * factor


def _multiplied(gradients, multipliers):
    """The pairs with gradients times the factors given by variable or by name."""
    result = []
    for gradient, variable in gradients:
        factor = multipliers.get(variable, multipliers.get(variable.name))
        if gradient is not None and factor is not None:
            is_sparse = isinstance(gradient, IndexedSlices)
            gradient = _scaled(gradient, factor if is_sparse else cast(factor, gradient.dtype))
        result.append((gradient, variable))
    if not result:
        raise ValueError("Empty list of (gradient, var) pairs encountered. This is most likely to be caused by an "
                         "improper value of gradient_multipliers.")  # fmt: skip
    return result


def _clipped_and_summarized(gradients, clip_gradients, summaries, loss):
    with_norm = "global_gradient_norm" in summaries or "gradient_norm" in summaries
    if with_norm:
        summary.scalar("global_norm/gradient_norm", _global_norm(gradients))
    if isinstance(clip_gradients, float):
        clipped, _ = clip_by_global_norm([gradient for gradient, _ in gradients], clip_gradients)
        gradients = [(gradient, v) for gradient, (_, v) in zip(clipped, gradients, strict=True)]
    elif callable(clip_gradients):
        gradients = clip_gradients(gradients)
    elif clip_gradients is not None:
        raise ValueError(f"Unknown type {type(clip_gradients)} for clip_gradients")
    if "loss" in summaries:
        summary.scalar("loss", loss)
    for gradient, variable in gradients:
        _summarize_gradient(gradient, variable, summaries)
    if clip_gradients is not None and with_norm:
        summary.scalar("global_norm/clipped_gradient_norm", _global_norm(gradients))
    return gradients


def _global_norm(gradients):
    return global_norm([gradient for gradient, _ in gradients])


def _summarize_gradient(gradient, variable, summaries):
    values = gradient.values if isinstance(gradient, IndexedSlices) else gradient
    if values is None:
        return
    name = variable.name.replace(":", "_")
    if "gradients" in summaries:
        summary.histogram(f"gradients/{name}", values)
    if "gradient_norm" in summaries:
        summary.scalar(f"gradient_norm/{name}", global_norm([values]))


# --- adaptive clipping --------------------------------------------------------------------------------------------


@export("contrib.layers.adaptive_clipping_fn")
def adaptive_clipping_fn(std_factor=2.0, decay=0.95, static_max_norm=None, global_step=None, report_summary=False,
                         epsilon=1e-8, name=None):  # fmt: skip
    """A function that clips gradients whose global norm is unusual, for `clip_gradients` of `optimize_loss`.

    Moving averages of the logarithm of the norm and of its square are kept; the bound is `std_factor` deviations above
    the mean.

    Args:
      std_factor: how many deviations above the mean are usual.
      decay: how much of an average stays at an update.
      static_max_norm: a bound that holds in any case, or None.
      global_step: the step, with which the averages are faster at first; or None.
      report_summary: whether to make a summary of the bound.
      epsilon: added to norm and variance.
      name: a variable scope or its name; "AdaptiveMaxNorm" made unique if None.

    Returns:
      A function from a list of (gradient, variable) pairs to such a list.
    """

    def clip(grads_and_vars):
        norm = _global_norm(grads_and_vars)
        bound, log_mean = _adaptive_max_norm(norm, std_factor, decay, global_step, epsilon, name)
        if report_summary:
            summary.scalar("global_norm/adaptive_max_gradient_norm", bound)
        # An unusual norm becomes the mean one.
        factor = where(norm < bound, ones_like(norm), elementwise.exp(log_mean) / norm)
        if static_max_norm is not None:
            factor = minimum(static_max_norm / norm, factor)
        return [(None if gradient is None else _scaled(gradient, factor), v) for gradient, v in grads_and_vars]

    return clip


def _adaptive_max_norm(norm, std_factor, decay, global_step, epsilon, name):
    """(bound, mean of the logarithm) of a norm."""
    with variable_scope(name, "AdaptiveMaxNorm", [norm]):
        log_norm = elementwise.log(norm + epsilon)
        if global_step is not None:
            steps = cast(global_step, "float32")
            decay = minimum(decay, steps / (steps + 1.0))
        mean = _moving_average("mean", log_norm, decay)
        square_mean = _moving_average("sq_mean", elementwise.square(log_norm), decay)
        variance = square_mean - elementwise.square(mean)
        deviation = elementwise.sqrt(maximum(epsilon, variance))
        return elementwise.exp(mean + std_factor * deviation), mean


def _moving_average(name, value, decay):
    variable = get_variable(name, shape=value.get_shape(), dtype=value.dtype, initializer=Zeros(), trainable=False)
    return assign_moving_average(variable, value, decay, zero_debias=False)
