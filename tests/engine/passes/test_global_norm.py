"""Clipping by the global norm: what becomes one call, and what stays."""

import numpy as np
import pytest

import reflow as tf
from tests.engine.passes.plans import compared, plan_of, random_feed, types

SHAPES = [[3, 4], [5], [2, 2], [7], [6]]


def _clipped(shapes, clip_norm=2.0):
    tensors = [tf.placeholder(tf.float32, shape) for shape in shapes]
    clipped, norm = tf.clip_by_global_norm([tf.tanh(t) for t in tensors], clip_norm)
    return tensors, [*clipped, norm]


def test_norms_and_products_of_small_tensors_are_one_call_each():
    tensors, fetches = _clipped(SHAPES)
    with_pass, without = compared(fetches, random_feed(*tensors), "global_norm")
    assert types(with_pass).count("_HalfSquaresOfMany") == types(with_pass).count("_ScaleMany") == 1
    assert "L2Loss" not in types(with_pass)
    assert types(without).count("L2Loss") == len(SHAPES)


def test_large_tensors_keep_their_own():
    tensors, fetches = _clipped([*SHAPES, [200, 200]])
    with_pass, _ = compared(fetches, random_feed(*tensors), "global_norm")
    assert types(with_pass).count("L2Loss") == 1 and types(with_pass).count("_HalfSquaresOfMany") == 1


def test_few_tensors_are_left_alone():
    tensors, fetches = _clipped(SHAPES[:3])
    assert "_ScaleMany" not in types(plan_of(fetches, tensors))


@pytest.mark.parametrize("bad", [np.inf, np.nan])
def test_norms_that_are_not_finite(bad):
    tensors = [tf.placeholder(tf.float32, shape) for shape in SHAPES]
    clipped, norm = tf.clip_by_global_norm(tensors, 1.0)
    feed = random_feed(*tensors)
    feed[tensors[1]][2] = bad
    compared([*clipped, norm], feed, "global_norm")
    with tf.Session() as session:
        assert np.isnan(session.run(clipped[0], feed)).all()


def test_what_is_scaled_in_place_and_what_is_fetched():
    tensors, fetches = _clipped(SHAPES)
    sums = [tf.reduce_sum(t) for t in fetches[:-1]]
    in_place = [n.attrs["in_place"] for n in plan_of(sums, tensors).nodes if n.type == "_ScaleMany"]
    assert in_place == [True]
    before = [op.outputs[0] for op in fetches[0].graph.get_operations() if op.type == "Tanh"]
    plan, _ = compared([*sums, before[2]], random_feed(*tensors), "global_norm")
    assert [n.attrs["in_place"] for n in plan.nodes if n.type == "_ScaleMany"] == [False]


def test_products_that_depend_on_each_other_are_left_alone():
    x, scale = tf.placeholder(tf.float32, [3]), tf.placeholder(tf.float32, [])
    y = x
    for _ in range(6):
        y = tf.sin(y * scale)
    assert "_ScaleMany" not in types(plan_of([y], [x, scale]))
