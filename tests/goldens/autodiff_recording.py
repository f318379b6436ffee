"""How gradient graphs are recorded from TensorFlow 1.15.5 and compared with Reflow's. Python 3.7 and 3.11 run this."""

import numpy as np

cases = {}
# Cases in which TensorFlow makes other nodes for the same numbers.
values_only = set()


def case(function):
    """Decorator: a case, whose nodes are compared."""
    cases[function.__name__] = function
    return function


def case_of_values(function):
    """Decorator: a case of which the values alone are compared."""
    values_only.add(function.__name__)
    return case(function)


def array(*shape):
    return np.cos(np.arange(np.prod(shape, dtype=int)) + 1.0).reshape(shape).astype("float32")


def tensor(tf, *shape, **options):
    """A float32 tensor that may be fed; `static`: what is known of its shape, `name`."""
    static = options.get("static", list(shape))
    return tf.placeholder_with_default(array(*shape), static, name=options.get("name", "x"))


def outcome(tf, name):
    """The nodes of the graph, what each gradient is, and their values; or the error."""
    with tf.Graph().as_default() as graph:
        try:
            gradients = cases[name](tf)
            lines = None if name in values_only else [_line(node) for node in graph.as_graph_def().node]
            kinds = [_kind(gradient) for gradient in gradients]
            dense = [tf.convert_to_tensor(gradient) for gradient in gradients if gradient is not None]
            with tf.Session(config=tf.ConfigProto(device_count={"CPU": 2})) as session:
                session.run(tf.global_variables_initializer())
                values = [np.asarray(value) for value in session.run(dense)]
        except Exception as error:
            message = str(error).split("\n")[0].split(" (Previous registration")[0].strip('"')
            return {"error": type(error).__name__, "message": message}
        reals = [np.stack([v.real, v.imag]) if v.dtype.kind == "c" else v for v in values]
        return {"nodes": lines, "kinds": kinds, "values": [v.tolist() for v in reals]}


def _kind(gradient):
    if gradient is None:
        return None
    if hasattr(gradient, "indices"):
        parts = (gradient.values, gradient.indices, gradient.dense_shape)
        return [None if part is None else "%s %s" % (part.name, part.shape) for part in parts]
    return "%s %s" % (gradient.name, gradient.shape)


def _line(node):
    """A node with its colocation, device and attributes, but for names that count what the process has done before."""
    attrs = []
    for key, value in sorted(node.attr.items()):
        counted = key == "token" or key == "_gradient_op_type" and value.s.startswith(b"CustomGradient")
        if key == "value" or counted:
            continue
        attrs.append("%s=%s" % (key, " ".join(str(value).split())))
    return "%s = %s(%s) {%s} %s" % (node.name, node.op, ", ".join(node.input), ", ".join(attrs), node.device)
