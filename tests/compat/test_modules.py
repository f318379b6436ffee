"""The table of legacy modules: every row leads somewhere, and the imports of real programs resolve."""

import importlib

import numpy as np
import pytest

import reflow
from reflow.compat import modules
from reflow.graph import nest

# Import lines as they stand in published 1.x programs, and an expression that must hold after each.
REAL_IMPORTS = [
    ("from tensorflow.python.framework import ops", "ops.Graph is tf.Graph and ops.GraphKeys is tf.GraphKeys"),
    ("from tensorflow.python.framework import dtypes", "dtypes.as_dtype('int8') is tf.int8"),
    ("from tensorflow.python.framework import tensor_shape", "tensor_shape.TensorShape is tf.TensorShape"),
    ("from tensorflow.python.framework import constant_op", "constant_op.constant is tf.constant"),
    ("from tensorflow.python.framework import errors_impl", "errors_impl.OutOfRangeError is tf.errors.OutOfRangeError"),
    ("from tensorflow.python.framework import random_seed", "random_seed.get_seed is tf.get_seed"),
    ("from tensorflow.python.framework.ops import get_default_graph", "get_default_graph is tf.get_default_graph"),
    ("from tensorflow.python.ops import array_ops", "array_ops.reshape is tf.reshape"),
    ("from tensorflow.python.ops import math_ops", "math_ops.matmul is tf.matmul"),
    ("from tensorflow.python.ops import lookup_ops", "lookup_ops.index_table_from_file(vocabulary_file='words.txt')"),
    ("from tensorflow.python.ops import lookup_ops", "lookup_ops.index_table_from_tensor(vocabulary_list=['a'])"),
    ("from tensorflow.python.ops.lookup_ops import HashTable, MutableHashTable", "HashTable and MutableHashTable"),
    ("from tensorflow.python.ops import init_ops", "isinstance(tf.zeros_initializer(), init_ops.Initializer)"),
    ("from tensorflow.python.ops.init_ops import VarianceScaling, Constant", "Constant is tf.constant_initializer"),
    ("from tensorflow.python.ops import control_flow_ops", "control_flow_ops.with_dependencies([], tf.constant(1))"
     ".op.type == 'Identity'"),
    ("from tensorflow.python.ops.control_flow_ops import CondContext, switch, merge", "switch(1, True)"),
    ("from tensorflow.python.ops import resource_variable_ops", "resource_variable_ops.ResourceVariable(1.0)"),
    ("from tensorflow.python.ops import variables", "isinstance(tf.Variable(1.0), variables.RefVariable)"),
    ("from tensorflow.python.ops.variables import PartitionedVariable, VariableV1", "VariableV1 is tf.Variable"),
    ("from tensorflow.python.ops import weights_broadcast_ops", "weights_broadcast_ops.broadcast_weights(1.0, [2.0])"
     ".shape == [1]"),
    ("from tensorflow.python.ops.metrics_impl import metric_variable", "metric_variable([], tf.float32, name='n')"),
    ("from tensorflow.python.ops import confusion_matrix", "confusion_matrix.remove_squeezable_dimensions([1], [1])"),
    ("from tensorflow.python.framework import tensor_shape", "tensor_shape.scalar() == [] and "
     "tensor_shape.vector(3) == [3] and tensor_shape.matrix(2, 3) == [2, 3] and tensor_shape.unknown_shape(1).ndims"),
    ("from tensorflow.python.framework import tensor_util", "tensor_util.MakeNdarray(tf.make_tensor_proto(3)) == 3"),
    ("from tensorflow.python.framework import tensor_util", "tensor_util.constant_value_as_shape(tf.stack([2, "
     "tf.placeholder(tf.int32, [])])).as_list() == [2, None]"),
    ("from tensorflow.python.ops import logging_ops", "logging_ops.print_v2 is tf.print"),
    ("from tensorflow.python.ops import nn_ops", "nn_ops.softmax is tf.nn.softmax"),
    ("from tensorflow.python.platform import gfile", "gfile.FastGFile is tf.gfile.FastGFile"),
    ("from tensorflow.python.platform import flags", "flags.FLAGS is tf.flags.FLAGS"),
    ("from tensorflow.python.platform import tf_logging as logging", "logging.info is tf.logging.info"),
    ("from tensorflow.python.platform import app", "app.run is tf.app.run"),
    ("from tensorflow.python.lib.io import file_io", "file_io.file_exists is tf.gfile.Exists and file_io.FileIO"),
    ("from tensorflow.python.util import nest", "nest.is_sequence([]) and nest.flatten is tf.nest.flatten"),
    ("from tensorflow.python.util import compat", "compat.as_bytes is tf.compat.as_bytes"),
    ("from tensorflow.python.util import tf_inspect", "tf_inspect.getargspec(lambda a: a).args == ['a']"),
    ("from tensorflow.python.util.tf_export import tf_export", "tf_export('x')(len) is len"),
    ("from tensorflow.python.framework import device", "device.canonical_name('/cpu:0') == '/device:CPU:0' and "
     "device.DeviceSpec is tf.DeviceSpec and device.merge_device('/gpu:1') and device.check_valid('') is None"),
    ("from tensorflow.python.framework import device", "device.is_device_spec(tf.DeviceSpec())"),
    ("from tensorflow.python.client import device_lib", "device_lib.list_local_devices()[0].device_type == 'CPU'"),
    ("from tensorflow.python.client import session", "session.Session is tf.Session"),
    ("from tensorflow.python.client import timeline", "timeline.Timeline"),
    ("from tensorflow.contrib.framework.python.ops import audio_ops", "audio_ops.decode_wav is tf.audio.decode_wav"),
    ("from tensorflow.contrib.framework.python.ops import audio_ops", "audio_ops.mfcc is tf.raw_ops.Mfcc"),
    ("from tensorflow.python.ops import gen_audio_ops", "gen_audio_ops.mfcc is tf.raw_ops.Mfcc"),
    ("from tensorflow.core.framework import graph_pb2", "graph_pb2.GraphDef is tf.GraphDef"),
    ("from tensorflow.core.framework import types_pb2", "types_pb2.DT_FLOAT == 1"),
    ("from tensorflow.core.framework import summary_pb2", "summary_pb2.Summary().value is not None"),
    ("from tensorflow.core.protobuf import config_pb2, saver_pb2", "config_pb2.ConfigProto is tf.ConfigProto"),
    ("from tensorflow.core.protobuf import meta_graph_pb2, saved_model_pb2", "saved_model_pb2.SavedModel()"),
    ("from tensorflow.core.util import event_pb2", "event_pb2.Event(step=3).step == 3"),
    ("from tensorflow.core.example import example_pb2, feature_pb2", "example_pb2.Example().features is not None"),
    ("import tensorflow.core.framework.node_def_pb2 as node_def_pb2", "node_def_pb2.NodeDef(name='x').name == 'x'"),
    ("from tensorflow.examples.tutorials.mnist import input_data", "input_data.read_data_sets"),
    ("from tensorflow.examples.tutorials.mnist import mnist", "mnist.IMAGE_PIXELS == 784"),
    ("import tensorflow.examples.tutorials.mnist.input_data as input_data", "input_data.DataSet"),
    ("from tensorflow.contrib.learn.python.learn.datasets.mnist import read_data_sets", "read_data_sets"),
    ("from tensorflow.contrib.framework import nest", "nest.map_structure is tf.nest.map_structure"),
    ("from tensorflow.python import pywrap_tensorflow", "pywrap_tensorflow"),
]


@pytest.mark.parametrize(("line", "expression"), REAL_IMPORTS, ids=[line for line, _ in REAL_IMPORTS])
def test_import_lines_of_real_programs(alias, line, expression):
    scope = {"tf": reflow}
    exec(line, scope)
    assert eval(expression, scope)


@pytest.mark.parametrize("path", sorted(modules.SOURCES))
def test_every_row_imports_and_lists_its_names(alias, path):
    module = importlib.import_module(f"tensorflow.{path}")
    assert dir(module)


def test_every_module_of_a_source_exists():
    rooms = {source.removeprefix("@") for sources in modules.SOURCES.values() for source in sources if source[0] == "@"}
    for room in rooms:
        importlib.import_module(room)


def test_listing_a_module_lists_names_and_modules(alias):
    from tensorflow.python import framework
    from tensorflow.python.framework import errors

    assert {"ops", "dtypes", "errors"} <= set(dir(framework))
    assert "NotFoundError" in dir(errors)
    scope = {}
    exec("from tensorflow.python.framework.errors import *", scope)
    assert scope["NotFoundError"] is reflow.errors.NotFoundError


def test_a_name_can_be_published_under_a_legacy_path(alias, monkeypatch):
    from reflow.graph.export import EXPORTS

    monkeypatch.setitem(EXPORTS, "python.ops.control_flow_ops.some_helper", len)
    from tensorflow.python.ops import control_flow_ops
    from tensorflow.python.ops.control_flow_ops import some_helper

    assert some_helper is control_flow_ops.some_helper is len


def test_generated_functions_have_snake_case_names(alias):
    from tensorflow.python.ops import gen_math_ops

    assert gen_math_ops.mat_mul is reflow.raw_ops.MatMul
    with pytest.raises(AttributeError, match="no_such_op"):
        gen_math_ops.no_such_op  # noqa: B018


def test_the_network_of_the_mechanics_101_tutorial(alias):
    tf = alias
    from tensorflow.examples.tutorials.mnist import mnist

    with tf.Graph().as_default(), tf.Session() as sess:
        tf.set_random_seed(1)
        images = tf.placeholder(tf.float32, [None, mnist.IMAGE_PIXELS])
        labels = tf.placeholder(tf.int32, [None])
        logits = mnist.inference(images, 64, 32)
        loss = mnist.loss(logits, labels)
        step = mnist.training(loss, 0.1)
        correct = mnist.evaluation(logits, labels)
        assert [v.op.name for v in tf.trainable_variables()][:2] == ["hidden1/weights", "hidden1/biases"]
        sess.run(tf.global_variables_initializer())
        rng = np.random.RandomState(0)
        feed = {images: rng.rand(6, mnist.IMAGE_PIXELS), labels: [1, 2, 3, 4, 5, 6]}
        before = sess.run(loss, feed)
        for _ in range(200):
            sess.run(step, feed)
        assert sess.run(loss, feed) < before / 2
        assert sess.run(correct, feed) > 3


def test_nest_is_one_module_under_all_its_names(alias):
    from tensorflow.python.data.util import nest as data_nest
    from tensorflow.python.util import nest as util_nest

    assert util_nest is data_nest is nest
