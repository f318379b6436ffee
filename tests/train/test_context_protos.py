"""Conditionals in MetaGraphDefs: as TensorFlow 1.15.5 writes them, and read back with everything they can do."""

import importlib
import pathlib
import sys

import numpy as np
import pytest
from tensorboard.compat.proto.meta_graph_pb2 import MetaGraphDef

import reflow as tf
from reflow.files import protos

GOLDENS = pathlib.Path(__file__).parents[1] / "goldens"
sys.path.append(str(GOLDENS))
cases = importlib.import_module("context_protos_cases")
CondContextDef = protos.load("control_flow").CondContextDef


def _recorded():
    return MetaGraphDef.FromString((GOLDENS / "context_protos.pb").read_bytes())


def _contexts(meta):
    return [CondContextDef.FromString(text) for text in meta.collection_def["cond_context"].bytes_list.value]


def test_exported_as_by_tensorflow():
    assert _contexts(cases.meta_graph(tf)) == _contexts(_recorded())


@pytest.mark.parametrize("scope", ["", "imported"])
def test_imported(scope):
    with tf.Graph().as_default() as graph, tf.Session() as session:
        tf.train.import_meta_graph(_recorded(), import_scope=scope)
        prefix = f"{scope}/" if scope else ""
        p, q, x, out = (graph.get_tensor_by_name(f"{prefix}{name}:0") for name in ("p", "q", "x", "out"))
        # Gradients ask the contexts of Switch and Merge which branch they are of.
        slope = tf.gradients(out, x)[0]
        assert slope.op.type == "AddN"
        fed = np.array([0.5, 1.0], "float32")
        for ways, value, gradient in (
            ((True, True), np.sin(fed) * 2, np.cos(fed) * 2), ((True, False), fed, [1.0, 1.0]),
            ((False, True), np.cos(fed), -np.sin(fed)),
        ):  # fmt: skip
            found = session.run([out, slope], {p: ways[0], q: ways[1], x: fed})
            np.testing.assert_allclose(found[0], value, rtol=1e-6)
            np.testing.assert_allclose(found[1], gradient, rtol=1e-6)
        inner, outer = (graph.get_operation_by_name(f"{prefix}outer/{name}")._control_flow_context
                        for name in ("inner/Sin", "Cos"))  # fmt: skip
        assert (inner.branch, inner.outer_context.branch, outer.branch) == (1, 1, 0)
        assert len(_contexts(tf.train.export_meta_graph())) == 2
