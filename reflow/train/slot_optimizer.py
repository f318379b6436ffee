"""Optimizers whose update is one op, dense or sparse, on references or handles."""

from reflow.train.optimizer import Optimizer


class SlotOptimizer(Optimizer):
    """A subclass defines `_apply(grad, var, indices=None)`: the update of a variable, or of its rows `indices`."""

    def _apply(self, grad, var, indices=None):
        raise NotImplementedError

    def _apply_dense(self, grad, var):
        return self._apply(grad, var)

    def _resource_apply_dense(self, grad, var):
        return self._apply(grad, var)

    def _apply_sparse(self, grad, var):
        return self._apply(grad.values, var, grad.indices)

    def _resource_apply_sparse(self, grad, var, indices):
        return self._apply(grad, var, indices)
