"""Dual coordinate ascent: single steps, and problems that are solved whatever the order of the examples."""

import numpy as np
from op_recording import Cases

case = Cases()
LOSSES = ["squared_loss", "logistic_loss", "hinge_loss", "smooth_hinge_loss", "poisson_loss"]


def optimize(tf, t, examples, loss, **options):
    """The outputs of one call on examples with two sparse groups, one without values, and a dense one."""
    labels = t.random.randint(0, 2, examples).astype("float32")
    labels = options.pop("labels", labels)
    version = options.pop("version", "V2")
    options = dict({"l1": 0.0, "l2": 1.0, "num_loss_partitions": 1, "num_inner_iterations": 1}, **options)
    made = getattr(tf.raw_ops, "SdcaOptimizer" + version)(
        sparse_example_indices=[np.arange(examples), np.repeat(np.arange(examples), 2)],
        sparse_feature_indices=[np.arange(examples) % 3, np.tile([5, 9], examples)],
        sparse_feature_values=[t.feed(t.normal(examples))],
        dense_features=[t.feed(t.normal(examples, 2))],
        example_weights=options.pop("weights", np.ones(examples, "float32")),
        example_labels=labels,
        sparse_indices=[np.arange(3), np.array([5, 9])],
        sparse_weights=[t.feed(t.normal(1, 3) * np.float32(0.1)), t.feed(t.normal(1, 2) * np.float32(0.1))],
        dense_weights=[t.feed(t.normal(2) * np.float32(0.1))],
        example_state_data=options.pop("state", np.zeros([examples, 4], "float32")),
        loss_type=loss, **options
    )  # fmt: skip
    t.values_only()
    t.out(made[0], *made[1] + made[2])


@case.each(loss=LOSSES)
def one_step(tf, t, loss):
    optimize(tf, t, 1, loss, labels=np.ones(1, "float32"))


@case.each(loss=LOSSES)
def one_step_of_a_zero(tf, t, loss):
    optimize(tf, t, 1, loss, labels=np.zeros(1, "float32"), weights=np.array([2.5], "float32"), l1=0.1, l2=0.7)


@case.each(loss=LOSSES)
def steps_from_a_state(tf, t, loss):
    sign = 1.0 if loss != "poisson_loss" else 0.5
    state = np.array([[0.3 * sign, 0, 0, 1]], "float32")
    optimize(tf, t, 1, loss, labels=np.ones(1, "float32"), state=state, num_loss_partitions=3, num_inner_iterations=2,
             version="")  # fmt: skip


@case.each(loss=LOSSES)
def solved(tf, t, loss):
    """Call after call, until nothing changes."""
    x = t.feed(t.normal(6, 2))
    labels = np.array([0, 1, 1, 0, 1, 0], "float32")
    state, weights = tf.zeros([6, 4]), tf.zeros([2])
    for _ in range(100):
        made = tf.raw_ops.SdcaOptimizerV2(
            sparse_example_indices=[], sparse_feature_indices=[], sparse_feature_values=[], dense_features=[x],
            example_weights=tf.ones([6]), example_labels=labels, sparse_indices=[], sparse_weights=[],
            dense_weights=[weights], example_state_data=state, loss_type=loss, l1=0.05, l2=1.0,
            num_loss_partitions=1, num_inner_iterations=1,
        )  # fmt: skip
        state, weights = made[0], weights + made[2][0]
    t.values_only()
    t.out(weights)


@case
def weights_of_zero(tf, t):
    optimize(tf, t, 1, "squared_loss", weights=np.zeros(1, "float32"))


FAILURES = {
    "label": {"loss": "logistic_loss", "labels": np.array([0.5], "float32")},
    "negative label": {"loss": "poisson_loss", "labels": np.array([-1.0], "float32")},
    "state": {"loss": "squared_loss", "state": np.zeros([1, 3], "float32")},
    "iterations": {"loss": "squared_loss", "num_inner_iterations": 0},
    "loss": {"loss": "cubic_loss"},
}


@case.each(what=sorted(FAILURES))
def failures(tf, t, what):
    optimize(tf, t, 1, **FAILURES[what])


@case
def shrink(tf, t):
    x, y = tf.Variable(t.normal(5)), tf.Variable(t.normal(2, 3))
    with tf.control_dependencies([tf.raw_ops.SdcaShrinkL1(weights=[x._ref(), y._ref()], l1=0.5, l2=2.0)]):
        t.out(tf.identity(x._ref()), tf.identity(y._ref()))
    t.values_only()
    t.one_by_one()


@case
def fingerprints(tf, t):
    lengths = [0, 1, 3, 4, 7, 8, 15, 16, 17, 31, 32, 33, 64, 127, 128, 143, 144, 150, 271, 272, 400]
    texts = [("ab" * n)[:n] for n in lengths]
    t.out(tf.raw_ops.SdcaFprint(input=texts))
    t.out(tf.raw_ops.SdcaFprint(input=tf.zeros([0], tf.string)))


@case
def fingerprint_of_a_matrix(tf, t):
    t.out(tf.raw_ops.SdcaFprint(input=[["a"]]))
