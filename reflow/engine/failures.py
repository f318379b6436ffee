"""When a kernel fails: which node it was, and TensorFlow's exception with the node's name and creation line."""

from typing import Any

import torch

from reflow.engine.emit import Emitted
from reflow.engine.plan import Node
from reflow.graph import errors


def translate(error: BaseException, emitted: Emitted) -> BaseException:
    """The exception to raise to the user for one that came out of an emitted function.

    Args:
      error: what the emitted function raised.
      emitted: the function, which knows the node of each of its lines.

    Returns:
      A `tf.errors` exception that names the node and the user's line; or `error` itself if it is not the graph's fault
      (KeyboardInterrupt, an error of Reflow's own).
    """
    node = _failed_node(error, emitted)
    if node is None or not isinstance(error, Exception):
        return error
    operation = node.operation
    if isinstance(error, errors.OpError):
        if error.op is not None:
            return error
        kind: Any = type(error)
        message = error.message
    else:
        kind, message = _kind_of(error), str(error)
    shapes = f"\n\t [[node {node.name} ({node.type})]]"
    node_def = operation.node_def if operation is not None else None
    return kind(node_def, operation, message + shapes)


def _failed_node(error: BaseException, emitted: Emitted) -> Node | None:
    node = None
    traceback = error.__traceback__
    while traceback is not None:
        if traceback.tb_frame.f_code.co_filename == emitted.filename:
            node = emitted.line_nodes.get(traceback.tb_lineno, node)
        traceback = traceback.tb_next
    return node


def _kind_of(error: Exception) -> type:
    if isinstance(error, (torch.OutOfMemoryError, MemoryError)):
        return errors.ResourceExhaustedError
    if isinstance(error, NotImplementedError):
        return errors.UnimplementedError
    if isinstance(error, RuntimeError) and "not implemented for" in str(error):
        return errors.UnimplementedError
    return errors.InvalidArgumentError
