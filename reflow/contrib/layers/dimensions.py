"""Sizes that layers are given or find in shapes."""

from reflow.graph.export import export
from reflow.graph.shapes import TensorShape


@export("contrib.slim.utils.channel_dimension")
def channel_dimension(shape, data_format, min_rank=1):
    """The number of channels in a TensorShape: its second size for "channels_first", else its last.

    Args:
      shape: a TensorShape.
      data_format: "NHWC" or "NCHW".

    Raises:
      ValueError: if it is not known, or the rank is less than `min_rank`.
    """
    return _known_size(shape, 1 if data_format == "channels_first" else -1, min_rank)


@export("contrib.slim.utils.last_dimension")
def last_dimension(shape, min_rank=1):
    """The last size of a TensorShape; raises ValueError if it is not known, or the rank is less than `min_rank`.

    Args:
      shape: a TensorShape.
    """
    return _known_size(shape, -1, min_rank)


def _known_size(shape, axis, min_rank):
    if shape.ndims is None:
        raise ValueError("dims of shape must be known but is None")
    if shape.ndims < min_rank:
        raise ValueError(f"rank of shape must be at least {min_rank} not: {shape.ndims}")
    size = shape[axis].value
    if size is None:
        raise ValueError(f"dimension {axis} of shape must be known but is None: {shape}")
    return size


@export("contrib.slim.utils.two_element_tuple")
def two_element_tuple(int_or_tuple):
    """(height, width) of an int, which counts for both, a pair, or a TensorShape of rank 2.

    Args:
      int_or_tuple: an integer, or a sequence of two.

    Raises:
      ValueError: for anything else.
    """
    if isinstance(int_or_tuple, (list, tuple)):
        if len(int_or_tuple) != 2:
            raise ValueError(f"Must be a list with 2 elements: {int_or_tuple}")
        return int(int_or_tuple[0]), int(int_or_tuple[1])
    if isinstance(int_or_tuple, int):
        return int_or_tuple, int_or_tuple
    if isinstance(int_or_tuple, TensorShape) and len(int_or_tuple) == 2:
        return int_or_tuple[0], int_or_tuple[1]
    raise ValueError("Must be an int, a list with 2 elements or a TensorShape of length 2")


@export("contrib.slim.utils.n_positive_integers")
def n_positive_integers(n, value):
    """`n` positive integers, as a tuple, of a positive int, which counts for each, or a sequence of them.

    Args:
      value: a positive integer, or a sequence of n.

    Raises:
      ValueError: for anything else.
    """
    if int(n) < 1 or int(n) != n:
        raise ValueError("n must be a positive integer")
    try:
        values = (int(value),) * int(n)
    except (TypeError, ValueError):
        values = _integers(n, value)
    for each in values:
        if each < 1:
            raise ValueError(f"expected positive integer, but received {each}")
    return values


def _integers(n, value):
    problem = f"Expected sequence of {n} positive integers, but received {value!r}"
    if len(value) != n:
        raise ValueError(problem)
    try:
        return tuple(int(each) for each in value)
    except (TypeError, ValueError):
        raise ValueError(problem) from None
