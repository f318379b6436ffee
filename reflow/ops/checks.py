"""Checks: Assert, CheckNumerics, EnsureShape, and the `assert_...` functions on values and types."""


import numpy as np
import torch

from reflow.graph import dtypes, errors
from reflow.graph.build import call
from reflow.graph.context import colocate_with, control_dependencies, name_scope
from reflow.graph.convert import constant_value, convert_n_to_tensor, to_tensor
from reflow.graph.dtypes import as_dtype
from reflow.graph.export import export
from reflow.graph.graph import get_default_graph
from reflow.graph.operation import Tensor
from reflow.graph.registry import define_op, gradient
from reflow.graph.shapes import dims_in_brackets
from reflow.graph.sparse_tensor import SparseTensor
from reflow.ops.conditional import cond
from reflow.ops.control import group, no_op, with_dependencies
from reflow.ops.renamed_arguments import renamed_argument
from reflow.ops.shape_rules import merge, no_outputs, unchanged_shape, with_rank
from reflow.ops.value_text import plain_text

# --- Assert -------------------------------------------------------------------------------------------------------


def _assert(condition, data, summarize):
    if not condition.item():
        shown = " ".join(f"[{plain_text(value, summarize)}]" for value in data)
        raise errors.InvalidArgumentError(None, None, f"assertion failed: {shown}")


def _assert_shape(op):
    with_rank(op._inputs[0].dims, 0)
    return no_outputs(op)


define_op(
    "Assert", "condition: bool, data: list:T ->", "T: list(type) >= 1, summarize: int = 3",
    shape=_assert_shape, kernel=_assert, is_stateful=True, gradient=None,
)  # fmt: skip


@export("Assert", "debugging.Assert")
def Assert(condition, data, summarize=None, name=None):
    """An operation that fails with InvalidArgumentError unless a condition holds when it runs.

    Args:
      condition: bool scalar.
      data: a list of tensors to show in the error's message.
      summarize: how many elements of each, 3 if None; all if negative.
      name: the name scope.

    Returns:
      The Operation. It has to run: use it as a control dependency.
    """
    summarize = 3 if summarize is None else summarize
    with name_scope(name, "Assert", [condition, data]):
        tensors = convert_n_to_tensor(data)
        if all(t.dtype in (dtypes.string, dtypes.int32) for t in tensors):
            return call("Assert", condition, data, summarize=summarize)
        # Without a conditional around it, data on an accelerator would be copied to the host in any case.
        condition = to_tensor(condition, name="Condition")
        return cond(condition, no_op, lambda: call("Assert", condition, data, summarize=summarize),
                    name="AssertGuard").op  # fmt: skip


# --- comparisons --------------------------------------------------------------------------------------------------


def _assert_static(condition, data):
    if not condition:
        raise errors.InvalidArgumentError(None, None, "\n".join(map(_constant_text, data)))


def _constant_text(value):
    static = constant_value(value) if isinstance(value, Tensor) else value
    return str(value if static is None else static)


def _assert_comparison(symbol, name, op_name, function, x, y, data, summarize, message):
    """Check `op_name(x, y)`: now if both are constant, and when it runs."""
    from reflow.ops.reduction import reduce_all

    x, y = to_tensor(x, name="x"), to_tensor(y, name="y")
    if data is None:
        data = [f"Condition x {symbol} y did not hold element-wise:", f"x ({x.name}) = ", x, f"y ({y.name}) = ", y]
    if message is not None:
        data = [message, *data]
    condition = reduce_all(call(op_name, x, y))
    x_static, y_static = constant_value(x), constant_value(y)
    if x_static is not None and y_static is not None:
        _assert_static(np.all(function(x_static, y_static)), data)
    return Assert(condition, data, summarize=summarize)


_BINARY_DOC = """An operation that fails unless x {symbol} y holds for all elements.

    Args:
      x: numeric tensor.
      y: numeric tensor of the type of `x`; the two broadcast.
      data: a list of tensors to show if it fails; a message and the elements if None.
      summarize: how many elements of each tensor to show.
      message: a string to put before them.
      name: the name scope.

    Returns:
      The Operation, which raises InvalidArgumentError. It has to run: use it as a control dependency.

    Raises:
      InvalidArgumentError: at once, if both are constant and the condition does not hold.
    """


def _binary_check(name, symbol, op_name, function):
    def check(x, y, data=None, summarize=None, message=None, name=None):
        with name_scope(name, check.__name__, [x, y, data]):
            return _assert_comparison(symbol, name, op_name, function, x, y, data, summarize, message)

    return _published(check, name, _BINARY_DOC.format(symbol=symbol))


def _published(function, name, doc):
    function.__name__ = function.__qualname__ = name
    function.__doc__ = doc
    return export(name, f"debugging.{name}")(function)


assert_none_equal = _binary_check("assert_none_equal", "!=", "NotEqual", np.not_equal)
assert_less = _binary_check("assert_less", "<", "Less", np.less)
assert_less_equal = _binary_check("assert_less_equal", "<=", "LessEqual", np.less_equal)
assert_greater = _binary_check("assert_greater", ">", "Greater", np.greater)
assert_greater_equal = _binary_check("assert_greater_equal", ">=", "GreaterEqual", np.greater_equal)


def assert_equal(x, y, data=None, summarize=None, message=None, name=None):
    with name_scope(name, "assert_equal", [x, y, data]):
        if x is y:
            return no_op()
    with name_scope(name, "assert_equal", [x, y, data]):
        return _assert_comparison("==", name, "Equal", np.equal, x, y, data, summarize, message)


_published(assert_equal, "assert_equal", _BINARY_DOC.format(symbol="=="))

_UNARY_DOC = """An operation that fails unless x {symbol} 0 holds for all elements.

    Args:
      x: numeric tensor.
      data: a list of tensors to show if it fails; a message and the elements if None.
      summarize: how many elements of each tensor to show.
      message: a string to put before them.
      name: the name scope.

    Returns:
      The Operation, which raises InvalidArgumentError. It has to run: use it as a control dependency.

    Raises:
      InvalidArgumentError: at once, if `x` is constant and the condition does not hold.
    """


def _unary_check(name, symbol, check_pair, as_one_text=False):
    """A check of one tensor; `as_one_text`: the message is one string where the others have two."""

    def check(x, data=None, summarize=None, message=None, name=None):
        with name_scope(name, check.__name__, [x, data]):
            x = to_tensor(x, name="x")
            if data is None:
                texts = [f"Condition x {symbol} 0 did not hold element-wise:", f"x ({x.name}) = "]
                data = [message or "", *(["".join(texts)] if as_one_text else texts), x]
            return check_pair(x, to_tensor(0, x.dtype.base_dtype), data, summarize)

    return _published(check, name, _UNARY_DOC.format(symbol=symbol))


def _swapped(check):
    return lambda x, zero, data, summarize: check(zero, x, data, summarize)


assert_negative = _unary_check("assert_negative", "<", assert_less)
assert_positive = _unary_check("assert_positive", ">", _swapped(assert_less))
assert_non_negative = _unary_check("assert_non_negative", ">=", _swapped(assert_less_equal))
assert_non_positive = _unary_check("assert_non_positive", "<=", assert_less_equal, as_one_text=True)


@export("assert_near", "debugging.assert_near")
def assert_near(x, y, rtol=None, atol=None, data=None, summarize=None, message=None, name=None):
    """An operation that fails unless |x - y| < atol + rtol |y| holds for all elements.

    Args:
      x: floating tensor.
      y: tensor of the type of `x`; the two broadcast.
      rtol: relative tolerance, 10 times the type's epsilon if None.
      atol: absolute tolerance, 10 times the type's epsilon if None.
      data: a list of tensors to show if it fails; a message and the elements if None.
      summarize: how many elements of each tensor to show.
      message: a string to put before them.
      name: the name scope.

    Returns:
      The Operation, which raises InvalidArgumentError. It has to run: use it as a control dependency.
    """
    from reflow.ops.reduction import reduce_all

    with name_scope(name, "assert_near", [x, y, rtol, atol, data]):
        x = to_tensor(x, name="x")
        dtype = x.dtype.base_dtype
        y = to_tensor(y, dtype, "y")
        epsilon = np.finfo(dtype.as_numpy_dtype).eps
        rtol = to_tensor(10 * epsilon if rtol is None else rtol, dtype, "rtol")
        atol = to_tensor(10 * epsilon if atol is None else atol, dtype, "atol")
        if data is None:
            data = [message or "", f"x and y not equal to tolerance rtol = {rtol}, atol = {atol}",
                    f"x ({x.name}) = ", x, f"y ({y.name}) = ", y]  # fmt: skip
        tolerance = atol + rtol * call("Abs", y)
        difference = call("Abs", x - y)
        return Assert(reduce_all(call("Less", difference, tolerance)), data, summarize=summarize)


# --- types --------------------------------------------------------------------------------------------------------

_NUMERIC = frozenset({
    dtypes.float32, dtypes.float64, dtypes.int8, dtypes.int16, dtypes.int32, dtypes.int64, dtypes.uint8, dtypes.qint8,
    dtypes.qint32, dtypes.quint8, dtypes.complex64,
})  # fmt: skip


@export("is_numeric_tensor", "debugging.is_numeric_tensor")
def is_numeric_tensor(tensor):
    """True if `tensor` is a Tensor of numbers (of a type that TensorFlow counts as numeric: not half, not unsigned
    beyond 8 bits).

    Args:
      tensor: any object.
    """
    return isinstance(tensor, Tensor) and tensor.dtype in _NUMERIC


@export("assert_integer", "debugging.assert_integer")
def assert_integer(x, message=None, name=None):
    """Check, now, that a tensor is of an integer type.

    Args:
      x: a tensor.
      message: a string to put before the error's message.
      name: the name scope.

    Returns:
      An Operation that does nothing.

    Raises:
      TypeError: if it is not.
    """
    with name_scope(name, "assert_integer", [x]):
        x = to_tensor(x, name="x")
        if not x.dtype.base_dtype.is_integer:
            raise TypeError(f'{message or ""}  Expected "x" to be integer type.  Found: {x.name} of dtype {x.dtype}')
        return no_op("statically_determined_was_integer")


@export("assert_type", "debugging.assert_type")
def assert_type(tensor, tf_type, message=None, name=None):
    """Check, now, that a tensor is of a type.

    Args:
      tensor: a tensor.
      tf_type: the type it should have.
      message: a string to put before the error's message.
      name: the name scope.

    Returns:
      An Operation that does nothing.

    Raises:
      TypeError: if it has another type.
    """
    with name_scope(name, "assert_type", [tensor]):
        tensor = to_tensor(tensor, name="tensor")
        if tensor.dtype != tf_type:
            raise TypeError(f"{message or ''}  {tensor.name} must be of type {tf_type}")
        return no_op("statically_determined_correct_type")


@export("assert_same_float_dtype", "debugging.assert_same_float_dtype")
def assert_same_float_dtype(tensors=None, dtype=None):
    """The floating type that tensors have in common; float32 if there is nothing to tell it.

    Args:
      tensors: a list of tensors; None in it is skipped.
      dtype: the type they should have.

    Returns:
      A DType.

    Raises:
      ValueError: if the types differ, or are not floating.
    """
    first = None
    for item in tensors or ():
        if item is None:
            continue
        found = item.dtype.base_dtype
        if not dtype:
            dtype, first = found, item
        elif found != dtype:
            as_first = f" as {_name_of(first)}" if first is not None else ""
            raise ValueError(f"{_name_of(item)}, type={found}, must be of the same type ({dtype}){as_first}.")
    dtype = as_dtype(dtype) if dtype else dtypes.float32
    if not dtype.is_floating:
        raise ValueError(f"Expected floating point type, got {dtype}.")
    return dtype


def _name_of(item):
    return item.name if hasattr(item, "name") else str(item)


@export("assert_proper_iterable", "debugging.assert_proper_iterable")
def assert_proper_iterable(values):
    """Check that `values` is a list or such, and not something that happens to be iterable: a tensor, array or string.

    Args:
      values: any object.

    Raises:
      TypeError: if it is not.
    """
    if isinstance(values, (Tensor, SparseTensor, np.ndarray, bytes, str)):
        raise TypeError(f'Expected argument "values" to be a "proper" iterable.  Found: {type(values)}')
    if not hasattr(values, "__iter__"):
        raise TypeError(f'Expected argument "values" to be iterable.  Found: {type(values)}')


# --- order of elements --------------------------------------------------------------------------------------------


def _differences(x):
    """x[1:] - x[:-1] of the flattened tensor."""
    from reflow.ops.shape_ops import reshape, shape, size
    from reflow.ops.strided_slice import strided_slice

    x = reshape(x, [-1])
    if not is_numeric_tensor(x):
        raise TypeError(f"Expected x to be numeric, instead found: {x}")
    is_shorter = call("Less", size(x), 2)
    last = shape(x) - 1
    return cond(is_shorter, lambda: to_tensor([], x.dtype.base_dtype),
                lambda: strided_slice(x, [1], [1] + last) - strided_slice(x, [0], last))  # fmt: skip


def _all_differences(op_name, default_name, x, name):
    from reflow.ops.reduction import reduce_all

    with name_scope(name, default_name, [x]):
        differences = _differences(x)
        zero = to_tensor(0, differences.dtype)
        return reduce_all(call(op_name, zero, differences))


@export("is_non_decreasing", "math.is_non_decreasing", "debugging.is_non_decreasing")
def is_non_decreasing(x, name=None):
    """Whether the elements of a tensor, in row-major order, never become smaller.

    Args:
      x: numeric tensor.
      name: the name scope.

    Returns:
      A bool scalar; True for fewer than two elements.

    Raises:
      TypeError: if `x` is not numeric.
    """
    return _all_differences("LessEqual", "is_non_decreasing", x, name)


@export("is_strictly_increasing", "math.is_strictly_increasing", "debugging.is_strictly_increasing")
def is_strictly_increasing(x, name=None):
    """Whether the elements of a tensor, in row-major order, become larger each time.

    Args:
      x: numeric tensor.
      name: the name scope.

    Returns:
      A bool scalar; True for fewer than two elements.

    Raises:
      TypeError: if `x` is not numeric.
    """
    return _all_differences("Less", "is_strictly_increasing", x, name)


# --- CheckNumerics ------------------------------------------------------------------------------------------------


def _check_numerics(tensor, message):
    if not torch.isfinite(tensor).all():
        found = " and ".join(what for what, test in (("Inf", torch.isinf), ("NaN", torch.isnan)) if test(tensor).any())
        text = message.decode(errors="replace")
        raise errors.InvalidArgumentError(None, None, f"{text} : Tensor had {found} values")
    return tensor


define_op(
    "CheckNumerics", "tensor: T -> output: T", "T: type in floating, message: string",
    shape=unchanged_shape, kernel=_check_numerics, is_stateful=True, aliases=(0,),
)  # fmt: skip


@gradient("CheckNumerics")
def _check_numerics_gradient(op, grad):
    message = op.get_attr("message")
    return check_numerics(grad, "Not a number (NaN) or infinity (Inf) values detected in gradient. "
                          f"{message.decode() if isinstance(message, bytes) else message}")  # fmt: skip


@export("check_numerics", "debugging.check_numerics")
def check_numerics(tensor, message, name=None):
    """The tensor itself, which fails to compute if it holds NaN or infinity.

    Args:
      tensor: half, bfloat16, float32 or float64 tensor.
      message: the beginning of the error's message.
      name: the node's name.

    Returns:
      A Tensor like `tensor`; InvalidArgumentError when it runs.
    """
    return call("CheckNumerics", tensor, message=message, name=name)


@export("verify_tensor_all_finite", "debugging.assert_all_finite")
def verify_tensor_all_finite(t=None, msg=None, name=None, x=None, message=None):
    """The tensor itself, which fails to compute if it holds NaN or infinity.

    Args:
      t: the older name of `x`.
      msg: the older name of `message`.
      name: the node's name.
      x: a floating tensor.
      message: the beginning of the error's message.

    Returns:
      A Tensor like `x`; InvalidArgumentError when it runs.
    """
    x = renamed_argument("x", x, "t", t)
    message = renamed_argument("message", message, "msg", msg)
    with name_scope(name, "VerifyFinite", [x]):
        x = to_tensor(x, name="x")
        with colocate_with(x):
            checked = check_numerics(x, message=message)
            return with_dependencies([checked], x)


@export("add_check_numerics_ops")
def add_check_numerics_ops():
    """An operation that checks every floating tensor of the default graph for NaN and infinity, in the graph's order.

    Returns:
      The Operation, which raises InvalidArgumentError when it runs.

    Raises:
      ValueError: if the graph has conditionals or loops.
    """
    checks = []
    for operation in get_default_graph().get_operations():
        for output in operation.outputs:
            if output.dtype not in (dtypes.float16, dtypes.float32, dtypes.float64):
                continue
            if operation._control_flow_context is not None:
                raise ValueError("`tf.add_check_numerics_ops() is not compatible with TensorFlow control flow "
                                 "operations such as `tf.cond()` or `tf.while_loop()`.")  # fmt: skip
            with control_dependencies(checks):
                checks = [check_numerics(output, message=output.name)]
    return group(*checks)


# --- EnsureShape --------------------------------------------------------------------------------------------------


def _ensure_shape(input, shape):
    dims = tuple(input.shape)
    fits = shape is None or len(dims) == len(shape) and all(w in (None, d) for d, w in zip(dims, shape, strict=True))
    if not fits:
        raise errors.InvalidArgumentError(None, None, f"Shape of tensor {dims_in_brackets(dims)} is not compatible "
                                          f"with expected shape {dims_in_brackets(shape)}.")  # fmt: skip
    return input


define_op(
    "EnsureShape", "input: T -> output: T", "shape: shape, T: type",
    shape=lambda op: [merge(op.attrs["shape"], op._inputs[0].dims)], kernel=_ensure_shape, aliases=(0,),
)  # fmt: skip


@gradient("EnsureShape")
def _ensure_shape_gradient(op, grad):
    return grad


@export("ensure_shape")
def ensure_shape(x, shape, name=None):
    """The tensor itself, known to have a shape: what is not known now is checked when it runs.

    Args:
      x: a tensor.
      shape: the shape, None for unknown sizes.
      name: the node's name.

    Returns:
      A Tensor like `x`; InvalidArgumentError when it runs, if the shape is another.

    Raises:
      ValueError: if the shape is known to be another.
    """
    return call("EnsureShape", x, shape=shape, name=name)


