"""RaggedTensorSpec: what is known of a ragged tensor before there is one."""

import numpy as np

from reflow.graph import dtypes
from reflow.graph.convert import to_tensor
from reflow.graph.dtypes import as_dtype
from reflow.graph.export import export
from reflow.graph.operation import Tensor
from reflow.graph.shapes import TensorShape, as_shape
from reflow.graph.type_spec import TensorSpec, TypeSpec, register_type_spec
from reflow.ragged.tensor import RaggedTensor
from reflow.ragged.value import RaggedTensorValue


@export("RaggedTensorSpec")
class RaggedTensorSpec(TypeSpec):
    """The shape, type and number of ragged dimensions of a ragged tensor.

    Args:
      shape: the static shape; the sizes of ragged dimensions are None.
      dtype: the type of the values.
      ragged_rank: int, the number of ragged dimensions; all but the outermost if None.
      row_splits_dtype: the type of the row splits, int32 or int64.

    Raises:
      TypeError: if `ragged_rank` is no int.
      ValueError: if it is not less than the rank, or neither is known.
    """

    def __init__(self, shape=None, dtype=dtypes.float32, ragged_rank=None, row_splits_dtype=dtypes.int64):
        self._shape = as_shape(shape)
        self._dtype = as_dtype(dtype)
        self._row_splits_dtype = as_dtype(row_splits_dtype)
        rank = self._shape.ndims
        if ragged_rank is None:
            if rank is None:
                raise ValueError("Must specify ragged_rank or a shape with a known rank.")
            ragged_rank = rank - 1
        if not isinstance(ragged_rank, int):
            raise TypeError("ragged_rank must be an int")
        if rank is not None and ragged_rank >= rank:
            raise ValueError("ragged_rank must be less than rank.")
        self._ragged_rank = ragged_rank

    @classmethod
    def from_value(cls, value):
        """The specification of a RaggedTensor or RaggedTensorValue.

        Args:
          value: the tensor or value.
        """
        return cls(value.shape, value.values.dtype, value.ragged_rank, value.row_splits.dtype)

    @property
    def value_type(self):
        """`tf.RaggedTensor`; `tf.Tensor` if no dimension is ragged."""
        return RaggedTensor if self._ragged_rank > 0 else Tensor

    def _serialize(self):
        return self._shape, self._dtype, self._ragged_rank, self._row_splits_dtype

    @property
    def _component_specs(self):
        if self._ragged_rank == 0:
            return [TensorSpec(self._shape, self._dtype)]
        values = TensorShape([None]).concatenate(self._shape[self._ragged_rank + 1 :])
        rows = self._shape[0]
        splits = [TensorSpec([rows + 1], self._row_splits_dtype)]
        splits += [TensorSpec([None], self._row_splits_dtype)] * (self._ragged_rank - 1)
        return [TensorSpec(values, self._dtype), *splits]

    def _to_components(self, value):
        return value._to_components() if isinstance(value, RaggedTensor) else [value]

    def _from_components(self, components):
        value, *nested = components
        if all(isinstance(component, np.ndarray) for component in components):
            for splits in reversed(nested):
                value = RaggedTensorValue(value, splits)
            return value
        value = to_tensor(value)
        for splits in reversed(nested):
            value = RaggedTensor(value, to_tensor(splits), internal=True)
        return value


register_type_spec(RaggedTensor, RaggedTensorSpec.from_value)
register_type_spec(RaggedTensorValue, RaggedTensorSpec.from_value)
