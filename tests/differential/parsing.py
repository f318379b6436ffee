"""Ops that read serialized data: raw bytes, lines of CSV, tensors, sparse tensors, examples."""

import numpy as np
from tensorboard.compat.proto.tensor_pb2 import TensorProto

import reflow as tf
from reflow.graph.dtypes import as_dtype
from tests.differential.table import Table

table = Table("parsing")

_TYPES = ["float32", "int64", "string"]


def strings(values, shape=None):
    """An array of strings."""
    return np.array([*values, b""], object)[:-1].reshape((len(values),) if shape is None else shape)


def damaged(d, content):
    """The bytes as they are or, now and then, cut short or with one byte changed."""
    if not content or not d.rarely():
        return content
    place = d.int(0, len(content) - 1)
    return content[:place] if d.flag() else content[:place] + bytes([content[place] ^ 0x41]) + content[place + 1 :]


def damaged_message(d, content):
    """The bytes of a message as they are or, now and then, with more behind, or none.

    Not cut in a nested message: TensorFlow takes one of which nothing but the length is left for an empty one.
    """
    return d.pick(content[:1], content + b"\x07", b"junk") if d.rarely() else content


# --- bytes, lines, tensors --------------------------------------------------------------------------------------------


def _padded_raw(d):
    texts = [bytes(d.int(0, 255) for _ in range(8 * d.int(0, 3))) for _ in range(d.int(1, 2))]
    return [strings(texts), np.array(d.pick(8, 16, 24, 0, -1), "int32")], {"little_endian": d.flag()}


def _csv(d):
    types = [d.pick("float32", "float64", "int32", "int64", "string") for _ in range(d.int(1, 3))]
    fields = (b"1", b"-2", b"1.5", b"", b"NA", b"x", b'"a,b"', b'"a""b"', b" 3", b"9999999999")
    lines = [b",".join(d.pick(*fields) for _ in types) for _ in range(d.int(0, 2))]
    defaults = [d.array(t, d.pick((1,), (1,), (0,)), "finite") for t in types]
    return [strings(lines), defaults], {"na_value": d.pick(b"", b"NA"), "use_quote_delim": d.pick(True, True, False)}


def _serialize(d):
    return [d.array("T", d.shape())], {}


def _parse_tensor(d):
    dtype = d.pick("float32", "int64", "uint8", "bool", "string", "float64")
    array = d.array(dtype, d.shape(most=2))
    message = tf.make_tensor_proto(array, dtype=as_dtype(dtype))
    content = TensorProto.FromString(message.SerializeToString()).SerializeToString(deterministic=True)
    return [np.array(damaged_message(d, content), object)], {"out_type": as_dtype(d.pick(dtype, dtype, dtype, "int32"))}


# --- examples ---------------------------------------------------------------------------------------------------------


def _feature(d, dtype, count):
    values = d.array(dtype, (count,), "finite").tolist()
    if dtype == "string":
        return tf.train.Feature(bytes_list=tf.train.BytesList(value=values))
    if dtype == "int64":
        return tf.train.Feature(int64_list=tf.train.Int64List(value=values))
    return tf.train.Feature(float_list=tf.train.FloatList(value=values))


def _example(d, features):
    """A serialized Example: of (key, type, number of values) some are missing, of another type or length."""
    kept = {}
    for key, dtype, count in features:
        if not d.rarely():
            other = d.pick(*_TYPES) if d.rarely() else dtype
            kept[key] = _feature(d, other, d.int(0, 3) if count is None or d.rarely() else count)
    content = tf.train.Example(features=tf.train.Features(feature=kept)).SerializeToString(deterministic=True)
    return damaged(d, content)


def _columns(d):
    """Sparse columns [(key, type, None)], dense ones [(key, type, size)], and the defaults of those."""
    sparse = [(f"s{i}", d.pick(*_TYPES), None) for i in range(d.int(0, 2))]
    dense = [(f"d{i}", d.pick(*_TYPES), d.int(1, 2)) for i in range(d.int(0 if sparse else 1, 2))]
    return sparse, dense, [d.array(t, d.pick((n,), (0,)), "finite") for _, t, n in dense]


def _parse_example(d):
    sparse, dense, defaults = _columns(d)
    texts = [_example(d, sparse + dense) for _ in range(d.int(0, 3))]
    names = [b"n%d" % i for i in range(len(texts))] if d.flag() else []
    keys = [[np.array(key.encode(), object) for key, *_ in columns] for columns in (sparse, dense)]
    return [strings(texts), strings(names), *keys, defaults], _column_attrs(sparse, dense)


def _parse_single_example(d):
    sparse, dense, defaults = _columns(d)
    attrs = _column_attrs(sparse, dense)
    attrs.update(num_sparse=len(sparse), sparse_keys=[key.encode() for key, *_ in sparse],
                 dense_keys=[key.encode() for key, *_ in dense])  # fmt: skip
    return [np.array(_example(d, sparse + dense), object), defaults], attrs


def _column_attrs(sparse, dense):
    return {"sparse_types": [as_dtype(t) for _, t, _ in sparse], "Tdense": [as_dtype(t) for _, t, _ in dense],
            "dense_shapes": [(n,) for *_, n in dense]}  # fmt: skip


# --- sequences --------------------------------------------------------------------------------------------------------


def sequence_example(d, types):
    """A serialized SequenceExample: of a sparse and a dense column in the context, and such lists, some are missing."""
    lists = tf.train.FeatureLists(feature_list={
        f"l{i}": tf.train.FeatureList(feature=[
            _feature(d, types[i], 2 if i == 3 and not d.rarely() else d.int(0, 2)) for _ in range(d.int(0, 3))])
        for i in (2, 3) if not d.rarely()
    })  # fmt: skip
    context = tf.train.Features(feature={f"c{i}": _feature(d, types[i], 1) for i in (0, 1) if not d.rarely()})
    message = tf.train.SequenceExample(context=context, feature_lists=lists)
    return message.SerializeToString(deterministic=True)


def _parse_single_sequence(d):
    types = [d.pick(*_TYPES) for _ in range(4)]
    message = sequence_example(d, types)
    keys = [[np.array(key, object)] for key in (b"c0", b"c1", b"l2", b"l3")]
    inputs = [np.array(damaged_message(d, message), object),
              strings([b"l3"] if d.flag() else []), *keys, [d.array(types[1], d.pick((1,), (0,)), "finite")],
              np.array(d.pick(b"", b"name"), object)]  # fmt: skip
    sparse, dense, list_sparse, list_dense = ([as_dtype(t)] for t in types)
    return inputs, {"context_sparse_types": sparse, "Tcontext_dense": dense, "context_dense_shapes": [(1,)],
                    "feature_list_sparse_types": list_sparse, "feature_list_dense_types": list_dense,
                    "feature_list_dense_shapes": [(2,)]}  # fmt: skip


# TensorFlow 1.15 reads and writes beyond the elements of texts that are shorter than the fixed length; 2.21 has no
# kernel for half.
table.add("DecodePaddedRaw", _padded_raw, faults=False, newer=True,
          types={"out_type": ["float32", "float64", "int32", "uint16", "uint8", "int16", "int8", "int64"]})
table.add("DecodeCSV", _csv, faults=False)
table.add("SerializeTensor", _serialize, gradient=False,
          types={"T": ["float32", "float64", "int32", "int64", "uint8", "bool", "string", "complex64", "float16"]})
table.add("ParseTensor", _parse_tensor)
table.add("ParseExample", _parse_example, faults=False)
table.add("ParseSingleExample", _parse_single_example, faults=False)
table.add("ParseSingleSequenceExample", _parse_single_sequence, faults=False)
