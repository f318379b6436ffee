"""Records files/: checkpoints, record files and event files that TensorFlow 1.15.5 wrote from file_cases.py."""

import ctypes
import glob
import os
import struct

import file_cases
import numpy as np
import tensorflow as tf

HERE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "files")


def path(name):
    return os.path.join(HERE, name)


def constants(arrays, quantized):
    """Constants of all arrays, and for each quantized type one with the bits of the plain type's."""
    named = {
        name: tf.constant(array, tf.string) if array.dtype == object else tf.constant(array)
        for name, array in arrays.items()
    }
    for name in quantized:
        named["type/" + name] = tf.bitcast(tf.constant(file_cases.numbers(name[1:])), getattr(tf, name))
    return named


def parts():
    return [tf.constant(file_cases.partitioned()[box]) for box in file_cases.PART_BOXES]


def save_v2(name, named, with_parts):
    texts = file_cases.PARTS if with_parts else []
    return tf.raw_ops.SaveV2(
        prefix=path(name),
        tensor_names=list(named) + ["partitioned"] * len(texts),
        shape_and_slices=[""] * len(named) + texts,
        tensors=list(named.values()) + (parts() if with_parts else []),
    )


def save_v1(name, named, texts, slices):
    return tf.raw_ops.SaveSlices(
        filename=path(name),
        tensor_names=list(named) + ["partitioned"] * len(texts),
        shapes_and_slices=[""] * len(named) + texts,
        data=list(named.values()) + slices,
    )


def write_checkpoints(session):
    v2 = constants(file_cases.tensors(file_cases.TYPES + file_cases.V2_TYPES), file_cases.QUANTIZED)
    v2.update(constants({}, file_cases.V2_QUANTIZED))
    v2["type/bfloat16"] = tf.cast(tf.constant(file_cases.numbers("float32")), tf.bfloat16)
    session.run(save_v2("v2", v2, with_parts=True))

    first, second = (dict(list(v2.items())[i::2]) for i in (0, 1))
    session.run(save_v2("shard0", first, with_parts=True))
    session.run(save_v2("shard1", second, with_parts=False))
    session.run(
        tf.raw_ops.MergeV2Checkpoints(
            checkpoint_prefixes=[path("shard0"), path("shard1")],
            destination_prefix=path("v2_sharded"),
            delete_old_dirs=False,
        )
    )

    v1 = constants(file_cases.tensors(file_cases.TYPES), file_cases.QUANTIZED)
    session.run(save_v1("v1", v1, file_cases.PARTS, parts()))
    session.run(save_v1("v1_sharded-00000-of-00002", {"scalar": v1["scalar"]}, file_cases.PARTS[::2], parts()[::2]))
    session.run(save_v1("v1_sharded-00001-of-00002", {"empty": v1["empty"]}, file_cases.PARTS[1::2], parts()[1::2]))


def write_state():
    os.chdir(os.path.dirname(HERE))  # with an absolute folder, the file would name this machine's paths
    tf.train.update_checkpoint_state("files", "files/v2", ["files/v1", "files/v2"], "checkpoint", [1.5, 2.25], 0.5)


def write_records():
    example = tf.train.Example()
    example.features.feature["image"].bytes_list.value.extend(file_cases.EXAMPLE["image"])
    example.features.feature["weights"].float_list.value.extend(file_cases.EXAMPLE["weights"])
    example.features.feature["label"].int64_list.value.extend(file_cases.EXAMPLE["label"])
    for compression in ("", "ZLIB", "GZIP"):
        with tf.io.TFRecordWriter(path("records%s" % compression.lower()), compression) as writer:
            for record in file_cases.RECORDS:
                writer.write(record)
            writer.write(example.SerializeToString(deterministic=True))


def write_events():
    writer = tf.summary.FileWriter(HERE, filename_suffix=".golden")
    for step in range(3):
        value = tf.Summary.Value(tag="loss", simple_value=1.0 / (step + 1))
        writer.add_event(tf.Event(wall_time=1000.0 + step, step=step, summary=tf.Summary(value=[value])))
    writer.close()
    (written,) = glob.glob(path("events.out.tfevents.*.golden"))
    os.rename(written, path("events"))


def masked_crc(data):
    """TensorFlow's masked CRC-32C, taken from the end of a record that it wrote."""
    with tf.io.TFRecordWriter(path("crc")) as writer:
        writer.write(data)
    with open(path("crc"), "rb") as record:
        crc = record.read()[-4:]
    os.remove(path("crc"))
    return crc


def snappy(data):
    """Compresses with the Snappy in TensorFlow's own library."""
    library = ctypes.CDLL(glob.glob(os.path.join(tf.sysconfig.get_lib(), "libtensorflow_framework.so*"))[0])
    compress = library["_ZN6snappy11RawCompressEPKcmPcPm"]
    compress.argtypes = [ctypes.c_char_p, ctypes.c_size_t, ctypes.c_char_p, ctypes.POINTER(ctypes.c_size_t)]
    out = ctypes.create_string_buffer(32 + len(data) * 2)
    size = ctypes.c_size_t()
    compress(data, len(data), out, ctypes.byref(size))
    return out.raw[: size.value]


def varint(value):
    return bytes(bytearray([value])) if value < 128 else bytes(bytearray([value & 127 | 128])) + varint(value >> 7)


def read_varints(data, count):
    values, value, shift = [], 0, 0
    for byte in bytearray(data):
        value |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            values.append(value)
            value = shift = 0
    return values[:count]


def write_snappy_table(source, destination):
    """Rewrites a V1 checkpoint of one data block with compressed blocks, as early releases wrote them."""
    with open(path(source), "rb") as table:
        data = table.read()
    _, _, index_at, _ = read_varints(data[-48:], 4)
    _, key_size, _ = read_varints(data[index_at:], 3)
    key = data[index_at + 3 : index_at + 3 + key_size]
    block_at, block_size = read_varints(data[index_at + 3 + key_size :], 2)
    out, handles = b"", []
    empty = struct.pack("<II", 0, 1)

    def add(block):
        contents = snappy(block)
        handles.append(varint(len(out)) + varint(len(contents)))
        return out + contents + b"\x01" + masked_crc(contents + b"\x01")

    out = add(data[block_at : block_at + block_size])
    out = add(empty)
    out = add(varint(0) + varint(len(key)) + varint(len(handles[0])) + key + handles[0] + empty)
    with open(path(destination), "wb") as table:
        table.write(out + (handles[1] + handles[2]).ljust(40, b"\0") + data[-8:])
    old, new = (tf.train.NewCheckpointReader(path(name)) for name in (source, destination))
    for name in ("type/float32", "strings", "scalar"):
        np.testing.assert_array_equal(old.get_tensor(name), new.get_tensor(name))


def write_snappy_text():
    with open(path("text.snappy"), "wb") as out:
        out.write(snappy(file_cases.snappy_text()))


if not os.path.isdir(HERE):
    os.mkdir(HERE)
for old in glob.glob(path("*")):
    os.remove(old)
with tf.compat.v1.Session() as session:
    write_checkpoints(session)
write_state()
write_records()
write_events()
write_snappy_table("v1", "v1_snappy")
write_snappy_text()
