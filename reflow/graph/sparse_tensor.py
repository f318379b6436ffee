"""SparseTensor: the coordinates, values and shape of a sparse tensor, as three tensors."""

from collections import namedtuple

import numpy as np

from reflow.graph import dtypes
from reflow.graph.convert import constant_value_as_dims, to_tensor
from reflow.graph.dtypes import as_dtype
from reflow.graph.export import export, export_value
from reflow.graph.shapes import TensorShape, as_shape, merge_dims
from reflow.graph.type_spec import TensorSpec, TypeSpec, register_type_spec

SparseTensorValue = namedtuple("SparseTensorValue", ["indices", "values", "dense_shape"])
SparseTensorValue.__doc__ = "A SparseTensor's value: three arrays (indices [n, rank], values [n], dense_shape)."
export_value("SparseTensorValue", SparseTensorValue)
export_value("compat.v1.SparseTensorValue", SparseTensorValue)


@export("SparseTensor", "sparse.SparseTensor")
class SparseTensor:
    """A sparse tensor in coordinate form.

    Args:
      indices: int64 tensor [n, rank]: the coordinates of the values, in row-major order for most ops.
      values: tensor [n].
      dense_shape: int64 vector [rank].
    """

    def __init__(self, indices, values, dense_shape):
        from reflow.graph.context import name_scope

        with name_scope(None, "SparseTensor", [indices, values, dense_shape]):
            self._indices = to_tensor(indices, dtypes.int64, "indices")
            self._values = to_tensor(values, None, "values", as_ref=True)
            self._dense_shape = to_tensor(dense_shape, dtypes.int64, "dense_shape")
        rank = self._dense_shape.dims[0] if self._dense_shape.dims else None
        count = self._values.dims[0] if self._values.dims else None
        merge_dims(self._indices.dims, (count, rank))

    @classmethod
    def from_value(cls, sparse_tensor_value):
        """A constant SparseTensor from a SparseTensorValue (or a SparseTensor, returned as it is).

        Raises:
          TypeError: for anything else.
        """
        if isinstance(sparse_tensor_value, SparseTensor):
            return sparse_tensor_value
        if not isinstance(sparse_tensor_value, SparseTensorValue):
            raise TypeError(f"Neither a SparseTensor nor SparseTensorValue: {sparse_tensor_value}.")
        return cls(*sparse_tensor_value)

    @property
    def indices(self):
        """int64 [n, rank]: the coordinates."""
        return self._indices

    @property
    def values(self):
        """[n]: the values."""
        return self._values

    @property
    def dense_shape(self):
        """int64 [rank]: the shape of the dense tensor."""
        return self._dense_shape

    @property
    def op(self):
        """The operation that makes `values`."""
        return self._values.op

    @property
    def dtype(self):
        """The type of the values."""
        return self._values.dtype

    @property
    def graph(self):
        """The graph of the three tensors."""
        return self._indices.graph

    @property
    def name(self):
        """The name of `values`."""
        return self._values.name

    @property
    def shape(self):
        """The static shape, as far as it is known."""
        return self.get_shape()

    def get_shape(self):
        """The static shape, as far as it is known."""
        return TensorShape(constant_value_as_dims(self._dense_shape))

    def consumers(self):
        """The operations that take one of the three tensors, as a list in no order."""
        return list({operation for tensor in self._to_components() for operation in tensor.consumers()})

    def eval(self, feed_dict=None, session=None):
        """The SparseTensorValue in `session`, or in the default session."""
        from reflow.graph.default import _session_for

        return _session_for(self._values, session, "evaluate tensor").run(self, feed_dict)

    @property
    def _type_spec(self):
        return SparseTensorSpec(self.shape, self.dtype)

    def _to_components(self):
        return [self._indices, self._values, self._dense_shape]

    @staticmethod
    def _override_operator(operator, function):
        setattr(SparseTensor, operator, function)

    def __str__(self):
        return (f"SparseTensor(indices={self._indices}, values={self._values}, "
                f"dense_shape={self._dense_shape})")  # fmt: skip


def is_sparse(value):
    """True for a SparseTensor or SparseTensorValue."""
    return isinstance(value, (SparseTensor, SparseTensorValue))


@export("SparseTensorSpec")
class SparseTensorSpec(TypeSpec):
    """The shape and type of a sparse tensor.

    Args:
      shape: the shape of the dense tensor, as far as it is known.
      dtype: the type of the values.
    """

    def __init__(self, shape=None, dtype=dtypes.float32):
        self._shape = as_shape(shape)
        self._dtype = as_dtype(dtype)

    @classmethod
    def from_value(cls, value):
        """The specification of a SparseTensor or SparseTensorValue.

        Raises:
          TypeError: if it is something else.
        """
        if isinstance(value, SparseTensor):
            return cls(value.shape, value.dtype)
        if not isinstance(value, SparseTensorValue):
            raise TypeError("Expected SparseTensor or SparseTensorValue")
        if isinstance(value.values, np.ndarray):
            return cls(value.dense_shape, value.values.dtype)
        return cls.from_value(SparseTensor.from_value(value))

    @property
    def shape(self):
        """The shape of the dense tensor."""
        return self._shape

    @property
    def dtype(self):
        """The type of the values."""
        return self._dtype

    @property
    def value_type(self):
        """`tf.SparseTensor`."""
        return SparseTensor

    def _serialize(self):
        return self._shape, self._dtype

    @property
    def _component_specs(self):
        rank = self._shape.ndims
        return [TensorSpec([None, rank], dtypes.int64), TensorSpec([None], self._dtype),
                TensorSpec([rank], dtypes.int64)]  # fmt: skip

    def _from_components(self, components):
        are_arrays = all(isinstance(component, np.ndarray) for component in components)
        return (SparseTensorValue if are_arrays else SparseTensor)(*components)


register_type_spec(SparseTensor, SparseTensorSpec.from_value)
register_type_spec(SparseTensorValue, SparseTensorSpec.from_value)
