"""What one example does under a TensorFlow (or Reflow): the same code runs in the peer's worker and in the tests.

An example is a GraphDef with the node "op" under test, and feeds. Runs under the Python 3.7 of TensorFlow 1.15, too.
"""

import base64

import numpy as np
from array_codec import decode, encode

# No example takes long; graphs are run as they stand, on one thread.
_THREADS = 1


def outcome(tf, example, device="/device:CPU:0"):
    """The outcome of an example.

    Args:
      tf: TensorFlow, or Reflow.
      example: {"graph": a serialized GraphDef in base64, "feeds": {placeholder: encoded array}, "wrt": the placeholders
        that gradients are taken by}.
      device: where it runs, as far as it can.

    Returns:
      {"shapes", "dtypes", "values", "gradients"}, or {"error": class name, "stage": "build" or "run", "message"}.
      A shape is None where the rank is unknown; a gradient is None where there is none. "gradients" is a dict like the
      one of a failure if taking or running them fails, and None if no input or no output has any.
    """
    graph_def = tf.GraphDef.FromString(base64.b64decode(example["graph"]))
    graph = tf.Graph()
    # On the CPU, because without a word TensorFlow 1.15 runs ops that have no kernel there by XLA.
    with graph.as_default(), graph.device(device):
        try:
            tf.import_graph_def(graph_def, name="")
        except Exception as error:
            return _failure(error, "build")
        node = graph.get_operation_by_name("op")
        with tf.Session(graph=graph, config=_config(tf)) as session:
            feeds = {graph.get_tensor_by_name(k + ":0"): _fed(tf, v) for k, v in example["feeds"].items()}
            try:
                _initialize(session, graph, feeds)
                fetches = [t if _is_plain(tf, t) else node for t in node.outputs]
                values = session.run(fetches or node, feeds) or []
                after = _after(session, graph, feeds)
            except Exception as error:
                return _failure(error, "run")
            return {
                "shapes": [_static_shape(t) for t in node.outputs],
                "dtypes": [t.dtype.base_dtype.name for t in node.outputs],
                "values": [None if v is None else encode(v) for v in values],
                "gradients": _gradients(tf, session, node, values, example["wrt"], feeds),
                "after": after,
            }


def _config(tf):
    config = tf.ConfigProto(intra_op_parallelism_threads=_THREADS, inter_op_parallelism_threads=_THREADS)
    config.graph_options.rewrite_options.disable_meta_optimizer = True
    config.graph_options.optimizer_options.opt_level = -1
    config.allow_soft_placement = True
    return config


def _fed(tf, entry):
    return np.asarray(decode(entry)).astype(tf.as_dtype(entry["dtype"]).as_numpy_dtype)


def _is_plain(tf, tensor):
    return tensor.dtype.base_dtype not in (tf.resource, tf.variant)


def _initialize(session, graph, feeds):
    """Give the variables that the example works on their first values."""
    operations = [o for o in graph.get_operations() if o.name.startswith("set_")]
    if operations:
        session.run(operations, feeds)


def _after(session, graph, feeds):
    """The values of the variables once the node has run, and what other nodes read of its outputs."""
    tensors = [o.outputs[0] for o in graph.get_operations() if o.name.startswith("get_")]
    return [encode(v) for v in session.run(tensors, feeds)] if tensors else []


def _static_shape(tensor):
    return None if tensor.shape.ndims is None else tensor.shape.as_list()


def _gradients(tf, session, node, values, wrt, feeds):
    graph = session.graph
    pairs = [(t, v) for t, v in zip(node.outputs, values) if t.dtype.is_floating or t.dtype.is_complex]  # noqa: B905
    if not wrt or not pairs:
        return None
    xs = [graph.get_tensor_by_name(name + ":0") for name in wrt]
    try:
        weights = [tf.constant(_weights(v, t.dtype), t.dtype) for t, v in pairs]
        made = tf.gradients([t for t, _ in pairs], xs, grad_ys=weights)
        dense = [None if g is None else tf.convert_to_tensor(g) for g in made]
        results = iter(session.run([g for g in dense if g is not None], feeds))
    except Exception as error:
        return _failure(error, "gradient")
    return [None if g is None else encode(next(results)) for g in dense]


def _weights(value, dtype):
    """Fixed numbers that differ from place to place, few of their digits in use."""
    wave = np.round(np.cos(np.arange(value.size, dtype="float64") + 1) * 8) / 8 + 0.0625
    return wave.reshape(value.shape).astype(dtype.as_numpy_dtype)


def _failure(error, stage):
    return {"error": type(error).__name__, "stage": stage, "message": str(error).split("\n")[0][:300]}
