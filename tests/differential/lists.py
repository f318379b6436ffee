"""Lists of tensors, and TensorArrays: what an op makes of one, and what it holds afterwards.

Another node makes the list or array, and others read the one that the op returns.
"""

import numpy as np

from tests.differential.example import THE_NODE, Made
from tests.differential.table import Table

table = Table("lists", kept=12)

_LENGTH = Made("TensorListLength", [THE_NODE])
_TYPES = ["float32", "float64", "int32", "int64", "bool", "string", "complex64", "uint8"]


def _i32(values):
    return np.array(values, "int32")


def _shape(d, shape, name="int32"):
    """The shape of elements as an input: all of it, part of it, or nothing."""
    part = [d.pick(size, -1) for size in shape]
    return np.array(d.pick(list(shape), part, -1), d.dtype(name).np_dtype)


class _Elements:
    """The elements of a list, and the node that makes it of them."""

    def __init__(self, d, dtype="element_dtype", least=0):
        self.shape, self.count = d.shape(least, 2, low=1), d.int(0, 3)
        values = d.array(dtype, (self.count, *self.shape), "finite")
        self.made = Made("TensorListFromTensor", [values, _i32(self.shape)])


def _place(d, elements):
    """An index into a list, beyond its ends now and then."""
    return _i32(d.pick(-1, elements.count) if d.rarely() else d.int(0, max(elements.count - 1, 0)))


def _attrs(d):
    return {"element_dtype": d.dtype("element_dtype")}


def _stacked(d, shape, dtype="element_dtype"):
    return Made("TensorListStack", [THE_NODE, _i32(shape)], {"element_dtype": d.dtype(dtype)})


def _other(d, shape):
    """A shape, as others have it or, now and then, not."""
    return (*shape, 2) if d.rarely() else shape


# --- lists out of tensors ---------------------------------------------------------------------------------------------


def _empty(d):
    return [_shape(d, d.shape(most=2, low=1), "shape_type"), _i32(d.pick(-1, 0, 3))], _attrs(d), _LENGTH


def _reserve(d):
    shape = d.shape(most=2, low=1)
    given = _shape(d, shape, "shape_type")
    return [given, _i32(d.int(0, 3))], _attrs(d), _LENGTH, _stacked(d, shape)


def _from_tensor(d):
    shape = d.shape(least=1, low=1)
    return [d.array("element_dtype", shape, "finite"), _shape(d, _other(d, shape[1:]), "shape_type")], {}, *(
        _LENGTH, _stacked(d, shape[1:]))  # fmt: skip


def _scatter(d):
    shape, count = d.shape(most=2, low=1), d.int(1, 3)
    places = _i32([d.int(0, 3) for _ in range(count)]) - int(d.rarely())
    inputs = [d.array("element_dtype", (count, *shape), "finite"), places, _shape(d, shape, "shape_type")]
    if d.op.endswith("V2"):
        inputs.append(_i32(d.pick(-1, 4, 4)))
    return inputs, {}, _LENGTH, _stacked(d, shape)


def _split(d):
    shape = d.shape(most=1, low=1)
    lengths = [d.int(0, 3) for _ in range(d.int(1, 3))]
    values = d.array("element_dtype", (sum(lengths) + d.rarely(), *shape), "finite")
    # TensorFlow takes the shape of an element with its first dimension unknown.
    return [values, np.array([-1, *shape], d.dtype("shape_type").np_dtype), np.array(lengths, "int64")], {}, _LENGTH


# --- lists out of lists -----------------------------------------------------------------------------------------------


def _push(d):
    elements = _Elements(d)
    value = d.array("element_dtype", _other(d, elements.shape), "finite")
    return [elements.made, value], {}, _LENGTH, _stacked(d, elements.shape)


def _push_each(d):
    shape, variant = d.shape(most=2, low=1), d.dtype("variant")
    lists = [Made("EmptyTensorList", [_i32(shape), _i32(d.pick(-1, 1, 0))], _attrs(d)) for _ in range(d.int(1, 3))]
    handles = Made("Pack", [lists], {"T": variant})
    last = Made("Unpack", [THE_NODE], {"T": variant, "num": len(lists)})[len(lists) - 1]
    values = d.array("element_dtype", (len(lists), *_other(d, shape)), "finite")
    return [handles, values], {}, Made("TensorListLength", [last])


def _pop(d):
    elements = _Elements(d)
    return [elements.made, _shape(d, elements.shape)], _attrs(d), _LENGTH


def _set(d):
    elements = _Elements(d)
    value = d.array("element_dtype", elements.shape, "finite")
    return [elements.made, _place(d, elements), value], {}, _LENGTH, _stacked(d, elements.shape)


def _resize(d):
    elements = _Elements(d, "float32")
    return [elements.made, _i32(d.int(-1, 4))], {}, _LENGTH, _stacked(d, elements.shape, "float32")


def _join(d):
    elements = _Elements(d)
    return [elements.made, elements.made], _attrs(d), _LENGTH, _stacked(d, elements.shape)


def _scatter_into(d):
    # TensorFlow writes beyond the end of lists that are too short.
    elements = _Elements(d)
    places = _i32(range(d.int(0, elements.count), elements.count))
    values = d.array("element_dtype", (len(places), *elements.shape), "finite")
    return [elements.made, values, places], {}, _LENGTH, _stacked(d, elements.shape)


# --- tensors out of lists ---------------------------------------------------------------------------------------------


def _of_any(d):
    return [_Elements(d, "float32").made], {}


def _get(d):
    elements = _Elements(d)
    return [elements.made, _place(d, elements), _shape(d, elements.shape)], _attrs(d)


def _gather(d):
    elements = _Elements(d)
    places = _i32([d.int(0, 2) for _ in range(d.int(0, 3))])
    return [elements.made, places, _shape(d, elements.shape)], _attrs(d)


def _stack(d):
    elements = _Elements(d)
    count = d.pick(-1, elements.count, 5)
    return [elements.made, _shape(d, elements.shape)], {**_attrs(d), "num_elements": count}


def _concat(d):
    elements = _Elements(d, least=1)
    shape = (d.pick(-1, *elements.shape[:1]), *elements.shape[1:])
    if d.op.endswith("V2"):
        leading = np.array([d.int(0, 2) for _ in range(d.pick(0, elements.count))], "int64")
        return [elements.made, np.array(shape, d.dtype("shape_type").np_dtype), leading], _attrs(d)
    return [elements.made], {**_attrs(d), "element_shape": tuple(None if n < 0 else n for n in shape)}


_OPTIONS = {"types": {"element_dtype": _TYPES}}
# What an op reads from a list has the shape that TensorFlow was told, or what Reflow knows of the elements.
_READING = {**_OPTIONS, "static_shapes": False, "faults": False}

table.add("EmptyTensorList", _empty, **_OPTIONS)
table.add("TensorListReserve", _reserve, faults=False, **_OPTIONS)
table.add("TensorListFromTensor", _from_tensor, **_OPTIONS)
table.add("TensorListScatter TensorListScatterV2", _scatter, faults=False, **_OPTIONS)
table.add("TensorListSplit", _split, **_OPTIONS)
table.add("TensorListPushBack", _push, **_OPTIONS)
table.add("TensorListPushBackBatch", _push_each, faults=False, **_OPTIONS)
table.add("TensorListPopBack", _pop, **_READING)
table.add("TensorListSetItem", _set, faults=False, **_OPTIONS)
table.add("TensorListResize", _resize)
table.add("TensorListConcatLists", _join, **_OPTIONS)
table.add("TensorListScatterIntoExistingList", _scatter_into, faults=False, **_OPTIONS)
table.add("TensorListLength TensorListElementShape", _of_any, static_shapes=False)
table.add("TensorListGetItem", _get, **_READING)
table.add("TensorListGather", _gather, **_READING)
table.add("TensorListStack", _stack, **_READING)
table.add("TensorListConcat TensorListConcatV2", _concat, **_READING)
