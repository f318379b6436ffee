"""How an op without a kernel is defined, and what a step says that needs it."""

import json
from typing import NoReturn

from reflow.graph import dtypes, errors
from reflow.graph.registry import OpDef, define_op
from reflow.graph.shapes import dims_in_brackets
from reflow.ops.torch_types import name_in_messages

NAMES: set[str] = set()
"""The ops that were defined so."""


def define_without_kernel(name: str, signature: str, attrs: str = "", **rules) -> OpDef:
    """Register an op that no device here can run.

    Args:
      name, signature, attrs, **rules: as for `define_op`, without a kernel.

    Returns:
      The registered OpDef.
    """
    NAMES.add(name)
    return define_op(name, signature, attrs, kernel=_never_runs, lower=_refuse, **rules)


def _never_runs(*inputs) -> NoReturn:
    """Stands for the kernel where a pass tries to compute a node whose inputs are constants: the node stays."""
    raise NotImplementedError("there is no kernel")


def _refuse(call) -> NoReturn:
    node = call.node
    attrs = ", ".join(f"{key}={_in_message(node.attrs[key])}" for key in sorted(node.op_def.attrs))
    operation = node.operation
    raise errors.InvalidArgumentError(
        operation.node_def if operation is not None else None, operation,
        f"No OpKernel was registered to support Op '{node.type}' used by node {node.name} with these attrs: [{attrs}]\n"
        f"Registered devices: [CPU]\nRegistered kernels:\n  <no registered kernels>\n\n\t [[{node.name}]]",
    )  # fmt: skip


def _in_message(value) -> str:
    """An attribute as TensorFlow's messages spell it."""
    if isinstance(value, list):
        return f"[{', '.join(map(_in_message, value))}]"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, bytes):
        return json.dumps(value.decode("utf-8", "backslashreplace"), ensure_ascii=False)
    if isinstance(value, dtypes.DType):
        return f"DT_{name_in_messages(value).upper()}"
    if value is None or isinstance(value, tuple):
        return dims_in_brackets(value)
    if isinstance(value, float):
        return f"{value:g}"
    return str(getattr(value, "name", value))  # A function goes by its name.
