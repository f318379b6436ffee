"""Arrays as JSON, and length-prefixed JSON messages: how the tests and a peer's worker talk, and how goldens are kept.

Runs under the Python 3.7 of TensorFlow 1.15, too.
"""

import base64
import json
import struct

import numpy as np

_LENGTH = struct.Struct("<Q")


def encode(array):
    """An array as what JSON holds: {"dtype", "shape", "data"}; the dtype is TensorFlow's name."""
    array = np.asarray(array)
    if array.dtype.kind in "OSU":
        texts = [v if isinstance(v, bytes) else str(v).encode() for v in array.ravel().tolist()]
        return {"dtype": "string", "shape": list(array.shape), "data": [v.decode("latin-1") for v in texts]}
    name = array.dtype.names[0] if array.dtype.names else str(array.dtype)
    if array.dtype.names:
        array = np.ascontiguousarray(array).view(name.lstrip("q") if name[1] == "i" else name[1:])
    if name == "bfloat16":
        array = array.astype("float32")
    data = base64.b64encode(np.ascontiguousarray(array).tobytes()).decode()
    return {"dtype": name, "shape": list(array.shape), "data": data}


def decode(entry):
    """The array of `encode`: quantized types as plain integers, bfloat16 as float32."""
    name = entry["dtype"]
    if name == "string":
        values = [v.encode("latin-1") for v in entry["data"]]
        array = np.empty(len(values), object)
        array[:] = values
        return array.reshape(entry["shape"])
    plain = {"bfloat16": "float32"}.get(name, name[1:] if name.startswith("q") else name)
    return np.frombuffer(base64.b64decode(entry["data"]), plain).reshape(entry["shape"])


def write_message(stream, message):
    """Write a message, which is what JSON can hold."""
    text = json.dumps(message).encode()
    stream.write(_LENGTH.pack(len(text)) + text)
    stream.flush()


def read_message(stream):
    """The next message, or None at the end of the stream."""
    header = stream.read(_LENGTH.size)
    if len(header) < _LENGTH.size:
        return None
    (length,) = _LENGTH.unpack(header)
    text = stream.read(length)
    return json.loads(text.decode()) if len(text) == length else None
