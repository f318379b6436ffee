"""Conditions of layers: `is_training` and the like, which may be bools or tensors."""

from reflow.graph import convert
from reflow.graph.export import export
from reflow.graph.operation import Tensor
from reflow.layers import smart_cond as core
from reflow.variables.variable import Variable


@export("contrib.slim.utils.constant_value")
def constant_value(value_or_tensor_or_var, dtype=None):
    """The value of a tensor or Python value if it is known while the graph is built, else None.

    Args:
      value_or_tensor_or_var: a tensor, a variable (whose value is never known) or a Python value.
      dtype: the type that a tensor must have.

    Raises:
      ValueError: for None, or a tensor of another type.
    """
    value = value_or_tensor_or_var
    if value is None:
        raise ValueError("value_or_tensor_or_var cannot be None")
    if not isinstance(value, (Tensor, Variable)):
        return value
    if dtype and value.dtype != dtype:
        raise ValueError(f"It has the wrong type {value.dtype} instead of {dtype}")
    return None if isinstance(value, Variable) else convert.constant_value(value)


@export("contrib.slim.utils.static_cond")
def static_cond(pred, fn1, fn2):
    """`fn1()` if the Python value `pred` is true, else `fn2()`; raises TypeError if one is not callable."""
    for argument, function in (("fn1", fn1), ("fn2", fn2)):
        if not callable(function):
            raise TypeError(f"{argument} must be callable.")
    return fn1() if pred else fn2()


@export("contrib.slim.utils.smart_cond")
def smart_cond(pred, fn1, fn2, name=None):
    """`fn1()` or `fn2()`: at once if the value of `pred` is known, else when the graph runs.

    Args:
      pred: a Python value or a bool scalar.
      fn1: a function that returns a tensor or a nest of them.
      fn2: a function whose result has the same structure.
      name: a name for the choice.

    Returns:
      What the functions return.
    """
    value = constant_value(pred)
    return core.smart_cond(pred, fn1, fn2, name) if value is None else static_cond(value, fn1, fn2)
