"""Savers whose nodes and SaverDefs, and whose files, are recorded from TensorFlow 1.15.5 and compared with Reflow's.

Each case of `graphs` takes a TensorFlow and makes a Saver in the default graph; each of `files` makes variables and a
Saver, whose checkpoint is written. Python 3.7 and 3.11 run them.
"""

import base64
import os
import re

import numpy as np

graphs = {}
files = {}


def _graph(function):
    graphs[function.__name__] = function
    return function


def _files(function):
    files[function.__name__] = function
    return function


def _pair(tf, resource=False):
    """A matrix, a vector of no static shape in a scope, and an integer."""
    tf.get_variable("w", [3, 2], use_resource=resource)
    with tf.variable_scope("layer"):
        initial = tf.placeholder_with_default(tf.zeros([4]), None)
        tf.Variable(initial, validate_shape=False, name="b", use_resource=resource)
    tf.Variable(7, name="step", trainable=False, use_resource=resource)


def _spread(tf, resource=False):
    for i, device in enumerate(["/cpu:1", "/cpu:0", "/job:ps/task:1", "/cpu:0", ""]):
        with tf.device(device):
            tf.get_variable("v%d" % i, [2], use_resource=resource)


def _parts(tf, resource=False):
    return tf.get_variable("whole", [5, 3], partitioner=tf.fixed_size_partitioner(2), use_resource=resource)


@_graph
def reference(tf):
    _pair(tf)
    return tf.train.Saver()


@_graph
def resource(tf):
    _pair(tf, True)
    return tf.train.Saver()


@_graph
def on_devices(tf):
    _spread(tf)
    return tf.train.Saver()


@_graph
def resource_on_devices(tf):
    _spread(tf, True)
    return tf.train.Saver()


@_graph
def name_map(tf):
    _pair(tf)
    w, b, _ = tf.global_variables()
    return tf.train.Saver({"z": w, "a/b": b})


@_graph
def map_of_both_kinds(tf):
    v = tf.get_variable("v", [2])
    w = tf.get_variable("w", [2], use_resource=True)
    return tf.train.Saver({"new_v": v, "new_w": w})


@_graph
def listed_in_another_order(tf):
    _pair(tf)
    return tf.train.Saver(list(reversed(tf.global_variables())))


@_graph
def version_1(tf):
    _pair(tf)
    return tf.train.Saver(write_version=tf.train.SaverDef.V1)


@_graph
def version_1_parts(tf):
    _parts(tf)
    return tf.train.Saver(write_version=tf.train.SaverDef.V1)


@_graph
def reshape(tf):
    _pair(tf)
    return tf.train.Saver(reshape=True)


@_graph
def reshape_resource(tf):
    _pair(tf, True)
    return tf.train.Saver(reshape=True)


@_graph
def sequentially(tf):
    _pair(tf)
    return tf.train.Saver(restore_sequentially=True)


@_graph
def sharded(tf):
    _spread(tf)
    return tf.train.Saver(sharded=True)


@_graph
def sharded_resource(tf):
    _spread(tf, True)
    return tf.train.Saver(sharded=True)


@_graph
def sharded_on_no_device(tf):
    _pair(tf)
    return tf.train.Saver(sharded=True)


@_graph
def sharded_version_1(tf):
    _spread(tf)
    return tf.train.Saver(sharded=True, write_version=tf.train.SaverDef.V1)


@_graph
def sharded_and_reshape(tf):
    _spread(tf)
    return tf.train.Saver(sharded=True, reshape=True)


@_graph
def partitioned(tf):
    _parts(tf)
    return tf.train.Saver()


@_graph
def partitioned_resource(tf):
    _parts(tf, True)
    return tf.train.Saver()


@_graph
def partitioned_given_whole(tf):
    return tf.train.Saver([_parts(tf)])


@_graph
def partitioned_under_a_name(tf):
    return tf.train.Saver({"other": _parts(tf)})


@_graph
def partitioned_in_a_collection(tf):
    tf.add_to_collection("layers", _parts(tf))
    return tf.train.Saver()


@_graph
def options(tf):
    _pair(tf)
    return tf.train.Saver(max_to_keep=None, keep_checkpoint_every_n_hours=0.5, name="keeper", filename="here")


@_graph
def in_a_scope(tf):
    _pair(tf)
    with tf.name_scope("outer"):
        tf.train.Saver()
        return tf.train.Saver()


@_graph
def in_a_device_scope(tf):
    _pair(tf)
    with tf.device("/job:worker"):
        return tf.train.Saver()


@_graph
def empty(tf):
    return tf.train.Saver(allow_empty=True)


@_graph
def no_variables(tf):
    return tf.train.Saver()


@_graph
def variable_and_deferred(tf):
    _pair(tf)
    return tf.train.Saver(tf.global_variables(), defer_build=True)


@_graph
def not_a_list(tf):
    _pair(tf)
    return tf.train.Saver(tf.global_variables()[0])


@_graph
def not_a_variable(tf):
    return tf.train.Saver([tf.constant(1.0, name="c")])


@_graph
def not_a_variable_in_a_map(tf):
    return tf.train.Saver({"c": tf.constant(1.0, name="c")})


@_graph
def name_is_no_string(tf):
    _pair(tf)
    return tf.train.Saver({1: tf.global_variables()[0]})


@_graph
def twice_in_a_list(tf):
    _pair(tf)
    return tf.train.Saver(tf.global_variables()[:1] * 2)


@_graph
def under_two_names(tf):
    _pair(tf)
    return tf.train.Saver({"a": tf.global_variables()[0], "b": tf.global_variables()[0]})


@_graph
def saver_def_without_names(tf):
    return tf.train.Saver(saver_def=tf.train.SaverDef())


@_graph
def saver_def_of_wrong_type(tf):
    return tf.train.Saver(saver_def="nonsense")


@_files
def plain(tf):
    tf.get_variable("w", initializer=np.arange(6, dtype=np.float32).reshape(2, 3) / 3)
    tf.get_variable("layer/b", initializer=np.array([1e-300, -2.5]), use_resource=True)
    tf.Variable(np.int64(-3), name="step")
    tf.Variable([True, False], name="flags")
    tf.Variable([b"text", b"\x00\xff" * 70, b""], name="strings")
    tf.Variable(np.array([1 + 2j], np.complex64), name="complex")
    tf.Variable(np.zeros((0, 3), np.float32), name="nothing")
    tf.Variable(np.array([0.5, 65504], np.float16), name="half")
    return tf.train.Saver()


@_files
def on_three_devices(tf):
    for i, device in enumerate(["/cpu:0", "/cpu:1", ""]):
        with tf.device(device):
            tf.get_variable("v%d" % i, initializer=np.full([300 * (i + 1)], i + 0.5, np.float32))
    return tf.train.Saver(sharded=True)


@_files
def parts(tf):
    value = np.arange(15, dtype=np.float32).reshape(5, 3)

    def part_of_value(shape, dtype=None, partition_info=None):
        first = partition_info.var_offset
        return tf.constant(value[first[0] : first[0] + shape[0], first[1] : first[1] + shape[1]])

    tf.get_variable("rows", [5, 3], initializer=part_of_value, partitioner=tf.fixed_size_partitioner(2))
    tf.get_variable("columns", [5, 3], initializer=part_of_value, partitioner=tf.fixed_size_partitioner(3, axis=1))
    return tf.train.Saver()


@_files
def renamed_version_1(tf):
    w = tf.get_variable("w", initializer=np.arange(6, dtype=np.float32).reshape(2, 3))
    step = tf.Variable(np.int32(9), name="step")
    return tf.train.Saver({"weights": w, "at/step": step}, write_version=tf.train.SaverDef.V1)


def graph_outcome(tf, case):
    """What a case of `graphs` makes: lines of its nodes and the SaverDef's fields, or the error."""
    with tf.Graph().as_default() as graph:
        try:
            saver = graphs[case](tf)
        except Exception as error:
            return {"error": type(error).__name__, "message": str(error).split("\n")[0]}
        fields = () if saver.saver_def is None else saver.saver_def.ListFields()
        saver_def = {field.name: value for field, value in fields}
        return {"nodes": [_line(node) for node in graph.as_graph_def().node], "saver_def": saver_def}


def _line(node):
    attrs = []
    for key, value in sorted(node.attr.items()):
        if key == "value":
            value = value.tensor.string_val or ""
        attrs.append("%s=%s" % (key, " ".join(str(value).split())))
    inputs = ", ".join(sorted(node.input) if node.input and node.input[0][0] == "^" else node.input)
    line = "%s = %s(%s) {%s} %s" % (node.name, node.op, inputs, ", ".join(attrs), node.device)
    # The folder of a sharded save has a random name.
    return re.sub("_temp_[0-9a-f]{32}/", "_temp_RANDOM/", line)


def file_outcome(tf, case, folder):
    """The files that the saver of a case writes: name to content, but for the graph."""
    config = tf.ConfigProto(device_count={"CPU": 2})
    with tf.Graph().as_default(), tf.Session(config=config) as session:
        saver = files[case](tf)
        session.run(tf.global_variables_initializer())
        saver.save(session, os.path.join(folder, "model"), write_meta_graph=False, write_state=False)
    found = {}
    for name in sorted(os.listdir(folder)):
        with open(os.path.join(folder, name), "rb") as file:
            found[name] = base64.b64encode(file.read()).decode()
    return found
