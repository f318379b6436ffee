"""IndexedSlices: rows of a larger dense tensor, as the gradient of a gather is."""

from collections import namedtuple

import numpy as np

from reflow.graph import dtypes
from reflow.graph.convert import constant_value_as_dims, to_tensor
from reflow.graph.dtypes import as_dtype
from reflow.graph.export import export, export_value
from reflow.graph.operation import Tensor
from reflow.graph.shapes import TensorShape, as_shape
from reflow.graph.type_spec import TensorSpec, TypeSpec, register_type_spec

IndexedSlicesValue = namedtuple("IndexedSlicesValue", ["values", "indices", "dense_shape"])
IndexedSlicesValue.__doc__ = "The value of an IndexedSlices: three NumPy arrays; dense_shape may be None."
export_value("IndexedSlicesValue", IndexedSlicesValue)
export_value("compat.v1.IndexedSlicesValue", IndexedSlicesValue)


@export("IndexedSlices")
class IndexedSlices:
    """Slices of a dense tensor at given indices along its first dimension.

    Attributes:
      values: tensor of shape [n, d1, ...]: the slices.
      indices: integer vector of length n: which rows they are; a row that occurs twice counts twice.
      dense_shape: an integer vector, the shape of the dense tensor, or None.
    """

    def __init__(self, values, indices, dense_shape=None):
        self._values = values
        self._indices = indices
        self._dense_shape = dense_shape

    @property
    def values(self):
        """The slices, [n, d1, ...]."""
        return self._values

    @property
    def indices(self):
        """The row numbers, [n]."""
        return self._indices

    @property
    def dense_shape(self):
        """The shape of the dense tensor, or None."""
        return self._dense_shape

    @property
    def name(self):
        """The name of `values`."""
        return self._values.name

    @property
    def device(self):
        """The device of `values`."""
        return self._values.device

    @property
    def op(self):
        """The operation that makes `values`."""
        return self._values.op

    @property
    def dtype(self):
        """The type of the slices."""
        return self._values.dtype

    @property
    def graph(self):
        """The graph of `values`."""
        return self._values.graph

    @property
    def shape(self):
        """The static shape of the dense tensor, as far as it is known."""
        return TensorShape(None if self._dense_shape is None else constant_value_as_dims(self._dense_shape))

    def consumers(self):
        """The operations that take one of the tensors, as a list in no order."""
        return list({operation for tensor in self._to_components() for operation in tensor.consumers()})

    @property
    def _type_spec(self):
        rows = self._indices.shape.merge_with(self._values.shape[:1])
        shape = TensorShape([None]).concatenate(self._values.shape[1:]).merge_with(self.shape)
        shape_dtype = None if self._dense_shape is None else self._dense_shape.dtype
        return IndexedSlicesSpec(shape, self.dtype, self._indices.dtype, shape_dtype, rows)

    def _to_components(self):
        parts = self._values, self._indices, self._dense_shape
        return tuple([part for part in parts if part is not None])

    def __neg__(self):
        return IndexedSlices(-self._values, self._indices, self._dense_shape)

    def __str__(self):
        dense = "" if self._dense_shape is None else f", dense_shape={self._dense_shape}"
        return f"IndexedSlices(indices={self._indices}, values={self._values}{dense})"


@export("IndexedSlicesSpec")
class IndexedSlicesSpec(TypeSpec):
    """The shapes and types of an IndexedSlices.

    Args:
      shape: the shape of the dense tensor, as far as it is known.
      dtype: the type of the slices.
      indices_dtype: the type of the indices, int32 or int64.
      dense_shape_dtype: the type of the dense shape, or None if there is no such tensor.
      indices_shape: the shape of the indices, a vector.

    Raises:
      ValueError: if that shape is no vector's.
    """

    def __init__(self, shape=None, dtype=dtypes.float32, indices_dtype=dtypes.int64, dense_shape_dtype=None,
                 indices_shape=None):  # fmt: skip
        self._shape = as_shape(shape)
        self._dtype = as_dtype(dtype)
        self._indices_dtype = as_dtype(indices_dtype)
        self._dense_shape_dtype = None if dense_shape_dtype is None else as_dtype(dense_shape_dtype)
        self._indices_shape = as_shape(indices_shape).with_rank(1)

    @property
    def value_type(self):
        """`tf.IndexedSlices`."""
        return IndexedSlices

    def _serialize(self):
        return self._shape, self._dtype, self._indices_dtype, self._dense_shape_dtype, self._indices_shape

    @property
    def _component_specs(self):
        slices = TensorSpec(self._indices_shape.concatenate(self._shape[1:]), self._dtype)
        specs = [slices, TensorSpec(self._indices_shape, self._indices_dtype)]
        if self._dense_shape_dtype is not None:
            specs.append(TensorSpec([self._shape.ndims], self._dense_shape_dtype))
        return tuple(specs)

    def _from_components(self, components):
        if all(isinstance(component, np.ndarray) for component in components):
            return IndexedSlicesValue(*components, *[None] * (3 - len(components)))
        return IndexedSlices(*components)


register_type_spec(IndexedSlices, lambda slices: slices._type_spec)


@export("convert_to_tensor_or_indexed_slices")
def convert_to_tensor_or_indexed_slices(value, dtype=None, name=None):
    """A value as a Tensor, unless it is IndexedSlices.

    Args:
      value: a Tensor, IndexedSlices, or what converts to a tensor.
      dtype: the wanted type; the value's own if None.
      name: a name for a new constant.

    Returns:
      `value` itself if it is a Tensor or IndexedSlices, else the tensor it converts to.

    Raises:
      ValueError: if the value is of another type.
    """
    if isinstance(value, IndexedSlices):
        if dtype and not value.dtype.is_compatible_with(dtype):
            raise ValueError(f"Tensor conversion requested dtype {dtype} for Tensor with dtype {value.dtype.name}")
        return value
    if isinstance(value, Tensor) and dtype is None:
        return value
    from reflow.graph.convert import convert_to_tensor

    return convert_to_tensor(value, dtype, name)


@export("convert_to_tensor_or_sparse_tensor")
def convert_to_tensor_or_sparse_tensor(value, dtype=None, name=None):
    """A value as a Tensor, unless it is sparse.

    Args:
      value: a SparseTensor, SparseTensorValue, or what converts to a tensor.
      dtype: the wanted type; the value's own if None.
      name: a name for a new constant.

    Returns:
      A SparseTensor for a sparse value, else the tensor it converts to.

    Raises:
      RuntimeError: if the sparse value is of another type.
    """
    from reflow.graph.convert import convert_to_tensor
    from reflow.graph.sparse_tensor import SparseTensor, SparseTensorValue

    if isinstance(value, SparseTensorValue):
        value = SparseTensor.from_value(value)
    if isinstance(value, SparseTensor):
        if dtype and not value.dtype.is_compatible_with(dtype):
            raise RuntimeError(f"Sparse dtype: requested = {dtype}, actual = {value.dtype.name}")
        return value
    return convert_to_tensor(value, dtype, name)


def _indexed_slices_as_graph_element(slices, graph):
    return [to_tensor(t) for t in (slices.values, slices.indices, slices.dense_shape) if t is not None]
