"""What elementwise functions do with ragged arguments: they work on the innermost values.

Each handler `(function, args, kwargs)` gets a dense function and the arguments of a call that it refused. It returns
NOT_RAGGED if the call is none for it.
"""

import inspect

import numpy as np

from reflow.graph.context import control_dependencies
from reflow.graph.convert import to_tensor
from reflow.graph.operation import Tensor
from reflow.graph.sparse_tensor import SparseTensor
from reflow.ragged.arguments import check_splits_match
from reflow.ragged.broadcasting import broadcast_rows
from reflow.ragged.dynamic_shape import DynamicShape, broadcast_shapes
from reflow.ragged.tensor import RaggedTensor, common_splits_type, is_ragged

NOT_RAGGED = object()
"""What a handler returns for a call that has no ragged arguments, or others that it cannot take."""


def converts_to_tensor(value) -> bool:
    """Whether a value that is not ragged may stand beside ragged ones."""
    if value is None or isinstance(value, (Tensor, np.ndarray, int, float, str)):
        return True
    if isinstance(value, SparseTensor):
        return False
    try:
        to_tensor(value)
    except (TypeError, ValueError):
        return False
    return True


def parameters(function) -> list[str]:
    """The names of a function's parameters."""
    return list(inspect.signature(function).parameters)


def _first_argument(function, args, kwargs):
    """The first argument and the others; None if it is not given."""
    if args:
        return args[0], args[1:], kwargs
    kwargs = dict(kwargs)
    return kwargs.pop(parameters(function)[0], None), args, kwargs


def unary(function, args, kwargs):
    """A function of one tensor: it gets the flat values."""
    x, args, kwargs = _first_argument(function, args, kwargs)
    if not isinstance(x, RaggedTensor):
        return NOT_RAGGED
    return x.with_flat_values(function(x.flat_values, *args, **kwargs))


def of_list(function, args, kwargs):
    """A function of a list of tensors: it gets the flat values of the ragged ones, whose splits must be equal."""
    values, args, kwargs = _first_argument(function, args, kwargs)
    if not isinstance(values, (list, tuple)):
        return NOT_RAGGED
    if not all(is_ragged(value) or converts_to_tensor(value) for value in values):
        return NOT_RAGGED
    ragged = [value for value in values if is_ragged(value)]
    if not ragged:
        return NOT_RAGGED
    common_splits_type(*ragged)
    splits = [value.nested_row_splits for value in ragged]
    flat = [value.flat_values if is_ragged(value) else value for value in values]
    with control_dependencies(check_splits_match(splits)):
        return RaggedTensor.from_nested_row_splits(function(flat, *args, **kwargs), splits[0], validate=False)


def _pair(function, args, kwargs):
    """The first two arguments and the others."""
    kwargs = dict(kwargs)
    names = parameters(function)[:2]
    pair = [args[i] if i < len(args) else kwargs.pop(name, None) for i, name in enumerate(names)]
    return *pair, args[2:], kwargs


def _needs_rows(ragged, dense) -> bool:
    """Whether a dense tensor has to be spread over rows: else it broadcasts with the flat values.

    Raises:
      TypeError: if the ranks are not known so far.
    """
    if not isinstance(ragged, RaggedTensor) or dense.shape.ndims == 0:
        return False
    ranks = ragged.flat_values.shape.ndims, dense.shape.ndims
    if None in ranks:
        raise TypeError("Unable to broadcast: unknown rank")
    return ranks[0] <= ranks[1]


def binary(function, args, kwargs):
    """A function of two tensors that broadcast."""
    x, y, args, kwargs = _pair(function, args, kwargs)
    if not (isinstance(x, RaggedTensor) or isinstance(y, RaggedTensor)):
        return NOT_RAGGED
    names = parameters(function)
    try:
        if not isinstance(x, RaggedTensor):
            x = to_tensor(x, name=names[0], preferred_dtype=y.dtype)
        if not isinstance(y, RaggedTensor):
            y = to_tensor(y, name=names[1], preferred_dtype=x.dtype)
    except (TypeError, ValueError):
        return NOT_RAGGED
    common_splits_type(x, y)
    if is_ragged(x) and is_ragged(y) or _needs_rows(x, y) or _needs_rows(y, x):
        wanted = broadcast_shapes(DynamicShape.of(x), DynamicShape.of(y))
        x, y = broadcast_rows(x, wanted), broadcast_rows(y, wanted)
    flat = [value.flat_values if is_ragged(value) else value for value in (x, y)]
    result = function(*flat, *args, **kwargs)
    return (x if is_ragged(x) else y).with_flat_values(result)
