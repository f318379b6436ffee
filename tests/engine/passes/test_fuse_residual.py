"""A convolution or product, and what is added to its result and becomes of the sum, as one node."""

import numpy as np
import pytest

import reflow as tf
from reflow.engine.verify import verify
from reflow.graph.build import call
from reflow.ops.native import direct_conv, winograd
from tests.engine.passes.plans import compared, plan_of, random_feed, types

random = np.random.RandomState(0)
ACTIVATIONS = ["", "Relu", "Relu6", "Elu", "Selu", "Tanh", "Sigmoid"]


def _filter(window, depth, columns, is_constant=True):
    if not is_constant:
        return tf.placeholder(tf.float32, [window, window, depth, columns])
    return tf.constant(random.randn(window, window, depth, columns).astype("f") / (window * depth**0.5))


@pytest.mark.parametrize("relu", [False, True], ids=["sum", "relu"])
@pytest.mark.parametrize("bias", [False, True], ids=["plain", "bias"])
@pytest.mark.parametrize("is_constant", [False, True], ids=["fed", "frozen"])
@pytest.mark.parametrize(("depth", "columns", "window", "stride"), [
    (16, 32, 3, 1), (16, 32, 5, 1), (3, 32, 5, 2), (20, 19, 1, 1), (20, 19, 3, 2), (6, 8, 3, 1),
], ids=["winograd", "winograd 5x5", "shallow", "1x1", "direct if frozen", "library"])  # fmt: skip
def test_sums_of_all_kernels(depth, columns, window, stride, is_constant, bias, relu):
    x = tf.placeholder(tf.float32, [3, 14, 13, depth])
    filter = _filter(window, depth, columns, is_constant)
    y = tf.nn.conv2d(x, filter, [1, stride, stride, 1], "SAME")
    shortcut = tf.placeholder(tf.float32, y.shape)
    y = tf.nn.bias_add(y, tf.linspace(-1.0, 1.0, columns)) if bias else y
    y = shortcut + y if bias else y + shortcut
    y = tf.nn.relu(y) if relu else y
    feed = random_feed(x, shortcut, *([] if is_constant else [filter]))
    with_pass, without = compared([y], feed, "fuse_residual", rtol=1e-5, atol=1e-5)
    assert not {"Add", "AddV2", "Relu", "BiasAdd"} & set(types(with_pass))
    assert "AddV2" in types(without)


@pytest.mark.parametrize("dtype", [tf.float32, tf.float64])
@pytest.mark.parametrize("data_format", ["NHWC", "NCHW"])
@pytest.mark.parametrize(("padding", "stride"), [("SAME", 1), ("SAME", 2), ("VALID", 1), ("VALID", 2)])
def test_layouts(dtype, data_format, padding, stride):
    first = data_format == "NCHW"
    x = tf.placeholder(dtype, [2, 8, 9, 7] if first else [2, 9, 7, 8])
    filter = tf.placeholder(dtype, [3, 3, 8, 8])
    strides = [1, 1, stride, stride] if first else [1, stride, stride, 1]
    y = tf.nn.conv2d(x, filter, strides, padding, data_format=data_format)
    shortcut = tf.placeholder(dtype, y.shape)
    y = tf.nn.bias_add(y, tf.cast(tf.linspace(-1.0, 1.0, 8), dtype), data_format=data_format)
    plan, _ = compared([tf.nn.relu(y + shortcut)], random_feed(x, filter, shortcut), "fuse_residual", atol=1e-5)
    assert "_FusedConv2D" in types(plan) and not {"AddV2", "BiasAdd", "Relu"} & set(types(plan))
    assert any(note.endswith("one convolution with bias, residual and Relu") for note in plan.notes)


def test_a_bias_after_the_residual():
    y, x, filter = _sums()
    y = tf.nn.bias_add(y + x, tf.linspace(-1.0, 1.0, 16))
    plan, _ = compared([tf.nn.relu(y)], random_feed(x, filter), "fuse_residual", atol=1e-5)
    assert types(plan) == ["_FusedConv2D"]


# --- products ---------------------------------------------------------------------------------------------------------

# Rows, depth, columns: for the kernels in C of small matrices and of few rows, ATen's and oneDNN's.
_PRODUCTS = [(8, 8, 8), (3, 500, 512), (40, 100, 70), (200, 300, 256)]


def _product(sizes, dtype=tf.float32, is_constant=False):
    rows, depth, columns = sizes
    x, residual = tf.placeholder(dtype, [rows, depth]), tf.placeholder(dtype, [rows, columns])
    weights = random.randn(depth, columns).astype(dtype.as_numpy_dtype) / depth**0.5
    w = tf.constant(weights) if is_constant else tf.placeholder(dtype, weights.shape)
    bias = tf.constant(np.linspace(-1, 1, columns), dtype)
    return x, w, bias, residual


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("is_constant", [False, True], ids=["fed", "frozen"])
@pytest.mark.parametrize("sizes", _PRODUCTS)
def test_products(sizes, is_constant, activation):
    x, w, bias, residual = _product(sizes, is_constant=is_constant)
    product = tf.matmul(x, w)
    feed = random_feed(*(value for value in (x, residual, w) if value.op.type == "Placeholder"))
    for total in (product + residual, residual + product, product + bias + residual, product + residual + bias):
        fetch = call(activation, total) if activation else total
        plan, without = compared([fetch], feed, "fuse_residual", rtol=1e-5, atol=1e-5)
        assert len(types(plan)) == (2 if "_PackedMatMul" in types(plan) else 1)
        assert {"Add", "AddV2"} & set(types(without))


@pytest.mark.parametrize("transposes", [(False, True), (True, False), (True, True)])
def test_transposed_factors(transposes):
    for sizes in _PRODUCTS:
        rows, depth, columns = sizes
        a = tf.placeholder(tf.float32, [depth, rows] if transposes[0] else [rows, depth])
        b = tf.placeholder(tf.float32, [columns, depth] if transposes[1] else [depth, columns])
        c = tf.placeholder(tf.float32, [rows, columns])
        y = tf.tanh(tf.matmul(a, b, *transposes) * 1.0 + c)
        plan, _ = compared([y], random_feed(a, b, c), "fuse_residual", rtol=1e-4, atol=1e-4)
        assert types(plan) == ["_FusedMatMul"]


def test_products_in_double_precision():
    x, w, bias, residual = _product((5, 6, 7), tf.float64)
    fetches = [tf.sigmoid(tf.matmul(x, w) + bias + residual), tf.nn.elu(tf.matmul(x, w + 1.0))]
    plan, _ = compared(fetches, random_feed(x, w, residual), "fuse_residual", rtol=1e-12)
    assert types(plan) == ["_FusedMatMulWithResidual", "AddV2", "_ActivatedMatMul"]


def test_gradients_of_a_value_that_is_taken_twice():
    x, w, _, _ = _product((6, 10, 10))
    h = tf.sin(x)
    y = tf.matmul(h, w) + h
    fetches = [y, *tf.gradients(tf.reduce_sum(tf.exp(y)), [x, w])]
    plan, without = compared(fetches, random_feed(x, w), "fuse_residual")
    assert types(plan).count("_FusedMatMul") == 2
    assert "AddN" in types(without) and "AddN" not in types(plan)


def test_two_products_that_are_added():
    a, b = tf.placeholder(tf.float32, [4, 100]), tf.placeholder(tf.float32, [100, 90])
    plan, _ = compared([tf.matmul(a, b) + tf.matmul(tf.exp(a), b)], random_feed(a, b), "fuse_residual", atol=1e-4)
    assert sorted(types(plan)) == ["Exp", "MatMul", "_FusedMatMul"]


def test_products_whose_rows_are_not_known_get_a_bias_alone():
    x, w, bias = (tf.placeholder(tf.float32, shape) for shape in ([None, 4], [4, 4], [4]))
    plan = plan_of([tf.nn.relu(tf.matmul(x, w) + bias + x)], [x, w, bias])
    assert types(plan) == ["_FusedMatMul", "AddV2", "Relu"]


# --- activations ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("residual", [False, True], ids=["bias", "residual"])
@pytest.mark.parametrize("activation", ACTIVATIONS[1:])
@pytest.mark.parametrize(("window", "stride", "depth"), [(3, 1, 16), (5, 2, 3), (1, 1, 20), (3, 2, 20)],
                         ids=["winograd", "shallow", "1x1", "other"])  # fmt: skip
def test_activations_of_convolutions_in_training_and_inference(window, stride, depth, activation, residual):
    x = tf.placeholder(tf.float32, [3, 14, 13, depth])
    shape = tf.nn.conv2d(x, _filter(window, depth, 32), stride, "SAME").shape
    shortcut = tf.placeholder(tf.float32, shape)
    for is_constant in (False, True):
        filter = _filter(window, depth, 32, is_constant)
        y = tf.nn.conv2d(x, filter, stride, "SAME") + tf.linspace(-1.0, 1.0, 32)
        y = call(activation, y + shortcut if residual else y)
        feed = random_feed(x, shortcut, *([] if is_constant else [filter]))
        gradients = [] if is_constant else tf.gradients(tf.reduce_sum(tf.sin(y)), [filter])
        plan, _ = compared([y, *gradients], feed, "all", rtol=1e-4, atol=1e-4)
        assert not {activation, "Conv2D", "Add", "AddV2"} & set(types(plan))


@pytest.mark.parametrize("activation", ACTIVATIONS[1:])
def test_training_fuses_activations_whose_gradient_takes_the_output(activation):
    x, w, bias, _ = _product((6, 10, 10))
    y = call(activation, tf.matmul(x, w) + bias)
    gradients = tf.gradients(tf.reduce_sum(y * y), [x, w, bias])
    plan, without = compared([y, *gradients], random_feed(x, w), "all")
    assert "_FusedMatMul" in types(plan) and activation not in types(plan)
    assert activation in types(without)


@pytest.mark.parametrize("activation", [tf.nn.softplus, tf.nn.softsign, tf.nn.leaky_relu, tf.exp])
def test_other_activations_stay(activation):
    x, w, bias, _ = _product((6, 10, 10))
    plan = plan_of([activation(tf.matmul(x, w) + bias)], [x, w])
    assert types(plan)[0] == "_FusedMatMul" and len(types(plan)) == 2
    assert plan.nodes[-2].attrs["activation"] == ""


def test_a_sigmoid_of_a_value_that_is_multiplied_by_it_stays():
    x, w, bias, _ = _product((60, 10, 10))
    y = tf.matmul(x, w) + bias
    plan, _ = compared([y * tf.sigmoid(y)], random_feed(x, w), "fuse_residual")
    assert types(plan) == ["_FusedMatMul", "_Silu"]


def test_a_pool_after_another_activation_stays():
    x, filter = tf.placeholder(tf.float32, [8, 12, 14, 16]), tf.placeholder(tf.float32, [3, 3, 16, 32])
    sums = tf.nn.conv2d(x, filter, 1, "SAME") + tf.linspace(-1.0, 1.0, 32)
    pools = [tf.nn.max_pool(activation(sums), [1, 2, 2, 1], [1, 2, 2, 1], "VALID")
             for activation in (tf.tanh, tf.nn.relu6)]  # fmt: skip
    plan, _ = compared([pools[0]], random_feed(x, filter), "fuse_pool")
    assert types(plan) == ["_FusedConv2D", "MaxPool"]
    plan, _ = compared([pools[1]], random_feed(x, filter), "fuse_pool")
    assert types(plan) == ["_FusedConv2DMaxPool"] or winograd.load() is None


def test_products_and_activations_under_the_jit(monkeypatch):
    monkeypatch.setenv("REFLOW_JIT", "1")
    x, w, bias, residual = _product((8, 8, 8))
    images, filter = tf.placeholder(tf.float32, [2, 6, 6, 16]), tf.placeholder(tf.float32, [3, 3, 16, 16])
    y = tf.tanh(tf.matmul(x, w) + bias + residual)
    z = tf.nn.relu6(tf.nn.conv2d(images, filter, 1, "SAME") + images)
    for _ in range(3):
        y, z = tf.sin(y * 0.5) + 1.0, tf.sin(z * 0.5) + 1.0
    feed = random_feed(x, w, residual, images, filter)
    with tf.Session() as session:
        got = session.run([y, z], feed)
        assert session.plan([y, z], feed).plan.jit.segments
    monkeypatch.setenv("REFLOW_JIT", "0")
    monkeypatch.setenv("REFLOW_DISABLE_PASSES", "all")
    with tf.Session() as session:
        for one, other in zip(got, session.run([y, z], feed), strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-5)


# --- what else a value is wanted for ----------------------------------------------------------------------------------


def test_packed_by_the_library(monkeypatch):
    monkeypatch.setattr(winograd, "load", lambda: None)
    monkeypatch.setattr(direct_conv, "load", lambda: None)
    x = tf.placeholder(tf.float32, [2, 14, 14, 32])
    y = tf.nn.relu(tf.nn.conv2d(x, _filter(3, 32, 32), [1, 1, 1, 1], "SAME") + x)
    plan, _ = compared([y], random_feed(x), "fuse_residual", rtol=1e-5, atol=1e-5)
    assert types(plan) == ["_PackedWeights", "_PackedConv2D"]


def test_a_residual_that_is_a_view_of_other_numbers():
    x, filter = tf.placeholder(tf.float32, [2, 12, 12, 16]), tf.placeholder(tf.float32, [3, 3, 16, 16])
    wide = tf.placeholder(tf.float32, [2, 24, 12, 16])
    y = tf.nn.conv2d(x, filter, [1, 1, 1, 1], "SAME") + wide[:, ::2]
    plan, _ = compared([y], random_feed(x, filter, wide), "fuse_residual", rtol=1e-6, atol=1e-6)
    assert "AddV2" not in types(plan)


def _sums(columns=16):
    x = tf.placeholder(tf.float32, [2, 8, 8, 16], "x")
    filter = tf.placeholder(tf.float32, [3, 3, 16, columns], "filter")
    return tf.nn.conv2d(x, filter, [1, 1, 1, 1], "SAME"), x, filter


def _is_fused(fetches, *feeds):
    return "_FusedConv2D" in types(plan_of(fetches, feeds))


def test_what_is_needed_before_the_sum_stays():
    y, x, filter = _sums()
    assert _is_fused([y + x], x, filter)
    assert not _is_fused([y + x, y], x, filter)
    assert not _is_fused([y + x, tf.exp(y)], x, filter)
    assert "_FusedConv2D" not in types(plan_of([y + y], [x, filter]))


def test_a_sum_that_another_node_waits_for():
    y, x, filter = _sums()
    counter = tf.Variable(0)
    total = y + x
    for waited_for in (y, total):
        with tf.control_dependencies([waited_for]):
            bump = tf.assign_add(counter, 1)
        plan = plan_of([tf.nn.relu(total), bump], [x, filter])
        verify(plan, "test")
        with tf.Session() as session:
            session.run(counter.initializer)
            feed = random_feed(x, filter)
            assert session.run([tf.nn.relu(total), bump], feed)[1] == 1
    plan = plan_of([tf.nn.relu(total)], [x, filter], targets=[y.op])
    assert "_FusedConv2D" not in types(plan) and plan.targets == [plan.nodes[0]]


def test_a_fed_sum():
    y, x, filter = _sums()
    plan = plan_of([y + x], [x, y])
    assert types(plan) == ["AddV2"]


def test_devices_and_branches_that_differ():
    with tf.device("/cpu:0"):
        x, filter = tf.placeholder(tf.float32, [2, 8, 8, 16]), tf.placeholder(tf.float32, [3, 3, 16, 16])
        y = tf.nn.conv2d(x, filter, 1, "SAME")
    with tf.device("/cpu:1"):
        total = y + x
    assert "_FusedConv2D" not in types(plan_of([total], [x, filter]))
    choice = tf.placeholder(tf.bool, [])
    chosen = tf.cond(choice, lambda: y + x, lambda: x)
    plan = plan_of([chosen], [x, filter, choice])
    assert "_FusedConv2D" not in types(plan) and "Conv2D" in types(plan)
    inside = tf.cond(choice, lambda: tf.nn.relu(tf.nn.conv2d(x, filter, 1, "SAME") + x), lambda: x)
    assert "_FusedConv2D" in types(plan_of([inside], [x, filter, choice]))


def test_a_sum_that_is_needed_before_its_relu():
    y, x, filter = _sums()
    total = y + x
    plan, _ = compared([tf.nn.relu(total), total], random_feed(x, filter), "fuse_residual")
    assert types(plan) == ["_FusedConv2D", "Relu"]


def test_shapes_that_are_broadcast_or_unknown_stay():
    y, x, filter = _sums()
    row = tf.placeholder(tf.float32, [1, 8, 8, 16])
    image = tf.placeholder(tf.float32, [4, 1, 1, 1, 1])
    unknown = tf.placeholder(tf.float32, [None, 8, 8, 16])
    for other in (row, image, unknown):
        assert not _is_fused([y + other], x, filter, other)


def test_two_convolutions_that_are_added():
    y, x, filter = _sums()
    z = tf.nn.conv2d(x, filter, [1, 1, 1, 1], "SAME", dilations=[1, 2, 2, 1])
    plan, _ = compared([tf.nn.relu(y + z)], random_feed(x, filter), "fuse_residual")
    assert types(plan) == ["Conv2D", "_FusedConv2D"]
    assert plan.nodes[1].inputs[2] is plan.nodes[0].outputs[0]


def test_a_residual_that_is_made_after_the_convolution():
    y, x, filter = _sums()
    plan, _ = compared([tf.exp(x) + y], random_feed(x, filter), "fuse_residual")
    assert types(plan) == ["Exp", "_FusedConv2D"]


def test_blocks_in_a_row():
    y, x, filter = _sums()
    first = tf.nn.relu(y + x)
    second = tf.nn.relu(tf.nn.conv2d(first, filter, [1, 1, 1, 1], "SAME") + first)
    plan, _ = compared([second], random_feed(x, filter), "fuse_residual", rtol=1e-6, atol=1e-5)
    assert types(plan) == ["_FusedConv2D", "_FusedConv2D"]


def test_folded_batch_norm():
    x = tf.placeholder(tf.float32, [2, 8, 8, 16])
    y = tf.nn.conv2d(x, _filter(3, 16, 16), [1, 1, 1, 1], "SAME")
    statistics = [tf.constant(random.rand(16).astype("f") + 0.5) for _ in range(4)]
    norm, _, _ = tf.nn.fused_batch_norm(y, *statistics, is_training=False)
    plan, _ = compared([tf.nn.relu(norm + x)], random_feed(x), "fuse_residual", rtol=1e-5, atol=1e-5)
    assert set(types(plan)) <= {"_PackedWeights", "_WinogradConv2D", "_DirectConv2D", "_PackedConv2D", "_FusedConv2D"}


def _residual_net(normalized):
    """Images, labels and loss of two residual blocks; the second has a projection for its shortcut."""
    x = tf.placeholder(tf.float32, [4, 12, 12, 16])
    labels = tf.placeholder(tf.int64, [4])

    def conv(x, depth, window=3, stride=1):
        return tf.layers.conv2d(x, depth, window, stride, "same", use_bias=not normalized)

    def norm(x):
        return tf.layers.batch_normalization(x, training=True) if normalized else x

    y = x + conv(tf.nn.relu(norm(conv(tf.nn.relu(norm(x)), 16))), 16)
    y = tf.nn.relu(conv(y, 32, 1, 2) + conv(tf.nn.relu(norm(conv(y, 32, 3, 2))), 32))
    logits = tf.layers.dense(tf.reduce_mean(y, [1, 2]), 5)
    return x, labels, tf.losses.sparse_softmax_cross_entropy(labels, logits)


def _losses(disabled, monkeypatch, normalized):
    """Of twenty steps of a small net."""
    monkeypatch.setenv("REFLOW_DISABLE_PASSES", disabled)
    with tf.Graph().as_default():
        tf.set_random_seed(3)
        x, labels, loss = _residual_net(normalized)
        step = tf.train.MomentumOptimizer(0.05, 0.9).minimize(loss)
        feed = {x: np.random.RandomState(1).randn(4, 12, 12, 16).astype("f"), labels: [0, 4, 2, 1]}
        with tf.Session() as session:
            session.run(tf.global_variables_initializer())
            losses = [session.run([loss, step], feed)[0] for _ in range(20)]
            notes = "\n".join(session.plan([loss, step], feed).plan.notes)
    assert ("residual" in notes) == (not disabled)
    return losses


@pytest.mark.parametrize("normalized", [False, True], ids=["bias", "batch norm"])
def test_training_goes_as_without(monkeypatch, normalized):
    losses = _losses("", monkeypatch, normalized)
    for disabled in ("fuse_residual", "all"):
        np.testing.assert_allclose(losses, _losses(disabled, monkeypatch, normalized), rtol=1e-5, atol=1e-5)
    assert losses[-1] < losses[0] / 2


def test_gradients():
    y, x, filter = _sums()
    shortcut = tf.placeholder(tf.float32, y.shape, "shortcut")
    out = tf.nn.relu(y + shortcut)
    gradients = tf.gradients(tf.reduce_sum(out * tf.cos(out)), [x, filter, shortcut])
    plan, _ = compared([out, *gradients], random_feed(x, filter, shortcut), "fuse_residual", rtol=1e-4, atol=1e-4)
    assert "_FusedConv2D" in types(plan) and "AddV2" not in types(plan)
