"""Initial values that are computed from other variables: they use those variables' initialized values."""

from reflow.graph.collections import GraphKeys
from reflow.graph.operation import Operation, Tensor

# A value that passes one of these does not need the variable to be initialized, or asks for it already.
_SAFE = {"IsVariableInitialized", "VarIsInitializedOp", "ReadVariableOp", "If"}
_VARIABLES = {"Variable", "VariableV2", "VarHandleOp"}


def safe_initial_value(name: str, initial_value: Tensor) -> Tensor:
    """`initial_value`, rewritten where it reads variables: it can then be computed before they are initialized.

    Nodes between the variables and the value are copied, their names with `_<name>` appended.

    Args:
      name: the new variable's name scope.
      initial_value: the value to start from.

    Raises:
      TypeError: if `initial_value` is no Tensor.
    """
    if not isinstance(initial_value, Tensor):
        raise TypeError(f"initial_value needs to be a Tensor: {initial_value}")
    if initial_value.op.type == "Const":
        return initial_value
    order = _operations_before(initial_value.op)
    if order is None:
        return initial_value
    copies: dict[Operation, Operation] = {}
    for operation in order:
        copies[operation] = _safe_operation(name, operation, copies)
    return copies[initial_value.op].outputs[initial_value.value_index]


def _operations_before(last: Operation) -> list[Operation] | None:
    """The operations that `last` depends on and itself, in order; None if no variable is among them, or a cycle is."""
    order: list[Operation] = []
    state: dict[Operation, str] = {}
    found = False
    stack = [last]
    while stack:
        operation = stack[-1]
        if operation not in state:
            state[operation] = "open"
            found = found or operation.type in _VARIABLES
            if operation.type in _SAFE:
                continue
            for tensor in reversed(operation._inputs):
                if state.get(tensor.op) == "open":
                    return None
                if tensor.op not in state:
                    stack.append(tensor.op)
        else:
            stack.pop()
            if state[operation] == "open":
                state[operation] = "done"
                order.append(operation)
    return order if found else None


def _safe_operation(name: str, operation: Operation, copies: dict[Operation, Operation]) -> Operation:
    if operation.type in _SAFE:
        return operation
    if operation.type in _VARIABLES:
        value = _initialized_value(operation)
        return operation if value is None else value.op
    inputs = [copies[t.op].outputs[t.value_index] for t in operation._inputs]
    if inputs == list(operation._inputs):
        return operation
    kind = "Switch" if operation.type == "RefSwitch" else operation.type
    types = [t.dtype for t in operation.outputs]
    return operation.graph.create_op(kind, inputs, types, name=f"{operation.name}_{name}".replace(":", "_"),
                                     attrs=operation.attrs)  # fmt: skip


def _initialized_value(operation: Operation) -> Tensor | None:
    """`initialized_value()` of the variable that a node belongs to."""
    names = operation.name, f"{operation.name}:0"
    for key in (GraphKeys.GLOBAL_VARIABLES, GraphKeys.LOCAL_VARIABLES):
        for variable in operation.graph.get_collection(key):
            if getattr(variable, "name", None) in names:
                return variable.initialized_value()
    return None
