"""Checks of ranks and shapes: assert_rank, assert_rank_at_least, assert_rank_in, assert_scalar, assert_shapes."""

from reflow.graph import dtypes
from reflow.graph.build import call
from reflow.graph.context import control_dependencies, name_scope
from reflow.graph.convert import constant_value, to_tensor
from reflow.graph.export import export
from reflow.graph.operation import Tensor
from reflow.ops.checks import Assert, assert_type
from reflow.ops.conditional import cond
from reflow.ops.control import group, no_op, with_dependencies

# --- ranks --------------------------------------------------------------------------------------------------------


def _checked_rank(x, ranks, words, statically, dynamically, data, summarize, message):
    """Check the rank of `x`: now if it and `ranks` are known, and else when it runs.

    Args:
      x: a Tensor.
      ranks: int32 scalar tensors.
      words: "rank", "rank at least", "rank in": what is wanted of it.
      statically: `(rank of x, list of ints) -> bool`.
      dynamically: `(rank of x, list of tensors) -> bool tensor`.
      data, summarize, message: as of `assert_rank`.
    """
    from reflow.ops.shape_ops import rank, shape

    message = message or ""
    if data is None:
        data = [message, f"Tensor {x.name} must have {words}", *ranks, "Received shape: ", shape(x)]
    for each in ranks:
        assert_type(each, dtypes.int32)
    static = [constant_value(each) for each in ranks]
    if all(s is not None for s in static):
        if any(s.ndim for s in static):
            raise ValueError("Rank must be a scalar.")
        if x.dims is not None:
            wanted = [int(s) for s in static]
            if not statically(len(x.dims), wanted):
                shown = tuple(wanted) if words.endswith("in") else wanted[0]
                raise ValueError(f"{message}.  Tensor {x.name} must have {words} {shown}.  Received rank "
                                 f"{len(x.dims)}, shape {x.shape}")  # fmt: skip
            return no_op(name="static_checks_determined_all_ok")
    condition = dynamically(rank(x), ranks)
    for each, known in zip(ranks, static, strict=True):
        if known is None:
            check = assert_rank(each, 0, data=["Rank must be a scalar. Received rank: ", each])
            condition = with_dependencies([check], condition)
    return Assert(condition, data, summarize=summarize)


@export("assert_rank", "debugging.assert_rank")
def assert_rank(x, rank, data=None, summarize=None, message=None, name=None):
    """An operation that fails unless a tensor has a rank.

    Args:
      x: a tensor.
      rank: int32 scalar.
      data: a list of tensors to show if it fails; a message and the shape if None.
      summarize: how many elements of each tensor to show.
      message: a string to put before them.
      name: the name scope.

    Returns:
      The Operation, which raises InvalidArgumentError. It has to run: use it as a control dependency.

    Raises:
      ValueError: at once, if the rank is known to be another.
    """
    with name_scope(name, "assert_rank", (x, rank, *(data or []))):
        x, rank = to_tensor(x, name="x"), to_tensor(rank, name="rank")
        return _checked_rank(
            x, [rank], "rank", lambda have, want: have == want[0],
            lambda have, want: call("Equal", have, want[0]), data, summarize, message,
        )  # fmt: skip


@export("assert_rank_at_least", "debugging.assert_rank_at_least")
def assert_rank_at_least(x, rank, data=None, summarize=None, message=None, name=None):
    """An operation that fails unless a tensor has at least a rank.

    Args:
      x: a tensor.
      rank: int32 scalar.
      data: a list of tensors to show if it fails; a message and the shape if None.
      summarize: how many elements of each tensor to show.
      message: a string to put before them.
      name: the name scope.

    Returns:
      The Operation, which raises InvalidArgumentError. It has to run: use it as a control dependency.

    Raises:
      ValueError: at once, if the rank is known to be less.
    """
    with name_scope(name, "assert_rank_at_least", (x, rank, *(data or []))):
        x, rank = to_tensor(x, name="x"), to_tensor(rank, name="rank")
        return _checked_rank(
            x, [rank], "rank at least", lambda have, want: have >= want[0],
            lambda have, want: call("GreaterEqual", have, want[0]), data, summarize, message,
        )  # fmt: skip


@export("assert_rank_in", "debugging.assert_rank_in")
def assert_rank_in(x, ranks, data=None, summarize=None, message=None, name=None):
    """An operation that fails unless the rank of a tensor is one of several.

    Args:
      x: a tensor.
      ranks: a list of int32 scalars.
      data: a list of tensors to show if it fails; a message and the shape if None.
      summarize: how many elements of each tensor to show.
      message: a string to put before them.
      name: the name scope.

    Returns:
      The Operation, which raises InvalidArgumentError. It has to run: use it as a control dependency.

    Raises:
      ValueError: at once, if the rank is known to be none of them.
    """
    with name_scope(name, "assert_rank_in", (x, *ranks, *(data or []))):
        x = to_tensor(x, name="x")
        ranks = [to_tensor(rank, name="rank") for rank in ranks]
        return _checked_rank(x, ranks, "rank in", lambda have, want: have in want, _is_one_of, data, summarize, message)


def _is_one_of(rank, ranks):
    if not ranks:
        return to_tensor(False)
    result = call("Equal", ranks[0], rank)
    for each in ranks[1:]:
        result = call("LogicalOr", result, call("Equal", each, rank))
    return result


@export("assert_scalar", "debugging.assert_scalar")
def assert_scalar(tensor, name=None, message=None):
    """The tensor itself, which is known to be a scalar.

    Args:
      tensor: a tensor.
      name: the name scope.
      message: a string to put before the error's message.

    Returns:
      The Tensor.

    Raises:
      ValueError: if it is not known to be a scalar.
    """
    with name_scope(name, "assert_scalar", [tensor]) as scope:
        tensor = to_tensor(tensor, name=scope)
        if tensor.dims != ():
            raise ValueError(f"{message or ''}Expected scalar shape for {tensor.name}, saw shape: {tensor.shape}.")
        return tensor


# --- shapes -------------------------------------------------------------------------------------------------------


@export("debugging.assert_shapes")
def assert_shapes(shapes, data=None, summarize=None, message=None, name=None):
    """An operation that fails unless tensors have shapes that fit each other.

    Args:
      shapes: a dict, or list of pairs, of tensor and its shape: a tuple of ints, of names (sizes under one name have
        to be equal), of None or "." (any size), that may begin with `...` or "*" (any number of axes). None: no check.
      data: a list of tensors to show if it fails; a message and the shape if None.
      summarize: how many elements of each tensor to show.
      message: a string to put before them.
      name: the name scope.

    Returns:
      The Operation, which raises InvalidArgumentError. It has to run: use it as a control dependency.

    Raises:
      ValueError: at once, if known sizes do not fit, or a shape cannot be read.
    """
    pairs = list(shapes.items() if isinstance(shapes, dict) else shapes)
    with name_scope(name, "assert_shapes", [[x for x, _ in pairs], data]):
        message = message or ""
        given = [(to_tensor(x), spec) for x, spec in pairs if spec is not None]
        wanted = [_Wanted(x, spec, message) for x, spec in given]
        rank_checks = [each.check_rank(data, summarize, message, name) for each in wanted]
        size_checks = _size_checks(wanted, data, summarize, message)
        with control_dependencies([check for check in rank_checks if check is not None]):
            return group(*size_checks)


class _Wanted:
    """What `assert_shapes` is told of one tensor."""

    def __init__(self, x, spec, message):
        if not hasattr(spec, "__iter__"):
            raise ValueError(f"{message}.  Tensor {x.name}.  Specified shape must be an iterable.  An iterable has the "
                             f"attribute `__iter__` or `__getitem__`.  Received specified shape: {spec}")  # fmt: skip
        spec = tuple(spec)
        for i, symbol in enumerate(spec):
            if i and symbol in (..., "*"):
                raise ValueError(
                    f"{message}.  Tensor {x.name} specified shape index {i}.  Symbol `...` or `*` for a variable "
                    "number of unspecified dimensions is only allowed as the first entry"
                )
        self.x = x
        self.is_open = bool(spec) and spec[0] in (..., "*")
        # A scalar counts as a vector of one element.
        self.symbols = (spec[1:] if self.is_open else spec) or (1,)
        self.sizes = _sizes(x)

    def check_rank(self, data, summarize, message, name):
        """The operation that checks the rank; None if any rank will do."""
        rank = len(self.symbols)
        if rank <= 1:
            return None if self.is_open else assert_rank_in(self.x, [0, 1], data, summarize, message, name)
        check = assert_rank_at_least if self.is_open else assert_rank
        return check(self.x, rank, data, summarize, message, name)

    def axis(self, place):
        """The axis of the tensor that the symbol at `place` is about."""
        return place - len(self.symbols) if self.is_open else place


def _sizes(x):
    """The sizes of a tensor: ints where they are known, else scalar tensors; [1] for a scalar."""
    from reflow.ops.constant import constant
    from reflow.ops.shape_ops import rank, shape

    dynamic = shape(x)
    if x.dims is None:
        return cond(call("Equal", rank(x), 0), lambda: constant([1]), lambda: dynamic)
    return [dynamic[i] if size is None else size for i, size in enumerate(x.dims)] or [1]


def _as_int(size):
    """The int that a size or symbol stands for, or None."""
    if size is None or isinstance(size, Tensor):
        return None
    try:
        return int(size)
    except (ValueError, TypeError):
        return None


def _size_checks(wanted, data, summarize, message):
    """The operations that check sizes; sizes that are known are checked now."""
    from reflow.ops.shape_ops import shape

    first_use, checks = {}, []
    for each in wanted:
        for place, symbol in enumerate(each.symbols):
            if symbol in (None, "."):
                continue
            axis = each.axis(place)
            actual, size = each.sizes[axis], _as_int(symbol)
            if size is not None:
                origin = "Specified explicitly"
            elif symbol in first_use:
                size, other, other_axis = first_use[symbol]
                origin = f"Specified by tensor {other.name} dimension {other_axis}"
            else:
                first_use[symbol] = actual, each.x, axis
                continue
            if None not in (_as_int(actual), _as_int(size)):
                _check_known_size(each.x, axis, int(actual), int(size), f"{message}.  {origin}.")
                continue
            condition = call("Equal", to_tensor(actual), to_tensor(size))
            shown = data
            if shown is None:
                shown = [message, origin, f"Tensor {each.x.name} dimension", axis, "must have size", size,
                         "Received shape: ", shape(each.x)]  # fmt: skip
            checks.append(Assert(condition, shown, summarize=summarize))
    return checks


def _check_known_size(x, axis, actual, size, start):
    if actual != size:
        raise ValueError(f"{start}  Tensor {x.name} dimension {axis} must have size {size}.  Received size {actual}, "
                         f"shape {x.shape}")  # fmt: skip
