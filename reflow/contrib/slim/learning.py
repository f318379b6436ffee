"""The training operation of slim."""

from reflow.contrib.training import training
from reflow.graph.context import name_scope
from reflow.graph.export import export, export_values
from reflow.train.optimizer import Optimizer

export_values({
    "contrib.slim.learning.clip_gradient_norms": training.clip_gradient_norms,
    "contrib.slim.learning.multiply_gradients": training.multiply_gradients,
})  # fmt: skip


@export("contrib.slim.learning.add_gradients_summaries")
def add_gradients_summaries(grads_and_vars):
    """Summaries of gradients: a histogram and the norm of each; see `tf.contrib.training.add_gradients_summaries`."""
    return training.summarize_gradients_as(grads_and_vars, "{}/gradient", "{}/gradient_norm")


@export("contrib.slim.learning.create_train_op")
def create_train_op(total_loss, optimizer, global_step=training.USE_GLOBAL_STEP, update_ops=None,
                    variables_to_train=None, clip_gradient_norm=0, summarize_gradients=False,
                    gate_gradients=Optimizer.GATE_OP, aggregation_method=None, colocate_gradients_with_ops=False,
                    gradient_multipliers=None, check_numerics=True):  # fmt: skip
    """A tensor that trains when it is evaluated, and is the loss.

    Args:
      total_loss: a scalar.
      optimizer: an Optimizer.
      global_step: the variable that counts steps; None for none; the graph's, made if absent, if not given.
      update_ops: operations to run before the loss is computed; collection UPDATE_OPS if None.
      variables_to_train: the variables; all trainable ones if None.
      clip_gradient_norm: the greatest norm of each gradient; 0 for any.
      summarize_gradients: whether to make summaries of gradients.
      gate_gradients, aggregation_method, colocate_gradients_with_ops: as for `Optimizer.compute_gradients`.
      gradient_multipliers: a dict from a variable or its name to a factor of its gradient.
      check_numerics: whether to fail if the loss is infinite or NaN.

    Returns:
      The loss, computed after the variables were updated; collection TRAIN_OP gains it.
    """

    def transformed(gradients):
        if gradient_multipliers:
            with name_scope("multiply_grads"):
                gradients = training.multiply_gradients(gradients, gradient_multipliers)
        if clip_gradient_norm > 0:
            with name_scope("clip_grads"):
                gradients = training.clip_gradient_norms(gradients, clip_gradient_norm)
        return gradients

    return training.create_train_op(
        total_loss, optimizer, global_step=global_step, update_ops=update_ops, variables_to_train=variables_to_train,
        transform_grads_fn=transformed, summarize_gradients=summarize_gradients, gate_gradients=gate_gradients,
        aggregation_method=aggregation_method, colocate_gradients_with_ops=colocate_gradients_with_ops,
        check_numerics=check_numerics,
    )  # fmt: skip
