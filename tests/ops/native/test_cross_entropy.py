"""Cross entropies in C against the definition in double precision."""

import functools

import numpy as np
import pytest
import torch

import reflow as tf
from reflow.ops.native import cross_entropy as cross_entropy_native
from tests.ops.native.sessions import run_natively

RANDOM = np.random.RandomState(0)
# Batch and classes: one class, fewer than a vector, several and a rest; the last is worked on by two threads.
SHAPES = [(1, 1), (4, 3), (2, 10), (5, 37), (40, 1000)]
_run = functools.partial(run_natively, "native_cross_entropy")


@pytest.fixture(autouse=True)
def _with_a_compiler():
    if cross_entropy_native._library() is None:
        pytest.skip("no C compiler")


def _softmax(features):
    powers = np.exp(features.astype(np.float64) - features.max(1, keepdims=True))
    return powers / powers.sum(1, keepdims=True)


def _outputs(op):
    return lambda features, labels: list(getattr(tf.raw_ops, op)(features=features, labels=labels))


@pytest.mark.parametrize("wanted", ["both", "loss", "gradient"])
@pytest.mark.parametrize("label_type", [np.int32, np.int64])
@pytest.mark.parametrize(("batch", "classes"), SHAPES)
def test_numbers_of_classes(batch, classes, label_type, wanted):
    features = (RANDOM.randn(batch, classes) * 10).astype(np.float32)
    labels = RANDOM.randint(0, classes, batch).astype(label_type)
    softmax = _softmax(features)
    rows = np.arange(batch)
    loss, gradient = -np.log(softmax[rows, labels]), softmax - (labels[:, None] == np.arange(classes))
    build = _outputs("SparseSoftmaxCrossEntropyWithLogits")
    chosen = {"both": slice(None), "loss": slice(1), "gradient": slice(1, 2)}[wanted]
    results = _run(lambda f, labels: build(f, labels)[chosen], features, labels)
    for result, expected in zip(results, [loss, gradient][chosen], strict=True):
        np.testing.assert_allclose(result, expected, rtol=1e-5, atol=2e-6)


@pytest.mark.parametrize("wanted", ["both", "gradient"])
@pytest.mark.parametrize(("batch", "classes"), SHAPES)
def test_distributions(batch, classes, wanted):
    features = (RANDOM.randn(batch, classes) * 10).astype(np.float32)
    labels = _softmax(RANDOM.randn(batch, classes)).astype(np.float32)
    softmax = _softmax(features)
    expected = [-(labels * np.log(softmax)).sum(1), softmax - labels]
    build = _outputs("SoftmaxCrossEntropyWithLogits")
    chosen = {"both": slice(None), "gradient": slice(1, 2)}[wanted]
    results = _run(lambda f, labels: build(f, labels)[chosen], features, labels)
    for result, right in zip(results, expected[chosen], strict=True):
        np.testing.assert_allclose(result, right, rtol=1e-5, atol=2e-6)


@pytest.mark.parametrize("label", [-1, 3])
def test_a_label_that_is_no_class(label):
    features, labels = np.zeros((2, 3), np.float32), np.array([0, label], np.int32)
    for chosen in slice(None), slice(1), slice(1, 2):
        with pytest.raises(tf.errors.InvalidArgumentError, match=f"label value of {label} which is outside"):
            _run(lambda f, n, c=chosen: _outputs("SparseSoftmaxCrossEntropyWithLogits")(f, n)[c], features, labels)


def _weighted_with_sums(features, labels, weights):
    op = "SoftmaxCrossEntropyWithLogits"
    product = _outputs(op if labels.dtype is tf.float32 else f"Sparse{op}")(features, labels)[1] * weights
    return [product, tf.reduce_sum(product, 0)]


def _labels(kind, batch, classes):
    if kind == "dense":
        return _softmax(RANDOM.randn(batch, classes)).astype(np.float32)
    return RANDOM.randint(0, classes, batch).astype(kind)


# Fewer rows than blocks of them, and numbers of rows that no blocks divide.
@pytest.mark.parametrize(("batch", "classes"), [*SHAPES, (3, 20), (33, 70), (100, 10), (129, 2100)])
@pytest.mark.parametrize("kind", ["int32", "int64", "dense"])
def test_weights_and_sums(kind, batch, classes):
    features = (RANDOM.randn(batch, classes) * 5).astype(np.float32)
    labels, weights = _labels(kind, batch, classes), RANDOM.rand(batch, 1).astype(np.float32)
    plain = _run(lambda f, n, _: _weighted_with_sums(f, n, 1.0)[0], features, labels, weights)
    product, sums = _run(_weighted_with_sums, features, labels, weights)
    # The same bits as those of the gradient and a product after it.
    assert (product == plain * weights).all()
    np.testing.assert_allclose(sums, product.astype(np.float64).sum(0), rtol=1e-5, atol=1e-5)


def test_sums_do_not_depend_on_the_number_of_threads():
    features, labels = RANDOM.randn(130, 300).astype(np.float32), RANDOM.randint(0, 300, 130)
    weights, threads, results = RANDOM.rand(130, 1).astype(np.float32), torch.get_num_threads(), []
    try:
        for count in (1, 2):
            torch.set_num_threads(count)
            results.append(_run(_weighted_with_sums, features, labels, weights)[1])
    finally:
        torch.set_num_threads(threads)
    assert (results[0] == results[1]).all()


def test_extreme_features():
    features = np.array([[1e30, -1e30, 0], [200, -200, 0], [np.nan, 0, 0], [0, -np.inf, 0]], np.float32)
    loss, gradient = _run(_outputs("SparseSoftmaxCrossEntropyWithLogits"), features, np.array([0, 0, 1, 2]))
    np.testing.assert_allclose(loss, [0, 0, np.nan, np.log(2)], rtol=1e-6)
    np.testing.assert_allclose(gradient[[0, 1, 3]], [[0, 0, 0], [0, 0, 0], [0.5, 0, -0.5]], atol=1e-7)
    assert np.isnan(gradient[2]).all()


def test_features_that_are_not_contiguous():
    features = RANDOM.randn(7, 5).astype(np.float32)
    loss = _run(lambda f, n: tf.nn.sparse_softmax_cross_entropy_with_logits(logits=tf.transpose(f), labels=n),
                features, np.arange(5))  # fmt: skip
    np.testing.assert_allclose(loss, -np.log(_softmax(features.T)[np.arange(5), np.arange(5)]), rtol=1e-5)


SOFTMAXES = pytest.mark.parametrize(
    ("function", "expected"), [(tf.nn.softmax, torch.softmax), (tf.nn.log_softmax, torch.log_softmax)]
)


@SOFTMAXES
@pytest.mark.parametrize("shape", [(7,), (32, 10), (2, 3, 33)])
def test_softmax_and_its_logarithm(shape, function, expected):
    features = (10 * RANDOM.randn(*shape)).astype(np.float32)
    result = run_natively(f"native_{expected.__name__}", function, features)
    np.testing.assert_allclose(result, expected(torch.from_numpy(features).double(), -1), rtol=2e-6, atol=1e-6)


@SOFTMAXES
def test_softmax_of_extreme_features(function, expected):
    features = np.array([[1e30, -1e30], [np.nan, 0], [0, -np.inf], [-np.inf, -np.inf]], np.float32)
    result = run_natively(f"native_{expected.__name__}", function, features)
    np.testing.assert_array_equal(result, expected(torch.from_numpy(features), -1))
