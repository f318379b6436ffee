"""Gradient functions that programs register by name: `RegisterGradient`, `NotDifferentiable`, `custom_gradient`."""

import functools
import inspect
import itertools

from reflow.graph import dtypes, nest
from reflow.graph.build import call
from reflow.graph.convert import to_tensor
from reflow.graph.export import export
from reflow.graph.graph import get_default_graph
from reflow.graph.operation import Operation, Tensor
from reflow.graph.registry import MISSING, OPS

_registered: dict[str, object] = {}


def gradient_function(operation: Operation):
    """The gradient function of an operation: that of a surrounding override, one a program registered, or the op's own.

    Returns:
      The function, None for "not differentiable", or MISSING.
    """
    if operation._gradient_function is not None:
        return operation._gradient_function
    name = operation.attrs.get("_gradient_op_type")
    if name is not None:
        name = name.decode()
        if name in _registered:
            return _registered[name]
        return OPS[name].gradient if name in OPS else MISSING
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
    """Decorator: a function that says what its gradient is.

    Args:
      f: `f(*tensors) -> (result, gradient)`, where result is a tensor or a nest of tensors and `gradient(*result
        gradients)` returns one gradient for each tensor. If `f` uses variables, they must be resource variables;
        `gradient` takes them as `variables=` as well and returns (gradients, list of variable gradients).

    Returns:
      A function of the same arguments that returns the result alone. It raises TypeError if `f` uses variables that
      `gradient` does not take, or makes a reference variable, and ValueError for keyword arguments.
    """
    if f is None:
        return custom_gradient

    @functools.wraps(f)
    def decorated(*args, **kwargs):
        if kwargs:
            raise ValueError("The custom_gradient decorator currently supports keywords arguments only when eager "
                             "execution is enabled.")  # fmt: skip
        return _with_gradient_of_its_own(f, [to_tensor(a) for a in args])

    return decorated


def _with_gradient_of_its_own(f, args: list[Tensor]):
    graph = get_default_graph()
    known, first_new = len(_all_variables(graph)), len(graph._operations)
    result, gradient = f(*args)
    if any(not isinstance(getattr(v, "handle", None), Tensor) for v in _all_variables(graph)[known:]):
        raise TypeError("All variables used by a function wrapped with @custom_gradient must be `ResourceVariable`s. "
                        "Ensure that no `variable_scope` is created with `use_resource=False`.")  # fmt: skip
    flat = [to_tensor(r) for r in nest.flatten(result)]
    # TensorFlow makes these nodes while it looks for variables; the names of later ones depend on them.
    for tensor in flat:
        call("Identity", tensor)
    variables = _variables_of(graph, graph._operations[first_new:], flat, args)
    if variables and not _takes_variables(gradient):
        raise TypeError("If using @custom_gradient with a function that uses variables, then grad_fn must accept a "
                        "keyword argument 'variables'.")  # fmt: skip
    name = f"CustomGradient-{next(_count)}"
    _registered[name] = _gradient_of_identities(gradient, len(flat), variables)
    with graph.gradient_override_map({"IdentityN": name}):
        through = call("IdentityN", [*flat, *args, *variables])
    for variable in variables:  # As above.
        to_tensor(variable)
    return nest.pack_sequence_as(result, through[: len(flat)])


def _gradient_of_identities(gradient, count: int, variables: list):
    """The gradient of IdentityN over `count` results, the arguments and the variables."""

    def through(operation, *grads):
        if not variables:
            return [None] * count + nest.flatten(gradient(*grads[:count]))
        input_grads, variable_grads = gradient(*grads[:count], variables=variables)
        if len(variable_grads) != len(variables):
            raise ValueError("Must return gradient for each variable from @custom_gradient grad_fn.")
        return [None] * count + nest.flatten(input_grads) + list(variable_grads)

    return through


def _takes_variables(function) -> bool:
    parameters = inspect.signature(function).parameters
    return "variables" in parameters or any(p.kind is p.VAR_KEYWORD for p in parameters.values())


def _all_variables(graph) -> list:
    return graph.get_collection("variables") + graph.get_collection("local_variables")


def _variables_of(graph, new_operations, outputs, args) -> list:
    """The trainable variables that the new operations use or the outputs depend on, not looking behind `args`."""
    used = {t.op for operation in new_operations for t in operation._inputs if t.dtype is dtypes.resource}
    seen = {t.op for t in args}
    stack = [t.op for t in outputs]
    while stack:
        operation = stack.pop()
        if operation not in seen:
            seen.add(operation)
            used.add(operation)
            stack.extend(t.op for t in operation._inputs)
    return [v for v in graph.get_collection("trainable_variables") if v.op in used]


@export("grad_pass_through")
def grad_pass_through(f):
    """A function with the values of `f` and the gradient of the identity.

    Args:
      f: a function of tensors that returns tensors.

    Returns:
      A function of the same arguments.
    """

    @custom_gradient
    def passing(*args):
        def gradient(*grads, **kwargs):
            variables = kwargs.get("variables")
            return grads if variables is None else (grads, [None] * len(variables))

        return f(*args), gradient

    return functools.wraps(f)(passing) if hasattr(f, "__name__") else passing
