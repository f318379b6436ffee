"""Nodes whose inputs have shapes that do not fit, as the fed shapes show: all that they can do is to say so.

Passes may rely on what shape rules check. So such a node becomes a `_Misfit`, which none of them knows, and which fails
when it runs: it may stand in a branch that is not taken.
"""

from reflow.engine.evaluate import evaluate
from reflow.engine.failures import in_tensorflows_words
from reflow.engine.passes.misfit_words import words_for
from reflow.engine.plan import Node
from reflow.graph import errors
from reflow.graph.registry import define_op
from reflow.graph.shapes import dims_in_brackets
from reflow.ops.torch_types import array_of


def _misfit(inputs, original, problem):
    """Fail with what TensorFlow's kernel says, as far as that is known or the one here does; else with `problem`.

    Some shape rules refuse what kernels take: then the results are the kernel's.
    """
    if words := words_for(original):
        raise errors.InvalidArgumentError(None, None, words)
    try:
        return evaluate(original, [array_of(value) for value in inputs])
    except errors.OpError:
        raise
    except Exception as error:
        shapes = [dims_in_brackets(tuple(value.shape)) for value in inputs]
        words = in_tensorflows_words(str(error), original, shapes)
        problem = words if words != str(error) else problem
    raise errors.InvalidArgumentError(None, None, problem)


# It counts as stateful: it is never merged, folded or dropped.
_MISFIT = define_op(
    "_Misfit", "inputs: list:Tin -> outputs: list:Tout",
    "Tin: list(type), Tout: list(type), original: string, problem: string",
    kernel=_misfit, is_stateful=True, gradient=None,
)  # fmt: skip


def make_misfit(node: Node, problem: str) -> None:
    """Turn a node into one that fails when it runs.

    Args:
      node: the node; those with state, or with shapes that are not known, are left alone.
      problem: what its shape rule finds wrong; said if TensorFlow has no other words for it.
    """
    op_def = node.op_def
    if op_def.is_stateful or op_def.resource is not None or op_def.kernel is None:
        return
    if any(v.is_state or v.dims is None or None in v.dims for v in node.inputs):
        return
    original = Node(node.name, op_def, node.attrs, list(node.inputs), node.operation)
    types = [v.dtype for v in node.inputs], [v.dtype for v in node.outputs]
    node.op_def, node.type = _MISFIT, _MISFIT.name
    node.attrs = {"Tin": types[0], "Tout": types[1], "original": original, "problem": problem}
