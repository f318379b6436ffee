"""IndexedSlices where a dense tensor is wanted: the slices summed into their rows."""

import warnings

from reflow.graph.build import call
from reflow.graph.convert import constant_value_as_dims, register_tensor_conversion_function
from reflow.graph.indexed_slices import IndexedSlices
from reflow.graph.shapes import num_elements

# A dense tensor of so many elements may not fit into memory: TensorFlow warns.
_LARGE = 100_000_000


def _to_dense(value, dtype=None, name=None, as_ref=False):
    if dtype is not None and not dtype.is_compatible_with(value.dtype):
        raise ValueError(f"Tensor conversion requested dtype {dtype.name} for IndexedSlices with dtype "
                         f"{value.dtype.name}")  # fmt: skip
    if value.dense_shape is None:
        raise ValueError(f"Tensor conversion requested for IndexedSlices without dense_shape: {value}")
    size = num_elements(constant_value_as_dims(value.dense_shape))
    if size is None or size >= _LARGE:
        what = "of unknown shape" if size is None else f"with {size} elements"
        warnings.warn(f"Converting sparse IndexedSlices to a dense Tensor {what}. This may consume a large amount of "
                      "memory.", stacklevel=2)  # fmt: skip
    return call("UnsortedSegmentSum", value.values, value.indices, value.dense_shape[0], name=name)


register_tensor_conversion_function(IndexedSlices, _to_dense)
