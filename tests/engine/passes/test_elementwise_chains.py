"""Chains of elementwise ops that are one call."""

import pytest

import reflow as tf
from tests.engine.passes.plans import PROGRAMS, compared, plan_of, random_feed, source_of, types


def _inputs(count=4, shape=(16, 20)):
    return [tf.placeholder(tf.float32, shape) for _ in range(count)]


_CHAINS = {
    "product": (lambda a, b, c, d: a + b * c, ["_AddProduct"], "torch.addcmul("),
    "product first": (lambda a, b, c, d: b * c + a, ["_AddProduct"], "torch.addcmul("),
    "difference": (lambda a, b, c, d: a - b * c, ["_AddProduct"], "value=-1"),
    "two products": (lambda a, b, c, d: a * b + c * d, ["Mul", "_AddProduct"], ".addcmul_("),
    "quotient": (lambda a, b, c, d: a + b / c, ["_AddQuotient"], "torch.addcdiv("),
    "scaled": (lambda a, b, c, d: a + 0.25 * b, ["_AddScaled"], "alpha=0.25"),
    "scaled difference": (lambda a, b, c, d: a - b * 0.25, ["_AddScaled"], "alpha=-0.25"),
    "sum of two": (lambda a, b, c, d: tf.add_n([a, b * 0.5]), ["_AddScaled"], "alpha=0.5"),
    "mean": (lambda a, b, c, d: a + c * (b - a), ["_Lerp"], "torch.lerp("),
    "gated": (lambda a, b, c, d: c * a + (1.0 - c) * b, ["_Lerp"], "torch.lerp("),
    "gated, the other way": (lambda a, b, c, d: b * (1.0 - c) + a * c, ["_Lerp"], "torch.lerp("),
    "sum with silu": (lambda a, b, c, d: b + a * tf.sigmoid(a), ["_Silu", "AddV2"], "functional.silu("),
    "silu": (lambda a, b, c, d: a * tf.sigmoid(a), ["_Silu"], "functional.silu("),
    "swish": (lambda a, b, c, d: tf.nn.swish(a), ["_Silu", "IdentityN"], "functional.silu("),
}


@pytest.mark.parametrize("chain", _CHAINS)
def test_a_chain_is_one_call(chain):
    program, ops, text = _CHAINS[chain]
    inputs = _inputs()
    result = program(*inputs)
    with_pass, without = compared([result], random_feed(*inputs), "elementwise_chains")
    assert types(with_pass) == ops
    assert text in source_of(with_pass)
    assert len(types(without)) > len(ops)


@pytest.mark.parametrize("chain", _CHAINS)
def test_with_gradients_the_numbers_are_the_same(chain):
    inputs = _inputs()
    result = tf.tanh(_CHAINS[chain][0](*inputs))
    used = [x for x, g in zip(inputs, tf.gradients(result, inputs), strict=True) if g is not None]
    compared([result, *tf.gradients(tf.reduce_sum(result), used)], random_feed(*inputs), "elementwise_chains")


def _fetched(a, b, c, d):
    product = b * c
    return [a + product, product]


def _taken_twice(a, b, c, d):
    product = b * c
    return [a + product + tf.sin(product)]


def _whole_numbers(a, b, c, d):
    return [tf.cast(a, tf.int32) + tf.cast(b, tf.int32) * tf.cast(c, tf.int32)]


@pytest.mark.parametrize("program", [_fetched, _taken_twice, _whole_numbers])
def test_what_is_wanted_by_itself_stays(program):
    inputs = _inputs()
    fetches = program(*inputs)
    with_pass, _ = compared(fetches, random_feed(*inputs), "elementwise_chains")
    assert "Mul" in types(with_pass)


def test_images_times_a_vector_plus_a_vector():
    x, scale, offset = (tf.placeholder(tf.float32, s) for s in ([4, 5, 5, 4], [4], [4]))
    plan, _ = compared([x * scale + offset], random_feed(x, scale, offset), "elementwise_chains")
    assert types(plan) == ["_AddProduct"]


def test_a_quotient_plus_a_vector_stays():
    a, b = tf.placeholder(tf.float32, [20]), tf.placeholder(tf.float32, [16, 20])
    plan, _ = compared([a + b / tf.sin(b)], random_feed(a, b), "elementwise_chains")
    assert types(plan) == ["Sin", "RealDiv", "AddV2"]


def test_factors_may_broadcast():
    a, b, c = (tf.placeholder(tf.float32, s) for s in ([16, 20], [16, 20], [20]))
    plan, _ = compared([a + b * c], random_feed(a, b, c), "elementwise_chains")
    assert types(plan) == ["_AddProduct"]


def test_weight_decay_is_added_without_a_product_of_its_own():
    w = tf.Variable(tf.ones([16, 20]))
    x = tf.placeholder(tf.float32, [2, 16])
    loss = tf.reduce_sum(tf.square(tf.matmul(x, w))) + 0.004 * tf.nn.l2_loss(w)
    train = tf.train.GradientDescentOptimizer(0.1).minimize(loss)
    plan = plan_of([], [x], disabled=[PROGRAMS, "fuse_residual"], targets=[train])
    assert "_AddScaled" in types(plan)


def test_small_tensors_keep_their_rounding():
    a, b = (tf.placeholder(tf.float32, [5, 5]) for _ in range(2))
    assert types(plan_of([a + b * tf.sin(b)], [a, b])) == ["Sin", "Mul", "AddV2"]
