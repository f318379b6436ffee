"""Layout: what a program computes with channels first runs with channels last, with few transpositions."""

import numpy as np
import pytest

import reflow as tf
from reflow.engine import pipeline
from reflow.engine.plan import build_plan
from tests.engine.passes.plans import compared, plan_of, random_feed, types

FIRST, LAST = [0, 3, 1, 2], [0, 2, 3, 1]
_MOVED = "_TransposeInMemory"
random = np.random.RandomState(5)


def _constant(*shape):
    return tf.constant(random.randn(*shape).astype(np.float32) * 0.3)


def _conv(x, channels, size=3, stride=1, padding="SAME", data_format="NCHW"):
    filters = _constant(size, size, x.shape[1 if data_format == "NCHW" else 3].value, channels)
    strides = [1, 1, stride, stride] if data_format == "NCHW" else [1, stride, stride, 1]
    return tf.nn.conv2d(x, filters, strides, padding, data_format=data_format)


def _images(*shape):
    return tf.placeholder(tf.float32, shape or (4, 3, 10, 8))


def _check(fetches, *placeholders, rtol=1e-5, atol=1e-4):
    """The ops of the plan with the pass, whose results are those without it."""
    feed = random_feed(*placeholders)
    with_pass, without = compared(fetches, feed, "layout", rtol, atol)
    assert any(note.startswith("layout: ") for note in with_pass.notes)
    assert not any(note.startswith("layout: ") for note in without.notes)
    assert _MOVED not in types(without)
    assert all(n.attrs.get("data_format") != b"NCHW" for n in with_pass.nodes)
    _check_dims(with_pass, feed)
    return types(with_pass)


def _check_dims(plan, feed):
    """What the plan believes of its images is what their rules say."""
    for node in plan.nodes:
        if node.op_def.shape is not None and node.type not in ("Const", "_Read"):
            for value, dims in zip(node.outputs, node.op_def.shape(node), strict=True):
                assert value.dims == dims or dims is None or None in dims, node


def _results(fetches, feed):
    """What sessions with the pass and without it return."""
    results = []
    for disabled in ("", "layout"):
        with tf.Session() as session:
            session._options.disabled = frozenset([disabled])
            results.append(session.run(fetches, feed))
    return results


def _left_alone(fetches, *placeholders):
    with_pass, without = compared(fetches, random_feed(*placeholders), "layout")
    assert types(with_pass) == types(without)


# --- single regions --------------------------------------------------------------------------------------------------


def test_one_pair_of_transposes_around_a_block():
    x = _images()
    y = tf.nn.relu(tf.nn.bias_add(_conv(x, 8), _constant(8), data_format="NCHW"))
    y = tf.nn.max_pool(_conv(y, 6), [1, 1, 2, 2], [1, 1, 2, 2], "SAME", data_format="NCHW")
    ops = [op for op in _check([y], x) if op != "_PackedWeights"]
    assert ops.count(_MOVED) == 2 and ops[0] == ops[-1] == _MOVED


def test_the_note_counts():
    x = _images()
    plan = plan_of([tf.nn.relu(_conv(_conv(x, 8), 6))], [x])
    assert "layout: 3 nodes in NHWC, transposes that remain: 2" in plan.notes


def test_a_note_of_nothing_for_channels_last():
    x = _images(4, 10, 8, 3)
    assert not any("layout" in note for note in plan_of([_conv(x, 8, data_format="NHWC")], [x]).notes)


def test_images_of_one_channel_are_reshaped():
    x = _images(4, 1, 10, 8)
    ops = _check([tf.nn.relu(_conv(x, 8))], x)
    assert ops.count(_MOVED) == 1 and ops.count("Reshape") == 1


def test_transposes_of_the_program_cancel():
    x = _images(4, 10, 8, 3)
    y = tf.nn.relu(_conv(_conv(tf.transpose(x, FIRST), 8), 6))
    ops = _check([tf.transpose(y, LAST)], x)
    assert _MOVED not in ops and "Transpose" not in ops


def test_a_transpose_that_others_want_too_stays():
    x = _images(4, 10, 8, 3)
    first = tf.transpose(x, FIRST)
    ops = _check([_conv(first, 8), first + 0.0 * tf.reshape(_constant(8), [8])], x)
    assert ops.count(_MOVED) + ops.count("Transpose") == 2


def test_a_transpose_to_channels_last_shares_the_one_that_is_made():
    x = _images(4, 3, 10, 8)
    y = tf.nn.relu(_conv(x, 8))
    ops = _check([tf.transpose(y, LAST), tf.transpose(x, LAST) * 2.0], x)
    assert ops.count(_MOVED) == 1 and "Transpose" not in ops


def test_a_transpose_of_what_has_its_channels_last_already():
    """The program takes a tensor for one with channels last, which it is not."""
    x = _images(4, 3, 10, 8)
    y = tf.transpose(_conv(x, 8), FIRST)
    _check([_conv(y, 4), tf.transpose(_conv(tf.transpose(y, LAST), 4), LAST)], x)


def test_lrn_between_transposes():
    x = _images(4, 3, 10, 8)
    y = tf.nn.lrn(tf.transpose(_conv(x, 8), LAST), 2)
    ops = _check([tf.reduce_mean(_conv(tf.transpose(y, FIRST), 4), [2, 3])], x)
    assert ops.count(_MOVED) == 1 and "Transpose" not in ops


def test_global_pool_and_flatten():
    x = _images()
    y = tf.nn.relu(_conv(x, 8))
    y = tf.nn.avg_pool(y, [1, 1, 10, 8], [1, 1, 1, 1], "VALID", data_format="NCHW")
    assert _check([tf.squeeze(y, [2, 3]), tf.reshape(y, [4, 8])], x).count(_MOVED) == 1


def test_explicit_padding_and_dilation():
    x = _images()
    y = tf.nn.conv2d(x, _constant(3, 3, 3, 8), [1, 1, 2, 1], [[0, 0], [0, 0], [2, 1], [0, 3]], data_format="NCHW")
    y = tf.nn.conv2d(y, _constant(3, 2, 8, 8), [1, 1, 1, 1], "VALID", data_format="NCHW", dilations=[1, 1, 1, 2])
    assert _check([y], x).count(_MOVED) == 2


@pytest.mark.parametrize("op", ["depth_to_space", "space_to_depth"])
def test_blocks_of_space(op):
    x = _images()
    y = getattr(tf, op)(_conv(x, 8), 2, data_format="NCHW")
    assert _check([_conv(y, 4)], x).count(_MOVED) == 2


def test_depthwise():
    x = _images()
    y = tf.nn.depthwise_conv2d(_conv(x, 4), _constant(3, 3, 4, 2), [1, 1, 2, 2], "SAME", data_format="NCHW")
    y = _conv(tf.nn.relu6(y), 6, size=1)
    assert _check([y, *tf.gradients(y, x)], x).count(_MOVED) == 3


# --- ops that do not mind the order ----------------------------------------------------------------------------------


def _middle(function):
    """A region with `function` of an image of [4, 8, 10, 8] in it."""
    x = _images()
    y = function(_conv(x, 8))
    return _check([_conv(y, 4)], x)


@pytest.mark.parametrize("function", [
    lambda y: tf.nn.elu(y) * tf.sigmoid(y),
    lambda y: y * _constant(8, 1, 1) + _constant(1, 8, 1, 1),
    lambda y: y * _constant(8) - _constant(10, 1) * 2.0,
    lambda y: y - _constant(4, 8, 10, 8),
    lambda y: tf.add_n([y, tf.nn.relu(y), tf.tanh(y)]),
    lambda y: tf.clip_by_value(y, -0.5, 0.5),
    lambda y: tf.where(y > 0.0, y, tf.square(y)),
    lambda y: tf.where(tf.constant([True, False, True, True]), y, -y),
    lambda y: tf.cast(tf.cast(y, tf.float64), tf.float32),
    lambda y: y - tf.reduce_mean(y, [2, 3], keepdims=True),
    lambda y: y / tf.norm(y, axis=1, keepdims=True),
    lambda y: tf.concat([y, y * 2.0, -y], 1),
    lambda y: tf.concat([y, y * 2.0], -2),
    lambda y: tf.add_n(tf.split(y, 2, 1)),
    lambda y: tf.concat(tf.split(y, [3, 4, 1], -3)[::-1], 1),
    lambda y: tf.pad(y, [[0, 0], [0, 0], [1, 2], [3, 0]]),
    lambda y: tf.pad(y, [[0, 0], [1, 0], [1, 2], [3, 0]], constant_values=7.0),
    lambda y: tf.pad(y, [[0, 0], [0, 0], [1, 2], [3, 0]], "REFLECT"),
    lambda y: tf.slice(y, [0, 2, 1, 0], [-1, 4, 5, 8]),
    lambda y: tf.tile(y, [1, 2, 1, 3]),
    lambda y: y[:, :5] + y[:, 3:],
    lambda y: y[1:, ::2, -7:, 5:0:-2],
    lambda y: tf.stop_gradient(y) + tf.zeros_like(y),
    lambda y: tf.fill([4, 8, 10, 8], tf.reduce_sum(y)) + y,
    lambda y: tf.broadcast_to(y[:, :, :1], [4, 8, 10, 8]) + y,
    lambda y: tf.nn.bias_add(tf.nn.leaky_relu(y), _constant(8), data_format="NCHW"),
])  # fmt: skip
def test_in_the_middle(function):
    ops = _middle(function)
    assert ops.count(_MOVED) == 2, ops


def test_dropout_masks_are_transposed_and_keep_their_numbers():
    x = _images()
    y = _conv(tf.nn.dropout(_conv(x, 8), rate=0.5, seed=3), 4)
    ops = {name: types(plan_of([y], [x], [name])) for name in ("", "layout")}
    # The mask is a tensor of random numbers in the order of the program.
    assert ops[""].count(_MOVED) == 3 and _MOVED not in ops["layout"]
    np.testing.assert_allclose(*_results(y, random_feed(x)), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("axes, keepdims, count", [
    ([2, 3], False, 1), ([0, 2, 3], False, 1), ([1], False, 1), ([0], True, 2), (None, False, 1), ([2], False, 2),
    ([-1, -2], True, 1), ([0, 1], False, 1),
])  # fmt: skip
@pytest.mark.parametrize("reduce", [tf.reduce_sum, tf.reduce_max])
def test_reductions(reduce, axes, keepdims, count):
    x = _images()
    ops = _check([reduce(_conv(x, 8), axes, keepdims=keepdims)], x)
    assert ops.count(_MOVED) == count


def test_arg_max_and_l2_loss():
    x = _images()
    y = _conv(x, 8)
    assert _check([tf.argmax(y, 1), tf.nn.l2_loss(y)], x).count(_MOVED) == 1
    assert _check([tf.argmax(y, 2)], x).count(_MOVED) == 2


# --- what costs more than it saves -----------------------------------------------------------------------------------


def test_a_convolution_alone_moves_where_winograd_pays():
    x = _images(4, 16, 10, 8)
    assert _check([_conv(x, 16)], x).count(_MOVED) == 2
    _left_alone([_conv(x, 16, size=1)], x)


def test_a_pool_alone_moves_if_it_has_channels():
    x = _images(4, 16, 10, 8)
    y = tf.nn.max_pool(x, [1, 1, 3, 3], [1, 1, 1, 1], "SAME", data_format="NCHW")
    assert _check([y, *tf.gradients(y, x)], x).count(_MOVED) == 3


def test_a_pool_of_few_channels_stays():
    x = _images()
    _left_alone([tf.nn.max_pool(x, [1, 1, 2, 2], [1, 1, 1, 1], "SAME", data_format="NCHW")], x)


def test_a_norm_between_tensors_in_the_order_of_the_program_stays():
    x, scale, offset = _images(), _constant(3), _constant(3)
    y = tf.nn.fused_batch_norm(x, scale, offset, data_format="NCHW")[0]
    _left_alone([y + tf.reshape(tf.matmul(tf.reshape(x, [40, 24]), _constant(24, 24)), [4, 3, 10, 8])], x)


def test_images_are_cast_after_they_are_transposed():
    x = tf.placeholder(tf.uint8, [4, 3, 10, 8])
    y = _conv(tf.cast(x, tf.float32) / 255.0, 8)
    plan = plan_of([tf.reduce_mean(y, [2, 3])], [x])
    (moved,) = [node for node in plan.nodes if node.type == _MOVED]
    assert moved.inputs[0].dtype is tf.uint8


def test_a_pad_at_the_end_is_made_after_the_transpose():
    x = _images()
    y = tf.pad(_conv(x, 8), [[0, 0], [0, 0], [9, 9], [9, 9]])
    ops = _check([y], x)
    assert ops[-1] == "Pad"


# --- correctness where plans are special -----------------------------------------------------------------------------


def test_fetches_in_the_middle():
    x = _images()
    y = _conv(x, 8)
    z = tf.nn.relu(y)
    assert _check([_conv(z, 4), y, z, x], x).count(_MOVED) == 4


def test_feeds_in_the_middle():
    x = _images()
    y = tf.nn.relu(_conv(x, 8))
    z = _conv(y * 2.0, 4)
    value = random.randn(4, 8, 10, 8).astype(np.float32)
    assert types(plan_of([z], [y])).count(_MOVED) == 2
    np.testing.assert_allclose(*_results(z, {y: value}), rtol=1e-4, atol=1e-4)


def test_control_edges_stay():
    x = _images()
    counter = tf.Variable(0, use_resource=False)
    y = _conv(x, 8)
    with tf.control_dependencies([y, counter.assign_add(1)]):
        z = tf.identity(tf.nn.relu(y))
    z = _conv(z, 4)
    plan = plan_of([z], [x])
    assert any(node.control for node in plan.nodes) and types(plan).count(_MOVED) == 2
    with tf.Session() as session:
        session.run(counter.initializer)
        session.run(z, random_feed(x))
        assert session.run(counter) == 1


@pytest.mark.parametrize("taken", [True, False])
def test_conditionals(taken):
    x, flag = _images(), tf.placeholder(tf.bool, [])
    y = _conv(x, 8)
    z = tf.cond(flag, lambda: tf.nn.relu(_conv(y, 8)) + tf.nn.relu(x[:1, :1]), lambda: y * 2.0)
    w = _conv(z, 4)
    _check_conditional([w, *tf.gradients(w, x)], {**random_feed(x), flag: np.array(taken)})


@pytest.mark.parametrize("taken", [True, False])
def test_a_conditional_that_passes_an_image_on(taken):
    x, flag = _images(), tf.placeholder(tf.bool, [])
    y = tf.cond(flag, lambda: tf.nn.relu(_conv(x, 3)), lambda: tf.identity(x))
    _check_conditional([_conv(y, 4), tf.shape(y)], {**random_feed(x), flag: np.array(taken)})


def _check_conditional(fetches, feed):
    plan = plan_of(fetches, feed)
    assert _MOVED in types(plan) and all(n.attrs.get("data_format") != b"NCHW" for n in plan.nodes)
    for got, want in zip(*_results(fetches, feed), strict=True):
        np.testing.assert_allclose(got, want, rtol=1e-4, atol=1e-4)


def test_only_the_branch_that_wants_an_image_transposes_it():
    x, flag = _images(), tf.placeholder(tf.bool, [])
    y = tf.cond(flag, lambda: tf.reduce_sum(_conv(x, 8)), lambda: tf.reduce_sum(x))
    (moved,) = [node for node in plan_of([y], [x, flag]).nodes if node.type == _MOVED]
    assert moved.guard


def test_shapes_that_only_the_run_tells():
    x = tf.placeholder(tf.float32, [None, 3, None, None])
    y = tf.nn.relu(_conv(x, 8))
    y = _conv(tf.nn.avg_pool(y, [1, 1, 2, 2], [1, 1, 2, 2], "SAME", data_format="NCHW"), 4)
    fetches = [y, tf.shape(y), tf.size(y), *tf.gradients(y * y, x)]
    plan = plan_of(fetches, [x])
    assert "DataFormatVecPermute" in types(plan) and all(n.attrs.get("data_format") != b"NCHW" for n in plan.nodes)
    results = []
    for disabled in ("", "layout"):
        with tf.Session() as session:
            session._options.disabled = frozenset([disabled])
            for size in range(5, 13):
                results.append(session.run(fetches, {x: np.random.RandomState(size).randn(2, 3, size, 9)}))
    for got, want in zip(results[:8], results[8:], strict=True):
        for g, w in zip(got, want, strict=True):
            np.testing.assert_allclose(g, w, rtol=1e-4, atol=1e-4)


def test_large_constants_are_not_kept_twice():
    images = tf.constant(np.zeros([1, 8, 400, 400], np.float32))
    factor = tf.placeholder(tf.float32, [])
    plan = plan_of([tf.reduce_mean(_conv(images * factor, 8), [2, 3])], [factor])
    assert types(plan).count(_MOVED) == 1


def test_several_devices():
    x = _images()
    with tf.device("/cpu:0"):
        y = tf.nn.relu(_conv(x, 8))
    with tf.device("/cpu:1"):
        z = tf.nn.relu(_conv(y, 8)) + y
    feed, results = random_feed(x), []
    for disabled in ("", "layout"):
        with tf.Session(config=tf.ConfigProto(device_count={"CPU": 2})) as session:
            session._options.disabled = frozenset([disabled])
            results.append(session.run([z, *tf.gradients(z, x)], feed))
    for got, want in zip(*results, strict=True):
        np.testing.assert_allclose(got, want, rtol=1e-4, atol=1e-4)


def test_nodes_on_a_gpu_are_left_alone():
    x = _images()
    y = _conv(x, 8)
    plan = build_plan([y], [], [x])
    for node in plan.nodes:
        node.device = "/job:localhost/replica:0/task:0/device:GPU:0"
    options = pipeline.Options(disabled=frozenset(name for name, _ in pipeline.PASSES if name != "layout"))
    assert _MOVED not in types(pipeline.optimize(plan, options))


def test_the_graph_is_not_touched():
    x = _images()
    y = _conv(x, 8)
    plan_of([y], [x])
    assert y.op.get_attr("data_format") == b"NCHW" and y.op.get_attr("strides") == [1, 1, 1, 1]
    assert y.op.outputs[0].shape.as_list() == [4, 8, 10, 8]


# --- training: twins from the same weights ----------------------------------------------------------------------------


class _Net:
    """Layers in a data format, in variables of one order and one set of values."""

    def __init__(self, data_format):
        self.format, self.axis = data_format, 1 if data_format == "NCHW" else 3
        self.keras = "channels_first" if data_format == "NCHW" else "channels_last"
        self.space = [2, 3] if data_format == "NCHW" else [1, 2]
        self._seed = 0

    def conv(self, x, channels, size=3, stride=1, **options):
        self._seed += 1
        return tf.layers.conv2d(
            x, channels, size, stride, "same", data_format=self.keras,
            kernel_initializer=tf.random_normal_initializer(stddev=0.2, seed=self._seed), **options
        )  # fmt: skip

    def norm(self, x):
        return tf.nn.relu(tf.layers.batch_normalization(x, self.axis, training=True, fused=True))

    def pool(self, x, kind="max"):
        return getattr(tf.layers, f"{kind}_pooling2d")(x, 2, 2, "same", data_format=self.keras)

    def flat(self, x):
        return tf.layers.flatten(x, data_format=self.keras)

    def relu(self, x, channels, size=3, **options):
        return self.conv(x, channels, size, activation=tf.nn.relu, **options)


def _plain(net, x):
    return net.flat(net.pool(net.relu(net.pool(net.relu(x, 8, 5)), 16, 5)))


def _with_norms(net, x):
    x = net.norm(net.conv(x, 8))
    return net.flat(net.pool(net.norm(net.conv(x, 8, stride=2)), "average"))


def _residual(net, x):
    x = net.relu(x, 8)
    x = tf.nn.relu(x + net.norm(net.conv(net.norm(net.conv(x, 8)), 8)))
    return tf.reduce_mean(net.conv(x, 8, 1, stride=2), net.space)


def _inception(net, x):
    x = net.relu(x, 8)
    pooled = net.relu(tf.layers.max_pooling2d(x, 3, 1, "same", data_format=net.keras), 4, 1)
    x = tf.concat([net.relu(x, 4, 1), net.relu(net.relu(x, 4, 1), 6), pooled], net.axis)
    return net.flat(net.pool(x))


def _separable(net, x):
    x = tf.layers.separable_conv2d(
        x, 8, 3, (2, 2), "same", data_format=net.keras, activation=tf.nn.elu,
        depthwise_initializer=tf.random_normal_initializer(seed=1),
        pointwise_initializer=tf.random_normal_initializer(seed=2),
    )  # fmt: skip
    pads = [[0, 0], [0, 0], [1, 0], [0, 1]] if net.axis == 1 else [[0, 0], [1, 0], [0, 1], [0, 0]]
    return net.flat(net.relu(tf.pad(x, pads), 8))


def _losses(network, data_format, optimizer, disabled=()):
    images = np.random.RandomState(1).randn(20, 8, 12, 12, 3).astype(np.float32)
    with tf.Graph().as_default():
        tf.set_random_seed(7)
        net = _Net(data_format)
        x = tf.placeholder(tf.float32, [8, 12, 12, 3])
        features = network(net, tf.transpose(x, FIRST) if net.axis == 1 else x)
        logits = tf.layers.dense(features, 5, kernel_initializer=tf.random_normal_initializer(stddev=0.1, seed=9))
        loss = tf.losses.sparse_softmax_cross_entropy(np.arange(8) % 5, logits)
        step = optimizer().minimize(loss)
        with tf.Session() as session:
            session._options.disabled = frozenset(disabled)
            session.run(tf.global_variables_initializer())
            losses = [session.run([loss, step], {x: batch})[0] for batch in images]
            plan = pipeline.optimize(build_plan([loss], [step], [x]), pipeline.Options(frozenset(disabled), True))
    return np.array(losses), types(plan)


@pytest.mark.parametrize("optimizer", [
    lambda: tf.train.AdamOptimizer(1e-3), lambda: tf.train.MomentumOptimizer(1e-3, 0.9),
], ids=["adam", "momentum"])  # fmt: skip
@pytest.mark.parametrize("network", [_plain, _with_norms, _residual, _inception, _separable])
def test_twins_train_alike(network, optimizer):
    first, ops = _losses(network, "NCHW", optimizer)
    last, ops_of_twin = _losses(network, "NHWC", optimizer)
    np.testing.assert_allclose(first, last, rtol=1e-5)
    np.testing.assert_allclose(first, _losses(network, "NCHW", optimizer, ["layout"])[0], rtol=1e-4)
    assert (first == _losses(network, "NCHW", optimizer)[0]).all()
    assert _MOVED not in ops and ops.count("Transpose") == 0
    assert _kernels(ops) == _kernels(ops_of_twin)


def _kernels(ops):
    """What takes the time."""
    return sorted(op for op in ops if any(name in op for name in ("Conv", "Pool", "Norm", "Concat", "MatMul", "Relu")))
