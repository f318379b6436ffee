"""The op registry: signatures are read as they are written, and what cannot be read is refused."""

import numpy as np
import pytest

import reflow as tf
from reflow.graph.op_proto import op_def_proto, strip_default_attrs, stripped_op_list
from reflow.graph.registry import MISSING, OPS, define_op, get_op_def, gradient


@pytest.fixture
def define():
    """`define_op`, undone after the test."""
    names = []

    def make(name, *arguments, **options):
        names.append(name)
        return define_op(name, *arguments, **options)

    yield make
    for name in names:
        OPS.pop(name, None)


def test_argument_forms(define):
    op = define("TestForms", "a: T, b: float, c: N*T, d: list:Tin, e: ref T, f: resource -> y: T, z: list:Tin",
                "T: type, N: int >= 1, Tin: list(type) >= 2")  # fmt: skip
    a, b, c, d, e, f = op.inputs
    assert (a.type_attr, a.is_list) == ("T", False)
    assert b.dtype is tf.float32
    assert (c.number_attr, c.type_attr, c.is_list) == ("N", "T", True)
    assert (d.type_list_attr, d.is_list) == ("Tin", True)
    assert (e.is_ref, op.references) == (True, (4,))
    assert f.dtype is tf.resource
    assert [arg.name for arg in op.outputs] == ["y", "z"]
    assert op.attrs["Tin"].minimum == 2


def test_attribute_forms(define):
    op = define("TestAttrs", "x: T ->",
                "T: type in half|index = int32, s: string in A|B = B, e: string = '', i: int = -1, "
                "f: float = 0.1, b: bool = true, u: shape = ?, v: shape = [], w: shape = [2,3], l: list(int) = [1, 2], "
                "n: list(string) = [], d: type = float, q: string = ','")  # fmt: skip
    assert op.defaults == {
        "T": tf.int32, "s": b"B", "e": b"", "i": -1, "f": float(np.float32(0.1)), "b": True, "u": None, "v": (),
        "w": (2, 3), "l": [1, 2], "n": [], "d": tf.float32, "q": b",",
    }  # fmt: skip
    assert list(op.attrs["T"].allowed) == [tf.float16, tf.int32, tf.int64]
    assert list(op.attrs["s"].allowed) == [b"A", b"B"]
    # The inputs settle T; its default counts for Python values only.
    assert "T" not in op.static_defaults


@pytest.mark.parametrize("text", ["x T -> y: T; T: type", "x: T -> y: T; T type", "x: -> y;"])
def test_what_cannot_be_read(text):
    signature, _, attrs = text.partition(";")
    with pytest.raises(ValueError, match="cannot read the op"):
        define_op("TestUnreadable", signature, attrs)
    assert "TestUnreadable" not in OPS


def test_an_op_is_registered_once(define):
    define("TestOnce", "->")
    with pytest.raises(ValueError, match="registered twice"):
        define_op("TestOnce", "->")


def test_unknown_ops():
    with pytest.raises(tf.errors.NotFoundError, match="Op type not registered 'Nonsense'"):
        get_op_def("Nonsense")


def test_gradients_are_decided_with_the_op_or_later(define):
    assert define("TestGradientMissing", "->").gradient is MISSING
    assert define("TestGradientNone", "->", gradient=None).gradient is None
    function = gradient("TestGradientMissing")(lambda op: None)
    assert OPS["TestGradientMissing"].gradient is function


def test_an_op_def_as_a_proto(define):
    op = define("TestProto", "x: N*T -> y: ref T", 'T: type in int32|float = float, N: int >= 2, p: string = "a"',
                is_stateful=True, is_commutative=True)  # fmt: skip
    proto = op_def_proto(op)
    assert (proto.name, proto.is_stateful, proto.is_commutative, proto.is_aggregate) == ("TestProto", True, True, False)
    (x,), (y,) = proto.input_arg, proto.output_arg
    assert (x.number_attr, x.type_attr, y.is_ref) == ("N", "T", True)
    count, types, text = (next(a for a in proto.attr if a.name == name) for name in ("N", "T", "p"))
    assert (count.has_minimum, count.minimum) == (True, 2)
    assert list(types.allowed_values.list.type) == [tf.int32.as_datatype_enum, tf.float32.as_datatype_enum]
    assert text.default_value.s == b"a"


def test_ops_of_a_graph_def_and_their_defaults():
    with tf.Graph().as_default() as graph:
        tf.matmul(tf.zeros([1, 1]), tf.zeros([1, 1]), transpose_b=True, name="m")
    graph_def = graph.as_graph_def()
    assert [op.name for op in stripped_op_list(graph_def).op] == ["Const", "MatMul"]
    strip_default_attrs(graph_def)
    (node,) = (n for n in graph_def.node if n.name == "m")
    assert sorted(node.attr) == ["T", "transpose_b"]
