"""decode_proto and encode_proto against what TensorFlow 1.15.5 does, with descriptors from a file, and on garbage."""

import contextlib

import numpy as np
import pytest

import reflow as tf
from tests.ops.recorded import Recorded

recorded = Recorded("proto")


@recorded.each_case
def test_as_tensorflow(name):
    recorded.check(name)


def test_messages_of_failures():
    """The words are TensorFlow's as well."""
    for name, outcome in recorded.outcomes.items():
        if "error" in outcome and "failures" in name and "batches" not in name:
            actual = recorded.recording.outcome(tf, name, recorded.functions[name])
            assert actual["message"].splitlines()[0] == outcome["message"].splitlines()[0], name


def test_descriptors_from_a_file(tmp_path):
    path = tmp_path / "all.descriptors"
    path.write_bytes(recorded.cases.descriptor_set().SerializeToString())
    with tf.Graph().as_default(), tf.Session() as session:
        text = tf.io.encode_proto([[1]], [[[7]]], ["one_int32"], "cases.All", descriptor_source=str(path))
        made = tf.io.decode_proto(text, "cases.All", ["one_int32"], [tf.int32], descriptor_source=str(path))
        assert session.run(made.values[0]).tolist() == [[7]]


def test_default_of_an_enum():
    """TensorFlow fills up with whatever stands in memory."""
    with tf.Graph().as_default(), tf.Session() as session:
        made = tf.io.decode_proto([""], "cases.All", ["one_enum"], [tf.int32], recorded.cases.SOURCE)
        assert session.run(made.values[0]).tolist() == [[0]]


def test_groups():
    from google.protobuf import descriptor_pb2

    file = descriptor_pb2.FileDescriptorProto(name="group.proto", syntax="proto2")
    message = file.message_type.add(name="Outer")
    message.nested_type.add(name="Inner").field.add(name="x", number=1, label=1, type=5)
    message.field.add(name="inner", number=2, label=1, type=10, type_name=".Outer.Inner")
    source = b"bytes://" + descriptor_pb2.FileDescriptorSet(file=[file]).SerializeToString()
    with tf.Graph().as_default(), tf.Session() as session:
        text = tf.io.encode_proto([[1]], [[[b"\x08\x05"]]], ["inner"], "Outer", source)
        made = tf.io.decode_proto(text, "Outer", ["inner"], [tf.string], source)
        text, value = session.run([text, made.values[0]])
        assert text.tolist() == [b"\x13\x08\x05\x14"] and value.tolist() == [[b"\x08\x05"]]
        broken = tf.io.decode_proto([b"\x13\x08\x05\x1c"], "Outer", ["inner"], [tf.string], source)
        with pytest.raises(tf.errors.DataLossError):
            session.run(broken.sizes)


def test_garbage_is_an_error_or_a_value():
    generator = np.random.default_rng(5)
    fields, types = ["one_int32", "packed_double", "some_string"], [tf.int32, tf.float64, tf.string]
    with tf.Graph().as_default(), tf.Session() as session:
        text = tf.placeholder(tf.string, [1])
        sizes = tf.io.decode_proto(text, "cases.All", fields, types, recorded.cases.SOURCE).sizes
        for _ in range(300):
            data = generator.integers(0, 256, generator.integers(0, 12), np.uint8).tobytes()
            with contextlib.suppress(tf.errors.DataLossError):
                assert session.run(sizes, {text: [data]}).shape == (1, 3)
