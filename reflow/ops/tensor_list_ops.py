"""The TensorList ops: lists of tensors that travel as scalar variants."""

import numpy as np
import torch

from reflow.graph import dtypes
from reflow.graph.attr_values import cpp_type_name
from reflow.graph.convert import constant_value, constant_value_as_dims
from reflow.graph.registry import define_op
from reflow.graph.shapes import Dims, dims_in_brackets
from reflow.ops.shape_rules import merge, merge_prefix, scalar, with_rank, with_rank_at_least
from reflow.ops.tensor_list import TensorList, copied, invalid, merged, zeros

# --- kernels ------------------------------------------------------------------------------------------------------
# Handles are arrays of Python objects, scalars but for the two ops on batches of lists.


def _handle(tensor_list: TensorList) -> np.ndarray:
    handle = np.empty((), object)
    handle[()] = tensor_list
    return handle


def _handles(lists: list[TensorList], shape) -> np.ndarray:
    handles = np.empty(len(lists), object)
    handles[:] = lists
    return handles.reshape(shape)


def _dims(element_shape) -> Dims:
    """The partial shape that an input spells: -1 for an unknown rank, in a vector for an unknown size."""
    if isinstance(element_shape, list):
        return tuple([None if size < 0 else size for size in element_shape])
    if element_shape != -1:
        raise invalid("The only valid scalar shape tensor is the fully unknown shape specified as -1.")
    return None


def _parts(tensor) -> list:
    """What stands along the first axis of a tensor, as elements of a list: memory that nobody else has."""
    return list(copied(tensor))


def _as_arrays(parts: list) -> list:
    """Elements of a string array of rank 1 are plain bytes; in lists they are arrays."""
    return [part if hasattr(part, "shape") else np.array(part, object) for part in parts]


def _make_empty(element_shape, max_num_elements, element_dtype):
    if isinstance(max_num_elements, list):
        raise invalid(f"max_num_elements expected to be a scalar but got shape: [{len(max_num_elements)}]")
    return _handle(TensorList(element_dtype, _dims(element_shape), [], max_num_elements))


def _reserve(element_shape, num_elements, element_dtype):
    if num_elements < 0:
        raise invalid(f"The num_elements to reserve must be a non negative number, but got {num_elements}")
    return _handle(TensorList(element_dtype, _dims(element_shape), [None] * num_elements))


def _from_tensor(tensor, element_shape, element_dtype):
    if not tensor.ndim:
        raise invalid("Tensor must be at least a vector, but saw shape: []")
    dims = merged(_dims(element_shape), tuple(tensor.shape[1:]))
    return _handle(TensorList(element_dtype, dims, _as_arrays(_parts(tensor))))


def _push_back(input_handle, tensor, element_dtype):
    tensor_list = input_handle[()]
    pushed = _pushed(tensor_list, tensor, element_dtype, "")
    if 0 <= tensor_list.most <= len(tensor_list.elements):
        raise invalid(f"Tried to push item into a full list list size: {len(tensor_list.elements)} max_num_elements: "
                      f"{tensor_list.most}")  # fmt: skip
    return _handle(pushed)


def _pushed(tensor_list, tensor, dtype, place):
    """A list with one element more; as in TensorFlow only TensorListPushBack looks whether it is full."""
    tensor_list.check(tensor, dtype, f"Tried to append a tensor with incompatible shape to a list{place}. Op")
    return tensor_list.with_elements([*tensor_list.elements, copied(tensor)])


def _push_back_batch(input_handles, tensor, element_dtype):
    shape = input_handles.shape
    if tuple(tensor.shape[: len(shape)]) != shape:
        raise invalid(f"Expected tensor shape to begin with {dims_in_brackets(shape)}, but got "
                      f"{dims_in_brackets(tuple(tensor.shape))}")  # fmt: skip
    rows = _as_arrays(list(tensor.reshape(-1, *tensor.shape[len(shape) :])))
    pairs = zip(input_handles.reshape(-1), rows, strict=True)
    lists = [_pushed(each, row, element_dtype, f" at index {i}") for i, (each, row) in enumerate(pairs)]
    return _handles(lists, shape)


def _pop_back(input_handle, element_shape, element_dtype):
    tensor_list = input_handle[()]
    tensor_list.check_type(element_dtype)
    if not tensor_list.elements:
        raise invalid("Trying to pop from an empty list.")
    # Only an element that nobody wrote needs the shape.
    last = tensor_list.element(-1, _dims(element_shape) if tensor_list.elements[-1] is None else None)
    return _handle(tensor_list.with_elements(tensor_list.elements[:-1])), last


def _length(input_handle):
    return torch.tensor(len(input_handle[()].elements), dtype=torch.int32)


def _element_shape(input_handle, shape_type):
    dims = input_handle[()].dims
    sizes = -1 if dims is None else [-1 if size is None else size for size in dims]
    return torch.tensor(sizes, dtype=shape_type)


def _resize(input_handle, size):
    if size < 0:
        raise invalid(f"TensorListSlice expects size to be non-negative. Got: {size}")
    tensor_list = input_handle[()]
    elements = tensor_list.elements[:size]
    return _handle(tensor_list.with_elements(elements + [None] * (size - len(elements))))


def _check_index(tensor_list, index, verb):
    if not 0 <= index < len(tensor_list.elements):
        raise invalid(f"Trying to {verb} element {index} in a list with {len(tensor_list.elements)} elements.")


def _get_item(input_handle, index, element_shape, element_dtype):
    tensor_list = input_handle[()]
    tensor_list.check_type(element_dtype)
    _check_index(tensor_list, index, "access")
    return tensor_list.element(index, _dims(element_shape))


def _set_item(input_handle, index, item, element_dtype):
    tensor_list = input_handle[()]
    tensor_list.check_type(element_dtype)
    _check_index(tensor_list, index, "modify")
    tensor_list.check(item, element_dtype, "Tried to set a tensor with incompatible shape at a list index. Item")
    elements = list(tensor_list.elements)
    elements[index] = copied(item)
    return _handle(tensor_list.with_elements(elements))


def _stack(input_handle, element_shape, element_dtype, num_elements):
    tensor_list = input_handle[()]
    tensor_list.check_type(element_dtype)
    count = len(tensor_list.elements)
    if num_elements not in (-1, count):
        raise invalid(f"Operation expected a list with {num_elements} elements but got a list with {count} elements.")
    return tensor_list.stacked(range(count), _dims(element_shape), "stack")


def _gather(input_handle, indices, element_shape, element_dtype):
    tensor_list = input_handle[()]
    tensor_list.check_type(element_dtype)
    for index in indices:
        if not 0 <= index < len(tensor_list.elements):
            raise invalid(f"Index {index} out o range; list only has {len(tensor_list.elements)} elements.")
    return tensor_list.stacked(indices, _dims(element_shape), "gather")


def _scatter(tensor, indices, element_shape, element_dtype):
    return _scatter_v2(tensor, indices, element_shape, -1, element_dtype)


def _scatter_v2(tensor, indices, element_shape, num_elements, element_dtype):
    if num_elements < -1:
        raise invalid(f"TensorListScatter expects num_elements >= -1, found: {num_elements}")
    _check_scattered(tensor, indices)
    if len(indices) != tensor.shape[0]:
        raise invalid(f"Invalid number of rows in input tensor. Expected: {len(indices)} Actual: {tensor.shape[0]}")
    size = max(indices, default=-1) + 1
    if 0 <= num_elements < size:
        raise invalid(f"TensorListScatter: Trying to scatter at index {size - 1} in list with size {num_elements}")
    dims = merged(_dims(element_shape), tuple(tensor.shape[1:]))
    elements = [None] * max(size, num_elements)
    return _scattered(TensorList(element_dtype, dims, elements), tensor, indices)


def _scatter_into_existing_list(input_handle, tensor, indices, element_dtype):
    tensor_list = input_handle[()]
    tensor_list.check_type(element_dtype)
    _check_scattered(tensor, indices)
    if len(indices) != tensor.shape[0]:
        raise invalid(f"Expected len(indices) == tensor.shape[0], but saw: {len(indices)} vs. {tensor.shape[0]}")
    merged(tensor_list.dims, tuple(tensor.shape[1:]))
    missing = max(indices, default=-1) + 1 - len(tensor_list.elements)
    return _scattered(tensor_list.with_elements(tensor_list.elements + [None] * missing), tensor, indices)


def _check_scattered(tensor, indices):
    if not tensor.ndim:
        raise invalid("Tensor must be at least a vector, but saw shape: []")
    if any(index < 0 for index in indices):
        raise invalid("Indices in TensorListScatter must all be non-negative.")


def _scattered(tensor_list, tensor, indices):
    """A list just made, with the rows of a tensor at these places."""
    for index, part in zip(indices, _as_arrays(_parts(tensor)), strict=True):
        tensor_list.elements[index] = part
    return _handle(tensor_list)


def _split(tensor, element_shape, lengths, element_dtype):
    if not tensor.ndim:
        raise invalid("Tensor must be at least a vector, but saw shape: []")
    dims, start, elements = _dims(element_shape), 0, []
    merged((None, *tensor.shape[1:]), dims)
    for length in lengths:
        if length < 0:
            raise invalid(f"Invalid value in lengths: {length}")
        if start + length > tensor.shape[0]:
            raise invalid(f"Attempting to slice [{start}, {start + length}] from tensor with length {tensor.shape[0]}")
        elements.append(copied(tensor[start : start + length]))
        start += length
    if start != tensor.shape[0]:
        raise invalid(f"Unused values in tensor. Length of tensor: {tensor.shape[0]} Values used: {start}")
    return _handle(TensorList(element_dtype, dims, elements))


def _concat(input_handle, element_dtype, element_shape):
    return _concatenated(input_handle[()], element_shape, [], element_dtype)


def _concat_v2(input_handle, element_shape, leading_dims, element_dtype):
    return _concatenated(input_handle[()], _dims(element_shape), leading_dims, element_dtype)


def _concatenated(tensor_list, dims, leading, dtype):
    """The elements along their first axis, and how long each is; `leading` says it of those that nobody wrote."""
    tensor_list.check_type(dtype)
    dims = merged(dims, tensor_list.dims)
    if dims == ():
        raise invalid("Concat requires elements to be at least vectors, found scalars instead.")
    elements = tensor_list.elements
    tail = None if dims is None else dims[1:]
    for element in elements:
        if element is not None:
            tail = merged(tail, tuple(element.shape[1:]))
    if tail is None or None in tail:
        what = "concating a list with only uninitialized tensors" if elements else "concating an empty tensor list"
        raise invalid(f"All except the first dimension must be fully defined when {what}. element_shape: "
                      f"{dims_in_brackets(tail)}")  # fmt: skip
    first = dims[0] if dims else None
    parts = [zeros(dtype, (_first_size(i, first, leading), *tail)) if e is None else e for i, e in enumerate(elements)]
    for i, part in enumerate(parts):
        if first not in (None, part.shape[0]):
            raise invalid("First entry of element_shape input does not match the first dim of list element at index: "
                          f"{i} Expected: {first} Actual: {part.shape[0]}")  # fmt: skip
    lengths = torch.tensor([part.shape[0] for part in parts], dtype=torch.int64)
    if not parts:
        return zeros(dtype, (0, *tail)), lengths
    return torch.cat(parts) if isinstance(parts[0], torch.Tensor) else np.concatenate(parts), lengths


def _first_size(index, first, leading):
    if first is not None:
        return first
    if index >= len(leading):
        raise invalid(f"List contains uninitialized tensor at index {index} but leading_dims has only {len(leading)} "
                      "elements.")  # fmt: skip
    return leading[index]


def _concat_lists(input_a, input_b, element_dtype):
    if input_a.shape != input_b.shape:
        raise invalid(f"input_a.shape != input_b.shape: {dims_in_brackets(input_a.shape)} vs. "
                      f"{dims_in_brackets(input_b.shape)}")  # fmt: skip
    pairs = zip(input_a.reshape(-1), input_b.reshape(-1), strict=True)
    return _handles([_joined(a, b, element_dtype) for a, b in pairs], input_a.shape)


def _joined(a, b, dtype):
    for each in (a, b):
        each.check_type(dtype)
    return TensorList(dtype, merged(a.dims, b.dims), a.elements + b.elements, a.most)


# --- what is known of a list while the graph is built -------------------------------------------------------------

_MAKERS = {"EmptyTensorList": 0, "TensorListReserve": 0, "TensorListScatter": 2, "TensorListScatterV2": 2}
"""Ops that make a list, and which input says the shape of its elements."""


def _known(handle) -> tuple:
    """(DType, raw dims) of the elements of the list behind a handle; (None, None) if nothing is known.

    What ops pass on (TensorLists or any others) is a list like the one that they take, so the graph is followed back.
    """
    passed = []
    while True:
        known = getattr(handle, "_list_elements", None) or _made(handle.op)
        if known is None:
            passed.append(handle)
            handle = next((t for t in handle.op._inputs if t.dtype.base_dtype is dtypes.variant), None)
            if handle is not None:
                continue
            known = (None, None)
        for each in passed:
            if hasattr(each, "__dict__"):  # A tensor of the graph; the plan's values are not asked as often.
                each._list_elements = known
        return known


def _made(op) -> tuple | None:
    if op.type in _MAKERS:
        return op.attrs["element_dtype"], _shape_input(op, _MAKERS[op.type])
    if op.type == "TensorListFromTensor":
        return op.attrs["element_dtype"], _rows_shape(op)
    if op.type == "TensorListSplit":
        return op.attrs["element_dtype"], _pieces_shape(op)
    return None


def _shape_input(op, index: int) -> Dims:
    """The partial shape that an input spells, as far as it is known; None for -1.

    Raises:
      ValueError: for an input of rank 2 or more, or a scalar that is not known to be -1.
    """
    tensor = op._inputs[index]
    if tensor.dims is None:
        return None
    if len(tensor.dims) > 1:
        raise ValueError(f"Shape must be at most rank 1 but is rank {len(tensor.dims)}")
    value = constant_value(tensor)
    if tensor.dims:
        return constant_value_as_dims(tensor) if value is None else _dims(value.tolist())
    if value is None:
        raise ValueError("Received a shape scalar with unknown static value.  A static value of '-1' is required to "
                         "represent an unknown shape.")  # fmt: skip
    if value.item() != -1:
        raise ValueError("Received an invalid shape scalar with a static value that is not '-1': "
                         f"{value.item()}")  # fmt: skip
    return None


def _rows_shape(op) -> Dims:
    dims = op._inputs[0].dims
    return merge(dims[1:] if dims else None, _shape_input(op, 1))


def _pieces_shape(op) -> Dims:
    dims = with_rank_at_least(op._inputs[0].dims, 1)
    return merge(None if dims is None else (None, *dims[1:]), _shape_input(op, 1))


def _element(op, shape: Dims, words: str) -> Dims:
    """What is known of the elements that an op takes out of input 0, a list.

    Raises:
      ValueError: if the list is known to have elements of another type; `words` tells it of `ours` and `theirs`.
    """
    ours = op.attrs["element_dtype"]
    theirs, dims = _known(op._inputs[0])
    if theirs is not None and theirs is not ours:
        raise ValueError(words.format(ours=cpp_type_name(ours), theirs=cpp_type_name(theirs)))
    return merge(dims, shape)


_READ = "Trying to read from list with wrong element dtype. List has type {theirs} but expected type {ours}"
_POPPED = ("Trying to read from list with wrong element dtype. List has type {theirs} but trying to push element with "
           "type {ours}")  # fmt: skip
_PUSHED = ("Trying to push to list with wrong element dtype. List has type {theirs} but trying to push element with "
           "type {ours}")  # fmt: skip
_EXPECTED = "Expected list with element dtype {ours} but got list with element dtype {theirs}"


def _push_shape(op) -> list[Dims]:
    _element(op, None, _PUSHED)
    return [op._inputs[0].dims]


def _push_batch_shape(op) -> list[Dims]:
    _element(op, None, _PUSHED)
    return [merge_prefix(op._inputs[1].dims, op._inputs[0].dims)[1]]


def _pop_shape(op) -> list[Dims]:
    return [(), _element(op, None, _POPPED)]


def _stack_shape(op) -> list[Dims]:
    dims = _element(op, _shape_input(op, 1), _READ)
    count = op.attrs["num_elements"]
    return [None if dims is None else (count if count >= 0 else None, *dims)]


def _concat_shape(op) -> list[Dims]:
    shape = op.attrs["element_shape"] if "element_shape" in op.attrs else _shape_input(op, 1)
    dims = merge(shape, _element(op, None, _READ))
    return [None if dims is None else (None, *dims[1:]), (None,)]


def _made_shape(op) -> list[Dims]:
    _shape_input(op, _MAKERS[op.type])
    return [()]


def _from_tensor_shape(op) -> list[Dims]:
    _rows_shape(op)
    return [()]


def _split_shape(op) -> list[Dims]:
    _pieces_shape(op)
    with_rank(op._inputs[2].dims, 1)
    return [()]


def _element_shape_shape(op) -> list[Dims]:
    dims = _known(op._inputs[0])[1]
    return [(None if dims is None else len(dims),)]


def _get_shape(op) -> list[Dims]:
    return [_element(op, _shape_input(op, 2), _EXPECTED)]


def _set_shape(op) -> list[Dims]:
    merge(op._inputs[2].dims, _known(op._inputs[0])[1])
    return [()]


def _gather_shape(op) -> list[Dims]:
    dims = _element(op, _shape_input(op, 2), _EXPECTED)
    count = with_rank(op._inputs[1].dims, 1)[0]
    return [None if dims is None else (count, *dims)]


def _scatter_into_shape(op) -> list[Dims]:
    _element(op, None, _EXPECTED)
    return [()]


def _concat_lists_shape(op) -> list[Dims]:
    ours, dims = op.attrs["element_dtype"], None
    for name, tensor in zip("ab", op._inputs, strict=True):
        theirs, known = _known(tensor)
        if theirs is not None and theirs is not ours:
            raise ValueError(f"input_{name}.type != element_dtype: {cpp_type_name(theirs)} vs. {cpp_type_name(ours)}")
        dims = merge(dims, known)
    return [merge(op._inputs[0].dims, op._inputs[1].dims)]


# --- the ops ------------------------------------------------------------------------------------------------------

_TYPE = "element_dtype: type"
_TYPES = "element_dtype: type, shape_type: type in index"

define_op("EmptyTensorList", "element_shape: shape_type, max_num_elements: int32 -> handle: variant", _TYPES,
          host="element_shape max_num_elements", shape=_made_shape, kernel=_make_empty)  # fmt: skip
define_op("TensorListReserve", "element_shape: shape_type, num_elements: int32 -> handle: variant", _TYPES,
          host="element_shape num_elements", shape=_made_shape, kernel=_reserve)  # fmt: skip
define_op("TensorListFromTensor", "tensor: element_dtype, element_shape: shape_type -> output_handle: variant", _TYPES,
          host="element_shape", shape=_from_tensor_shape, kernel=_from_tensor)  # fmt: skip
define_op("TensorListPushBack", "input_handle: variant, tensor: element_dtype -> output_handle: variant", _TYPE,
          shape=_push_shape, kernel=_push_back)  # fmt: skip
define_op("TensorListPushBackBatch", "input_handles: variant, tensor: element_dtype -> output_handles: variant", _TYPE,
          shape=_push_batch_shape, kernel=_push_back_batch, gradient=None)  # fmt: skip
define_op("TensorListPopBack",
          "input_handle: variant, element_shape: int32 -> output_handle: variant, tensor: element_dtype", _TYPE,
          host="element_shape", shape=_pop_shape, kernel=_pop_back)  # fmt: skip
define_op("TensorListLength", "input_handle: variant -> length: int32", shape=scalar, kernel=_length, gradient=None)
define_op("TensorListElementShape", "input_handle: variant -> element_shape: shape_type", "shape_type: type in index",
          shape=_element_shape_shape, kernel=_element_shape, gradient=None)  # fmt: skip
define_op("TensorListResize", "input_handle: variant, size: int32 -> output_handle: variant", host="size",
          shape=scalar, kernel=_resize, is_stateful=True)  # fmt: skip
define_op("TensorListGetItem", "input_handle: variant, index: int32, element_shape: int32 -> item: element_dtype",
          _TYPE, host="index element_shape", shape=_get_shape, kernel=_get_item)  # fmt: skip
define_op("TensorListSetItem", "input_handle: variant, index: int32, item: element_dtype -> output_handle: variant",
          _TYPE, host="index", shape=_set_shape, kernel=_set_item)  # fmt: skip
define_op("TensorListStack", "input_handle: variant, element_shape: int32 -> tensor: element_dtype",
          f"{_TYPE}, num_elements: int = -1", host="element_shape", shape=_stack_shape, kernel=_stack)  # fmt: skip
define_op("TensorListGather", "input_handle: variant, indices: int32, element_shape: int32 -> values: element_dtype",
          _TYPE, host="indices element_shape", shape=_gather_shape, kernel=_gather)  # fmt: skip
define_op("TensorListScatter",
          "tensor: element_dtype, indices: int32, element_shape: shape_type -> output_handle: variant", _TYPES,
          host="indices element_shape", shape=_made_shape, kernel=_scatter)  # fmt: skip
define_op("TensorListScatterV2",
          "tensor: element_dtype, indices: int32, element_shape: shape_type, num_elements: int32 -> "
          "output_handle: variant", _TYPES, host="indices element_shape num_elements", shape=_made_shape,
          kernel=_scatter_v2)  # fmt: skip
define_op("TensorListScatterIntoExistingList",
          "input_handle: variant, tensor: element_dtype, indices: int32 -> output_handle: variant", _TYPE,
          host="indices", shape=_scatter_into_shape, kernel=_scatter_into_existing_list)  # fmt: skip
define_op("TensorListSplit",
          "tensor: element_dtype, element_shape: shape_type, lengths: int64 -> output_handle: variant", _TYPES,
          host="element_shape lengths", shape=_split_shape, kernel=_split)  # fmt: skip
define_op("TensorListConcat", "input_handle: variant -> tensor: element_dtype, lengths: int64",
          f"{_TYPE}, element_shape: shape = ?", shape=_concat_shape, kernel=_concat)  # fmt: skip
define_op("TensorListConcatV2",
          "input_handle: variant, element_shape: shape_type, leading_dims: int64 -> tensor: element_dtype, "
          "lengths: int64", _TYPES, host="element_shape leading_dims", shape=_concat_shape,
          kernel=_concat_v2)  # fmt: skip
define_op("TensorListConcatLists", "input_a: variant, input_b: variant -> output: variant", _TYPE,
          shape=_concat_lists_shape, kernel=_concat_lists, gradient=None)  # fmt: skip
