"""Schedule: the one order in which a plan's nodes run, and where variables are read.

The order is the program's own, with one exception: a node that changes a variable waits until everything has run that
does not depend on such a change, so that within a step reads come before writes unless control edges say otherwise.
"""

import heapq
from collections.abc import Callable

from reflow.engine.gather import gather_branches
from reflow.engine.plan import Node, Plan, Value, new_node
from reflow.engine.waiting import Waiting
from reflow.graph.registry import define_op

# Reads the tensor out of a variable; made by the scheduler wherever a node takes a variable's value. With `copy` the
# value is cloned, because something changes the variable in place while the value is still wanted.
define_op("_Read", "state: ref T -> value: T", "T: type, copy: bool = false", kernel="{state}.read()", aliases=(0,),
          gradient=None)  # fmt: skip


def insert_reads(plan: Plan) -> Plan:
    """Make the reads of reference variables nodes of their own, before any pass.

    A read stays after as many changes of variables as lie before the node that wants it (its level).

    Args:
      plan: a plan as it comes out of pruning.

    Returns:
      The same plan.

    Raises:
      ValueError: if the plan has a cycle.
    """
    _order_critical_sections(plan)
    _set_levels(plan)
    _insert_reads(plan)
    return plan


def _order_critical_sections(plan: Plan) -> None:
    """Let a mutex be locked after it was released by the section before: one thread cannot wait for itself."""
    if sum(node.type == "MutexLock" for node in plan.nodes) < 2:
        return
    plan.nodes = topological(plan.nodes)
    releases = {node.inputs[0].node: node for node in plan.nodes if node.type == "ConsumeMutexLock"}
    last: dict[tuple, Node] = {}
    for lock in [node for node in plan.nodes if node in releases]:
        (handle,) = states_of(lock.inputs[0])
        mutex = handle.attrs["container"], handle.attrs["shared_name"] or handle.name
        if mutex in last:
            lock.control.append(last[mutex])
        last[mutex] = releases[lock]


def schedule(plan: Plan, regroup: Callable | None = None) -> Plan:
    """Order the nodes, and note which reads need a copy.

    Args:
      plan: a plan in any order.
      regroup: an optional `(nodes, predecessors of a node, what has to stay in order) -> nodes` that changes the order.

    Returns:
      The same plan, its nodes in the order they run.

    Raises:
      ValueError: if the plan has a cycle.
    """
    _set_levels(plan)
    if any(n.level or n.op_def.writes for n in plan.nodes):
        plan.nodes.sort(key=_order)
    plan.nodes = gather_branches(plan.nodes, _predecessors, _order)
    if regroup is not None:
        plan.nodes = regroup(plan.nodes, _predecessors, _order)
    _mark_copies(plan)
    return plan


def _order(node: Node) -> tuple[int, bool]:
    return node.level, writes_variable(node)


def writes_variable(node: Node) -> bool:
    """True if the node changes the value of a variable."""
    if not node.op_def.writes:
        return False
    return any(state.type in _VARIABLES for v in node.inputs if v.is_state for state in states_of(v))


_VARIABLES = frozenset({"VariableV2", "Variable", "VarHandleOp", "AutoReloadVariable"})
# What passes on one of several variables.
_CHOICES = frozenset({"_Merge", "_RefMerge", "RefSelect"})


def _set_levels(plan: Plan) -> None:
    """level = the greatest number of variable changes on any path to the node."""
    seen: set[Node] = set()
    for node in plan.nodes:
        level = node.level if node.type == "_Read" else 0
        for before in _predecessors(node):
            if before not in seen:
                plan.nodes = topological(plan.nodes)
                _set_levels(plan)
                return
            reached = before.level + 1 if writes_variable(before) else before.level
            if reached > level:
                level = reached
        node.level = level
        seen.add(node)


def _predecessors(node: Node) -> list[Node]:
    before = [v.node for v in node.inputs if v.node.type != "_Feed"]
    if node.guard:
        before.extend(condition.node for condition, _ in node.guard)
    return before + node.control if node.control else before


def topological(nodes: list[Node]) -> list[Node]:
    """Kahn's algorithm; among the nodes that are ready, the one that the program made first."""
    waiting = Waiting(nodes, _predecessors)
    ready = waiting.ready()  # sorted, so a heap
    ordered: list[Node] = []
    while ready:
        position = heapq.heappop(ready)
        ordered.append(nodes[position])
        for follower in waiting.release(position):
            heapq.heappush(ready, follower)
    if len(ordered) < len(nodes):
        stuck = [nodes[i].name for i in waiting.stuck()]
        raise ValueError(f"the graph has a cycle through {', '.join(stuck[:5])}")
    return ordered


def takes_state(node: Node, position: int) -> bool:
    """True if the node wants the variable itself at that input, not its value."""
    args = node.op_def.inputs
    if len(args) == 1 and not args[0].is_list:
        arg = args[0]
    else:
        arg = _argument(node, position)
    return arg.is_ref or node.inputs[position].dtype.name == "resource"


def _argument(node: Node, position: int):
    for arg in node.op_def.inputs:
        count = arg.count(node.attrs)
        if position < count:
            return arg
        position -= count
    raise IndexError(f"{node.name} has no input {position}")


def _insert_reads(plan: Plan) -> None:
    """Where a node takes the value of a reference variable, take it from a `_Read` node of the same level.

    The snapshot that every variable has (`w/read`) shares the variable's memory in TensorFlow: a node that takes it
    after a change sees the change. So such a node reads the variable itself. And a fetched variable has the value that
    the run leaves: `sess.run([train, global_step])` counts the step.
    """
    reads: dict[tuple[Value, int, tuple], Value] = {}
    snapshots: dict[Value, Value] = {}
    ordered: list[Node] = []
    for node in plan.nodes:
        if node.type == "Identity" and node.inputs[0].dtype.is_ref and node.name == f"{node.inputs[0].name}/read":
            snapshots[node.outputs[0]] = node.inputs[0]
        for i, value in enumerate(node.inputs):
            if value in snapshots and value.node.level < node.level:
                value = snapshots[value]
            if value.dtype.is_ref and not takes_state(node, i):
                key = value, node.level, node.guard
                if key not in reads:
                    reads[key] = _read_node(*key, ordered)
                node.inputs[i] = reads[key]
        ordered.append(node)
    last = max((n.level + writes_variable(n) for n in plan.nodes), default=0)
    for i, value in enumerate(plan.fetches):
        value = snapshots.get(value, value)
        if value.dtype.is_ref:
            key = value, last, ()
            if key not in reads:
                reads[key] = _read_node(*key, ordered)
            plan.fetches[i] = reads[key]
    plan.nodes = ordered


def _read_node(value: Value, level: int, guard: tuple, ordered: list[Node]) -> Value:
    base = value.dtype.base_dtype
    read = new_node(f"{value.name}/value", "_Read", [value], {"T": base, "copy": False}, [(base, value.dims)],
                    like=value.node)  # fmt: skip
    read.control = []
    read.level, read.guard = level, guard
    ordered.append(read)
    return read.outputs[0]


def states_of(value: Value) -> list[Node]:
    """The nodes that made the variables one of which `value` (a reference or handle) passes on."""
    node = value.node
    if node.type in _CHOICES:
        return [state for v in node.inputs if v.is_state for state in states_of(v)]
    if node.inputs and node.inputs[0].is_state:
        return states_of(node.inputs[0])
    return [node]


# Changes that take each element of a value just when they overwrite that of the variable.
_ELEMENT_BY_ELEMENT = frozenset({"Assign", "AssignAdd", "AssignSub", "AssignVariableOp", "AssignAddVariableOp",
                                 "AssignSubVariableOp"})  # fmt: skip


def _mark_copies(plan: Plan) -> None:
    """Clone at a read whose value, or a view of it, is used after the variable has been changed in place."""
    changes: dict[Node, list[int]] = {}
    position_of = {}
    for position, node in enumerate(plan.nodes):
        position_of[node] = position
        if node.op_def.writes:
            for value in node.inputs:
                if value.is_state:
                    for state in states_of(value):
                        changes.setdefault(state, []).append(position)
    if not changes:
        return

    def check(read: Node, use: int, overlaps: bool) -> None:
        """With `overlaps`, a use at the change itself counts, too: the change would overwrite what it has to read."""
        start = position_of[read]
        for state in states_of(read.inputs[0]):
            for change in changes.get(state, ()):
                if start < change and (change < use or overlaps and change == use):
                    read.attrs = {**read.attrs, "copy": True}

    readers: dict[Value, list[Node]] = {}
    fetched = set(plan.fetches)
    for position, node in enumerate(plan.nodes):
        for value in node.inputs:
            for read in readers.get(value, ()):
                check(read, position, value.node is not read or node.type not in _ELEMENT_BY_ELEMENT)
        for output in _aliasing_outputs(node):
            reads = [node] if node.inputs[0].is_state else _reads_behind(node, readers)
            if reads:
                readers[output] = reads
            if output in fetched:
                for read in reads:
                    check(read, len(plan.nodes), False)


def _reads_behind(node, readers) -> list[Node]:
    """The variable reads whose memory a view's outputs share."""
    if node.op_def.inputs[0].is_list:
        inputs = node.inputs
    else:
        inputs = [node.inputs[i] for i in node.op_def.aliases if i < len(node.inputs)]
    return [read for value in inputs for read in readers.get(value, ())]


def _aliasing_outputs(node: Node) -> list[Value]:
    if not node.op_def.aliases or not node.inputs:
        return []
    return [] if node.op_def.writes or node.outputs and node.outputs[0].is_state else node.outputs
