"""GraphDef in and out: the protos are exactly TensorFlow's."""

from collections.abc import Iterable

from tensorboard.compat.proto.graph_pb2 import GraphDef
from tensorboard.compat.proto.node_def_pb2 import NodeDef
from tensorboard.compat.proto.versions_pb2 import VersionDef

from reflow.graph import attr_values
from reflow.graph.build import output_types_of
from reflow.graph.device import canonical_name
from reflow.graph.export import export
from reflow.graph.graph import PRODUCER_VERSION, Graph, get_default_graph
from reflow.graph.operation import Operation, Tensor
from reflow.graph.registry import OpDef, get_op_def


def node_def(operation: Operation, in_order_of_names: bool = True) -> NodeDef:
    """The NodeDef of an operation.

    Args:
      operation: the operation.
      in_order_of_names: whether control inputs are sorted, as TensorFlow sorts them in a GraphDef but not in
        `Operation.node_def`.

    Returns:
      A NodeDef.
    """
    node = NodeDef(name=operation.name, op=operation.type, device=operation._device)
    node.input.extend([_input_name(t) for t in operation._inputs])
    control_inputs = [f"^{c.name}" for c in operation._control_inputs]
    node.input.extend(sorted(control_inputs) if in_order_of_names else control_inputs)
    set_attrs(node, operation, operation.attrs)
    return node


def set_attrs(node: NodeDef, operation, names: Iterable[str]) -> None:
    """Give a NodeDef the attributes of these names that an operation, or a plan's node, has."""
    types = operation.op_def.attrs
    for name in names:
        value = operation.attrs[name]
        if value is None and (name not in types or types[name].type != "shape"):
            continue
        kind = types[name].type if name in types else attr_values.infer_attr_type(value)
        node.attr[name].CopyFrom(_attr_proto(operation, name, kind, value))


def _attr_proto(operation, name, kind, value):
    if kind == "tensor" and "dtype" in operation.attrs:
        from tensorboard.compat.proto.attr_value_pb2 import AttrValue

        from reflow.graph.tensor_proto import ndarray_to_proto

        if not hasattr(value, "tensor_shape"):
            return AttrValue(tensor=ndarray_to_proto(value, operation.attrs["dtype"]))
    return attr_values.to_attr_value(kind, value)


def _input_name(tensor: Tensor) -> str:
    return tensor.op.name if tensor.value_index == 0 else tensor.name


def graph_def(graph: Graph, from_version: int | None = None, add_shapes: bool = False) -> GraphDef:
    """The GraphDef of a graph, or of the operations made since it had `from_version`."""
    result = GraphDef(versions=VersionDef(producer=graph._producer_version,
                                          min_consumer=graph._graph_def_version_min_consumer))  # fmt: skip
    start = from_version or 0
    for operation in graph._operations[start:]:
        node = node_def(operation)
        if add_shapes and operation.outputs:
            shapes = [t.dims for t in operation.outputs]
            node.attr["_output_shapes"].CopyFrom(attr_values.to_attr_value("list(shape)", shapes))
        result.node.append(node)
    for function in graph._functions.values():
        result.library.function.append(function)
    return result


def python_attr(op_def: OpDef, name: str, proto):
    """An AttrValue proto (or a value that is Python already) in the form that operations keep."""
    if not hasattr(proto, "WhichOneof"):
        return proto
    kind = op_def.attrs[name].type if name in op_def.attrs else attr_values.attr_type_of(proto)
    return attr_values.from_attr_value(kind or "list()", proto, name)


def attr_for_user(operation: Operation, name: str):
    """An attribute as `Operation.get_attr` returns it."""
    attr = operation.op_def.attrs.get(name)
    value = operation.attrs[name]
    kind = attr.type if attr is not None else attr_values.infer_attr_type(value)
    if kind == "tensor":
        return _attr_proto(operation, name, kind, value).tensor
    return attr_values.attr_for_user(kind or "list()", value)


@export("import_graph_def", "graph_util.import_graph_def")
def import_graph_def(graph_def, input_map=None, return_elements=None, name=None, op_dict=None, producer_op_list=None):
    """Add the nodes of a GraphDef to the default graph.

    Args:
      graph_def: a GraphDef proto.
      input_map: dict from a name in the GraphDef ("node:0", "node", or "^node" for a control input) to the tensor (or
        operation) of this graph to take instead.
      return_elements: names of operations ("node") or tensors ("node:0") to return.
      name: a scope to put the nodes in; "import" if None, the root if "".
      op_dict: accepted and not needed.
      producer_op_list: an OpList; accepted, attributes that this registry does not know are dropped if they have
        their default.

    Returns:
      A list of operations and tensors for `return_elements`, or None.

    Raises:
      TypeError: if `graph_def` is no GraphDef or `input_map` no dictionary of strings.
      ValueError: if a node's op is not known, an input is missing, or names in `input_map` or `return_elements` do not
        occur.
    """
    graph_def = _checked_graph_def(graph_def)
    if input_map is not None and not (isinstance(input_map, dict) and all(isinstance(k, str) for k in input_map)):
        raise TypeError(f"input_map must be a dictionary mapping strings to Tensor objects, got {input_map!r}")
    if return_elements is not None and not all(isinstance(e, str) for e in return_elements):
        raise TypeError("return_elements must be a list of strings.")
    graph = get_default_graph()
    importer = _Importer(graph, graph_def, dict(input_map or {}))
    if name is not None and name.endswith("/"):
        scope = name[:-1]
        graph.unique_name(scope) if scope and scope.lower() not in graph._names_in_use else None
    elif name == "":
        scope = graph._name_stack
    else:
        scope = graph.unique_name(name or "import")
    importer.add_all(scope)
    return None if return_elements is None else [importer.element(e) for e in return_elements]


def _checked_graph_def(graph_def) -> GraphDef:
    if not isinstance(graph_def, GraphDef):
        try:
            converted = GraphDef()
            converted.ParseFromString(graph_def.SerializeToString())
            graph_def = converted
        except Exception:
            raise TypeError("graph_def must be a GraphDef proto.") from None
    if graph_def.versions.min_consumer > PRODUCER_VERSION:
        raise ValueError(f"GraphDef min consumer version {graph_def.versions.min_consumer} above current version "
                         f"{PRODUCER_VERSION} for TensorFlow 1.15.  Please upgrade TensorFlow.")  # fmt: skip
    return graph_def


class _Importer:
    """Adds the nodes of one GraphDef to a graph, in an order in which inputs come first."""

    def __init__(self, graph: Graph, graph_def: GraphDef, input_map: dict):
        self._graph = graph
        self._graph_def = graph_def
        self._map = {k if k[:1] == "^" or ":" in k else f"{k}:0": v for k, v in input_map.items()}
        self._given = input_map
        self._used: set[str] = set()
        self._nodes: dict[str, NodeDef] = {}
        for node in graph_def.node:
            if node.name in self._nodes:
                raise ValueError(f"Node '{node.name}' is not unique in the GraphDef")
            self._nodes[node.name] = node
        self._made: dict[str, Operation] = {}
        self._back_edges: list[tuple[Operation, int, str]] = []
        self._colocated: list[Operation] = []

    def add_all(self, scope: str) -> None:
        """Add every node below `scope`."""
        prefix = f"{scope}/" if scope else ""
        for function in self._graph_def.library.function:
            self._graph._functions.setdefault(function.signature.name, function)
        _check_colocation(self._nodes)
        for node in _inputs_first(self._graph_def, self._nodes):
            self._made[node.name] = self._add(node, prefix)
        for operation in self._colocated:
            self._stand_with_anchor(operation)
        for operation, position, name in self._back_edges:
            operation._update_input(position, self._tensor(name, operation.name))
        unused = [k for k in self._given if (k if k[:1] == "^" or ":" in k else f"{k}:0") not in self._used]
        if unused:
            raise ValueError(f"Attempted to map inputs that were not found in graph_def: {sorted(unused)}")

    def _add(self, node: NodeDef, prefix: str) -> Operation:
        graph = self._graph
        try:
            op_def = get_op_def(node.op)
        except Exception:
            raise ValueError(f"No op named {node.op} in defined operations. (node '{node.name}')") from None
        attrs = dict(op_def.defaults)
        for key, proto in node.attr.items():
            if key == "_output_shapes":
                continue
            if key in op_def.attrs or key[0] == "_":
                attrs[key] = self._class_attr(key, python_attr(op_def, key, proto), prefix)
        for key in op_def.attrs:
            if key not in attrs:
                raise ValueError(f"NodeDef missing attr '{key}' from Op<name={node.op}> (node '{node.name}')")
        data = [n for n in node.input if n[:1] != "^"]
        inputs: list[Tensor] = []
        later: list[tuple[int, str]] = []
        for position, name in enumerate(data):
            if _is_back_edge(name, self._nodes, self._made) and not self._mapped(name):
                later.append((position, name))
                inputs.append(inputs[0])
            else:
                inputs.append(self._tensor(name, node.name))
        self._check_inputs(node, op_def, attrs, inputs)
        scope = f"{prefix}{node.name}"
        if scope in graph._by_name:
            raise ValueError(f"Node name '{scope}' already exists in the Graph")
        graph._names_in_use.setdefault(scope.lower(), 1)
        _use_parent_scopes(graph, scope)
        with graph.control_dependencies(None) if not graph._control_stack else _NoContext():
            device_stack, graph._device_stack = graph._device_stack, ()
            try:
                operation = graph.add_operation(op_def, inputs, attrs, output_types_of(op_def, attrs), scope, 4)
            finally:
                graph._device_stack = device_stack
        self._ask_for_device(operation, node.device)
        controls = [self._operation(n[1:], node.name) for n in node.input if n[:1] == "^"]
        operation._add_control_inputs(controls)
        self._back_edges.extend((operation, position, name) for position, name in later)
        return operation

    def _ask_for_device(self, operation: Operation, device: str) -> None:
        """The node's own request stands before those of the scopes around; that of a colocated node does not count."""
        if _anchors(operation):
            operation._device = ""
            self._colocated.append(operation)
        else:
            operation._device = canonical_name(device)
            self._graph._apply_device_functions(operation)

    def _stand_with_anchor(self, operation: Operation) -> None:
        devices = (self._graph._by_name[anchor].device for anchor in _anchors(operation))
        operation._device = canonical_name(next(filter(None, devices), ""))

    def _class_attr(self, key, value, prefix):
        if key != "_class" or not prefix:
            return value
        return [b"loc:@" + prefix.encode() + v[5:] if v.startswith(b"loc:@") else v for v in value]

    def _mapped(self, name):
        key = name if ":" in name else f"{name}:0"
        return key in self._map

    def _tensor(self, name: str, user: str) -> Tensor:
        key = name if ":" in name else f"{name}:0"
        if key in self._map:
            self._used.add(key)
            from reflow.graph.convert import to_tensor

            return to_tensor(self._map[key])
        op_name, _, index = key.rpartition(":")
        operation = self._made.get(op_name)
        if operation is None:
            raise ValueError(f"Node '{user}': Unknown input node '{name}'")
        if not index.isdigit() or int(index) >= len(operation.outputs):
            raise ValueError(f"Node '{user}': Connecting to invalid output {index} of source node {op_name} which has "
                             f"{len(operation.outputs)} outputs.")  # fmt: skip
        return operation.outputs[int(index)]

    def _operation(self, name: str, user: str) -> Operation:
        key = f"^{name}"
        if key in self._map:
            self._used.add(key)
            target = self._map[key]
            return target.op if isinstance(target, Tensor) else target
        if name not in self._made:
            raise ValueError(f"Node '{user}': Unknown input node '^{name}'")
        return self._made[name]

    def _check_inputs(self, node, op_def, attrs, inputs):
        wanted = _input_types(op_def, attrs)
        if len(wanted) != len(inputs):
            raise ValueError(f"NodeDef mentions {len(inputs)} inputs where Op<name={node.op}> takes {len(wanted)} "
                             f"(node '{node.name}')")  # fmt: skip
        for position, (tensor, dtype) in enumerate(zip(inputs, wanted, strict=True)):
            if tensor.dtype.base_dtype is not dtype:
                raise ValueError(f"Input {position} of node {node.name} was passed {tensor.dtype.name} from "
                                 f"{tensor.name} incompatible with expected {dtype.name}.")  # fmt: skip

    def element(self, name: str):
        """The operation or tensor for one of `return_elements`."""
        if name.rpartition(":")[2].isdigit() and ":" in name:
            if name in self._map:
                return self._map[name]
            try:
                return self._tensor(name, "return_elements")
            except ValueError as error:
                raise ValueError(f"Requested return tensor '{name}' not found in graph def: {error}") from None
        if name not in self._made:
            raise ValueError(f"Requested return_element {name!r} not found in graph_def.")
        return self._made[name]


def _check_colocation(nodes: dict[str, NodeDef]) -> None:
    for node in nodes.values():
        for label in node.attr["_class"].list.s if "_class" in node.attr else ():
            anchor = label.decode().removeprefix("loc:@")
            if label.startswith(b"loc:@") and anchor not in nodes:
                raise ValueError(f"Node '{node.name}' expects to be colocated with unknown node '{anchor}'")


def _anchors(operation: Operation) -> list[str]:
    """The names of the other operations with which an operation asks to stand."""
    labels = operation.attrs.get("_class", ())
    names = [label[5:].decode() for label in labels if label.startswith(b"loc:@")]
    return [name for name in names if name != operation.name]


class _NoContext:
    def __enter__(self):
        return self

    def __exit__(self, *exc_info):
        return None


def _use_parent_scopes(graph: Graph, scope: str) -> None:
    """Mark the scopes above a name as taken, as making the node inside them would have."""
    end = scope.rfind("/")
    while end > 0:
        graph._names_in_use.setdefault(scope[:end].lower(), 1)
        end = scope.rfind("/", 0, end)


def _input_types(op_def: OpDef, attrs: dict) -> list:
    types: list = []
    for arg in op_def.inputs:
        if arg.type_list_attr:
            types.extend(attrs[arg.type_list_attr])
        elif arg.number_attr:
            types.extend([arg.dtype or attrs[arg.type_attr]] * attrs[arg.number_attr])
        else:
            types.append(arg.dtype or attrs[arg.type_attr])
    return types


def _producer(name: str) -> str:
    if name[:1] == "^":
        return name[1:]
    head, colon, index = name.rpartition(":")
    return head if colon and index.isdigit() else name


_MERGES = frozenset({"Merge", "RefMerge"})
_NEXT_ITERATIONS = frozenset({"NextIteration", "RefNextIteration"})


def _is_back_edge(name: str, nodes, made) -> bool:
    producer = _producer(name)
    return producer not in made and producer in nodes and nodes[producer].op in _NEXT_ITERATIONS


def _inputs_first(graph_def: GraphDef, nodes: dict) -> list[NodeDef]:
    """The nodes, each after those it takes; edges that close a loop (from NextIteration to Merge) do not count."""
    ordered, state = [], {}
    for root in graph_def.node:
        stack = [(root, iter(root.input))]
        if root.name in state:
            continue
        state[root.name] = 1
        while stack:
            node, inputs = stack[-1]
            for name in inputs:
                source = nodes.get(_producer(name))
                if source is None or node.op in _MERGES and source.op in _NEXT_ITERATIONS:
                    continue
                mark = state.get(source.name)
                if mark == 1:
                    raise ValueError(f"the GraphDef has a cycle through node '{source.name}'")
                if mark is None:
                    state[source.name] = 1
                    stack.append((source, iter(source.input)))
                    break
            else:
                state[node.name] = 2
                ordered.append(node)
                stack.pop()
    position = {n.name: i for i, n in enumerate(graph_def.node)}
    is_sorted = all(position[_producer(i)] < position[n.name] for n in graph_def.node for i in n.input
                    if _producer(i) in position and n.op not in _MERGES)  # fmt: skip
    return list(graph_def.node) if is_sorted else ordered
