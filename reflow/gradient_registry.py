"""Gradient functions that programs register by name: `RegisterGradient`, `NotDifferentiable`, `custom_gradient`."""

import itertools

from reflow.graph.build import call
from reflow.graph.convert import to_tensor
from reflow.graph.export import export
from reflow.graph.graph import get_default_graph
from reflow.graph.operation import Operation
from reflow.graph.registry import MISSING, OPS

_registered: dict[str, object] = {}


def gradient_function(operation: Operation):
    """The gradient function of an operation: that of a surrounding override, one a program registered, or the op's own.

    Returns:
      The function, None for "not differentiable", or MISSING.

    Raises:
      LookupError: if the override names a gradient that nobody registered.
    """
    if operation._gradient_function is not None:
        return operation._gradient_function
    name = operation.attrs.get("_gradient_op_type")
    if name is not None:
        name = name.decode()
        if name in _registered:
            return _registered[name]
        if name in OPS:
            return OPS[name].gradient
        raise LookupError(f"gradient registry has no entry for: {name}")
    if operation.type in _registered:
        return _registered[operation.type]
    return operation.op_def.gradient


@export("RegisterGradient")
class RegisterGradient:
    """A decorator that registers a gradient function under an op type or a name of the program's own.

    Args:
      op_type: the name; with `Graph.gradient_override_map` other op types can be given this gradient.

    The function takes the operation and the gradients of its outputs, and returns one gradient for each input.
    """

    def __init__(self, op_type):
        if not isinstance(op_type, str):
            raise TypeError("op_type must be a string")
        self._op_type = op_type

    def __call__(self, function):
        _register(self._op_type, function)
        return function


def _register(op_type, function):
    known = op_type in OPS and OPS[op_type].gradient is not MISSING
    if op_type in _registered or known:
        raise KeyError(f"Registering two gradient with name '{op_type}'!")
    _registered[op_type] = function


@export("NotDifferentiable", "NoGradient", "no_gradient")
def not_differentiable(op_type):
    """Say that an op type has no gradient: nothing flows through it.

    Raises:
      TypeError: if `op_type` is no string.
    """
    if not isinstance(op_type, str):
        raise TypeError("op_type must be a string")
    _register(op_type, None)


_count = itertools.count()


@export("custom_gradient", "contrib.eager.custom_gradient")
def custom_gradient(f=None):
    """Decorator: a function that returns its result and its gradient function.

    Args:
      f: `f(*tensors) -> (result, gradient)`, where result is a tensor or a list of tensors and `gradient(*result
        gradients)` returns one gradient for each tensor. If `f` uses variables, gradient takes `variables=` as well and
        returns (gradients, variable gradients).

    Returns:
      A function of the same arguments that returns the result alone.
    """
    if f is None:
        return custom_gradient

    def decorated(*args, **kwargs):
        name = f"CustomGradient-{next(_count)}"
        args = [call("Identity", to_tensor(a), name="Identity") for a in args]
        variables_before = set(_variables())
        result, gradient = f(*args, **kwargs)
        used = [v for v in _variables() if v not in variables_before]
        is_list = isinstance(result, (list, tuple))
        outputs = [to_tensor(r) for r in (result if is_list else [result])]
        variables = _variables_between(outputs, args) or used
        handles = [_handle(v) for v in variables]

        def through(operation, *grads):
            grads = grads[: len(outputs)]
            if variables:
                input_grads, variable_grads = gradient(*grads, variables=variables)
            else:
                input_grads, variable_grads = gradient(*grads), []
            input_grads = list(input_grads) if isinstance(input_grads, (list, tuple)) else [input_grads]
            if len(input_grads) != len(args):
                raise ValueError(f"custom_gradient returned {len(input_grads)} gradients for {len(args)} inputs")
            return [None] * len(outputs) + input_grads + list(variable_grads)

        _registered[name] = through
        with get_default_graph().gradient_override_map({"IdentityN": name}):
            final = call("IdentityN", [*outputs, *args, *handles], name="IdentityN")
        final = final[: len(outputs)]
        return (type(result)(final) if type(result) in (list, tuple) else final) if is_list else final[0]

    decorated.__name__ = getattr(f, "__name__", "custom_gradient")
    decorated.__doc__ = f.__doc__
    return decorated


def _variables() -> list:
    return get_default_graph().get_collection("variables")


def _handle(variable):
    handle = getattr(variable, "handle", None)
    return handle if handle is not None else variable._ref()


def _variables_between(outputs, args) -> list:
    """The trainable variables that the outputs depend on, not looking behind the arguments."""
    by_operation = {_handle(v).op: v for v in get_default_graph().get_collection("trainable_variables")}
    found, seen = [], {a.op for a in args}
    stack = [t.op for t in outputs]
    while stack:
        operation = stack.pop()
        if operation in seen:
            continue
        seen.add(operation)
        if operation in by_operation:
            found.append(by_operation[operation])
        stack.extend(t.op for t in operation._inputs)
    return found
