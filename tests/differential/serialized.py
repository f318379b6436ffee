"""Ops that read and write sparse tensors as strings, examples as JSON, compressed bytes, audio files, summaries."""

import json
import zlib

import numpy as np

from tests.differential.parsing import damaged_message, sequence_example, strings
from tests.differential.sparse import sparse
from tests.differential.table import Table

table = Table("serialized")

# --- bytes ------------------------------------------------------------------------------------------------------------


def _compressed(d):
    kind = d.pick(b"", b"ZLIB", b"GZIP")
    contents = [bytes(d.int(97, 99) for _ in range(d.int(0, 30))) for _ in range(d.int(0, 2))]
    if kind:
        compressors = [zlib.compressobj(9, zlib.DEFLATED, 15 if kind == b"ZLIB" else 31) for _ in contents]
        contents = [c.compress(text) + c.flush() for c, text in zip(compressors, contents, strict=True)]
    return [strings(contents)], {"compression_type": kind}


_FEATURES = [{"bytesList": {"value": ["YWI=", ""]}}, {"int64List": {"value": [1, "-2"]}},
             {"floatList": {"value": [1.5]}}, {"int64_list": {"value": []}}, {}, {"floatList": {"value": ["NaN", 1]}},
             {"int64List": {"value": ["x"]}}, {"floatList": {"value": [True]}}]  # fmt: skip


def _json(d):
    lines = []
    for _ in range(d.int(0, 2)):
        features = {key: d.pick(*_FEATURES) for key in ("a", "b")[: d.int(0, 2)]}
        line = json.dumps({"features": {"feature": features}}).encode()
        lines.append(d.pick(line, line, line, line[:-1], b"{}", b"", b"[]", line + b"x"))
    return [strings(lines)], {}


def _wav(d):
    channels, samples = d.int(1, 2), d.int(0, 4)
    return [d.array("float32", (samples, channels), "symmetric"), np.array(d.pick(8000, 44100), "int32")], {}


def _shards(d):
    inputs = [np.array(d.pick(b"", b"/tmp/x"), object), np.array(d.int(0, 3), "int32")]
    return inputs + [np.array(d.pick(1, 100000), "int32")] if d.op == "ShardedFilename" else inputs, {}


table.add("DecodeCompressed", _compressed)
table.add("DecodeJSONExample", _json)
table.add("EncodeWav", _wav, faults=False)
table.add("ShardedFilename ShardedFilespec", _shards)

# --- examples ---------------------------------------------------------------------------------------------------------


def _sequences(d):
    """Sequence examples of one sparse and one dense column in the context, and the same of the lists."""
    messages = []
    types = [d.pick("float32", "int64", "string") for _ in range(4)]
    for _ in range(d.int(0, 3)):
        messages.append(damaged_message(d, sequence_example(d, types)))
    # TensorFlow refuses to parse nothing where a column has no default.
    defaults = [d.array(types[1], d.pick((1,), (0,)) if messages else (1,), "finite")]
    attrs = {f"{where}_{kind}_keys": [key] for where, kind, key in (
        ("context", "sparse", b"c0"), ("context", "dense", b"c1"), ("feature_list", "sparse", b"l2"),
        ("feature_list", "dense", b"l3"))}  # fmt: skip
    sparse_type, dense_type, list_sparse, list_dense = ([d.dtype(t)] for t in types)
    attrs.update(context_sparse_types=sparse_type, Tcontext_dense=dense_type, context_dense_shapes=[(1,)],
                 feature_list_sparse_types=list_sparse, feature_list_dense_types=list_dense,
                 feature_list_dense_shapes=[(2,)], Ncontext_sparse=1, Ncontext_dense=1, Nfeature_list_sparse=1,
                 Nfeature_list_dense=1,
                 feature_list_dense_missing_assumed_empty=[b"l3"] if d.flag() else [])  # fmt: skip
    names = [b"n%d" % i for i in range(len(messages))] if d.flag() else []
    return [strings(messages), strings(names), defaults], attrs


table.add("ParseSequenceExample", _sequences, faults=False)

# --- sparse tensors ---------------------------------------------------------------------------------------------------


def _serialize(d):
    return sparse(d, d.shape(least=1 + int("Many" in d.op), low=1)), {}


def _message(tensor):
    """A serialized TensorProto, as SerializeSparse makes it."""
    import reflow as tf

    proto = tf.make_tensor_proto(tensor)
    return type(proto).FromString(proto.SerializeToString()).SerializeToString(deterministic=True)


def _deserialize(d):
    dtype = d.pick("float32", "int64", "string", "uint8", "bool")
    shape = d.shape(least=1, most=2, low=1)
    count = d.int(0, 3)
    if d.op == "DeserializeSparse" and d.flag():
        rows = [_message(part) for part in sparse(d, shape, dtype)]
        return [strings(rows)], {"dtype": d.dtype(d.pick(dtype, dtype, dtype, "int32"))}
    rows = [[_message(part) for part in sparse(d, shape, dtype)] for _ in range(count)]
    flat = strings([text for row in rows for text in row], (count, 3))
    return [flat], {"dtype": d.dtype(dtype)}


_STRINGS = {"out_type": ["string"], "Tserialized": ["string"]}
_VALUES = ["float32", "float64", "int32", "int64", "uint8", "bool", "string", "complex64", "float16"]

table.add("SerializeSparse SerializeManySparse", _serialize, gradient=False, faults=False,
          types={**_STRINGS, "T": _VALUES})  # fmt: skip
table.add("DeserializeSparse DeserializeManySparse", _deserialize, faults=False,
          types={**_STRINGS, "dtype": ["float32"]})  # fmt: skip

# --- text and summaries -----------------------------------------------------------------------------------------------


def _format(d):
    values = [d.array(d.pick("float32", "int32", "string", "bool", "uint8", "float64"), d.shape(most=2), "finite")
              for _ in range(d.int(0, 2))]  # fmt: skip
    return [values], {"template": b", ".join([b"%s"] * len(values)) + b"!", "summarize": d.pick(-1, 1, 3)}


def _scalars(d):
    shape = d.shape(most=1)
    tags = np.array([b"tag%d" % i for i in range(int(np.prod(shape)))] + [b""], object)[:-1].reshape(shape)
    return [tags, d.array("T", shape, "finite")], {}


def _histogram(d):
    return [np.array(b"tag", object), d.array("T", d.shape(), "finite", low=-9, high=9)], {}


def _tensor_summary(d):
    # Its metadata are bytes of a SummaryMetadata: here those of a plugin named "p".
    return [np.array(b"tag", object), d.array("T", d.shape(most=2)), np.array(b"\x0a\x03\x0a\x01p", object)], {}


table.add("StringFormat", _format)
table.add("ScalarSummary", _scalars)
table.add("HistogramSummary", _histogram, faults=False)
table.add("TensorSummaryV2", _tensor_summary, types={"T": ["float32", "int64", "bool", "string"]})
