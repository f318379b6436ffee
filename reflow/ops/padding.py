"""More of a tensor: Pad, MirrorPad, Tile, and broadcasting to a shape."""

import math

import numpy as np
import torch

from reflow.graph import dtypes, errors
from reflow.graph.build import call
from reflow.graph.convert import constant_value, constant_value_as_dims
from reflow.graph.export import export
from reflow.graph.indexed_slices import IndexedSlices
from reflow.graph.operation import Tensor
from reflow.graph.registry import define_op, gradient
from reflow.graph.shapes import broadcast_dims, dims_in_brackets
from reflow.ops.movement import direct, is_direct, moves_elements
from reflow.ops.native import copies as copies_native
from reflow.ops.shape_rules import merge_size, shape_from_input, with_rank, with_rank_at_most

_PAD_ATTRS = "T: type, Tpaddings: type in index = int32"


# --- Pad ----------------------------------------------------------------------------------------------------------


def _pad_shape(op):
    rows, columns = with_rank(op._inputs[1].dims, 2)
    if columns not in (None, 2):
        raise ValueError(f"Dimension must be 2 but is {columns}")
    dims = op._inputs[0].dims
    if dims is None:
        dims = None if rows is None else (None,) * rows
    elif rows is not None:
        dims = with_rank(dims, rows)
    paddings = _known_paddings(op._inputs[1])
    if dims is None:
        return [None]
    if paddings is None:
        return [(None,) * len(dims)]
    return [tuple(_padded_size(d, pair) for d, pair in zip(dims, paddings, strict=True))]


def _known_paddings(tensor):
    """The paddings as rows of two ints; None where a Pack of rows has one that is not constant."""
    value = constant_value(tensor)
    if value is not None:
        return value.tolist()
    if tensor.op.type != "Pack" or tensor.op.attrs["axis"]:
        return None
    rows = [constant_value(row) for row in tensor.op._inputs]
    return [None if row is None else row.tolist() for row in rows]


def _padded_size(dim, pair):
    if pair is None:
        return None
    if min(pair) < 0:
        raise ValueError("Paddings must be non-negative")
    return None if dim is None else dim + sum(pair)


def _checked(paddings):
    for before, after in paddings:
        if before < 0 or after < 0:
            raise errors.InvalidArgumentError(None, None, f"Paddings must be non-negative: {before} {after}")
    return paddings


def _pad_with(input, paddings, value):
    """`input` with `value`, a tensor or NumPy scalar, around it."""
    dims = [before + d + after for d, (before, after) in zip(input.shape, _checked(paddings), strict=True)]
    box = tuple(slice(before, before + d) for d, (before, _) in zip(input.shape, paddings, strict=True))
    if isinstance(input, torch.Tensor):
        result = value.expand(dims).clone()
    else:
        result = np.full(dims, value, object)
    result[(*box, ...)] = input
    return result


def pad_with_zeros(input, paddings):
    """A tensor with zeros (an array with empty strings) around it; `paddings` has a pair for each axis."""
    if isinstance(input, torch.Tensor):
        return torch.nn.functional.pad(input, _last_first(_checked(paddings)))
    return _pad_with(input, paddings, b"")


def _last_first(paddings):
    """The paddings in torch's order: the last axis first."""
    return [size for pair in reversed(paddings) for size in pair]


def _lower_pad(node):
    paddings = node.constant(1)
    if paddings is None or node.dtype(0) is dtypes.string or (paddings < 0).any():
        return None
    return f"torch.nn.functional.pad({node.args[0]}, {_last_first(paddings.tolist())})"


define_op(
    "Pad", "input: T, paddings: Tpaddings -> output: T", _PAD_ATTRS,
    shape=_pad_shape, kernel=pad_with_zeros, lower=_lower_pad, native=copies_native.pad(pad_with_zeros),
    host="paddings",
)  # fmt: skip

define_op(
    "PadV2", "input: T, paddings: Tpaddings, constant_values: T -> output: T", _PAD_ATTRS,
    shape=_pad_shape, kernel=_pad_with, host="paddings",
)  # fmt: skip


@gradient("Pad", "PadV2")
def _pad_gradient(op, grad):
    """The box in the middle."""
    from reflow.ops.joining import stack
    from reflow.ops.shape_ops import rank, reshape, shape

    x, paddings = op._inputs[:2]
    before = call("Slice", paddings, [0, 0], stack([rank(x), 1]))
    begin = reshape(before, [-1])
    grad_x = call("Slice", grad, begin, shape(x))
    return [grad_x] + [None] * (len(op._inputs) - 1)


# --- MirrorPad ----------------------------------------------------------------------------------------------------


def _mirrored_positions(size, before, after, offset, device):
    """For each position of the padded axis, the position in the axis that is mirrored into it."""
    if before > size - offset or after > size - offset:
        least = "no greater than" if offset == 0 else "less than"
        raise errors.InvalidArgumentError(None, None, f"paddings must be {least} the dimension size: {before}, {after} "
                                          f"not {least} {size}")  # fmt: skip
    left = torch.arange(before - 1 + offset, offset - 1, -1, device=device)
    right = torch.arange(size - 1 - offset, size - 1 - offset - after, -1, device=device)
    return torch.cat([left, torch.arange(size, device=device), right])


@moves_elements
def _mirror_pad(input, paddings, mode):
    offset = 1 if mode == b"REFLECT" else 0
    for axis, (before, after) in enumerate(_checked(paddings)):
        if before or after:
            positions = _mirrored_positions(input.shape[axis], before, after, offset, input.device)
            input = input.index_select(axis, positions)
    return input


_MIRROR_ATTRS = f"{_PAD_ATTRS}, mode: string in REFLECT|SYMMETRIC"

define_op(
    "MirrorPad", "input: T, paddings: Tpaddings -> output: T", _MIRROR_ATTRS,
    shape=_pad_shape, kernel=_mirror_pad, host="paddings", aliases=(0,),
)  # fmt: skip


def _mirror_pad_grad_shape(op):
    rows, _ = with_rank(op._inputs[1].dims, 2)
    if rows is None:
        return [None]
    paddings, dims = constant_value(op._inputs[1]), with_rank(op._inputs[0].dims, rows)
    if paddings is None:
        return [(None,) * rows]
    return [tuple(None if d is None else d - int(pair.sum()) for d, pair in zip(dims, paddings, strict=True))]


@moves_elements
def _mirror_pad_grad(input, paddings, mode):
    """Every element of the padded tensor adds to the one that was mirrored into it (unsigned ones, as signed ones)."""
    offset = 1 if mode == b"REFLECT" else 0
    for axis, (before, after) in enumerate(_checked(paddings)):
        if before or after:
            size = input.shape[axis] - before - after
            positions = _mirrored_positions(size, before, after, offset, input.device)
            dims = (*input.shape[:axis], size, *input.shape[axis + 1:])
            input = input.new_zeros(dims).index_add(axis, positions, input)
    return input


define_op(
    "MirrorPadGrad", "input: T, paddings: Tpaddings -> output: T", _MIRROR_ATTRS,
    shape=_mirror_pad_grad_shape, kernel=_mirror_pad_grad, host="paddings", aliases=(0,),
)  # fmt: skip


@gradient("MirrorPad")
def _mirror_pad_gradient(op, grad):
    return [call("MirrorPadGrad", grad, op._inputs[1], mode=op.attrs["mode"]), None]


@gradient("MirrorPadGrad")
def _mirror_pad_grad_gradient(op, grad):
    return [call("MirrorPad", grad, op._inputs[1], mode=op.attrs["mode"]), None]


@export("pad")
def pad(tensor, paddings, mode="CONSTANT", name=None, constant_values=0):
    """A tensor with something around it.

    Args:
      tensor: a tensor of rank n.
      paddings: int32 or int64 matrix [n, 2]: how many elements to add before and after, for each axis.
      mode: "CONSTANT": add `constant_values`; "REFLECT": mirror at the border element, which is not repeated;
        "SYMMETRIC": mirror at the border, so that its element is repeated.
      name: the node's name.
      constant_values: scalar of the tensor's type.

    Returns:
      A Tensor of the same type and rank.

    Raises:
      ValueError: for another mode, or negative paddings.
    """
    mode = mode.upper()
    if mode == "CONSTANT":
        if not isinstance(constant_values, Tensor) and constant_values == 0:
            return call("Pad", tensor, paddings, name=name)
        return call("PadV2", tensor, paddings, constant_values, name=name)
    if mode not in ("REFLECT", "SYMMETRIC"):
        raise ValueError(f"Unknown padding mode: {mode}")
    return call("MirrorPad", tensor, paddings, mode=mode, name=name)


# --- Tile ---------------------------------------------------------------------------------------------------------


def _tile_shape(op):
    dims, multiples = op._inputs[0].dims, shape_from_input(op, 1)
    if multiples is None:
        if dims is None:
            return [None]
        multiples = (None,) * len(dims)
    if dims is None:
        dims = (None,) * len(multiples)
    pairs = zip(dims, with_rank(multiples, len(dims)), strict=True)
    return [tuple(0 if 0 in pair else None if None in pair else math.prod(pair) for pair in pairs)]


def _tile(input, multiples):
    if len(multiples) != len(input.shape):
        raise ValueError(f"Expected multiples argument to be a vector of length {len(input.shape)} but got length "
                         f"{len(multiples)}")  # fmt: skip
    if isinstance(input, torch.Tensor):
        return input.repeat(multiples)
    return np.tile(input, multiples).reshape([d * m for d, m in zip(input.shape, multiples, strict=True)])


def _lower_tile(node):
    """Copies along axes of size 1 (those that gradients of sums make) are a view; others are made."""
    if not is_direct(node.dtype(0)):
        return None
    dims, multiples = node.dims(0), node.constant(1)
    if dims is not None and multiples is not None and multiples.size == len(dims) and (multiples > 0).all():
        pairs = list(zip(dims, multiples.tolist(), strict=True))
        if all(1 in pair for pair in pairs):
            # To `expand`, -1 is a size that stays.
            return f"{node.args[0]}.expand({[m if d == 1 else -1 for d, m in pairs]})"
        if None not in dims:
            # As `repeat`, which takes more calls to say so.
            inner, outer = ([p for d, m in pairs for p in pair(d, m)] for pair in (_split_size, _split_copies))
            return f"{node.args[0]}.reshape({inner}).expand({outer}).reshape({[d * m for d, m in pairs]})"
    return f"{node.args[0]}.repeat({node.args[1]})"


def _split_size(size, copies):
    return [size] if copies == 1 else [1, size]


def _split_copies(size, copies):
    return [size] if copies == 1 else [copies, size]


define_op(
    "Tile", "input: T, multiples: Tmultiples -> output: T", "T: type, Tmultiples: type in index = int32",
    shape=_tile_shape, kernel=_tile, lower=_lower_tile, native=copies_native.tile(_tile), host="multiples",
    aliases=(0,),
)  # fmt: skip


@gradient("Tile")
def _tile_gradient(op, grad):
    """The sum over the copies: the gradient in shape [m0, d0, m1, d1, ...], summed over the axes of size m."""
    from reflow.ops.joining import concat, stack
    from reflow.ops.permute import transpose
    from reflow.ops.reduction import reduce_sum
    from reflow.ops.shape_ops import reshape, shape, size

    x, multiples = op._inputs
    x_shape = shape(x, out_type=multiples.dtype.base_dtype)
    split_shape = reshape(transpose(stack([multiples, x_shape])), [-1])
    axes = call("Range", 0, size(split_shape), 2)
    if isinstance(grad, IndexedSlices):
        rows = call("Cast", x_shape[0], DstT=grad.indices.dtype.base_dtype)
        grad = call("UnsortedSegmentSum", grad.values, call("FloorMod", grad.indices, rows), rows)
        split_shape = concat([[1], split_shape[1:]], axis=0)
    result = reduce_sum(reshape(grad, split_shape), axes)
    result.set_shape(x.shape)
    return [result, None]


def _tile_grad_shape(op):
    dims, multiples = op._inputs[0].dims, constant_value_as_dims(op._inputs[1])
    if dims is None or multiples is None:
        return [None if dims is None else (None,) * len(dims)]
    return [tuple(None if d is None or m is None else d // m for d, m in zip(dims, multiples, strict=True))]


def _tile_grad(input, multiples):
    dims = [size for m, d in zip(multiples, input.shape, strict=True) for size in (m, d // m)]
    axes = list(range(0, len(dims), 2))
    return input.reshape(dims).sum(axes, dtype=input.dtype) if axes else input


define_op(
    "TileGrad", "input: T, multiples: int32 -> output: T", "T: type",
    shape=_tile_grad_shape, kernel=_tile_grad, host="multiples", aliases=(0,),
)  # fmt: skip


@export("tile", "manip.tile")
def tile(input, multiples, name=None):
    """A tensor repeated along its axes.

    Args:
      input: a tensor of rank n.
      multiples: int32 or int64 vector [n]: how often along each axis.
      name: the node's name.

    Returns:
      A Tensor whose axis i is `multiples[i]` times as long.
    """
    return call("Tile", input, multiples, name=name)


# --- BroadcastTo and the arithmetic of shapes ---------------------------------------------------------------------


def _broadcast_to_shape(op):
    dims, target = op._inputs[0].dims, shape_from_input(op, 1)
    if dims is None or target is None:
        return [target]
    with_rank_at_most(dims, len(target))
    new_axes = len(target) - len(dims)
    # Sizes above 1 stay as they are.
    kept = [merge_size(have, want) if have and have > 1 else want
            for have, want in zip(dims, target[new_axes:], strict=True)]  # fmt: skip
    return [(*target[:new_axes], *kept)]


@moves_elements
def _broadcast_to(input, shape):
    return input.expand(shape)


define_op(
    "BroadcastTo", "input: T, shape: Tidx -> output: T", "T: type, Tidx: type in index = int32",
    shape=_broadcast_to_shape, kernel=_broadcast_to, lower=direct("{0}.expand({1})"), host="shape", aliases=(0,),
)  # fmt: skip


@gradient("BroadcastTo")
def _broadcast_to_gradient(op, grad):
    from reflow.ops.reduction import reduce_sum
    from reflow.ops.shape_ops import reshape, shape

    source_shape = shape(op._inputs[0])
    _, axes = call("BroadcastGradientArgs", op._inputs[1], source_shape)
    return [reshape(reduce_sum(grad, axis=axes, keepdims=True), source_shape), None]


@export("broadcast_to")
def broadcast_to(input, shape, name=None):
    """A tensor repeated along axes of size 1, and along new leading axes, until it has a shape.

    Args:
      input: a tensor whose shape broadcasts to `shape`.
      shape: int32 or int64 vector.
      name: the node's name.

    Returns:
      A Tensor of shape `shape`.
    """
    return call("BroadcastTo", input, shape, name=name)


def _broadcast_args_shape(op):
    a, b = (with_rank(t.dims, 1)[0] for t in op._inputs)
    return [(None if a is None or b is None else max(a, b),)]


def _broadcast_args_value_dims(op):
    x, y = map(constant_value_as_dims, op._inputs)
    return None if x is None or y is None else broadcast_dims(x, y)


def _broadcast_args(s0, s1):
    try:
        dims = broadcast_dims(tuple(s0), tuple(s1))
    except ValueError:
        raise ValueError(f"Incompatible shapes: {dims_in_brackets(s0)} vs. {dims_in_brackets(s1)}") from None
    return dims


define_op(
    "BroadcastArgs", "s0: T, s1: T -> r0: T", "T: type in index = int32",
    shape=_broadcast_args_shape, kernel=lambda s0, s1, T: torch.tensor(_broadcast_args(s0, s1), dtype=T),
    host="s0 s1", value_dims=_broadcast_args_value_dims,
)  # fmt: skip


@export("broadcast_dynamic_shape")
def broadcast_dynamic_shape(shape_x, shape_y):
    """The shape of a result whose inputs broadcast, as a tensor.

    Args:
      shape_x: int32 or int64 vector, a shape.
      shape_y: a vector like `shape_x`.

    Returns:
      A vector of the same type. Shapes that do not broadcast are an InvalidArgumentError when it runs.
    """
    return call("BroadcastArgs", shape_x, shape_y)


@export("broadcast_static_shape")
def broadcast_static_shape(shape_x, shape_y):
    """The shape of a result whose inputs broadcast, known when the graph is built.

    Args:
      shape_x: a TensorShape.
      shape_y: a TensorShape.

    Returns:
      A TensorShape.

    Raises:
      ValueError: if the shapes do not broadcast.
    """
    from reflow.graph.shapes import TensorShape, as_dims

    return TensorShape(broadcast_dims(as_dims(shape_x), as_dims(shape_y)))
