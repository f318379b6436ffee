"""When a kernel fails: which node it was, and TensorFlow's exception with the node's name and creation line."""

import math
import re
from types import FrameType
from typing import Any

import numpy as np
import torch

from reflow.engine.emit import Emitted
from reflow.engine.plan import Node
from reflow.graph import errors
from reflow.graph.shapes import dims_in_brackets


def translate(error: BaseException, emitted: Emitted) -> BaseException:
    """The exception to raise to the user for one that came out of an emitted function.

    Args:
      error: what the emitted function raised.
      emitted: the function, which knows the node of each of its lines.

    Returns:
      A `tf.errors` exception that names the node and the user's line; or `error` itself if it is not the graph's fault
      (KeyboardInterrupt, an error of Reflow's own).
    """
    node, shapes = _failed_node(error, emitted)
    if node is None and isinstance(error, torch.OutOfMemoryError):  # On the way to or from a GPU.
        return errors.ResourceExhaustedError(None, None, str(error))
    if node is None or not isinstance(error, Exception):
        return error
    operation = node.operation
    if isinstance(error, errors.OpError):
        if error.op is not None:
            return error
        kind: Any = type(error)
        message = error.message.replace("{node}", node.name)
    else:
        kind, message = _kind_of(error), in_tensorflows_words(str(error), node, shapes)
    shown = node.attrs["original"] if node.type == "_Misfit" else node
    where = f"\n\t [[node {node.name} ({shown.type})]]"
    if shapes:
        where += f" with input shapes: {', '.join(shapes)}"
    node_def = operation.node_def if operation is not None else None
    return kind(node_def, operation, message + where)


def _failed_node(error: BaseException, emitted: Emitted) -> tuple[Node | None, list[str]]:
    """The node whose statement raised, and the shapes of the tensors that the statement takes."""
    node, shapes = None, []
    traceback = error.__traceback__
    while traceback is not None:
        frame, line = traceback.tb_frame, traceback.tb_lineno
        if frame.f_code.co_filename == emitted.filename and line in emitted.line_nodes:
            node = emitted.line_nodes[line]
            shapes = _shapes_on(emitted.source.splitlines()[line - 1], frame)
        traceback = traceback.tb_next
    return node, shapes


def _shapes_on(statement: str, frame: FrameType) -> list[str]:
    expression = statement.partition(" = ")[2] or statement
    names = re.findall(r"[A-Za-z_]\w*", expression)
    values = (frame.f_locals.get(name, frame.f_globals.get(name)) for name in dict.fromkeys(names))
    return [dims_in_brackets(tuple(v.shape)) for v in values if isinstance(v, (torch.Tensor, np.ndarray))]


def in_tensorflows_words(message: str, node: Node, shapes: list[str]) -> str:
    """What TensorFlow's kernels say where torch complains of shapes that do not fit."""
    if re.match(r"The size of tensor a .* must match the size of tensor b", message) and len(shapes) == 2:
        return f"Incompatible shapes: {shapes[0]} vs. {shapes[1]}"
    unfit = re.match(r"mat1 and mat2 shapes cannot be multiplied \(\d+x(\d+) and (\d+)x\d+\)", message)
    if unfit and len(shapes) == 2 and "adj_x" in node.attrs:
        adjoint = f"{node.attrs['adj_x']:d} {node.attrs['adj_y']:d}"
        return f"In[0] mismatch In[1] shape: {unfit[1]} vs. {unfit[2]}: {shapes[0]} {shapes[1]} {adjoint}"
    if unfit and len(shapes) >= 2:
        return f"Matrix size-incompatible: In[0]: {shapes[0]}, In[1]: {shapes[1]}"
    unfit = re.match(r"shape '\[(.*)\]' is invalid for input of size (\d+)", message)
    if unfit and "-1" not in unfit[1]:
        wanted = math.prod(int(size) for size in unfit[1].split(",") if size)
        return f"Input to reshape is a tensor with {unfit[2]} values, but the requested shape has {wanted}"
    return message


def _kind_of(error: Exception) -> type:
    if isinstance(error, (torch.OutOfMemoryError, MemoryError)):
        return errors.ResourceExhaustedError
    if isinstance(error, NotImplementedError):
        return errors.UnimplementedError
    if isinstance(error, RuntimeError) and "not implemented for" in str(error):
        return errors.UnimplementedError
    return errors.InvalidArgumentError
