"""Shape rules that several op families share.

A rule takes the operation that is being made and returns one raw dims (tuple of int or None, or None) an output; see
CONTRIBUTING.md. The `with_...` and `merge_...` functions check one fact each, in the words that TensorFlow uses.
"""

from reflow.graph.convert import constant_value, constant_value_as_dims
from reflow.graph.operation import Tensor
from reflow.graph.shapes import Dims, broadcast_dims, merge_dims


def unchanged(index: int = 0):
    """The rule of an op with one output, shaped like input `index`."""

    def rule(op):
        return [op._inputs[index].dims]

    return rule


unchanged_shape = unchanged(0)


def scalar(op) -> list[Dims]:
    """Every output is a scalar."""
    return [()] * output_count(op)


def unknown(op) -> list[Dims]:
    """Nothing is known of any output."""
    return [None] * output_count(op)


def output_count(op) -> int:
    """How many tensors the op makes, from its signature and attributes."""
    return sum(arg.count(op.attrs) for arg in op.op_def.outputs)


def no_outputs(op) -> list[Dims]:
    """The rule of an op without outputs."""
    return []


def vector(length: int | None = None):
    """The rule of an op whose only output is a vector of `length` elements (None: not known)."""

    def rule(op):
        return [(length,)]

    return rule


def broadcast(op) -> list[Dims]:
    """The first two inputs broadcast against each other."""
    x, y = op._inputs[0].dims, op._inputs[1].dims
    return [broadcast_dims(x, y)]


def broadcast_all(op) -> list[Dims]:
    """All inputs broadcast against each other."""
    dims = op._inputs[0].dims
    for tensor in op._inputs[1:]:
        dims = broadcast_dims(dims, tensor.dims)
    return [dims]


def same_shape(op) -> list[Dims]:
    """All inputs have one shape, and so has the output."""
    dims = op._inputs[0].dims
    for tensor in op._inputs[1:]:
        dims = merge(dims, tensor.dims)
    return [dims]


def reduction(op) -> list[Dims]:
    """Input 0 without the axes that input 1 names, or with size 1 there if the attribute `keep_dims` is true."""
    dims, keep_dims = op._inputs[0].dims, op.attrs["keep_dims"]
    with_rank_at_most(op._inputs[1].dims, 1)
    axes = constant_value(op._inputs[1])
    if axes is None:
        return [(None,) * len(dims) if dims is not None and keep_dims else None]
    if dims is None:
        return [None]
    reduced = {axis_within(int(axis), len(dims), "Invalid reduction dimension") for axis in axes.reshape(-1)}
    if keep_dims:
        return [tuple([1 if i in reduced else d for i, d in enumerate(dims)])]
    return [tuple([d for i, d in enumerate(dims) if i not in reduced])]


# --- single facts -------------------------------------------------------------------------------------------------


def axis_within(axis: int, rank: int, words: str = "Invalid dimension") -> int:
    """`axis` counted from the front; raises ValueError if a tensor of `rank` has no such axis."""
    if not -rank <= axis < rank:
        raise ValueError(f"{words} {axis} for input with {rank} dimensions.")
    return axis + rank if axis < 0 else axis


def with_rank(dims: Dims, rank: int) -> tuple[int | None, ...]:
    """`dims`, of exactly `rank` dimensions; raises ValueError if they are known to have another rank."""
    if dims is None:
        return (None,) * rank
    if len(dims) != rank:
        raise ValueError(f"Shape must be rank {rank} but is rank {len(dims)}")
    return dims


def with_rank_at_least(dims: Dims, rank: int) -> Dims:
    """`dims`; raises ValueError if their rank is known and less than `rank`."""
    if dims is not None and len(dims) < rank:
        raise ValueError(f"Shape must be at least rank {rank} but is rank {len(dims)}")
    return dims


def with_rank_at_most(dims: Dims, rank: int) -> Dims:
    """`dims`; raises ValueError if their rank is known and greater than `rank`."""
    if dims is not None and len(dims) > rank:
        raise ValueError(f"Shape must be at most rank {rank} but is rank {len(dims)}")
    return dims


merge = merge_dims


def merged_from_last(tensors) -> Dims:
    """What is known of the one shape that all have; raises ValueError with the place of the one that differs."""
    dims = tensors[-1].dims
    for i, tensor in reversed(list(enumerate(tensors[:-1]))):
        try:
            dims = merge(tensor.dims, dims)
        except ValueError as error:
            raise ValueError(f"{error}\n\tFrom merging shape {i} with other shapes.") from None
    return dims


def merge_size(a: int | None, b: int | None) -> int | None:
    """What is known of one size from two sources; raises ValueError if they contradict each other."""
    if a is not None and b is not None and a != b:
        raise ValueError(f"Dimensions must be equal, but are {a} and {b}")
    return b if a is None else a


def with_size(size: int | None, expected: int | None) -> int | None:
    """What is known of a size that has to be `expected`; raises ValueError if it is known to be another."""
    if size is not None and expected is not None and size != expected:
        raise ValueError(f"Dimension must be {expected} but is {size}")
    return expected if size is None else size


def matrix_parts(dims: Dims) -> tuple[Dims, int | None, int | None]:
    """The batch, rows and columns of matrices; raises ValueError if the rank is known and less than 2."""
    return (None, None, None) if with_rank_at_least(dims, 2) is None else (dims[:-2], *dims[-2:])


def matrix_dims(batch: Dims, rows: int | None, columns: int | None) -> Dims:
    """The dims of a batch of matrices."""
    return None if batch is None else (*batch, rows, columns)


def merge_prefix(dims: Dims, prefix: Dims) -> tuple[Dims, Dims]:
    """Both shapes, knowing that `dims` begins with `prefix`; raises ValueError if it does not."""
    if dims is None or prefix is None:
        return dims, prefix
    with_rank_at_least(dims, len(prefix))
    merged = merge(dims[: len(prefix)], prefix)
    return merged + dims[len(prefix) :], merged


def constant_int(tensor: Tensor) -> int | None:
    """The value of a scalar integer tensor if construction can tell it."""
    value = constant_value(tensor)
    if value is not None and value.ndim:
        raise ValueError(f"Input must be scalar but has rank {value.ndim}")
    return None if value is None else int(value)


def shape_from_input(op, index: int) -> Dims:
    """The dims that input `index`, a shape vector, spells: -1 stands for an unknown size.

    Raises:
      ValueError: if it is known to be no vector, or to hold a size below -1.
    """
    tensor = op._inputs[index]
    with_rank(tensor.dims, 1)
    value = constant_value(tensor)
    if value is None:
        return constant_value_as_dims(tensor)
    sizes = value.tolist()
    wrong = next((size for size in sizes if size < -1), None)
    if wrong is not None:
        raise ValueError(f"Invalid value in tensor used for shape: {wrong}")
    return tuple([None if size < 0 else size for size in sizes])
