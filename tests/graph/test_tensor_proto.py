import decimal
import fractions
import json
import pathlib
import types
import warnings

import ml_dtypes
import numpy as np
import pytest
from tensorboard.compat.proto.tensor_pb2 import TensorProto

from reflow.graph import dtypes, shapes
from reflow.graph.tensor_proto import make_ndarray, make_tensor_proto, ndarray_to_proto, proto_to_ndarray, to_ndarray

GOLDENS = json.loads((pathlib.Path(__file__).parents[1] / "goldens" / "graph_values.json").read_text())["protos"]

NAMES = {
    "make": make_tensor_proto,
    "tf": types.SimpleNamespace(
        **{d.name: d for d in dtypes.BY_ENUM.values()},
        half=dtypes.float16, Dimension=shapes.Dimension, TensorShape=shapes.TensorShape,
    ),
    "np": np, "decimal": decimal.Decimal, "fraction": fractions.Fraction,
}  # fmt: skip

ALL_VALUES = {
    dtypes.float32: [1.5, -2, 1e-30], dtypes.float64: [1.5, -2, 1e-300], dtypes.float16: [1.5, -2, 6e4],
    dtypes.bfloat16: [1.5, -2, 1e30], dtypes.int8: [-128, 0, 127], dtypes.int16: [-(2**15), 0, 2**15 - 1],
    dtypes.int32: [-(2**31), 0, 2**31 - 1], dtypes.int64: [-(2**63), 0, 2**63 - 1], dtypes.uint8: [0, 1, 255],
    dtypes.uint16: [0, 1, 2**16 - 1], dtypes.uint32: [0, 1, 2**32 - 1], dtypes.uint64: [0, 1, 2**64 - 1],
    dtypes.complex64: [1 + 2j, 0, -1j], dtypes.complex128: [1 + 2j, 0, -1j], dtypes.bool_: [True, False, True],
    dtypes.string: ["a\0", b"\xff", ""], dtypes.qint8: [(-128,), (0,), (127,)], dtypes.quint8: [(0,), (1,), (255,)],
    dtypes.qint16: [(-5,), (0,), (5,)], dtypes.quint16: [(0,), (1,), (65535,)], dtypes.qint32: [(-7,), (0,), (7,)],
}  # fmt: skip


@pytest.mark.parametrize(("expression", "expected"), GOLDENS, ids=[g[0] for g in GOLDENS])
def test_same_proto_or_exception_as_tensorflow(expression, expected):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.filterwarnings("ignore", "Casting complex values")
        try:
            got = {"value": eval(expression, NAMES).SerializeToString(deterministic=True).hex()}
        except Exception as error:
            got = {"error": type(error).__name__, "message": str(error)}
    if "message" not in expected:
        got.pop("message", None)
    assert got == expected


@pytest.mark.parametrize("dtype", ALL_VALUES, ids=lambda d: d.name)
@pytest.mark.parametrize("count", [0, 1, 3])
def test_every_dtype_survives_the_round_trip(dtype, count):
    values = ALL_VALUES[dtype][:count]
    array = to_ndarray(values, dtype)
    proto = make_tensor_proto(values, dtype)
    back = make_ndarray(proto)
    assert back.dtype == dtype.np_dtype and back.shape == (count,)
    assert back.tolist() == array.tolist()
    assert proto_to_ndarray(ndarray_to_proto(array, dtype)).tolist() == array.tolist()
    assert back.flags.writeable


@pytest.mark.parametrize("dtype", ALL_VALUES, ids=lambda d: d.name)
def test_a_scalar_of_every_dtype(dtype):
    value = ALL_VALUES[dtype][0]
    back = make_ndarray(make_tensor_proto(value, dtype))
    assert back.shape == () and back == to_ndarray(value, dtype)


def test_every_dtype_with_elements_is_tested():
    assert set(ALL_VALUES) == {d for d in dtypes.BY_ENUM.values() if d.is_numpy_compatible and not d.is_ref}


def test_the_last_value_of_a_proto_counts_as_repeated():
    proto = TensorProto(dtype=3, int_val=[4, 9])
    for size in (2, 2):
        proto.tensor_shape.dim.add().size = size
    assert make_ndarray(proto).tolist() == [[4, 9], [9, 9]]


def test_a_proto_without_values_is_zeros():
    proto = TensorProto(dtype=1)
    proto.tensor_shape.dim.add().size = 2
    assert make_ndarray(proto).tolist() == [0.0, 0.0]
    proto.dtype = 7
    assert make_ndarray(proto).tolist() == [b"", b""]


def test_a_repeated_element_takes_no_memory_and_is_written_once():
    array = to_ndarray(1.5, shape=[1 << 20, 1 << 20])
    assert array.shape == (1 << 20, 1 << 20)
    proto = ndarray_to_proto(array)
    assert list(proto.float_val) == [1.5] and not proto.tensor_content
    assert proto_to_ndarray(proto)[5, 5] == 1.5


def test_an_array_is_copied():
    source = np.zeros(3, np.float32)
    made = [to_ndarray(source), to_ndarray(source, dtypes.float32), to_ndarray(source, shape=[3, 1])]
    source[0] = 7
    assert all(array.ravel()[0] == 0 for array in made)


def test_foreign_byte_order_becomes_native():
    assert to_ndarray(np.array([1, 2], ">i4")).tobytes() == np.array([1, 2], np.int32).tobytes()


@pytest.mark.parametrize(
    ("value", "dtype", "np_dtype"),
    [
        (1.5, None, np.float32), (1, None, np.int32), (True, None, bool), ("a", None, object),
        (1, dtypes.int64, np.int64), (1, dtypes.float32, np.float32), (1, dtypes.bfloat16, ml_dtypes.bfloat16),
        ([1, 2], None, np.int32), ([[1.0]], None, np.float32), (2**40, None, np.int64), (1.5, "float64", np.float64),
    ],
)  # fmt: skip
def test_inferred_types(value, dtype, np_dtype):
    array = to_ndarray(value, dtype)
    assert array.dtype == np_dtype and array.tolist() == (value if not isinstance(value, str) else b"a")


def test_to_ndarray_fills_up_with_the_last_element():
    assert to_ndarray([5, 6], shape=[2, 2]).tolist() == [[5, 6], [6, 6]]
    assert to_ndarray([], dtypes.string, shape=[2]).tolist() == [b"", b""]
    assert to_ndarray("a", shape=[2]).tolist() == [b"a", b"a"]
    assert to_ndarray(make_tensor_proto([1, 2])).tolist() == [1, 2]


def test_one_element_of_a_16_bit_quantized_type():
    # TensorFlow 1.15 fails on these with a "Buffer dtype mismatch".
    assert list(make_tensor_proto((700,), dtypes.qint16).int_val) == [700]


@pytest.mark.parametrize(
    "proto",
    [
        TensorProto(dtype=1, tensor_content=b"abc"),
        TensorProto(dtype=1, tensor_content=b"abcdefgh"),
        TensorProto(dtype=7, tensor_content=b"abcd"),
        TensorProto(dtype=3, int_val=[1, 2]),
        TensorProto(dtype=20),
        TensorProto(dtype=0),
        TensorProto(dtype=999),
    ],
    ids=str,
)
def test_a_contradictory_proto_is_an_error(proto):
    with pytest.raises((ValueError, TypeError), match="TensorProto|Unsupported tensor type"):
        make_ndarray(proto)


@pytest.mark.parametrize("size", [-1, -5])
def test_a_proto_of_unknown_shape_is_an_error(size):
    proto = TensorProto(dtype=1, float_val=[1])
    proto.tensor_shape.dim.add().size = size
    with pytest.raises(ValueError, match="shape"):
        make_ndarray(proto)


def test_a_huge_shape_with_few_elements_is_an_error():
    proto = TensorProto(dtype=1, float_val=[1, 2])
    for _ in range(4):
        proto.tensor_shape.dim.add().size = 1 << 30
    with pytest.raises(ValueError, match="TensorProto"):
        proto_to_ndarray(proto)


def test_writing_a_resource_is_an_error():
    with pytest.raises(TypeError, match="not supported in TensorProto: resource"):
        ndarray_to_proto(np.array(None, object), dtypes.resource)
