"""Sums of many tensors of one shape: AddN, AccumulateNV2."""

import functools

import numpy as np
import torch

from reflow.graph import dtypes, errors
from reflow.graph.build import call
from reflow.graph.convert import to_tensor
from reflow.graph.dtypes import as_dtype
from reflow.graph.export import export
from reflow.graph.indexed_slices import IndexedSlices
from reflow.graph.operation import Tensor
from reflow.graph.registry import define_op, gradient
from reflow.graph.shapes import as_dims, merge_dims
from reflow.ops.native import elementwise as elementwise_native
from reflow.ops.shape_rules import merged_from_last

# A sum of more terms than this is computed in a loop instead of one long expression.
_MOST_IN_LINE = 16


def _add_n_shape(op):
    return [merged_from_last(op._inputs)]


def _sum_of(inputs):
    first, *rest = inputs
    if not isinstance(first, torch.Tensor):
        # Variants: the objects know how to add. Without `out`, NumPy would give one alone in place of an array.
        return functools.reduce(lambda x, y: np.add(x, y, out=np.empty(x.shape, object)), rest, first.copy())
    if not rest:
        return first.clone()
    if first.dtype in (torch.uint16, torch.uint32, torch.uint64):
        return _sum_of([t.view(_SIGNED[t.dtype]) for t in inputs]).view(first.dtype)
    total = first + rest[0]
    for tensor in rest[1:]:
        total.add_(tensor)
    return total


# ATen adds no wide unsigned integers; signed ones of the same size wrap around to the same bits.
_SIGNED = {torch.uint16: torch.int16, torch.uint32: torch.int32, torch.uint64: torch.int64}
_NOT_IN_LINE = frozenset((dtypes.uint16, dtypes.uint32, dtypes.uint64, dtypes.variant))


def _lower_sum(node):
    args = node.args
    if not 2 <= len(args) <= _MOST_IN_LINE or node.dtype(0) in _NOT_IN_LINE:
        return None
    rest = "".join(f".add_({a})" for a in args[2:])
    return f"({args[0]} + {args[1]}){rest}" if rest else f"{args[0]} + {args[1]}"


def _sum_of_alike(inputs):
    if any(tensor.shape != inputs[0].shape for tensor in inputs):
        raise errors.InvalidArgumentError(None, None, "Parameters and update must be the same size")
    return _sum_of(inputs)


define_op(
    "AddN", "inputs: N*T -> sum: T", "N: int >= 1, T: type in number|variant",
    shape=_add_n_shape, kernel=_sum_of, lower=_lower_sum,
    native=elementwise_native.sum_of_several(_sum_of), is_commutative=True, is_aggregate=True,
)  # fmt: skip
define_op(
    "AccumulateNV2", "inputs: N*T -> sum: T", "N: int >= 1, T: type in number, shape: shape",
    shape=lambda op: [op.attrs["shape"]], kernel=_sum_of_alike, is_commutative=True, is_aggregate=True,
)  # fmt: skip


@gradient("AddN", "AccumulateNV2")
def _sum_gradient(op, grad):
    return [grad] * len(op._inputs)


_WRONG_INPUTS = "inputs must be a list of at least one {} with the same dtype and shape"


def _as_tensors(inputs, kinds, words):
    if not inputs or not isinstance(inputs, (list, tuple)):
        raise ValueError(_WRONG_INPUTS.format(words))
    tensors = [x if isinstance(x, kinds) else to_tensor(x) for x in inputs]
    if not all(isinstance(x, kinds) for x in tensors):
        raise ValueError(_WRONG_INPUTS.format(words))
    return tensors


@export("add_n", "math.add_n")
def add_n(inputs, name=None):
    """The sum of tensors, elementwise.

    Args:
      inputs: a list of Tensors or IndexedSlices of one numeric type and shape.
      name: a name for the operation.

    Returns:
      A tensor of the same type and shape; the tensor itself if there is one.

    Raises:
      ValueError: if the list is empty, or the shapes differ.
    """
    tensors = _as_tensors(inputs, (Tensor, IndexedSlices), "Tensor/IndexedSlices")
    if len(tensors) > 1:
        return call("AddN", tensors, name=name)
    only = to_tensor(tensors[0])
    return call("Identity", only, name=name) if name else only


@export("accumulate_n", "math.accumulate_n")
def accumulate_n(inputs, shape=None, tensor_dtype=None, name=None):
    """The sum of tensors, elementwise, without waiting for all of them.

    Args:
      inputs: a list of Tensors of one numeric type and shape.
      shape: the shape, if the tensors do not tell it.
      tensor_dtype: the type that the tensors are expected to have.
      name: a name for the operation.

    Returns:
      A tensor of the same type and shape; the tensor itself if there is one.

    Raises:
      ValueError: if the list is empty, or the shapes or types differ.
      TypeError: if the tensors are not of type `tensor_dtype`.
    """
    tensors = _as_tensors(inputs, Tensor, "Tensor")
    dtype = tensors[0].dtype
    if any(t.dtype is not dtype for t in tensors):
        raise ValueError(_WRONG_INPUTS.format("Tensor"))
    dims = as_dims(shape)
    for tensor in tensors:
        dims = merge_dims(dims, tensor.dims)
    if tensor_dtype is not None and as_dtype(tensor_dtype) is not dtype:
        raise TypeError(f"tensor_dtype is {tensor_dtype}, but input is of type {dtype}")
    if len(tensors) == 1:
        return tensors[0] if name is None else call("Identity", tensors[0], name=name)
    return call("AccumulateNV2", tensors, name=name, shape=dims)
