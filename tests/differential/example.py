"""An example: one op with its inputs, attributes, and what of the inputs is known when the graph is built."""

import base64
from dataclasses import dataclass, field

from tensorboard.compat.proto.graph_pb2 import GraphDef

from reflow.graph.attr_values import to_attr_value
from reflow.graph.dtypes import as_dtype
from reflow.graph.registry import OPS
from tests.differential.array_codec import encode

# What is known of an input while the graph is built: its value, its shape, part of its shape, not even its rank.
CONSTANT, KNOWN, PARTIAL, UNKNOWN = "constant", "known", "partial", "unknown"


@dataclass
class Example:
    """One op on one set of inputs.

    Attributes:
      op: its name.
      inputs: one array, or list of arrays, an input argument.
      attrs: attributes by name, as Python values; those that follow from the inputs are filled in.
      known: for each array, in order, one of CONSTANT, KNOWN, PARTIAL, UNKNOWN.
      producer: the version of the GraphDef.
    """

    op: str
    inputs: list
    attrs: dict
    known: list = field(default_factory=list)
    producer: int = 134

    def __post_init__(self):
        self.attrs = {**_inferred(self.op, self.inputs), **self.attrs}

    def arrays(self):
        """All input arrays in order, list arguments flat."""
        return [a for value in self.inputs for a in (value if isinstance(value, list) else [value])]

    def request(self):
        """The example as the worker takes it."""
        graph, feeds, wrt, names = GraphDef(), {}, [], []
        graph.versions.producer = self.producer
        kinds = self._kinds_of_variables()
        for i, (array, known, kind) in enumerate(zip(self.arrays(), self.known, kinds, strict=True)):
            names.append(f"x{i}")
            if kind:
                _add_variable(graph, names[-1], kind, array)
                continue
            if known == CONSTANT:
                _add_node(graph, names[-1], "Const", dtype=as_dtype(array.dtype), value=array)
                continue
            _add_node(graph, names[-1], "Placeholder", dtype=as_dtype(array.dtype), shape=_static(array, known))
            feeds[names[-1]] = encode(array)
            if as_dtype(array.dtype).is_floating or as_dtype(array.dtype).is_complex:
                wrt.append(names[-1])
        node = _add_node(graph, "op", self.op, **self.attrs)
        node.input.extend(names)
        content = base64.b64encode(graph.SerializeToString(deterministic=True)).decode()
        return {"graph": content, "feeds": feeds, "wrt": wrt}

    def _kinds_of_variables(self):
        """For each array "ref" or "resource" if it is the value of a variable that the op works on, else None."""
        kinds = []
        for arg, value in zip(OPS[self.op].inputs, self.inputs, strict=True):
            is_handle = arg.dtype is not None and arg.dtype.name == "resource"
            kind = "ref" if arg.is_ref else "resource" if is_handle else None
            kinds += [kind] * (len(value) if isinstance(value, list) else 1)
        return kinds

    def __repr__(self):
        values = [f"{a.dtype}{list(a.shape)} ({known}): {a.tolist()}"
                  for a, known in zip(self.arrays(), self.known, strict=True)]  # fmt: skip
        return "\n  ".join([f"{self.op} {self.attrs}", *values])


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
        types = [as_dtype(a.dtype) for a in arrays]
        if arg.number_attr:
            attrs[arg.number_attr] = len(arrays)
        if arg.type_list_attr:
            attrs[arg.type_list_attr] = types
        elif arg.type_attr and types:
            attrs[arg.type_attr] = types[0]
    return attrs
