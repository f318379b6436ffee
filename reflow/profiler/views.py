"""The views of a profile: nodes arranged as a tree, by name scope, data flow or Python stack, or listed by op type."""

import contextlib
import os
import re
import sys
from dataclasses import dataclass, field

from reflow.profiler.nodes import Numbers, ProfiledNode, add, zeros

ROOT = "_TFProfRoot"
# The type of a name scope that is no node.
_SCOPE = "_kTFScopeParent"
# What an option compares: (option, number). Of a scope, the time and memory of all in it.
_LEAST_OF_ALL = {
    "min_bytes": "requested_bytes", "min_peak_bytes": "peak_bytes", "min_residual_bytes": "residual_bytes",
    "min_output_bytes": "output_bytes", "min_micros": "exec_micros",
    "min_accelerator_micros": "accelerator_exec_micros", "min_cpu_micros": "cpu_exec_micros",
}  # fmt: skip
_LEAST_OF_ITS_OWN = {"min_params": "parameters", "min_float_ops": "float_ops"}
_ORDERS = {
    "bytes": "requested_bytes", "peak_bytes": "peak_bytes", "residual_bytes": "residual_bytes",
    "output_bytes": "output_bytes", "micros": "exec_micros", "accelerator_micros": "accelerator_exec_micros",
    "cpu_micros": "cpu_exec_micros", "params": "parameters", "float_ops": "float_ops",
    "occurrence": "definition_count",
}  # fmt: skip


@dataclass
class Row:
    """A row of a report: a scope, a node, a line of Python, or an op type.

    Attributes:
      nodes: the nodes that stand in it itself.
      accounted: whether `own` counts; False prints "--".
      own: the numbers of `nodes`.
      total: those and the numbers of all rows below (in a list: of all rows from this one on).
    """

    name: str
    nodes: list[ProfiledNode] = field(default_factory=list)
    children: list["Row"] = field(default_factory=list)
    accounted: bool = False
    own: Numbers = field(default_factory=zeros)
    total: Numbers = field(default_factory=zeros)

    @property
    def types(self) -> set[str]:
        """The types of all its nodes."""
        return set().union(*(node.types for node in self.nodes)) if self.nodes else {_SCOPE}


def view(cmd: str, nodes: dict[str, ProfiledNode], options: dict) -> Row:
    """The root of what a report shows.

    Args:
      cmd: "scope", "graph", "code" or "op".
      nodes: nodes by name.
      options: complete options.
    """
    ordered = [nodes[name] for name in sorted(nodes)]
    if cmd == "op":
        return _listed(ordered, options)
    with _deep_recursion(len(nodes)):
        root = Row(ROOT, children=_TREES[cmd](ordered))
        _accounted(root, options, is_root=True)
        return _shown_from_root(root, options)


@contextlib.contextmanager
def _deep_recursion(nodes: int):
    """Trees of data flow are as deep as a graph is long."""
    saved = sys.getrecursionlimit()
    sys.setrecursionlimit(max(saved, 10 * nodes + 1000))
    try:
        yield
    finally:
        sys.setrecursionlimit(saved)


# --- trees ------------------------------------------------------------------------------------------------------------


def _scope_tree(nodes: list[ProfiledNode]) -> list[Row]:
    rows: dict[str, Row] = {}
    top: list[Row] = []

    def row_of(name: str) -> Row:
        if name not in rows:
            rows[name] = Row(name)
            parent = name.rpartition("/")[0]
            (row_of(parent).children if parent else top).append(rows[name])
        return rows[name]

    for node in nodes:
        row_of(node.name).nodes.append(node)
    return top


def _graph_tree(nodes: list[ProfiledNode]) -> list[Row]:
    """From the nodes that nothing takes to those that take nothing; a node stands below the first that takes it."""
    by_name = {node.name: node for node in nodes}
    taken = {name for node in nodes for name in node.inputs}
    rows: dict[str, Row] = {}

    def row_of(node: ProfiledNode) -> Row:
        row = rows[node.name] = Row(node.name, [node])
        for name in node.inputs:
            if name in by_name and name not in rows:
                row.children.append(row_of(by_name[name]))
        return row

    top = [row_of(node) for node in nodes if node.name not in taken]
    # What is left over stands in loops.
    return top + [row_of(node) for node in nodes if node.name not in rows]


def _code_tree(nodes: list[ProfiledNode]) -> list[Row]:
    top = Row(ROOT)
    for node in nodes:
        row = top
        for file, line, function, _ in node.trace:
            name = f"{os.path.basename(file)}:{line}:{function}"
            found = next((child for child in row.children if child.name == name), None)
            if found is None:
                found = Row(name)
                row.children.append(found)
            row = found
        if row is not top:
            row.nodes.append(node)
    return top.children


_TREES = {"scope": _scope_tree, "graph": _graph_tree, "code": _code_tree}


def _accounted(row: Row, options: dict, is_root: bool = False) -> Row | None:
    """The row with its numbers; None if neither it nor a row below counts."""
    children = []
    for child in row.children:
        kept = _accounted(child, options)
        if kept is not None:
            children.append(kept)
    row.children = children
    row.accounted = not is_root and _matches(row.types, options["account_type_regexes"])
    if not row.accounted and not children and not is_root:
        return None
    if row.accounted:
        for node in row.nodes:
            add(row.own, node.numbers(options["step"]))
    row.own["definition_count"] = 0 if is_root else max(len(row.nodes), 1)
    _total(row, children)
    return row


def _total(row: Row, children: list[Row]) -> None:
    row.total = dict(row.own)
    for child in children:
        add(row.total, child.total)


def _matches(names, regexes: list[str]) -> bool:
    return any(re.fullmatch(regex, name) for regex in regexes for name in names)


def _shown_from_root(root: Row, options: dict) -> Row:
    if _matches([ROOT], options["start_name_regexes"]):
        starts = root.children
    else:
        starts = _starts(root.children, options["start_name_regexes"])
    if options["account_displayed_op_only"]:
        root.own["definition_count"] = 1
    return _with_children(root, _shown(starts, options, 2), options)


def _starts(rows: list[Row], regexes: list[str]) -> list[Row]:
    """The uppermost rows whose names a regular expression matches."""
    found = []
    for row in rows:
        if _matches([row.name], regexes):
            found.append(row)
        else:
            found.extend(_starts(row.children, regexes))
    return found


def _shown(rows: list[Row], options: dict, depth: int) -> list[Row]:
    """The rows to print; what stands below a row that is not printed stands in its place."""
    result = []
    for row in rows:
        children = []
        if depth < options["max_depth"] and not _matches([row.name], options["trim_name_regexes"]):
            children = _shown(row.children, options, depth + 1)
        if depth <= options["max_depth"] and _is_shown(row, row.own, options):
            result.append(_with_children(row, children, options))
        else:
            result.extend(children)
    return result


def _with_children(row: Row, children: list[Row], options: dict) -> Row:
    row.children = _sorted(children, options["order_by"], "total")
    if options["account_displayed_op_only"]:
        _total(row, children)
    return row


def _is_shown(row: Row, counted: Numbers, options: dict) -> bool:
    """True if a row is large enough, by its total time and memory and by what is `counted`, and its name is wanted."""
    if any(row.total[name] < options[least] for least, name in _LEAST_OF_ALL.items()):
        return False
    if any(counted[name] < options[least] for least, name in _LEAST_OF_ITS_OWN.items()):
        return False
    if not _matches([row.name], options["show_name_regexes"]):
        return False
    return not _matches([row.name], options["hide_name_regexes"])


def _sorted(rows: list[Row], order: str, numbers: str) -> list[Row]:
    rows = sorted(rows, key=lambda row: row.name)
    if order in _ORDERS:
        rows.sort(key=lambda row: getattr(row, numbers)[_ORDERS[order]], reverse=True)
    return rows


# --- the list of op types ---------------------------------------------------------------------------------------------


def _listed(nodes: list[ProfiledNode], options: dict) -> Row:
    """The op types, each row above the next: so a row's total counts itself and all below it."""
    rows: dict[str, Row] = {}
    for node in nodes:
        if _matches(node.types, options["account_type_regexes"]):
            row = rows.setdefault(node.op, Row(node.op, accounted=True))
            row.nodes.append(node)
            add(row.own, node.numbers(options["step"]))
    every = _sorted(list(rows.values()), options["order_by"], "own")
    root = Row(ROOT)
    root.total = _accumulate(every)
    shown = [row for row in every if _is_shown(row, row.total, options) and len(row.nodes) >= options["min_occurrence"]]
    root.children = shown[:options["max_depth"] + 1]
    if options["account_displayed_op_only"]:
        root.total = _accumulate(root.children)
    return root


def _accumulate(rows: list[Row]) -> Numbers:
    """Let each row's total be its own numbers and those of the rows below it; the total of all."""
    total = zeros()
    for row in reversed(rows):
        add(total, row.own)
        row.total = dict(total)
    return total
