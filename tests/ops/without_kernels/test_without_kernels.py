"""Ops that no CPU runs: graphs of them are TensorFlow's, and a step that needs one says so in its words."""

import json

import numpy as np
import pytest

import reflow as tf
from reflow.graph.build import call
from reflow.graph.registry import OPS
from reflow.ops.without_kernels.definition import NAMES
from tests.ops.recorded import GOLDENS, _import_from_goldens, _short_floats

cases = _import_from_goldens("without_kernels_cases")
recorded = json.loads((GOLDENS / "without_kernels_graphs.json").read_text())


@pytest.mark.parametrize("name", list(recorded))
def test_graphs_as_tensorflow_builds_them(name):
    expected, actual = recorded[name], cases.outcome(tf, cases.case.functions[name])
    if "error" in expected:
        assert actual.get("error") == expected["error"]
        start = expected["message"].split(" for '")[0].split(".This")[0]  # The advice after it is our own.
        assert actual["message"].startswith(start)
        return
    assert actual["shapes"] == expected["shapes"]
    assert sorted(map(_short_floats, actual["nodes"])) == sorted(map(_short_floats, expected["nodes"]))


_ATTRS = {"int": 1, "string": "s", "list(shape)": [[2, 2]], "shape": [2, 2], "list(int)": [0],
          "list(type)": [tf.float32], "type": tf.float32, "float": 1.0, "func": "body"}  # fmt: skip
_SPECIAL = {
    "reduction": "sum", "S": tf.int32, "table_name": "t", "concat_dimension": 0, "split_dimension": 0, "table_id": 0,
    "strides": [1, 1, 1, 1], "padding": "SAME",
}  # fmt: skip
# Of the inputs of quantized ops; the others are scalars.
_QUANTIZED_RANKS = {"input": 4, "filter": 4, "a": 2, "b": 2, "bias": 1, "summand": 4, "features": 2}


def _make(name):
    """An operation of that type on constants, its least attributes given."""
    op = OPS[name]
    settled = {x for a in op.inputs for x in (a.type_attr, a.number_attr, a.type_list_attr)}
    attrs = {a.name: _SPECIAL.get(a.name, _ATTRS[a.type]) for a in op.attrs.values()
             if not a.has_default and a.name not in settled}  # fmt: skip
    if "TPUEmbedding" in name and name.endswith(("Parameters", "Debug")):
        attrs["table_id"] = 0

    def value(arg):
        scalars = arg.name in ("num_layers", "num_units", "input_size", "learning_rates", "mode_override")
        rank = 0 if scalars else 1 if arg.name == "params" and "Canonical" in name else 3 if "CudnnRNN" in name else 2
        if "uantiz" in name:
            per_channel = name.startswith("Requantiz") and arg.name in ("input_min", "input_max")
            rank = 1 if per_channel else _QUANTIZED_RANKS.get(arg.name, 0)
        types = [] if arg.dtype else list(OPS[name].attrs[arg.type_attr].allowed or []) if arg.type_attr else []
        dtype = arg.dtype or (types[0] if types else tf.float32)
        one = tf.placeholder(dtype, [2] * rank)
        return [one] if arg.is_list else one

    made = call(name, *map(value, op.inputs), **attrs)
    operations = [o for o in tf.get_default_graph().get_operations() if o.type == name]
    assert made is not None and len(operations) == 1
    return operations[0]


def _zeros(tensor):
    dims = tensor.shape.as_list()
    return np.full(dims, b"", object) if tensor.dtype == tf.string else np.zeros(dims, tensor.dtype.as_numpy_dtype)


@pytest.mark.parametrize("name", sorted(NAMES))
def test_a_step_that_needs_it_fails(name):
    with tf.Graph().as_default() as graph, tf.Session() as session:
        operation = _make(name)
        definition = graph.as_graph_def()
        fed = [o.outputs[0] for o in graph.get_operations() if o.type == "Placeholder"]
        with pytest.raises(tf.errors.InvalidArgumentError) as failure:
            session.run(operation, {t: _zeros(t) for t in fed if t.dtype != tf.variant})
    message = failure.value.message
    assert failure.value.op is operation
    assert message.startswith(f"No OpKernel was registered to support Op '{name}' used by node {name} with these attrs")
    assert "Registered devices: [CPU]\nRegistered kernels:\n  <no registered kernels>" in message
    with tf.Graph().as_default() as copy:
        tf.import_graph_def(definition, name="")
        assert copy.as_graph_def() == definition


def test_attributes_in_the_message():
    with tf.Graph().as_default(), tf.Session() as session:
        tensors = tf.raw_ops.InfeedDequeueTuple(dtypes=[tf.float32, tf.string], shapes=[[2, None], None])
        with pytest.raises(tf.errors.InvalidArgumentError) as failure:
            session.run(tensors[0])
        assert "[dtypes=[DT_FLOAT, DT_STRING], shapes=[[2,?], <unknown>]]" in failure.value.message
        size = tf.raw_ops.CudnnRNNParamsSize(
            num_layers=1, num_units=2, input_size=3, T=tf.half, S=tf.int32, dropout=0.5
        )
        with pytest.raises(tf.errors.InvalidArgumentError) as failure:
            session.run(size)
        assert 'S=DT_INT32, T=DT_HALF, direction="unidirectional", dropout=0.5, input_mode=' in failure.value.message


def test_what_does_not_need_it_runs():
    with tf.Graph().as_default(), tf.Session() as session:
        tf.raw_ops.ShutdownDistributedTPU()
        assert session.run(tf.constant(1) + 1) == 2


def test_shapes_that_only_the_run_tells():
    """TensorFlow reads the number of activations out of a configuration; here it is what the node says."""
    with tf.Graph().as_default():
        activations = tf.raw_ops.RecvTPUEmbeddingActivations(num_outputs=2, config="")
        results = call("TPUPartitionedCall", [1.0], 0, Tout=[tf.int32], f="body")
        assert [t.shape.ndims for t in [*activations, *results]] == [None] * 3
        assert results[0].dtype == tf.int32


@pytest.mark.parametrize("name", ["BatchFFT", "BatchFFT2D", "BatchFFT3D", "BatchIFFT", "BatchIFFT2D", "BatchIFFT3D"])
def test_first_names_of_fourier_transforms(name):
    with tf.Graph().as_default():
        assert getattr(tf.raw_ops, name)(input=tf.zeros([2, 3, 4], tf.complex64)).shape.as_list() == [2, 3, 4]
