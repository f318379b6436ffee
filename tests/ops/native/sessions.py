"""Runs of small graphs whose plan has to have a certain kernel in C."""

import reflow as tf


def run_natively(kernel, build, *arrays):
    """What `build` makes of placeholders that are fed with the arrays; the plan's source has to name `kernel`."""
    with tf.Graph().as_default(), tf.Session() as session:
        placeholders = [tf.placeholder(a.dtype, a.shape) for a in arrays]
        result = build(*placeholders)
        feeds = dict(zip(placeholders, arrays, strict=True))
        assert kernel in session.plan(result, feeds).source
        return session.run(result, feeds)
