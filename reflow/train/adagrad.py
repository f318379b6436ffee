"""Adagrad, and Adagrad with dual averaging."""

from reflow.graph.build import call
from reflow.graph.convert import to_tensor
from reflow.graph.export import export
from reflow.graph.graph import get_default_graph
from reflow.ops.casting import cast
from reflow.ops.constant import constant
from reflow.ops.shape_ops import shape as shape_of
from reflow.train.slot_optimizer import SlotOptimizer
from reflow.variables.initializers import Constant


@export("train.AdagradOptimizer")
class AdagradOptimizer(SlotOptimizer):
    """accumulator += gradient^2; var -= learning_rate * gradient / sqrt(accumulator).

    Source: Duchi, Hazan, Singer, "Adaptive subgradient methods for online learning and stochastic optimization", 2011.

    Args:
      learning_rate: a number, tensor, or function that returns one.
      initial_accumulator_value: a positive number that the accumulators begin with.
      use_locking: protect the updates by the variables' locks.
      name: the name scope of the updates, and of the slots.

    Raises:
      ValueError: if the initial value is not positive.
    """

    def __init__(self, learning_rate, initial_accumulator_value=0.1, use_locking=False, name="Adagrad"):
        if initial_accumulator_value <= 0.0:
            raise ValueError(f"initial_accumulator_value must be positive: {initial_accumulator_value}")
        super().__init__(use_locking, name)
        self._learning_rate = learning_rate
        self._initial_accumulator_value = initial_accumulator_value

    def _create_slots(self, var_list):
        for v in var_list:
            dtype = v.dtype.base_dtype
            if v.get_shape().is_fully_defined():
                initializer = Constant(self._initial_accumulator_value, dtype=dtype)
            else:
                initializer = self._init_constant_op(v, dtype)
            self._get_or_make_slot_with_initializer(v, initializer, v.get_shape(), dtype, "accumulator", self._name)

    def _init_constant_op(self, v, dtype):
        """An initializer for a variable whose shape only its value tells."""
        return lambda: cast(call("Fill", shape_of(v), self._initial_accumulator_value), dtype)

    def _prepare(self):
        self._learning_rate_tensor = to_tensor(self._call_if_callable(self._learning_rate), name="learning_rate")

    def _apply(self, grad, var, indices=None):
        slots = {"accum": self.get_slot(var, "accumulator")}
        return self._call_update("Adagrad", var, grad, slots, {"lr": self._learning_rate_tensor}, indices)


@export("train.AdagradDAOptimizer")
class AdagradDAOptimizer(SlotOptimizer):
    """Adagrad with dual averaging: the variable is computed anew from the sums of gradients, with regularization.

    Source: as of `AdagradOptimizer`.

    Args:
      learning_rate: a number or tensor.
      global_step: an int64 variable that counts the steps.
      initial_gradient_squared_accumulator_value: a positive number that the sums of squares begin with.
      l1_regularization_strength: a number or tensor, at least 0.
      l2_regularization_strength: alike.
      use_locking: protect the updates by the variables' locks.
      name: the name scope of the updates, and of the slots.

    Raises:
      ValueError: if the initial value is not positive.
    """

    def __init__(self, learning_rate, global_step, initial_gradient_squared_accumulator_value=0.1,
                 l1_regularization_strength=0.0, l2_regularization_strength=0.0, use_locking=False,
                 name="AdagradDA"):  # fmt: skip
        if initial_gradient_squared_accumulator_value <= 0.0:
            raise ValueError("initial_gradient_squared_accumulator_value must be positive: "
                             f"{initial_gradient_squared_accumulator_value}")  # fmt: skip
        super().__init__(use_locking, name)
        self._learning_rate = learning_rate
        self._initial_gradient_squared_accumulator_value = initial_gradient_squared_accumulator_value
        self._l1_regularization_strength = l1_regularization_strength
        self._l2_regularization_strength = l2_regularization_strength
        self._global_step = global_step

    def _create_slots(self, var_list):
        squared = self._initial_gradient_squared_accumulator_value
        for v in var_list:
            dtype, shape = v.dtype.base_dtype, v.get_shape()
            with get_default_graph().colocate_with(v.op):
                zeros = constant(0.0, shape=shape, dtype=dtype)
                squares = constant(squared, shape=shape, dtype=dtype)
            self._get_or_make_slot(v, zeros, "gradient_accumulator", self._name)
            self._get_or_make_slot(v, squares, "gradient_squared_accumulator", self._name)

    def _prepare(self):
        self._learning_rate_tensor = to_tensor(self._learning_rate, name="learning_rate")
        with get_default_graph().colocate_with(self._learning_rate_tensor.op):
            self._global_step_on_worker = call("Identity", self._global_step) + 1

    def _apply(self, grad, var, indices=None):
        slots = {name: self.get_slot(var, name) for name in ("gradient_accumulator", "gradient_squared_accumulator")}
        with get_default_graph().device(var.device):
            global_step = call("Identity", self._global_step_on_worker)
        numbers = {"lr": self._learning_rate_tensor, "l1": self._l1_regularization_strength,
                   "l2": self._l2_regularization_strength, "global_step": global_step}  # fmt: skip
        return self._call_update("AdagradDA", var, grad, slots, numbers, indices)
