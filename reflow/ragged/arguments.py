"""Arguments that many functions on ragged tensors take: axes, integer tensors, row splits."""

from reflow.graph import dtypes
from reflow.graph.build import call
from reflow.graph.convert import constant_value, to_tensor
from reflow.graph.dtypes import DType, as_dtype
from reflow.graph.operation import Tensor
from reflow.ops.checks import assert_equal

SPLITS_TYPES = (dtypes.int32, dtypes.int64)

MISMATCHED_SPLITS_TYPES = (
    "have mismatched row_splits dtypes; use RaggedTensor.with_row_splits_dtype() to convert them to compatible dtypes."
)


def splits_type(dtype) -> DType:
    """The DType of row splits.

    Raises:
      ValueError: if it is neither int32 nor int64.
    """
    dtype = as_dtype(dtype)
    if dtype not in SPLITS_TYPES:
        raise ValueError("dtype must be int32 or int64")
    return dtype


def int_tensor(value, name: str, dtype: DType = dtypes.int32) -> Tensor:
    """An integer tensor of `dtype` for a value; the constants of that are named `name`.

    Raises:
      TypeError: if it is no integer tensor.
    """
    tensor = to_tensor(value, name=name, preferred_dtype=dtype)
    if not tensor.dtype.is_integer:
        raise TypeError(f"{name} must be an integer tensor; dtype={tensor.dtype}")
    return call("Cast", tensor, DstT=dtype)


def axis_from_front(axis, rank: int | None) -> int:
    """`axis` counted from the front.

    Raises:
      TypeError: if it is no int.
      ValueError: if a tensor of that rank has no such axis, or a negative one is given for an unknown rank.
    """
    if not isinstance(axis, int):
        raise TypeError(f"axis must be an int; got {type(axis).__name__}")
    if rank is None:
        if axis < 0:
            raise ValueError("axis may only be negative if ndims is statically known.")
        return axis
    if not -rank <= axis < rank:
        raise ValueError(f"axis={axis} out of bounds: expected {-rank}<=axis<{rank}")
    return axis + rank if axis < 0 else axis


# The ops that TensorFlow's Python code looks through. Shape rules look through more, but what is known here decides
# which nodes a graph gets.
_TRANSPARENT = frozenset({
    "Cast", "ConcatV2", "Const", "Equal", "Fill", "NotEqual", "Pack", "Range", "Rank", "Shape", "Size",
})  # fmt: skip
_OF_SHAPES = frozenset({"Rank", "Shape", "Size"})


def told_value(tensor: Tensor):
    """The array that a tensor is known to be, as far as TensorFlow's Python code can tell; None if it cannot."""
    op = tensor.op
    if op.type not in _TRANSPARENT:
        return None
    if op.type not in _OF_SHAPES and any(told_value(each) is None for each in op.inputs):
        return None
    return constant_value(tensor)


def check_splits_match(lists_of_splits) -> list:
    """Operations that fail, when they run, unless all lists hold the same row splits.

    Raises:
      ValueError: if the lists differ in length.
    """
    message = "Inputs must have identical ragged splits"
    first = lists_of_splits[0]
    if any(len(splits) != len(first) for splits in lists_of_splits):
        raise ValueError(message)
    return [assert_equal(ours, theirs, message=message)
            for splits in lists_of_splits[1:] for ours, theirs in zip(first, splits, strict=True)]  # fmt: skip
