"""Setting a variable to zeros without a tensor of zeros: ops of `tf.contrib`'s own."""

import torch

from reflow.graph.build import call
from reflow.graph.errors import InvalidArgumentError
from reflow.graph.export import export
from reflow.graph.registry import define_op
from reflow.ops.resources import VariableState
from reflow.ops.torch_types import to_torch
from reflow.variables.resource_variable import is_resource_variable


def _zero(state: VariableState, dims) -> VariableState:
    if state.value is not None:
        raise InvalidArgumentError(None, None, f"input is already initialized: {state.name}")
    state.value = torch.zeros(dims, dtype=to_torch(state.dtype))
    return state


def _zero_initializer(ref) -> VariableState:
    return _zero(ref, ref.dims)


def _zero_var_initializer(var, shape) -> VariableState:
    return _zero(var, shape)


define_op(
    "ZeroInitializer", "ref: ref T -> output_ref: ref T", "T: type in real", shape=lambda op: [op._inputs[0].dims],
    kernel=_zero_initializer, writes=True, allows_uninitialized_input=True, gradient=None,
)  # fmt: skip
define_op(
    "ZeroVarInitializer", "var: resource -> output_var: resource", "dtype: type, shape: shape",
    shape=lambda op: [()], kernel=_zero_var_initializer, writes=True, is_stateful=True, gradient=None,
)  # fmt: skip


@export("contrib.framework.zero_initializer")
def zero_initializer(ref, use_locking=True, name="zero_initializer"):
    """Initialize a variable with zeros.

    Args:
      ref: a variable that is not initialized yet; its shape has to be known.
      use_locking: accepted and not needed.
      name: a name for the operation.

    Returns:
      The variable's reference or handle after the operation, which fails if the variable is initialized already.
    """
    if is_resource_variable(ref):
        return call("ZeroVarInitializer", ref.handle, shape=ref.shape, dtype=ref.dtype, name=name)
    return call("ZeroInitializer", ref, name=name)
