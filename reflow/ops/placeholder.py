"""Placeholders: tensors whose value the program feeds."""

from reflow.graph import dtypes, errors
from reflow.graph.build import call
from reflow.graph.convert import to_tensor
from reflow.graph.export import export
from reflow.graph.operation import Tensor
from reflow.graph.registry import define_op, gradient
from reflow.graph.shapes import dims_in_brackets
from reflow.graph.sparse_tensor import SparseTensor
from reflow.ops.shape_rules import merge
from reflow.ops.torch_types import FROM_TORCH, name_in_messages


def _shape_attr(op):
    return [op.attrs["shape"]]


def _not_fed(dtype, shape):
    wanted = f"dtype {name_in_messages(FROM_TORCH.get(dtype, dtype))}"
    if shape is not None:
        wanted += f" and shape {dims_in_brackets(shape)}"
    # The session puts in the node's name.
    message = f"You must feed a value for placeholder tensor '{{node}}' with {wanted}"
    raise errors.InvalidArgumentError(None, None, message)


define_op("Placeholder", "-> output: dtype", "dtype: type, shape: shape = ?", shape=_shape_attr, kernel=_not_fed)
define_op("PlaceholderV2", "-> output: dtype", "dtype: type, shape: shape", shape=_shape_attr, kernel=_not_fed)


def _default_shape(op):
    wanted = op.attrs["shape"]
    merge(op._inputs[0].dims, wanted)
    return [wanted]


define_op(
    "PlaceholderWithDefault", "input: dtype -> output: dtype", "dtype: type, shape: shape",
    shape=_default_shape, kernel="{input}", aliases=(0,),
)  # fmt: skip


@gradient("PlaceholderWithDefault")
def _placeholder_with_default_gradient(op, grad):
    return grad


@export("placeholder")
def placeholder(dtype, shape=None, name=None):
    """A tensor that the program feeds: `session.run(fetches, feed_dict={placeholder: value})`.

    Args:
      dtype: the type of what will be fed.
      shape: its shape, None for unknown sizes in it; None for any shape.
      name: the node's name.

    Returns:
      A Tensor. Running what depends on it without feeding it is an InvalidArgumentError.
    """
    return call("Placeholder", dtype=dtype, shape=shape, name=name)


@export("placeholder_with_default")
def placeholder_with_default(input, shape, name=None):
    """A tensor that passes `input` on unless the program feeds something else.

    Args:
      input: the value when nothing is fed.
      shape: the shape of either, None for sizes that may differ.
      name: the node's name.

    Returns:
      A Tensor of the type of `input`.

    Raises:
      ValueError: if `input` does not have a shape compatible with `shape`.
    """
    return call("PlaceholderWithDefault", input, shape=shape, name=name)


@export("sparse_placeholder", "sparse.placeholder")
def sparse_placeholder(dtype, shape=None, name=None):
    """A SparseTensor of placeholders, fed with a SparseTensorValue or a triple (indices, values, dense_shape).

    Args:
      dtype: the type of the values.
      shape: the dense shape: ints, or an int64 vector; None, or a list with None in it, for one that is fed as well.
      name: prefix of the nodes' names.

    Returns:
      A SparseTensor.
    """
    shape_name = None if name is None else f"{name}/shape"
    rank = None
    if shape is not None:
        rank = shape.shape[0] if isinstance(shape, Tensor) else len(shape)
        known = isinstance(shape, Tensor) or None not in shape
        shape = to_tensor(shape, dtypes.int64, shape_name) if known else None
    if shape is None:
        shape = placeholder(dtypes.int64, [rank], shape_name)
    values = placeholder(dtype, [None], None if name is None else f"{name}/values")
    indices = placeholder(dtypes.int64, [None, rank], None if name is None else f"{name}/indices")
    return SparseTensor(indices=indices, values=values, dense_shape=shape)
