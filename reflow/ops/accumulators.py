"""Conditional accumulators: gradients that are added up until enough of them are there."""

from typing import Any

from reflow.graph import dtypes, errors
from reflow.graph.build import call
from reflow.graph.convert import to_tensor
from reflow.graph.dtypes import as_dtype
from reflow.graph.export import export
from reflow.graph.indexed_slices import IndexedSlices
from reflow.graph.registry import define_op
from reflow.graph.shapes import as_shape
from reflow.ops.accumulator_state import DenseAccumulator, SparseAccumulator
from reflow.ops.shape_rules import no_outputs, scalar, unknown, with_rank
from reflow.ops.torch_types import to_torch

# --- ops --------------------------------------------------------------------------------------------------------------


def _resource(make):
    def resource(resources, node_name, attrs):
        name = attrs["shared_name"].decode() or node_name
        is_mean = attrs["reduction_type"] == b"MEAN"
        found = resources.get_or_create("accumulator", attrs["container"], name,
                                        lambda: make(attrs["dtype"], attrs["shape"], is_mean))  # fmt: skip
        if type(found) is not make or (found.dtype, found.dims) != (attrs["dtype"], attrs["shape"]):
            raise errors.InvalidArgumentError(None, None, f"Shared accumulator '{name}' has another type or shape")
        return found

    return resource


_MAKE = ('dtype: type in number, shape: shape, container: string = "", shared_name: string = "", '
         "reduction_type: string in MEAN|SUM = MEAN")  # fmt: skip


def _handle_shape(op):
    return [(2,) if op.op_def.outputs[0].is_ref else ()]


for _name, _make, _handle in (
    ("ConditionalAccumulator", DenseAccumulator, "ref string"),
    ("ResourceConditionalAccumulator", DenseAccumulator, "resource"),
    ("SparseConditionalAccumulator", SparseAccumulator, "ref string"),
):
    define_op(_name, f"-> handle: {_handle}", _MAKE, shape=_handle_shape, resource=_resource(_make), is_stateful=True)


def _check_type(handle, dtype) -> None:
    if to_torch(handle.dtype) != dtype:
        raise errors.InvalidArgumentError(None, None, f"The accumulator has type {handle.dtype.name}, the gradient "
                                          f"{str(dtype).removeprefix('torch.')}")  # fmt: skip


def _apply(handle, local_step, gradient, dtype):
    _check_type(handle, dtype)
    handle.apply(local_step, gradient)


def _apply_sparse(handle, local_step, gradient_indices, gradient_values, gradient_shape, dtype, has_known_shape):
    _check_type(handle, dtype)
    handle.apply(local_step, gradient_indices, gradient_values, gradient_shape, has_known_shape)


def _take(handle, num_required, dtype):
    _check_type(handle, dtype)
    return handle.take(num_required)


def _apply_shape(op):
    with_rank(op._inputs[1].dims, 0)
    return no_outputs(op)


def _take_shape(op):
    with_rank(op._inputs[1].dims, 0)
    return unknown(op)


# An operation on an accumulator counts as an effect even if it only looks: control edges around it stay.
_RULES: dict[str, Any] = {"writes": True}

for _prefix, _handle, _stateful in (("", "ref string", False), ("Resource", "resource", True)):
    define_op(f"{_prefix}AccumulatorApplyGradient", f"handle: {_handle}, local_step: int64, gradient: dtype ->",
              "dtype: type in number", host="local_step", shape=_apply_shape, kernel=_apply, is_stateful=_stateful,
              **_RULES)  # fmt: skip
    define_op(f"{_prefix}AccumulatorTakeGradient", f"handle: {_handle}, num_required: int32 -> average: dtype",
              "dtype: type in number", host="num_required", shape=_take_shape, kernel=_take, is_stateful=_stateful,
              **_RULES)  # fmt: skip
    define_op(f"{_prefix}AccumulatorNumAccumulated", f"handle: {_handle} -> num_accumulated: int32", shape=scalar,
              kernel="torch.tensor({handle}.count, dtype=torch.int32)", is_stateful=_stateful, **_RULES)  # fmt: skip
    define_op(f"{_prefix}AccumulatorSetGlobalStep", f"handle: {_handle}, new_global_step: int64 ->",
              host="new_global_step", shape=_apply_shape, is_stateful=_stateful,
              kernel="{handle}.set_global_step({new_global_step})", **_RULES)  # fmt: skip

define_op("SparseAccumulatorApplyGradient",
          "handle: ref string, local_step: int64, gradient_indices: int64, gradient_values: dtype, "
          "gradient_shape: int64 ->", "dtype: type in number, has_known_shape: bool", host="local_step gradient_shape",
          shape=_apply_shape, kernel=_apply_sparse, **_RULES)  # fmt: skip
define_op("SparseAccumulatorTakeGradient",
          "handle: ref string, num_required: int32 -> indices: int64, values: dtype, shape: int64",
          "dtype: type in number", host="num_required", shape=_take_shape, kernel=_take, **_RULES)  # fmt: skip


# --- classes ----------------------------------------------------------------------------------------------------------


@export("ConditionalAccumulatorBase")
class ConditionalAccumulatorBase:
    """What accumulators of gradients have in common.

    Args:
      dtype: the type of the gradients.
      shape: their shape, as far as it is known.
      accumulator_ref: the handle of the accumulator.
    """

    _prefix = ""

    def __init__(self, dtype, shape, accumulator_ref):
        self._dtype = dtype
        self._shape = as_shape(shape)
        self._accumulator_ref = accumulator_ref
        self._name = accumulator_ref.op.name.split("/")[-1]

    @property
    def accumulator_ref(self):
        """The handle of the accumulator."""
        return self._accumulator_ref

    @property
    def name(self):
        """The name of the accumulator's operation, without its scopes."""
        return self._name

    @property
    def dtype(self):
        """The type of the gradients."""
        return self._dtype

    def num_accumulated(self, name=None):
        """How many gradients were added since the last take, an int32 scalar.

        Args:
          name: the node's name.
        """
        return call(f"{self._prefix}AccumulatorNumAccumulated", self._accumulator_ref,
                    name=name or f"{self._name}_NumAccumulated")  # fmt: skip

    def set_global_step(self, new_global_step, name=None):
        """An operation after which gradients of earlier steps are dropped.

        Args:
          new_global_step: integer scalar.
          name: the node's name.
        """
        return call(f"{self._prefix}AccumulatorSetGlobalStep", self._accumulator_ref, _as_int64(new_global_step),
                    name=name)  # fmt: skip


def _as_int64(value):
    from reflow.ops.casting import cast

    return cast(to_tensor(value), dtypes.int64)


@export("ConditionalAccumulator")
class ConditionalAccumulator(ConditionalAccumulatorBase):
    """Adds up gradients that are tensors, until enough of them are there to be taken.

    Args:
      dtype: the type of the gradients.
      shape: their shape, as far as it is known.
      shared_name: accumulators of one such name in a session are the same.
      name: the node's name.
      reduction_type: "MEAN" or "SUM".
    """

    _prefix = "Resource"

    def __init__(self, dtype, shape=None, shared_name=None, name="conditional_accumulator", reduction_type="MEAN"):
        handle = call("ResourceConditionalAccumulator", dtype=dtype, shape=shape, shared_name=shared_name or "",
                      reduction_type=reduction_type, name=name)  # fmt: skip
        super().__init__(as_dtype(dtype), shape, handle)

    def apply_grad(self, grad, local_step=0, name=None):
        """An operation that adds a gradient, unless it is of an earlier step than the accumulator.

        Args:
          grad: a tensor of the accumulator's type and shape.
          local_step: integer scalar: the step that the gradient was computed at.
          name: the node's name.

        Raises:
          ValueError: if the shape does not fit.
        """
        grad = to_tensor(grad, self._dtype)
        grad.shape.assert_is_compatible_with(self._shape)
        return call("ResourceAccumulatorApplyGradient", self._accumulator_ref, _as_int64(local_step), grad, name=name)

    def take_grad(self, num_required, name=None):
        """The mean (or sum) of the gradients, once there are enough of them; the accumulator begins anew.

        Args:
          num_required: int32 scalar: how many gradients to wait for.
          name: the node's name.

        Returns:
          A Tensor; InvalidArgumentError when it runs, if `num_required` is not positive.
        """
        result = call("ResourceAccumulatorTakeGradient", self._accumulator_ref, num_required, dtype=self._dtype,
                      name=name)  # fmt: skip
        result.set_shape(self._shape)
        return result


@export("SparseConditionalAccumulator", "sparse.SparseConditionalAccumulator")
class SparseConditionalAccumulator(ConditionalAccumulatorBase):
    """Adds up gradients that are rows of a larger tensor, until enough of them are there to be taken.

    Args:
      dtype: the type of the gradients.
      shape: the shape of the whole tensor, as far as it is known.
      shared_name: accumulators of one such name in a session are the same.
      name: the node's name.
      reduction_type: "MEAN" or "SUM"; the mean of a row is over the gradients that have it.
    """

    def __init__(self, dtype, shape=None, shared_name=None, name="sparse_conditional_accumulator",
                 reduction_type="MEAN"):  # fmt: skip
        handle = call("SparseConditionalAccumulator", dtype=dtype, shape=shape, shared_name=shared_name or "",
                      reduction_type=reduction_type, name=name)  # fmt: skip
        super().__init__(as_dtype(dtype), shape, handle)

    def apply_indexed_slices_grad(self, grad, local_step=0, name=None):
        """An operation that adds a gradient, unless it is of an earlier step than the accumulator.

        Args:
          grad: an IndexedSlices with ascending indices.
          local_step: integer scalar: the step that the gradient was computed at.
          name: the node's name.
        """
        return self.apply_grad(grad.indices, grad.values, grad.dense_shape, local_step, name)

    def apply_grad(self, grad_indices, grad_values, grad_shape=None, local_step=0, name=None):
        """An operation that adds a gradient, unless it is of an earlier step than the accumulator.

        Args:
          grad_indices: integer vector [n]: which rows, ascending.
          grad_values: tensor [n, ...]: the rows.
          grad_shape: the shape of the whole tensor, if it is known.
          local_step: integer scalar: the step that the gradient was computed at.
          name: the node's name.
        """
        from reflow.ops.casting import cast

        local_step = _as_int64(local_step)
        indices = cast(grad_indices, dtypes.int64)
        shape = cast([] if grad_shape is None else grad_shape, dtypes.int64)
        return call("SparseAccumulatorApplyGradient", self._accumulator_ref, local_step, indices, grad_values, shape,
                    has_known_shape=grad_shape is not None, name=name)  # fmt: skip

    def take_grad(self, num_required, name=None):
        """The means (or sums) of the rows, once there are enough gradients; the accumulator begins anew.

        Args:
          num_required: int32 scalar: how many gradients to wait for.
          name: the node's name.

        Returns:
          A named tuple (indices, values, shape).
        """
        return call("SparseAccumulatorTakeGradient", self._accumulator_ref, num_required, dtype=self._dtype, name=name)

    def take_indexed_slices_grad(self, num_required, name=None):
        """As `take_grad`, as an IndexedSlices.

        Args:
          num_required: int32 scalar: how many gradients to wait for.
          name: the node's name.
        """
        indices, values, shape = self.take_grad(num_required, name)
        return IndexedSlices(indices=indices, values=values, dense_shape=shape)
