"""decode_proto and encode_proto, over a message type with fields of every type."""

import numpy as np
from google.protobuf import descriptor_pb2
from op_recording import Cases

case = Cases()

SCALARS = ["double", "float", "int64", "uint64", "int32", "fixed64", "fixed32", "bool", "string", "bytes", "uint32",
           "sfixed32", "sfixed64", "sint32", "sint64"]  # fmt: skip
TENSORS = ["float64", "float32", "int64", "uint64", "int32", "uint64", "uint32", "bool", "string", "string", "uint32",
           "int32", "int64", "int32", "int64"]  # fmt: skip
TYPES = dict(zip(SCALARS, TENSORS))  # noqa: B905 - the recorder is Python 3.7


def descriptor_set():
    """A type All: for each scalar type t the fields one_t, some_t and, packed, packed_t; an enum, itself, defaults."""
    field_type = descriptor_pb2.FieldDescriptorProto
    file = descriptor_pb2.FileDescriptorProto(name="all.proto", package="cases", syntax="proto2")
    kind = file.enum_type.add(name="Kind")
    kind.value.add(name="A", number=0)
    kind.value.add(name="B", number=5)
    message = file.message_type.add(name="All")

    def add(name, kind, label=1, **options):
        number = len(message.field) + 1
        return message.field.add(
            name=name, number=number, label=label, type=getattr(field_type, "TYPE_" + kind.upper()), **options
        )

    for scalar in SCALARS:
        add("one_" + scalar, scalar)
        add("some_" + scalar, scalar, 3)
        if scalar not in ("string", "bytes"):
            add("packed_" + scalar, scalar, 3).options.packed = True
    add("one_enum", "enum", type_name=".cases.Kind")
    add("one_message", "message", type_name=".cases.All")
    add("some_message", "message", 3, type_name=".cases.All")
    add("default_int32", "int32", default_value="42")
    add("default_string", "string", default_value="text")
    add("default_float", "float", default_value="1.5")
    add("default_bool", "bool", default_value="true")
    return descriptor_pb2.FileDescriptorSet(file=[file])


SOURCE = b"bytes://" + descriptor_set().SerializeToString()


def decode(tf, t, texts, fields, types, **options):
    t.values_only()
    options = dict({"descriptor_source": SOURCE}, **options)
    made = tf.io.decode_proto(texts, "cases.All", fields, [tf.as_dtype(d) for d in types], **options)
    t.out(made.sizes, *made.values)
    return made


def encode(tf, t, sizes, values, fields, **options):
    t.values_only()
    options = dict({"descriptor_source": SOURCE, "message_type": "cases.All"}, **options)
    return t.out(tf.io.encode_proto(sizes, values, fields, **options))


def numbers(scalar):
    """Values [2, 3] of a scalar type, the extremes among them."""
    dtype = TYPES[scalar]
    if dtype == "string":
        return np.array([[b"a", b"", b"\xc3\xa4"], [b"b", b"cc", b"ddd"]], object)
    if dtype == "bool":
        return np.array([[True, False, True], [False, True, True]])
    if "float" in dtype:
        return np.array([[0.5, -3e30, np.inf], [0.0, 1e-30, -1.0]], dtype)
    low, high = np.iinfo(dtype).min, np.iinfo(dtype).max
    return np.array([[low, high, 1], [0, high // 3, low // 3]], dtype)


@case.each(scalar=SCALARS)
def there_and_back(tf, t, scalar):
    fields = [kind + "_" + scalar for kind in ("one", "some", "packed")][: 2 if TYPES[scalar] == "string" else 3]
    values = t.feed(numbers(scalar), dtype=TYPES[scalar])
    sizes = np.array([[1, 3, 2], [0, 1, 0]], "int32")[:, : len(fields)]
    texts = encode(tf, t, sizes, [values[:, :1], values, values][: len(fields)], fields)
    decode(tf, t, texts, fields, [TYPES[scalar]] * len(fields))


@case.each(scalar=["int32", "uint32", "sint32", "fixed32", "sfixed32", "float"])
def wider_tensors(tf, t, scalar):
    wide = {"uint32": "uint64", "fixed32": "uint64", "float": "float64"}.get(scalar, "int64")
    values = t.feed(numbers(scalar).astype(wide), dtype=wide)
    texts = encode(tf, t, [[3], [3]], [values], ["some_" + scalar])
    decode(tf, t, texts, ["some_" + scalar], [wide])


@case
def defaults(tf, t):
    fields = ["default_int32", "default_string", "default_float", "default_bool", "some_int32", "one_message"]
    decode(tf, t, [[b""], [b""]], fields, ["int32", "string", "float32", "bool", "int32", "string"])


@case
def scalar_message(tf, t):
    decode(tf, t, t.feed(b"", [], "string"), ["one_int32"], ["int32"])


@case
def messages_inside(tf, t):
    inner = encode(tf, t, [[1], [1]], [[[5], [6]]], ["one_int32"])
    outer = encode(tf, t, [[1, 2]], [inner[None, :1], inner[None]], ["one_message", "some_message"])
    decode(tf, t, outer, ["some_message", "one_message"], ["string", "string"])


@case
def order_of_fields(tf, t):
    encode(tf, t, [[2, 1]], [t.feed(np.array([[1, 2]])), t.feed(np.array([[0.5]], "float32"))],
           ["some_int64", "one_float"])  # fmt: skip


@case
def one_of_many_counts(tf, t):
    texts = encode(tf, t, [[3]], [t.feed(np.array([[1, 2, 3]], "int32"))], ["one_int32"])
    decode(tf, t, texts, ["one_int32"], ["int32"])


@case
def packed_or_not(tf, t):
    """Values are read however they are written."""
    descriptor = {f.name: f.number for f in descriptor_set().file[0].message_type[0].field}
    packed, loose = descriptor["packed_int32"], descriptor["some_int32"]
    text = bytes(bytearray([packed << 3 & 127 | 128, packed >> 4, 7, loose << 3 & 127 | 2, 2, 8, 9]))
    if loose > 15:
        text = bytes(bytearray([packed << 3 & 127 | 128, packed >> 4, 7, loose << 3 & 127 | 130, loose >> 4, 2, 8, 9]))
    decode(tf, t, [text], ["packed_int32", "some_int32"], ["int32", "int32"])


@case
def other_wire_type(tf, t):
    decode(tf, t, [b"\x08\x01"], ["one_double"], ["float64"])


@case
def text_format(tf, t):
    decode(tf, t, [b'one_int32: 3 some_string: "a" some_string: "b"', b""], ["one_int32", "some_string"],
           ["int32", "string"], message_format="text")  # fmt: skip


@case.each(sanitize=[False, True])
def unknown_fields(tf, t, sanitize):
    inner = b"\xb8\x45\x01"
    texts = encode(tf, t, [[1]], [[[inner]]], ["one_message"])
    decode(tf, t, texts, ["one_message"], ["string"], sanitize=sanitize)


@case
def local_messages(tf, t):
    message = np.array([b"\x0a\x02\x08\x01\x12\x02\x08\x02"])
    made = tf.io.decode_proto(t.feed(message, dtype="string"), "tensorflow.TensorShapeProto",
                              ["dim", "unknown_rank"], [tf.string, tf.bool])  # fmt: skip
    t.out(made.sizes, *made.values)
    t.out(tf.io.encode_proto(made.sizes, made.values, ["dim", "unknown_rank"], "tensorflow.TensorShapeProto"))
    example = tf.io.decode_proto([b"\x0a\x00"], "tensorflow.Example", ["features"], [tf.string])
    t.out(example.sizes, example.values[0])


DECODE_FAILURES = {
    "no messages": (np.zeros([0], object), ["one_int32"], ["int32"], {}),
    "no field starts": ([b"\xff"], ["one_int32"], ["int32"], {}),
    "cut off": ([b"\x0a\x09a"], ["one_double"], ["float64"], {}),
    "cut off, not asked for": ([b"\xb8\x45\x80"], ["one_int32"], ["int32"], {}),
    "unknown field": ([b""], ["none"], ["int32"], {}),
    "type": ([b""], ["one_int32"], ["float32"], {}),
    "number of types": ([b""], ["one_int32"], ["int32", "int32"], {}),
    "format": ([b""], ["one_int32"], ["int32"], {"message_format": "json"}),
    "text": ([b"one_int32: x"], ["one_int32"], ["int32"], {"message_format": "text"}),
    "binary": ([b"\xff"], ["one_int32"], ["int32"], {"sanitize": True}),
    "no file": ([b""], ["one_int32"], ["int32"], {"descriptor_source": "/none"}),
    "no descriptors": ([b""], ["one_int32"], ["int32"], {"descriptor_source": "bytes://xxx"}),
    "not known here": ([b""], ["one_int32"], ["int32"], {"descriptor_source": "local://"}),
}


@case.each(what=sorted(DECODE_FAILURES))
def decode_failures(tf, t, what):
    texts, fields, types, options = DECODE_FAILURES[what]
    decode(tf, t, tf.constant(texts, tf.string), fields, types, **options)


ENCODE_FAILURES = {
    "too many": ([[3]], [[[1, 2]]], ["some_int32"], {}),
    "sizes": ([[1, 1]], [[[1, 2]]], ["some_int32"], {}),
    "batch": ([[1]], [[[1, 2], [3, 4]]], ["some_int32"], {}),
    "batches": ([[1, 1]], [[[1, 2]], [[1, 2], [3, 4]]], ["some_int32", "one_int32"], {}),
    "rank": ([[1]], [[1, 2]], ["some_int32"], {}),
    "type": ([[1]], [[[1.0]]], ["some_int32"], {}),
    "number of fields": ([[1, 1]], [[[1]]], ["some_int32", "one_int32"], {}),
    "unknown field": ([[1]], [[[1]]], ["none"], {}),
    "unknown message": ([[1]], [[[1]]], ["some_int32"], {"message_type": "cases.None"}),
}


@case.each(what=sorted(ENCODE_FAILURES))
def encode_failures(tf, t, what):
    sizes, values, fields, options = ENCODE_FAILURES[what]
    encode(tf, t, sizes, values, fields, **options)


@case.each(known=["both", "sizes", "values", "none"])
def static_shapes(tf, t, known):
    sizes = t.feed(np.array([[1, 1]], "int32"), "static" if known in ("both", "sizes") else None)
    values = [t.feed(np.array([[1]], "int32"), shape if known in ("both", "values") else None)
              for shape in ([1, None], [None, 1])]  # fmt: skip
    encode(tf, t, sizes, values, ["one_int32", "some_int32"])
    decode(tf, t, t.feed(np.array([[b""]], object), [None, 1] if known == "both" else None, "string"), ["one_int32"],
           ["int32"])  # fmt: skip
