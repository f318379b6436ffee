"""Ops that pass their input on: Identity and its relatives, with and without a say in gradients."""

import numpy as np
import torch

from reflow.graph.build import call
from reflow.graph.convert import constant_value, constant_value_as_dims
from reflow.graph.export import export
from reflow.graph.registry import define_op, gradient
from reflow.ops.shape_rules import unchanged_shape


def _input_value(op):
    return constant_value(op._inputs[0])


def _input_value_dims(op):
    return constant_value_as_dims(op._inputs[0])


def _passes_on(name, attrs="T: type", signature="input: T -> output: T", **rules):
    define_op(name, signature, attrs, shape=unchanged_shape, kernel="{input}", aliases=(0,), **rules)


_passes_on("Identity", value=_input_value, value_dims=_input_value_dims)
_passes_on("StopGradient", gradient=None, value=_input_value, value_dims=_input_value_dims)
_passes_on("PreventGradient", 'T: type, message: string = ""', value=_input_value, value_dims=_input_value_dims)
_passes_on("GuaranteeConst", is_stateful=True)
_passes_on("Snapshot")
_passes_on("RefIdentity", signature="input: ref T -> output: ref T", allows_uninitialized_input=True)
_passes_on("DebugGradientIdentity", allows_uninitialized_input=True)
_passes_on("DebugGradientRefIdentity", signature="input: ref T -> output: ref T", allows_uninitialized_input=True)
_passes_on("CopyHost", 'T: type, debug_ops_spec: list(string) = [], tensor_name: string = ""',
           allows_uninitialized_input=True)  # fmt: skip
_passes_on("DebugIdentity", 'T: type, device_name: string = "", tensor_name: string = "", '
           "debug_urls: list(string) = [], gated_grpc: bool = false", allows_uninitialized_input=True)  # fmt: skip


def _copy(x):
    return x.clone() if isinstance(x, torch.Tensor) else np.array(x)


define_op(
    "Copy", "input: T -> output: T", 'T: type, debug_ops_spec: list(string) = [], tensor_name: string = ""',
    shape=unchanged_shape, kernel=_copy, allows_uninitialized_input=True,
)  # fmt: skip

define_op("DeepCopy", "x: T -> y: T", "T: type", shape=unchanged_shape, kernel=_copy, is_stateful=True)

define_op(
    "IdentityN", "input: list:T -> output: list:T", "T: list(type) >= 1",
    # Each output is an input; a GraphDef of real life has no longer list than this.
    shape=lambda op: [t.dims for t in op._inputs], kernel="{input}", aliases=range(1024),
)  # fmt: skip


@gradient("Identity", "RefIdentity")
def _identity_gradient(op, grad):
    return grad


@gradient("IdentityN")
def _identity_n_gradient(op, *grads):
    return list(grads)


@gradient("PreventGradient")
def _prevent_gradient_gradient(op, grad):
    raise LookupError(f"Gradient explicitly disabled. Reason: {op.attrs['message']}")


@export("identity")
def identity(input, name=None):
    """A tensor with the value of `input`, as a node of its own.

    Args:
      input: a tensor of any type and shape.
      name: the node's name.

    Returns:
      A Tensor like `input`.
    """
    return call("Identity", input, name=name)


@export("identity_n")
def identity_n(input, name=None):
    """Several tensors passed on by one node.

    Args:
      input: a list of tensors of any types.
      name: the node's name.

    Returns:
      A list of Tensors like those of `input`.
    """
    return call("IdentityN", input, name=name)


@export("stop_gradient")
def stop_gradient(input, name=None):
    """The value of `input`, which gradients treat as a constant.

    Args:
      input: a tensor.
      name: the node's name.

    Returns:
      A Tensor like `input`.
    """
    return call("StopGradient", input, name=name)


def prevent_gradient(input, message="", name=None):
    """The value of `input`; asking for a gradient through it is a LookupError that carries `message`."""
    return call("PreventGradient", input, message=message, name=name)


@export("guarantee_const")
def guarantee_const(input, name=None):
    """The value of `input`, which the program promises never to change.

    Args:
      input: a tensor.
      name: the node's name.

    Returns:
      A Tensor like `input`.
    """
    return call("GuaranteeConst", input, name=name)

