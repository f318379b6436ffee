"""Elements in another order: Transpose, Reverse, ReverseSequence, Roll, and permutations themselves."""

import numpy as np
import torch

from reflow.graph import errors
from reflow.graph.build import call
from reflow.graph.context import name_scope
from reflow.graph.convert import constant_value, constant_value_as_dims, to_tensor
from reflow.graph.export import export
from reflow.graph.registry import define_op, gradient
from reflow.ops.movement import direct, moves_elements
from reflow.ops.native.view import view
from reflow.ops.renamed_arguments import renamed_argument
from reflow.ops.shape_rules import (
    merge,
    merge_size,
    unchanged_shape,
    with_rank,
    with_rank_at_least,
    with_rank_at_most,
    with_size,
)

# --- Transpose ----------------------------------------------------------------------------------------------------


def _transpose_shape(op):
    dims, (length,) = op._inputs[0].dims, with_rank(op._inputs[1].dims, 1)
    rank = length if dims is None else len(dims)
    # Of one axis or none TensorFlow takes the input's shape as it is.
    if rank is None or dims is None and rank < 2:
        return [None]
    with_size(length, rank)
    perm = constant_value(op._inputs[1])
    if perm is None:
        return [(None,) * rank]
    order = perm.tolist()
    for axis in order:
        if not -rank <= axis < rank:
            raise ValueError(f"perm dim {axis} is out of range of input rank {rank}")
    return [(None,) * rank if dims is None else tuple([dims[axis] for axis in order])]


def _check_permutation(perm, rank):
    if sorted(p + rank if p < 0 else p for p in perm) != list(range(rank)):
        raise errors.InvalidArgumentError(None, None, f"transpose expects a permutation of the {rank} axes of its "
                                          f"input. But perm is {perm}")  # fmt: skip


@moves_elements
def _transpose(x, perm):
    _check_permutation(perm, x.dim())
    return x.permute(perm)


@moves_elements
def _conjugate_transpose(x, perm):
    _check_permutation(perm, x.dim())
    return x.conj().resolve_conj().permute(perm)


def _transpose_value(op):
    value, perm = map(constant_value, op._inputs)
    return None if value is None or perm is None else value.transpose(perm)


define_op(
    "Transpose", "x: T, perm: Tperm -> y: T", "T: type, Tperm: type in index = int32",
    shape=_transpose_shape, kernel=_transpose, lower=direct("{0}.permute({1})"), native=view(_transpose), host="perm",
    aliases=(0,), value=_transpose_value,
)  # fmt: skip

define_op(
    "ConjugateTranspose", "x: T, perm: Tperm -> y: T", "T: type, Tperm: type in index = int32",
    shape=_transpose_shape, kernel=_conjugate_transpose, host="perm", aliases=(0,),
)  # fmt: skip


@gradient("Transpose")
def _transpose_gradient(op, grad):
    return [transpose(grad, call("InvertPermutation", op._inputs[1])), None]


@gradient("ConjugateTranspose")
def _conjugate_transpose_gradient(op, grad):
    return [transpose(grad, call("InvertPermutation", op._inputs[1]), conjugate=True), None]


@export("transpose")
def transpose(a, perm=None, name="transpose", conjugate=False):
    """A tensor with its axes in another order.

    Args:
      a: a tensor of rank n.
      perm: int32 or int64 vector [n]: which axis of `a` stands at each place; the reverse order if None.
      name: the node's name.
      conjugate: also take the complex conjugate.

    Returns:
      A Tensor of the same type.
    """
    with name_scope(name, "transpose", [a]) as scope:
        op_name = "ConjugateTranspose" if conjugate and a.dtype.is_complex else "Transpose"
        if perm is not None:
            return call(op_name, a, perm, name=scope)
        a = to_tensor(a, name="a")
        if a.dims:
            rank = len(a.dims)
            perm = (rank - 1) - np.arange(rank)
        else:
            rank = call("Rank", a)
            perm = (rank - 1) - call("Range", 0, rank, 1)
        result = call(op_name, a, perm, name=scope)
        if a.dims is not None:
            result.set_shape(a.dims[::-1])
        return result


@export("linalg.matrix_transpose", "linalg.transpose", "matrix_transpose")
def matrix_transpose(a, name="matrix_transpose", conjugate=False):
    """Matrices with rows and columns exchanged.

    Args:
      a: a tensor of shape [..., m, n].
      name: the node's name.
      conjugate: also take the complex conjugate.

    Returns:
      A Tensor of shape [..., n, m].

    Raises:
      ValueError: if `a` is known to have fewer than two dimensions.
    """
    from reflow.ops.joining import concat
    from reflow.ops.shape_ops import rank

    with name_scope(name, values=[a]):
        a = to_tensor(a, name="a")
        if a.dims is not None:
            n = len(a.dims)
            if n < 2:
                raise ValueError(f"Argument 'a' should be a (batch) matrix, with rank >= 2.  Found: {a.shape}")
            perm = [*range(n - 2), n - 1, n - 2]
        else:
            a_rank = rank(a)
            perm = concat((call("Range", 0, a_rank - 2, 1), [a_rank - 1, a_rank - 2]), 0)
        return transpose(a, perm=perm, conjugate=conjugate)


def _invert_permutation(x):
    if x.dim() != 1:
        raise ValueError("invert_permutation expects a 1D vector.")
    found = torch.full_like(x, -1)
    count = x.shape[0]
    inside = (x >= 0) & (x < count)
    if not bool(inside.all()):
        raise ValueError(f"{int(x[~inside][0])} is not between 0 and {count}")
    found[x.long()] = torch.arange(count, dtype=x.dtype, device=x.device)
    if bool((found < 0).any()):
        counts = torch.bincount(x.long(), minlength=count)
        raise ValueError(f"{int(torch.nonzero(counts > 1)[0])} is duplicated in the input.")
    return found


def _invert_permutation_value(op):
    value = constant_value(op._inputs[0])
    return None if value is None else np.argsort(value).astype(value.dtype)


define_op(
    "InvertPermutation", "x: T -> y: T", "T: type in index = int32",
    shape=lambda op: [with_rank(op._inputs[0].dims, 1)], kernel=_invert_permutation, gradient=None,
    value=_invert_permutation_value,
)  # fmt: skip


@export("invert_permutation", "math.invert_permutation")
def invert_permutation(x, name=None):
    """The permutation y with y[x[i]] = i.

    Args:
      x: int32 or int64 vector that holds each of 0, ..., n - 1 once.
      name: the node's name.

    Returns:
      A vector like `x`.
    """
    return call("InvertPermutation", x, name=name)


# --- Reverse ------------------------------------------------------------------------------------------------------

_REVERSE_TYPES = "uint8|int8|uint16|int16|int32|int64|bool|half|float|double|complex64|complex128|string"


def _reverse_shape(op):
    dims, (flags,) = op._inputs[0].dims, with_rank(op._inputs[1].dims, 1)
    return [dims if flags is None else with_rank(dims, flags)]


@moves_elements
def _reverse(tensor, dims):
    return tensor.flip([axis for axis, reverse in enumerate(dims) if reverse])


define_op(
    "Reverse", "tensor: T, dims: bool -> output: T", f"T: type in {_REVERSE_TYPES}",
    shape=_reverse_shape, kernel=_reverse, host="dims",
)  # fmt: skip


def _reverse_v2_shape(op):
    dims, axes = op._inputs[0].dims, constant_value(op._inputs[1])
    with_rank(op._inputs[1].dims, 1)
    if dims is not None and axes is not None:
        _axes_from_front(axes.tolist(), len(dims))
    return [dims]


def _axes_from_front(axes, rank):
    for i, axis in enumerate(axes):
        if not -rank <= axis < rank:
            raise ValueError(f"'axis'[{i}] = {axis} is out of valid range [0, {rank - 1}")
    found = [axis % rank for axis in axes]
    for i, axis in enumerate(found):
        if axis in found[:i]:
            raise ValueError(f"axis {axis} specified more than once.")
    return found


@moves_elements
def _reverse_v2(tensor, axis):
    return tensor.flip(_axes_from_front(axis, tensor.dim()))


define_op(
    "ReverseV2", "tensor: T, axis: Tidx -> output: T",
    f"T: type in {_REVERSE_TYPES}|bfloat16, Tidx: type in index = int32",
    shape=_reverse_v2_shape, kernel=_reverse_v2, lower=direct("{0}.flip({1})"), host="axis",
)  # fmt: skip


@gradient("Reverse")
def _reverse_gradient(op, grad):
    return call("Reverse", grad, op._inputs[1]), None


@gradient("ReverseV2")
def _reverse_v2_gradient(op, grad):
    return reverse_v2(grad, op._inputs[1]), None


@export("reverse", "reverse_v2", "manip.reverse")
def reverse_v2(tensor, axis, name=None):
    """A tensor read backwards along some axes.

    Args:
      tensor: a tensor.
      axis: int32 or int64 vector of axes; negative ones count from the end.
      name: the node's name.

    Returns:
      A Tensor like `tensor`.
    """
    return call("ReverseV2", tensor, axis, name=name)


def _reverse_sequence_shape(op):
    dims, (count,) = op._inputs[0].dims, with_rank(op._inputs[1].dims, 1)
    batch_axis, seq_axis = op.attrs["batch_dim"], op.attrs["seq_dim"]
    if dims is None:
        return [None]
    if not -len(dims) <= batch_axis < len(dims):
        raise ValueError("batch_dim must be < input rank: " f"{batch_axis} vs. {len(dims)}")
    if not -len(dims) <= seq_axis < len(dims):
        raise ValueError(f"seq_dim must be < input rank: {seq_axis} vs. {len(dims)}")
    size = merge_size(dims[batch_axis], count)
    where = batch_axis % len(dims)
    return [dims[:where] + (size,) + dims[where + 1:]]


@moves_elements
def _reverse_sequence(input, seq_lengths, batch_dim, seq_dim):
    rank = input.dim()
    batch_axis, seq_axis = batch_dim % rank, seq_dim % rank
    if batch_axis == seq_axis:
        raise ValueError(f"batch_dim == seq_dim == {seq_dim}")
    if seq_lengths.shape[0] != input.shape[batch_axis]:
        raise ValueError(f"Length of seq_lens != input.dims({batch_dim}), ({seq_lengths.shape[0]} vs. "
                         f"{input.shape[batch_axis]})")  # fmt: skip
    size = input.shape[seq_axis]
    lengths = seq_lengths.long()
    if bool((lengths < 0).any()) or bool((lengths > size).any()):
        wrong = int(lengths[(lengths < 0) | (lengths > size)][0])
        raise ValueError(f"seq_lens({wrong}) must be in [0, input.dims({seq_dim})] = [0, {size}]")
    places = torch.arange(size, device=input.device)
    # Row b: lengths[b] - 1, ..., 0 and then the places that stay.
    sources = torch.where(places < lengths[:, None], lengths[:, None] - 1 - places, places)
    moved = input.movedim((batch_axis, seq_axis), (0, 1))
    rows = torch.arange(moved.shape[0], device=input.device)[:, None]
    return moved[rows, sources].movedim((0, 1), (batch_axis, seq_axis))


define_op(
    "ReverseSequence", "input: T, seq_lengths: Tlen -> output: T",
    "seq_dim: int, batch_dim: int = 0, T: type, Tlen: type in index = int64",
    shape=_reverse_sequence_shape, kernel=_reverse_sequence,
)  # fmt: skip


@gradient("ReverseSequence")
def _reverse_sequence_gradient(op, grad):
    reversed_grad = call("ReverseSequence", grad, op._inputs[1], batch_dim=op.attrs["batch_dim"],
                         seq_dim=op.attrs["seq_dim"])  # fmt: skip
    return [reversed_grad, None]


@export("reverse_sequence")
def reverse_sequence(input, seq_lengths, seq_axis=None, batch_axis=None, name=None, seq_dim=None, batch_dim=None):
    """The first `seq_lengths[b]` elements of each sequence b read backwards; the others stay.

    Args:
      input: a tensor.
      seq_lengths: int32 or int64 vector, one length for each index along `batch_axis`.
      seq_axis: the axis of the sequences.
      batch_axis: the axis that counts the sequences (default 0).
      name: the node's name.
      seq_dim: the old name of `seq_axis`.
      batch_dim: the old name of `batch_axis`.

    Returns:
      A Tensor like `input`.
    """
    seq_axis = renamed_argument("seq_axis", seq_axis, "seq_dim", seq_dim)
    batch_axis = renamed_argument("batch_axis", batch_axis, "batch_dim", batch_dim)
    return call("ReverseSequence", input, seq_lengths, seq_dim=seq_axis,
                batch_dim=0 if batch_axis is None else batch_axis, name=name)  # fmt: skip


# --- Roll ---------------------------------------------------------------------------------------------------------


def _roll_shape(op):
    dims = with_rank_at_least(op._inputs[0].dims, 1)
    merge(with_rank_at_most(op._inputs[1].dims, 1), with_rank_at_most(op._inputs[2].dims, 1))
    return [dims]


def _as_list(value):
    return value if isinstance(value, list) else [value]


@moves_elements
def _roll(input, shift, axis):
    shifts, axes = _as_list(shift), _as_list(axis)
    if len(shifts) != len(axes):
        raise ValueError("shift and axis must have the same size")
    for each in axes:
        if not -input.dim() <= each < input.dim():
            raise ValueError(f"axis {each} is out of range")
    return input.roll(shifts, axes)


define_op(
    "Roll", "input: T, shift: Tshift, axis: Taxis -> output: T",
    "T: type, Tshift: type in index, Taxis: type in index",
    shape=_roll_shape, kernel=_roll, host="shift axis",
)  # fmt: skip


@gradient("Roll")
def _roll_gradient(op, grad):
    _, shift, axis = op._inputs
    return roll(grad, -shift, axis), None, None


@export("roll", "manip.roll")
def roll(input, shift, axis, name=None):
    """The elements of a tensor moved along axes; what leaves at one end comes in at the other.

    Args:
      input: a tensor of rank 1 or more.
      shift: int32 or int64 scalar or vector: how far; negative towards the front.
      axis: a scalar or vector like `shift`: along which axis. One that occurs twice is rolled by the sum.
      name: the node's name.

    Returns:
      A Tensor like `input`.
    """
    return call("Roll", input, shift, axis, name=name)


# --- the order of data formats ------------------------------------------------------------------------------------


def _format_places(src_format, dst_format):
    """For each letter of the source format, its place in the target."""
    return [dst_format.index(letter) for letter in src_format]


def _data_format_dim_map(x, src_format, dst_format):
    places = torch.tensor(_format_places(src_format, dst_format), dtype=x.dtype, device=x.device)
    if bool(((x < -len(places)) | (x >= len(places))).any()):
        raise ValueError("Source index is out of range of the data format")
    return places[x.long() % len(places)]


def _data_format_vec_permute(x, src_format, dst_format):
    letters = src_format if x.shape[0] == len(src_format) else bytes(c for c in src_format if c not in b"NC")
    target = dst_format if x.shape[0] == len(dst_format) else bytes(c for c in dst_format if c not in b"NC")
    if len(letters) != x.shape[0]:
        raise ValueError(f"The input must have {len(src_format)} or {len(letters)} elements, not {x.shape[0]}")
    return x[[letters.index(letter) for letter in target]]


_FORMATS = "T: type in index = int32, src_format: string = NHWC, dst_format: string = NCHW"

define_op("DataFormatDimMap", "x: T -> y: T", _FORMATS, shape=unchanged_shape, kernel=_data_format_dim_map)
define_op("DataFormatVecPermute", "x: T -> y: T", _FORMATS, shape=unchanged_shape, kernel=_data_format_vec_permute,
          value_dims=lambda op: _vec_permute_dims(op))  # fmt: skip


def _vec_permute_dims(op):
    dims = constant_value_as_dims(op._inputs[0])
    src, dst = op.attrs["src_format"], op.attrs["dst_format"]
    return tuple([dims[src.index(c)] for c in dst]) if dims is not None and len(dims) == len(src) else None
