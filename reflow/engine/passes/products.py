"""Products of matrices over time: which factor changes from step to step, and the nodes that rewrites make of them.

A cell whose states are rows multiplies x W: the factor at position 0 is another one at each step, and blocks of rows of
a stack give blocks of rows of the product. Where states are columns, in W x, it is the factor at position 1, and they
are blocks of columns. So the position of the factor that changes is also the axis of the product along which the steps
stand.
"""

from reflow.engine.passes.rewriting import constant_node, sizes_of
from reflow.engine.plan import Node, Value, new_node
from reflow.graph import dtypes

ROWS, COLUMNS = 0, 1
SIDES = ROWS, COLUMNS
# With fewer time steps there is little to gain.
LEAST_STEPS = 3
# With so many rows (or columns) a product runs at full speed by itself.
MOST_ROWS = 256

_FLAGS = "transpose_a", "transpose_b"


def kept_axis(product: Node, position: int) -> int:
    """The axis of a factor that is also an axis of the product; it is summed over the other one."""
    return position ^ product.attrs[_FLAGS[position]]


def summed_axis(product: Node, position: int) -> int:
    """The axis of a factor over which the product sums."""
    return 1 - kept_axis(product, position)


def in_order(side: int, varying: Value, shared: Value) -> list[Value]:
    """The factors in the order of a product's inputs."""
    return [varying, shared] if side == ROWS else [shared, varying]


def product_like(
    product: Node, name: str, factors: list[Value], addend: Value | None = None, activation: str = ""
) -> Node:  # fmt: skip
    """A product of other factors, transposed as those of `product`.

    Args:
      product: a MatMul or _FusedMatMul.
      name: the new node's name.
      factors: its two factors.
      addend: what to add in the same call: a vector for all rows, or a matrix.
      activation: with an addend, the activation of the sum, or "".
    """
    attrs = {"T": factors[0].dtype, **{flag: product.attrs[flag] for flag in _FLAGS}}
    dims = tuple(sizes_of(factor)[kept_axis(product, position)] for position, factor in enumerate(factors))
    inputs = list(factors)
    if addend is not None:
        attrs["activation"] = activation
        inputs.append(addend)
    node = new_node(name, "MatMul" if addend is None else "_FusedMatMul", inputs, attrs, [(factors[0].dtype, dims)],
                    like=product)  # fmt: skip
    node.control = []
    return node


def sum_node(name: str, a: Value, b: Value, like: Node) -> Node:
    """a + b, of the shape of a."""
    node = new_node(name, "AddV2", [a, b], {"T": a.dtype}, [(a.dtype, a.dims)], like=like)
    node.control = []
    return node


def split_nodes(name: str, value: Value, count: int, axis: int, like: Node) -> list[Node]:
    """[the axis, Split] of a matrix into `count` blocks along an axis."""
    at = constant_node(f"{name}/split_dim", axis, dtypes.int32, like)
    dims = list(sizes_of(value))
    dims[axis] //= count
    split = new_node(name, "Split", [at.outputs[0], value], {"num_split": count, "T": value.dtype},
                     [(value.dtype, tuple(dims))] * count, like=like)  # fmt: skip
    split.control = []
    return [at, split]


def slice_nodes(name: str, value: Value, axis: int, start: int, stop: int, like: Node) -> list[Node]:
    """[begin, size, Slice] of some rows or columns of a matrix."""
    begins, sizes = [0, 0], list(sizes_of(value))
    begins[axis], sizes[axis] = start, stop - start
    begin = constant_node(f"{name}/begin", begins, dtypes.int32, like)
    size = constant_node(f"{name}/size", sizes, dtypes.int32, like)
    attrs = {"T": value.dtype, "Index": dtypes.int32}
    part = new_node(name, "Slice", [value, begin.outputs[0], size.outputs[0]], attrs,
                    [(value.dtype, tuple(sizes))], like=like)  # fmt: skip
    part.control = []
    return [begin, size, part]
