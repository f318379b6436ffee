"""The tensors and records in the files that make_files.py writes, for it and for the tests that read them."""

import numpy as np

# The types that both checkpoint formats hold, and those that only V2 holds.
TYPES = [
    "float32", "float64", "float16", "int64", "int32", "int16", "int8", "uint16", "uint8", "complex64", "complex128",
    "bool",
]  # fmt: skip
V2_TYPES = ["uint32", "uint64"]
QUANTIZED = ["qint8", "quint8", "qint32"]
V2_QUANTIZED = ["qint16", "quint16"]

# The parts of the tensor "partitioned": its shape and slice in the text form of the saver's ops.
PARTITIONED_SHAPE = (6, 4)
PARTS = ["6 4 0,2:-", "6 4 2,1:-", "6 4 3,3:0,1", "6 4 3,3:1,3"]
PART_BOXES = [np.s_[:2], np.s_[2:3], np.s_[3:, :1], np.s_[3:, 1:]]

RECORDS = [b"", b"a", b"\x00\xff" * 700, bytes(bytearray(range(256)))]
# Finished by `tf.train.Example` of these features.
EXAMPLE = {"image": [b"\x89PNG"], "weights": [0.5, -1.25], "label": [3, -4]}


def tensors(types):
    """Name to array of each of the types, and of tensors with unusual shapes and strings."""
    named = {"type/" + name: numbers(name) for name in types}
    named["scalar"] = np.array(-7, np.int32)
    named["empty"] = np.zeros((0, 3), np.float32)
    named["strings"] = np.array([[b"", b"text"], [b"x" * 200, b"\x00\xff"]], object)
    named["string_scalar"] = np.array(b"one", object)
    named["no_strings"] = np.zeros((0,), object)
    return named


def numbers(type_name):
    """Six numbers that use the whole range of a type, and its fractions and signs."""
    values = np.array([[0, 1, 2], [3, 100, 120]])
    if type_name == "bool":
        return values % 2 == 1
    if type_name.startswith("complex"):
        return (values - 1j * values / 8).astype(type_name)
    if type_name.startswith("float"):
        return (values / 8 * np.array([1, -1, 1])).astype(type_name)
    values = values.astype(type_name)
    values[0, :2] = np.iinfo(values.dtype).min, np.iinfo(values.dtype).max
    return values


def partitioned():
    """The full value of the tensor "partitioned"."""
    return np.arange(24, dtype=np.float32).reshape(PARTITIONED_SHAPE) / 16


def snappy_text():
    """A text with long repetitions, short ones, and long literals."""
    noise = bytes(bytearray((i * i * 7919 >> 5) & 255 for i in range(5000)))
    return b"a" * 300 + b"abcdefgh" * 50 + noise + noise[:2000] + noise[100:140]
