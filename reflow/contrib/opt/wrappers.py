"""Optimizers around another: variables kept within a norm, and Adagrad that can leave its sums alone."""

import contextlib

from reflow.graph.context import colocate_with, control_dependencies, name_scope
from reflow.graph.export import export
from reflow.graph.indexed_slices import IndexedSlices
from reflow.graph.operation import Tensor
from reflow.ops.clip import clip_by_norm
from reflow.ops.control import group
from reflow.ops.gathering import gather
from reflow.platform import logging
from reflow.train.adagrad import AdagradOptimizer
from reflow.train.optimizer import Optimizer


@export("contrib.opt.VariableClippingOptimizer")
class VariableClippingOptimizer(Optimizer):
    """Another optimizer, after whose updates variables are scaled down to a norm along some axes.

    Args:
      opt: the optimizer.
      vars_to_clip_dims: a dict from a variable to a list of the axes that its norm is taken over.
      max_norm: the greatest norm.
      use_locking: protect the changes by the variables' locks.
      colocate_clip_ops_with_vars: put all operations on the variables' devices.
      name: the name scope of the updates.
    """

    def __init__(self, opt, vars_to_clip_dims, max_norm, use_locking=False, colocate_clip_ops_with_vars=False,
                 name="VariableClipping"):  # fmt: skip
        super().__init__(use_locking, name)
        self._opt = opt
        self._vars_to_clip_dims = {var: list(dims) for var, dims in vars_to_clip_dims.items()}
        self._max_norm = max_norm
        self._colocate_clip_ops_with_vars = colocate_clip_ops_with_vars

    def compute_gradients(self, *args, **kwargs):
        """As of the other optimizer."""
        return self._opt.compute_gradients(*args, **kwargs)

    def get_slot(self, *args, **kwargs):
        """As of the other optimizer."""
        return self._opt.get_slot(*args, **kwargs)

    def get_slot_names(self, *args, **kwargs):
        """As of the other optimizer."""
        return self._opt.get_slot_names(*args, **kwargs)

    def apply_gradients(self, grads_and_vars, global_step=None, name=None):
        """The updates of the other optimizer, and then the clipping."""
        with name_scope(name, self._name) as scope:
            update = self._opt.apply_gradients(grads_and_vars, global_step=global_step)
            clips = []
            with control_dependencies([update]):
                for grad, var in grads_and_vars:
                    if grad is not None and var in self._vars_to_clip_dims:
                        with name_scope(f"clip_{var.op.name}"):
                            clips.append(self._clip(grad, var))
            return group(update, *clips, name=scope)

    def _clip(self, grad, var):
        dims = self._vars_to_clip_dims[var]
        if isinstance(grad, Tensor):
            return self._clip_all(var)
        if 0 in dims:
            logging.warning("Clipping norm across dims %s for %s is inefficient when including sparse dimension 0.",
                            dims, var.op.name)  # fmt: skip
            return self._clip_all(var)
        with colocate_with(var):
            rows = gather(var, grad.indices)
        with self._maybe_colocate_with(var):
            excess = IndexedSlices(rows - clip_by_norm(rows, self._max_norm, dims), grad.indices, grad.dense_shape)
        with colocate_with(var):
            return var.scatter_sub(excess, use_locking=self._use_locking)

    def _clip_all(self, var):
        with self._maybe_colocate_with(var):
            value = var.read_value()
            excess = value - clip_by_norm(value, self._max_norm, self._vars_to_clip_dims[var])
        with colocate_with(var):
            return var.assign_sub(excess, use_locking=self._use_locking)

    def _maybe_colocate_with(self, var):
        return colocate_with(var) if self._colocate_clip_ops_with_vars else contextlib.nullcontext()


@export("contrib.opt.RegAdagradOptimizer")
class RegAdagradOptimizer(AdagradOptimizer):
    """Adagrad whose sums can be left alone: for losses that do not depend on data, such as regularizers.

    The arguments are those of `tf.train.AdagradOptimizer`.
    """

    def __init__(self, learning_rate, initial_accumulator_value=0.1, use_locking=False, name="RegAdagrad"):
        super().__init__(learning_rate, initial_accumulator_value, use_locking, name)
        self._should_update_slots = True

    @contextlib.contextmanager
    def avoid_updating_slots(self):
        """A context in which updates are made that leave the sums of squares alone."""
        saved, self._should_update_slots = self._should_update_slots, False
        try:
            yield
        finally:
            self._should_update_slots = saved

    def _apply(self, grad, var, indices=None):
        slots = {"accum": self.get_slot(var, "accumulator")}
        return self._call_update("Adagrad", var, grad, slots, {"lr": self._learning_rate_tensor}, indices,
                                 update_slots=self._should_update_slots)  # fmt: skip
