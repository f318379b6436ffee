"""Summaries of quantiles, and boundaries of buckets."""

import numpy as np
from op_recording import Cases

case = Cases()

SIZES = [0, 1, 5, 50, 700]


def whole_numbers(t, size):
    """Weights, which sum up exactly in any order."""
    return t.integers(0, 5, size).astype("float32")


def _define_summaries(size, epsilon):
    def summaries(tf, t):
        values = [t.feed(t.normal(size)), t.feed(np.round(t.normal(size) * 3))]
        t.out(
            *tf.raw_ops.BoostedTreesMakeQuantileSummaries(
                float_values=values, example_weights=t.feed(whole_numbers(t, size)), epsilon=epsilon
            )
        )

    case.add("summaries[%d %s]" % (size, epsilon), summaries)


for _size in SIZES:
    for _epsilon in (0.01, 0.1, 0.5):
        _define_summaries(_size, _epsilon)


@case
def summaries_of_unknown_shapes(tf, t):
    t.out(
        *tf.raw_ops.BoostedTreesMakeQuantileSummaries(
            float_values=[t.feed(t.normal(9), None)], example_weights=t.feed(np.ones(1, "float32"), None), epsilon=0.1
        )
    )


@case.each(wrong=["rank", "size"])
def wrong_weights(tf, t, wrong):
    weights = np.ones((9, 1) if wrong == "rank" else 8, "float32")
    t.out(
        *tf.raw_ops.BoostedTreesMakeQuantileSummaries(
            float_values=[t.feed(t.normal(9))], example_weights=t.feed(weights), epsilon=0.1
        )
    )


@case.each(shape=[(4, 4), (4, 3), (4,), None])
def add_nodes(tf, t, shape):
    """The graph alone."""
    handle = tf.raw_ops.BoostedTreesQuantileStreamResourceHandleOp(shared_name="q")
    tf.raw_ops.BoostedTreesQuantileStreamResourceAddSummaries(
        quantile_stream_resource_handle=handle, summaries=[tf.placeholder(tf.float32, shape)]
    )
    tf.raw_ops.BoostedTreesQuantileStreamResourceFlush(quantile_stream_resource_handle=handle, num_buckets=4)
    t.out(tf.constant(1))


def _define_streams(epsilon, batches, buckets, quantiles):
    def streams(tf, t):
        ops = tf.raw_ops
        handle = ops.BoostedTreesQuantileStreamResourceHandleOp(shared_name="q")
        last = ops.BoostedTreesCreateQuantileStreamResource(
            quantile_stream_resource_handle=handle, epsilon=epsilon, num_streams=2
        )
        for batch in range(batches):
            values = [t.feed(t.normal(60) + batch), t.feed(np.round(t.normal(60) * 4))]
            summaries = ops.BoostedTreesMakeQuantileSummaries(
                float_values=values, example_weights=t.feed(whole_numbers(t, 60) + 1), epsilon=epsilon
            )
            with tf.control_dependencies([last]):
                last = ops.BoostedTreesQuantileStreamResourceAddSummaries(
                    quantile_stream_resource_handle=handle, summaries=summaries
                )
        with tf.control_dependencies([last]):
            if quantiles is None:
                found = ops.BoostedTreesFlushQuantileSummaries(quantile_stream_resource_handle=handle, num_features=2)
                t.out(*found)
                last = found[0]
            else:
                last = ops.BoostedTreesQuantileStreamResourceFlush(
                    quantile_stream_resource_handle=handle, num_buckets=buckets, generate_quantiles=quantiles
                )
        with tf.control_dependencies([last]):
            t.out(
                *ops.BoostedTreesQuantileStreamResourceGetBucketBoundaries(
                    quantile_stream_resource_handle=handle, num_features=2
                )
            )
        t.values_only()

    case.add("streams[%s %d %d %s]" % (epsilon, batches, buckets, quantiles), streams)


for _epsilon in (0.02, 0.2, 0.5):
    for _batches, _buckets in ((1, 4), (5, 20), (12, 3)):
        for _quantiles in (False, True, None):
            _define_streams(_epsilon, _batches, _buckets, _quantiles)

_define_streams(0.1, 0, 4, False)
