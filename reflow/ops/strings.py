"""Operations on strings."""

import numpy as np

from reflow.graph.build import call
from reflow.graph.export import export
from reflow.graph.registry import define_op
from reflow.ops.shape_rules import merge


def _join_shape(op):
    dims = [tensor.dims for tensor in op._inputs]
    if all(d == () for d in dims):
        return [()]
    shape = None
    for each in dims:
        if each:
            shape = merge(shape, each)
    return [shape]


def _join(inputs, separator):
    if all(array.ndim == 0 for array in inputs):
        return np.array(separator.join(array.item() for array in inputs), object)
    shape = next(array.shape for array in inputs if array.ndim)
    result = np.empty(shape, object)
    rows = zip(*(np.broadcast_to(array, shape).reshape(-1) for array in inputs), strict=True)
    result.reshape(-1)[:] = [separator.join(row) for row in rows]
    return result


define_op("StringJoin", "inputs: N*string -> output: string", 'N: int >= 1, separator: string = ""', shape=_join_shape,
          kernel=_join, gradient=None)  # fmt: skip


@export("strings.join", "string_join")
def string_join(inputs, separator="", name=None):
    """Joins strings, element by element.

    Args:
      inputs: a list of string tensors of one shape; scalars among them are repeated.
      separator: a string to put between them.
      name: the node's name.

    Returns:
      A string tensor of the inputs' shape.

    Raises:
      ValueError: if the shapes differ.
    """
    return call("StringJoin", inputs, name=name, separator=separator)
