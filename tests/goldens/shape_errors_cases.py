"""Shapes and values that do not fit, found while the graph is built: the whole message of TensorFlow 1.15.5.

TensorFlow appends the input values that its shape functions needed to find the error.
"""

cases = {
    "reshape": lambda tf: tf.reshape(tf.zeros([2, 3]), [4]),
    "reshape_in_part": lambda tf: tf.reshape(tf.zeros([2, 3]), [4, -1]),
    "reshape_packed": lambda tf: tf.reshape(tf.zeros([2, 3]), tf.stack([tf.placeholder(tf.int32, []), 5, 5])),
    "broadcast_to": lambda tf: tf.broadcast_to(tf.zeros([2]), [3]),
    "sum_axis": lambda tf: tf.reduce_sum(tf.zeros([2]), [0, 5]),
    "transpose_length": lambda tf: tf.transpose(tf.zeros([2, 3]), [0, 1, 2]),
    "transpose_axis": lambda tf: tf.transpose(tf.zeros([2, 3]), [0, 3]),
    "concat": lambda tf: tf.concat([tf.zeros([2, 3]), tf.zeros([3, 3])], 1),
    "concat_axis": lambda tf: tf.concat([tf.zeros([2, 3]), tf.zeros([3, 3])], 4),
    "concat_ranks": lambda tf: tf.concat([tf.zeros([2, 3]), tf.zeros([2, 3, 4])], 1),
    "concat_scalars": lambda tf: tf.concat([1, 2], 0),
    "split": lambda tf: tf.split(tf.zeros([5, 3]), 2),
    "split_axis": lambda tf: tf.split(tf.zeros([5]), 3, axis=2),
    "split_sizes": lambda tf: tf.split(tf.zeros([5, 3]), [2, 2]),
    "split_rest": lambda tf: tf.split(tf.zeros([5]), [2, -1, 4]),
    "expand_dims": lambda tf: tf.expand_dims(tf.zeros([2]), 5),
    "gather_axis": lambda tf: tf.gather(tf.zeros([2]), [0], axis=3),
    "index": lambda tf: tf.zeros([2, 3])[5],
    "pad": lambda tf: tf.pad(tf.zeros([2]), [[1, -3]]),
    "tile": lambda tf: tf.tile(tf.zeros([2]), [1, 2]),
    "one_hot": lambda tf: tf.one_hot([1], -2),
    "one_hot_depth": lambda tf: tf.one_hot([1], [2, 3]),
    "range": lambda tf: tf.range(5, 1, 1),
    "linspace": lambda tf: tf.linspace(0.0, 1.0, -1),
    "top_k": lambda tf: tf.nn.top_k(tf.zeros([2]), 5),
    "stack": lambda tf: tf.stack([tf.zeros([2]), tf.zeros([3]), tf.zeros([3])]),
    "unstack": lambda tf: tf.unstack(tf.zeros([2, 3]), num=3),
    "add_n": lambda tf: tf.add_n([tf.zeros([2]), tf.zeros([3]), tf.zeros([2])]),
    "space_to_batch": lambda tf: tf.space_to_batch_nd(tf.zeros([1, 5, 5, 1]), [2, 2], [[0, 0], [0, 0]]),
    "batch_to_space": lambda tf: tf.batch_to_space_nd(tf.zeros([3, 1]), [2], [[0, 0]]),
    "reverse": lambda tf: tf.reverse(tf.zeros([2]), [1]),
    "scatter_nd_outer": lambda tf: tf.scatter_nd([[1], [2]], [1.0, 2.0, 3.0], [4]),
    "scatter_nd_inner": lambda tf: tf.scatter_nd([[1], [2]], tf.zeros([2, 3]), [4, 5]),
    "segments": lambda tf: tf.unsorted_segment_sum(tf.zeros([3]), [0, 1, 2], -1),
    "ensure_shape": lambda tf: tf.ensure_shape(tf.zeros([2]), [3]),
    "diag_part": lambda tf: tf.diag_part(tf.zeros([2, 3])),
    "set_diag": lambda tf: tf.linalg.set_diag(tf.zeros([3, 3]), tf.zeros([2])),
    "set_diag_rank": lambda tf: tf.linalg.set_diag(tf.zeros([3, 3]), tf.zeros([3, 3])),
    "where": lambda tf: tf.where([True, False], tf.zeros([3]), tf.zeros([3])),
    "stateless_seed": lambda tf: tf.random.stateless_uniform([2], [1, 2, 3]),
    "multinomial": lambda tf: tf.multinomial([[1.0, 2.0]], -3),
    "fill": lambda tf: tf.zeros([2, -1]),
    "unknown_rank": lambda tf: tf.gather(tf.placeholder(tf.float32), [0], axis=[1]),
    "candidates": lambda tf: tf.nn.uniform_candidate_sampler([[1, 2]], 1, 3, True, 10)[1],
    "conversion": lambda tf: tf.zeros([2], tf.int32, name="whole") + tf.zeros([2], name="real"),
    "dropout": lambda tf: tf.nn.dropout(tf.zeros([2], tf.int32), 0.5),
    "slice_of_unknown_begin": lambda tf: tf.slice(tf.zeros([3, 4]), [0, tf.placeholder(tf.int32, [])], [-1, 2]),
}


def outcome(tf, name):
    """[class, message] of the exception, or [static shape] of what was built."""
    with tf.Graph().as_default():
        try:
            return [str(cases[name](tf).shape)]
        except Exception as error:
            return [type(error).__name__, str(error)]
