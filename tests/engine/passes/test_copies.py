"""Division before copying, in the gradients of means."""

import pytest

import reflow as tf
from tests.engine.passes.plans import compared, random_feed, source_of, types


@pytest.mark.parametrize("axis", [[0, 1, 2], 0, 1, [0, 2]])
def test_the_gradient_of_a_mean_is_a_view(axis):
    x = tf.placeholder(tf.float32, [3, 4, 5])
    mean = tf.reduce_mean(x, axis, keepdims=True)
    weights = tf.placeholder(tf.float32, mean.shape)
    [gradient] = tf.gradients(mean, x, weights)
    with_pass, without = compared([gradient], random_feed(x, weights), "copies", rtol=0)
    assert [types(plan)[-1] for plan in (with_pass, without)] == ["Tile", "RealDiv"]
    assert ".expand(" in source_of(with_pass)


@pytest.mark.parametrize("program", [
    lambda tiled: [tiled, tiled / 3.0],
    lambda tiled: [tiled / 3.0 + tiled],
    lambda tiled: [tiled / tf.constant([1.0, 2.0, 3.0, 4.0])],
    lambda tiled: [3.0 / tiled],
])  # fmt: skip
def test_other_uses_keep_the_copies(program):
    x = tf.placeholder(tf.float32, [3, 1])
    with_pass, _ = compared(program(tf.tile(x, [1, 4])), random_feed(x), "copies", rtol=0)
    assert types(with_pass)[-1] != "Tile" and types(with_pass).count("Tile") == 1


def test_copies_of_longer_axes_are_divided_as_they_are():
    x = tf.placeholder(tf.float32, [3, 2])
    with_pass, _ = compared([tf.tile(x, [1, 4]) / 3.0], random_feed(x), "copies", rtol=0)
    assert types(with_pass)[-1] == "RealDiv"
