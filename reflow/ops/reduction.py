"""Reductions over axes: Sum, Mean, Prod, Max, Min, All, Any, EuclideanNorm, ArgMax, ArgMin, and functions of them."""

from collections.abc import Callable

import numpy as np
import torch

from reflow.graph import dtypes, errors
from reflow.graph.build import call
from reflow.graph.context import name_scope
from reflow.graph.convert import add_constant, constant_value, to_tensor
from reflow.graph.dtypes import as_dtype
from reflow.graph.export import export
from reflow.graph.graph import get_default_graph
from reflow.graph.operation import Tensor
from reflow.graph.registry import define_op
from reflow.graph.shapes import num_elements
from reflow.graph.sparse_tensor import SparseTensor
from reflow.ops.casting import cast
from reflow.ops.constant import zeros, zeros_like
from reflow.ops.native import reduction as reduction_native
from reflow.ops.ranges import range as range_
from reflow.ops.renamed_arguments import renamed_argument
from reflow.ops.shape_ops import rank, reshape, shape
from reflow.ops.shape_rules import reduction, with_rank
from reflow.ops.torch_types import array_of, tensor_of

_UNSIGNED = (torch.uint16, torch.uint32, torch.uint64)

# Larger tensors are no shapes, and not worth reducing while a graph is built.
_MOST_FOLDED = 256

# --- kernels ------------------------------------------------------------------------------------------------------


def _axes_of(reduction_indices, ndim: int) -> tuple[int, ...]:
    """The axes, each once, counted from the front, ascending.

    Raises:
      InvalidArgumentError: for an axis that the tensor does not have.
    """
    listed = np.asarray(reduction_indices, np.int64).reshape(-1).tolist()
    for axis in listed:
        if not -ndim <= axis < ndim:
            raise errors.InvalidArgumentError(
                None, None, f"Invalid reduction dimension ({axis} for input with {ndim} dimension(s)"
            )
    return tuple(sorted({axis % ndim for axis in listed}))


def _reduction(op_name: str, function: Callable, types: str = "number", lower: Callable | None = None,
               compiled: dict | None = None, stepwise: bool = False, **rules) -> None:  # fmt: skip
    """Define the op that reduces its input over axes.

    Args:
      op_name: TensorFlow's op name.
      function: `(x, axes, keep_dims)` for a tuple of axes that is not empty.
      types: the allowed values of T; "" for an op on bool.
      lower: `(x, dtype, options) -> expression or None`, where options are the arguments `dim` and `keepdim` of ATen's
        functions, or "" if all axes go.
      stepwise: reduce one group of neighbouring axes after another, where the last axis of the tensor stays.
      compiled: arguments of `reduction_native.over_axes`, if C is faster.
      **rules: other rules of `define_op`.
    """

    def kernel(input, reduction_indices, keep_dims):
        axes = _axes_of(reduction_indices, input.ndim)
        return function(input, axes, keep_dims) if axes else input.clone()

    def lower_call(node):
        axes = node.constant(1)
        dims = node.dims(0)
        if axes is not None and not axes.size:
            return f"{node.args[0]}.clone()"
        if lower is None or axes is None or not num_elements(dims):
            return None
        axes = _axes_of(axes.reshape(-1).tolist(), len(dims))
        keep = node.attrs["keep_dims"]
        if len(axes) == len(dims) and not keep:
            return lower(node.args[0], node.dtype(0), "")
        x = node.args[0]
        # Over separate axes ATen takes a number at a time, twenty times as long. (A half would be rounded in between.)
        is_stepwise = stepwise and axes[-1] < len(dims) - 1 and node.dtype(0) in (dtypes.float32, dtypes.float64)
        for group in _groups(axes) if is_stepwise else [axes]:
            x = x and lower(x, node.dtype(0), f", dim={group}, keepdim={keep}")
        return x

    if compiled is not None:
        rules["native"] = reduction_native.over_axes(kernel=kernel, **compiled)
    element, attr = ("T", f"T: type in {types}, ") if types else ("bool", "")
    define_op(
        op_name, f"input: {element}, reduction_indices: Tidx -> output: {element}",
        f"{attr}Tidx: type in index = int32, keep_dims: bool = false",
        shape=reduction, kernel=kernel, lower=lower_call, host="reduction_indices", **rules,
    )  # fmt: skip


def _groups(axes: tuple[int, ...]) -> list[tuple[int, ...]]:
    """Axes, ascending, as groups of neighbours, the last group first."""
    groups: list[list[int]] = []
    for axis in axes:
        if groups and groups[0][-1] == axis - 1:
            groups[0].append(axis)
        else:
            groups.insert(0, [axis])
    return [tuple(group) for group in groups]


def _constant_result(numpy: Callable):
    """A `value` rule for sizes: small integer tensors that are known are reduced while the graph is built."""

    def value(op):
        source = op._inputs[0]
        size = num_elements(source.dims)
        if not source.dtype.is_integer or size is None or size > _MOST_FOLDED:
            return None
        array, axes = constant_value(source), constant_value(op._inputs[1])
        if array is None or axes is None or not array.size:
            return None
        axes = _axes_of(axes.reshape(-1).tolist(), array.ndim)
        return np.asarray(numpy(array, axis=axes, keepdims=op.attrs["keep_dims"]), array.dtype)

    return value


def _sum(x, axes, keep_dims):
    return torch.sum(x, dim=axes, keepdim=keep_dims).to(x.dtype)


def _lower_sum(x, dtype, options):
    if dtype.is_integer or dtype.is_quantized:
        return None
    return f"torch.sum({x}{options})"


def _mean(x, axes, keep_dims):
    if x.is_floating_point() or x.is_complex():
        return torch.mean(x, dim=axes, keepdim=keep_dims)
    total = _sum(x, axes, keep_dims).long()
    count = int(np.prod([x.shape[axis] for axis in axes]))
    return torch.div(total, max(count, 1), rounding_mode="trunc").to(x.dtype)


def _lower_mean(x, dtype, options):
    return f"torch.mean({x}{options})" if dtype.is_floating or dtype.is_complex else None


def _prod(x, axes, keep_dims):
    for axis in reversed(axes):
        x = torch.prod(x, dim=axis, keepdim=keep_dims).to(x.dtype)
    return x


def _extremum(function, numpy, worst: Callable):
    """Max or Min: a NaN counts for nothing; over nothing the result is the worst value of the type."""

    def kernel(x, axes, keep_dims):
        if x.dtype in _UNSIGNED:
            array = array_of(x)
            start = array.dtype.type(worst(np.iinfo(array.dtype)))
            return tensor_of(np.asarray(numpy.reduce(array, axis=axes, keepdims=keep_dims, initial=start)))
        limit = worst(None if x.is_floating_point() else torch.iinfo(x.dtype))
        if x.is_floating_point():
            x = torch.nan_to_num(x, limit, float("inf"), -float("inf"))
        if all(x.shape[axis] for axis in axes):
            return function(x, dim=axes, keepdim=keep_dims)
        sizes = [1 if i in axes else d for i, d in enumerate(x.shape) if keep_dims or i not in axes]
        return x.new_full(sizes, limit)

    return kernel


def _lower_extremum(function: str, worst: str):
    def lower(x, dtype, options):
        return f"{function}(torch.nan_to_num({x}, {worst}, inf, -inf){options})" if dtype.is_floating else None

    return lower


_max = _extremum(torch.amax, np.maximum, lambda info: -float("inf") if info is None else info.min)
_min = _extremum(torch.amin, np.minimum, lambda info: float("inf") if info is None else info.max)


def _euclidean_norm(x, axes, keep_dims):
    """The root of the sum of x conj(x); for integers the root is cut off."""
    if x.is_floating_point() or x.is_complex():
        return torch.linalg.vector_norm(x, dim=axes, keepdim=keep_dims).to(x.dtype)
    return torch.sum(x.long() * x.long(), dim=axes, keepdim=keep_dims).double().sqrt().to(x.dtype)


_reduction("Sum", _sum, lower=_lower_sum, stepwise=True, value=_constant_result(np.sum),
           compiled={"name": "sum", "most": 1 << 18})  # fmt: skip
_reduction("Mean", _mean, lower=_lower_mean, compiled={"name": "sum", "is_mean": True, "most": 1 << 18})
_reduction("Prod", _prod, value=_constant_result(np.prod))
_reduction("Max", _max, lower=_lower_extremum("torch.amax", "-inf"), value=_constant_result(np.max),
           compiled={"name": "max"})  # fmt: skip
_reduction("Min", _min, lower=_lower_extremum("torch.amin", "inf"), value=_constant_result(np.min),
           compiled={"name": "min"})  # fmt: skip
_reduction("All", lambda x, axes, keep: torch.all(x, dim=axes, keepdim=keep), "", lambda x, _, o: f"torch.all({x}{o})")
_reduction("Any", lambda x, axes, keep: torch.any(x, dim=axes, keepdim=keep), "", lambda x, _, o: f"torch.any({x}{o})")
_reduction("EuclideanNorm", _euclidean_norm, gradient=None)


# --- public reductions --------------------------------------------------------------------------------------------


def reduction_axes(x, axis, reduction_indices=None):
    """The axes to reduce: those given, else all, as a constant if the rank of `x` is known.

    Raises:
      ValueError: if they are given under both names.
    """
    axis = renamed_argument("axis", axis, "reduction_indices", reduction_indices)
    if axis is not None:
        return axis
    known = None
    if isinstance(x, Tensor):
        known = None if x.dims is None else len(x.dims)
    elif isinstance(x, SparseTensor) and x.dense_shape.dims and x.dense_shape.dims[0] is not None:
        known = x.dense_shape.dims[0]
    if known is None:
        return range_(0, rank(x))
    return add_constant(get_default_graph(), np.arange(known, dtype=np.int32), dtypes.int32, "Const")


def _reduce(op_name, input_tensor, axis, keepdims, name):
    keepdims = False if keepdims is None else keepdims
    output = call(op_name, input_tensor, reduction_axes(input_tensor, axis), name=name, keep_dims=keepdims)
    return _scalar_if_all(output, axis, keepdims)


def _scalar_if_all(output, axis, keepdims):
    """Over all axes the result is a scalar, even if the rank was not known."""
    if axis is None and not keepdims and (output.dims is None or None in output.dims):
        output.set_shape(())
    return output


def _reducing_function(public_name: str, op_name: str, summary: str, types: str) -> Callable:
    """The function `(input_tensor, axis, keepdims, name)` with the old names of its arguments, exported."""

    def function(input_tensor, axis=None, keepdims=None, name=None, reduction_indices=None, keep_dims=None):
        axis = renamed_argument("axis", axis, "reduction_indices", reduction_indices)
        keepdims = renamed_argument("keepdims", keepdims, "keep_dims", keep_dims)
        return _reduce(op_name, input_tensor, axis, keepdims, name)

    function.__name__ = function.__qualname__ = public_name
    function.__doc__ = f"""{summary}

    Args:
      input_tensor: a {types} tensor.
      axis: the axes to reduce: an int, a list of ints, or an int32 or int64 tensor; all of them if None. Negative axes
        count from the end.
      keepdims: keep the axes that are reduced, with size 1.
      name: a name for the operation.
      reduction_indices: the old name of `axis`.
      keep_dims: the old name of `keepdims`.

    Returns:
      A tensor of the type of `input_tensor`, without the axes that were reduced.

    Raises:
      ValueError: if an axis is out of range, or an argument is given under both names.
    """
    return export(public_name, f"math.{public_name}")(function)


_NUMERIC = "numeric"
reduce_sum = _reducing_function("reduce_sum", "Sum", "The sum over axes; 0 over nothing.", _NUMERIC)
reduce_mean = _reducing_function(
    "reduce_mean", "Mean", "The arithmetic mean over axes; that of integers is cut off to an integer.", _NUMERIC
)
reduce_prod = _reducing_function("reduce_prod", "Prod", "The product over axes; 1 over nothing.", _NUMERIC)
reduce_max = _reducing_function("reduce_max", "Max", "The greatest number over axes.", "real numeric")
reduce_min = _reducing_function("reduce_min", "Min", "The least number over axes.", "real numeric")
reduce_all = _reducing_function("reduce_all", "All", "True where everything over the axes is true.", "bool")
reduce_any = _reducing_function("reduce_any", "Any", "True where anything over the axes is true.", "bool")


@export("math.reduce_euclidean_norm")
def reduce_euclidean_norm(input_tensor, axis=None, keepdims=False, name=None):
    """The root of the sum of squares over axes.

    Args:
      input_tensor: a numeric tensor.
      axis: the axes to reduce: an int, a list of ints, or a tensor; all of them if None.
      keepdims: keep the axes that are reduced, with size 1.
      name: a name for the operation.

    Returns:
      A tensor of the type of `input_tensor`, without the axes that were reduced.
    """
    return _reduce("EuclideanNorm", input_tensor, axis, keepdims, name)


@export("reduce_logsumexp", "math.reduce_logsumexp")
def reduce_logsumexp(input_tensor, axis=None, keepdims=None, name=None, reduction_indices=None, keep_dims=None):
    """log(sum(exp(x))) over axes, without overflow or underflow.

    Args:
      input_tensor: a float tensor.
      axis: the axes to reduce: an int, a list of ints, or a tensor; all of them if None.
      keepdims: keep the axes that are reduced, with size 1.
      name: a name for the operation.
      reduction_indices: the old name of `axis`.
      keep_dims: the old name of `keepdims`.

    Returns:
      A tensor of the type of `input_tensor`, without the axes that were reduced.

    Raises:
      ValueError: if an argument is given under both names.
    """
    axis = renamed_argument("axis", axis, "reduction_indices", reduction_indices)
    keepdims = bool(renamed_argument("keepdims", keepdims, "keep_dims", keep_dims))
    input_tensor = to_tensor(input_tensor)
    with name_scope(name, "ReduceLogSumExp", [input_tensor]):
        raw_max = _reduce("Max", input_tensor, axis, True, None)
        finite_max = call("Select", call("IsFinite", raw_max), raw_max, zeros_like(raw_max))
        offset = call("StopGradient", finite_max)
        exponentials = call("Exp", call("Sub", input_tensor, offset))
        result = call("Log", _reduce("Sum", exponentials, axis, keepdims, None))
        if not keepdims:
            offset = reshape(offset, shape(result))
        return _scalar_if_all(call("Add", result, offset), axis, keepdims)


@export("math.reduce_variance")
def reduce_variance(input_tensor, axis=None, keepdims=False, name=None):
    """The mean of the squared deviations from the mean, over axes.

    Args:
      input_tensor: a real or complex tensor.
      axis: the axes to reduce: an int, a list of ints, or a tensor; all of them if None.
      keepdims: keep the axes that are reduced, with size 1.
      name: a name scope for the operations.

    Returns:
      A tensor of the type of `input_tensor`, without the axes that were reduced.
    """
    with name_scope(name or "reduce_variance"):
        # The public function: it is the one that tells what is wrong with ragged tensors.
        means = reduce_mean(input_tensor, axis, True)
        return _reduce("Mean", call("Square", input_tensor - means), axis, keepdims, None)


@export("math.reduce_std")
def reduce_std(input_tensor, axis=None, keepdims=False, name=None):
    """The standard deviation over axes: the root of `reduce_variance`.

    Args:
      input_tensor: a real or complex tensor.
      axis: the axes to reduce: an int, a list of ints, or a tensor; all of them if None.
      keepdims: keep the axes that are reduced, with size 1.
      name: a name scope for the operations.

    Returns:
      A tensor of the type of `input_tensor`, without the axes that were reduced.
    """
    with name_scope(name or "reduce_std"):
        return call("Sqrt", reduce_variance(input_tensor, axis=axis, keepdims=keepdims))


@export("count_nonzero", "math.count_nonzero")
def count_nonzero(input_tensor=None, axis=None, keepdims=None, dtype=dtypes.int64, name=None, reduction_indices=None,
                  keep_dims=None, input=None):  # fmt: skip
    """How many elements are not zero (for strings: not empty), over axes.

    Args:
      input_tensor: a numeric, bool or string tensor.
      axis: the axes to reduce: an int, a list of ints, or a tensor; all of them if None.
      keepdims: keep the axes that are reduced, with size 1.
      dtype: the type of the result.
      name: a name scope for the operations.
      reduction_indices: the old name of `axis`.
      keep_dims: the old name of `keepdims`.
      input: the newer name of `input_tensor`.

    Returns:
      A tensor of type `dtype`, without the axes that were reduced.

    Raises:
      ValueError: if an argument is given under both names.
    """
    keepdims = renamed_argument("keepdims", keepdims, "keep_dims", keep_dims)
    value = renamed_argument("input", input, "input_tensor", input_tensor)
    axis = renamed_argument("axis", axis, "reduction_indices", reduction_indices)
    with name_scope(name, "count_nonzero", [value]):
        value = to_tensor(value, name="input")
        zero = zeros([], dtype=value.dtype)
        is_counted = cast(call("NotEqual", value, zero), dtypes.int64)
        return cast(_reduce("Sum", is_counted, axis, keepdims, None), dtype)


# --- ArgMax, ArgMin -----------------------------------------------------------------------------------------------


def _arg_shape(op):
    dims = op._inputs[0].dims
    with_rank(op._inputs[1].dims, 0)
    if dims is None:
        return [None]
    size = len(dims)
    if size <= 1:
        return [()]
    axis = constant_value(op._inputs[1])
    if axis is None:
        return [(None,) * (size - 1)]
    axis = int(axis)
    if not -size <= axis < size:
        raise ValueError(f"Dimension ({axis}) must be in the range [{-size}, {size}), where {size} is the number of "
                         "dimensions in the input.")  # fmt: skip
    axis %= size
    return [dims[:axis] + dims[axis + 1 :]]


# ATen's argmax and argmin take a number at a time; their amax, amin and comparisons are vectorized.
_LARGE = 1 << 14
_EXACT_IN_FLOAT32 = 1 << 24


def _first_position(extremum, x, axis):
    """The first position along `axis` of amax or amin: n less the greatest of n, ..., 1 where it stands."""
    size = x.shape[axis]
    best = extremum(x, axis, keepdim=True)
    places = torch.arange(size, 0, -1, dtype=x.dtype, device=x.device).reshape([size] + [1] * ((-axis - 1) % x.ndim))
    return size - torch.eq(x, best, out=torch.empty_like(x)).mul_(places).amax(axis)


def _arg_extremum(function, extremum, numpy, worst: float):
    """The first position of the extremum; a NaN counts for nothing."""

    def kernel(input, dimension, output_type):
        size = input.ndim
        if not -size <= dimension < size:
            raise errors.InvalidArgumentError(
                None, None, f"Expected dimension in the range [{-size}, {size}), but got {dimension}"
            )
        if not input.shape[dimension]:
            raise errors.InvalidArgumentError(
                None, None, f"Reduction axis {dimension} is empty in shape {list(input.shape)}"
            )
        if input.dtype in _UNSIGNED:
            return tensor_of(np.asarray(numpy(array_of(input), dimension))).to(output_type)
        if input.is_floating_point():
            input = torch.nan_to_num(input, worst, float("inf"), -float("inf"))
        if input.dtype is torch.float32 and input.numel() >= _LARGE and input.shape[dimension] < _EXACT_IN_FLOAT32:
            return _first_position(extremum, input, dimension).to(output_type)
        return function(input, dimension).to(output_type)

    return kernel


for _op_name, _kernel in (
    ("ArgMax", _arg_extremum(torch.argmax, torch.amax, np.argmax, -float("inf"))),
    ("ArgMin", _arg_extremum(torch.argmin, torch.amin, np.argmin, float("inf"))),
):
    define_op(
        _op_name, "input: T, dimension: Tidx -> output: output_type",
        "T: type in number, Tidx: type in index = int32, output_type: type in index = int64",
        shape=_arg_shape, kernel=_kernel, native=reduction_native.position(_op_name.lower(), _kernel), host="dimension",
        gradient=lambda op, grad: [None, None],
    )  # fmt: skip


def _arg_function(public_name: str, op_name: str, extremum: str) -> Callable:
    def function(input, axis=None, name=None, dimension=None, output_type=dtypes.int64):
        axis = renamed_argument("axis", axis, "dimension", dimension)
        axis = 0 if axis is None else axis
        return call(op_name, input, axis, name=name, output_type=as_dtype(output_type))

    function.__name__ = function.__qualname__ = public_name
    function.__doc__ = f"""The position of the {extremum} number along an axis; of the first one if there are several.

    Args:
      input: a real numeric tensor.
      axis: an int or an int32 or int64 scalar in [-rank, rank); 0 if None.
      name: a name for the operation.
      dimension: the old name of `axis`.
      output_type: int32 or int64.

    Returns:
      A tensor of type `output_type`, without that axis.

    Raises:
      ValueError: if the axis is out of range, or given under both names.
    """
    return export(public_name, f"math.{public_name}")(function)


argmax = _arg_function("argmax", "ArgMax", "greatest")
argmin = _arg_function("argmin", "ArgMin", "least")


@export("arg_max")
def arg_max(input, dimension, output_type=dtypes.int64, name=None):
    """The old spelling of `argmax`: the position of the greatest number along `dimension`, as `output_type`."""
    return call("ArgMax", input, dimension, name=name, output_type=as_dtype(output_type))


@export("arg_min")
def arg_min(input, dimension, output_type=dtypes.int64, name=None):
    """The old spelling of `argmin`: the position of the least number along `dimension`, as `output_type`."""
    return call("ArgMin", input, dimension, name=name, output_type=as_dtype(output_type))
