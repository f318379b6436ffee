"""Damaged examples, CSV, JSON and tensors fail with InvalidArgumentError, or parse: nothing else, and in no time."""

import contextlib

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import reflow as tf
from reflow.graph import errors

_MESSAGE = tf.train.Example(features=tf.train.Features(feature={
    "a": tf.train.Feature(int64_list=tf.train.Int64List(value=[1, 300])),
    "b": tf.train.Feature(bytes_list=tf.train.BytesList(value=[b"xy", b""])),
    "c": tf.train.Feature(float_list=tf.train.FloatList(value=[0.5])),
})).SerializeToString()  # fmt: skip
_SEQUENCE = tf.train.SequenceExample(
    context=tf.train.Example.FromString(_MESSAGE).features,
    feature_lists=tf.train.FeatureLists(feature_list={
        "l": tf.train.FeatureList(feature=[tf.train.Feature(int64_list=tf.train.Int64List(value=[1]))])
    }),
).SerializeToString()  # fmt: skip
_TENSOR = b"\x08\x01\x12\x04\x12\x02\x08\x02\x22\x08\x00\x00\x80\x3f\x00\x00\x00\x40"
_JSON = b'{"features": {"feature": {"a": {"int64List": {"value": [1, "2"]}}, "b": {"bytesList": {"value": ["YQ=="]}}}}}'
_CSV = b'1,"two, ""2""",3.5'

_CONTEXT = {"a": tf.VarLenFeature(tf.int64), "b": tf.FixedLenFeature([2], tf.string, ["", ""])}
_FEATURES = {**_CONTEXT, "c": tf.FixedLenSequenceFeature([], tf.float32, True)}
_LISTS = {"l": tf.FixedLenSequenceFeature([1], tf.int64, True)}

_PARSERS = {
    "example": (_MESSAGE, lambda x: list(tf.parse_example(tf.reshape(x, [1]), _FEATURES).values())),
    "single": (_MESSAGE, lambda x: list(tf.parse_single_example(x, _FEATURES).values())),
    "sequence": (_SEQUENCE, lambda x: tf.parse_single_sequence_example(x, _CONTEXT, _LISTS)),
    "sequences": (_SEQUENCE, lambda x: tf.io.parse_sequence_example(tf.reshape(x, [1]), _CONTEXT, _LISTS)),
    "tensor": (_TENSOR, lambda x: tf.parse_tensor(x, tf.float32)),
    "json": (_JSON, lambda x: tf.decode_json_example(x)),
    "csv": (_CSV, lambda x: tf.decode_csv(x, [[0], ["-"], [0.5]])),
    "base64": (b"YWJjZA", lambda x: tf.decode_base64(x)),
    "number": (b" 1.5e3 ", lambda x: tf.string_to_number(x)),
}


@st.composite
def damaged(draw, data):
    """`data` with some bytes changed, removed or put in, or other bytes altogether."""
    if draw(st.integers(0, 9)) == 0:
        return draw(st.binary(max_size=40))
    text = bytearray(data)
    for _ in range(draw(st.integers(1, 4))):
        place = draw(st.integers(0, max(len(text) - 1, 0)))
        length = draw(st.integers(0, 3))
        text[place : place + length] = draw(st.binary(max_size=3))
    return bytes(text)


@pytest.mark.parametrize("kind", _PARSERS)
def test_damaged_input(kind):
    intact, build = _PARSERS[kind]
    with tf.Graph().as_default() as graph:
        text = tf.placeholder(tf.string, [])
        outputs = build(text)
    with tf.Session(graph=graph) as session:
        session.run(outputs, {text: intact})

        @settings(max_examples=150, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
        @given(damaged(intact))
        def survives(data):
            with contextlib.suppress(errors.InvalidArgumentError):
                session.run(outputs, {text: data})

        survives()


@pytest.mark.parametrize("text", [b"[" * 100000, b'{"features":' * 50000, b'{"a":' + b"9" * 100000 + b"}"])
def test_json_that_would_exhaust_a_parser(text):
    with tf.Graph().as_default(), tf.Session() as session, pytest.raises(errors.InvalidArgumentError):
        session.run(tf.decode_json_example(tf.constant(text)))


def test_tensor_of_enormous_shape():
    huge = b"\x08\x01\x12\x0a\x12\x08\x08\x80\x80\x80\x80\x80\x80\x01\x2a\x04\x00\x00\x80\x3f"
    with tf.Graph().as_default(), tf.Session() as session, pytest.raises(errors.InvalidArgumentError):
        session.run(tf.parse_tensor(huge, tf.float32))
