"""An example: one op with its inputs, attributes, and what of the inputs is known when the graph is built."""

import base64
import itertools
from dataclasses import dataclass, field

from tensorboard.compat.proto.graph_pb2 import GraphDef

from reflow.graph.attr_values import to_attr_value
from reflow.graph.dtypes import as_dtype
from reflow.graph.registry import OPS
from tests.differential.array_codec import encode

# What is known of an input while the graph is built: its value, its shape, part of its shape, not even its rank.
CONSTANT, KNOWN, PARTIAL, UNKNOWN = "constant", "known", "partial", "unknown"


@dataclass(eq=False)
class Made:
    """A node beside the one under test: it makes an input of that one, as a list or the handle of one, or reads it.

    Attributes:
      op: its name.
      inputs: as those of an Example; THE_NODE is the first output of the node under test.
      attrs: those that do not follow from the inputs' types.
      output: which output is meant.
      node: another output of this node is meant; the rest but `output` is not looked at.
    """

    op: str = ""
    inputs: list = field(default_factory=list)
    attrs: dict = field(default_factory=dict)
    output: int = 0
    node: "Made | None" = None

    def __getitem__(self, output):
        return Made(output=output, node=self)


THE_NODE = Made()


@dataclass
class Example:
    """One op on one set of inputs.

    Attributes:
      op: its name.
      inputs: one array, list of arrays, or output of another node an input argument.
      attrs: attributes by name, as Python values; those that follow from the inputs are filled in.
      known: for each array, in order, one of CONSTANT, KNOWN, PARTIAL, UNKNOWN.
      producer: the version of the GraphDef.
      readers: nodes that read what the node makes, whose first outputs are compared, too; their arrays are constants.
    """

    op: str
    inputs: list
    attrs: dict
    known: list = field(default_factory=list)
    producer: int = 134
    readers: list = field(default_factory=list)

    def __post_init__(self):
        self.attrs = {**_inferred(self.op, self.inputs), **self.attrs}

    def arguments(self):
        """(op, argument, array) of all input arrays in order, list arguments flat, those of other nodes, too."""
        return list(_arguments(self.op, self.inputs, set()))

    def arrays(self):
        """All input arrays in order."""
        return [array for _, _, array in self.arguments()]

    def request(self):
        """The example as the worker takes it."""
        builder = _Builder(self)
        return {"graph": base64.b64encode(builder.graph.SerializeToString(deterministic=True)).decode(),
                "feeds": builder.feeds, "wrt": builder.wrt}  # fmt: skip

    def __repr__(self):
        values = [f"{a.dtype}{list(a.shape)} ({known}): {a.tolist()}"
                  for a, known in zip(self.arrays(), self.known, strict=True)]  # fmt: skip
        made = [f"{v.node or v}" for v in self.inputs if isinstance(v, Made)]
        return "\n  ".join([f"{self.op} {self.attrs}", *values, *made])


def _arguments(op, inputs, seen):
    for arg, value in zip(OPS[op].inputs, inputs, strict=True):
        for each in value if isinstance(value, list) else [value]:
            if not isinstance(each, Made):
                yield op, arg, each
                continue
            node = each.node or each
            if node not in seen:
                seen.add(node)
                yield from _arguments(node.op, node.inputs, seen)


class _Builder:
    """Makes the GraphDef of an example."""

    def __init__(self, example):
        self.graph, self.feeds, self.wrt = GraphDef(), {}, []
        self.graph.versions.producer = example.producer
        self._known, self._made, self._count, self._numbers = iter(example.known), {}, 0, itertools.count()
        names = self._inputs(example.op, example.inputs)
        _add_node(self.graph, "op", example.op, **example.attrs).input.extend(names)
        self._made[THE_NODE] = "op"
        for i, node in enumerate(example.readers):
            self._known = iter([CONSTANT] * len(node.inputs))
            self._add_made(node, f"get_{i}")

    def _inputs(self, op, inputs):
        """The names of the inputs of a node, with the nodes behind them."""
        names = []
        for arg, value in zip(OPS[op].inputs, inputs, strict=True):
            for each in value if isinstance(value, list) else [value]:
                names.append(self._output(each) if isinstance(each, Made) else self._array(arg, each))
        return names

    def _output(self, made):
        node = made.node or made
        if node not in self._made:
            self._add_made(node, f"made{next(self._numbers)}")
        return f"{self._made[node]}:{made.output}" if made.output else self._made[node]

    def _add_made(self, node, name):
        names = self._inputs(node.op, node.inputs)
        _add_node(self.graph, name, node.op, **{**_inferred(node.op, node.inputs), **node.attrs}).input.extend(names)
        self._made[node] = name

    def _array(self, arg, array):
        name, known, dtype = f"x{self._count}", next(self._known), as_dtype(array.dtype)
        self._count += 1
        kind = _kind_of_variable(arg)
        if kind:
            _add_variable(self.graph, name, kind, array)
        elif known == CONSTANT:
            _add_node(self.graph, name, "Const", dtype=dtype, value=array)
        else:
            _add_node(self.graph, name, "Placeholder", dtype=dtype, shape=_static(array, known))
            self.feeds[name] = encode(array)
            if dtype.is_floating or dtype.is_complex:
                self.wrt.append(name)
        return name


def _kind_of_variable(arg):
    """ "ref" or "resource" if an argument is a variable that the op works on, else None."""
    if arg.is_ref:
        return "ref"
    return "resource" if arg.dtype is not None and arg.dtype.name == "resource" else None


def _static(array, known):
    """The static shape of a placeholder for an array."""
    if known == UNKNOWN:
        return None
    # Every second dimension, the first among them: usually the size of the batch.
    return tuple(None if known == PARTIAL and i % 2 == 0 else size for i, size in enumerate(array.shape))


def _add_variable(graph, name, kind, array):
    """A variable, the node "set_..." that gives it its first value, and "get_..." that reads it."""
    dtype = as_dtype(array.dtype)
    value = _add_node(graph, f"value_{name}", "Const", dtype=dtype, value=array).name
    if kind == "ref":
        _add_node(graph, name, "VariableV2", dtype=dtype, shape=array.shape)
        _add_node(graph, f"set_{name}", "Assign", T=dtype).input.extend([name, value])
        _add_node(graph, f"get_{name}", "Identity", T=dtype).input.append(name)
    else:
        _add_node(graph, name, "VarHandleOp", dtype=dtype, shape=array.shape, shared_name=name.encode())
        _add_node(graph, f"set_{name}", "AssignVariableOp", dtype=dtype).input.extend([name, value])
        _add_node(graph, f"get_{name}", "ReadVariableOp", dtype=dtype).input.append(name)


def _add_node(graph, name, op, **attrs):
    node = graph.node.add(name=name, op=op)
    for key, value in attrs.items():
        node.attr[key].CopyFrom(to_attr_value(OPS[op].attrs[key].type, value))
    return node


def _inferred(op, inputs):
    """Every attribute of a node: defaults, and what the inputs settle."""
    op_def = OPS[op]
    attrs = dict(op_def.defaults)
    for arg, value in zip(op_def.inputs, inputs, strict=True):
        arrays = value if isinstance(value, list) else [value]
        # The types of what other nodes make are given as attributes.
        types = [as_dtype(a.dtype) for a in arrays if not isinstance(a, Made)]
        if arg.number_attr:
            attrs[arg.number_attr] = len(arrays)
        if arg.type_list_attr:
            attrs[arg.type_list_attr] = types
        elif arg.type_attr and types:
            attrs[arg.type_attr] = types[0]
    return attrs
