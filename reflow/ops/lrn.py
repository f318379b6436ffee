"""Local response normalization over neighbouring channels (Krizhevsky et al. 2012, section 3.3).

Most plans have other nodes in the place of these ops: see `engine/passes/banded_lrn.py`.
"""

import torch

from reflow.graph.build import call
from reflow.graph.export import export
from reflow.graph.registry import define_op, gradient
from reflow.ops.cached_tensors import cached_tensor
from reflow.ops.native import lrn as lrn_native
from reflow.ops.shape_rules import merge, with_rank

_ATTRS = (
    "depth_radius: int = 5, bias: float = 1, alpha: float = 1, beta: float = 0.5, "
    "T: type in half|bfloat16|float = float"
)


@cached_tensor
def _band(channels: int, radius: int, dtype: torch.dtype, device: torch.device) -> torch.Tensor:
    """The matrix that sums each channel with its neighbours up to `radius`: ones near the diagonal."""
    return torch.ones(channels, channels, dtype=dtype, device=device).tril(radius).triu(-radius)


def _power_(x: torch.Tensor, beta: float) -> torch.Tensor:
    """x ** -beta, in the memory of x; the usual exponents without a logarithm."""
    if beta == 1:
        return x.reciprocal_()
    if beta == 0.5:
        return x.rsqrt_()
    if beta == 0.75:
        root = x.rsqrt_()
        return root.sqrt().mul_(root)
    return x.pow_(-beta)


def _norms(x: torch.Tensor, depth_radius: int, bias: float, alpha: float) -> torch.Tensor:
    """bias + alpha * the sum of the squares of neighbouring channels, as a product with a banded matrix."""
    channels = x.shape[-1]
    squares = x.square().flatten(0, -2)
    band = _band(channels, depth_radius, x.dtype, x.device)
    return torch.addmm(x.new_full((), bias), squares, band, alpha=alpha).view(x.shape)


def _lrn(input, depth_radius, bias, alpha, beta):
    x = input.float().contiguous()
    return _power_(_norms(x, depth_radius, bias, alpha), beta).mul_(x).to(input.dtype)


def _lrn_grad(input_grads, input_image, output_image, depth_radius, bias, alpha, beta):
    """With n the norms: dx = dy * n^-beta - 2 alpha beta x * (the neighbours' sum of dy * y / n)."""
    x, grad = input_image.float().contiguous(), input_grads.float()
    norms = _norms(x, depth_radius, bias, alpha)
    terms = (grad * output_image.float()).div_(norms)
    sums = terms @ _band(x.shape[-1], depth_radius, x.dtype, x.device)
    return sums.mul_(x).mul_(-2 * alpha * beta).addcmul_(grad, _power_(norms, beta)).to(input_image.dtype)


def _lrn_grad_shape(op):
    dims = with_rank(op._inputs[0].dims, 4)
    for tensor in op._inputs[1:]:
        dims = merge(dims, tensor.dims)
    return [dims]


define_op("LRN", "input: T -> output: T", _ATTRS, shape=lambda op: [with_rank(op._inputs[0].dims, 4)], kernel=_lrn,
          native=lrn_native.lrn)  # fmt: skip
# Of any output image, be it that of the LRN or not.
define_op(
    "LRNGrad", "input_grads: T, input_image: T, output_image: T -> output: T", _ATTRS, shape=_lrn_grad_shape,
    kernel=_lrn_grad,
)  # fmt: skip


def _lrn_grad_of_image(input_grads, input_image, depth_radius, bias, alpha, beta):
    attrs = depth_radius, bias, alpha, beta
    return _lrn_grad(input_grads, input_image, _lrn(input_image, *attrs), *attrs)


# What a plan has for the kernel in C, which needs the image alone.
define_op("_LRNGradOfImage", "input_grads: T, input_image: T -> output: T", _ATTRS, shape=_lrn_grad_shape,
          kernel=_lrn_grad_of_image, native=lrn_native.lrn_grad, gradient=None)  # fmt: skip


@gradient("LRN")
def _lrn_gradient(op, grad):
    attrs = {name: op.attrs[name] for name in ("depth_radius", "bias", "alpha", "beta")}
    return call("LRNGrad", grad, op._inputs[0], op.outputs[0], **attrs)


@export("nn.local_response_normalization", "nn.lrn")
def local_response_normalization(input, depth_radius=5, bias=1, alpha=1, beta=0.5, name=None):
    """input / (bias + alpha * sum of the squares of the channels from c - r to c + r) ** beta.

    Args:
      input: [batch, height, width, channels] tensor of half, bfloat16 or float32.
      depth_radius: r, half the width of the window of channels.
      bias: a number, usually positive, that keeps from dividing by 0.
      alpha: scale of the sum.
      beta: the exponent.
      name: a name for the operation.

    Returns:
      A tensor like `input`.
    """
    return call("LRN", input, name=name, depth_radius=depth_radius, bias=bias, alpha=alpha, beta=beta)
