"""Moving averages of variables and tensors."""

from reflow.graph import dtypes
from reflow.graph.collections import GraphKeys
from reflow.graph.context import name_scope
from reflow.graph.convert import to_tensor
from reflow.graph.export import export
from reflow.graph.graph import get_default_graph
from reflow.ops import state
from reflow.ops.arithmetic import div, minimum, pow, truediv
from reflow.ops.casting import cast
from reflow.ops.control import group
from reflow.train import slot_creator
from reflow.variables.initializers import Zeros
from reflow.variables.variable import Variable
from reflow.variables.variable_lists import global_variables, moving_average_variables, trainable_variables
from reflow.variables.variable_scope import get_variable, get_variable_scope, variable_scope

_TYPES = (dtypes.bfloat16, dtypes.float16, dtypes.float32, dtypes.float64)


@export("contrib.framework.assign_moving_average")
def assign_moving_average(variable, value, decay, zero_debias=True, name=None):
    """variable -= (1 - decay) * (variable - value).

    Args:
      variable: the variable that holds the average.
      value: a tensor of its shape.
      decay: a number or scalar tensor near 1.
      zero_debias: correct for the bias of an average that began with 0: the variable is divided by 1 - decay^t.
      name: a name for the operation.

    Returns:
      The variable after the update.
    """
    with name_scope(name, "AssignMovingAvg", [variable, value, decay]) as scope:
        decay = to_tensor(1.0 - decay, name="decay")
        if decay.dtype is not variable.dtype.base_dtype:
            decay = cast(decay, variable.dtype.base_dtype)
        if zero_debias:
            return _zero_debias(variable, value, decay)
        return state.assign_sub(variable, (variable - value) * decay, name=scope)


def _zero_debias(unbiased_var, value, decay):
    """Keep the biased average and the number of steps in two more variables.

    Source: Kingma, Ba, "Adam: a method for stochastic optimization", arXiv:1412.6980, section 3.
    """
    graph = get_default_graph()
    dtype = unbiased_var.dtype
    scope = variable_scope(unbiased_var.name[: -len(":0")], values=[unbiased_var, value, decay])
    with scope, graph.colocate_with(unbiased_var.op):
        biased = get_variable(_unused("biased"), initializer=Zeros(), shape=unbiased_var.get_shape(), dtype=dtype,
                              trainable=False)  # fmt: skip
        local_step = get_variable(_unused("local_step"), shape=[], dtype=dtype, initializer=Zeros(), trainable=False)
    update_biased = state.assign_sub(biased, (biased - value) * decay)
    update_local_step = local_step.assign_add(1)
    factor = 1 - pow(1.0 - decay, update_local_step)
    return state.assign(unbiased_var, update_biased / factor, name=f"{graph.get_name_scope()}/")


def _unused(name):
    """`name`, made unique among the variables of the current scope, unless variables are to be reused."""
    scope = get_variable_scope()
    if scope.reuse:
        return name
    taken = {v.op.name for v in scope.global_variables()}
    full = f"{scope.name}/{name}"
    if full not in taken:
        return name
    index = 1
    while f"{full}_{index}" in taken:
        index += 1
    return f"{name}_{index}"


@export("contrib.framework.weighted_moving_average")
def weighted_moving_average(value, decay, weight, truediv=True, collections=None, name=None):
    """The moving average of value * weight over that of weight.

    Args:
      value: a tensor.
      decay: a number or scalar tensor near 1.
      weight: a tensor that broadcasts with `value`.
      truediv: divide by `tf.truediv` instead of `tf.div`.
      collections: the collections of the two variables it keeps; [GLOBAL_VARIABLES] if None.
      name: a variable scope.

    Returns:
      A tensor of `value`'s shape, which updates the averages when it is evaluated.
    """
    collections = [GraphKeys.GLOBAL_VARIABLES] if collections is None else collections
    with variable_scope(name, "WeightedMovingAvg", [value, weight, decay]) as scope:
        sums = [
            get_variable(key, shape=x.get_shape(), dtype=x.dtype, initializer=Zeros(), trainable=False,
                         collections=collections)
            for key, x in (("value_x_weight", value), ("weight", weight))
        ]  # fmt: skip
        numerator = assign_moving_average(sums[0], value * weight, decay, zero_debias=False)
        denominator = assign_moving_average(sums[1], weight, decay, zero_debias=False)
        divide = _truediv if truediv else div
        return divide(numerator, denominator, name=scope.name)


_truediv = truediv


@export("train.ExponentialMovingAverage")
class ExponentialMovingAverage:
    """Moving averages of variables, kept in slots beside them: average -= (1 - decay) * (average - variable).

    Args:
      decay: a number or scalar tensor near 1.
      num_updates: a counter of updates; early in training the decay is then at most (1 + n) / (10 + n).
      zero_debias: correct the averages of tensors, which begin with 0, for that.
      name: the name of the slots and of the operations' scope.
    """

    def __init__(self, decay, num_updates=None, zero_debias=False, name="ExponentialMovingAverage"):
        self._decay = decay
        self._num_updates = num_updates
        self._zero_debias = zero_debias
        self._name = name
        self._averages = {}

    @property
    def name(self):
        """The name of the slots."""
        return self._name

    def apply(self, var_list=None):
        """An operation that updates the averages; those that do not exist yet are made.

        Args:
          var_list: variables and tensors of a floating type; the trainable variables if None.

        Returns:
          An Operation.

        Raises:
          TypeError: for another type.
        """
        var_list = trainable_variables() if var_list is None else var_list
        debiased = set()
        for var in var_list:
            if var.dtype.base_dtype not in _TYPES:
                raise TypeError(f"The variables must be half, float, or double: {var.name}")
            if var not in self._averages:
                self._averages[var] = average = self._new_average(var)
                if self._zero_debias and not isinstance(var, Variable):
                    debiased.add(average)
        with name_scope(self.name) as scope:
            decay = to_tensor(self._decay, name="decay")
            if self._num_updates is not None:
                count = cast(self._num_updates, dtypes.float32, name="num_updates")
                decay = minimum(decay, (1.0 + count) / (10.0 + count))
            updates = []
            for var in var_list:
                average = self._averages[var]
                updates.append(assign_moving_average(average, var, decay, average in debiased))
            return group(*updates, name=scope)

    def _new_average(self, var):
        graph = get_default_graph()
        with graph.control_dependencies(None):
            if isinstance(var, Variable):
                average = slot_creator.create_slot(var, var.initialized_value(), self.name)
                graph.add_to_collection(GraphKeys.MOVING_AVERAGE_VARIABLES, var)
                return average
            is_state = var.op.type in ("Variable", "VariableV2", "VarHandleOp")
            return slot_creator.create_zeros_slot(var, self.name, colocate_with_primary=is_state)

    def average(self, var):
        """The variable that holds the average of `var`, or None."""
        return self._averages.get(var)

    def average_name(self, var):
        """The name that the average of `var` has, or would have."""
        if var in self._averages:
            return self._averages[var].op.name
        return get_default_graph().unique_name(f"{var.op.name}/{self.name}", mark_as_used=False)

    def variables_to_restore(self, moving_avg_variables=None):
        """A dict from names in a checkpoint to variables, which restores the averages into the variables themselves.

        Args:
          moving_avg_variables: the variables that take their averages; if None the trainable ones, and all that
            averages are kept of.

        Returns:
          A dict for `tf.train.Saver`; variables without averages stand under their own names.
        """
        if moving_avg_variables is None:
            moving_avg_variables = trainable_variables() + moving_average_variables()
        averaged = dict.fromkeys(moving_avg_variables)
        names = {self.average_name(v): v for v in averaged}
        averaged_names = {v.name for v in averaged}
        for v in dict.fromkeys(global_variables()):
            if v.name not in averaged_names and v.op.name not in names:
                names[v.op.name] = v
        return names
