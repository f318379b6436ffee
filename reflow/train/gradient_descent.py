"""Gradient descent."""

from reflow.graph.build import call
from reflow.graph.convert import to_tensor
from reflow.graph.export import export
from reflow.graph.indexed_slices import IndexedSlices
from reflow.ops.casting import cast
from reflow.train.optimizer import Optimizer


@export("train.GradientDescentOptimizer")
class GradientDescentOptimizer(Optimizer):
    """var -= learning_rate * gradient.

    Args:
      learning_rate: a number, tensor, or function that returns one.
      use_locking: protect the updates by the variables' locks.
      name: the name scope of the updates.
    """

    def __init__(self, learning_rate, use_locking=False, name="GradientDescent"):
        super().__init__(use_locking, name)
        self._learning_rate = learning_rate

    def _prepare(self):
        self._learning_rate_tensor = to_tensor(self._call_if_callable(self._learning_rate), name="learning_rate")

    def _dense(self, grad, var):
        return self._call_update("GradientDescent", var, grad, {}, {"alpha": self._learning_rate_tensor})

    def _apply_dense(self, grad, var):
        return self._dense(grad, var)

    def _resource_apply_dense(self, grad, var):
        return self._dense(grad, var)

    def _resource_apply_sparse_duplicate_indices(self, grad, var, indices):
        return call("ResourceScatterAdd", var.handle, indices, -grad * self._learning_rate)

    def _apply_sparse_duplicate_indices(self, grad, var):
        step = grad.values * cast(self._learning_rate_tensor, var.dtype.base_dtype)
        return var.scatter_sub(IndexedSlices(step, grad.indices, grad.dense_shape), use_locking=self._use_locking)
