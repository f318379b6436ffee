"""Elementwise functions in C: accurate, equal to PyTorch's at the edges, and in the plans that they are meant for."""

import numpy as np
import pytest
import torch

import reflow as tf
from reflow.graph.build import call
from reflow.ops import native
from reflow.ops.native import elementwise as elementwise_native

SPECIAL = [0.0, -0.0, 1.0, -1.0, 1e-30, -1e-30, 30.0, -30.0, 1e30, -1e30, np.inf, -np.inf, np.nan]
# Enough for both threads, and a rest that fills no vector.
SIZE = (1 << 15) + 13


@pytest.fixture(autouse=True)
def _with_a_compiler():
    if elementwise_native.library() is None:
        pytest.skip("no C compiler")


def _feed(low, high):
    values = np.random.RandomState(0).uniform(low, high, SIZE).astype(np.float32)
    values[: len(SPECIAL)] = SPECIAL
    return values


def _run(build, *arrays):
    """What `build` makes of placeholders that are fed with the arrays, and the source of the plan."""
    with tf.Graph().as_default(), tf.Session() as session:
        placeholders = [tf.placeholder(a.dtype, a.shape) for a in arrays]
        result = build(*placeholders)
        feeds = dict(zip(placeholders, arrays, strict=True))
        return session.run(result, feeds), session.plan(result, feeds).source


@pytest.mark.parametrize(
    ("function", "expected", "low", "high"),
    [
        (tf.sqrt, torch.sqrt, 0, 3),
        (tf.exp, torch.exp, -87, 89),
        (tf.exp, torch.exp, -1, 1),
        (tf.sigmoid, torch.sigmoid, -80, 20),
        (tf.sigmoid, torch.sigmoid, -1, 1),
        (tf.tanh, torch.tanh, -12, 12),
        (tf.tanh, torch.tanh, -1e-3, 1e-3),
        (tf.log, torch.log, 0, 3),
        (tf.log, torch.log, 1e-30, 1e30),
        (tf.nn.elu, torch.nn.functional.elu, -100, 10),
        (tf.nn.elu, torch.nn.functional.elu, -1e-3, 0),
    ],
)
def test_functions_are_those_of_double_precision(function, expected, low, high):
    x = _feed(low, high)
    result, source = _run(function, x)
    assert "native_" in source
    np.testing.assert_allclose(result, expected(torch.from_numpy(x).double()).float().numpy(), rtol=4e-7)


@pytest.mark.parametrize(
    ("op", "expected"),
    [
        ("SqrtGrad", lambda y, dy: np.where(dy == 0, 0, 0.5 * dy / y)),
        ("RsqrtGrad", lambda y, dy: np.where(dy == 0, 0, -0.5 * (dy * y) * (y * y))),
        ("EluGrad", lambda g, y: np.where(y < 0, (y + 1) * g, g)),
        ("SquaredDifference", lambda x, y: (x - y) ** 2),
        ("Maximum", lambda x, y: np.where(x < y, y, x)),
        ("Minimum", lambda x, y: np.where(x > y, y, x)),
    ],
)
def test_functions_of_two_tensors(op, expected):
    """All pairs of special numbers, and many others."""
    x, y = _feed(-2, 2), _feed(-2, 2)[::-1].copy()
    pairs = np.array([(a, b) for a in SPECIAL for b in SPECIAL], np.float32)
    x[: len(pairs)], y[: len(pairs)] = pairs.T
    result, source = _run(lambda a, b: call(op, a, b), x, y)
    assert "native_" in source
    with np.errstate(all="ignore"):
        np.testing.assert_allclose(result, expected(x, y), rtol=2e-7)


@pytest.mark.parametrize("scalar", [False, True])
@pytest.mark.parametrize(
    ("function", "expected"),
    [
        (tf.less, np.less), (tf.less_equal, np.less_equal), (tf.greater, np.greater),
        (tf.greater_equal, np.greater_equal),
    ],
)  # fmt: skip
def test_comparisons(function, expected, scalar):
    x, y = _feed(-1, 1), np.float32(0.25) if scalar else np.roll(_feed(-1, 1), 1)
    y = np.asarray(y)
    result, source = _run(function, x, y)
    assert "native_" in source
    np.testing.assert_array_equal(result, expected(x, y))


@pytest.mark.parametrize("zeros", ["", "t", "e", "te"])
def test_select(zeros):
    """Also where one of the two is known to be zeros."""
    condition, t, e = _feed(-1, 1) > 0, _feed(1, 2), _feed(-2, -1)
    t, e = (np.zeros_like(a) if name in zeros else a for name, a in [("t", t), ("e", e)])

    def build(condition, *fed):
        rest = iter(fed)
        t_e = [tf.zeros([SIZE]) if name in zeros else next(rest) for name in "te"]
        return call("Select", condition, *t_e)

    fed = [a for name, a in [("t", t), ("e", e)] if name not in zeros]
    result, source = _run(build, condition, *fed)
    assert "native_select" in source
    np.testing.assert_array_equal(result, np.where(condition, t, e))


def test_an_input_that_nothing_needs_any_more_is_overwritten(monkeypatch):
    monkeypatch.setenv("REFLOW_DISABLE_PASSES", "elementwise_programs")
    x = _feed(-1, 1)
    result, source = _run(lambda x: tf.tanh(x + x), x)
    assert "native_tanh(add, out=add)" in source
    np.testing.assert_allclose(result, np.tanh(2 * x), rtol=1e-6)


def test_tensors_that_are_not_contiguous():
    x = np.linspace(-2, 2, 40_000, dtype=np.float32).reshape(200, 200)
    builds = {
        "tanh": lambda a, b: tf.tanh(tf.transpose(a)),
        "maximum": lambda a, b: tf.maximum(tf.transpose(a), b),
        "greater": lambda a, b: tf.greater(b, tf.transpose(a)),
        "select": lambda a, b: call("Select", tf.transpose(a) > 0, tf.transpose(b), b),
    }
    expected = {
        "tanh": np.tanh(x.T), "maximum": np.maximum(x.T, -x), "greater": -x > x.T, "select": np.where(x.T > 0, -x.T, -x)
    }  # fmt: skip
    for name, build in builds.items():
        result, source = _run(build, x, -x)
        assert f"native_{name}" in source
        np.testing.assert_allclose(result, expected[name], rtol=1e-6, err_msg=name)


@pytest.mark.parametrize("dtype", [np.float64, np.float16])
def test_other_types_and_few_numbers_are_left_to_pytorch(dtype):
    assert "native_" not in _run(tf.tanh, _feed(-1, 1).astype(dtype))[1]
    assert "native_" not in _run(tf.tanh, np.ones(3, np.float32))[1]


def test_left_out_without_a_compiler(monkeypatch):
    monkeypatch.setattr(elementwise_native, "library", lambda: None)
    x = _feed(0.5, 1)
    result, source = _run(lambda x: tf.log(tf.maximum(tf.tanh(x), x)), x)
    assert "native_" not in source
    np.testing.assert_allclose(result, np.log(np.fmax(np.tanh(x), x)), rtol=1e-5)


def test_a_library_with_wrong_answers_is_refused(tmp_path):
    source = elementwise_native._SOURCE.read_text().replace("5.267842627178616e-11f", "5.267842627178616e-2f")
    path = tmp_path / "elementwise.c"
    path.write_text(source)
    assert native.load(path, elementwise_native._prepare) is None


def _few_numbers():
    """Fewer than the bounds above which PyTorch's kernels serve."""
    return np.resize(np.array(SPECIAL, np.float32), 36)


@pytest.mark.parametrize(
    ("op", "expected"),
    [
        ("Abs", np.abs), ("Neg", np.negative), ("IsFinite", np.isfinite),
        ("Rsqrt", lambda x: 1 / np.sqrt(x.astype(np.float64))),
    ],
)  # fmt: skip
def test_functions_of_few_numbers(op, expected):
    x = _few_numbers()
    result, source = _run(lambda a: call(op, a), x)
    assert "native_" in source
    with np.errstate(all="ignore"):
        np.testing.assert_allclose(result, expected(x).astype(result.dtype), rtol=2e-7)


@pytest.mark.parametrize(
    ("op", "attrs", "expected"),
    [
        ("SigmoidGrad", {}, lambda y, dy: torch.ops.aten.sigmoid_backward(dy, y)),
        ("TanhGrad", {}, lambda y, dy: torch.ops.aten.tanh_backward(dy, y)),
        ("ReluGrad", {}, lambda g, x: torch.ops.aten.threshold_backward(g, x, 0)),
        ("LeakyReluGrad", {"alpha": 0.3}, lambda g, x: torch.ops.aten.leaky_relu_backward(g, x, 0.3, False)),
    ],
)
def test_gradients_are_those_of_pytorch(op, attrs, expected):
    pairs = np.array([(a, b) for a in SPECIAL for b in SPECIAL], np.float32)
    a, b = pairs[:, 0].copy(), pairs[:, 1].copy()
    result, source = _run(lambda x, y: call(op, x, y, **attrs), a, b)
    assert "native_" in source
    np.testing.assert_allclose(result, expected(torch.from_numpy(a), torch.from_numpy(b)), rtol=2e-7)


@pytest.mark.parametrize("scalar", [0.25, np.inf, np.nan])
def test_extrema_with_a_scalar(scalar):
    x = _feed(-1, 1)
    for function, expected in (
        (tf.maximum, np.where(x < scalar, np.float32(scalar), x)),
        (tf.minimum, np.where(x > scalar, np.float32(scalar), x)),
    ):  # fmt: skip
        result, source = _run(lambda a, function=function: function(a, scalar), x)
        assert "_scalar(" in source
        np.testing.assert_array_equal(result, expected)


@pytest.mark.parametrize(
    ("source", "target"),
    [
        ("float32", "int32"), ("int32", "float32"), ("int64", "float32"), ("uint8", "float32"), ("int32", "int64"),
        ("int64", "int32"), ("bool", "float32"),
    ],
)  # fmt: skip
def test_conversions_are_those_of_pytorch(source, target):
    x = np.array([0, 1, 0.75, -1.5, 100, 16_777_217, -2_000_000_111, 1e20], np.float64)
    with np.errstate(invalid="ignore"):
        x = x.astype(source)
    result, text = _run(lambda a: tf.cast(a, target), x)
    assert "native_" in text
    np.testing.assert_array_equal(result, torch.from_numpy(x).to(getattr(torch, target)))


@pytest.mark.parametrize("value", [np.float32(-3.5), np.int64(1 << 40), np.array(True), np.complex64(1 + 2j)])
def test_fill(value):
    result, source = _run(lambda v: tf.fill([3, 5], v), np.asarray(value))
    assert "native_fill" in source
    np.testing.assert_array_equal(result, np.full((3, 5), value))


@pytest.mark.parametrize("terms", [3, 4, 5, 6])
def test_sums_of_several(terms):
    arrays = [np.roll(_feed(-1, 1), i) for i in range(terms)]
    result, source = _run(lambda *tensors: tf.add_n(tensors), *arrays)
    assert f"native_add_{terms}" in source
    with np.errstate(invalid="ignore"):
        np.testing.assert_array_equal(result, sum(arrays[1:], arrays[0]))


def test_a_sum_of_what_is_not_contiguous():
    x = np.arange(12, dtype=np.float32).reshape(3, 4)
    result, source = _run(lambda x: tf.add_n([tf.transpose(x), tf.transpose(2 * x), tf.transpose(x)]), x)
    assert "native_add_3" in source
    np.testing.assert_array_equal(result, 4 * x.T)


def test_cubes():
    x = _few_numbers()
    result, source = _run(lambda x: tf.pow(x, 3.0), x)
    assert "native_cube" in source
    with np.errstate(over="ignore"):
        np.testing.assert_allclose(result, torch.pow(torch.from_numpy(x), 3), rtol=2e-7)
