"""Branches of 1x1 convolutions as one."""

import numpy as np
import pytest

import reflow as tf
from reflow.ops.native import direct_conv
from tests.engine.passes.plans import compared, plan_of, random_feed, types

pytestmark = pytest.mark.skipif(direct_conv.load() is None, reason="the C kernel cannot be built here")

random = np.random.RandomState(0)


def _branch(x, columns, bias=True, relu=True, window=1, stride=1):
    filter = tf.constant(random.randn(window, window, x.shape[3].value, columns).astype(np.float32) * 0.1)
    y = tf.nn.conv2d(x, filter, [1, stride, stride, 1], "SAME")
    y = tf.nn.bias_add(y, tf.constant(random.randn(columns).astype(np.float32))) if bias else y
    return tf.nn.relu(y) if relu else y


def test_branches_of_the_same_images_become_one():
    x = tf.placeholder(tf.float32, [2, 9, 9, 20])
    branches = [_branch(x, 16), _branch(x, 24), _branch(x, 5, bias=False), _branch(x, 33, relu=False)]
    with_pass, without = compared(branches, random_feed(x), "sibling_convolutions")
    assert types(with_pass).count("_DirectConv2D") == 1
    assert types(without).count("_DirectConv2D") == 4


def test_other_images_windows_and_strides_stay():
    x, y = (tf.placeholder(tf.float32, [1, 8, 8, 4]) for _ in range(2))
    fetches = [_branch(x, 16), _branch(y, 16), _branch(x, 8, window=2), _branch(x, 8, stride=2)]
    assert types(plan_of(fetches, [x, y])).count("_DirectConv2D") == 4


def test_what_waits_for_others_stays():
    x, y = (tf.placeholder(tf.float32, [1, 8, 8, 4]) for _ in range(2))
    filter = tf.constant(random.randn(1, 1, 4, 16).astype(np.float32))
    first = _branch(x, 16)
    with tf.control_dependencies([tf.debugging.check_numerics(y, "y").op]):
        second = tf.nn.conv2d(x, filter, [1, 1, 1, 1], "SAME")
    assert types(plan_of([first, second], [x, y])).count("_DirectConv2D") == 2
