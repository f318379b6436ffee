"""IndexedSlices: rows of a larger dense tensor, as the gradient of a gather is."""

from reflow.graph.convert import to_tensor
from reflow.graph.export import export
from reflow.graph.operation import Tensor


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
        from reflow.graph.convert import constant_value_as_dims
        from reflow.graph.shapes import TensorShape

        return TensorShape(None if self._dense_shape is None else constant_value_as_dims(self._dense_shape))

    def __neg__(self):
        return IndexedSlices(-self._values, self._indices, self._dense_shape)

    def __str__(self):
        dense = "" if self._dense_shape is None else f", dense_shape={self._dense_shape}"
        return f"IndexedSlices(indices={self._indices}, values={self._values}{dense})"


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
