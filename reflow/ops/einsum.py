"""Tensor contractions: einsum and tensordot, by transposing and reshaping to matrix products."""

import math
import numbers
import re
import string

import numpy as np
import torch

from reflow.graph import dtypes
from reflow.graph.build import call
from reflow.graph.context import name_scope
from reflow.graph.convert import to_tensor
from reflow.graph.export import export
from reflow.graph.operation import Tensor
from reflow.graph.registry import define_op
from reflow.ops.gathering import gather
from reflow.ops.joining import concat, stack
from reflow.ops.matmul import matmul
from reflow.ops.permute import transpose
from reflow.ops.ranges import range as range_
from reflow.ops.reduction import reduce_prod, reduce_sum
from reflow.ops.select import where
from reflow.ops.shape_ops import expand_dims, rank, reshape, shape
from reflow.platform import logging

# --- the op, which only TensorFlow 2 emits --------------------------------------------------------------------------


def _einsum_shape(op):
    if op.attrs["equation"].count(b"->") != 1:
        raise ValueError(f"Expecting exactly one '->' in einsum equation: {op.attrs['equation'].decode()}")
    equation, shapes = op.attrs["equation"].decode(), [t.dims for t in op._inputs]
    if any(dims is None and "..." in term for term, dims in zip(equation.split(","), shapes, strict=False)):
        return [None]
    labels, output = _resolve(equation, shapes)
    sizes: dict[str, int | None] = {}
    for names, dims in zip(labels, shapes, strict=True):
        for name, size in zip(names, (None,) * len(names) if dims is None else dims, strict=True):
            known = sizes.get(name)
            if 1 not in (known, size) and None not in (known, size) and known != size:
                raise ValueError(f"Dimensions must be equal, but are {known} and {size}")
            sizes[name] = size if known in (None, 1) else known
    return [tuple([sizes[name] for name in output])]


def _einsum(inputs, equation):
    left, _, output = equation.decode().replace(" ", "").partition("->")
    labels = re.findall(r"\.\.\.|\w", output)
    unique = list(dict.fromkeys(labels))
    result = torch.einsum(f"{left}->{''.join(unique)}", inputs)
    return result if len(unique) == len(labels) else _with_repeated_labels(result, unique, labels)


def _with_repeated_labels(tensor, unique, labels):
    """Zeros but on the diagonals of the dimensions whose labels are the same, where the elements of `tensor` stand."""
    outer = tensor.dim() - len(unique) + 1
    ids = [i for label in unique for i in ([f"...{n}" for n in range(outer)] if label == "..." else [label])]
    wanted = [i for label in labels for i in ([f"...{n}" for n in range(outer)] if label == "..." else [label])]
    result = tensor.new_zeros([tensor.shape[ids.index(i)] for i in wanted])
    strides = [sum(s for s, j in zip(result.stride(), wanted, strict=True) if j == i) for i in ids]
    result.as_strided(tensor.shape, strides).copy_(tensor)
    return result


define_op(
    "Einsum", "inputs: N*T -> output: T", "equation: string, N: int >= 1, T: type", shape=_einsum_shape, kernel=_einsum
)  # fmt: skip


# --- equations ----------------------------------------------------------------------------------------------------


def _resolve(equation, shapes):
    """The labels of each input's dimensions and of the output's, with letters for what an ellipsis stands for.

    Raises:
      ValueError: if the equation is malformed or does not fit the shapes.
    """
    equation = equation.replace(" ", "")
    match = re.match(r"^([a-zA-Z,.]+)(->[a-zA-Z.]*)?$", equation)
    if not match:
        raise ValueError(f"Indices have incorrect format: {equation}")
    labels = match.group(1).split(",")
    output = match.group(2)[2:] if match.group(2) else None
    if len(shapes) != len(labels):
        raise ValueError(f'Got {len(shapes)} arguments for equation "{equation}", expecting {len(labels)}')
    ellipsis = ""
    if "..." in equation:
        labels, ellipsis = _without_ellipsis(labels, shapes)
        output = None if output is None else output.replace("...", ellipsis)
    if any("." in names for names in [*labels, output or ""]):
        raise ValueError('period "." found outside of ellipsis')
    return labels, _implied_output(labels, ellipsis) if output is None else output


def _without_ellipsis(labels, shapes):
    """The labels with letters in place of the ellipsis, and the letters of the longest one."""
    unused = "".join(c for c in string.ascii_letters if c not in "".join(labels))
    result, longest = [], ""
    for names, dims in zip(labels, shapes, strict=True):
        if "..." not in names:
            result.append(names)
            continue
        parts = names.split("...")
        if len(parts) != 2:
            raise ValueError("Unable to resolve ellipsis. Excess number found.")
        if dims is None:
            raise ValueError("Unable to statically infer ellipsis axes.")
        count = len(dims) - len("".join(parts))
        if count < 0:
            raise ValueError("Ellipses lengths do not match.")
        if len(unused) < count:
            raise ValueError("Unable to resolve ellipsis, too many distinct labels.")
        letters = unused[-count:] if count > 0 else ""
        longest = max(longest, letters, key=len)
        result.append(names.replace("...", letters))
    return result, longest


def _implied_output(labels, ellipsis):
    """Without "->": the ellipsis, then the labels that occur once, in alphabetical order."""
    every = "".join(labels)
    return ellipsis + "".join(sorted(c for c in set(every) - set(ellipsis) if every.count(c) == 1))


# --- einsum -------------------------------------------------------------------------------------------------------


@export("einsum", "linalg.einsum")
def einsum(equation, *inputs, **kwargs):
    """Contracts tensors over the indices that an equation names twice, by Einstein's convention.

    Args:
      equation: such as "ij,jk->ik": a letter a dimension of each input, and after "->" those of the output. Without
        "->" the letters that occur once, in alphabetical order. "..." stands for more dimensions.
      *inputs: tensors of one numeric type.
      **kwargs: `name`, a name scope.

    Returns:
      A tensor with the dimensions that the equation says.

    Raises:
      ValueError: if the equation is malformed or does not fit the inputs, or a label occurs twice in one input.
      TypeError: for another keyword argument than `name`.
    """
    name = kwargs.pop("name", None)
    if kwargs:
        raise TypeError("invalid keyword arguments for this function: " + ", ".join(sorted(map(format, kwargs))))
    with name_scope(name, "einsum", [equation, inputs]):
        tensors = [to_tensor(t) for t in inputs]
        labels, output = _resolve(equation, [t.dims for t in tensors])
        if _is_trace(labels, equation):
            from reflow.ops.linalg import trace

            return trace(tensors[0])
        _check_no_repetition(labels)
        for letter in set("".join(labels) + output):
            if letter not in output and sum(letter in names for names in labels) > 2:
                logging.warning('Falling back to exponential-space implementation of einsum() because index "%s" is '
                                "summed over more than two inputs.", letter)  # fmt: skip
                return _by_outer_product(tensors, labels, output)
        return _in_order(tensors, labels, output, equation)


def _is_trace(labels, equation):
    names = labels[0]
    return len(labels) == 1 and "->" not in equation and len(names) == 2 and names[0] == names[1]


def _check_no_repetition(labels):
    for names in labels:
        if len(set(names)) != len(names):
            raise ValueError(f"Subscript not supported: an axis appears more than once: {names}")


def _in_order(tensors, labels, output, equation):
    """Contract the first two inputs, the result with the third, and so on."""
    result, names = tensors[0], labels[0]
    for tensor, more in zip(tensors[1:], labels[1:], strict=True):
        summed = set(names) & set(more) - set(output)
        result, names = _contract(result, names, tensor, more, summed)
    left_over = [i for i, c in enumerate(names) if c not in output]
    if left_over:
        result = reduce_sum(result, axis=left_over)
        names = "".join(c for c in names if c in output)
    if sorted(names) != sorted(output):
        raise ValueError(f"Invalid equation: {equation}")
    return _transposed(result, [names.index(c) for c in output])


def _contract(x, x_names, y, y_names, summed):
    """One contraction of two inputs: the result and its labels.

    A label is kept (in both inputs, and not summed), free (in one input), or summed. As a batched matrix product:
    [kept, free of x, summed] times [kept, summed, free of y].
    """
    for tensor, names, which in ((x, x_names, "t0"), (y, y_names, "t1")):
        if len(names) != len(tensor.shape):
            raise ValueError(f"Tensor {which} of rank {len(tensor.shape)} does not match einsum reduction of length "
                             f"{len(names)}")  # fmt: skip
    kept = sorted((set(x_names) & set(y_names)) - summed)
    free_x = sorted(set(x_names) - set(kept) - summed)
    free_y = sorted(set(y_names) - set(kept) - summed)
    sums = sorted(summed)
    x = _transposed(x, [x_names.find(c) for c in kept + free_x + sums])
    y = _transposed(y, [y_names.find(c) for c in kept + sums + free_y])
    result_names = "".join(kept + free_x + free_y)
    if not summed:
        for _ in free_y:
            x = expand_dims(x, -1)
        for _ in free_x:
            y = expand_dims(y, len(kept))
        return call("Mul", x, y), result_names
    return _as_matrix_product(x, y, len(kept), len(free_x), len(sums)), result_names


def _as_matrix_product(x, y, kept, free_x, sums):
    """Join the free and the summed dimensions, multiply, and part the free ones again."""
    x_sizes = _sizes(x)
    free_size, sum_size = math.prod(x_sizes[kept : kept + free_x]), math.prod(x_sizes[kept + free_x :])
    x = _reshaped(x, [*x_sizes[:kept], free_size, sum_size])
    y_sizes = _sizes(y)
    y = _reshaped(y, [*y_sizes[:kept], sum_size, math.prod(y_sizes[kept + sums :])])
    return _reshaped(matmul(x, y), x_sizes[: kept + free_x] + y_sizes[kept + sums :])


def _transposed(tensor, order):
    return tensor if order == list(range(len(order))) else transpose(tensor, order)


def _sizes(tensor):
    """The size of each dimension: an int, or a scalar tensor where it is not known."""
    sizes = list(tensor.dims)
    if None in sizes:
        shape_tensor = shape(tensor)
        sizes = [shape_tensor[i] if size is None else size for i, size in enumerate(sizes)]
    return sizes


def _reshaped(tensor, sizes):
    is_same = len(sizes) == len(tensor.dims) and all(
        not isinstance(wanted, Tensor) and wanted in (size, -1)
        for size, wanted in zip(tensor.dims, sizes, strict=True)
    )  # fmt: skip
    return tensor if is_same else reshape(tensor, sizes)


def _by_outer_product(tensors, labels, output):
    """The product of all inputs, broadcast over all labels, summed: for labels that more than two inputs share."""
    summed = sorted(set("".join(labels)) - set(output))
    order = [*summed, *output]
    missing = set(output) - set("".join(labels))
    if missing:
        raise ValueError(f"Unknown output axes: {missing}")
    _check_sizes(tensors, labels, order)
    product = 1
    for tensor, names in zip(tensors, labels, strict=True):
        if tensor.shape.ndims != len(names):
            raise ValueError(f"Input with axes {names} has incorrect number of dimensions (expected {len(names)}, got "
                             f"{tensor.shape.ndims})")  # fmt: skip
        in_order = sorted(names, key=order.index)
        tensor = _transposed(tensor, [names.find(c) for c in in_order])
        sizes = dict(zip(in_order, tensor.dims, strict=True))
        product *= reshape(tensor, [sizes[c] or -1 if c in sizes else 1 for c in order])
    return reduce_sum(product, list(range(len(summed))))


def _check_sizes(tensors, labels, order):
    for letter in order:
        sizes = {t.dims[names.index(letter)] for t, names in zip(tensors, labels, strict=True) if letter in names}
        if len(sizes - {None, 0, 1}) > 1:
            raise ValueError(f"Dimension mismatch on axis: {letter}")


# --- tensordot ----------------------------------------------------------------------------------------------------


@export("tensordot", "linalg.tensordot")
def tensordot(a, b, axes, name=None):
    """Contracts `a` and `b` over pairs of dimensions (NumPy's tensordot).

    Args:
      a: a tensor of float or complex numbers.
      b: a tensor of the same type.
      axes: an int N: the last N dimensions of `a` with the first N of `b`; or a pair of lists (or of ints, or a tensor
        [2, k]) of the dimensions of `a` and of `b`.
      name: a name for the operation.

    Returns:
      A tensor with the remaining dimensions of `a` and then those of `b`.

    Raises:
      ValueError: if the axes do not fit the shapes or each other.
    """
    with name_scope(name, "Tensordot", [a, b, axes]) as scope:
        a, b = to_tensor(a, name="a"), to_tensor(b, name="b")
        a_axes, b_axes = _contracted_axes(a, axes)
        a_matrix, a_free, a_known = _as_matrix(a, a_axes, axes_first=False)
        b_matrix, b_free, b_known = _as_matrix(b, b_axes, axes_first=True)
        product = matmul(a_matrix, b_matrix)
        if isinstance(a_free, list) and isinstance(b_free, list):
            return reshape(product, a_free + b_free, name=scope)
        a_free, b_free = to_tensor(a_free, dtypes.int32), to_tensor(b_free, dtypes.int32)
        product = reshape(product, concat([a_free, b_free], 0), name=scope)
        if a_known is not None and b_known is not None:
            product.set_shape(a_known + b_known)
        return product


def _contracted_axes(a, axes):
    if isinstance(axes, numbers.Integral):
        if axes < 0:
            raise ValueError("'axes' must be at least 0.")
        if a.dims is None:
            a_rank = rank(a)
            return range_(a_rank - axes, a_rank, dtype=dtypes.int32), range_(axes, dtype=dtypes.int32)
        if axes > len(a.dims):
            raise ValueError(f"'axes' must not be larger than the number of dimensions of tensor {a}.")
        return list(range(len(a.dims) - axes, len(a.dims))), list(range(axes))
    if not isinstance(axes, (list, tuple)):
        axes = to_tensor(axes, dtypes.int32, "axes")
        return axes[0], axes[1]
    if len(axes) != 2:
        raise ValueError("'axes' must be an integer or have length 2.")
    a_axes, b_axes = axes
    if isinstance(a_axes, numbers.Integral) and isinstance(b_axes, numbers.Integral):
        a_axes, b_axes = [a_axes], [b_axes]
    if len(a_axes) != len(b_axes):
        raise ValueError(f"Different number of contraction axes 'a' and 'b', {len(a_axes)} != {len(b_axes)}.")
    return a_axes, b_axes


def _as_matrix(tensor, axes, axes_first):
    """The tensor as a matrix of free by contracted dimensions (or the other way), and the sizes of the free ones.

    Returns:
      (matrix, free sizes as a list or an int32 vector, free sizes as far as they are known or None).
    """
    dims = tensor.dims
    if not isinstance(axes, (list, tuple)) or dims is None:
        return _as_matrix_when_run(tensor, *_free_when_run(tensor, axes), None, axes_first)
    axes = [axis if axis >= 0 else axis + len(dims) for axis in axes]
    free = [i for i in range(len(dims)) if i not in axes]
    free_sizes = [dims[i] for i in free]
    if None in dims:
        axes, free = to_tensor(axes, dtypes.int32, "axes"), to_tensor(free, dtypes.int32, "free")
        return _as_matrix_when_run(tensor, shape(tensor), axes, free, free_sizes, axes_first)
    free_size, axes_size = int(np.prod(free_sizes)), int(np.prod([dims[i] for i in axes]))
    order = axes + free if axes_first else free + axes
    sizes = [axes_size, free_size] if axes_first else [free_size, axes_size]
    return reshape(transpose(tensor, order), sizes), free_sizes, free_sizes


def _free_when_run(tensor, axes):
    shape_tensor, rank_tensor = shape(tensor), rank(tensor)
    axes = to_tensor(axes, dtypes.int32, "axes")
    axes = where(axes >= 0, axes, axes + rank_tensor)
    free, _ = call("ListDiff", range_(rank_tensor), axes)
    return shape_tensor, axes, free


def _as_matrix_when_run(tensor, shape_tensor, axes, free, known_sizes, axes_first):
    free_sizes = gather(shape_tensor, free)
    axes_sizes = gather(shape_tensor, axes)
    free_size, axes_size = reduce_prod(free_sizes), reduce_prod(axes_sizes)
    order = concat([axes, free] if axes_first else [free, axes], 0)
    sizes = stack([axes_size, free_size] if axes_first else [free_size, axes_size])
    return reshape(transpose(tensor, order), sizes), free_sizes, known_sizes
