"""Calling an op: types are inferred from the inputs, values become tensors, and a node joins the graph.

`call("MatMul", a, b, name=name, transpose_a=True)` is what every public function comes down to. It runs for each node
of every graph, so it stays short and avoids work that most calls do not need.
"""

from collections import namedtuple
from typing import Any

import numpy as np

from reflow.graph.convert import to_tensor
from reflow.graph.dtypes import DType, as_dtype
from reflow.graph.graph import Graph, check_op_name, get_default_graph
from reflow.graph.operation import Operation, Tensor
from reflow.graph.registry import ArgDef, OpDef, get_op_def, grouped
from reflow.graph.shapes import as_dims


def call(op_name: str, *inputs, name: str | None = None, **attrs):
    """Add an operation and return what it makes.

    Args:
      op_name: the registered op.
      *inputs: one value an input argument: tensors, or what converts to them; a list for a list argument.
      name: the node's name; the op's name if None.
      **attrs: attributes that the inputs' types do not settle, as Python values.

    Returns:
      A Tensor for an op with one output, the Operation for none, else a named tuple of tensors and lists of them.

    Raises:
      TypeError, ValueError: as TensorFlow does for inputs of a wrong type, number or shape.
    """
    operation = add_op(op_name, inputs, attrs, name)
    op_def = operation.op_def
    if op_def.makes_one_tensor:
        return operation.outputs[0]
    if not op_def.outputs:
        return operation
    return operation.outputs if len(op_def.outputs) == 1 else _structured(op_def, operation)


def add_op(op_name: str, inputs, attrs: dict, name: str | None = None) -> Operation:
    """As `call`, and return the Operation."""
    op_def = get_op_def(op_name)
    default_graph = get_default_graph()
    graph = _graph_of(inputs) or default_graph
    if graph is not default_graph:
        with graph.as_default():
            return _add(graph, op_def, inputs, attrs, name)
    return _add(graph, op_def, inputs, attrs, name)


def _add(graph: Graph, op_def: OpDef, inputs, attrs: dict, name: str | None) -> Operation:
    if graph._finalized:
        raise RuntimeError("Graph is finalized and cannot be modified.")
    if name and name[-1] == "/":
        scope = name[:-1]
    else:
        if name:
            check_op_name(name)
        scope = graph.unique_name(name or op_def.name)
    signature = _signature(graph, op_def, inputs, attrs)
    known = None if signature is None else op_def.settled.get(signature)
    if known is not None:
        tensors, types, values = tuple(inputs), known[0], known[1].copy()
        for key, value in attrs.items():
            values[key] = _attr_value(op_def, key, value)
    else:
        tensors, values = _settle(graph, op_def, inputs, attrs, scope)
        types = output_types_of(op_def, values)
        if signature is not None:
            op_def.settled[signature] = types, {k: None if k in attrs else v for k, v in values.items()}
    if op_def.references:
        return _add_beside_references(graph, op_def, tensors, values, types, scope)
    return graph.add_operation(op_def, tensors, values, types, scope, 4)


def _signature(graph: Graph, op_def: OpDef, inputs, attrs: dict) -> tuple | None:
    """What settles the types and the remaining attributes of a call: the types of its inputs, its attributes by name.

    Calls of one signature differ in the values of attributes that settle no types. None for a call that has to be
    looked at by itself: inputs that are lists or no tensors of the graph, types and numbers that the attributes tell.
    """
    if op_def.takes_lists:
        return None
    signature: list = []
    for value in inputs:
        if type(value) is not Tensor or value.op.graph is not graph:
            return None
        signature.append(value.dtype.as_datatype_enum)
    for key, value in attrs.items():
        if key in op_def.type_attrs:
            if type(value) is not DType:
                return None
            signature.append(value.as_datatype_enum)
        signature.append(key)
    return tuple(signature)


def _settle(graph: Graph, op_def: OpDef, inputs, attrs: dict, scope: str) -> tuple[tuple[Tensor, ...], dict]:
    """The input tensors and all attributes of a call; what becomes a tensor does so in the scope `scope`."""
    values = dict(op_def.static_defaults)
    for key, value in attrs.items():
        values[key] = _attr_value(op_def, key, value)
    saved_scope = graph._name_stack
    graph._name_stack = scope
    try:
        tensors = _convert_inputs(op_def, inputs, values)
    finally:
        graph._name_stack = saved_scope
    if len(values) < len(op_def.attrs):
        _fill_attrs(op_def, values)
    for tensor in tensors:
        if tensor.op.graph is not graph:
            other = next(t for t in tensors if t.op.graph is graph)
            raise ValueError(f"{tensor} must be from the same graph as {other}.")
    return tuple(tensors), values


def _add_beside_references(graph: Graph, op_def: OpDef, tensors, values: dict, types, scope: str) -> Operation:
    """Add an operation colocated with the variables that it takes by reference, of a list of them with the first."""
    anchors = [tensors[i].op for i in op_def.references if i < len(tensors)]
    saved = graph._colocation_stack, graph._device_stack
    graph._colocation_stack, graph._device_stack = [*saved[0], *anchors], ()
    try:
        return graph.add_operation(op_def, tensors, values, types, scope, 5)
    finally:
        graph._colocation_stack, graph._device_stack = saved


def _fill_attrs(op_def: OpDef, values: dict) -> None:
    """Give the attributes that neither the caller nor the inputs settled their defaults."""
    for key in op_def.attrs:
        if key not in values:
            if key not in op_def.defaults:
                raise TypeError(f"{op_def.name}() missing required argument: {key!r}")
            values[key] = op_def.defaults[key]


def _graph_of(inputs) -> Graph | None:
    """The graph of the first tensor among the inputs; None if there is none."""
    for value in inputs:
        if type(value) is Tensor:
            return value.op.graph
        if isinstance(value, (list, tuple)):
            graph = _graph_of(value)
            if graph is not None:
                return graph
        elif isinstance(getattr(value, "graph", None), Graph):
            return value.graph
    return None


def _convert_inputs(op_def: OpDef, inputs, attrs: dict) -> list[Tensor]:
    """The input tensors; `attrs` gains the attributes that they settle."""
    if len(inputs) != len(op_def.inputs):
        raise TypeError(f"{op_def.name} takes {len(op_def.inputs)} inputs, not {len(inputs)}")
    tensors: list[Tensor] = []
    for arg, value in zip(op_def.inputs, inputs, strict=True):
        if arg.is_list:
            tensors.extend(_convert_list(op_def, arg, value, attrs))
            continue
        wanted = arg.dtype or attrs.get(arg.type_attr)
        tensor = value if type(value) is Tensor else _convert(op_def, arg, value, wanted)
        if arg.is_ref and not tensor.dtype.is_ref:
            raise TypeError(f"'{op_def.name}' Op requires that input '{arg.name}' be a mutable tensor "
                            "(e.g.: a tf.Variable)")  # fmt: skip
        base = tensor.dtype.base_dtype
        if wanted is None:
            _settle_type(op_def, arg, base, attrs)
        elif base is not wanted:
            raise _type_mismatch(op_def, arg, base, wanted)
        tensors.append(tensor)
    return tensors


def _settle_type(op_def: OpDef, arg: ArgDef, base: DType, attrs: dict) -> None:
    allowed = op_def.attrs[arg.type_attr].allowed
    if allowed is not None and base not in allowed:
        raise TypeError(_not_allowed(op_def, arg.name, base, arg.type_attr))
    attrs[arg.type_attr] = base


def _not_allowed(op_def, arg_name, base, attr):
    allowed = ", ".join(d.name for d in op_def.attrs[attr].allowed)
    return f"Value passed to parameter '{arg_name}' has DataType {base.name} not in list of allowed values: {allowed}"


def _type_mismatch(op_def, arg, base, wanted):
    start = f"Input '{arg.name}' of '{op_def.name}' Op has type {base.name} that does not match"
    if arg.dtype is not None:
        return TypeError(f"{start} expected type of {wanted.name}.")
    first = next((a.name for a in op_def.inputs if a.type_attr == arg.type_attr), arg.name)
    if first == arg.name:
        return TypeError(f"{start} attr {arg.type_attr} = {wanted.name}.")
    return TypeError(f"{start} type {wanted.name} of argument '{first}'.")


def _convert(op_def: OpDef, arg: ArgDef, value, wanted: DType | None) -> Tensor:
    """The tensor for an input that is not one yet, in TensorFlow's words when it cannot be."""
    preferred = op_def.defaults.get(arg.type_attr) if wanted is None else None
    try:
        tensor = to_tensor(value, wanted, arg.name, preferred, arg.is_ref)
    except TypeError as error:
        if wanted is None:
            raise
        raise TypeError(f"Expected {wanted.name} passed to parameter '{arg.name}' of op '{op_def.name}', got "
                        f"{value!r} of type '{type(value).__name__}' instead. Error: {error}") from None  # fmt: skip
    except ValueError:
        # A value with a type of its own, such as a variable: report the mismatch between the two.
        try:
            tensor = to_tensor(value, None, arg.name, None, arg.is_ref)
        except ValueError as error:
            raise ValueError(f"Tried to convert '{arg.name}' to a tensor and failed. Error: {error}") from None
    return tensor


def _convert_list(op_def: OpDef, arg: ArgDef, values, attrs: dict) -> list[Tensor]:
    if not isinstance(values, (list, tuple)):
        raise TypeError(f"Expected list for '{arg.name}' argument to '{op_def.name}' Op, not {values}.")
    if arg.number_attr:
        return _convert_same(op_def, arg, list(values), attrs)
    types = attrs.get(arg.type_list_attr)
    if types is not None and len(types) != len(values):
        raise ValueError(f"Input '{arg.name}' of '{op_def.name}' Op has {len(values)} values for {len(types)} types.")
    wanted = types if types is not None else [None] * len(values)
    tensors = [to_tensor(v, t, f"{arg.name}_{i}") for i, (v, t) in enumerate(zip(values, wanted, strict=True))]
    attrs[arg.type_list_attr] = found = [t.dtype.base_dtype for t in tensors]
    allowed = op_def.attrs[arg.type_list_attr].allowed
    wrong = allowed and next((base for base in found if base not in allowed), None)
    if wrong:
        raise TypeError(_not_allowed(op_def, arg.name, wrong, arg.type_list_attr))
    _check_length(op_def, arg, arg.type_list_attr, len(tensors))
    return tensors


def _convert_same(op_def: OpDef, arg: ArgDef, values: list, attrs: dict) -> list[Tensor]:
    """The tensors of an `N*T` argument: all of one type, that of the first tensor among them."""
    _check_length(op_def, arg, arg.number_attr, len(values))
    known = attrs.get(arg.number_attr)
    if known is not None and known != len(values):
        raise ValueError(f"List argument '{arg.name}' to '{op_def.name}' Op with length {len(values)} must match "
                         f"length {known} of the other list arguments.")  # fmt: skip
    attrs[arg.number_attr] = len(values)
    wanted = arg.dtype or attrs.get(arg.type_attr)
    if wanted is None:
        wanted = next((v.dtype.base_dtype for v in values if hasattr(v, "dtype") and not isinstance(v, np.ndarray)
                       and not isinstance(v, np.generic)), None)  # fmt: skip
    tensors = []
    for i, value in enumerate(values):
        if isinstance(value, Tensor):
            tensor = value
        else:
            preferred = op_def.defaults.get(arg.type_attr)
            tensor = to_tensor(value, wanted, f"{arg.name}_{i}", preferred, arg.is_ref)
        base = tensor.dtype.base_dtype
        wanted = wanted or base
        if base is not wanted:
            raise _list_mismatch(op_def, arg, values, attrs)
        tensors.append(tensor)
    if tensors and arg.type_attr and arg.type_attr not in attrs:
        _settle_type(op_def, arg, tensors[0].dtype.base_dtype, attrs)
    return tensors


def _list_mismatch(op_def: OpDef, arg: ArgDef, values: list, attrs: dict) -> TypeError:
    listed = ", ".join(v.dtype.name if isinstance(v, Tensor) else type(v).__name__ for v in values)
    start = f"Tensors in list passed to '{arg.name}' of '{op_def.name}' Op have types [{listed}] that"
    if arg.dtype:
        return TypeError(f"{start} do not match expected type {arg.dtype.name}.")
    if arg.type_attr in attrs:
        return TypeError(f"{start} do not match type {attrs[arg.type_attr].name} inferred from earlier arguments.")
    return TypeError(f"{start} don't all match.")


def _check_length(op_def, arg, attr, length):
    least = op_def.attrs[attr].minimum if attr in op_def.attrs else None
    if least is not None and length < least:
        raise ValueError(f"List argument '{arg.name}' to '{op_def.name}' Op with length {length} shorter than minimum "
                         f"length {least}.")  # fmt: skip


# --- attributes ---------------------------------------------------------------------------------------------------


def _attr_value(op_def: OpDef, key: str, value):
    """An attribute in the form that the graph keeps it in, checked against the definition."""
    attr = op_def.attrs.get(key)
    if attr is None:
        if key[0] == "_":
            return value
        raise TypeError(f"{op_def.name}() got an unexpected attribute {key!r}")
    if attr.element:
        if not isinstance(value, (list, tuple)):
            raise TypeError(f"Expected list for attr {key}")
        value = [_one_attr(op_def, key, attr.element, v) for v in value]
        if attr.minimum is not None and len(value) < attr.minimum:
            raise ValueError(f"Attr '{key}' of '{op_def.name}' Op passed list of length {len(value)} less than minimum "
                             f"{attr.minimum}.")  # fmt: skip
    else:
        value = _one_attr(op_def, key, attr.type, value)
        if attr.minimum is not None and attr.type == "int" and value < attr.minimum:
            raise ValueError(f"Attr '{key}' of '{op_def.name}' Op passed {value} less than minimum {attr.minimum}.")
    if attr.allowed is not None:
        for each in value if attr.element else (value,):
            if each not in attr.allowed:
                raise _attr_not_allowed(op_def, key, attr, each)
    return value


def _attr_not_allowed(op_def, key, attr, value):
    if isinstance(value, DType):
        return TypeError(_not_allowed(op_def, key, value, key))
    options = '", "'.join(v.decode() for v in attr.allowed)
    return ValueError(f"Attr '{key}' of '{op_def.name}' Op passed string '{value.decode()}' not in: \"{options}\".")


def _one_attr(op_def, key, kind, value):
    try:
        return _ATTR_FORMS[kind](value)
    except (TypeError, ValueError, AttributeError) as error:
        wanted = {"type": "DataType", "shape": "TensorShape"}.get(kind, kind)
        raise TypeError(f"Expected {wanted} for argument '{key}' not {value!r}.") from error


def _as_bytes(value) -> bytes:
    return value if isinstance(value, bytes) else value.encode()


def _as_bool(value) -> bool:
    if isinstance(value, (bool, np.bool_)):
        return bool(value)
    raise TypeError("not a bool")


def _as_int(value) -> int:
    if isinstance(value, (str, bytes)):
        raise TypeError("not an int")
    return int(value)


def _as_float(value) -> float:
    """The number that a GraphDef holds, which has single precision."""
    return float(np.float32(value))


def _base_type(value) -> DType:
    return as_dtype(value).base_dtype


def _unchanged(value):
    return value


_ATTR_FORMS = {
    "type": _base_type, "shape": as_dims, "int": _as_int, "float": _as_float, "bool": _as_bool, "string": _as_bytes,
    "tensor": _unchanged, "func": _unchanged,
}  # fmt: skip


# --- outputs ------------------------------------------------------------------------------------------------------


def output_types_of(op_def: OpDef, attrs: dict) -> list[DType]:
    """The types of the outputs, from the settled attributes."""
    types: list[DType] = []
    for arg in op_def.outputs:
        if arg.type_list_attr:
            types.extend(attrs[arg.type_list_attr])
            continue
        dtype = arg.dtype or attrs[arg.type_attr]
        if arg.is_ref:
            dtype = dtype._as_ref
        types.extend([dtype] * attrs[arg.number_attr] if arg.number_attr else [dtype])
    return types


_result_types: dict[str, type] = {}


def _structured(op_def: OpDef, operation: Operation):
    """The outputs as a named tuple, list arguments as lists."""
    kind: Any = _result_types.get(op_def.name)
    if kind is None:
        kind = _result_types[op_def.name] = namedtuple(op_def.name, [a.name for a in op_def.outputs], rename=True)
    return kind._make(grouped(op_def.outputs, operation.attrs, operation.outputs))
