"""Records what TensorFlow 1.15's collective ops compute on three virtual CPUs. Runs under the tf1 peer.

Usage: python tests/goldens/make_collectives.py
"""

import json
import os

import numpy as np
import tensorflow as tf
from tensorflow.python.ops import collective_ops

VALUES = [[7, -3, 0, 5, 2], [4, 2, -1, 5, -9], [-2, 2, 3, 1, 1]]
CONFIG = tf.ConfigProto(device_count={"CPU": 3}, inter_op_parallelism_threads=8)
CONFIG.experimental.collective_group_leader = "/job:localhost/replica:0/task:0"


def run(make, size, dtype):
    with tf.Graph().as_default(), tf.Session(config=CONFIG) as session:
        made = []
        for i in range(size):
            with tf.device("/cpu:%d" % i):
                made.append(make(tf.constant(np.array(VALUES[i], dtype)), i))
        options = tf.RunOptions(timeout_in_ms=60000)
        options.experimental.collective_graph_key = 1
        results = session.run(made, options=options)
        nodes = [[node.name, node.op, list(node.input)] for node in session.graph.as_graph_def().node]
    assert all(np.array_equal(r, results[0]) for r in results)
    return {"dtype": dtype, "size": size, "result": results[0].tolist(), "nodes": nodes}


def cases():
    for size in (2, 3):
        for dtype in ("float32", "float64", "int32", "int64"):
            for merge_op in ("Add", "Mul"):
                for final_op in ("Id", "Div"):
                    yield reduced(size, dtype, merge_op, final_op)
            yield dict(run(gathered(size), size, dtype), kind="all_gather")
            yield dict(run(broadcast(size), size, dtype), kind="broadcast")


def reduced(size, dtype, merge_op, final_op):
    case = run(lambda t, i: collective_ops.all_reduce(t, size, 1, 1, merge_op, final_op), size, dtype)
    return dict(case, kind="all_reduce", merge_op=merge_op, final_op=final_op)


def gathered(size):
    return lambda t, i: collective_ops.all_gather(t, size, 1, 1)


def broadcast(size):
    def member(tensor, i):
        if i == 0:
            return collective_ops.broadcast_send(tensor, tensor.shape, tensor.dtype, size, 1, 1)
        return collective_ops.broadcast_recv(tensor.shape, tensor.dtype, size, 1, 1)

    return member


path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "collectives.json")
with open(path, "w") as target:
    json.dump({"values": VALUES, "cases": list(cases())}, target, separators=(",", ":"))
