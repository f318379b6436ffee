"""Partitioners: into how many parts `get_variable` cuts a variable."""

import math

from reflow.graph import dtypes
from reflow.graph.dtypes import DType
from reflow.graph.export import export
from reflow.graph.shapes import TensorShape
from reflow.platform.deprecation import deprecated
from reflow.variables.variable_scope import get_variable_scope, variable_scope
from reflow.variables.variable_store import get_default_variable_store


def _element_size(dtype: DType, bytes_per_string_element: int) -> int:
    return bytes_per_string_element if dtype.base_dtype is dtypes.string else dtype.size


@export("variable_axis_size_partitioner")
def variable_axis_size_partitioner(max_shard_bytes, axis=0, bytes_per_string_element=16, max_shards=None):
    """A partitioner that keeps parts below a number of bytes.

    Args:
      max_shard_bytes: the most bytes of a part; a part is at least one slice along `axis`.
      axis: the axis to cut.
      bytes_per_string_element: what a string counts.
      max_shards: the most parts, or None.

    Returns:
      A function `(shape, dtype) -> list of part counts`.

    Raises:
      ValueError: for a limit below one.
    """
    if max_shard_bytes < 1 or bytes_per_string_element < 1:
        raise ValueError("Both max_shard_bytes and bytes_per_string_element must be positive.")
    if max_shards and max_shards < 1:
        raise ValueError("max_shards must be positive.")

    def partitioner(shape, dtype):
        if not isinstance(shape, TensorShape):
            raise ValueError(f"shape is not a TensorShape: {shape}")
        if not shape.is_fully_defined():
            raise ValueError(f"shape is not fully defined: {shape}")
        if not isinstance(dtype, DType):
            raise ValueError(f"dtype is not a DType: {dtype}")
        size = shape.as_list()[axis]
        slice_bytes = shape.num_elements() / size * _element_size(dtype, bytes_per_string_element)
        count = math.ceil(size / max(1, math.floor(max_shard_bytes / slice_bytes)))
        partitions = [1] * shape.ndims
        partitions[axis] = min(max_shards, count) if max_shards else count
        return partitions

    return partitioner


@export("min_max_variable_partitioner")
def min_max_variable_partitioner(max_partitions=1, axis=0, min_slice_size=256 << 10, bytes_per_string_element=16):
    """A partitioner that makes as many parts as it may, none of them below a number of bytes.

    Args:
      max_partitions: the most parts.
      axis: the axis to cut.
      min_slice_size: the least bytes of a part.
      bytes_per_string_element: what a string counts.

    Returns:
      A function `(shape, dtype) -> list of part counts`.
    """

    def partitioner(shape, dtype):
        if axis >= len(shape):
            raise ValueError(f"Can not partition variable along axis {axis} when shape is only {shape}")
        total = shape.num_elements() * _element_size(dtype, bytes_per_string_element)
        partitions = [1] * len(shape)
        partitions[axis] = max(1, min(shape.as_list()[axis], max_partitions, math.ceil(total / min_slice_size)))
        return partitions

    return partitioner


@export("fixed_size_partitioner")
def fixed_size_partitioner(num_shards, axis=0):
    """A partitioner that makes a given number of parts.

    Args:
      num_shards: the number of parts (fewer if the axis is shorter).
      axis: the axis to cut.

    Returns:
      A function `(shape, dtype) -> list of part counts`.
    """

    def partitioner(shape, **unused_arguments):
        partitions = [1] * len(shape)
        partitions[axis] = min(num_shards, shape.as_list()[axis])
        return partitions

    return partitioner


@export("create_partitioned_variables")
@deprecated(None, "Use `tf.get_variable` with a partitioner set.")
def create_partitioned_variables(shape, slicing, initializer, dtype=dtypes.float32, trainable=True, collections=None,
                                 name=None, reuse=None):  # fmt: skip
    """The parts of a variable, as `tf.get_variable` with a partitioner makes them.

    Args:
      shape: the shape of the whole, a list of int.
      slicing: the number of parts along each axis; one of them may be above one.
      initializer: a tensor of that shape, or an initializer.
      dtype: the type.
      trainable: whether optimizers change the parts.
      collections: the names of their collections.
      name: the name; "PartitionedVariable" if None.
      reuse: True to find parts that exist.

    Returns:
      A list of variables.

    Raises:
      ValueError: if `slicing` does not fit the shape.
    """
    if len(shape) != len(slicing):
        raise ValueError("The 'shape' and 'slicing' of a partitioned Variable must have the length: shape: "
                         f"{shape}, slicing: {slicing}")  # fmt: skip
    if len(shape) < 1:
        raise ValueError(f"A partitioned Variable must have rank at least 1: shape: {shape}")
    with variable_scope(name, "PartitionedVariable", reuse=reuse):
        whole = get_variable_scope()._get_partitioned_variable(
            get_default_variable_store(), None, shape=shape, dtype=dtype, initializer=initializer, trainable=trainable,
            partitioner=lambda **unused_arguments: slicing, collections=collections,
        )  # fmt: skip
        return list(whole)
