"""The plan's rules, as a check that tests run after every pass."""

from reflow.engine.aliases import memory_roots, roots_of
from reflow.engine.plan import Node, Plan

# What takes inputs of which only some are made.
_CHOICES = frozenset({"_Merge", "_RefMerge", "_MergeIndex", "_AnyCase"})


def verify(plan: Plan, where: str) -> None:
    """Check that a plan is well formed.

    Args:
      plan: the plan.
      where: the pass that made it, for messages.

    Raises:
      AssertionError: naming the rule that does not hold and the node.
    """
    made: set[Node] = {v.node for v in plan.feeds}
    everything = set(plan.nodes)
    names: set[int] = set()
    for node in plan.nodes:
        _check_signature(node, where)
        assert id(node) not in names, f"{where}: {node.name} stands twice"
        names.add(id(node))
        for value in node.inputs:
            assert value.node in made or value.node.type == "NextIteration" or value.node in everything, (
                f"{where}: {node.name} takes {value}, which nothing makes")  # fmt: skip
            # A fed tensor is the only output of its node, whatever its place in the graph was.
            place = 0 if value.node.type == "_Feed" else value.index
            assert value.node.outputs[place] is value, f"{where}: {value} is not the output it says it is"
        for control in node.control:
            assert control in everything, f"{where}: {node.name} waits for {control.name}, which is not in the plan"
        for condition, _ in node.guard:
            assert condition.node in made, f"{where}: {node.name} depends on {condition}, which is not made before"
        if node.type not in _CHOICES and node.type != "Const":
            for value in node.inputs:
                assert set(value.node.guard) <= set(node.guard), (
                    f"{where}: {node.name} takes {value}, which may not be made")  # fmt: skip
        made.add(node)
    for value in plan.fetches:
        assert value.node in made, f"{where}: the fetch {value} is not made"
    for target in plan.targets:
        assert target in made, f"{where}: the target {target.name} is not in the plan"
    if any(node.reuses for node in plan.nodes):
        _check_memory(plan, where)


def _check_memory(plan: Plan, where: str) -> None:
    """No node takes what another one has overwritten, and nobody's memory but the plan's own is overwritten."""
    roots = memory_roots(plan)
    overwritten: dict = {}
    for node in plan.nodes:
        for value in node.inputs:
            for root in roots_of(value, roots):
                by = overwritten.get(root)
                assert by is None, f"{where}: {node.name} takes {value}, which {by} overwrote"
        for position in node.reuses:
            for root in roots_of(node.inputs[position], roots):
                foreign = root.is_state or root.node.type in ("Const", "_Feed")
                assert not foreign, f"{where}: {node.name} overwrites {root}, which is not the plan's"
                overwritten[root] = node.name
    for value in plan.fetches:
        for root in roots_of(value, roots):
            assert root not in overwritten, f"{where}: {overwritten.get(root)} overwrote the fetch {value}"


def _check_signature(node: Node, where: str) -> None:
    count = sum(arg.count(node.attrs) for arg in node.op_def.inputs)
    assert len(node.inputs) == count, f"{where}: {node.name} ({node.type}) has {len(node.inputs)} inputs, not {count}"
