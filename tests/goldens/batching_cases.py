"""Batches of what a single step brings."""

import numpy as np
from op_recording import Cases

case = Cases()
LIMITS = {"num_batch_threads": 1, "max_batch_size": 4, "batch_timeout_micros": 1000, "grad_timeout_micros": 1000000}


@case.each(sizes=[[], [1, 4], [3, 4]])
def alone(tf, t, sizes):
    x, y = t.feed(t.normal(2, 3)), t.feed(np.array([b"a", b"b"], object), dtype="string")
    made = tf.raw_ops.Batch(in_tensors=[x, y], allowed_batch_sizes=sizes, **LIMITS)
    t.values_only()
    t.out(*made.batched_tensors)
    t.out(made.batch_index[:, 1:])
    t.out(tf.raw_ops.Unbatch(batched_tensor=made.batched_tensors[0] * 2, batch_index=made.batch_index, id=made.id,
                             timeout_micros=1000000))  # fmt: skip


@case
def gradient(tf, t):
    x, y = t.feed(t.normal(2, 3)), t.feed(t.normal(2, 3))
    t.values_only()
    t.out(tf.raw_ops.UnbatchGrad(original_input=x, batch_index=[[7, 0, 2]], grad=y, id=7))


FAILURES = {
    "scalar": ([1.0], {}),
    "sizes": ([[1.0], [1.0, 2.0]], {}),
    "too large": ([[1.0] * 5], {}),
    "last size": ([[1.0]], {"allowed_batch_sizes": [1, 2]}),
    "order of sizes": ([[1.0]], {"allowed_batch_sizes": [3, 1, 4]}),
}


@case.each(what=sorted(FAILURES))
def failures(tf, t, what):
    tensors, options = FAILURES[what]
    made = tf.raw_ops.Batch(in_tensors=[tf.constant(x) for x in tensors], **dict(LIMITS, **options))
    t.out(made.batched_tensors[0])


@case
def late(tf, t):
    t.out(tf.raw_ops.Unbatch(batched_tensor=tf.ones([1, 2]), batch_index=[[5, 0, 1]], id=6, timeout_micros=1000))
