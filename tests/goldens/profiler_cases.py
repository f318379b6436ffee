"""A small network and the profiles of it that TensorFlow and Reflow are compared in: what needs no run."""

import os
import tempfile


def build(tf):
    """A convolution, a product, their gradients, and a few operations of other kinds."""
    x = tf.placeholder(tf.float32, [4, 6, 6, 3], name="x")
    with tf.variable_scope("net"):
        kernel = tf.get_variable("kernel", [3, 3, 3, 5], initializer=tf.zeros_initializer())
        bias = tf.get_variable("bias", [5], initializer=tf.zeros_initializer())
        h = tf.nn.relu(tf.nn.bias_add(tf.nn.conv2d(x, kernel, [1, 1, 1, 1], "SAME"), bias))
        h = tf.nn.max_pool(h, [1, 2, 2, 1], [1, 2, 2, 1], "SAME")
        tf.nn.avg_pool(h, [1, 3, 3, 1], [1, 1, 1, 1], "SAME", name="average")
    with tf.variable_scope("top"):
        weights = tf.get_variable("weights", [45, 7], initializer=tf.zeros_initializer())
        tf.get_variable("steps", [], trainable=False, initializer=tf.zeros_initializer())
        y = tf.matmul(tf.reshape(h, [4, 45]), weights, name="product")
    with tf.name_scope("others"):
        tf.squared_difference(y, 1.0)
        tf.nn.softmax(y)
        tf.nn.l2_loss(y)
        tf.argmax(y, 1)
        tf.add_n([y, y, y])
        tf.rsqrt(tf.log(tf.square(y)))
        tf.matmul(y, y, transpose_a=True)
        tf.nn.depthwise_conv2d(x, tf.ones([2, 2, 3, 2]), [1, 1, 1, 1], "VALID")
        tf.nn.conv3d(tf.ones([1, 4, 4, 4, 2]), tf.ones([2, 2, 2, 2, 3]), [1, 1, 1, 1, 1], "SAME")
        tf.matmul(tf.ones([2, 3, 4]), tf.ones([2, 4, 5]))
    loss = tf.reduce_mean(tf.square(y), name="loss")
    tf.gradients(loss, [kernel, bias, weights])


def cases(builder):
    """(name, view, options) of the profiles; `builder` is ProfileOptionBuilder."""
    flops, parameters = builder.float_operation(), builder.trainable_variables_parameter()
    everything = builder(flops).with_min_float_operations(0).order_by("name").build()
    return [
        ("parameters", "scope", parameters),
        ("parameters by size", "scope", builder(parameters).order_by("params").with_min_parameters(10).build()),
        ("flops by scope", "scope", flops),
        ("flops by type", "op", flops),
        ("flops by flow", "graph", flops),
        ("everything", "scope", builder(everything).select(["params", "float_ops", "occurrence", "input_shapes",
                                                            "op_types"]).build()),
        ("two levels", "scope", builder(everything).with_max_depth(2).account_displayed_op_only(False).build()),
        ("hidden", "scope", builder(everything).with_node_names(hide_name_regexes=["net/.*"]).build()),
        ("started", "scope", builder(everything).with_node_names(
            start_name_regexes=["top/.*"], trim_name_regexes=["top/weights/.*"]).build()),
        ("shown", "scope", builder(everything).with_node_names(
            show_name_regexes=[".*product.*"]).account_displayed_op_only(False).build()),
        ("types", "scope", builder(everything).with_accounted_types(["MatMul", "Conv2D"]).build()),
        ("three types", "op", builder(flops).with_max_depth(3).account_displayed_op_only(False).build()),
        ("seldom", "op", builder(flops).with_min_occurrence(2).select(["float_ops", "params", "occurrence"]).build()),
    ]  # fmt: skip


def profiles(tf):
    """By name: [the report's rows, the returned message in hexadecimal]."""
    builder = tf.profiler.ProfileOptionBuilder
    results = {}
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "report")
        for name, view, options in cases(builder):
            with tf.Graph().as_default():
                build(tf)
                message = tf.profiler.profile(cmd=view, options=builder(options).with_file_output(path).build())
            with open(path) as file:
                rows = file.read().partition("Profile:\n")[2]
            results[name] = [rows.rstrip("\n").split("\n"), message.SerializeToString().hex()]
    return results
