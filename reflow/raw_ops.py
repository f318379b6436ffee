"""Every registered op as a plain function: `tf.raw_ops.MatMul(a=..., b=...)`, and the legacy `gen_*_ops` modules."""

import inspect
import re
from typing import Any

from reflow.graph.build import call
from reflow.graph.export import EXPORTS, export_value, with_signature
from reflow.graph.registry import OPS, OpDef

# Where the functions call an argument otherwise than GraphDefs do, as TensorFlow's ApiDef files have it.
_REDUCTIONS = "All Any EuclideanNorm Max Mean Min Prod Sum"
_RENAMED = {
    **dict.fromkeys(_REDUCTIONS.split(), {"reduction_indices": "axis"}),
    "ExpandDims": {"dim": "axis"},
    "Select": {"t": "x", "e": "y"},
    "Split": {"split_dim": "axis"},
    "SplitV": {"split_dim": "axis"},
    "Squeeze": {"squeeze_dims": "axis"},
    "Where": {"input": "condition"},
}


def argument_name(op_name: str, name: str) -> str:
    """What the function of an op calls the input or attribute `name`."""
    return _RENAMED.get(op_name, {}).get(name, name)


def raw_op(op_def: OpDef):
    """The function of an op: one keyword an input and attribute, and `name`; it returns what the op makes."""
    inferred = {x for a in op_def.inputs for x in (a.type_attr, a.number_attr, a.type_list_attr)}
    attrs = [a for a in op_def.attrs.values() if a.name not in inferred]
    inputs = [argument_name(op_def.name, arg.name) for arg in op_def.inputs]
    renamed_attrs = {argument_name(op_def.name, a.name): a.name for a in attrs}

    def function(*args, **kwargs):
        unexpected = next((k for k in kwargs if k not in signature.parameters), None)
        if unexpected is not None:
            raise TypeError(f"{op_def.name}() got an unexpected keyword argument '{unexpected}'")
        bound = signature.bind(*args, **kwargs).arguments
        name = bound.pop("name", None)
        values = [bound.pop(i) for i in inputs]
        return call(op_def.name, *values, name=name, **{renamed_attrs[key]: value for key, value in bound.items()})

    empty = inspect.Parameter.empty
    parameters: list[tuple[str, Any]] = [(i, empty) for i in inputs]
    parameters += [(key, empty) for key, a in zip(renamed_attrs, attrs, strict=True) if not a.has_default]
    parameters += [(key, a.default) for key, a in zip(renamed_attrs, attrs, strict=True) if a.has_default]
    parameters += [("name", None)]
    kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
    signature = inspect.Signature([inspect.Parameter(p, kind, default=d) for p, d in parameters])
    function.__name__ = function.__qualname__ = op_def.name
    arguments = "\n  ".join(f"{p}: {_describe(op_def, p)}" for p, _ in parameters)
    function.__doc__ = f"The op {op_def.name} itself.\n\nArgs:\n  {arguments}"
    return with_signature(function, signature)


def _describe(op_def: OpDef, parameter: str) -> str:
    shown = _RENAMED.get(op_def.name, {})
    name = next((own for own, other in shown.items() if other == parameter), parameter)
    arg = next((a for a in op_def.inputs if a.name == name), None)
    if arg is not None:
        kind = arg.dtype.name if arg.dtype else arg.type_list_attr or arg.type_attr
        return f"a list of tensors of type {kind}." if arg.is_list else f"a tensor of type {kind}."
    if name in op_def.attrs:
        return f"attribute of type {op_def.attrs[name].type}."
    return "a name for the operation."


def snake_case(op_name: str) -> str:
    """The name that the legacy `gen_*_ops` modules give an op: "MatMul" is mat_mul, "Conv2D" is conv2d."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])|(?<=.)(?=[A-Z][a-z])", "_", op_name).lower()


def export_raw_ops() -> None:
    """Export a function for each registered op that does not have one yet."""
    for name, op_def in OPS.items():
        if not name.startswith("_") and f"raw_ops.{name}" not in EXPORTS:
            export_value(f"raw_ops.{name}", raw_op(op_def))


export_raw_ops()
