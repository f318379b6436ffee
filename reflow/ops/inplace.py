"""Updates of rows: TensorFlow's `inplace_update` family, which here always returns a new tensor."""

import torch

from reflow.graph import dtypes, errors
from reflow.graph.build import call
from reflow.graph.convert import to_tensor
from reflow.graph.registry import define_op
from reflow.ops.movement import as_signed
from reflow.ops.shape_rules import unchanged_shape


def _check(x, i, v):
    def wrong(words):
        return errors.InvalidArgumentError(None, None, words)

    if i.ndim != 1:
        raise wrong(f"i must be a vector. {list(i.shape)}")
    if x.ndim != v.ndim:
        raise wrong(f"x and v shape doesn't match (ranks differ): {list(x.shape)} vs. {list(v.shape)}")
    if x.shape[1:] != v.shape[1:]:
        raise wrong(f"x and v shape doesn't match: {list(x.shape)} vs. {list(v.shape)}")
    if i.shape[0] != v.shape[0]:
        raise wrong(f"i and x shape doesn't match at index 0: {i.shape[0]} vs. {v.shape[0]}")


def _rows_changed(x, i, v, change):
    """A copy of `x` with `change(row, value)` done to its rows `i`, one after the other; row numbers wrap around."""
    _check(x, i, v)
    result = x.clone()
    for row, value in zip(i.tolist(), v, strict=True):
        change(result[row % x.shape[0]], value)
    return result


def _inplace_update(x, i, v):
    if isinstance(x, torch.Tensor):
        return _rows_changed(x, i, v, torch.Tensor.copy_)
    _check(x, i, v)
    result = x.copy()
    result[i.numpy() % len(x)] = v
    return result


def _inplace_add(x, i, v):
    return _rows_changed(as_signed(x), i, as_signed(v), torch.Tensor.add_).view(x.dtype)


def _inplace_sub(x, i, v):
    return _rows_changed(as_signed(x), i, as_signed(v), torch.Tensor.sub_).view(x.dtype)


define_op("InplaceUpdate", "x: T, i: int32, v: T -> y: T", "T: type", shape=unchanged_shape, kernel=_inplace_update)
define_op("InplaceAdd", "x: T, i: int32, v: T -> y: T", "T: type", shape=unchanged_shape, kernel=_inplace_add)
define_op("InplaceSub", "x: T, i: int32, v: T -> y: T", "T: type", shape=unchanged_shape, kernel=_inplace_sub)


def _changed(op_name, x, i, v):
    x = to_tensor(x)
    v = to_tensor(v, x.dtype.base_dtype)
    if i is None:
        from reflow.ops.shape_ops import reshape, shape

        return reshape(call(op_name, reshape(x, [1, -1]), [0], reshape(v, [1, -1])), shape(x))
    i = to_tensor(i)
    if i.dtype.base_dtype is not dtypes.int32:
        i = call("Cast", i, DstT=dtypes.int32)
    if i.shape.ndims == 0:
        return call(op_name, x, call("Reshape", i, [1]), call("ExpandDims", v, 0))
    return call(op_name, x, i, v)


def inplace_update(x, i, v):
    """A copy of `x` with rows `i` replaced by `v`.

    Args:
      x: a tensor.
      i: int32 vector of row numbers, or a scalar (then `v` is one row), or None (then `v` is the whole).
      v: a tensor of the new rows.

    Returns:
      A Tensor like `x`.
    """
    return _changed("InplaceUpdate", call("DeepCopy", x), i, v)


def inplace_add(x, i, v):
    """A copy of `x` with `v` added to rows `i`; the arguments are those of `inplace_update`."""
    return _changed("InplaceAdd", call("DeepCopy", x), i, v)


def inplace_sub(x, i, v):
    """A copy of `x` with `v` taken from rows `i`; the arguments are those of `inplace_update`."""
    return _changed("InplaceSub", call("DeepCopy", x), i, v)


def alias_inplace_update(x, i, v):
    """`inplace_update` without the copy TensorFlow makes beforehand; `x` itself does not change here."""
    return _changed("InplaceUpdate", x, i, v)


def alias_inplace_add(x, i, v):
    """`inplace_add` without the copy TensorFlow makes beforehand; `x` itself does not change here."""
    return _changed("InplaceAdd", x, i, v)


def alias_inplace_sub(x, i, v):
    """`inplace_sub` without the copy TensorFlow makes beforehand; `x` itself does not change here."""
    return _changed("InplaceSub", x, i, v)


def empty_like(x, init=None):
    """A tensor in the shape and type of `x`, of arbitrary values unless `init`."""
    from reflow.ops.shape_ops import shape

    x = to_tensor(x)
    return call("Empty", shape(x), dtype=x.dtype, init=bool(init))
