"""What each pass does to a plan, and that plans compute the same without it."""

import numpy as np
import pytest
import torch

import reflow as tf
from reflow.engine import pipeline
from reflow.engine.emit import Emitter
from reflow.engine.plan import build_plan
from reflow.engine.verify import verify
from reflow.ops.resources import ResourceManager


@pytest.fixture(autouse=True)
def graph():
    with tf.Graph().as_default() as graph:
        yield graph


def _plan(fetches, feeds=(), shapes=None, disabled=()):
    plan = build_plan(list(fetches), [], list(feeds))
    for value, shape in zip(plan.feeds, shapes or [f.dims for f in feeds], strict=True):
        value.dims = tuple(shape)
    return pipeline.optimize(plan, pipeline.Options(disabled=frozenset(disabled), verify=True))


def _types(plan):
    return [n.type for n in plan.nodes if n.type != "Const"]


def test_fed_shapes_fold_what_is_computed_from_shapes():
    x = tf.placeholder(tf.float32, [None, 3])
    count = tf.shape(x)[0] * 2
    assert _types(_plan([count], [x], [(5, 3)])) == []
    assert _plan([count], [x], [(5, 3)]).fetches[0].node.attrs["value"] == 10
    assert "Shape" in _types(_plan([count], [x], [(5, 3)], disabled={"folding"}))


def test_constants_fold():
    plan = _plan([tf.constant([1.0, 2.0]) * 3.0])
    assert _types(plan) == []
    np.testing.assert_array_equal(plan.fetches[0].node.attrs["value"], [3, 6])


def test_random_ops_do_not_fold():
    assert "RandomUniform" in _types(_plan([tf.random_uniform([2])]))


def test_equal_nodes_merge_and_stateful_ones_do_not():
    x = tf.placeholder(tf.float32, [2])
    plan = _plan([tf.sin(x) + tf.sin(x)], [x])
    assert _types(plan).count("Sin") == 1
    plan = _plan([tf.sin(x) + tf.sin(x)], [x], disabled={"common_subexpressions"})
    assert _types(plan).count("Sin") == 2
    plan = _plan([tf.random_uniform([2], seed=1) + tf.random_uniform([2], seed=1)])
    assert _types(plan).count("RandomUniform") == 2


def test_identities_and_neutral_elements_go():
    x = tf.placeholder(tf.float32, [2, 3])
    y = tf.reshape(tf.identity(x) * 1.0 + 0.0, [2, 3])
    assert _types(_plan([tf.exp(y)], [x])) == ["Exp"]


def test_to_another_layout_and_back_is_nothing():
    x = tf.placeholder(tf.float32, [2, 3, 4, 5])
    there = tf.transpose(x, [0, 3, 1, 2])
    assert _types(_plan([tf.exp(tf.transpose(there, [0, 2, 3, 1]))], [x])) == ["Exp"]
    assert _types(_plan([tf.exp(tf.transpose(there, [0, 3, 1, 2]))], [x])) == ["Transpose", "Transpose", "Exp"]


@pytest.mark.parametrize("data_format", ["NHWC", "NCHW"])
def test_no_layout_is_transposed_to_and_fro(data_format):
    """NHWC tensors are seen as ATen's channels_last, NCHW ones are taken as they are."""
    first = data_format == "NCHW"
    x = tf.placeholder(tf.float32, [2, 3, 8, 8] if first else [2, 8, 8, 3])
    y = tf.nn.relu(tf.layers.conv2d(x, 4, 3, data_format="channels_first" if first else "channels_last"))
    window = [1, 1, 2, 2] if first else [1, 2, 2, 1]
    y = tf.nn.max_pool(y, window, window, "SAME", data_format=data_format)
    plan = _plan(tf.gradients(tf.reduce_sum(tf.square(y)), tf.trainable_variables()), [x], disabled={"layout"})
    assert "Transpose" not in _types(plan)
    if first:
        source = Emitter(plan, ResourceManager()).emit().source
        assert "permute(0, 3, 1, 2)" not in source and "permute(0, 2, 3, 1)" not in source


def test_control_edges_between_pure_nodes_go():
    x = tf.placeholder(tf.float32, [2])
    a, b = tf.tuple([tf.exp(x), tf.sin(x)])
    plan = _plan([a + b], [x])
    assert not any(n.control for n in plan.nodes)
    assert "NoOp" not in _types(plan) and "Identity" not in _types(plan)


def test_control_edges_from_effects_stay():
    v = tf.Variable(1.0)
    with tf.control_dependencies([tf.assign_add(v, 1.0)]):
        y = tf.constant(2.0) * 3.0
    assert "AssignAdd" in _types(_plan([y]))


@pytest.mark.parametrize("disabled", ["", "all"])
def test_random_numbers_that_are_only_waited_for_are_drawn(disabled, monkeypatch):
    monkeypatch.setenv("REFLOW_DISABLE_PASSES", disabled)
    x = tf.placeholder(tf.float32, [2])
    noise = tf.random_uniform([2], seed=1)
    with tf.control_dependencies([noise]):
        y = x * 2.0
    with tf.Session() as session:
        session.run(y, {x: [1, 1]})
        session.run(y, {x: [1, 1]})
        # The third draw of TensorFlow 1.15.5.
        np.testing.assert_allclose(session.run(noise), [0.97840536, 0.7541301])


@pytest.mark.parametrize("bias", ["add", "bias_add"])
@pytest.mark.parametrize("relu", [False, True])
def test_matmul_bias_relu_is_one_node(bias, relu):
    x, w, b = (tf.placeholder(tf.float32, s) for s in ([4, 3], [3, 2], [2]))
    y = tf.matmul(x, w) + b if bias == "add" else tf.nn.bias_add(tf.matmul(x, w), b)
    y = tf.nn.relu(y) if relu else y
    fused = _plan([y], [x, w, b])
    assert _types(fused) == ["_FusedMatMul"]
    assert fused.nodes[0].attrs["activation"] == ("Relu" if relu else "")


def test_matmul_is_not_fused_when_the_product_is_wanted_too():
    x, w, b = (tf.placeholder(tf.float32, s) for s in ([4, 3], [3, 2], [2]))
    product = tf.matmul(x, w)
    assert "_FusedMatMul" not in _types(_plan([product + b, product], [x, w, b]))


def test_bias_of_another_shape_is_not_fused():
    x, w, b = (tf.placeholder(tf.float32, s) for s in ([4, 3], [3, 2], [4, 1]))
    assert "_FusedMatMul" not in _types(_plan([tf.matmul(x, w) + b], [x, w, b]))


@pytest.mark.parametrize("waited_for", ["product", "sum"])
def test_a_product_or_sum_that_others_wait_for_stays(waited_for):
    x, w, b = (tf.placeholder(tf.float32, s) for s in ([4, 3], [3, 2], [2]))
    product = tf.matmul(x, w)
    total = product + b
    with tf.control_dependencies([product if waited_for == "product" else total]):
        late = tf.assign_add(tf.Variable(1.0), 1.0)
    plan = _plan([tf.nn.relu(total), late], [x, w, b], disabled=["control", "elementwise_programs"])
    assert ("_FusedMatMul" in _types(plan)) is (waited_for == "sum")
    assert "Relu" in _types(plan)


def _random_program(seed):
    """A small program of mixed ops with gradients: (fetches, feed)."""
    rng = np.random.RandomState(seed)
    x = tf.placeholder(tf.float32, [None, 4])
    y = x
    for _ in range(6):
        kind = rng.randint(6)
        if kind == 0:
            y = tf.nn.relu(tf.matmul(y, tf.constant(rng.randn(4, 4), tf.float32)) + rng.randn(4).astype(np.float32))
        elif kind == 1:
            y = tf.tanh(y) * tf.identity(y)
        elif kind == 2:
            y = y - tf.reduce_mean(y, 1, keepdims=True)
        elif kind == 3:
            y = tf.reshape(y, [-1, 2, 2])
            y = tf.reshape(tf.transpose(y, [0, 2, 1]), [tf.shape(y)[0], 4])
        elif kind == 4:
            y = tf.concat([y[:, :2], y[:, 2:] * 2.0], 1)
        else:
            y = tf.nn.softmax(y) + tf.exp(-tf.square(y))
    loss = tf.reduce_mean(tf.square(y))
    return [y, loss, *tf.gradients(loss, [x])], {x: rng.randn(5, 4).astype(np.float32)}


@pytest.mark.parametrize("seed", range(12))
def test_all_passes_off_and_on_agree(seed, monkeypatch):
    fetches, feed = _random_program(seed)
    with tf.Session() as session:
        optimized = session.run(fetches, feed)
    monkeypatch.setenv("REFLOW_DISABLE_PASSES", "all")
    with tf.Session() as session:
        plain = session.run(fetches, feed)
    for a, b in zip(optimized, plain, strict=True):
        np.testing.assert_allclose(a, b, rtol=2e-5, atol=1e-6)


_ALL_PASSES = pipeline.PASSES_BEFORE_PLACEMENT + pipeline.PASSES + pipeline.SCHEDULED_PASSES


@pytest.mark.parametrize("name", [name for name, _ in _ALL_PASSES])
def test_each_pass_can_be_left_out(name):
    fetches, feed = _random_program(3)
    feeds = list(feed)
    plan = _plan(fetches, feeds, [v.shape for v in feed.values()], disabled={name})
    verify(plan, "end")
    assert Emitter(plan, ResourceManager()).emit().source.startswith("def step(")


def test_dump_writes_the_plan_after_each_pass(tmp_path, monkeypatch):
    monkeypatch.setenv("REFLOW_DUMP", str(tmp_path))
    _plan([tf.constant(1.0) + 2.0])
    written = sorted(p.name for p in next(tmp_path.iterdir()).iterdir())
    assert written[0] == "00_prune.txt" and written[-1].endswith("in_place.txt")
    # Besides the passes: pruning and the schedule. Recomputation runs on request only.
    assert len(written) == len(_ALL_PASSES) + 1


def test_the_verifier_finds_a_value_that_nothing_makes():
    x = tf.placeholder(tf.float32, [2])
    plan = build_plan([tf.exp(tf.sin(x))], [], [x])
    plan.nodes = [n for n in plan.nodes if n.type != "Sin"]
    with pytest.raises(AssertionError, match="which nothing makes"):
        verify(plan, "test")


def test_a_long_plan_is_cut_into_functions():
    x = tf.placeholder(tf.float64, [2])
    y = x
    for _ in range(2500):
        y = tf.tanh(y) + x
    with tf.Session() as session:
        source = session.plan(y, {x: [0.5, 0.5]}).source
        got = session.run(y, {x: [0.5, 0.5]})
    assert "def part_1(" in source
    want = np.full(2, 0.5)
    for _ in range(2500):
        want = np.tanh(want) + np.float32(0.5)
    np.testing.assert_allclose(got, want, rtol=1e-5)


def test_updates_of_many_variables_are_one_node():
    x = tf.placeholder(tf.float32, [4, 3])
    w, b = tf.Variable(tf.ones([3, 2])), tf.Variable(tf.zeros([2]))
    loss = tf.reduce_mean(tf.square(tf.matmul(x, w) + b - 1.0))
    train = tf.train.MomentumOptimizer(0.1, 0.9).minimize(loss)
    plan = pipeline.optimize(build_plan([loss], [train], [x]), pipeline.Options(verify=True))
    types = [n.type for n in plan.nodes]
    assert types.count("_ApplyMany") == 1 and "ApplyMomentum" not in types


@pytest.mark.parametrize("data_format", ["NHWC", "NCHW"])
def test_convolution_bias_relu_is_one_node(data_format):
    shape = [2, 8, 8, 3] if data_format == "NHWC" else [2, 3, 8, 8]
    x, w, b = (tf.placeholder(tf.float32, s) for s in (shape, [3, 3, 3, 4], [4]))
    y = tf.nn.conv2d(x, w, [1, 1, 1, 1], "SAME", data_format=data_format)
    y = tf.nn.relu(tf.nn.bias_add(y, b, data_format=data_format))
    assert _types(_plan([y], [x, w, b], disabled={"layout"})) == ["_FusedConv2D"]
    rng = np.random.RandomState(0)
    feed = {p: rng.randn(*p.shape.as_list()).astype(np.float32) for p in (x, w, b)}
    plain = _plan([y], [x, w, b], disabled={"all"})
    with tf.Session() as session:
        fused = session.run(y, feed)
    tensors = [torch.from_numpy(feed[v.node.operation.outputs[0]]) for v in plain.feeds]
    want = Emitter(plain, ResourceManager()).emit().function(*tensors)[0].numpy()
    np.testing.assert_allclose(fused, want, rtol=1e-5, atol=1e-5)


def test_a_sum_of_products_over_time_is_one_product():
    w = tf.placeholder(tf.float32, [3, 2])
    h, total = tf.placeholder(tf.float32, [4, 3]), 0.0
    for _ in range(5):
        total += tf.reduce_sum(tf.tanh(tf.matmul(h, w)) ** 2)
        h = tf.concat([tf.tanh(tf.matmul(h, w)), h[:, :1]], 1)
    gradient = tf.gradients(total, w)[0]
    feeds = [w, w.graph.get_tensor_by_name("Placeholder_1:0")]
    types = _types(_plan([gradient], feeds))
    without = _types(_plan([gradient], feeds, disabled={"merge_products"}))
    assert without.count("MatMul") - types.count("MatMul") == 8


@pytest.mark.parametrize("padding", ["SAME", "VALID"])
def test_the_gradient_of_relu_moves_to_the_pooled_side(padding):
    x, b = tf.placeholder(tf.float32, [2, 7, 7, 3]), tf.placeholder(tf.float32, [3])
    pooled = tf.nn.max_pool(tf.nn.relu(tf.nn.bias_add(x, b)), [1, 3, 3, 1], [1, 2, 2, 1], padding)
    fetches = tf.gradients(tf.reduce_sum(tf.square(pooled)), [x, b])
    plan = _plan(fetches, [x, b])
    assert any("on the pooled side" in note for note in plan.notes)
    masks = [n.outputs[0].dims for n in plan.nodes if n.type in ("ReluGrad", "_ReluGradAndBiasAddGrad")]
    assert masks == [tuple(pooled.shape.as_list())]
    rng = np.random.RandomState(1)
    feeds = [torch.from_numpy(rng.randn(*v.dims).astype(np.float32)) for v in plan.feeds]
    got = Emitter(plan, ResourceManager()).emit().function(*feeds)
    plain = _plan(fetches, [x, b], disabled={"pool_gradient"})
    want = Emitter(plain, ResourceManager()).emit().function(*feeds)
    for a, c in zip(got, want, strict=True):
        np.testing.assert_allclose(a.numpy(), c.numpy(), rtol=1e-5, atol=1e-5)


def test_the_gradient_of_a_pool_that_is_run_for_itself_stays():
    x = tf.placeholder(tf.float32, [2, 7, 7, 3])
    relu = tf.nn.relu(x)
    pooled = tf.nn.max_pool(relu, [1, 3, 3, 1], [1, 2, 2, 1], "SAME")
    by_pool, by_x = tf.gradients(tf.reduce_sum(tf.square(pooled)), [relu, x])
    plan = build_plan([by_x], [by_pool.op], [x])
    plan = pipeline.optimize(plan, pipeline.Options(verify=True))
    assert not any("on the pooled side" in note for note in plan.notes)


@pytest.mark.parametrize(
    "simplified",
    [
        lambda x: x + 0.0, lambda x: x - 0.0, lambda x: x * 1.0, lambda x: 1.0 * x, lambda x: x / 1.0,
        lambda x: tf.reshape(x, [3]), lambda x: tf.reduce_sum(x, []), lambda x: tf.shape(tf.identity(x)),
        lambda x: tf.zeros_like(tf.identity(x)), lambda x: tf.reshape(x, tf.cast(tf.identity(x)[:1], tf.int32)),
        lambda x: tf.constant(1.0) + 2.0,
    ],
)  # fmt: skip
def test_what_a_simplified_node_waits_for_happens(simplified):
    with tf.Graph().as_default(), tf.Session() as session:
        count = tf.Variable(0)
        x = tf.placeholder(tf.float32, [None])
        with tf.control_dependencies([tf.assign_add(count, 1)]):
            y = simplified(x)
        session.run(count.initializer)
        session.run(y, {x: [3.0, 4.0, 5.0]})
        assert session.run(count) == 1


def test_the_order_of_effects_outlives_simplification():
    with tf.Graph().as_default(), tf.Session() as session:
        count = tf.Variable(0)
        x = tf.placeholder(tf.float32, [])
        with tf.control_dependencies([tf.assign_add(count, 1)]):
            y = x + 0.0
        with tf.control_dependencies([y * 2.0]):
            later = count.read_value()
        session.run(count.initializer)
        assert session.run(later, {x: 1.0}) == 1


def test_constants_that_do_not_fit_fail_as_a_node_does():
    with tf.Graph().as_default(), tf.Session() as session:
        y = tf.transpose(tf.constant([[1.0, 2.0]]), [0, 0])
        with pytest.raises(tf.errors.InvalidArgumentError, match="transpose"):
            session.run(y)
