"""A training operation out of a loss and an optimizer, and what is done to gradients on the way."""

from reflow.graph.collections import GraphKeys
from reflow.graph.context import control_dependencies, name_scope
from reflow.graph.convert import to_tensor
from reflow.graph.export import export
from reflow.graph.graph import get_default_graph
from reflow.graph.indexed_slices import IndexedSlices
from reflow.ops.checks import check_numerics as check_numerics_op
from reflow.ops.clip import clip_by_norm, global_norm
from reflow.ops.control import no_op, with_dependencies
from reflow.platform import logging
from reflow.summary import summary
from reflow.train import training_util
from reflow.train.optimizer import Optimizer
from reflow.variables.variable_lists import trainable_variables

# Stands for "the graph's global step": None means no step at all.
USE_GLOBAL_STEP = 0


@export("contrib.training.add_gradients_summaries")
def add_gradients_summaries(grads_and_vars):
    """Summaries of gradients: a histogram and the norm of each.

    Args:
      grads_and_vars: a list of (gradient, variable) pairs.

    Returns:
      A list of summaries.
    """
    return summarize_gradients_as(grads_and_vars, "{}_gradient", "{}_gradient_norm")


def summarize_gradients_as(grads_and_vars, histogram_name, norm_name):
    """As `add_gradients_summaries`, under the names that the two templates make of a variable's."""
    summaries = []
    for gradient, variable in grads_and_vars:
        if gradient is None:
            logging.info("Var %s has no gradient", variable.op.name)
            continue
        values = gradient.values if isinstance(gradient, IndexedSlices) else gradient
        summaries.append(summary.histogram(histogram_name.format(variable.op.name), values))
        summaries.append(summary.scalar(norm_name.format(variable.op.name), global_norm([values])))
    return summaries


@export("contrib.training.clip_gradient_norms")
def clip_gradient_norms(gradients_to_variables, max_norm):
    """Gradients scaled down to a norm, each by itself.

    Args:
      gradients_to_variables: a list of (gradient, variable) pairs.
      max_norm: the greatest norm.

    Returns:
      A list of pairs.
    """

    def clipped(gradient):
        if gradient is None:
            return None
        if isinstance(gradient, IndexedSlices):
            return IndexedSlices(clip_by_norm(gradient.values, max_norm), gradient.indices, gradient.dense_shape)
        return clip_by_norm(gradient, max_norm)

    return [(clipped(gradient), variable) for gradient, variable in gradients_to_variables]


@export("contrib.training.clip_gradient_norms_fn")
def clip_gradient_norms_fn(max_norm):
    """`clip_gradient_norms` as a function of the pairs alone, for `transform_grads_fn`."""
    return lambda gradients_to_variables: clip_gradient_norms(gradients_to_variables, max_norm)


@export("contrib.training.multiply_gradients")
def multiply_gradients(grads_and_vars, gradient_multipliers):
    """Gradients times factors.

    Args:
      grads_and_vars: a list of (gradient, variable) pairs.
      gradient_multipliers: a dict from a variable or its name to a factor.

    Returns:
      A list of pairs.

    Raises:
      ValueError: for other arguments, or a factor of a gradient that there is not.
    """
    if not isinstance(grads_and_vars, list):
        raise ValueError("`grads_and_vars` must be a list.")
    if not gradient_multipliers:
        raise ValueError("`gradient_multipliers` is empty.")
    if not isinstance(gradient_multipliers, dict):
        raise ValueError("`gradient_multipliers` must be a dict.")
    result = []
    for gradient, variable in grads_and_vars:
        factor = gradient_multipliers.get(variable, gradient_multipliers.get(variable.op.name))
        if factor is not None:
            if gradient is None:
                raise ValueError("Requested multiple of `None` gradient.")
            factor = to_tensor(factor, dtype=gradient.dtype.base_dtype)
            if isinstance(gradient, IndexedSlices):
                gradient = IndexedSlices(gradient.values * factor, gradient.indices, gradient.dense_shape)
            else:
                gradient = gradient * factor
        result.append((gradient, variable))
    return result


@export("contrib.training.create_train_op")
def create_train_op(total_loss, optimizer, global_step=USE_GLOBAL_STEP, update_ops=None, variables_to_train=None,
                    transform_grads_fn=None, summarize_gradients=False, gate_gradients=Optimizer.GATE_OP,
                    aggregation_method=None, colocate_gradients_with_ops=False, check_numerics=True):  # fmt: skip
    """A tensor that trains when it is evaluated, and is the loss.

    Args:
      total_loss: a scalar.
      optimizer: an Optimizer.
      global_step: the variable that counts steps; None for none; the graph's, made if absent, if not given.
      update_ops: operations to run before the loss is computed; collection UPDATE_OPS if None.
      variables_to_train: the variables; all trainable ones if None.
      transform_grads_fn: a function from (gradient, variable) pairs to such pairs.
      summarize_gradients: whether to make summaries of gradients.
      gate_gradients, aggregation_method, colocate_gradients_with_ops: as for `Optimizer.compute_gradients`.
      check_numerics: whether to fail if the loss is infinite or NaN.

    Returns:
      The loss, computed after the variables were updated; collection TRAIN_OP gains it.

    Raises:
      ValueError: if there are no variables, or one of them is not trainable.
    """
    if global_step is USE_GLOBAL_STEP:
        global_step = training_util.get_or_create_global_step()
    total_loss = _after_updates(total_loss, update_ops)
    trainable = trainable_variables()
    variables = trainable if variables_to_train is None else variables_to_train
    if not variables or not all(v.trainable or v in trainable for v in variables):
        raise ValueError("There are no variables to train, or one of them is not trainable")
    gradients = optimizer.compute_gradients(
        total_loss, variables, gate_gradients=gate_gradients, aggregation_method=aggregation_method,
        colocate_gradients_with_ops=colocate_gradients_with_ops,
    )  # fmt: skip
    if transform_grads_fn:
        gradients = transform_grads_fn(gradients)
    if summarize_gradients:
        with name_scope("summarize_grads"):
            add_gradients_summaries(gradients)
    updates = optimizer.apply_gradients(gradients, global_step=global_step)
    with name_scope("train_op"):
        if check_numerics:
            total_loss = check_numerics_op(total_loss, "LossTensor is inf or nan")
        train_op = with_dependencies([updates], total_loss)
    train_ops = get_default_graph().get_collection_ref(GraphKeys.TRAIN_OP)
    if not any(train_op is each for each in train_ops):
        train_ops.append(train_op)
    return train_op


def _after_updates(total_loss, update_ops):
    """The loss, computed after the updates."""
    collected = get_default_graph().get_collection(GraphKeys.UPDATE_OPS)
    updates = dict.fromkeys(collected if update_ops is None else update_ops)
    if not set(collected) <= set(updates):
        logging.warning("update_ops in create_train_op does not contain all the update_ops in GraphKeys.UPDATE_OPS")
    if not updates:
        return total_loss
    with control_dependencies(list(updates)):
        barrier = no_op(name="update_barrier")
    return with_dependencies([barrier], total_loss)
