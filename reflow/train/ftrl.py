"""FTRL-Proximal."""

from reflow.graph.convert import to_tensor
from reflow.graph.export import export
from reflow.graph.graph import get_default_graph
from reflow.ops.constant import constant
from reflow.train.slot_optimizer import SlotOptimizer


@export("train.FtrlOptimizer")
class FtrlOptimizer(SlotOptimizer):
    """Follow the regularized leader: sparse solutions of large linear models.

    Source: McMahan et al., "Ad click prediction: a view from the trenches", KDD 2013. Shrinkage-type L2 regularization
    adds a gradient, where the other adds a penalty.

    Args:
      learning_rate: a number or tensor.
      learning_rate_power: at most 0: how the rate falls with the sum of squared gradients; 0 keeps it fixed.
      initial_accumulator_value: at least 0: what the sums of squares begin with.
      l1_regularization_strength: at least 0.
      l2_regularization_strength: at least 0.
      use_locking: protect the updates by the variables' locks.
      name: the name scope of the updates, and of the slots.
      accum_name: the name of the sums of squares, if another one.
      linear_name: the name of the linear terms, if another one.
      l2_shrinkage_regularization_strength: at least 0.

    Raises:
      ValueError: for a number of the wrong sign.
    """

    def __init__(self, learning_rate, learning_rate_power=-0.5, initial_accumulator_value=0.1,
                 l1_regularization_strength=0.0, l2_regularization_strength=0.0, use_locking=False, name="Ftrl",
                 accum_name=None, linear_name=None, l2_shrinkage_regularization_strength=0.0):  # fmt: skip
        super().__init__(use_locking, name)
        _check_sign("initial_accumulator_value", initial_accumulator_value)
        if learning_rate_power > 0.0:
            raise ValueError(f"learning_rate_power {learning_rate_power:f} needs to be negative or zero")
        _check_sign("l1_regularization_strength", l1_regularization_strength)
        _check_sign("l2_regularization_strength", l2_regularization_strength)
        _check_sign("l2_shrinkage_regularization_strength", l2_shrinkage_regularization_strength)
        self._learning_rate = learning_rate
        self._learning_rate_power = learning_rate_power
        self._initial_accumulator_value = initial_accumulator_value
        self._l1_regularization_strength = l1_regularization_strength
        self._l2_regularization_strength = l2_regularization_strength
        self._l2_shrinkage_regularization_strength = l2_shrinkage_regularization_strength
        self._accum_name = accum_name
        self._linear_name = linear_name

    def _create_slots(self, var_list):
        for v in var_list:
            with get_default_graph().colocate_with(v.op):
                value = constant(self._initial_accumulator_value, dtype=v.dtype.base_dtype, shape=v.get_shape())
                self._get_or_make_slot(v, value, "accum", self._accum_name or self._name)
                self._zeros_slot(v, "linear", self._linear_name or self._name)

    def _prepare(self):
        self._learning_rate_tensor = to_tensor(self._learning_rate, name="learning_rate")
        self._l1_tensor = to_tensor(self._l1_regularization_strength, name="l1_regularization_strength")
        self._l2_tensor = to_tensor(self._l2_regularization_strength, name="l2_regularization_strength")
        self._l2_shrinkage_tensor = to_tensor(self._l2_shrinkage_regularization_strength,
                                              name="l2_shrinkage_regularization_strength")  # fmt: skip
        self._learning_rate_power_tensor = to_tensor(self._learning_rate_power, name="learning_rate_power")

    def _apply(self, grad, var, indices=None):
        slots = {name: self.get_slot(var, name) for name in ("accum", "linear")}
        numbers = {"lr": self._learning_rate_tensor, "l1": self._l1_tensor, "l2": self._l2_tensor,
                   "l2_shrinkage": self._l2_shrinkage_tensor, "lr_power": self._learning_rate_power_tensor}  # fmt: skip
        name = "Ftrl" if self._l2_shrinkage_regularization_strength <= 0.0 else "FtrlV2"
        return self._call_update(name, var, grad, slots, numbers, indices)


def _check_sign(name, value):
    if value < 0.0:
        raise ValueError(f"{name} {value:f} needs to be positive or zero")
