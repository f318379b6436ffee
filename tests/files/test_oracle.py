"""Real TensorFlow, 1.15.5 and 2.21, reads what we write and writes what we read."""

import json
import pathlib

import ml_dtypes
import numpy as np
import pytest
import tensorboard
from tensorboard.compat.proto.event_pb2 import Event

from reflow.files import bundle_files, protos
from reflow.files.checkpoint_reader import NewCheckpointReader
from reflow.files.checkpoint_state import latest_checkpoint, update_checkpoint_state
from reflow.files.checkpoint_v1 import CheckpointV1Writer
from reflow.files.events import EventsWriter
from reflow.files.tensor_bundle import BundleReader, BundleWriter, merge_bundles
from reflow.files.tensor_slice import TensorSlice, parse_shape_and_slice
from reflow.files.tfrecord import TFRecordWriter, tf_record_iterator
from reflow.graph import dtypes

pytestmark = pytest.mark.oracle

# Prints {name: [type, shape, bytes of the value as hex]} of all tensors of the checkpoint argv[1].
DESCRIBE = """
reader = tf.train.NewCheckpointReader(sys.argv[1])
def hex_of(value):
    if value.dtype == object or value.dtype.kind in "SU":
        return [element.hex() for element in value.ravel().tolist()]
    return value.tobytes().hex()
types = reader.get_variable_to_dtype_map()
print(json.dumps({
    name: [types[name].as_datatype_enum, shape, hex_of(np.asarray(reader.get_tensor(name)))]
    for name, shape in reader.get_variable_to_shape_map().items() if name not in sys.argv[2:]
}))
"""


def described(named):
    """What DESCRIBE prints for these arrays."""
    return {
        name: [
            dtypes.as_dtype(array.dtype).as_datatype_enum,
            list(array.shape),
            [element.hex() for element in array.ravel().tolist()]
            if array.dtype == object
            else np.ascontiguousarray(array).tobytes().hex(),
        ]
        for name, array in named.items()
    }


def all_tensors(cases, types, quantized):
    named = cases.tensors(types)
    for name in quantized:
        named[f"type/{name}"] = cases.numbers(name[1:]).view(getattr(dtypes, name).np_dtype)
    return named


def write_bundle(prefix, named, cases):
    with BundleWriter(str(prefix)) as writer:
        for name, array in named.items():
            writer.add(name, array)
        for text, box in zip(cases.PARTS, cases.PART_BOXES, strict=True):
            writer.add_slice("partitioned", *parse_shape_and_slice(text), cases.partitioned()[box])


@pytest.fixture
def v2_tensors(cases):
    named = all_tensors(cases, cases.TYPES + cases.V2_TYPES, cases.QUANTIZED + cases.V2_QUANTIZED)
    named["type/bfloat16"] = cases.numbers("float32").astype(ml_dtypes.bfloat16)
    return named


def test_reads_our_bundle(peer, cases, v2_tensors, tmp_path):
    write_bundle(tmp_path / "m", v2_tensors, cases)
    found = peer(DESCRIBE, tmp_path / "m")
    assert found == described({**v2_tensors, "partitioned": cases.partitioned()})


def test_reads_our_merged_bundle(peer, cases, v2_tensors, tmp_path):
    names = list(v2_tensors)
    write_bundle(tmp_path / "temp" / "a", {name: v2_tensors[name] for name in names[::2]}, cases)
    with BundleWriter(str(tmp_path / "temp" / "b")) as writer:
        for name in names[1::2]:
            writer.add(name, v2_tensors[name])
    merge_bundles([str(tmp_path / "temp" / "a"), str(tmp_path / "temp" / "b")], str(tmp_path / "m"))
    found = peer(DESCRIBE, tmp_path / "m")
    assert found == described({**v2_tensors, "partitioned": cases.partitioned()})


def test_reads_a_bundle_in_the_middle_of_its_replacement(peer, tmp_path, monkeypatch):
    with BundleWriter(str(tmp_path / "m")) as writer:
        writer.add("a", np.full(5, 1))
    writer = BundleWriter(str(tmp_path / "m"))
    writer.add("a", np.full(5, 2))
    # Stop as a kill would, when the new data is there under its first name only.
    monkeypatch.setattr(bundle_files, "_move_data", lambda *arguments: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        writer.finish()
    assert BundleReader(str(tmp_path / "m")).num_shards == 2
    assert peer(DESCRIBE, tmp_path / "m") == described({"a": np.full(5, 2)})


def test_reads_our_v1_checkpoint(peer, cases, tmp_path):
    named = all_tensors(cases, cases.TYPES, cases.QUANTIZED)
    writer = CheckpointV1Writer(str(tmp_path / "m"))
    for name, array in named.items():
        writer.add(name, array)
    writer.finish()
    # TensorFlow's NewCheckpointReader has only these types for V1.
    kinds = ["float32", "float64", "int32", "uint8", "int16", "int8", "int64"]
    unread = [name for name in named if name.startswith("type/") and name.removeprefix("type/") not in kinds]
    expected = {name: array for name, array in named.items() if name not in unread}
    assert peer(DESCRIBE, tmp_path / "m", *unread) == described(expected)


def test_restores_our_checkpoints_slice_by_slice(peer, cases, tmp_path):
    write_bundle(tmp_path / "v2", {}, cases)
    writer = CheckpointV1Writer(str(tmp_path / "v1"))
    for text, box in zip(cases.PARTS, cases.PART_BOXES, strict=True):
        writer.add_slice("partitioned", *parse_shape_and_slice(text), cases.partitioned()[box])
    writer.finish()
    script = """
restored = [
    tf.raw_ops.RestoreV2(
        prefix=path, tensor_names=["partitioned"], shape_and_slices=["6 4 1,4:-"], dtypes=[tf.float32])[0]
    for path in sys.argv[1:]
]
"""
    run = """
tf.disable_eager_execution()
with tf.Graph().as_default(), tf.Session() as session:
    exec(sys.argv.pop(1))
    print(json.dumps([value.tolist() for value in session.run(restored)]))
"""
    found = peer(run, script, tmp_path / "v1", tmp_path / "v2")
    assert found == [cases.partitioned()[1:5].tolist()] * 2


# Long names that share no prefixes.
MANY = [f"{i * 2654435761 % 2**32:08x}" * 24 for i in range(2800)]


def test_an_index_of_many_blocks_is_the_same_bytes(peer, tmp_path):
    script = """
tf.disable_eager_execution()
names = json.load(open(sys.argv[2]))
with tf.Graph().as_default(), tf.Session() as session:
    session.run(tf.raw_ops.SaveV2(
        prefix=sys.argv[1], tensor_names=names, shape_and_slices=[""] * len(names),
        tensors=[tf.fill([i % 7 + 1], float(i)) for i in range(len(names))]))
print("null")
"""
    (tmp_path / "names").write_text(json.dumps(MANY))
    peer(script, tmp_path / "theirs", tmp_path / "names")
    with BundleReader(str(tmp_path / "theirs")) as reader, BundleWriter(str(tmp_path / "ours")) as writer:
        # TensorFlow 2.21 writes the tensors in another order than they are given.
        for name, _ in sorted(reader.entries(), key=lambda item: item[1].offset):
            i = MANY.index(name.decode())
            writer.add(name, np.full(i % 7 + 1, i, np.float32))
    assert (tmp_path / "ours.index").stat().st_size > 2 * 256 * 1024
    for suffix in (".index", ".data-00000-of-00001"):
        assert (tmp_path / f"ours{suffix}").read_bytes() == (tmp_path / f"theirs{suffix}").read_bytes()


SAVE_WITH_SAVER = """
tf.disable_eager_execution()
tf.disable_v2_behavior()
folder, version, sharded = sys.argv[1], int(sys.argv[2]), sys.argv[3] == "True"
with tf.Graph().as_default(), tf.Session(config=tf.ConfigProto(device_count={"CPU": 2})) as session:
    with tf.device("/cpu:0"):
        tf.get_variable("weights", initializer=tf.reshape(tf.range(24.0), [6, 4]), partitioner=None)
        tf.get_variable("parts", [10, 3], initializer=tf.ones_initializer(),
                        partitioner=tf.fixed_size_partitioner(3))
    with tf.device("/cpu:1"):
        tf.get_variable("step", initializer=tf.constant(7, tf.int64))
    session.run(tf.global_variables_initializer())
    saver = tf.train.Saver(write_version=version, sharded=sharded)
    for step in (1, 2):
        path = saver.save(session, folder + "/model", global_step=step)
print(json.dumps(path))
"""


@pytest.mark.parametrize("version", [1, 2])
@pytest.mark.parametrize("sharded", [False, True])
def test_we_read_what_savers_write(peer, tmp_path, version, sharded):
    path = peer(SAVE_WITH_SAVER, tmp_path, version, sharded)
    assert latest_checkpoint(str(tmp_path)) == path
    reader = NewCheckpointReader(path)
    assert reader.get_variable_to_shape_map() == {"weights": [6, 4], "parts": [10, 3], "step": []}
    np.testing.assert_array_equal(reader.get_tensor("weights"), np.arange(24.0).reshape(6, 4))
    np.testing.assert_array_equal(reader.get_tensor("parts"), np.ones((10, 3)))
    assert reader.get_tensor("step") == 7


def test_savers_restore_what_we_write(peer, tmp_path):
    weights, parts = np.arange(24, dtype=np.float32).reshape(6, 4), np.arange(30, dtype=np.float32).reshape(10, 3)
    with BundleWriter(str(tmp_path / "model")) as writer:
        writer.add("weights", weights)
        for start, length in ((0, 4), (4, 3), (7, 3)):
            part = TensorSlice(((start, length), (0, -1)))
            writer.add_slice("parts", (10, 3), part, parts[start : start + length])
    update_checkpoint_state(str(tmp_path), str(tmp_path / "model"))
    script = """
tf.disable_eager_execution()
with tf.Graph().as_default(), tf.Session() as session:
    weights = tf.get_variable("weights", [6, 4])
    parts = tf.get_variable("parts", [10, 3], partitioner=tf.fixed_size_partitioner(3))
    tf.train.Saver().restore(session, tf.train.latest_checkpoint(sys.argv[1]))
    print(json.dumps([value.tolist() for value in session.run([weights, tf.convert_to_tensor(parts)])]))
"""
    assert peer(script, tmp_path) == [weights.tolist(), parts.tolist()]


@pytest.mark.parametrize("compression", ["", "ZLIB", "GZIP"])
def test_record_files_both_ways(peer, cases, tmp_path, compression):
    with TFRecordWriter(tmp_path / "ours", compression) as writer:
        for record in cases.RECORDS:
            writer.write(record)
    script = """
records = list(tf.python_io.tf_record_iterator(sys.argv[1], sys.argv[3]))
with tf.python_io.TFRecordWriter(sys.argv[2], sys.argv[3]) as writer:
    for record in records:
        writer.write(record)
print(json.dumps([record.hex() for record in records]))
"""
    found = peer(script, tmp_path / "ours", tmp_path / "theirs", compression)
    assert found == [record.hex() for record in cases.RECORDS]
    assert list(tf_record_iterator(tmp_path / "theirs", compression)) == cases.RECORDS


def test_reads_our_events(peer, tmp_path):
    writer = EventsWriter(str(tmp_path / "events"))
    for step in range(3):
        writer.write_event(Event(wall_time=10.0 + step, step=step))
    writer.close()
    script = "print(json.dumps([[e.wall_time, e.step] for e in tf.train.summary_iterator(sys.argv[1])][1:]))"
    assert peer(script, writer_path(tmp_path)) == [[10.0 + step, step] for step in range(3)]


def writer_path(folder):
    (path,) = folder.iterdir()
    return path


def test_our_messages_beside_a_real_tensorflow_in_one_process(tensorflow2):
    """Both register the same names: ours in a descriptor pool of their own."""
    script = """
import types
sys.path.append(sys.argv[2])  # for tensorboard, which the peer lacks
for name, folder in (("reflow", sys.argv[1]), ("reflow.files", sys.argv[1] + "/files")):
    sys.modules[name] = types.ModuleType(name)
    sys.modules[name].__path__ = [folder]
from reflow.files import protos
loaded = [protos.load(stem).DESCRIPTOR.name for stem in protos.stems()]
ours, theirs = protos.Example(), tf.train.Example()
assert ours.DESCRIPTOR.full_name == theirs.DESCRIPTOR.full_name
ours.features.feature["a"].float_list.value.append(2.5)
theirs.ParseFromString(ours.SerializeToString())
print(json.dumps([len(loaded), theirs.features.feature["a"].float_list.value[0]]))
"""
    folder = pathlib.Path(protos.__file__).parents[2]
    site_packages = pathlib.Path(tensorboard.__file__).parents[1]
    assert tensorflow2(script, folder, site_packages) == [len(protos.stems()), 2.5]
