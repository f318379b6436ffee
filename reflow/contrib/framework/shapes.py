"""Checks of shapes and types, static where possible and else in the graph."""

import numpy as np

from reflow.graph import dtypes
from reflow.graph.context import control_dependencies, name_scope
from reflow.graph.convert import to_tensor
from reflow.graph.export import export
from reflow.graph.operation import Tensor
from reflow.graph.shapes import TensorShape
from reflow.graph.sparse_tensor import SparseTensor
from reflow.ops.accumulation import add_n
from reflow.ops.checks import Assert
from reflow.ops.comparison import equal, logical_and, logical_or
from reflow.ops.identity import identity
from reflow.ops.reduction import reduce_all, reduce_sum
from reflow.ops.shape_checks import assert_scalar
from reflow.ops.shape_ops import rank, reshape, shape, size


@export("contrib.framework.assert_scalar_int")
def assert_scalar_int(tensor, name=None):
    """Check that a tensor is an integer scalar.

    Args:
      tensor: the tensor.
      name: a name scope.

    Returns:
      The tensor, converted.

    Raises:
      ValueError: if its type is no integer type, or its shape is known to be no scalar's.
    """
    with name_scope(name, "assert_scalar_int", [tensor]) as scope:
        tensor = to_tensor(tensor)
        if not tensor.dtype.base_dtype.is_integer:
            raise ValueError(f"Expected integer type for {tensor.name}, received type: {tensor.dtype}.")
        return assert_scalar(tensor, name=scope)


@export("contrib.framework.reduce_sum_n")
def reduce_sum_n(tensors, name=None):
    """The sum of all elements of several tensors.

    Args:
      tensors: a list of tensors of one type.
      name: a name scope.

    Returns:
      A scalar.

    Raises:
      ValueError: if the list is empty.
    """
    if not tensors:
        raise ValueError("No tensors provided.")
    with name_scope(name, "reduce_sum_n", tensors) as scope:
        sums = [reduce_sum(t, name=f"{t.op.name}/sum") for t in tensors]
        return sums[0] if len(sums) == 1 else add_n(sums, name=scope)


@export("contrib.framework.with_same_shape")
def with_same_shape(expected_tensor, tensor):
    """`tensor`, checked to have the shape of `expected_tensor`, as `with_shape` does."""
    with name_scope(f"{tensor.op.name}/", values=[expected_tensor, tensor]):
        static = expected_tensor.get_shape()
        expected = static.as_list() if static.is_fully_defined() else shape(expected_tensor, name="expected_shape")
        return with_shape(expected, tensor)


@export("contrib.framework.with_shape")
def with_shape(expected_shape, tensor):
    """`tensor`, checked to have a shape.

    Args:
      expected_shape: a TensorShape, a list, an int32 array, or an int32 tensor.
      tensor: the tensor.

    Returns:
      The tensor itself if its static shape settles the matter; else a tensor that fails when it is evaluated if the
      shape is another. A tensor of one element becomes a scalar if that is expected.

    Raises:
      ValueError: if the shape is known to be another, or `expected_shape` is malformed.
    """
    if isinstance(tensor, SparseTensor):
        raise ValueError("SparseTensor not supported.")
    expected_shape = _checked_expectation(expected_shape, tensor)
    is_dynamic = isinstance(expected_shape, Tensor)
    actual = tensor.get_shape()
    if not is_dynamic and actual.is_fully_defined():
        return _with_known_shape(expected_shape, tensor)
    with name_scope(f"{tensor.op.name}/", values=[tensor]):
        if not is_dynamic and len(expected_shape) == 0:
            return reshape(tensor, [])
        with control_dependencies([_assert_shape(expected_shape, tensor)]):
            result = identity(tensor)
        if not is_dynamic:
            result.set_shape(expected_shape)
        return result


def _with_known_shape(expected_shape, tensor):
    actual = tensor.get_shape()
    if actual.is_compatible_with(expected_shape):
        return tensor
    if len(expected_shape) == 0 and actual.is_compatible_with([1]):
        with name_scope(f"{tensor.op.name}/", values=[tensor]):
            return reshape(tensor, [])
    raise ValueError(f"Invalid shape for tensor {tensor.name}, expected {expected_shape}, got {actual}.")


def _checked_expectation(expected_shape, tensor):
    """A TensorShape, an int32 tensor, or an int32 array."""
    where = f"for shape {expected_shape} expected of tensor {tensor.name}."
    if isinstance(expected_shape, Tensor):
        if expected_shape.dtype.base_dtype != dtypes.int32:
            raise ValueError(f"Invalid dtype {expected_shape.dtype} {where}")
        return expected_shape
    if isinstance(expected_shape, TensorShape):
        return expected_shape
    expected = np.asarray(expected_shape)
    if isinstance(expected_shape, (list, tuple)) and (expected.size == 0 or expected.dtype == np.int64):
        expected = expected.astype(np.int32)
    if expected.ndim > 1:
        raise ValueError(f"Invalid rank {expected.ndim} {where}")
    if expected.dtype != np.int32:
        raise ValueError(f"Invalid dtype {expected.dtype} {where}")
    return expected


def _assert_shape(expected_shape, tensor):
    with name_scope("assert_shape", values=[tensor]) as scope:
        actual = shape(tensor, name="actual")
        if isinstance(expected_shape, TensorShape) and not expected_shape.is_fully_defined():
            expected_shape = [d or -1 for d in expected_shape.as_list()]
        matches = _is_shape(expected_shape, tensor, actual)
        words = f"Wrong shape for {tensor.name} [expected] [actual]."
        return Assert(matches, [words, expected_shape, actual], name=scope)


def _is_shape(expected_shape, tensor, actual):
    with name_scope("is_shape", values=[tensor]) as scope:
        has_rank = _is_rank(size(expected_shape), tensor)
        return logical_and(has_rank, _sizes_match(expected_shape, actual), name=scope)


def _is_rank(expected_rank, tensor):
    with name_scope("is_rank", values=[tensor]) as scope:
        return equal(to_tensor(expected_rank, name="expected"), rank(tensor, name="actual"), name=scope)


def _sizes_match(expected_shape, actual):
    """-1 matches any size."""
    with name_scope("shape_tensor_equal", values=[expected_shape, actual]) as scope:
        either = logical_or(equal(expected_shape, -1), equal(expected_shape, actual, "equal"),
                            name="exclude_partial_shape")  # fmt: skip
        return reduce_all(either, name=scope)
