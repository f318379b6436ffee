"""Conditions that are known while the graph is built choose a branch at once; others choose while the graph runs."""

from reflow.graph.convert import constant_value
from reflow.graph.export import export
from reflow.graph.operation import Tensor
from reflow.ops.conditional import cond
from reflow.variables.variable import Variable


@export(
    "contrib.framework.smart_cond", "python.framework.smart_cond.smart_cond", "python.layers.utils.smart_cond"
)  # fmt: skip
def smart_cond(pred, true_fn=None, false_fn=None, name=None):
    """`true_fn()` or `false_fn()`, as `pred` says: at once if its value is known, else when the graph runs.

    Args:
      pred: a bool, 0, 1, or a bool scalar.
      true_fn: a function without arguments that returns a tensor or a nest of them.
      false_fn: a function whose result has the same structure and types.
      name: a name for the choice.

    Returns:
      What the functions return.

    Raises:
      TypeError: if a function is not callable, or `pred` is not a condition.
    """
    for argument, function in (("true_fn", true_fn), ("false_fn", false_fn)):
        if not callable(function):
            raise TypeError(f"`{argument}` must be callable.")
    value = smart_constant_value(pred)
    if value is not None:
        return true_fn() if value else false_fn()
    return cond(pred, true_fn=true_fn, false_fn=false_fn, name=name)


@export(
    "contrib.framework.smart_constant_value",
    "python.framework.smart_cond.smart_constant_value",
    "python.layers.utils.constant_value",
)
def smart_constant_value(pred):
    """The value of a condition if it is known while the graph is built, else None.

    Args:
      pred: a bool, 0, 1, or a bool scalar; the value of a variable is not known.

    Raises:
      TypeError: for anything else.
    """
    if isinstance(pred, Variable):
        return None
    if isinstance(pred, Tensor):
        value = constant_value(pred)
        return None if value is None else bool(value)
    if isinstance(pred, int) and pred in (0, 1):
        return bool(pred)
    raise TypeError(f"`pred` must be a Tensor, or a Python bool, or 1 or 0. Found instead: {type(pred)}")
