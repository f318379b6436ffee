"""The public namespace: exported names stand where their dotted names say, and nothing is exported twice."""

import importlib
import sys

import pytest

import reflow as tf
from reflow.graph.export import EXPORTS, export, export_value, export_values
from reflow.namespace import Namespace


def _resolve(dotted):
    value = tf
    for part in dotted.split("."):
        value = getattr(value, part)
    return value


def test_every_exported_name_resolves():
    for dotted, value in EXPORTS.items():
        if not dotted.startswith(("contrib.", "python.")):  # Legacy paths resolve once `install` has been called.
            assert _resolve(dotted) is value, dotted


def test_the_whole_namespace_again_under_compat():
    assert tf.compat.v1.nn.relu is tf.nn.relu
    assert tf.compat.v1.Session is tf.Session
    assert tf.compat.v1.train.Saver is tf.train.Saver
    assert not hasattr(tf.compat.v1, "engine")


def test_public_modules_can_be_imported_and_listed():
    assert importlib.import_module("reflow.nn") is tf.nn
    assert isinstance(tf.nn, Namespace)
    assert "relu" in tf.nn.__all__ and "relu" in dir(tf.nn)
    assert "Public names" in tf.nn.__doc__
    assert repr(tf.nn) == "<module 'reflow.nn'>"


def test_rooms_with_a_public_name_stay_importable():
    from reflow.train import saver

    assert saver.Saver is tf.train.Saver
    assert sys.modules["reflow.train"] is not tf.train


def test_a_name_stands_for_one_thing():
    @export("test_namespace.thing")
    def thing():
        """A thing."""

    try:
        export("test_namespace.thing")(thing)
        with pytest.raises(ValueError, match="two things are exported as 'test_namespace.thing'"):
            export_value("test_namespace.thing", 3)
        with pytest.raises(ValueError, match="two things"):
            export_values({"test_namespace.thing": 4})
    finally:
        del EXPORTS["test_namespace.thing"]


@pytest.mark.parametrize(
    "name",
    ["AttrValue", "ConfigProto", "GPUOptions", "GraphOptions", "RunMetadata", "RunOptions", "Event", "GraphDef",
     "HistogramProto", "MetaGraphDef", "NodeDef", "Summary", "SummaryMetadata", "train.ClusterDef", "train.SaverDef"],
)  # fmt: skip
def test_protocol_buffer_classes(name):
    kind = _resolve(name)
    assert kind.FromString(kind().SerializeToString()) == kind()
    assert kind.DESCRIPTOR.full_name.startswith("tensorboard.")


def test_nested_settings_of_a_session():
    gpu_options = tf.GPUOptions(per_process_gpu_memory_fraction=0.5, allow_growth=True)
    config = tf.ConfigProto(allow_soft_placement=True, device_count={"CPU": 2}, gpu_options=gpu_options)
    config.graph_options.optimizer_options.opt_level = tf.OptimizerOptions.L0
    config.graph_options.optimizer_options.global_jit_level = tf.OptimizerOptions.ON_1
    with tf.Graph().as_default(), tf.Session(config=config) as session:
        assert session.run(tf.constant(1)) == 1
    assert tf.RunOptions(trace_level=tf.RunOptions.FULL_TRACE).trace_level == 3
