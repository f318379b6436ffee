"""The benchmark models train as in TensorFlow 1.15.5, with all passes and without any, twice to the bit, and a session
runs in several threads at once."""

import json
import threading
from pathlib import Path

import numpy as np
import pytest

import reflow as tf
from benchmarks.cases import CASES, prepare_model
from tests.goldens.model_losses_cases import BATCHES, STEPS

_TENSORFLOWS = json.loads((Path(__file__).parents[1] / "goldens" / "model_losses.json").read_text())
_FAST = frozenset({"mlp", "lenet", "cifar"})
_MODELS = [pytest.param(name, marks=() if name in _FAST else [pytest.mark.slow, pytest.mark.timeout(900)])
           for name in BATCHES]  # fmt: skip


def _losses(name, steps=STEPS):
    """The first losses of a model, all numbers as they are."""
    program = prepare_model("reflow", tf, CASES[name].model, "train", BATCHES[name])
    return [program.loss() for _ in range(steps)]


@pytest.mark.parametrize("disabled", ["", "all"])
@pytest.mark.parametrize("name", _MODELS)
def test_losses_are_tensorflows_with_all_passes_and_without_any(name, disabled, monkeypatch):
    monkeypatch.setenv("REFLOW_DISABLE_PASSES", disabled)
    losses = _losses(name)
    np.testing.assert_allclose(losses, _TENSORFLOWS[name], rtol=1e-4)
    assert losses[0] != losses[-1]


@pytest.mark.parametrize("name", _MODELS)
def test_two_runs_give_equal_bits(name):
    assert _losses(name, 5) == _losses(name, 5)


def _program():
    """A net with everything that keeps or overwrites memory: (fetches, feeds of 8 kinds, their results)."""
    random = np.random.RandomState(0)
    x = tf.placeholder(tf.float32, [None, 12, 12, 3])
    weights = tf.get_variable("w", initializer=random.randn(3, 3, 3, 8).astype(np.float32))
    y = tf.nn.max_pool(tf.nn.relu(tf.nn.conv2d(x, weights, [1, 1, 1, 1], "SAME")), [1, 2, 2, 1], [1, 2, 2, 1], "SAME")
    y = tf.nn.lrn(tf.sigmoid(y * 0.5) + 0.1 * tf.tanh(y), 2)
    fetches = [y, *tf.gradients(tf.reduce_sum(tf.square(y)), [x, weights])]
    return fetches, [{x: random.randn(1 + i % 4, 12, 12, 3).astype(np.float32)} for i in range(8)]


def test_one_session_from_eight_threads():
    with tf.Graph().as_default():
        fetches, feeds = _program()
        count = tf.get_variable("count", [], tf.int64, initializer=tf.zeros_initializer())
        bump = count.assign_add(1, use_locking=True)
        session = tf.Session()
        session.run(tf.global_variables_initializer())
        wants = [session.run(fetches, feed) for feed in feeds]
    mistakes = []

    def work(number):
        try:
            for i in range(40):
                which = (number + i) % len(feeds)
                got = session.run(fetches, feeds[which])
                session.run(bump.op)
                for a, b in zip(got, wants[which], strict=True):
                    np.testing.assert_array_equal(a, b)
                got[0][:] = -1  # What is returned is the caller's to change.
        except Exception as error:
            mistakes.append(error)

    threads = [threading.Thread(target=work, args=(i,)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not mistakes
    assert session.run(count) == 8 * 40
