"""Batches of what steps bring, against TensorFlow 1.15.5, and from several threads."""

import threading

import numpy as np

import reflow as tf
from tests.ops.recorded import Recorded

recorded = Recorded("batching")


@recorded.each_case
def test_as_tensorflow(name):
    recorded.check(name)


def test_one_step_computes_for_all():
    with tf.Graph().as_default(), tf.Session() as session:
        x = tf.placeholder(tf.float32, [1])
        made = tf.raw_ops.Batch(in_tensors=[x], num_batch_threads=1, max_batch_size=3, batch_timeout_micros=10**7,
                                grad_timeout_micros=10**6)  # fmt: skip
        seen = made.batched_tensors[0]
        result = tf.raw_ops.Unbatch(batched_tensor=seen * 10, batch_index=made.batch_index, id=made.id,
                                    timeout_micros=10**7)  # fmt: skip
        back = tf.raw_ops.UnbatchGrad(original_input=seen, batch_index=made.batch_index, grad=result + 1, id=made.id)
        results = {}

        def run(i):
            results[i] = session.run([seen, result, back], {x: [i]})

        threads = [threading.Thread(target=run, args=(i,)) for i in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(20)
    assert [results[i][1].tolist() for i in range(3)] == [[0], [10], [20]]
    assert sorted(len(results[i][0]) for i in range(3)) == [0, 0, 3]
    whole, _, gradient = next(r for r in results.values() if len(r[0]))
    np.testing.assert_array_equal(gradient, whole * 10 + 1)
