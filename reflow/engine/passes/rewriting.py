"""What several passes ask of a plan while they look for patterns, and the nodes that they make."""

import numpy as np

from reflow.engine.plan import Node, Plan, Value, new_node
from reflow.graph import dtypes
from reflow.graph.dtypes import DType


def sole_consumer(value: Value, consumers: dict[Value, list[Node]], fetched: set[Value]) -> Node | None:
    """The one node that takes `value`, once; None if there are several, or the value is fetched."""
    users = consumers.get(value, ())
    return users[0] if len(users) == 1 and value not in fetched else None


def has_known_dims(value: Value) -> bool:
    """True if all dimensions are known."""
    return value.dims is not None and None not in value.dims


def sizes_of(value: Value) -> tuple[int, ...]:
    """The dimensions of a value that has known ones."""
    return tuple(size or 0 for size in value.dims or ())


def constant_of(value: Value) -> np.ndarray | None:
    """The array of a constant, or None."""
    return value.node.attrs["value"] if value.node.type == "Const" else None


def waited_for_in(plan: Plan) -> set[Node]:
    """The nodes that others wait for, or that are run for their effect: they have to stay."""
    return {c for node in plan.nodes for c in node.control} | set(plan.targets)


def order_of_stack(plan: Plan, values: list[Value]) -> list[Value]:
    """The values in the order in which a node of the plan stacks them already, so that one stack serves for both."""
    wanted = set(values)
    for node in plan.nodes:
        if node.type == "ConcatV2" and len(node.inputs) == len(values) + 1 and set(node.inputs[:-1]) == wanted:
            return node.inputs[:-1]
    return values


def downstream(plan: Plan, sources: set[Node]) -> set[Node]:
    """The nodes that depend on any of `sources`, and these; the plan's nodes stand in a topological order."""
    found = set(sources)
    for node in plan.nodes:
        if any(value.node in found for value in node.inputs) or any(c in found for c in node.control):
            found.add(node)
    return found


# --- new nodes -------------------------------------------------------------------------------------------------------


def constant_node(name: str, number, dtype: DType, like: Node) -> Node:
    """A Const."""
    array = np.array(number, dtype.as_numpy_dtype)
    node = new_node(name, "Const", [], {"value": array, "dtype": dtype}, [(dtype, array.shape)], like=like)
    node.control = []
    return node


def concat_nodes(name: str, values: list[Value], axis: int, like: Node) -> list[Node]:
    """[the axis, ConcatV2] of matrices with known dims."""
    at = constant_node(f"{name}/axis", axis, dtypes.int32, like)
    dims = list(values[0].dims or ())
    dims[axis] = sum((v.dims or ())[axis] or 0 for v in values)
    attrs = {"N": len(values), "T": values[0].dtype, "Tidx": dtypes.int32}
    joined = new_node(name, "ConcatV2", [*values, at.outputs[0]], attrs, [(values[0].dtype, tuple(dims))], like=like)
    joined.control = []
    return [at, joined]
