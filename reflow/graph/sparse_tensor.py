"""SparseTensor: the coordinates, values and shape of a sparse tensor, as three tensors."""

from collections import namedtuple

from reflow.graph import dtypes
from reflow.graph.convert import constant_value_as_dims, to_tensor
from reflow.graph.export import export, export_value
from reflow.graph.shapes import TensorShape, merge_dims

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
        """The operations that take the values."""
        return self._values.consumers()

    def eval(self, feed_dict=None, session=None):
        """The SparseTensorValue in `session`, or in the default session."""
        from reflow.graph.default import _session_for

        return _session_for(self._values, session, "evaluate tensor").run(self, feed_dict)

    @staticmethod
    def _override_operator(operator, function):
        setattr(SparseTensor, operator, function)

    def __str__(self):
        return (f"SparseTensor(indices={self._indices}, values={self._values}, "
                f"dense_shape={self._dense_shape})")  # fmt: skip


def is_sparse(value):
    """True for a SparseTensor or SparseTensorValue."""
    return isinstance(value, (SparseTensor, SparseTensorValue))
