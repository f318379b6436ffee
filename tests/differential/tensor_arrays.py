"""TensorArrays: what is read from one that another node filled, and what one holds that an op wrote to."""

import numpy as np

from tests.differential.example import THE_NODE, Made
from tests.differential.table import Table

table = Table("tensor_arrays", kept=12)

_TYPES = ["float32", "float64", "int32", "int64", "bool", "string", "complex64"]


def _i32(values):
    return np.array(values, "int32")


def _array(d, name, size, shape):
    """A node that makes a TensorArray; output 0 is the handle, output 1 the flow."""
    known = d.pick(None, shape, tuple(None for _ in shape))
    return Made("TensorArrayV3", [_i32(size)], {
        "dtype": d.dtype(name), "element_shape": known, "dynamic_size": d.flag(), "clear_after_read": d.flag(),
        "identical_element_shapes": d.flag()})  # fmt: skip


def _filled(d, least=0):
    """(the array, the flow behind what filled it, how many elements it has, their shape)."""
    size, shape = d.int(1, 3), d.shape(least, 2, low=1)
    array = _array(d, "dtype", size, shape)
    values = d.array("dtype", (size, *shape), "finite")
    return array, Made("TensorArrayScatterV3", [array, _i32(range(size)), values, array[1]]), size, shape


def _place(d, size):
    return d.pick(-1, size) if d.rarely() else d.int(0, size - 1)


def _read(d):
    array, flow, size, _ = _filled(d)
    return [array, _i32(_place(d, size)), flow], {"dtype": d.dtype("dtype")}


def _gather(d):
    array, flow, size, shape = _filled(d)
    # One at least: TensorFlow stacks none only if all sizes are told.
    places = _i32([_place(d, size) for _ in range(d.int(1, 3))])
    known = d.pick(None, shape, tuple(None for _ in shape))
    return [array, places, flow], {"dtype": d.dtype("dtype"), "element_shape": known}


def _concat(d):
    array, flow, _, shape = _filled(d, least=1)
    known = d.pick(None, shape[1:])
    return [array, flow], {"dtype": d.dtype("dtype"), "element_shape_except0": known}


def _size(d):
    array = _array(d, "float32", d.int(0, 3), ())
    return [array, array[1]], {}


def _rows(d, array, count):
    """Reads the first elements after the write."""
    return Made("TensorArrayGatherV3", [array, _i32(range(count)), THE_NODE], {"dtype": d.dtype("T")})


def _write(d):
    size, shape = d.int(1, 3), d.shape(most=2, low=1)
    array, place = _array(d, "T", size, shape), d.int(0, size - 1)
    read = Made("TensorArrayReadV3", [array, _i32(place), THE_NODE], {"dtype": d.dtype("T")})
    # TensorFlow cannot grow an array of strings.
    beyond = d.pick(0, 0, 0, -5) if d.dtype("T").name == "string" else d.pick(0, 0, 0, 5, -5)
    return [array, _i32(place + beyond), d.array("T", shape, "finite"), array[1]], {}, read


def _scatter(d):
    size, shape = d.int(1, 3), d.shape(most=2, low=1)
    array = _array(d, "T", size, shape)
    values = d.array("T", (size, *shape), "finite")
    return [array, _i32(range(size)) + int(d.rarely()), values, array[1]], {}, _rows(d, array, size)


def _split(d):
    lengths, shape = [d.int(1, 2)] * d.int(1, 3), d.shape(most=1, low=1)
    # Of values that are too many TensorFlow crashes.
    array = _array(d, "T", len(lengths), (lengths[0], *shape))
    values = d.array("T", (sum(lengths), *shape), "finite")
    return [array, values, np.array(lengths, "int64"), array[1]], {}, _rows(d, array, len(lengths))


# Of the flow only that there is one is meant; how the array's shape is known while the graph is built differs.
_READING = {"types": {"dtype": _TYPES}, "faults": False, "static_shapes": False, "gradient": False}
_WRITING = {"types": {"T": _TYPES}, "faults": False, "gradient": False, "derived": lambda flow: []}

table.add("TensorArrayReadV3", _read, **_READING)
table.add("TensorArrayGatherV3", _gather, **_READING)
table.add("TensorArrayConcatV3", _concat, **_READING)
table.add("TensorArraySizeV3", _size, faults=False)
table.add("TensorArrayWriteV3", _write, **_WRITING)
table.add("TensorArrayScatterV3", _scatter, **_WRITING)
table.add("TensorArraySplitV3", _split, **_WRITING)
