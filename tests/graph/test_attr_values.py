import json
import pathlib

import ml_dtypes
import numpy as np
import pytest
from google.protobuf import text_format
from tensorboard.compat.proto.attr_value_pb2 import AttrValue, NameAttrList
from tensorboard.compat.proto.tensor_pb2 import TensorProto

from reflow.graph import dtypes
from reflow.graph.attr_values import (
    attr_for_user,
    attr_type_of,
    from_attr_value,
    infer_attr_type,
    to_attr_value,
    validate_attr,
)

GOLDENS = json.loads((pathlib.Path(__file__).parents[1] / "goldens" / "graph_values.json").read_text())

# Python form of each attr type, and the text of its proto.
FORMS = [
    ("type", dtypes.float32, "type: DT_FLOAT"),
    ("shape", (2, None), "shape { dim { size: 2 } dim { size: -1 } }"),
    ("shape", (), "shape { }"),
    ("shape", None, "shape { unknown_rank: true }"),
    ("int", 0, "i: 0"),
    ("int", -(2**63), "i: -9223372036854775808"),
    ("float", 0.5, "f: 0.5"),
    ("bool", False, "b: false"),
    ("string", b"\xff\0", r's: "\377\000"'),
    ("func", NameAttrList(name="f"), 'func { name: "f" }'),
    ("list(type)", [dtypes.string, dtypes.bool_], "list { type: [DT_STRING, DT_BOOL] }"),
    ("list(shape)", [(1,), None], "list { shape { dim { size: 1 } } shape { unknown_rank: true } }"),
    ("list(int)", [1, 2], "list { i: [1, 2] }"),
    ("list(float)", [1.5], "list { f: 1.5 }"),
    ("list(bool)", [True, False], "list { b: [true, false] }"),
    ("list(string)", [b"a", b""], 'list { s: ["a", ""] }'),
    ("list(func)", [NameAttrList(name="g")], 'list { func { name: "g" } }'),
    ("list(int)", [], "list { }"),
    ("list(type)", [], "list { }"),
]


@pytest.mark.parametrize(("attr_type", "value", "text"), FORMS, ids=[f"{t} {v}" for t, v, _ in FORMS])
def test_both_ways(attr_type, value, text):
    proto = text_format.Parse(text, AttrValue())
    assert to_attr_value(attr_type, value) == proto
    assert from_attr_value(attr_type, proto) == value
    if value != []:
        assert attr_type_of(proto) == infer_attr_type(value) == attr_type


@pytest.mark.parametrize("dtype", [np.float32, ml_dtypes.bfloat16, np.complex64, dtypes.qint8.np_dtype], ids=str)
def test_tensors_both_ways(dtype):
    array = np.arange(3).astype(dtype)
    back = from_attr_value("tensor", to_attr_value("tensor", array))
    assert back.dtype == dtype and back.tolist() == array.tolist()
    (back,) = from_attr_value("list(tensor)", to_attr_value("list(tensor)", [array]))
    assert back.dtype == dtype and back.tolist() == array.tolist()


def test_a_tensor_without_array_form_stays_a_proto():
    proto = AttrValue(tensor=TensorProto(dtype=20))
    value = from_attr_value("tensor", proto)
    assert isinstance(value, TensorProto) and to_attr_value("tensor", value) == proto


def test_other_spellings_of_python_values():
    assert to_attr_value("string", "é").s == "é".encode()
    assert to_attr_value("type", "float32").type == 1
    assert to_attr_value("type", dtypes.float32_ref).type == 1
    assert to_attr_value("func", "f").func.name == "f"
    assert to_attr_value("int", np.int64(3)).i == 3
    ready = AttrValue(b=True)
    assert to_attr_value("bool", ready) is ready and infer_attr_type(ready) == "bool"


@pytest.mark.parametrize(("attr_type", "text", "message"), GOLDENS["attr_types"])
def test_a_value_of_another_type_as_tensorflow_says_it(attr_type, text, message):
    proto = text_format.Parse(text, AttrValue())
    with pytest.raises(ValueError) as raised:
        from_attr_value(attr_type, proto, "a")
    assert str(raised.value) == message


@pytest.mark.parametrize(
    ("attr_type", "text", "match"),
    [
        ("type", "placeholder: 'T'", "unexpected type 'placeholder'"),
        ("int", "", "missing value with expected type 'int'"),
        ("int", "list { }", "missing value with expected type 'int'"),
        ("list(int)", "list { i: 1 f: 2 }", r"'list\(float\)' when 'list\(int\)'"),
        ("shape", "shape { dim { size: -7 } }", "negative dimensions"),
        ("tensor", "tensor { dtype: DT_FLOAT tensor_content: 'abc' }", "tensor_content of 3 bytes"),
        ("tensor", "tensor { dtype: DT_INVALID }", "Unsupported tensor type: 0"),
    ],
)
def test_damaged_values(attr_type, text, match):
    with pytest.raises(ValueError, match=match):
        from_attr_value(attr_type, text_format.Parse(text, AttrValue()))


FLOATING = (dtypes.bfloat16, dtypes.float16, dtypes.float32, dtypes.float64, dtypes.complex64, dtypes.complex128)
CONSTRAINTS = {
    "type in floating": ("T", "type", dtypes.int32, FLOATING, None),
    "string in list": ("padding", "string", b"FOO", (b"SAME", b"VALID"), None),
    "length of a list": ("ksize", "list(int)", [1, 2], None, 4),
    "least int": ("num", "int", -1, None, 0),
}


@pytest.mark.parametrize(("case", "message"), GOLDENS["constraints"])
def test_constraints_as_tensorflow_words_them(case, message):
    with pytest.raises(ValueError) as raised:
        validate_attr(*CONSTRAINTS[case])
    assert str(raised.value) == message


def test_an_unordered_set_of_allowed_values_is_listed_sorted():
    with pytest.raises(ValueError, match='allowed values: "A", "B"$'):
        validate_attr("x", "list(string)", [b"A", b"C"], frozenset({b"B", b"A"}))


def test_values_within_the_constraints_pass():
    validate_attr("T", "type", dtypes.float32, FLOATING)
    validate_attr("T", "list(type)", [dtypes.float32], FLOATING, 1)
    validate_attr("n", "int", 3, None, 3)
    validate_attr("n", "int", -3)


def test_get_attr_gives_protos_of_shapes_and_tensors():
    assert [d.size for d in attr_for_user("shape", (1, None)).dim] == [1, -1]
    assert attr_for_user("list(shape)", [None])[0].unknown_rank
    assert list(attr_for_user("tensor", np.array(3, np.int32)).int_val) == [3]
    assert attr_for_user("list(tensor)", [np.array(3, np.int32)])[0].dtype == 3
    assert attr_for_user("type", dtypes.half) is dtypes.half
    assert attr_for_user("list(int)", [1, 2]) == [1, 2]
    assert attr_for_user("string", b"a") == b"a"


def test_what_no_attribute_holds_is_an_error():
    with pytest.raises(TypeError, match="as an attribute"):
        infer_attr_type(object())
