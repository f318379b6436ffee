"""Record how TensorFlow 1.15 turns values into TensorProtos and strings into DeviceSpecs, and its errors of attributes.

Run by the Python of TensorFlow 1.15.5; writes graph_values.json beside itself: for each expression its result (the
hexadecimal bytes of a proto, or a repr), or the class and message of the exception it raised.
"""

import json
import os
import sys

import numpy as np
import tensorflow as tf
from google.protobuf import text_format
from tensorflow.python.framework import device

PROTOS = """
make(3000000000)
make([3000000000, 1])
make(2**31 - 1)
make(2**31)
make(-2**31)
make(-2**31 - 1)
make(2**63)
make([2**63, 1])
make([2**63, -1])
make(2**64)
make(2**70)
make(10**400)
make(0)
make(1.5)
make(-0.0)
make(float('nan'))
make(float('inf'))
make(1e300)
make(True)
make(1j)
make(None)
make('')
make('a\\0')
make(b'a\\0')
make(u'\\u00e9')
make([1, 2.5])
make([1.5, 2.5])
make((1, 2))
make([(1, 2), (3, 4)])
make([True, False])
make([True, 1])
make([True, 1.5])
make([1j, 2])
make([])
make([[]])
make([[], []])
make([[], [1]])
make([[1, 2], [3]])
make([1, [2]])
make([[1], 2])
make([[[1], [2]], [[3], [4, 5]]])
make([1, 'a'])
make(['a', 1])
make([None, 1])
make(['a', None])
make(['a\\0', 'b'])
make(['a', b'bc'])
make([['a'], ['bc']])
make([['a'], ['bc', 'd']])
make([['a'], 'b'])
make(['a', ['b']])
make({1: 2})
make({1})
make(iter([1]).__class__)
make(range(3))
make([tf.Dimension(3), 4])
make(tf.TensorShape([1, 2]))
make(decimal('1.5'))
make(300, tf.int8)
make(-1, tf.uint8)
make([-1], tf.uint8)
make(-1, tf.uint32)
make(-1, tf.uint64)
make(2**40, tf.int32)
make([2**40], tf.int32)
make(2**40, tf.int64)
make(2**63, tf.uint64)
make(1.5, tf.int32)
make(1, tf.float32)
make(1, tf.float64)
make(1.5, tf.float64)
make([1, 2], tf.float64)
make(1e300, tf.float32)
make([1e300], tf.float32)
make(1.5, tf.half)
make([1.5, 2.5], tf.half)
make(1.5, tf.bfloat16)
make([1.5, 2], tf.bfloat16)
make([1, 2], tf.uint16)
make([1, 2], tf.uint32)
make(5, tf.uint64)
make([1, 2], tf.int8)
make(1, tf.complex64)
make(1, tf.complex128)
make([1 + 2j], tf.complex64)
make([1.0, 2], tf.complex64)
make(True, tf.int32)
make(True, tf.float32)
make(True, tf.bool)
make([True, False], tf.int32)
make(1, tf.bool)
make(1.5, tf.bool)
make([1, 0], tf.bool)
make(['a'], tf.bool)
make([np.bool_(True)])
make(np.bool_(True))
make('abc', tf.float32)
make('abc', tf.int32)
make('x', tf.string)
make('', tf.string)
make(1, tf.string)
make(['a', 1.5], tf.string)
make([1.5], tf.string)
make([b'\\xff'], tf.string)
make([], tf.int32)
make([], tf.string)
make([[], []], tf.string)
make([1, 'a'], tf.int32)
make([1, 2.5], tf.int32)
make([[1.5]], tf.int32)
make([['a']], tf.int32)
make([[None]], tf.int32)
make([None], tf.float32)
make(1j, tf.float32)
make([1j], tf.int32)
make(np.nan, tf.int32)
make([(1., 2), (3, 4.)], tf.float32)
make((1, 2), tf.float32)
make(tf.Dimension(3), tf.int32)
make([tf.Dimension(3), 4], tf.int64)
make(tf.TensorShape([1, 2]), tf.int32)
make(range(3), tf.int32)
make(decimal('1.5'), tf.float32)
make(fraction(1, 2), tf.float32)
make(1, tf.qint8)
make((1,), tf.qint8)
make((7,), tf.quint8)
make((7,), tf.qint32)
make([(1,), (2,)], tf.qint8)
make([(1,), (2,)], tf.qint16)
make([(1,), (2,)], tf.quint16)
make([[(1,), (2,)], [(3,), (4,)]], tf.qint32)
make([1], tf.qint8)
make((1.5,), tf.qint8)
make(1, tf.resource)
make(1, tf.variant)
make(3, 'int32')
make(3, np.float64)
make(3, 3)
make(3, 'foo')
make(1, tf.float32._as_ref)
make(np.float64(1.5))
make(np.int64(3))
make(np.uint8(3))
make(np.float16(1.))
make([np.int64(3)])
make([np.float64(1.5)])
make([np.float32(1), 2])
make([np.int32(5)], tf.float32)
make(np.int32(5), tf.float32)
make(np.float64(300.7), tf.int8)
make(np.array([1, 2]))
make(np.array(1.5))
make(np.array([1 + 2j]))
make(np.array([True, False]))
make(np.zeros(3, np.complex64))
make(np.zeros([2, 0]))
make(np.arange(6).reshape(2, 3).T)
make(np.array(['a\\0', 'b']))
make(np.array([b'ab', b'c']))
make(np.array(['a', b'b'], dtype=object))
make(np.array('abc'))
make(np.array('abc', dtype=object))
make(np.array([1, 'a'], dtype=object))
make(np.array([None], dtype=object))
make(np.str_('a'))
make(np.array([1.5, 2.5], tf.bfloat16.as_numpy_dtype))
make(np.array([1.5]), tf.int32)
make(np.array([1.5]), tf.bool)
make(np.array([2**40]), tf.int32)
make(np.array(np.nan), tf.int32)
make(np.zeros(3, bool), tf.float32)
make(np.array([1, 2]), tf.qint8)
make(np.array(['ab', 'c']), tf.string)
make(np.array([1, 2], 'f4'), tf.string)
make(np.array([0, 1, 2]), tf.resource)
make(np.ma.array([1, 2]))
make(np.datetime64('2001-01-01'))
make(np.longdouble(1))
make([np.array(1), np.array(2)])
make([np.array([1, 2]), np.array([3, 4])])
make([np.array([1, 2]), np.array([3, 4])], tf.float32)
make(memoryview(b'ab'))
make(bytearray(b'ab'))
make(5, shape=[])
make(5, shape=[1])
make(5, shape=[2, 3])
make([5], shape=[2, 3])
make([5, 6], shape=[2, 3])
make([5, 6], shape=[2, 1])
make([5, 6], shape=[1])
make([1, 2], shape=[-1, 2])
make(5, shape=3)
make(5, shape=[0])
make(5, tf.int32, [0])
make(5, tf.uint8, [2])
make(1., shape=tf.TensorShape([2]))
make([1, 2], tf.float32, [3])
make(True, shape=[3])
make('a', shape=[2])
make(['a', 'b', 'c'], shape=[2])
make([['a', 'b'], ['c', 'd']], shape=[4])
make(np.array([1, 2]), shape=[3])
make([], tf.float32, [3])
make(5, shape=[2], verify_shape=True)
make([5, 6], shape=[2], verify_shape=True)
make([5, 6], shape=[3], allow_broadcast=True)
make([5], shape=[3], allow_broadcast=True)
make([1, 2], verify_shape=True, allow_broadcast=True)
"""

# Exceptions whose wording is NumPy's or Python's own, or names a module: only the class counts.
PROTOS_OF_CLASS = """
make(2**70, tf.int64)
make(10**400, tf.float32)
make(2**63, tf.int32)
make([[1, 2], [3]], tf.int32)
make({1: 2}, tf.float32)
make(object(), tf.float32)
make(object())
make(tf.int32)
make(tf.Dimension(3))
make([1, np.array([3., 4.])])
make(np.array(['a']), tf.float32)
make([1, 2], shape=[None])
make(np.array([1 + 2j]), tf.float32)
"""

DEVICES = [
    "/cpu:0", "/gpu:1", "/job:ps/task:0", "/job:worker/replica:0/task:0/device:GPU:1", "/device:GPU:*", "", "cpu",
    "/GPU", "gpu:2", "/foo:1", "/cpu:0/gpu:1", "/device:GPU", "/job:a:b", "/device:tpu_system:0", "/gpu:x", "/task:x",
    "/replica:-1", "/job:w//task:1", "/CPU:0/job:w", "/device:cpu:0", "/device:TPU:3", "/Gpu:1", "job:x", None,
    "/cpu:*", "/xla_cpu:0", "/device:XLA_CPU:0", "/job", "/job:", "/cpu:", "/device:gpu:0", "/task:*",
    "/device:CPU:0/device:CPU:1", "/job:a/job:b",
]  # fmt: skip

MERGES = [
    ("/job:w", "/gpu:0"), ("/gpu:1", "/cpu:0"), ("/cpu:0", "/job:w/gpu:*"), ("/cpu:0", ""), ("/cpu:0", "/device:GPU:*"),
    ("/job:ps/task:1", "/task:0"), ("", "/cpu:0"), ("/job:a/replica:1/task:2/gpu:3", "/job:b"),
]  # fmt: skip

SPECS = """
DeviceSpec(job='a', device_type='cpu').to_string()
DeviceSpec(device_index=1).to_string()
DeviceSpec(device_type='GPU').to_string()
DeviceSpec(job=3, replica='2', task=1.7).to_string()
DeviceSpec(job='q').replace(task=1).to_string()
DeviceSpec(job='q').replace(foo=1)
DeviceSpec(job='q', task=3).make_merged_spec(DeviceSpec(task=1)).to_string()
DeviceSpec(job='z') == DeviceSpec(job='z'), DeviceSpec(job='z') == '/job:z', DeviceSpec(job='z') != DeviceSpec()
DeviceSpec(task='x')
canonical_name(None)
canonical_name('/gpu:0')
canonical_name(DeviceSpec(job='q'))
"""

# A node whose attribute holds a value of the wrong type: op, attribute, its type, and the value as text.
ATTR_TYPES = [
    ("Placeholder", "dtype", "type", "i: 1"), ("Placeholder", "dtype", "type", "type: DT_INVALID"),
    ("Placeholder", "dtype", "type", "type: 99"), ("Placeholder", "dtype", "type", "type: DT_FLOAT_REF"),
    ("Placeholder", "dtype", "type", "type: DT_HALF_REF"), ("Placeholder", "dtype", "type", "list { type: DT_FLOAT }"),
    ("Placeholder", "shape", "shape", "b: true"), ("Const", "value", "tensor", "i: 1"),
    ("MaxPool", "ksize", "list(int)", "list { f: 2.5 }"), ("MaxPool", "ksize", "list(int)", "i: 3"),
    ("MaxPool", "padding", "string", "func { name: 'f' }"), ("FIFOQueue", "capacity", "int", "f: 3"),
    ("FIFOQueue", "component_types", "list(type)", "list { type: DT_INVALID }"),
]  # fmt: skip

# A node that breaks a constraint of its op definition: a name for the case, op, attribute, and the value as text.
CONSTRAINTS = [
    ("type in floating", "Sqrt", "T", "type: DT_INT32"), ("string in list", "MaxPool", "padding", "s: 'FOO'"),
    ("length of a list", "MaxPool", "ksize", "list { i: [1, 2] }"), ("least int", "Unpack", "num", "i: -1"),
]  # fmt: skip

# Valid values of the other attributes of those nodes.
OTHER_ATTRS = {
    "Placeholder": {"dtype": "type: DT_FLOAT", "shape": "shape { }"}, "Const": {"dtype": "type: DT_FLOAT"},
    "MaxPool": {"T": "type: DT_FLOAT", "ksize": "list { i: [1, 1, 1, 1] }", "strides": "list { i: [1, 1, 1, 1] }",
                "padding": "s: 'SAME'"},
    "FIFOQueue": {"component_types": "list { type: DT_FLOAT }"}, "Sqrt": {}, "Unpack": {"T": "type: DT_FLOAT"},
}  # fmt: skip


def namespace():
    import decimal
    import fractions

    return {
        "make": tf.make_tensor_proto, "tf": tf, "np": np, "decimal": decimal.Decimal, "fraction": fractions.Fraction,
        "DeviceSpec": tf.DeviceSpec, "canonical_name": device.canonical_name,
    }  # fmt: skip


def record(compute, with_message=True):
    try:
        return {"value": compute()}
    except Exception as error:
        result = {"error": type(error).__name__}
        if with_message:
            result["message"] = str(error)
        return result


def proto_of(expression, names):
    return eval(expression, names).SerializeToString().hex()


def components(text):
    spec = tf.DeviceSpec.from_string(text)
    return [spec.to_string(), spec.job, spec.replica, spec.task, spec.device_type, spec.device_index]


def merged(outer, inner):
    with tf.Graph().as_default(), tf.device(outer), tf.device(inner):
        return tf.no_op().device


def import_error(op, attr, text):
    """The first lines of what importing a node with this attribute raises: the rest prints the op definition."""
    graph_def = tf.compat.v1.GraphDef()
    graph_def.versions.producer = 134
    graph_def.node.add(name="x", op="Placeholder").attr["dtype"].type = 1
    node = graph_def.node.add(name="n", op=op)
    if op not in ("Placeholder", "Const", "FIFOQueue"):
        node.input.append("x")
    for key, value in dict(OTHER_ATTRS[op], **{attr: text}).items():
        text_format.Parse(value, node.attr[key])
    with tf.Graph().as_default():
        try:
            tf.import_graph_def(graph_def, name="")
        except ValueError as error:
            return str(error).split("\n\t; NodeDef")[0]
    raise AssertionError("%s accepted %s: %s" % (op, attr, text))


def main():
    names = namespace()
    goldens = {
        "protos": [[e, record(lambda e=e: proto_of(e, names))] for e in PROTOS.strip().split("\n")]
        + [[e, record(lambda e=e: proto_of(e, names), False)] for e in PROTOS_OF_CLASS.strip().split("\n")],
        "devices": [[text, record(lambda text=text: components(text))] for text in DEVICES],
        "merges": [[outer, inner, merged(outer, inner)] for outer, inner in MERGES],
        "attr_types": [
            [kind, text, import_error(op, attr, text).replace("attr '%s'" % attr, "attr 'a'")]
            for op, attr, kind, text in ATTR_TYPES
        ],
        "constraints": [[case, import_error(op, attr, text)] for case, op, attr, text in CONSTRAINTS],
        "specs": [[e, record(lambda e=e: repr(eval(e, names)))] for e in SPECS.strip().split("\n")],
    }
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "graph_values.json")
    with open(path, "w") as file:
        json.dump(goldens, file, indent=0)
        file.write("\n")
    sys.stdout.write("%s: %d results\n" % (path, sum(len(group) for group in goldens.values())))


if __name__ == "__main__":
    main()
