"""Slice: a box out of a tensor."""

import numpy as np

from reflow.graph.build import call
from reflow.graph.convert import constant_value, constant_value_as_dims
from reflow.graph.export import export
from reflow.graph.registry import define_op, gradient
from reflow.ops.native.view import view
from reflow.ops.shape_rules import with_rank


def _slice_shape(op):
    begin_size, sizes_size = (with_rank(t.dims, 1)[0] for t in op._inputs[1:])
    rank = begin_size if begin_size is not None else sizes_size
    dims = op._inputs[0].dims
    if rank is None:
        return [None if dims is None else (None,) * len(dims)]
    dims = with_rank(dims, rank)
    begin, sizes = constant_value(op._inputs[1]), constant_value(op._inputs[2])
    if sizes is None:
        starts_at_zero = begin is not None and not begin.any()
        known = constant_value_as_dims(op._inputs[2]) if starts_at_zero else None
        return [known or (None,) * rank]
    starts = (constant_value_as_dims(op._inputs[1]) or (None,) * rank) if begin is None else begin.tolist()
    return [tuple(_slice_size(d, b, s) for d, b, s in zip(dims, starts, sizes.tolist(), strict=True))]


def _slice_size(dim, begin, size):
    if size < -1:
        raise ValueError(f"Expected size to be -1 or more, but got {size}")
    if size != -1:
        return size
    return None if dim is None or begin is None else dim - begin


def _slice(input, begin, size):
    return input[_index(input.shape, begin, size)]


def _index(dims, begin, size):
    """The Python index of the box, checked against the dims."""
    if len(begin) != len(dims) or len(size) != len(dims):
        raise ValueError(f"Expected begin and size arguments to be 1-D tensors of size {len(dims)}, but got shapes "
                         f"[{len(begin)}] and [{len(size)}] instead.")  # fmt: skip
    slices = []
    for i, (d, b, s) in enumerate(zip(dims, begin, size, strict=True)):
        if not 0 <= b <= d:
            raise ValueError(f"Expected begin[{i}] in [0, {d}], but got {b}")
        if s != -1 and not 0 <= s <= d - b:
            raise ValueError(f"Expected size[{i}] in [0, {d - b}], but got {s}")
        slices.append(slice(b, d if s == -1 else b + s))
    return (*slices, ...)


def _lower_slice(node):
    begin, size, dims = node.constant(1), node.constant(2), node.dims(0)
    if begin is None or size is None or dims is None or None in dims:
        return None
    try:
        box = _index(dims, begin.tolist(), size.tolist())[:-1]
    except ValueError:
        return None  # The kernel says so when it runs.
    parts = [":" if s == slice(0, d) else f"{s.start}:{s.stop}" for s, d in zip(box, dims, strict=True)]
    return f"{node.args[0]}[{', '.join([*parts, '...'])}]"


def _slice_value(op):
    value, begin, size = map(constant_value, op._inputs)
    if value is None or begin is None or size is None:
        return None
    return value[_index(value.shape, begin.tolist(), size.tolist())]


def _slice_value_dims(op):
    """A piece of a partly known shape vector."""
    begin, size = constant_value(op._inputs[1]), constant_value(op._inputs[2])
    dims = constant_value_as_dims(op._inputs[0]) if begin is not None and size is not None else None
    return None if dims is None else tuple(np.array(dims, object)[_index((len(dims),), begin.tolist(), size.tolist())])


define_op(
    "Slice", "input: T, begin: Index, size: Index -> output: T", "T: type, Index: type in index",
    shape=_slice_shape, kernel=_slice, lower=_lower_slice, native=view(_slice), host="begin size", aliases=(0,),
    value=_slice_value, value_dims=_slice_value_dims,
)  # fmt: skip


@gradient("Slice")
def _slice_gradient(op, grad):
    """Zeros around the gradient, where the slice left elements out."""
    from reflow.ops.joining import concat, stack
    from reflow.ops.padding import pad
    from reflow.ops.shape_ops import rank, reshape, shape

    source, begin = op._inputs[0], op._inputs[1]
    source_rank = rank(source)
    slice_size = shape(op.outputs[0])
    column = stack([source_rank, 1])
    before = reshape(begin, column)
    after = reshape(shape(source) - slice_size - begin, column)
    return pad(grad, concat([before, after], 1)), None, None


def slice_(input_, begin, size, name=None):
    """The box of a tensor that begins at `begin` and has `size` elements along each axis.

    Args:
      input_: a tensor.
      begin: int32 or int64 vector: the first index along each axis.
      size: a vector like `begin`: how many elements; -1 for all that follow.
      name: the node's name.

    Returns:
      A Tensor of the same type and rank.

    Raises:
      InvalidArgumentError: when it runs, if the box does not lie inside the tensor.
    """
    return call("Slice", input_, begin, size, name=name)


slice_.__name__ = slice_.__qualname__ = "slice"
export("slice")(slice_)
