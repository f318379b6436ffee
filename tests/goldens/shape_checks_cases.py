"""Checks of ranks and shapes."""

import numpy as np
from checks_cases import run
from op_recording import Cases

case = Cases()


@case
def known_ranks(tf, t):
    x = t.feed(t.normal(2, 3))
    run(
        tf, t, tf.assert_rank(x, 2), tf.assert_rank_at_least(x, 1, name="least"), tf.assert_rank_in(x, [1, 2]),
        tf.debugging.assert_rank(1.0, 0, message="m"),
    )  # fmt: skip


@case
def unknown_ranks(tf, t):
    x, rank = t.feed(t.normal(2, 3), None), t.feed(np.int32(2))
    run(
        tf, t, tf.assert_rank(x, 2), tf.assert_rank_at_least(x, 1), tf.assert_rank_in(x, [1, 2]),
        tf.assert_rank(x, rank),
        tf.assert_rank_in(x, [rank, 1], message="m", data=["d"], summarize=1, name="in"),
    )  # fmt: skip


@case.each(bad=["rank", "least", "in", "float", "vector", "message"])
def wrong_known_ranks(tf, t, bad):
    x = t.feed(t.normal(2, 3))
    if bad == "rank":
        tf.assert_rank(x, 1)
    elif bad == "least":
        tf.assert_rank_at_least(x, 3)
    elif bad == "in":
        tf.assert_rank_in(x, [0, 1])
    elif bad == "float":
        tf.assert_rank(x, 2.0)
    elif bad == "vector":
        tf.assert_rank(x, [2])
    else:
        tf.assert_rank(x, 1, message="not so")


@case.each(bad=["rank", "least", "in"])
def wrong_unknown_ranks(tf, t, bad):
    x = t.feed(t.normal(2, 3), None)
    if bad == "rank":
        check = tf.assert_rank(x, 1)
    elif bad == "least":
        check = tf.assert_rank_at_least(x, 3)
    else:
        check = tf.assert_rank_in(x, [0, 1])
    run(tf, t, check)


@case
def scalars(tf, t):
    t.out(tf.assert_scalar(t.feed(np.float32(1))), tf.assert_scalar(5), tf.debugging.assert_scalar(2.5, name="s"))


@case.each(shape=[(2,), None])
def wrong_scalars(tf, t, shape):
    tf.assert_scalar(t.feed(t.normal(2), shape))


@case
def shapes(tf, t):
    x, y, z = t.feed(t.normal(2, 3), [None, 3]), t.feed(t.normal(2), [None]), t.feed(np.float32(1))
    u = t.feed(t.normal(4, 2, 3), None)
    run(
        tf, t, tf.debugging.assert_shapes([(x, ("N", "Q")), (y, ("N",)), (z, ())]),
        tf.debugging.assert_shapes([(x, (2, None)), (x, (".", 3)), (u, (..., "N", 3)), (u, ("*", 3)), (y, None)]),
        tf.debugging.assert_shapes([(u, (4, 2, 3)), (u, ("A", "B", "C")), (y, ("B",))]),
    )  # fmt: skip


@case.each(bad=["size", "same", "rank", "dots", "iterable"])
def wrong_shapes(tf, t, bad):
    x, y = t.feed(t.normal(2, 3)), t.feed(t.normal(4))
    spec = {
        "size": [(x, (2, 4))], "same": [(x, ("N", 3)), (y, ("N",))], "rank": [(x, ("N",))],
        "dots": [(x, (2, ...))], "iterable": [(x, 5)],
    }[bad]  # fmt: skip
    tf.debugging.assert_shapes(spec)


@case
def wrong_shapes_when_run(tf, t):
    x, y = t.feed(t.normal(2, 3), [None, 3]), t.feed(t.normal(4), [None])
    run(tf, t, tf.debugging.assert_shapes([(x, ("N", 3)), (y, ("N",))]))
