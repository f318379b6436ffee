"""Tensors that come out of no input: Fact, FakeParam, ImmutableConst."""

import os

import numpy as np
import torch

from reflow.graph import errors
from reflow.graph.build import call
from reflow.graph.dtypes import DType
from reflow.graph.export import export
from reflow.graph.registry import define_op
from reflow.ops.shape_rules import unknown
from reflow.ops.sparse_coordinates import invalid
from reflow.ops.strings import string_array
from reflow.ops.torch_types import FROM_TORCH, tensor_of
from reflow.platform.file_io import local_path, tensorflow_errors


def _attr_shape(op):
    return [op.attrs["shape"]]


def _fact():
    return np.array(b"0! == 1", object)


def _fake_param(dtype, shape):
    """Some value: nobody looks at it."""
    sizes = [size or 0 for size in shape or ()]
    if isinstance(dtype, DType):
        return string_array(sizes, [b""] * int(np.prod(sizes)))
    return torch.zeros(sizes, dtype=dtype)


def _immutable_const(dtype, shape, memory_region_name):
    """A tensor's elements as they lie in memory, from the beginning of a file."""
    if shape is not None and None in shape:
        raise invalid(f"Shape [{','.join('?' if size is None else str(size) for size in shape)}] is not fully defined")
    if isinstance(dtype, DType):
        raise errors.UnimplementedError(None, None, "Sorry, DT_STRING is not currently supported")
    shape = shape or ()
    kind = FROM_TORCH[dtype].np_dtype
    wanted = int(np.prod(shape)) * np.dtype(kind).itemsize
    path = local_path(memory_region_name)
    with tensorflow_errors(path):
        size = os.path.getsize(path)
        if size < wanted:
            raise errors.InternalError(
                None, None, f"Readonly memory region has wrong length ({size}) when allocating {wanted}"
            )
        if not wanted:
            return torch.zeros(shape, dtype=dtype)
        # Copied on write: nothing that happens to the tensor reaches the file.
        return tensor_of(np.memmap(path, kind, "c", shape=shape or (1,))).reshape(shape)


define_op("Fact", "-> fact: string", shape=unknown, kernel=_fact)
define_op("FakeParam", "-> output: dtype", "dtype: type, shape: shape", shape=_attr_shape, kernel=_fake_param)
define_op("ImmutableConst", "-> tensor: dtype", "dtype: type, shape: shape, memory_region_name: string",
          shape=_attr_shape, kernel=_immutable_const)  # fmt: skip


@export("user_ops.my_fact")
def my_fact():
    """A fact about factorials, as a string scalar: TensorFlow's example of an operation that a user adds."""
    return call("Fact")
