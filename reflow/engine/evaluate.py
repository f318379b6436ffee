"""Run one node's kernel at once, on given arrays: what constant folding does, and what tests of kernels do."""

from functools import cache

from reflow.engine.emit import argument_of_each_input, attribute_parameters, template_fields
from reflow.engine.plan import Node
from reflow.graph.dtypes import DType
from reflow.graph.registry import grouped
from reflow.ops.torch_types import tensor_of, to_torch


def evaluate(node: Node, arrays: list) -> list:
    """The outputs of a node, one torch tensor (or string array) each, for input arrays.

    Args:
      node: a plan node whose op has a kernel that needs no resource.
      arrays: one NumPy array an input.

    Raises:
      Whatever the kernel raises.
    """
    op_def = node.op_def
    values = [a.tolist() if arg.name in op_def.host else tensor_of(a)
              for a, arg in zip(arrays, argument_of_each_input(node), strict=True)]  # fmt: skip
    arguments = grouped(op_def.inputs, node.attrs, values)
    if isinstance(op_def.kernel, str):
        function, names = _compiled_template(op_def.kernel)
        by_name = dict(zip([a.name for a in op_def.inputs], arguments, strict=True))
        result = function(*[by_name[n] if n in by_name else _attr(node.attrs[n]) for n in names])
    else:
        keywords = {a: _attr(node.attrs[a]) for a in attribute_parameters(op_def.kernel, op_def)}
        result = op_def.kernel(*arguments, **keywords)
    return _flat(op_def, result)


def _attr(value):
    if isinstance(value, DType):
        return to_torch(value)
    if isinstance(value, list):
        return [_attr(v) for v in value]
    return value


def _flat(op_def, result) -> list:
    if len(op_def.outputs) == 1:
        return list(result) if op_def.outputs[0].is_list else [result]
    flat: list = []
    for arg, part in zip(op_def.outputs, result, strict=True):
        flat.extend(part) if arg.is_list else flat.append(part)
    return flat


@cache
def _compiled_template(template: str):
    import torch

    names = list(dict.fromkeys(f.split(".")[0].split("[")[0] for f in template_fields(template)))
    source = template.format_map({f: f for f in names})
    return eval(f"lambda {', '.join(names)}: {source}", {"torch": torch}), names
