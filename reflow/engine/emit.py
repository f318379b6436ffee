"""Emit: a scheduled plan as the source of a straight-line Python function of PyTorch calls, compiled and bound."""

import inspect
import keyword
import linecache
import re
import string
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from reflow.engine import gpu_kernels
from reflow.engine.branches import Deletions, Guard, Statement, indented
from reflow.engine.passes.in_place import in_place_expression
from reflow.engine.plan import Node, Plan, Value
from reflow.engine.torch_devices import is_gpu, on_gpu, on_host, to_device, torch_device, when_done
from reflow.graph import dtypes
from reflow.graph.dtypes import DType
from reflow.graph.registry import ArgDef, grouped
from reflow.ops.resources import ResourceManager
from reflow.ops.torch_types import tensor_of, to_torch

# A function with more statements than this is cut into several: the cost of compiling grows faster than the length.
_STATEMENTS_PER_FUNCTION = 1000
_TRANSFERS = frozenset({"_Send", "_Recv", "_SendToken", "_RecvToken"})
_NOT_IN_NAME = re.compile(r"\W")
_PLAIN_ATTRS = (bool, int, bytes, str, type(None))


@dataclass
class Call:
    """What a `lower` rule sees of a node: expressions of its inputs, attributes, and what is known of the inputs."""

    node: Node
    args: list[str]

    @property
    def attrs(self):
        """The node's attributes."""
        return self.node.attrs

    def dims(self, position):
        """Raw dims of an input."""
        return self.node.inputs[position].dims

    def dtype(self, position):
        """The DType of an input."""
        return self.node.inputs[position].dtype.base_dtype

    def constant(self, position):
        """The array of a constant input, or None."""
        return constant_of(self.node.inputs[position])

    def output_dims(self, position=0):
        """Raw dims of an output."""
        return self.node.outputs[position].dims


def constant_of(value: Value) -> np.ndarray | None:
    """The array of a value that a Const node makes, or None."""
    return value.node.attrs["value"] if value.node.type == "Const" else None


@dataclass
class Emitted:
    """A compiled plan: the function, its source, and which node each line runs."""

    function: Callable
    source: str
    filename: str
    line_nodes: dict[int, Node]

    @property
    def takes_rendezvous(self) -> bool:
        """True if the function's first argument is the rendezvous of a run."""
        return self.source.startswith("def step(rendezvous") or "\ndef step(rendezvous" in self.source


_counter = iter(range(1, 1 << 60))


class Emitter:
    """Writes the function of one plan. `resources` are the session's: the state that nodes name is bound to them.

    With `mark`, the function calls `mark(i, *outputs)` after the statement of `marked_nodes[i]`: how steps are timed.
    """

    def __init__(self, plan: Plan, resources: ResourceManager, mark: Callable | None = None):
        self.plan = plan
        self.resources = resources
        self.namespace: dict[str, object] = {"torch": torch, "inf": float("inf"), "nan": float("nan")}
        self.names: dict[Value, str] = {}
        self.used: set[str] = {"step", "torch", "inf", "nan", "rendezvous"}
        # For a name that was asked for more than once, the number of its last variant.
        self._counts: dict[str, int] = {}
        self.lines: list[str] = []
        self.line_nodes: dict[int, Node] = {}
        self.marked_nodes: list[Node] = []
        self._gpu = _gpu_of(plan, resources)
        self._recycle = False
        self._free_names: list[str] = []
        if mark is not None and self._gpu is not None:
            mark = when_done(mark, self._gpu)
        self._mark = self._global("mark", mark) if mark is not None else None

    def emit(self) -> Emitted:
        """The compiled function: it takes the fed tensors in order and returns a list, one item a fetch."""
        plan = self.plan
        parameters = [self._name(v) for v in plan.feeds]
        if self._uses_rendezvous():
            parameters.insert(0, "rendezvous")
        last_use = self._last_uses()
        body: list[Statement] = []
        deletions = Deletions(body)
        self._recycle = len(plan.nodes) > _STATEMENTS_PER_FUNCTION
        for node in plan.nodes:
            dying = last_use.get(node, ())
            statement = self._statement(node, dying)
            guard = self._guard(node)
            deletions.before(guard)
            if statement is not None:
                body.append(Statement(statement, guard, node))
                if self._mark is not None:
                    body.append(Statement(self._mark_statement(node), guard))
            if dying and not self._recycle:
                dead = [v for v in dying if v in self.names and not self._is_global(v)]
                deletions.add([(self.names[v], self._guard(v.node)) for v in dead], guard)
        results = ", ".join(self._argument(v) for v in plan.fetches)
        if len(body) > _STATEMENTS_PER_FUNCTION:
            self._write_in_parts(parameters, body, results)
        else:
            self._write(f"def step({', '.join(parameters)}):", body, f"return [{results}]")
        return self._compile()

    def _uses_rendezvous(self) -> bool:
        return any(node.type in _TRANSFERS for node in self.plan.nodes)

    def _guard(self, node: Node) -> Guard:
        return tuple((self._argument(condition), way) for condition, way in node.guard)

    def _mark_statement(self, node: Node) -> str:
        self.marked_nodes.append(node)
        outputs = [self.names[v] for v in node.outputs if v in self.names]
        return f"{self._mark}({', '.join([str(len(self.marked_nodes) - 1), *outputs])})"

    # --- statements ---------------------------------------------------------------------------------------------

    def _statement(self, node: Node, dying) -> str | None:
        """The line that runs a node; None for a node that needs none (its value is a name in the namespace).

        In a long plan the outputs take over the names of the inputs that nothing needs after this node: that frees
        their memory without a statement of its own, which would make the function longer to compile.
        """
        op_def = node.op_def
        if op_def.name == "Const":
            self._bind_constant(node)
            return None
        if op_def.resource is not None and op_def.kernel is None:
            self._bind(node.outputs[0], node.name, op_def.resource(self.resources, node.name, node.attrs))
            return None
        if op_def.kernel is None and not op_def.outputs and not op_def.inputs:
            return None
        expression = self._expression(node)
        if self._recycle:
            self._free_names.extend(self.names[v] for v in dying if v in self.names and not self._is_global(v))
        outputs = [self._name(v) for v in node.outputs]
        if not outputs:
            return None if expression == "None" else expression
        if len(outputs) == 1 and not op_def.outputs[0].is_list:
            return f"{outputs[0]} = {expression}"
        return f"{_target(node, outputs)} = {expression}"

    def _expression(self, node: Node) -> str:
        if self._gpu is not None and gpu_kernels.is_left_to_host(node):
            return self._by_host(node)
        return self._direct_expression(node)

    def _by_host(self, node: Node) -> str:
        """The node as a function of copies in the host's memory."""
        values = list(dict.fromkeys(node.inputs))
        outside = [self._argument(value) for value in values]
        inside = [self._unique("host") for _ in values]
        self.names.update(zip(values, inside, strict=True))
        function = f"lambda {', '.join(inside)}: {self._direct_expression(node)}"
        self.names.update(zip(values, outside, strict=True))
        run, gpu = self._global("on_host", on_host), self._global("gpu", self._gpu)
        return f"{run}({', '.join([function, gpu, *outside])})"

    def _direct_expression(self, node: Node) -> str:
        op_def = node.op_def
        if op_def.name == "_Read" and node.attrs["copy"]:
            copy = "copy" if node.outputs[0].dtype is dtypes.string else "clone"
            return f"{self._argument(node.inputs[0])}.read().{copy}()"
        args = self._arguments(node)
        better = self._native_call(node, args) or self._overwriting(node, args)
        if better is not None:
            return better
        if op_def.lower is not None:
            expression = op_def.lower(Call(node, args))
            if expression is not None:
                return expression
        if isinstance(op_def.kernel, str):
            return self._from_template(op_def.kernel, node, args)
        if op_def.kernel is None:
            raise NotImplementedError(f"op {op_def.name} of node {node.name!r} has no kernel")
        return self._function_call(node, args)

    def _native_call(self, node: Node, args: list[str]) -> str | None:
        rule = node.op_def.native
        if rule is None or is_gpu(node.device):
            return None
        function = rule(Call(node, args))
        if function is None:
            return None
        out = [f"out={args[position]}" for position in node.reuses[:1]]
        return self._function_call(node, args, function, out)

    def _overwriting(self, node: Node, args: list[str]) -> str | None:
        return in_place_expression(node, args)

    def _function_call(self, node: Node, args: list[str], kernel=None, out: Sequence[str] = ()) -> str:
        op_def = node.op_def
        kernel = kernel or op_def.kernel
        function = self._global(_function_name(kernel, op_def.name), kernel)
        if op_def.resource is not None:
            state = op_def.resource(self.resources, node.name, node.attrs)
            args = [self._global(f"{node.name}_state", state), *args]
        arguments = _arguments_of(node, args)
        keywords = [f"{a}={self._literal(node.attrs[a], a)}" for a in attribute_parameters(kernel, op_def)]
        return f"{function}({', '.join([*arguments, *keywords, *out])})"

    def _from_template(self, template: str, node: Node, args: list[str]) -> str:
        values = dict(zip([a.name for a in node.op_def.inputs], _arguments_of(node, args), strict=True))
        for name in template_fields(template):
            if name not in values:
                values[name] = self._literal(node.attrs[name], name)
        return template.format_map(values)

    def _arguments(self, node: Node) -> list[str]:
        host = node.op_def.host
        if not host:
            return [self._argument(v) for v in node.inputs]
        args = []
        for value, arg in zip(node.inputs, argument_of_each_input(node), strict=True):
            args.append(self._host_argument(value) if arg.name in host else self._argument(value))
        return args

    def _argument(self, value: Value) -> str:
        name = self.names.get(value)
        if name is None:
            # A constant that no statement made yet: it stands in the namespace.
            self._bind_constant(value.node)
            name = self.names[value]
        return name

    def _host_argument(self, value: Value) -> str:
        array = constant_of(value)
        if array is not None:
            return repr(array.tolist())
        return f"{self._argument(value)}.tolist()"

    # --- names and literals ---------------------------------------------------------------------------------------

    def _name(self, value: Value) -> str:
        """The local variable of a value: its op's name made an identifier."""
        if self._recycle and value.node.type != "_Feed":
            name = self._free_names.pop() if self._free_names else self._unique(f"t{len(self.used)}")
            self.names[value] = name
            return name
        base = _short_name(value.name)
        if value.index:
            base = f"{base}_{value.index}"
        name = self._unique(base)
        self.names[value] = name
        return name

    def _unique(self, base: str) -> str:
        if not base or base[0].isdigit() or keyword.iskeyword(base):
            base = f"_{base}"
        name, count = base, self._counts.get(base, 1)
        while name in self.used:
            count += 1
            name = f"{base}_v{count}"
        self._counts[base] = count
        self.used.add(name)
        return name

    def _global(self, base: str, thing) -> str:
        """The name in the namespace that stands for `thing`."""
        base = _NOT_IN_NAME.sub("_", base)
        if self.namespace.get(base) is thing:
            return base
        name = self._unique(base)
        self.namespace[name] = thing
        return name

    def _bind(self, value: Value, base: str, thing) -> None:
        name = self._unique(_short_name(base))
        self.namespace[name] = thing
        self.names[value] = name

    def _bind_constant(self, node: Node) -> None:
        if node.outputs[0] not in self.names:
            tensor = tensor_of(node.attrs["value"])
            self._bind(node.outputs[0], node.name, tensor if self._gpu is None else to_device(tensor, self._gpu))

    def _is_global(self, value: Value) -> bool:
        return self.names[value] in self.namespace

    def _literal(self, attr, name: str) -> str:
        """An attribute as Python source; what has no literal form goes into the namespace."""
        if isinstance(attr, DType):
            torch_type = to_torch(attr)
            return str(torch_type) if torch_type is not attr else self._global(f"tf_{attr.name}", attr)
        if isinstance(attr, (_PLAIN_ATTRS, float)):
            return repr(attr)
        if isinstance(attr, (list, tuple)):
            inner = ", ".join(self._literal(a, name) for a in attr)
            return f"[{inner}]" if isinstance(attr, list) else f"({inner},)" if len(attr) == 1 else f"({inner})"
        return self._global(name, attr)

    def _last_uses(self) -> dict[Node, list[Value]]:
        """For each node, the values that nothing needs any more once it has run."""
        kept = set(self.plan.fetches)
        kept.update(condition for node in self.plan.nodes for condition, _ in node.guard)
        last: dict[Value, Node] = {}
        for node in self.plan.nodes:
            for value in node.outputs:
                last[value] = node
            for value in node.inputs:
                last[value] = node
        dead: dict[Node, list[Value]] = {}
        for value, node in last.items():
            # A fed tensor is the caller's, who keeps it while the function runs.
            if value not in kept and value.node.type not in ("Const", "_Feed") and not value.is_state:
                dead.setdefault(node, []).append(value)
        return dead

    # --- writing --------------------------------------------------------------------------------------------------

    def _write(self, header: str, body, footer: str) -> None:
        self.lines.append(header)
        for line, node in indented(body):
            self.lines.append(f"    {line}")
            if node is not None:
                self.line_nodes[len(self.lines)] = node
        self.lines.append(f"    {footer}")
        self.lines.append("")

    def _write_in_parts(self, parameters, body, results) -> None:
        """Cut a long body into functions of a bounded length; what crosses a cut is passed on as arguments."""
        self._locals = {name for name in self.names.values() if name not in self.namespace}
        chunks = [body[i:i + _STATEMENTS_PER_FUNCTION] for i in range(0, len(body), _STATEMENTS_PER_FUNCTION)]
        reads, writes = zip(*(self._names_in(chunk) for chunk in chunks), strict=True)
        wanted_after: list[set[str]] = [set()] * len(chunks)
        wanted = set(re.findall(r"\w+", results)) - self.namespace.keys()
        for i in reversed(range(len(chunks))):
            wanted_after[i] = wanted
            wanted = (wanted - writes[i]) | reads[i]
        live = set(parameters)
        calls = []
        for i, chunk in enumerate(chunks):
            taken = sorted(name for name in live if name in reads[i])
            given = sorted(name for name in wanted_after[i] if name in writes[i])
            unmade = sorted((self._names_made_perhaps(chunk) & set(given)) - set(taken))
            chunk = [*([Statement(f"{' = '.join(unmade)} = None")] if unmade else []), *chunk]
            self._write(f"def part_{i}({', '.join(taken)}):", chunk, f"return {_tuple(given)}")
            target = f"{_tuple(given)} = " if given else ""
            calls.append(Statement(f"{target}part_{i}({', '.join(taken)})"))
            gone = sorted((set(taken) | set(given)) - wanted_after[i])
            live = (live | set(given)) & wanted_after[i]
            if gone:
                calls.append(Statement(f"del {', '.join(gone)}"))
        self._write(f"def step({', '.join(parameters)}):", calls, f"return [{results}]")

    def _names_in(self, chunk) -> tuple[set[str], set[str]]:
        """(locals that a chunk takes from before, locals that it leaves behind)."""
        reads: set[str] = set()
        writes: set[str] = set()
        for statement in chunk:
            node = statement.node
            if node is None:
                # A `del` or a mark: it names locals and nothing else of interest.
                taken = [n for n in re.findall(r"\w+", statement.text) if n in self._locals]
            else:
                taken = [self.names[v] for v in node.inputs if v in self.names]
                taken = [n for n in taken if n not in self.namespace]
                if node.type in _TRANSFERS:
                    taken.append("rendezvous")
            taken.extend(condition for condition, _ in statement.guard)
            reads.update(n for n in taken if n not in writes)
            if node is not None:
                writes.update(self.names[v] for v in node.outputs)
        return reads, writes

    def _names_made_perhaps(self, chunk) -> set[str]:
        """Locals that a chunk leaves unmade if their branch is not taken; the next chunk takes them all the same."""
        return {self.names[v] for s in chunk if s.guard and s.node is not None for v in s.node.outputs}

    def _compile(self) -> Emitted:
        source = "\n".join(self.lines)
        filename = f"<reflow plan {next(_counter)}>"
        exec(compile(source, filename, "exec"), self.namespace)
        linecache.cache[filename] = (len(source), None, self.lines, filename)
        step: Any = self.namespace["step"]
        if self._gpu is not None:
            step = on_gpu(step, self._gpu)
        return Emitted(step, source, filename, self.line_nodes)


def _gpu_of(plan: Plan, resources: ResourceManager) -> torch.device | None:
    """The GPU on which a plan stands; None for a CPU, and for a part of a function that is emitted elsewhere."""
    if resources is None or not plan.nodes or not is_gpu(plan.nodes[0].device):
        return None
    return torch_device(plan.nodes[0].device, resources.gpus)


def _short_name(name: str) -> str:
    """The end of an op's name, as an identifier: "gradients/dense/MatMul_grad/MatMul_1" is MatMul_grad_MatMul_1."""
    parts = name.split("/")
    short = parts[-1] if len(parts) == 1 or parts[-1].startswith(parts[-2]) else f"{parts[-2]}_{parts[-1]}"
    return _NOT_IN_NAME.sub("_", short)


def _tuple(names: list[str]) -> str:
    return f"({', '.join(names)}{',' if len(names) == 1 else ''})"


def template_fields(template: str) -> list[str]:
    found = _template_fields.get(template)
    if found is None:
        found = _template_fields[template] = [f for _, f, _, _ in string.Formatter().parse(template) if f]
    return found


_template_fields: dict[str, list[str]] = {}
_kernel_attrs: dict[object, list[str]] = {}


def attribute_parameters(kernel, op_def) -> list[str]:
    """The attrs that a kernel function takes by name."""
    found = _kernel_attrs.get((kernel, op_def.name))
    if found is None:
        parameters = inspect.signature(kernel).parameters
        found = _kernel_attrs[kernel, op_def.name] = [p for p in parameters if p in op_def.attrs]
    return found


def _function_name(kernel, op_name: str) -> str:
    name = getattr(kernel, "__name__", "").strip("_")
    return name if name.isidentifier() and name not in ("kernel", "function", "lambda") else op_name


def argument_of_each_input(node: Node) -> list[ArgDef]:
    """For each input of a node, the argument that it belongs to."""
    return [arg for arg in node.op_def.inputs for _ in range(arg.count(node.attrs))]


def _arguments_of(node: Node, args: list[str]) -> list[str]:
    """One expression an argument: list arguments become Python lists. Leading state expressions stay as they are."""
    if not any(a.is_list for a in node.op_def.inputs):
        return args
    extra = len(args) - len(node.inputs)
    return args[:extra] + [_listed(part) for part in grouped(node.op_def.inputs, node.attrs, args[extra:])]


def _listed(part: str | list[str]) -> str:
    return part if isinstance(part, str) else f"[{', '.join(part)}]"


def _target(node: Node, names: list[str]) -> str:
    """The left side of the assignment: a tuple, with a bracketed list where an output argument is a list."""
    return ", ".join(_listed(part) for part in grouped(node.op_def.outputs, node.attrs, names))
