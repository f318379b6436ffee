"""Summaries of quantiles against TensorFlow 1.15.5."""

import pytest

import reflow as tf
from tests.ops.recorded import Recorded

recorded = Recorded("boosted_trees_quantiles")


@recorded.each_case
def test_as_tensorflow(name):
    recorded.check(name)


def test_what_is_not_there():
    """TensorFlow ends the process where quantiles are asked of an empty stream."""
    ops = tf.raw_ops
    with tf.Graph().as_default(), tf.Session() as session:
        handle = ops.BoostedTreesQuantileStreamResourceHandleOp()
        flush = ops.BoostedTreesQuantileStreamResourceFlush(
            quantile_stream_resource_handle=handle, num_buckets=4, generate_quantiles=True
        )
        with pytest.raises(tf.errors.NotFoundError):
            session.run(flush)
        session.run(
            ops.BoostedTreesCreateQuantileStreamResource(
                quantile_stream_resource_handle=handle, epsilon=0.1, num_streams=1
            )
        )
        with pytest.raises(tf.errors.InvalidArgumentError, match="no 4 quantiles"):
            session.run(flush)
        narrow = ops.BoostedTreesQuantileStreamResourceAddSummaries(
            quantile_stream_resource_handle=handle, summaries=[[[1.0, 2.0, 3.0]]]
        )
        with pytest.raises(tf.errors.InvalidArgumentError, match="four columns"):
            session.run(narrow)
