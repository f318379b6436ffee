"""`tf.contrib.framework.print_op`: printing a tensor with its name, type and shape."""

from reflow.graph import dtypes
from reflow.graph.context import control_dependencies
from reflow.graph.export import export
from reflow.graph.operation import Tensor
from reflow.graph.sparse_tensor import SparseTensor
from reflow.ops.casting import cast
from reflow.ops.constant import constant
from reflow.ops.identity import identity
from reflow.ops.printing import Print
from reflow.ops.reduction import argmax
from reflow.variables.variable import Variable


@export("contrib.framework.print_op")
def print_op(input_, data=None, message=None, first_n=None, summarize=20, print_tensor_name=True,
             print_tensor_type=True, print_shape=True, summarize_indicator_vector=True, name=None):  # fmt: skip
    """`input_`, printed whenever it is evaluated, with what is known of it.

    Args:
      input_: a Tensor, SparseTensor or Variable.
      data: a list of further ones to print.
      message: a text before.
      first_n: print only so many times.
      summarize: how many elements of each to print.
      print_tensor_name, print_tensor_type, print_shape: what to print besides the values.
      summarize_indicator_vector: whether to print where a bool vector is first true.
      name: a name for the operation.

    Returns:
      The same as `input_`.

    Raises:
      ValueError: if it is something else.
    """
    items = [input_, *(data or ())]
    options = (print_tensor_name, print_tensor_type, print_shape, summarize_indicator_vector)
    described = [part for item in items for part in _described(item, *options)]
    if not isinstance(input_, SparseTensor):
        return Print(input_, described, message or "", first_n, summarize, name)
    printed = Print(constant([]), described, message or "", first_n, summarize, name)
    with control_dependencies([printed]):
        return SparseTensor(identity(input_.indices), identity(input_.values), identity(input_.dense_shape))


def _described(item, with_name, with_type, with_shape, with_first_true):
    kind = next((k for k in (Tensor, SparseTensor, Variable) if isinstance(item, k)), None)
    if kind is None:
        raise ValueError("input_ must be of type Tensor, SparseTensor or TensorArray")
    if with_name and kind is Tensor:
        yield constant(f"Name: {item.name}")
    if with_type:
        yield constant(f"Type: {kind.__name__} ({item.dtype.name})")
    if with_shape and kind is SparseTensor:
        yield from (constant("Shape:"), item.dense_shape)
    elif with_shape and kind is Tensor:
        yield constant(f"Shape: {item.get_shape().dims}")
    if with_first_true and item.dtype == dtypes.bool:
        yield from (constant("First True in Boolean tensor at:"), argmax(cast(item, dtypes.uint8), 0))
    if kind is SparseTensor:
        yield from (constant("Sparse indices:"), item.indices, constant("Sparse values:"), item.values)
    elif kind is Tensor:
        yield from (constant("Value:"), item)
