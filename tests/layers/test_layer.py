"""Layers as objects: configuration, values, losses, updates, conditions; what graphs alone do not show."""

import copy
import inspect
import types

import numpy as np
import pytest

import reflow as tf


@pytest.fixture(autouse=True)
def graph():
    with tf.Graph().as_default() as graph:
        yield graph


def run(*fetches, feeds=None):
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        return session.run(list(fetches), feeds)


LAYERS = [
    tf.layers.Dense(3, activation="relu", use_bias=False),
    tf.layers.Dropout(0.3, noise_shape=[1, 2], seed=4),
    tf.layers.Flatten(data_format="channels_first"),
    tf.layers.BatchNormalization(axis=[1], momentum=0.5, renorm=True, renorm_clipping={"rmax": 2.0}),
    tf.layers.Conv1D(3, 2, strides=2),
    tf.layers.Conv2D(3, (2, 1), padding="same", kernel_initializer=tf.truncated_normal_initializer(stddev=0.2)),
    tf.layers.Conv3D(3, 2, dilation_rate=2),
    tf.layers.Conv2DTranspose(3, 2, strides=2),
    tf.layers.Conv3DTranspose(3, 2),
    tf.layers.SeparableConv1D(3, 2, depth_multiplier=2),
    tf.layers.SeparableConv2D(3, 2, depthwise_initializer="zeros"),
    tf.layers.MaxPooling2D(2, 1),
    tf.layers.AveragePooling3D((2, 1, 2), 1, padding="same"),
]


@pytest.mark.parametrize("layer", LAYERS, ids=lambda layer: type(layer).__name__)
def test_configuration_makes_an_equal_layer(layer):
    config = layer.get_config()
    again = type(layer).from_config(config)
    assert again is not layer
    assert again.get_config() == config


def test_layer_with_own_arguments_has_no_default_configuration():
    class Own(tf.layers.Layer):
        def __init__(self, size, **kwargs):
            super().__init__(**kwargs)
            self.size = size

    with pytest.raises(NotImplementedError):
        Own(3).get_config()
    assert tf.layers.Layer(name="plain").get_config() == {"name": "plain", "trainable": True, "dtype": None}


SPATIAL = [
    (tf.layers.Conv1D(4, 3, padding="same", strides=2), [2, 9, 3]),
    (tf.layers.Conv2D(4, 3, data_format="channels_last", dilation_rate=2), [2, 9, 8, 3]),
    (tf.layers.Conv2DTranspose(4, 3, strides=2), [2, 9, 8, 3]),
    (tf.layers.Conv3DTranspose(4, 3, strides=2, padding="same"), [2, 4, 5, 4, 2]),
    (tf.layers.SeparableConv2D(4, 3, strides=2), [2, 9, 8, 3]),
    (tf.layers.MaxPooling1D(3, 2), [2, 9, 3]),
    (tf.layers.AveragePooling2D(3, 2, data_format="channels_first", padding="same"), [2, 3, 9, 8]),
    (tf.layers.MaxPooling3D(2, 2, data_format="channels_first"), [2, 3, 9, 8, 7]),
    (tf.layers.Dense(4), [2, 3, 5]),
    (tf.layers.Flatten(), [2, 3, 5]),
]


@pytest.mark.parametrize("layer, sizes", SPATIAL, ids=lambda value: type(value).__name__)
def test_output_shape_is_foretold(layer, sizes):
    output = type(layer).from_config(layer.get_config())(tf.placeholder(tf.float32, sizes))
    assert layer.compute_output_shape(sizes).as_list() == output.shape.as_list()


def test_functional_form_has_the_parameters_of_its_class():
    parameters = inspect.signature(tf.layers.conv2d).parameters
    assert list(parameters)[:4] == ["inputs", "filters", "kernel_size", "strides"]
    assert list(parameters)[-2:] == ["name", "reuse"]
    assert parameters["strides"].default == (1, 1)
    assert "window" in tf.layers.conv2d.__doc__ and "reuse:" in tf.layers.conv2d.__doc__
    with pytest.raises(TypeError):
        tf.layers.dense(tf.ones([1, 2]))
    with pytest.raises(TypeError):
        tf.layers.dense(tf.ones([1, 2]), 3, unknown=4)


def test_unknown_argument():
    with pytest.raises(TypeError, match="not understood"):
        tf.layers.Dense(3, bias=True)


def test_weights_in_a_session():
    layer = tf.layers.Dense(2, use_bias=False)
    output = layer(tf.constant([[1.0, 2.0]]))
    with pytest.raises(ValueError, match="session"):
        layer.get_weights()
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        layer.set_weights([np.array([[1.0, 0.0], [0.0, 3.0]])])
        np.testing.assert_array_equal(layer.get_weights()[0], [[1, 0], [0, 3]])
        np.testing.assert_array_equal(session.run(output), [[1, 6]])
        with pytest.raises(ValueError, match="weight list of length 2"):
            layer.set_weights([1, 2])
        with pytest.raises(ValueError, match="not compatible"):
            layer.set_weights([np.ones([3, 2])])
    assert layer.count_params() == 4


def test_initial_weights():
    layer = tf.layers.Dense(1, use_bias=False, weights=[np.array([[5.0]])])
    with tf.Session() as session:
        output = layer(tf.constant([[2.0]]))
        assert session.run(output)[0, 0] == 10


def test_count_before_build():
    with pytest.raises(ValueError, match="isn't built"):
        tf.layers.Dense(2).count_params()


def test_losses_and_updates_by_what_they_depend_on():
    x = tf.placeholder(tf.float32, [2, 3])
    other = tf.placeholder(tf.float32, [2, 3])
    layer = tf.layers.Dense(2, kernel_regularizer=tf.nn.l2_loss, activity_regularizer=tf.nn.l2_loss)
    layer(x)
    assert [loss.op.type for loss in layer.get_losses_for(None)] == ["L2Loss"]
    assert [loss.op.type for loss in layer.get_losses_for(x)] == ["RealDiv"]
    assert layer.get_losses_for(other) == []

    norm = tf.layers.BatchNormalization()
    norm(x, training=True)
    assert len(norm.get_updates_for(x)) == 2
    assert norm.get_updates_for(other) == norm.get_updates_for(None) == []
    norm.trainable = False
    assert norm.updates == []
    assert norm.trainable_weights == [] and len(norm.non_trainable_weights) == 4


def test_training_reaches_inner_layers():
    class Noisy(tf.layers.Layer):
        def __init__(self):
            super().__init__()
            self.drop = tf.layers.Dropout(0.5)

        def call(self, inputs, training=False):
            return self.drop(inputs)

    x = tf.ones([100])
    trained, tested = run(Noisy()(x, training=True), Noisy()(x, training=False))
    assert set(trained) == {0, 2}
    assert set(tested) == {1}


def test_call_that_returns_nothing():
    class Empty(tf.layers.Layer):
        def call(self, inputs):
            pass

    with pytest.raises(ValueError, match="not None"):
        Empty()(tf.ones([1]))


def test_scope_of_a_call():
    layer = tf.layers.Dense(2, name="fc")
    with tf.variable_scope("here") as scope:
        pass
    with pytest.raises(ValueError, match="has not been used yet"):
        _ = layer.scope_name
    layer(tf.ones([1, 2]), scope=scope)
    assert layer.scope_name == "here"
    assert layer.kernel.name == "here/kernel:0"


def test_keras_style_takes_neither_scope_nor_reuse():
    with tf.layers.experimental.keras_style_scope():
        with pytest.raises(ValueError, match="reuse argument"):
            tf.layers.dense(tf.ones([1, 2]), 3, reuse=True)
        with pytest.raises(ValueError, match="scope argument"):
            tf.layers.Dense(3)(tf.ones([1, 2]), scope="s")
    tf.layers.dense(tf.ones([1, 2]), 3, name="shared")


def test_custom_getter_that_freezes():
    def frozen(getter, *args, **kwargs):
        return getter(*args, **{**kwargs, "trainable": False})

    with tf.variable_scope("s", custom_getter=frozen):
        layer = tf.layers.Dense(2)
        layer(tf.ones([1, 2]))
    assert layer.trainable_weights == []
    assert len(layer.non_trainable_weights) == 2


def test_several_inputs():
    class Sum(tf.layers.Layer):
        def __init__(self):
            super().__init__()
            self.input_spec = [tf.layers.InputSpec(ndim=2), tf.layers.InputSpec(ndim=1)]

        def call(self, inputs):
            return inputs[0] + inputs[1]

    layer = Sum()
    assert run(layer([tf.ones([2, 2]), np.ones(2, np.float32)]))[0].tolist() == [[2, 2], [2, 2]]
    with pytest.raises(ValueError, match="expects 2 inputs, but it received 1"):
        layer([tf.ones([2, 2])])
    with pytest.raises(TypeError, match="InputSpec"):
        layer.input_spec = 3


def test_not_connected():
    layer = tf.layers.Dense(2)
    layer(tf.ones([1, 2]))
    for attribute in ("input", "output", "input_shape", "output_shape", "input_mask", "output_mask"):
        with pytest.raises(AttributeError):
            getattr(layer, attribute)
    for getter in (layer.get_input_at, layer.get_output_shape_at, layer.get_input_mask_at):
        with pytest.raises(RuntimeError, match="never been called"):
            getter(0)


def test_connected():
    """What Keras notes of an application is told."""
    layer = tf.layers.Dense(2)
    x, y = tf.ones([1, 2]), tf.ones([1, 3])
    x._keras_mask = "mask"
    node = types.SimpleNamespace(input_tensors=x, output_tensors=[y], input_shapes=x.shape, output_shapes=y.shape)
    layer._inbound_nodes.append(node)
    assert layer.input is layer.get_input_at(0) is x
    assert layer.output is y and layer.output_shape == y.shape
    assert layer.input_mask == "mask" and layer.get_output_mask_at(0) is None
    with pytest.raises(ValueError, match="only 1 inbound nodes"):
        layer.get_input_at(1)
    other = types.SimpleNamespace(input_shapes=y.shape)
    layer._inbound_nodes.append(other)
    with pytest.raises(AttributeError, match="ill-defined"):
        _ = layer.input_shape


def test_deep_copy_is_a_layer_of_its_own():
    layer = tf.layers.Dense(2)
    again = copy.deepcopy(layer)
    layer(tf.ones([1, 2]))
    again(tf.ones([1, 2]))
    assert layer.kernel is not again.kernel


@pytest.mark.parametrize("training", [True, False])
def test_condition_that_is_fed(training):
    is_training = tf.placeholder(tf.bool, [])
    x = np.random.RandomState(0).randn(50, 4).astype(np.float32)
    for layer in (tf.layers.BatchNormalization(momentum=0.5), tf.layers.BatchNormalization(axis=[0, 1])):
        normalized = layer(tf.constant(x), training=is_training)
        with tf.control_dependencies(layer.updates):
            done = tf.identity(normalized)
        with tf.Session() as session:
            session.run(tf.global_variables_initializer())
            value = session.run(done, {is_training: training})
            mean, variance = session.run([layer.moving_mean, layer.moving_variance])
        reduced = (0,) if layer.axis == [1] else ()
        batch_mean = x.mean(reduced) if reduced else x
        if training:
            assert not np.allclose(value, x)
            momentum = layer.momentum
            np.testing.assert_allclose(mean, (1 - momentum) * batch_mean, rtol=1e-5, atol=1e-7)
        else:
            np.testing.assert_allclose(value, x / np.sqrt(1.001), rtol=1e-5)
            assert not mean.any() and (variance == 1).all()


def test_dropout_condition_that_is_fed():
    is_training = tf.placeholder(tf.bool, [])
    y = tf.layers.dropout(tf.ones([1000]), 0.25, training=is_training)
    with tf.Session() as session:
        assert set(session.run(y, {is_training: False})) == {1}
        kept = session.run(y, {is_training: True})
        assert 0.6 < np.count_nonzero(kept) / 1000 < 0.9
        np.testing.assert_allclose(kept[kept > 0], 1 / 0.75, rtol=1e-6)


@pytest.mark.parametrize("value", [2, "yes", None, 0.5])
def test_bad_condition(value):
    with pytest.raises(TypeError, match="`pred` must be"):
        tf.layers.dropout(tf.ones([3]), training=value)


def test_unknown_names():
    with pytest.raises(ValueError, match="Unknown activation function: nothing"):
        tf.layers.Dense(2, activation="nothing")
    with pytest.raises(ValueError, match="Unknown initializer"):
        tf.layers.Dense(2, kernel_initializer="nothing")
    with pytest.raises(TypeError):
        tf.layers.Dense(2, activation=3)


class TestInputSpec:
    def test_configuration(self):
        spec = tf.layers.InputSpec(dtype=tf.float32, shape=[None, 3], axes={-1: 3})
        assert tf.layers.InputSpec.from_config(spec.get_config()).get_config() == spec.get_config()
        assert repr(spec) == "InputSpec(dtype=float32, shape=[None, 3], ndim=2, axes={-1: 3})"

    def test_bad_axes(self):
        with pytest.raises(ValueError, match="Axis 3 is greater than the maximum allowed value: 1"):
            tf.layers.InputSpec(ndim=2, axes={3: 1})
        with pytest.raises(TypeError, match="must be integers"):
            tf.layers.InputSpec(axes={"a": 1})

    @pytest.mark.parametrize(
        "spec, problem",
        [
            ({"max_ndim": 1}, "expected max_ndim=1, found ndim=2"),
            ({"dtype": "int32"}, "expected dtype=int32"),
            ({"shape": [None, 4]}, "found shape"),
            ({"axes": {1: 4}}, "expected axis 1 of input shape to have value 4"),
        ],
    )
    def test_mismatch(self, spec, problem):
        layer = tf.layers.Layer()
        layer.input_spec = tf.layers.InputSpec(**spec)
        with pytest.raises(ValueError, match=problem):
            layer(tf.ones([2, 3]))
