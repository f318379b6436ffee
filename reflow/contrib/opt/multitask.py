"""Optimizers for several tasks in turn: gradients that are all zeros belong to a task that is not trained now."""

import types

from reflow.graph.context import control_dependencies
from reflow.graph.export import export
from reflow.ops.clip import clip_by_global_norm, global_norm
from reflow.ops.comparison import equal
from reflow.ops.conditional import cond
from reflow.ops.constant import zeros
from reflow.ops.control import no_op
from reflow.ops.reduction import count_nonzero
from reflow.train.optimizer import Optimizer

_UPDATES = ("_apply_dense", "_resource_apply_dense", "_apply_sparse", "_resource_apply_sparse")


def _is_all_zeros(grad):
    return equal(count_nonzero(grad), 0)


@export("contrib.opt.MultitaskOptimizerWrapper")
class MultitaskOptimizerWrapper:
    """An optimizer that leaves variables and slots alone whose gradients are all zeros.

    Without it, momentum and the like go on in the parts of a model that the present task does not use.

    Args:
      opt: an Optimizer, which is changed.

    Raises:
      TypeError: if it is none.
    """

    def __init__(self, opt):
        if not isinstance(opt, Optimizer):
            raise TypeError("Supplied optimizer must be an instance of tf.train.Optimizer")
        self._opt = opt
        for name in _UPDATES:
            setattr(opt, name, types.MethodType(_guarded(getattr(opt, name)), opt))

    def __getattr__(self, name):
        return getattr(self._opt, name)


def _guarded(update):
    """The update, left out if the gradient is all zeros."""

    def guarded(self, grad, *args, **kwargs):
        def run():
            with control_dependencies([update(grad, *args, **kwargs)]):
                return no_op()

        return cond(_is_all_zeros(grad), no_op, run)

    return guarded


@export("contrib.opt.clip_gradients_by_global_norm")
def clip_gradients_by_global_norm(gradients_variables, clip_norm=20.0):
    """Gradients scaled down to a global norm, to which those that are all zeros do not count.

    Args:
      gradients_variables: a list of (gradient, variable) pairs.
      clip_norm: the greatest norm.

    Returns:
      (list of pairs, norm).
    """
    gradients = [gradient for gradient, _ in gradients_variables]

    def counted(gradient):
        if gradient is None:
            return None
        return cond(_is_all_zeros(gradient), lambda: zeros([], dtype=gradient.dtype), lambda: gradient)

    norm = global_norm([counted(gradient) for gradient in gradients])
    clipped, _ = clip_by_global_norm(gradients, clip_norm, use_norm=norm)
    return [(gradient, v) for gradient, (_, v) in zip(clipped, gradients_variables, strict=True)], norm
