"""Conditionals: Switch and Merge become guards, so that the emitted function says `if` and `else`.

In the graph a Switch passes its tensor to one of two outputs, and what depends on the other one is dead. In the plan a
node has a *guard* instead: the conditions, each with the way it has to go, under which the node runs. A Switch is gone
(its users take the tensor itself), and a Merge is one expression, `x if condition else y`. The plan stays flat: a node
of one conditional may take what another node made under the same conditions, as gradients of conditionals do.
"""

from reflow.engine.plan import Node, Plan, Value, new_node
from reflow.engine.schedule import topological
from reflow.graph import dtypes, errors
from reflow.graph.registry import define_op
from reflow.graph.shapes import dims_in_brackets
from reflow.ops.control_flow import MERGES, SWITCHES, common_dims

# A literal is (condition, way); a set of them holds if each condition goes its way. Nodes that can never run have None.
Guard = frozenset
_NOTHING: Guard = frozenset()
# What makes conditions.
CONDITIONS = frozenset({"_Condition", "_AnyCase"})


# --- ops of the plan --------------------------------------------------------------------------------------------------


def _condition(pred) -> bool:
    if pred.ndim:
        raise errors.InvalidArgumentError(None, None, "The second input must be a scalar, but it has shape "
                                          f"{dims_in_brackets(tuple(pred.shape))}")  # fmt: skip
    return bool(pred)


# Makes a Python bool, which several statements ask.
define_op("_Condition", "pred: bool -> taken: bool", kernel=_condition, gradient=None)


def _lower_any(call):
    return " or ".join(f"({_all_of(case, call.args)})" for case in call.attrs["cases"])


define_op("_AnyCase", "conditions: M*bool -> taken: bool", "M: int, cases: list(string)", lower=_lower_any,
          gradient=None)  # fmt: skip


def _lower_merge(call):
    """`a if p else b if q else c`. Python looks only at the value chosen, and only that one was made."""
    inputs, conditions = call.args[:call.attrs["N"]], call.args[call.attrs["N"]:]
    return _choice(inputs, call.attrs["cases"], conditions)


def _choice(expressions, cases, conditions) -> str:
    first = [f"{e} if {_all_of(c, conditions)} else " for e, c in zip(expressions[:-1], cases[:-1], strict=True)]
    return f"{''.join(first)}{expressions[-1]}"


def _all_of(case, conditions) -> str:
    """The source of "all of these conditions go their way"; a case is a list of (number of a condition, way)."""
    return " and ".join(conditions[i] if way else f"not {conditions[i]}" for i, way in case) or "True"


def _merge_shape(op):
    return [common_dims([v.dims for v in op._inputs[:op.attrs["N"]]])]


def _lower_merge_index(call):
    cases = call.attrs["cases"]
    return f"torch.tensor({_choice(list(map(str, call.attrs['positions'])), cases, call.args)}, dtype=torch.int32)"


_CASES = "N: int >= 1, M: int, T: type, cases: list(string)"
define_op("_Merge", "inputs: N*T, conditions: M*bool -> output: T", _CASES, shape=_merge_shape, lower=_lower_merge,
          aliases=(0,), gradient=None)  # fmt: skip
define_op("_RefMerge", "inputs: ref N*T, conditions: M*bool -> output: ref T", _CASES, shape=_merge_shape,
          lower=_lower_merge, aliases=(0,), gradient=None)  # fmt: skip
define_op("_MergeIndex", "conditions: M*bool -> value_index: int32",
          "M: int, cases: list(string), positions: list(int)", lower=_lower_merge_index, gradient=None)  # fmt: skip


def _check_alive(alive, fetch):
    if not alive:
        raise errors.InvalidArgumentError(None, None, f"Retval[{fetch}] does not have value")


# A fetch of what a branch makes fails where the branch is not taken.
define_op("_CheckAlive", "alive: bool ->", "fetch: int", kernel=_check_alive, is_stateful=True, gradient=None)
define_op("_Dead", "-> output: T", "T: type, fetch: int", is_stateful=True, gradient=None,
          kernel=lambda fetch: _check_alive(False, fetch))  # fmt: skip


# --- from Switch and Merge to guards ----------------------------------------------------------------------------------


def guard_branches(plan: Plan) -> Plan:
    """Replace Switch and Merge by guards; a plan without them is returned as it is.

    Raises:
      ValueError: if the plan has a cycle, that is a loop.
    """
    if any(node.type in SWITCHES or node.type in MERGES for node in plan.nodes):
        plan.nodes = topological(plan.nodes)
        _Guards(plan).run()
    return plan


def resolve_known_conditions(plan: Plan) -> Plan:
    """Let the branch that a constant picks run without a guard, and drop the other one."""
    known = {n.outputs[0]: bool(n.inputs[0].node.attrs["value"]) for n in plan.nodes
             if n.type == "_Condition" and n.inputs[0].node.type == "Const" and n.inputs[0].dims == ()}  # fmt: skip
    if not known:
        return plan
    plan.nodes = [n for n in plan.nodes if all(known.get(condition, way) is way for condition, way in n.guard)]
    kept = set(plan.nodes)
    for node in plan.nodes:
        node.guard = tuple(literal for literal in node.guard if literal[0] not in known)
        node.control = [c for c in node.control if c in kept]
        if node.type in _BY_CASES:
            _drop_known_cases(node, known)
    plan.targets = [t for t in plan.targets if t in kept]
    plan.notes.append(f"{len(known)} conditions are constants")
    return plan


_BY_CASES = frozenset({"_Merge", "_RefMerge", "_MergeIndex", "_AnyCase"})


def _drop_known_cases(node: Node, known: dict[Value, bool]) -> None:
    """Leave a choice the cases that may occur."""
    count = node.attrs.get("N", 0)
    conditions = node.inputs[count:]
    possible = [k for k, case in enumerate(node.attrs["cases"])
                if all(known.get(conditions[i], way) is way for i, way in case)]  # fmt: skip
    cases = [[(i, way) for i, way in node.attrs["cases"][k] if conditions[i] not in known] for k in possible]
    left = [c for c in conditions if c not in known]
    number = {i: left.index(c) for i, c in enumerate(conditions) if c not in known}
    cases = [[(number[i], way) for i, way in case] for case in cases]
    node.attrs = {**node.attrs, "M": len(left), "cases": cases}
    if count:
        node.attrs["N"] = len(possible)
    if "positions" in node.attrs:
        node.attrs["positions"] = [node.attrs["positions"][k] for k in possible]
    node.inputs = [node.inputs[k] for k in possible if count] + left


class _Guards:
    """One walk over a plan in topological order. Keys are the plan's original values and nodes."""

    def __init__(self, plan: Plan):
        self._plan = plan
        self._value_guards: dict[Value, Guard | None] = {}
        self._node_guards: dict[Node, Guard | None] = {}
        # What stands for an output of a Switch or Merge, and what stands for such a node in control edges.
        self._values: dict[Value, Value] = {}
        self._controls: dict[Node, list[Node]] = {}
        # Conditions in the order in which they were made: an inner one comes after those it depends on.
        self._order: dict[Value, int] = {}
        self._condition_of: dict[Value, Value] = {}
        self._nodes: list[Node] = []

    def run(self) -> None:
        for node in self._plan.nodes:
            if node.type in SWITCHES:
                self._switch(node)
            elif node.type in MERGES:
                self._merge(node)
            else:
                self._other(node)
        self._plan.fetches = [self._fetch(i, v) for i, v in enumerate(self._plan.fetches)]
        targets = [t for t in self._plan.targets if self._node_guards[t] is not None]
        self._plan.targets = [t for target in targets for t in self._controls.get(target, [target])]
        self._plan.nodes = self._nodes

    # --- the three kinds of nodes -----------------------------------------------------------------------------------

    def _other(self, node: Node) -> None:
        guard = self._guard_of_inputs(node)
        self._set_guard(node, guard)
        if guard is None:
            return
        node.inputs = [self._values.get(v, v) for v in node.inputs]
        self._add(node, guard)

    def _set_guard(self, node: Node, guard: Guard | None) -> None:
        self._node_guards[node] = guard
        for value in node.outputs:
            self._value_guards[value] = guard

    def _switch(self, node: Node) -> None:
        data, pred = node.inputs
        guard = self._guard_of_inputs(node)
        self._set_guard(node, guard)
        if guard is None:
            return
        passed = self._values.get(data, data)
        condition, waits = self._condition(pred, node)
        if node.control or waits:
            passed = self._passed_on(passed, guard, node, [*node.control, *waits])
            self._controls[node] = [passed.node]
        else:
            sources = [self._values.get(v, v).node for v in node.inputs]
            self._controls[node] = [s for s in sources if s.type != "_Feed"]
        for value, way in zip(node.outputs, (False, True), strict=True):
            self._values[value] = passed
            self._value_guards[value] = None if (condition, not way) in guard else guard | {(condition, way)}

    def _passed_on(self, value: Value, guard: Guard, like: Node, control: list[Node]) -> Value:
        """The value through an Identity of its own, under a guard and with control edges."""
        op_name = "RefIdentity" if value.dtype.is_ref else "Identity"
        node = new_node(f"{like.name}/data", op_name, [value], {"T": value.dtype.base_dtype},
                        [(value.dtype, value.dims)], like=like)  # fmt: skip
        node.control = control
        self._add(node, guard)
        return node.outputs[0]

    def _merge(self, node: Node) -> None:
        guards = [(self._value_guards.get(v, _NOTHING), i) for i, v in enumerate(node.inputs)]
        living: list[tuple[Guard, int]] = [(guard, i) for guard, i in guards if guard is not None]
        guard = self._either([g for g, _ in living], node) if living else None
        self._set_guard(node, guard)
        if guard is None:
            return
        cases, conditions = self._cases([g - guard for g, _ in living])
        inputs = [self._merge_input(node, i, g) for g, i in living]
        output, index = node.outputs
        merged = self._merge_node(node, inputs, conditions, cases, guard)
        position = new_node(f"{node.name}/index", "_MergeIndex", conditions,
                            {"M": len(conditions), "cases": cases, "positions": [i for _, i in living]},
                            [(dtypes.int32, ())], like=node)  # fmt: skip
        position.control = [merged]
        self._add(position, guard)
        self._values.update({output: merged.outputs[0], index: position.outputs[0]})
        self._controls[node] = [merged]

    def _merge_node(self, node, inputs, conditions, cases, guard) -> Node:
        output = node.outputs[0]
        op_name = "_RefMerge" if output.dtype.is_ref else "_Merge"
        attrs = {"N": len(inputs), "M": len(conditions), "T": node.attrs["T"], "cases": cases}
        merged = new_node(node.name, op_name, [*inputs, *conditions], attrs, [(output.dtype, output.dims)], like=node)
        merged.control = [c for c in merged.control if self._node_guards[c] is not None]
        self._add(merged, guard)
        return merged

    def _merge_input(self, node: Node, position: int, guard: Guard) -> Value:
        """An input of a Merge. Where it wants the value of a variable, that is read in the input's branch."""
        value = self._values.get(node.inputs[position], node.inputs[position])
        if not value.dtype.is_ref or node.outputs[0].dtype.is_ref:
            return value
        base = value.dtype.base_dtype
        read = new_node(f"{node.name}/input_{position}", "Identity", [value], {"T": base}, [(base, value.dims)],
                        like=node)  # fmt: skip
        read.control = []
        self._add(read, guard)
        return read.outputs[0]

    # --- guards -----------------------------------------------------------------------------------------------------

    def _add(self, node: Node, guard: Guard) -> None:
        """Put a node into the new plan. Constants are made beforehand, whatever branch they are used in."""
        node.guard = () if node.type == "Const" else self._sorted(guard)
        control = (c for each in node.control for c in self._controls.get(each, [each]))
        node.control = list(dict.fromkeys(control))
        self._nodes.append(node)

    def _sorted(self, guard: Guard) -> tuple:
        return tuple(sorted(guard, key=lambda literal: self._order[literal[0]]))

    def _guard_of_inputs(self, node: Node) -> Guard | None:
        """All that has to hold so that every input and control input lives; None if that cannot be."""
        guards = [self._value_guards[v] for v in node.inputs if v in self._value_guards]
        guards += [self._node_guards[c] for c in node.control]
        union: set = set()
        for guard in guards:
            if guard is None:
                return None
            union |= guard
        return None if any((c, not way) in union for c, way in union) else frozenset(union)

    def _condition(self, pred: Value, like: Node) -> tuple[Value, list[Node]]:
        """The Python bool of a predicate, one for all Switches that ask the same tensor.

        Also returns the Identities that the predicate came through and that wait for something.
        """
        root, waits = pred, []
        while root in self._values or root.node.type == "Identity" and not root.node.inputs[0].is_state:
            if root in self._values:
                root = self._values[root]
                continue
            if root.node.control:
                waits.append(root.node)
            root = root.node.inputs[0]
        if root not in self._condition_of:
            node = new_node(f"{root.name}/taken", "_Condition", [root], {}, [(dtypes.bool_, ())], like=like)
            node.control = []
            guard = self._value_guards.get(root, frozenset(root.node.guard))
            assert guard is not None, f"{root.name} chooses a branch but never runs"
            self._add(node, guard)
            self._condition_of[root] = self._ordered(node.outputs[0])
        return self._condition_of[root], waits

    def _ordered(self, condition: Value) -> Value:
        self._order[condition] = len(self._order)
        return condition

    def _either(self, guards: list[Guard], like: Node) -> Guard:
        """The guard of what lives if one of several guards holds."""
        rest = _simplified(guards)
        if len(rest) == 1:
            return rest[0]
        common = frozenset.intersection(*rest)
        condition = self._any_case([g - common for g in rest], common, like)
        return common | {(self._ordered(condition), True)}

    def _any_case(self, guards: list[Guard], guard: Guard, like: Node) -> Value:
        """A condition: one of `guards` holds; made under `guard`."""
        cases, conditions = self._cases(guards)
        node = new_node(f"{like.name}/taken", "_AnyCase", conditions, {"M": len(conditions), "cases": cases},
                        [(dtypes.bool_, ())], like=like)  # fmt: skip
        node.control = []
        self._add(node, guard)
        return node.outputs[0]

    def _cases(self, guards: list[Guard]) -> tuple[list, list[Value]]:
        """Guards as lists of (number of a condition, way), and the conditions."""
        conditions = sorted({c for guard in guards for c, _ in guard}, key=self._order.__getitem__)
        number = {c: i for i, c in enumerate(conditions)}
        return [[(number[c], way) for c, way in self._sorted(guard)] for guard in guards], conditions

    # --- fetches ------------------------------------------------------------------------------------------------------

    def _fetch(self, position: int, value: Value) -> Value:
        """What stands for a fetched value: one that may be dead is checked first."""
        guard = self._value_guards.get(value, _NOTHING)
        base = value.dtype.base_dtype
        if guard is None:
            dead = new_node(value.name, "_Dead", [], {"T": base, "fetch": position}, [(base, value.dims)])
            dead.operation = value.node.operation
            self._add(dead, _NOTHING)
            return dead.outputs[0]
        value = self._values.get(value, value)
        if not guard:
            return value
        if value.dtype.is_ref:
            value = self._value_of(value, guard)
        alive = self._any_case([guard], _NOTHING, value.node)
        check = new_node(f"{value.name}/alive", "_CheckAlive", [alive], {"fetch": position}, [], like=value.node)
        check.control = []
        self._add(check, _NOTHING)
        fetched = new_node(f"{value.name}/fetch", "_Merge", [value], {"N": 1, "M": 0, "T": base, "cases": [[]]},
                           [(base, value.dims)], like=value.node)  # fmt: skip
        fetched.control = [check]
        self._add(fetched, _NOTHING)
        return fetched.outputs[0]

    def _value_of(self, reference: Value, guard: Guard) -> Value:
        node = new_node(f"{reference.name}/value", "Identity", [reference], {"T": reference.dtype.base_dtype},
                        [(reference.dtype.base_dtype, reference.dims)], like=reference.node)  # fmt: skip
        node.control = []
        self._add(node, guard)
        return node.outputs[0]


def _simplified(guards: list[Guard]) -> list[Guard]:
    """Fewer guards of which one holds exactly if one of the given ones does: p and q, p and not q: p."""
    rest = set(guards)
    while True:
        rest = {g for g in rest if not any(other < g for other in rest)}
        for guard in rest:
            literal = next((x for x in guard if guard - {x} | {(x[0], not x[1])} in rest), None)
            if literal is not None:
                rest = rest - {guard, guard - {literal} | {(literal[0], not literal[1])}} | {guard - {literal}}
                break
        else:
            return sorted(rest, key=guards.index) if len(rest) > 1 else list(rest)
