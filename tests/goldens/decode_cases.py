"""Bytes, CSV, JSON, tensors and files decoded."""

import os
import tempfile
import zlib

import numpy as np
from op_recording import Cases

case = Cases()


def feed(t, values, *shape):
    return t.feed(np.array(values, object), shape[0] if shape else "static", t.tf.string)


# --- raw bytes

RAW_TYPES = ["float16", "float32", "float64", "int32", "uint16", "uint8", "int16", "int8", "int64", "complex64", "bool"]


@case.each(dtype=RAW_TYPES + ["complex128"])
def decode_raw(tf, t, dtype):
    data = np.arange(8).astype(dtype).tobytes()
    x = feed(t, [[data[: len(data) // 2], data[len(data) // 2 :]]])
    t.out(tf.decode_raw(x, tf.as_dtype(dtype)), tf.io.decode_raw(bytes=data, out_type=tf.as_dtype(dtype)))
    if dtype not in ("complex64", "complex128", "bool"):
        t.out(tf.decode_raw(x, tf.as_dtype(dtype), little_endian=False, name="big"))
    if dtype not in ("complex64", "complex128", "bool", "float16"):
        # TensorFlow 1.15 writes to wrong places if there are more strings.
        one = feed(t, [data])
        t.out(tf.raw_ops.DecodePaddedRaw(input_bytes=one, fixed_length=len(data), out_type=tf.as_dtype(dtype)))
        t.out(tf.raw_ops.DecodePaddedRaw(input_bytes=one, fixed_length=8, out_type=dtype, little_endian=False))


@case
def decode_raw_of_nothing(tf, t):
    t.out(
        tf.decode_raw(np.zeros([0, 2], "S"), tf.int32), tf.decode_raw(["", ""], tf.float32), tf.decode_raw("", tf.int8)
    )
    t.out(tf.decode_raw(feed(t, "ab", None), tf.uint8))


@case.each(texts=[["ab", "abc"], ["abc"]])
def decode_raw_of_wrong_lengths(tf, t, texts):
    t.out(tf.decode_raw(feed(t, texts), tf.int16))


@case.each(length=[0, -2, 3])
def decode_padded_raw_to_wrong_length(tf, t, length):
    t.out(tf.raw_ops.DecodePaddedRaw(input_bytes=["abc"], fixed_length=length, out_type=tf.int16))


@case
def decode_raw_of_wrong_type(tf, t):
    tf.decode_raw("abcd", tf.uint32)


@case
def decode_raw_without_type(tf, t):
    tf.decode_raw("abcd")


# --- compressed bytes


def gzipped(data):
    compressor = zlib.compressobj(9, zlib.DEFLATED, 31)
    return compressor.compress(data) + compressor.flush()


COMPRESSED = {"": b"plain", "ZLIB": zlib.compress(b"some data " * 30), "GZIP": gzipped(b"more data " * 30)}


@case.each(kind=sorted(COMPRESSED))
def decode_compressed(tf, t, kind):
    t.out(tf.io.decode_compressed(feed(t, [[COMPRESSED[kind]] * 2]), compression_type=kind))
    t.out(tf.decode_compressed(COMPRESSED[kind], kind))


@case.each(kind=["ZLIB", "GZIP"])
def decode_damaged(tf, t, kind):
    t.out(tf.decode_compressed(b"not compressed", kind))


@case
def decode_compressed_of_unknown_type(tf, t):
    t.out(tf.decode_compressed(b"x", "LZMA"))


# --- tensors


@case.each(dtype=["float32", "float64", "int32", "uint8", "int64", "bool", "float16", "complex64", "uint16", "int8"])
def serialize(tf, t, dtype):
    for shape in ([], [3], [2, 0], [2, 2]):
        x = tf.cast(t.feed(np.ones(shape, dtype)), tf.as_dtype(dtype))
        text = tf.io.serialize_tensor(x)
        t.out(text, tf.io.parse_tensor(text, tf.as_dtype(dtype)))


@case
def serialize_strings(tf, t):
    text = tf.serialize_tensor(feed(t, [["a", ""], ["b", "c"]]), name="s")
    t.out(text, tf.parse_tensor(text, tf.string, name="p"), tf.serialize_tensor("x"))


@case.each(text=[b"", b"\x08\x01", b"junk", b"\x08\x01\x12\x04\x12\x02\x08\x02\x22\x03abc", b"\x08\x63"])
def parse_malformed_tensor(tf, t, text):
    t.out(tf.parse_tensor(feed(t, text), tf.float32))


@case
def parse_tensor_of_other_type(tf, t):
    t.out(tf.parse_tensor(tf.serialize_tensor([1, 2]), tf.float32))


@case
def parse_tensors(tf, t):
    t.out(tf.parse_tensor(feed(t, ["", ""]), tf.float32))


# --- CSV


def columns(tf, types, values):
    return [tf.constant(value, tf.as_dtype(dtype)) for dtype, value in zip(types, values)]  # noqa: B905


TYPES = ["float32", "float64", "int32", "int64", "string"]


@case
def csv(tf, t):
    records = feed(t, ["1,2,3,4,five", ' 1.5 , -2e3,-3, 4 ,"a ""quoted"", field"', ",,,,", '"1","2","3","4",""'])
    t.out(*tf.decode_csv(records, columns(tf, TYPES, [[9.0], 8.0, [7], [6], [b"none"]])))
    t.out(*tf.io.decode_csv(feed(t, [["1|a"], ["2|b"]], None), [[0], ["x"]], field_delim="|", name="c"))
    t.out(*tf.decode_csv(feed(t, "1,NA,x"), [[0], [5.0], ["x"]], na_value="NA"))
    t.out(*tf.decode_csv(feed(t, ["1,2,3,4", "5,6,7,8"]), [[0], [0]], select_cols=[1, 3]))
    t.out(*tf.decode_csv(feed(t, np.zeros([0], object)), [[0], ["x"]]))


CSV = [
    "1,2",
    "1",
    "1,2,3",
    "",
    ",",
    "1,",
    ",2",
    '"1","2"',
    '"1,2',
    '1",2',
    '"1"x,2',
    '1,"2',
    '"a""b",1',
    "1\n,2",
    "\n1,2\n",
    "1,2\r\n",
    '"1\n",2',
    "x,2",
    "1,2 ",
    "1,\t2",
    '1,"2"',
    '1,"',
    '"",2',
    '""',
    '"',
    "1,2,",
    ",,",
    "1;2",
    "1,'2'",
    '"1",2"',
    '1,""',
    '"1""",2',
    '"1"",2"',
    " ,2",
    "99999999999,2",
    "1,1e400",
    "NA,2",
    '\n\n"1",2',
    "1,2\n3",
    '"1",\n2',
]


@case.each(record=CSV)
def one_record(tf, t, record):
    t.out(*tf.decode_csv(feed(t, [record]), [[7], ["-"]]))


@case.each(record=CSV)
def one_record_of_required_fields(tf, t, record):
    t.out(*tf.decode_csv(feed(t, [record]), columns(tf, ["string", "float32"], [[], []])))


@case.each(record=CSV)
def one_record_without_quotes(tf, t, record):
    t.out(*tf.decode_csv(feed(t, [record]), [["+"], ["-"]], use_quote_delim=False))


@case.each(record=CSV)
def one_column(tf, t, record):
    t.out(*tf.decode_csv(feed(t, [record]), [["-"]], select_cols=[1]))


WRONG_CSV = {
    "delimiter": {"field_delim": ";;"},
    "no_delimiter": {"field_delim": ""},
    "descending": {"select_cols": [1, 0]},
    "negative": {"select_cols": [-1, 0]},
    "few": {"select_cols": [1]},
    "repeated": {"select_cols": [1, 1]},
}


@case.each(which=sorted(WRONG_CSV))
def wrong_csv(tf, t, which):
    t.out(*tf.decode_csv(feed(t, ["1,2"]), [[0], [0]], **WRONG_CSV[which]))


@case.each(default=[[[1, 2]], [[[1]]], [[True]]])
def wrong_csv_default(tf, t, default):
    t.out(*tf.decode_csv(feed(t, ["1"]), default))


# --- JSON

EXAMPLES = [
    "{}",
    '{"features": {}}',
    '{"features": {"feature": {"a": {"int64List": {"value": [1, "2"]}}}}}',
    '{"features": {"feature": {"a": {"floatList": {"value": [1.5, "NaN", -2]}}}}}',
    '{"features": {"feature": {"a": {"bytesList": {"value": ["YWJj"]}}}}}',
    '{"features": {"feature": {"a": {"int64_list": {"value": [3]}}}}}',
]
NO_EXAMPLES = [
    "",
    "{",
    "[]",
    "null",
    '{"x": 1}',
    '{"features": 5}',
    '{"features": {"feature": {"a": {"int64List": {"value": ["x"]}}}}}',
    '{"features": {"feature": {"a": {"bytesList": {"value": ["***"]}}}}}',
    "{" * 200,
]


@case.each(text=EXAMPLES + NO_EXAMPLES)
def json_example(tf, t, text):
    # The same message has several encodings.
    features = {"a": tf.VarLenFeature(tf.int64 if "int64" in text else tf.float32 if "float" in text else tf.string)}
    parsed = tf.parse_example(tf.io.decode_json_example(feed(t, [text])), features)["a"]
    t.out(parsed.indices, parsed.values, parsed.dense_shape)


@case
def json_examples(tf, t):
    t.out(tf.decode_json_example(feed(t, [EXAMPLES[:2]] * 2), name="j"))


# --- files


def folder_of_files():
    folder = tempfile.mkdtemp()
    for name in ("a.txt", "b.txt", "c.dat"):
        with open(os.path.join(folder, name), "w") as out:
            out.write(name * 2)
    return folder


@case
def files(tf, t):
    t.one_by_one()
    folder = folder_of_files()
    path = os.path.join(folder, "new", "x")
    with tf.control_dependencies([tf.write_file(feed(t, path), b"\x00written")]):
        t.out(tf.constant(0))
    t.out(tf.read_file(feed(t, path)))
    t.out(tf.io.read_file(feed(t, os.path.join(folder, "a.txt")), name="r"))
    names = [
        tf.matching_files(feed(t, os.path.join(folder, "*.txt"))),
        tf.io.matching_files(feed(t, [os.path.join(folder, "[c-z]*"), os.path.join(folder, "a.*")]), name="m"),
        tf.matching_files(feed(t, os.path.join(folder, "none*"), None)),
    ]
    t.out(*[tf.strings.substr(each, len(folder), 99) for each in names])


@case.each(name=["missing", ["a"], ""])
def read_wrong_file(tf, t, name):
    t.out(tf.read_file(feed(t, name, None)))


@case
def read_folder(tf, t):
    t.out(tf.read_file(feed(t, tempfile.gettempdir())))


@case
def match_of_matrix(tf, t):
    tf.matching_files(tf.constant([["a"]]))


@case
def match_filenames_once(tf, t):
    folder = folder_of_files()
    names = tf.train.match_filenames_once(tf.constant("none*"))
    more = tf.train.match_filenames_once(feed(t, folder + "/*"), name="more")
    del more
    t.out(names)
    assert tf.local_variables()
    tf.get_default_graph().get_collection_ref(tf.GraphKeys.LOCAL_VARIABLES).pop()
