"""Factories of alike ops: unary, binary and comparison ops and reductions come in one line each.

A factory defines the op and, if it is given public names, the public function with a docstring made from a summary.

Kernels are written as templates, `"torch.tanh({x})"`. ATen has gaps: most of its kernels lack the unsigned types wider
than 8 bits, and strings are NumPy arrays. An op that allows such types names a NumPy function (`numpy=np.maximum`),
which takes those types; all others still run the template.
"""

import functools
import math
import re
import sys
from collections.abc import Callable

import numpy as np
import torch

from reflow.graph import dtypes, errors
from reflow.graph.build import call
from reflow.graph.context import name_scope
from reflow.graph.convert import constant_value, to_tensor
from reflow.graph.export import export
from reflow.graph.operation import Operation, Tensor
from reflow.graph.registry import OPS, define_op
from reflow.graph.shapes import dims_in_brackets, num_elements
from reflow.graph.sparse_tensor import SparseTensor
from reflow.ops import shape_rules
from reflow.ops.torch_types import array_of, tensor_of

# The types that most of ATen's kernels lack, and strings.
_NUMPY_TYPES = frozenset((dtypes.uint16, dtypes.uint32, dtypes.uint64, dtypes.quint16, dtypes.string))
_NUMPY_TORCH_TYPES = frozenset((torch.uint16, torch.uint32, torch.uint64))

FLOATING = "floating"
_BY_RESULT = "y: T, dy: T -> z: T"
FLOATING_COMPLEX = "floating|complex64|complex128"


def unary(op_name: str, types: str, kernel, *names: str, summary: str = "", signature: str = "x: T -> y: T", **rules):
    """Define an elementwise op of one tensor and its public function, such as `(x, name=None)`.

    Args:
      op_name: TensorFlow's op name.
      types: the allowed values of T.
      kernel: a template over the input's name, or a function.
      *names: public names of the function; without any there is no function.
      summary: first line of the function's docstring.
      signature: the op's signature; its input is called `x` or `features`.
      **rules: `numpy` computes the types that ATen lacks, and constants; `integers=False` if TensorFlow has no kernel
        for the integers that the signature allows; `sparse=True` if the public function takes a SparseTensor, too; the
        rest are rules of `define_op`.

    Returns:
      The public function, or None.
    """
    argument = signature.partition(":")[0]
    takes_sparse = rules.pop("sparse", False)
    define_op(op_name, signature, f"T: type in {types}", shape=shape_rules.unchanged_shape,
              **_kernels(kernel, (argument,), rules), **rules)  # fmt: skip
    return _public_unary(op_name, names, summary, argument, takes_sparse) if names else None


def binary(op_name: str, types: str, kernel, *names: str, summary: str = "", output: str = "T", **rules):
    """Define an elementwise op `x: T, y: T -> z: T`, whose inputs broadcast, and its public function `(x, y, name)`.

    Arguments and result are those of `unary`.
    """
    define_op(op_name, f"x: T, y: T -> z: {output}", f"T: type in {types}", shape=shape_rules.broadcast,
              **_kernels(kernel, ("x", "y"), rules), **rules)  # fmt: skip
    return public_binary(op_name, names, summary) if names else None


def comparison(op_name: str, types: str, kernel, *names: str, summary: str, **rules):
    """Define an elementwise op `x: T, y: T -> z: bool` whose inputs broadcast; it is not differentiable."""
    return binary(op_name, types, kernel, *names, summary=summary, output="bool", gradient=None, **rules)


def gradient_op(op_name: str, types: str, kernel, signature: str = _BY_RESULT, **rules) -> None:
    """Define the op that a gradient consists of: two inputs of one shape, an output of that shape."""
    # TensorFlow does not compare the shapes of y and dy.
    arguments = tuple(re.findall(r"(\w+): T", signature.partition("->")[0]))
    rules = {**_kernels(kernel, arguments, rules), **rules}
    if signature is _BY_RESULT:
        define_op(op_name, signature, f"T: type in {types}", shape=shape_rules.unchanged_shape, **rules)
    else:
        define_op(op_name, signature, f"T: type in {types}", shape=shape_rules.same_shape,
                  **_of_one_shape(op_name, arguments, rules))  # fmt: skip


def check_one_shape(op_name: str, first, second) -> None:
    """Raise InvalidArgumentError unless both tensors have one shape, for ops whose inputs do not broadcast."""
    shapes = [dims_in_brackets(tuple(tensor.shape)) for tensor in (first, second)]
    if shapes[0] != shapes[1]:
        raise errors.InvalidArgumentError(None, None, f"Inputs of {op_name} must have the same size and shape. "
                                          f"Input 0: {shapes[0]} != input 1: {shapes[1]}")  # fmt: skip


def _of_one_shape(op_name: str, arguments: tuple[str, ...], rules: dict) -> dict:
    """The rules of an op whose two inputs have one shape: the kernel checks it where the plan does not know."""
    kernel, lower, native = rules["kernel"], rules.get("lower"), rules.get("native")
    run = _compiled(kernel, arguments) if isinstance(kernel, str) else kernel
    if lower is None and isinstance(kernel, str):
        lower = functools.partial(_filled, kernel, arguments)

    def checked(first, second):
        check_one_shape(op_name, first, second)
        return run(first, second)

    return {**rules, "kernel": checked, "lower": lower and _if_of_one_shape(lower),
            "native": native and _if_of_one_shape(native)}  # fmt: skip


def _if_of_one_shape(rule: Callable) -> Callable:
    def guarded(node):
        first, second = node.dims(0), node.dims(1)
        return rule(node) if first is not None and None not in first and first == second else None

    return guarded


def _kernels(kernel, arguments: tuple[str, ...], rules: dict) -> dict:
    """The `kernel` and `lower` rules for a kernel and the options that say which types it does not take as it is."""
    numpy, integers = rules.pop("numpy", None), rules.pop("integers", True)
    if numpy is not None:
        rules.setdefault("value", constant_result(numpy))
    if not isinstance(kernel, str):
        return {"kernel": kernel if numpy is None else _through_numpy(kernel, numpy)}
    if not integers:
        return {"kernel": kernel, "lower": _not_for_integers(kernel, arguments)}
    if ".conj()" in kernel:
        return {"kernel": kernel, "lower": _without_conjugates(kernel, arguments)}
    if numpy is None:
        return {"kernel": kernel}
    function = _through_numpy(_compiled(kernel, arguments), numpy)
    return {"kernel": function, "lower": _for_torch_types(kernel, arguments)}


def _compiled(template: str, arguments: tuple[str, ...]) -> Callable:
    expression = template.format_map({a: a for a in arguments})
    return eval(f"lambda {', '.join(arguments)}: {expression}", {"torch": torch, "inf": math.inf, "nan": math.nan})


def _through_numpy(function: Callable, numpy: Callable) -> Callable:
    def kernel(*tensors):
        if isinstance(tensors[0], torch.Tensor) and tensors[0].dtype not in _NUMPY_TORCH_TYPES:
            return function(*tensors)
        result = numpy(*map(array_of, tensors))
        return tensor_of(np.asarray(result, object if isinstance(result, bytes) else None))

    return kernel


def _filled(template: str, arguments: tuple[str, ...], node) -> str:
    return template.format_map(dict(zip(arguments, node.args, strict=True)))


def _for_torch_types(template: str, arguments: tuple[str, ...]) -> Callable:
    """The template for the types that ATen has."""
    return lambda node: None if node.dtype(0) in _NUMPY_TYPES else _filled(template, arguments, node)


def _without_conjugates(template: str, arguments: tuple[str, ...]) -> Callable:
    """The template over real tensors needs no conjugates."""
    plain = template.replace(".conj()", "")
    return lambda node: _filled(template if node.dtype(0).is_complex else plain, arguments, node)


def _not_for_integers(template: str, arguments: tuple[str, ...]) -> Callable:
    """The template, for an op whose signature allows integers although TensorFlow does not compute it for them."""

    def lower(node):
        dtype = node.dtype(0)
        if dtype.is_integer:
            raise errors.InvalidArgumentError(
                None, None, f"No OpKernel was registered to support Op '{node.node.type}' with T={dtype.name}"
            )
        return _filled(template, arguments, node)

    return lower


# --- constant values ----------------------------------------------------------------------------------------------

# Larger arrays than this are no shapes, and not worth computing while a graph is built.
_MOST_FOLDED = 256


def constant_result(numpy: Callable) -> Callable:
    """A `value` rule: integers computed from constants, so that shape rules see through arithmetic on shapes."""

    def value(op):
        if not isinstance(op, Operation):
            return _folded(op, numpy)
        memory = op.__dict__
        if "constant_result" not in memory:
            try:
                memory["constant_result"] = _folded(op, numpy)
            except RecursionError:
                return None
        return memory["constant_result"]

    return value


def _folded(op, numpy: Callable) -> np.ndarray | None:
    if not op._inputs[0].dtype.is_integer or any((num_elements(t.dims) or 0) > _MOST_FOLDED for t in op._inputs):
        return None
    values = [constant_value(t) for t in op._inputs]
    if any(v is None for v in values):
        return None
    try:
        with np.errstate(over="ignore", divide="raise"):
            return np.asarray(numpy(*values), op.outputs[0].dtype.np_dtype)
    except (ArithmeticError, ValueError, errors.OpError):
        return None


# --- public functions ---------------------------------------------------------------------------------------------


def of_sparse_too(function: Callable) -> Callable:
    """Decorator: an elementwise function `(x, name)` which of a SparseTensor takes the values."""

    @functools.wraps(function)
    def dispatching(x, name=None):
        try:
            return function(x, name)
        except (TypeError, ValueError):
            if not isinstance(x, SparseTensor):
                raise
            # The node's name is taken by now, in TensorFlow, too: there it ends in _1.
            return SparseTensor(x.indices, function(x.values, name), x.dense_shape)

    return dispatching


def _public_unary(op_name: str, names: tuple[str, ...], summary: str, argument: str, takes_sparse: bool) -> Callable:
    def of_x(x, name=None):
        return call(op_name, x, name=name)

    def of_features(features, name=None):
        return call(op_name, features, name=name)

    function = of_x if argument == "x" else of_features
    sparse = (" or SparseTensor", "; a SparseTensor for a SparseTensor") if takes_sparse else ("", "")
    return _publish(of_sparse_too(function) if takes_sparse else function, names, f"""{summary}

    Args:
      {argument}: a tensor{sparse[0]} of {types_of(op_name)}.
      name: a name for the operation.

    Returns:
      A tensor shaped like `{argument}`{_result_type(op_name)}{sparse[1]}.
    """)


def public_binary(op_name: str, names: tuple[str, ...], summary: str) -> Callable:
    """The function `(x, y, name=None)` that adds an op of two inputs that broadcast, exported under `names`."""

    def function(x, y, name=None):
        return call(op_name, x, y, name=name)

    return _publish(function, names, f"""{summary}

    Args:
      x: a tensor of {types_of(op_name)}.
      y: a tensor of the same type, of a shape that broadcasts with that of `x`.
      name: a name for the operation.

    Returns:
      A tensor of the broadcast shape{_result_type(op_name)}.

    Raises:
      ValueError: if the shapes do not broadcast.
    """)


def _publish(function: Callable, names: tuple[str, ...], doc: str) -> Callable:
    """Export a function made here as if it stood in the module that called the factory."""
    function.__name__ = function.__qualname__ = names[0].rpartition(".")[2]
    module = next(f for f in _callers() if f != __name__)
    function.__module__ = module
    function.__doc__ = doc
    return export(*names)(function)


def _callers():
    frame = sys._getframe(1)
    while frame is not None:
        yield frame.f_globals["__name__"]
        frame = frame.f_back


def types_of(op_name: str, attr: str = "T") -> str:
    """The types that an op's type attribute allows, as prose."""
    if attr not in OPS[op_name].attrs:
        return "bool"
    allowed = OPS[op_name].attrs[attr].allowed
    if allowed is None:
        return "any type"
    names = [d.name for d in sorted(allowed, key=int)]
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} or {names[-1]}"


def _result_type(op_name: str) -> str:
    dtype = OPS[op_name].outputs[0].dtype
    return ", of the same type" if dtype is None else f", of {dtype.name}"


# --- operators ----------------------------------------------------------------------------------------------------


def binary_operator(name: str, function: Callable) -> None:
    """Install `Tensor.__name__` and `Tensor.__rname__`.

    Args:
      name: the operator without underscores; nodes are named after it.
      function: `(x, y, name)` on tensors.
    """

    def operator(x, y):
        if type(y) is Tensor:
            return function(x, y, name)
        with name_scope(None, name, [x]) as scope:
            if not isinstance(y, SparseTensor):
                try:
                    y = to_tensor(y, None, "y", x.dtype.base_dtype)
                except TypeError:
                    if hasattr(type(y), f"__r{name}__"):
                        return NotImplemented
                    raise
            return function(x, y, scope)

    def reflected(y, x):
        with name_scope(None, name, [y]) as scope:
            return function(to_tensor(x, y.dtype.base_dtype, "x"), y, scope)

    Tensor._override_operator(f"__{name}__", operator)
    Tensor._override_operator(f"__r{name}__", reflected)
