"""Updates of single rows or elements of a variable: the Scatter and ScatterNd families, on references and handles.

Rows that `indices` names more than once are updated once for each time, in order.
"""

import math
from collections.abc import Callable, Iterator

import numpy as np
import torch

from reflow.graph import errors
from reflow.graph.build import call
from reflow.graph.convert import to_tensor
from reflow.graph.export import export
from reflow.graph.registry import define_op
from reflow.graph.shapes import dims_in_brackets
from reflow.ops.resources import VariableState
from reflow.ops.shape_rules import merge, no_outputs
from reflow.ops.state import locked, signed_view

_MIN_MAX_TYPES = "T: type in half|bfloat16|float|double|int32|int64"


# --- rows ---------------------------------------------------------------------------------------------------------


def check_rows(indices: torch.Tensor, size: int) -> None:
    """Raise InvalidArgumentError, naming the first culprit, unless all of `indices` are in [0, size)."""
    if indices.numel() == 0:
        return
    low, high = torch.aminmax(indices)
    if low >= 0 and high < size:
        return
    position = int(((indices < 0) | (indices >= size)).reshape(-1).nonzero()[0])
    where = _position_text(position, indices.shape)
    value = int(indices.reshape(-1)[position])
    raise errors.InvalidArgumentError(None, None, f"indices{where} = {value} is not in [0, {size})")


def _position_text(position: int, shape) -> str:
    """Element number `position` of a tensor as "[1,0]"; "" for a scalar."""
    parts = []
    for size in reversed(shape):
        position, part = divmod(position, size)
        parts.append(str(part))
    return f"[{','.join(reversed(parts))}]" if parts else ""


def rounds(rows: torch.Tensor) -> Iterator[torch.Tensor | None]:
    """Positions in `rows`, in groups that name no row twice: first occurrences, second ones, ...; None means all."""
    if rows.numel() < 2 or torch.unique(rows).numel() == rows.numel():
        yield None
        return
    ranks = _occurrences(rows)
    for rank in range(int(ranks.max()) + 1):
        yield (ranks == rank).nonzero().reshape(-1)


def _occurrences(rows: torch.Tensor) -> torch.Tensor:
    """For each element, how many equal ones stand before it."""
    ordered, order = torch.sort(rows, stable=True)
    count = torch.arange(len(rows), device=rows.device)
    starts = torch.ones_like(rows, dtype=torch.bool)
    starts[1:] = ordered[1:] != ordered[:-1]
    first = torch.cummax(torch.where(starts, count, 0), 0).values
    return torch.empty_like(count).scatter_(0, order, count - first)


def add_rows(value: torch.Tensor, rows: torch.Tensor, updates: torch.Tensor) -> None:
    """value[rows[i]] += updates[i], where `value` and `updates` have the shapes [n, m] and [k, m]."""
    if value.shape[1] == 1:
        value.index_add_(0, rows, updates)
    else:
        # Much quicker than index_add_, which adds row after row.
        value.scatter_add_(0, rows.unsqueeze(1).expand_as(updates), updates)


def _subtract_rows(value, rows, updates):
    if value.dtype is torch.bool:
        _differ(value, rows, updates)
    else:
        add_rows(value, rows, -updates)


def _update_rows(value, rows, updates):
    """value[rows[i]] = updates[i]; of several updates of one row the last one counts."""
    if rows.numel() > 1 and torch.unique(rows).numel() < rows.numel():
        last = (_occurrences(rows.flip(0)) == 0).flip(0)
        rows, updates = rows[last], updates[last]
    value.index_copy_(0, rows, updates)


def _combining(combine: Callable) -> Callable:
    """value[rows[i]] = combine(value[rows[i]], updates[i])."""

    def change(value, rows, updates):
        for group in rounds(rows):
            some_rows = rows if group is None else rows[group]
            some_updates = updates if group is None else updates[group]
            value.index_copy_(0, some_rows, combine(value.index_select(0, some_rows), some_updates))

    return change


_differ = _combining(torch.logical_xor)


def _combining_numbers(combine: Callable, numpy: Callable) -> Callable:
    """`_combining`, where `numpy` combines wide unsigned numbers: as signed ones of the same bits they are others."""
    plain = _combining(combine)

    def change(value, rows, updates):
        if signed_view(value) is value:
            plain(value, rows, updates)
            return

        def combined(x, y):
            numbers = numpy(x.view(value.dtype).numpy(), y.view(value.dtype).numpy())
            return signed_view(torch.from_numpy(numbers))

        _combining(combined)(signed_view(value), rows, signed_view(updates))

    change.of_numbers = True
    return change


def _divide(x, y):
    """Quotients, rounded towards zero for integers."""
    if x.dtype.is_floating_point or x.dtype.is_complex:
        return x / y
    return torch.div(x, y, rounding_mode="trunc")


def _lesser(x, y):
    """The lesser of both, `x` where they do not compare."""
    return torch.where(y < x, y, x)


def _greater(x, y):
    return torch.where(x < y, y, x)


# --- kernels ------------------------------------------------------------------------------------------------------


def _scatter_kernel(name: str, change: Callable) -> Callable:
    """The kernel of one Scatter op: the updates are rows for `indices`, or one scalar for all of them."""

    def kernel(state: VariableState, indices, updates, use_locking=False):
        value = state.current()
        _check_scatter(value, indices, updates)
        rows = indices.reshape(-1).long()
        if isinstance(value, torch.Tensor):
            width = math.prod(value.shape[1:])
            updates = updates.expand(*rows.shape, width) if updates.ndim == 0 else updates.reshape(*rows.shape, width)
            with locked(state, use_locking):
                bits = value if hasattr(change, "of_numbers") else signed_view(value)
                change(bits.view(value.shape[0], width), rows, updates.view(bits.dtype))
        else:
            value[rows.numpy()] = updates if updates.ndim == 0 else updates.reshape(len(rows), *value.shape[1:])
        return state

    kernel.__name__ = name
    return kernel


def _check_scatter(value, indices, updates):
    if value.ndim < 1:
        raise errors.InvalidArgumentError(None, None, "params must be at least 1-D, got shape []")
    if updates.ndim and tuple(updates.shape) != (*indices.shape, *value.shape[1:]):
        shapes = [dims_in_brackets(tuple(t.shape)) for t in (updates, indices, value)]
        raise errors.InvalidArgumentError(
            None, None,
            "Must have updates.shape = indices.shape + params.shape[1:] or updates.shape = [], got updates.shape "
            f"{shapes[0]}, indices.shape {shapes[1]}, params.shape {shapes[2]}",
        )  # fmt: skip
    check_rows(indices, value.shape[0])


def _scatter_nd_kernel(name: str, change: Callable) -> Callable:
    """The kernel of one ScatterNd op: the last axis of `indices` names an element or slice of the variable."""

    def kernel(state: VariableState, indices, updates, use_locking=False):
        value = state.current()
        depth = indices.shape[-1] if indices.ndim else 1
        _check_scatter_nd(value, indices, updates, depth)
        rows = _flat_rows(indices.reshape(-1, depth), value.shape[:depth])
        shape = math.prod(value.shape[:depth]), math.prod(value.shape[depth:])
        updates = updates.reshape(len(rows), shape[1])
        if isinstance(value, torch.Tensor):
            with locked(state, use_locking):
                change(signed_view(value).view(shape), rows, signed_view(updates))
        else:
            value.reshape(shape)[rows.numpy()] = updates
        return state

    kernel.__name__ = name
    return kernel


def _check_scatter_nd(value, indices, updates, depth):
    def wrong(message):
        return errors.InvalidArgumentError(None, None, message)

    outer = tuple(indices.shape[:-1])
    if depth > value.ndim or tuple(updates.shape) != (*outer, *value.shape[depth:]):
        shapes = [dims_in_brackets(tuple(t.shape)) for t in (updates, indices, value)]
        raise wrong("Must have updates.shape = indices.shape[:batch_dim] + params_shape[slice_dim:], got "
                    f"updates.shape: {shapes[0]}, indices.shape: {shapes[1]}, params_shape: {shapes[2]}, "
                    f"slice_dim: {depth}, and batch_dim: {len(outer)}")  # fmt: skip
    if depth == 0:
        raise wrong("Indices and updates specified for empty output.  indices shape: "
                    f"{dims_in_brackets(tuple(indices.shape))}")  # fmt: skip
    sizes = torch.tensor(value.shape[:depth], dtype=indices.dtype)
    outside = ((indices < 0) | (indices >= sizes)).reshape(-1, depth).any(1)
    if outside.any():
        position = int(outside.nonzero()[0])
        row = indices.reshape(-1, depth)[position].tolist()
        raise wrong(f"indices{_position_text(position, outer)} = {row} does not index into shape "
                    f"{dims_in_brackets(tuple(value.shape))}")  # fmt: skip


def _flat_rows(indices: torch.Tensor, sizes) -> torch.Tensor:
    """The row numbers that index tuples have in the tensor flattened over `sizes`."""
    rows = torch.zeros(len(indices), dtype=torch.int64)
    for axis, size in enumerate(sizes):
        rows = rows * size + indices[:, axis]
    return rows


# --- shapes -------------------------------------------------------------------------------------------------------


def _scatter_shape(op):
    dims, indices, updates = (t.dims for t in op._inputs)
    if dims is not None and indices is not None and updates != ():
        merge(updates, indices + dims[1:])
    return [dims]


def _scatter_nd_shape(op):
    """Checks the updates against the sizes that are left of the variable; the output has its shape."""
    dims, indices, updates = (t.dims for t in op._inputs)
    if not indices or dims is None or updates is None:
        return [dims]
    outer = len(indices) - 1
    _match(updates[:outer], indices[:-1], f"outer {outer} dimensions of indices.shape={dims_in_brackets(indices)}",
           f"outer {outer} dimensions of updates.shape={dims_in_brackets(updates)}")  # fmt: skip
    if indices[-1] is not None:
        inner = len(dims) - indices[-1]
        _match(dims[indices[-1]:], updates[outer:], f"inner {inner} dimensions of input.shape={dims_in_brackets(dims)}",
               f"inner {len(updates) - outer} dimensions of updates.shape={dims_in_brackets(updates)}")  # fmt: skip
    return [dims]


def _match(a, b, a_text, b_text):
    try:
        merge(a, b)
    except ValueError as error:
        raise ValueError(f"The {a_text} must match the {b_text}: {error}") from None


def _resource_scatter_shape(op):
    """A handle's shape is checked when the op runs: what reaches it may have come through control flow."""
    return no_outputs(op)


# --- ops ----------------------------------------------------------------------------------------------------------


def _scatter(suffix: str, change: Callable, types: str, locking: bool = False, **rules) -> None:
    """Define Scatter<suffix> and ResourceScatter<suffix>."""
    kernel = _scatter_kernel(f"scatter_{suffix.lower()}", change)
    define_op(f"Scatter{suffix}", "ref: ref T, indices: Tindices, updates: T -> output_ref: ref T",
              f"{types}, Tindices: type in index, use_locking: bool = {locking}",
              shape=_scatter_shape, kernel=kernel, writes=True, **rules)  # fmt: skip
    dtype = "dtype: type" if suffix == "Update" else "dtype: type in number"
    define_op(f"ResourceScatter{suffix}", "resource: resource, indices: Tindices, updates: dtype ->",
              f"{dtype}, Tindices: type in index",
              shape=_resource_scatter_shape, kernel=kernel, writes=True, is_stateful=True)  # fmt: skip


_scatter("Update", _update_rows, "T: type", locking=True)
_scatter("Add", add_rows, "T: type in number", gradient=None)
_scatter("Sub", _subtract_rows, "T: type in number", gradient=None)
_scatter("Mul", _combining(torch.mul), "T: type in number", gradient=None)
_scatter("Div", _combining_numbers(_divide, np.floor_divide), "T: type in number", gradient=None)
_scatter("Min", _combining_numbers(_lesser, np.minimum), _MIN_MAX_TYPES)
_scatter("Max", _combining_numbers(_greater, np.maximum), _MIN_MAX_TYPES)


def _scatter_nd(suffix: str, change: Callable, types: str, locking: bool) -> None:
    """Define ScatterNd<suffix> and ResourceScatterNd<suffix>."""
    kernel = _scatter_nd_kernel(f"scatter_nd_{suffix.lower()}", change)
    define_op(f"ScatterNd{suffix}", "ref: ref T, indices: Tindices, updates: T -> output_ref: ref T",
              f"{types}, Tindices: type in index, use_locking: bool = {locking}",
              shape=_scatter_nd_shape, kernel=kernel, writes=True, gradient=None)  # fmt: skip
    define_op(f"ResourceScatterNd{suffix}", "ref: resource, indices: Tindices, updates: T ->",
              "T: type, Tindices: type in index, use_locking: bool = true",
              shape=_resource_scatter_shape, kernel=kernel, writes=True, is_stateful=True)  # fmt: skip


_scatter_nd("Update", _update_rows, "T: type", locking=True)
_scatter_nd("Add", add_rows, "T: type in number", locking=False)
_scatter_nd("Sub", _subtract_rows, "T: type in number", locking=False)


# --- public functions ---------------------------------------------------------------------------------------------


def _public(name: str, op_suffix: str, summary: str, locking: bool = False) -> Callable:
    """The public function `name` over Scatter<op_suffix>: all of them differ in the op alone."""

    def function(ref, indices, updates, use_locking=locking, name=None):
        if ref.dtype.is_ref:
            return call(f"Scatter{op_suffix}", ref, indices, updates, name=name, use_locking=use_locking)
        updates = to_tensor(updates, ref.dtype)
        return ref._lazy_read(call(f"ResourceScatter{op_suffix}", ref.handle, indices, updates, name=name))

    nd = op_suffix.startswith("Nd")
    function.__name__ = function.__qualname__ = name
    function.__doc__ = (_ND_DOC if nd else _DOC).format(summary=summary, locking=locking)
    return export(name)(function)


_DOC = """{summary}

    Args:
      ref: a variable, or the reference tensor of one.
      indices: int32 or int64 tensor of any shape: rows of `ref`. A row named more than once is updated once for each.
      updates: tensor of `ref`'s dtype and shape `indices.shape + ref.shape[1:]`, or a scalar.
      use_locking: protect the update by the variable's lock (default {locking}).
      name: a name for the operation.

    Returns:
      The variable after the update: its reference, or something that reads it.

    Raises:
      ValueError: if the shapes are known not to fit.
      tf.errors.InvalidArgumentError: when it runs, for an index outside `ref`.
    """

_ND_DOC = """{summary}

    Args:
      ref: a variable of rank P, or the reference tensor of one.
      indices: int32 or int64 tensor [..., K] with K <= P: index tuples into the first K dimensions of `ref`.
      updates: tensor of `ref`'s dtype and shape `indices.shape[:-1] + ref.shape[K:]`.
      use_locking: protect the update by the variable's lock (default {locking}).
      name: a name for the operation.

    Returns:
      The variable after the update: its reference, or something that reads it.

    Raises:
      ValueError: if the shapes are known not to fit.
      tf.errors.InvalidArgumentError: when it runs, for an index outside `ref`.
    """

scatter_update = _public("scatter_update", "Update", "Replace rows of a variable.", locking=True)
scatter_add = _public("scatter_add", "Add", "Add to rows of a variable.")
scatter_sub = _public("scatter_sub", "Sub", "Subtract from rows of a variable.")
scatter_mul = _public("scatter_mul", "Mul", "Multiply rows of a variable.")
scatter_div = _public("scatter_div", "Div", "Divide rows of a variable.")
scatter_min = _public("scatter_min", "Min", "Replace rows of a variable by the lesser of row and update.")
scatter_max = _public("scatter_max", "Max", "Replace rows of a variable by the greater of row and update.")
scatter_nd_update = _public("scatter_nd_update", "NdUpdate", "Replace elements or slices of a variable.", locking=True)
scatter_nd_add = _public("scatter_nd_add", "NdAdd", "Add to elements or slices of a variable.")
scatter_nd_sub = _public("scatter_nd_sub", "NdSub", "Subtract from elements or slices of a variable.")


@export("batch_scatter_update")
def batch_scatter_update(ref, indices, updates, use_locking=True, name=None):
    """Replace rows in each batch of a variable: ref[b..., indices[b..., j]] = updates[b..., j].

    Args:
      ref: a variable of shape `batch + [n] + rest`.
      indices: int32 or int64 tensor of shape `batch + [k]`.
      updates: tensor of shape `batch + [k] + rest`.
      use_locking: protect the update by the variable's lock.
      name: a name scope for the operations.

    Returns:
      The variable after the update.

    Raises:
      ValueError: if the rank of `indices` is not known.
    """
    from reflow.graph.context import name_scope
    from reflow.ops.constant import ones_like
    from reflow.ops.joining import concat
    from reflow.ops.shape_ops import expand_dims, reshape, shape

    with name_scope(name):
        indices = to_tensor(indices, name="indices")
        indices_shape = shape(indices)
        if indices.dims is None:
            raise ValueError("batch_gather does not allow indices with unknown shape.")
        rank = len(indices.dims)
        tuples = expand_dims(indices, axis=-1)
        parts = []
        for axis in range(rank - 1):
            size = indices_shape[axis]
            along = [1] * (rank + 1)
            along[axis] = size
            numbers = reshape(call("Range", 0, size, 1), along)
            if numbers.dtype.base_dtype is not tuples.dtype:
                numbers = call("Cast", numbers, DstT=tuples.dtype)
            parts.append(numbers * ones_like(tuples))
        parts.append(tuples)
        return scatter_nd_update(ref, concat(parts, axis=-1), updates, use_locking=use_locking)
