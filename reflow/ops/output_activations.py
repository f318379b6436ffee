"""Activations that products and convolutions apply to their result, which is fresh memory, in place.

They are those whose gradient takes the output: nothing needs what they are applied to any more.
"""

import functools
from collections.abc import Callable

import torch

from reflow.graph import dtypes
from reflow.ops.native import elementwise

# By op, over the expression of the tensor.
IN_PLACE = {
    "Relu": "{0}.relu_()",
    "Relu6": "{0}.clamp_(0, 6)",
    "Elu": "torch.nn.functional.elu_({0})",
    "Selu": "torch.selu_({0})",
    "Tanh": "{0}.tanh_()",
    "Sigmoid": "{0}.sigmoid_()",
}
# Those that are slow in PyTorch, by their names in C.
_IN_C = {"Elu": "elu", "Tanh": "tanh", "Sigmoid": "sigmoid"}
_FUNCTIONS: dict[str, Callable] = {
    "Relu": torch.relu_, "Relu6": lambda tensor: tensor.clamp_(0, 6), "Elu": torch.nn.functional.elu_,
    "Selu": torch.selu_, "Tanh": torch.tanh_, "Sigmoid": torch.sigmoid_,
}  # fmt: skip


def activated(tensor: torch.Tensor, activation: str) -> torch.Tensor:
    """Applies an activation in place.

    Args:
      tensor: of floating type; what it holds is lost.
      activation: a key of `IN_PLACE`, or "" for none.

    Returns:
      `tensor`.
    """
    if not activation:
        return tensor
    if tensor.dtype is torch.float32 and not torch.compiler.is_compiling():
        # What is not contiguous or not in the CPU's memory the kernel leaves to PyTorch.
        kernel = _kernel(activation)
        if kernel is not None:
            return kernel(tensor, out=tensor)
    return _FUNCTIONS[activation](tensor)


def expression(tensor: str, activation: str) -> str:
    """The expression that applies an activation to that of a tensor, in place."""
    return IN_PLACE.get(activation, "{0}").format(tensor)


def is_in_c(node) -> bool:
    """Whether `activated` is quicker than `expression` after a `Call` of an op with the attribute "activation"."""
    is_float = node.dtype(0) is dtypes.float32 and "GPU" not in node.node.device
    return node.attrs["activation"] in _IN_C and is_float and elementwise.library() is not None


@functools.cache
def _kernel(activation: str) -> Callable | None:
    if activation not in _IN_C or elementwise.library() is None:
        return None
    return elementwise.of_any_size(_IN_C[activation], _FUNCTIONS[activation])
