"""tf.gradients beside TensorFlow 1.15.5 (autodiff_cases.py, custom_gradient_cases.py): nodes, kinds, values, errors."""

import difflib
import gzip
import json
import pathlib
import sys
import warnings

import numpy as np
import pytest

import reflow as tf

GOLDENS = pathlib.Path(__file__).parent / "goldens"
sys.path.append(str(GOLDENS))
import autodiff_cases  # noqa: E402, F401 - it fills the recording's cases, as the next but one does
import autodiff_recording  # noqa: E402
import custom_gradient_cases  # noqa: E402, F401

RECORDED = json.loads(gzip.decompress((GOLDENS / "autodiff.json.gz").read_bytes()))


@pytest.mark.parametrize("name", autodiff_recording.cases)
def test_as_tensorflow(name):
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Converting sparse IndexedSlices to a dense Tensor")
        expected, actual = RECORDED[name], autodiff_recording.outcome(tf, name)
    for key in ("error", "message"):
        assert actual.get(key) == expected.get(key), actual.get("message")
    if "error" in expected:
        return
    if expected["nodes"] is not None:
        ours, theirs = sorted(actual["nodes"]), sorted(expected["nodes"])
        assert ours == theirs, "\n".join(difflib.unified_diff(theirs, ours, "TensorFlow", "Reflow", lineterm="", n=0))
        assert actual["kinds"] == expected["kinds"]
    for ours, theirs in zip(actual["values"], expected["values"], strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-6)


@pytest.fixture
def x():
    with tf.Graph().as_default():
        yield tf.placeholder_with_default(np.float32([1, 2, 3]), [3], name="x")


def test_what_is_no_gradient(x):
    tf.RegisterGradient("ANumber")(lambda op, grad: 1.0)
    with tf.get_default_graph().gradient_override_map({"Exp": "ANumber"}):
        y = tf.exp(x)
    with pytest.raises(TypeError, match="gradients have to be either all Tensors or all IndexedSlices"):
        tf.gradients(y, x)


def test_a_large_gradient_made_dense_is_warned_of():
    with tf.Graph().as_default():
        unknown = tf.placeholder(tf.float32, [None, 2])
        slices = tf.IndexedSlices(tf.ones([2, 2]), tf.constant([0, 1]), tf.shape(unknown))
        with pytest.warns(UserWarning, match="Converting sparse IndexedSlices to a dense Tensor of unknown shape"):
            tf.convert_to_tensor(slices)
        large = tf.IndexedSlices(tf.ones([2, 2]), tf.constant([0, 1]), tf.constant([100_000_000, 2]))
        with pytest.warns(UserWarning, match="dense Tensor with 200000000 elements"):
            tf.convert_to_tensor(large)
        no_shape = tf.IndexedSlices(tf.ones([2, 2]), tf.constant([0, 1]))
        with pytest.raises(ValueError, match="Tensor conversion requested for IndexedSlices without dense_shape"):
            tf.convert_to_tensor(no_shape)


def test_a_hessian_of_unknown_size_runs_for_each_size():
    with tf.Graph().as_default(), tf.Session() as session:
        x, scale = tf.placeholder(tf.float64, [None, 2]), tf.placeholder(tf.float64, [])
        (hessian,) = tf.hessians(scale * tf.reduce_sum(x**3), x)
        assert hessian.shape.as_list() == [None, 2, None, 2]
        nodes = len(session.graph.get_operations())
        for rows in (1, 3, 0, 3):
            fed = np.arange(2.0 * rows).reshape(rows, 2)
            expected = np.diag(6 * 2.5 * fed.ravel()).reshape(rows, 2, rows, 2)
            np.testing.assert_allclose(session.run(hessian, {x: fed, scale: 2.5}), expected)
        assert len(session.graph.get_operations()) == nodes


def test_a_large_hessian_takes_few_nodes():
    with tf.Graph().as_default() as graph, tf.Session() as session:
        x = tf.placeholder_with_default(np.linspace(-1, 1, 300), [300])
        (hessian,) = tf.hessians(tf.reduce_sum(tf.exp(x)), x)
        assert len(graph.get_operations()) < 100
        np.testing.assert_allclose(session.run(hessian), np.diag(np.exp(np.linspace(-1, 1, 300))), rtol=1e-12)
        with pytest.raises(LookupError, match="_LinearMapRows"):
            tf.gradients(hessian, x)


def test_another_graphs_tensors(x):
    y = x * x
    with tf.Graph().as_default(), pytest.raises(ValueError, match="graph"):
        tf.gradients(y, tf.constant(1.0))


def test_a_deep_chain_needs_no_recursion(x):
    y = x
    for _ in range(5000):
        y = tf.identity(y)
    (gradient,) = tf.gradients(y, x)
    with tf.Session() as session:
        assert session.run(gradient).tolist() == [1, 1, 1]


def test_the_new_nodes_remember_whose_gradient_they_are(x):
    y = tf.exp(x, name="y")
    (gradient,) = tf.gradients(y, x)
    assert gradient.op._original_op is y.op


def test_custom_gradient_takes_nests_and_keeps_the_name(x):
    @tf.custom_gradient
    def halves(x):
        """Two halves."""
        return {"a": x / 2.0, "b": (x / 2.0,)}, lambda da, db: 10.0 * da + db

    result = halves(x)
    (gradient,) = tf.gradients([result["a"], result["b"][0]], x)
    assert halves.__name__ == "halves" and halves.__doc__ == "Two halves."
    with tf.Session() as session:
        assert session.run(gradient).tolist() == [11, 11, 11]


def test_gradients_of_several_results_computed_anew(x):
    product, total = tf.recompute_grad(lambda a, b: (a * b, a + b))(x, x * 2.0)
    forward = len(x.graph.get_operations())
    (grad,) = tf.gradients([product, total], x)
    # The results are computed once more, when it is known what they are multiplied with.
    (again,) = [op for op in x.graph.get_operations()[forward:] if op.type == "Mul" and x in op.inputs and
                op.control_inputs]  # fmt: skip
    assert {op.type for op in again.control_inputs} == {"Fill"}
    with tf.Session() as session:
        np.testing.assert_allclose(session.run(grad), 4 * np.float32([1, 2, 3]) + 3)


def test_custom_gradient_must_return_one_for_each_variable():
    with tf.Graph().as_default(), tf.variable_scope("scope", use_resource=True):
        w = tf.get_variable("w", [3])
        scaled = tf.custom_gradient(lambda v: (v * w, lambda dy, variables=None: (dy, [])))
        with pytest.raises(ValueError, match="Must return gradient for each variable"):
            tf.gradients(scaled(tf.ones([3])), w)
