"""Gradient graphs that are recorded from TensorFlow 1.15.5 and compared with Reflow's. Python 3.7 and 3.11 run this.

Each case takes a TensorFlow, in an empty default graph, and returns a list of gradients: tensors, IndexedSlices, None.
"""

import contextlib

import numpy as np

cases = {}
# Where the values alone are compared: TensorFlow makes other nodes for the same numbers.
values_only = set()


def case(function):
    cases[function.__name__] = function
    return function


def _values(function):
    values_only.add(function.__name__)
    return case(function)


def _array(*shape):
    return np.cos(np.arange(np.prod(shape, dtype=int)) + 1.0).reshape(shape).astype("float32")


def _x(tf, *shape, **options):
    static = options.get("static", list(shape))
    return tf.placeholder_with_default(_array(*shape), static, name=options.get("name", "x"))


# --- arguments of tf.gradients --------------------------------------------------------------------------------------


@case
def one_y_one_x(tf):
    x = _x(tf, 2, 3)
    return tf.gradients(tf.tanh(x) * x, x)


@case
def unknown_shape(tf):
    x = _x(tf, 2, 3, static=[None, 3])
    return tf.gradients(tf.sigmoid(x), [x])


@case
def several_ys(tf):
    x = _x(tf, 3)
    return tf.gradients([x * x, tf.reduce_sum(x), tf.exp(x)], [x])


@case
def equal_ys(tf):
    x = _x(tf, 3)
    y = tf.exp(x)
    return tf.gradients([y, y], x)


@case
def y_before_another_y(tf):
    x = _x(tf, 3)
    y = tf.exp(x)
    return tf.gradients([y, tf.sin(y)], x)


@case
def x_before_another_x(tf):
    x = _x(tf, 3)
    y = tf.exp(x)
    return tf.gradients(tf.sin(y), [x, y, x])


@case
def y_is_x(tf):
    x = _x(tf, 3)
    return tf.gradients(x, x)


@case
def grad_ys(tf):
    x = _x(tf, 3)
    return tf.gradients([x * x, tf.exp(x)], [x], grad_ys=[tf.constant([1.0, 2.0, 3.0]), None])


@case
def grad_ys_as_arrays(tf):
    x = _x(tf, 3)
    return tf.gradients([x * x], [x], grad_ys=[np.float32([1, 2, 3])], name="mine")


@case
def grad_ys_as_slices(tf):
    x = _x(tf, 4, 2)
    slices = tf.IndexedSlices(tf.ones([2, 2]), tf.constant([1, 3]), tf.constant([4, 2]))
    return tf.gradients(tf.identity(x), x, grad_ys=[slices])


@case
def stop_gradients(tf):
    x = _x(tf, 3)
    y = tf.exp(x)
    return tf.gradients(x * y, [x, y], stop_gradients=[y])


@case
def stop_gradients_are_xs(tf):
    a = tf.constant(0.5, name="a")
    b = 2 * a
    return tf.gradients(a + b, [a, b], stop_gradients=[a, b])


@case
def stop_gradient_op(tf):
    x = _x(tf, 3)
    return tf.gradients(x * tf.stop_gradient(tf.exp(x)), x)


@case
def unconnected_none(tf):
    x, z = _x(tf, 3), _x(tf, 2, name="z")
    return tf.gradients(x * x, [x, z])


@case
def unconnected_zero(tf):
    x, z, u = _x(tf, 3), _x(tf, 2, name="z"), _x(tf, 2, name="u", static=[None])
    v = tf.get_variable("v", initializer=_array(2), use_resource=True)
    w = tf.get_variable("w", initializer=_array(2))
    return tf.gradients(x * x, [x, z, u, v, w], unconnected_gradients=tf.UnconnectedGradients.ZERO)


@case
def unconnected_by_value(tf):
    x, z = _x(tf, 3), _x(tf, 2, name="z")
    return tf.gradients(x * x, [z], unconnected_gradients="zero")


@case
def through_integers(tf):
    x = _x(tf, 3)
    return tf.gradients(tf.cast(tf.cast(x, tf.int32), tf.float32) + tf.cast(tf.argmax(x), tf.float32), x)


@case
def not_differentiable_op(tf):
    x = _x(tf, 3)
    return tf.gradients(tf.floor(x) + tf.sign(x) + x, x)


@case
def of_integers(tf):
    x = tf.constant([1, 2], name="n")
    return tf.gradients(x * x, x)


@case
def of_complex_numbers(tf):
    x = tf.constant([1 + 2j, 3 - 1j], name="c")
    return tf.gradients(x * x, x, grad_ys=[tf.constant([1j, 2 + 0j])])


@case
def some_outputs_unused(tf):
    x = _x(tf, 4, 3)
    a, _, c = tf.unstack(x, axis=1)
    values, _ = tf.nn.moments(x, [0])
    return tf.gradients([a * c, values], x)


@case
def variables_of_both_kinds(tf):
    v = tf.get_variable("v", initializer=_array(3))
    w = tf.get_variable("w", initializer=_array(3), use_resource=True)
    return tf.gradients(v * w + w, [v, w])


@case
def partitioned_variable(tf):
    whole = tf.get_variable("p", [4], partitioner=tf.fixed_size_partitioner(2), initializer=tf.ones_initializer())
    return tf.gradients(tf.convert_to_tensor(whole) ** 2, list(whole))


# --- sums -----------------------------------------------------------------------------------------------------------


def _fan(tf, uses, **options):
    x = _x(tf, 3)
    y = tf.exp(x)
    return tf.gradients(tf.add_n([y * float(i) for i in range(1, uses + 1)]), [x, y], **options)


@case
def sum_of_four(tf):
    return _fan(tf, 4)


@case
def sum_as_a_tree(tf):
    return _fan(tf, 5, aggregation_method=tf.AggregationMethod.EXPERIMENTAL_TREE)


@case
def sum_accumulated(tf):
    return _fan(tf, 4, aggregation_method=tf.AggregationMethod.EXPERIMENTAL_ACCUMULATE_N)


@case
def sum_of_two_accumulated(tf):
    return _fan(tf, 2, aggregation_method=tf.AggregationMethod.EXPERIMENTAL_ACCUMULATE_N)


@case
def sum_in_an_unknown_way(tf):
    return _fan(tf, 4, aggregation_method=7)


@case
def colocated(tf):
    with tf.device("/cpu:0"):
        x = _x(tf, 3)
        y = tf.exp(x, name="y")
    with tf.device("/cpu:1"):
        z = tf.reduce_sum(y * y, name="z") + tf.reduce_sum(y)
    return tf.gradients(z, x, colocate_gradients_with_ops=True)


@case
def sum_over_devices(tf):
    x = _x(tf, 3)
    y = tf.exp(x)
    parts = []
    for i in range(4):
        with tf.device("/cpu:%d" % (i % 2)):
            parts.append(y * float(i + 1))
    return tf.gradients(parts, [x], colocate_gradients_with_ops=True)


@case
def gated(tf):
    x, z = _x(tf, 3), _x(tf, 3, name="z")
    return tf.gradients(tf.multiply(x, tf.exp(z)) + z, [x, z], gate_gradients=True)


@case
def gated_and_colocated(tf):
    x, z = _x(tf, 3), _x(tf, 3, name="z")
    with tf.device("/cpu:0"):
        y = tf.multiply(x, z)
    return tf.gradients(y, [x, z], gate_gradients=True, colocate_gradients_with_ops=True)


# --- slices ---------------------------------------------------------------------------------------------------------


@case
def gather(tf):
    return tf.gradients(tf.gather(_x(tf, 4, 2), [1, 3]), tf.get_default_graph().get_tensor_by_name("x:0"))


@case
def gather_twice(tf):
    v = tf.get_variable("v", initializer=_array(4, 2))
    return tf.gradients(tf.reduce_sum(tf.gather(v, [1, 3])) + tf.reduce_sum(tf.gather(v, [[0], [1]])), v)


@case
def gather_twice_from_a_resource(tf):
    v = tf.get_variable("v", initializer=_array(4, 2), use_resource=True)
    return tf.gradients(tf.reduce_sum(tf.gather(v, [1, 3])) + tf.reduce_sum(tf.gather(v, [0, 1, 1])), v)


@case
def gather_with_two_index_types(tf):
    v = tf.get_variable("v", initializer=_array(4, 2))
    first, second = tf.gather(v, [1]), tf.gather(v, np.array([2, 3], np.int64))
    return tf.gradients([first, second], v)


@case
def gather_and_dense_use(tf):
    v = tf.get_variable("v", initializer=_array(4, 2))
    return tf.gradients(tf.reduce_sum(tf.gather(v, [1, 3])) + tf.reduce_sum(v * v), v)


@case
def gather_of_a_product(tf):
    x = _x(tf, 4, 2)
    return tf.gradients(tf.gather(x * 2.0, [1, 1]), x)


@case
def embedding_lookup(tf):
    parts = [tf.get_variable("p%d" % i, initializer=_array(3, 2) + i) for i in range(2)]
    ids = tf.placeholder_with_default([0, 3, 3, 5], [None])
    return tf.gradients(tf.nn.embedding_lookup(parts, ids), parts)


@case
def sparse_sums(tf):
    x = _x(tf, 4, 2)
    return tf.gradients(tf.unsorted_segment_sum(tf.gather(x, [0, 2, 2]), [1, 0, 1], 2), x)


# --- higher orders --------------------------------------------------------------------------------------------------


@case
def second_order(tf):
    x = _x(tf, 3)
    (first,) = tf.gradients(tf.sin(x) * x, x)
    return tf.gradients(first, x)


@case
def third_order(tf):
    x = _x(tf, 3)
    y = tf.exp(x * x)
    for _ in range(3):
        (y,) = tf.gradients(y, x)
    return [y]


@case
def second_order_of_a_network(tf):
    x = _x(tf, 2, 3)
    w = tf.get_variable("w", initializer=_array(3, 4))
    loss = tf.reduce_mean(tf.square(tf.matmul(tf.tanh(x), w)))
    (first,) = tf.gradients(loss, x)
    return tf.gradients(tf.reduce_sum(tf.square(first)), [w, x])


@_values
def hessian_of_a_vector(tf):
    x = _x(tf, 3)
    return tf.hessians(tf.reduce_sum(x * x * x) * tf.reduce_prod(x), x)


@_values
def hessians_of_two_xs(tf):
    x, z = _x(tf, 3), _x(tf, 2, 2, name="z")
    return tf.hessians([tf.reduce_sum(x) * tf.reduce_sum(z * z * z), tf.reduce_sum(tf.exp(x))], [x, z])


@_values
def hessian_of_unknown_size(tf):
    x = _x(tf, 4, static=[None])
    return tf.hessians(tf.reduce_sum(tf.sin(x) * x) * tf.reduce_prod(x), x)


@_values
def hessian_of_unknown_rank(tf):
    x = _x(tf, 2, 3, static=None)
    return tf.hessians(tf.reduce_sum(x * x * x) * tf.reduce_sum(tf.exp(x)), x)


@_values
def hessian_of_many_elements(tf):
    x, w = _x(tf, 3, 11), _x(tf, 11, 2, name="w")
    return tf.hessians(tf.reduce_sum(tf.tanh(tf.matmul(x, w))), [x, w])


@_values
def hessian_by_a_variable(tf):
    x = _x(tf, 6, 33)
    w = tf.get_variable("w", initializer=_array(33, 1))
    v = tf.get_variable("v", initializer=_array(3), use_resource=True)
    loss = tf.reduce_sum(tf.log(1.0 + tf.exp(tf.matmul(x, w)))) + tf.reduce_sum(v * v * v) * tf.reduce_sum(w)
    return tf.hessians(loss, [w, v])


@_values
def hessian_times_something(tf):
    x = _x(tf, 4, static=[None])
    (hessian,) = tf.hessians(tf.reduce_sum(x * x * x), x)
    scale = tf.reduce_sum(x)
    return tf.gradients(tf.reduce_sum(tf.stop_gradient(hessian) * scale), x) + [hessian * scale]


@_values
def hessian_of_a_scalar(tf):
    x = tf.constant(2.0)
    return tf.hessians(x * x * x, x)


# --- gradients of a program's own -----------------------------------------------------------------------------------


def _register(tf, name, function):
    """Registers once in a process: the two runs of a test share the registry."""
    with contextlib.suppress(KeyError):
        tf.RegisterGradient(name)(function)


@case
def override_map(tf):
    _register(tf, "CaseDoubled", lambda op, grad: 2.0 * grad)
    x = _x(tf, 3)
    with tf.get_default_graph().gradient_override_map({"Identity": "CaseDoubled"}):
        y = tf.identity(x)
    return tf.gradients(y + tf.identity(x), x)


@case
def override_of_several_inputs(tf):
    _register(tf, "CaseSwapped", lambda op, grad: [grad * op.inputs[0], None])
    x, z = _x(tf, 3), _x(tf, 3, name="z")
    with tf.get_default_graph().gradient_override_map({"Mul": "CaseSwapped"}):
        y = x * z
    return tf.gradients(y, [x, z])


@case
def override_with_too_few_gradients(tf):
    _register(tf, "CaseTooFew", lambda op, grad: [grad])
    x = _x(tf, 3)
    with tf.get_default_graph().gradient_override_map({"Mul": "CaseTooFew"}):
        y = x * x
    return tf.gradients(y, x)


@case
def override_with_a_wrong_shape(tf):
    _register(tf, "CaseWrongShape", lambda op, grad: tf.ones([7]))
    x = _x(tf, 3)
    with tf.get_default_graph().gradient_override_map({"Exp": "CaseWrongShape"}):
        y = tf.exp(x)
    return tf.gradients(y, x)


@case
def override_that_nobody_registered(tf):
    x = _x(tf, 3)
    with tf.get_default_graph().gradient_override_map({"Exp": "CaseNobody"}):
        y = tf.exp(x)
    return tf.gradients(y, x)


@case
def py_func_without_a_gradient(tf):
    x = _x(tf, 3)
    return tf.gradients(tf.py_func(lambda v: v, [x], tf.float32), x)


@case
def register_twice(tf):
    tf.RegisterGradient("CaseTwice")(lambda op, grad: grad)
    tf.RegisterGradient("CaseTwice")(lambda op, grad: grad)
    return []


@case
def register_a_known_op(tf):
    tf.RegisterGradient("MatMul")(lambda op, grad: grad)
    return []


@case
def register_no_name(tf):
    return [tf.RegisterGradient(3)]


@case
def not_differentiable_no_name(tf):
    return [tf.NotDifferentiable(3)]


@case
def custom_gradient(tf):
    @tf.custom_gradient
    def log1pexp(x):
        e = tf.exp(x)
        return tf.log(1 + e), lambda dy: dy * (1 - 1 / (1 + e))

    x = _x(tf, 3)
    return tf.gradients(log1pexp(x) * 2.0, x)


@case
def custom_gradient_twice(tf):
    @tf.custom_gradient
    def cube(x):
        return x * x * x, lambda dy: dy * 3.0 * x * x

    x = _x(tf, 3)
    (first,) = tf.gradients(cube(cube(x)), x)
    return [first] + tf.gradients(first, x)


@case
def custom_gradient_of_several(tf):
    @tf.custom_gradient
    def both(x, z):
        return [x * z, x + z], lambda dp, ds: [dp * z + ds, dp * x + 2.0 * ds]

    x, z = _x(tf, 3), _x(tf, 3, name="z")
    product, total = both(x, z)
    return tf.gradients([product, total], [x, z])


@_values
def recomputed_gradient(tf):
    x = _x(tf, 3)
    tf.get_variable_scope().set_use_resource(True)
    y = tf.recompute_grad(lambda a: tf.exp(a) * 3.0)(x)
    (first,) = tf.gradients(y * y, x)
    return [first] + tf.gradients(first, x)


@_values
def recomputed_gradient_of_dependent_arguments(tf):
    x = _x(tf, 3)
    tf.get_variable_scope().set_use_resource(True)
    y = tf.recompute_grad(lambda a, b: a * b + tf.sin(a))(x, x * 2.0)
    return tf.gradients(y, x)


@_values
def recomputed_gradient_with_a_variable(tf):
    with tf.variable_scope("scope", use_resource=True):
        w = tf.get_variable("w", initializer=_array(3))
        x = _x(tf, 3)
        return tf.gradients(tf.recompute_grad(lambda a: tf.exp(a) * w)(x) * 2.0, [x, w])


@case
def custom_gradient_with_a_variable(tf):
    with tf.variable_scope("scope", use_resource=True):
        w = tf.get_variable("w", initializer=_array(3))

        @tf.custom_gradient
        def scaled(x):
            def grad(dy, variables=None):
                return dy * 3.0, [dy * 5.0 for _ in variables]

            return x * w, grad

        x = _x(tf, 3)
        return tf.gradients(scaled(x), [x, w])


@case
def custom_gradient_that_makes_a_variable(tf):
    @tf.custom_gradient
    def dense(x):
        w = tf.get_variable("w", [3], initializer=tf.ones_initializer())

        def grad(dy, variables=None):
            return dy * w, [dy * x for _ in variables]

        return x * w, grad

    with tf.variable_scope("scope", use_resource=True):
        x = _x(tf, 3)
        y = dense(x)
    return tf.gradients(y, [x] + tf.trainable_variables())


@case
def custom_gradient_with_a_reference_variable(tf):
    @tf.custom_gradient
    def dense(x):
        w = tf.get_variable("w", [3], use_resource=False)
        return x * w, lambda dy, variables=None: (dy, [dy])

    return tf.gradients(dense(_x(tf, 3)), tf.trainable_variables())


@case
def custom_gradient_that_takes_no_variables(tf):
    with tf.variable_scope("scope", use_resource=True):
        w = tf.get_variable("w", initializer=_array(3))
        return [tf.custom_gradient(lambda x: (x * w, lambda dy: dy))(_x(tf, 3))]


@case
def custom_gradient_with_keywords(tf):
    return [tf.custom_gradient(lambda x: (x, lambda dy: dy))(x=_x(tf, 3))]


@case
def gradient_of_a_closed_custom_gradient(tf):
    @tf.custom_gradient
    def clipped(x):
        return tf.identity(x), lambda dy: tf.clip_by_norm(dy, 0.1)

    w = tf.get_variable("w", initializer=_array(4, 4))
    return tf.gradients(tf.reduce_sum(clipped(tf.matmul(w, w)) ** 2), w)


@case
def pass_through(tf):
    with tf.variable_scope("scope", use_resource=True):  # elsewhere TensorFlow takes it to use reference variables
        x = _x(tf, 3)
        return tf.gradients(tf.grad_pass_through(tf.floor)(x) * 3.0, x)


# --- errors ---------------------------------------------------------------------------------------------------------


@case
def grad_ys_of_another_length(tf):
    x = _x(tf, 3)
    return tf.gradients([x, x], x, grad_ys=[x])


@case
def grad_ys_of_a_wrong_type(tf):
    x = _x(tf, 3)
    return tf.gradients(x, x, grad_ys=[tf.constant(["a", "b", "c"])])


@case
def grad_ys_real_for_complex(tf):
    x = tf.constant([1j])
    return tf.gradients(x, x, grad_ys=[tf.constant([1.0])])


@case
def complex_without_grad_ys(tf):
    x = tf.constant([1j])
    return tf.gradients(x, x)


@case
def text(tf):
    x = tf.constant("a")
    return tf.gradients(tf.identity(x), x, grad_ys=[x])


@case
def unknown_unconnected(tf):
    x = _x(tf, 3)
    return tf.gradients(x, x, unconnected_gradients="nonsense")


# --- a network ------------------------------------------------------------------------------------------------------


def _network(tf, resource=False):
    x = _x(tf, 5, 6, static=[None, 6])
    labels = tf.constant([0, 2, 1, 1, 0], name="labels")
    hidden, size = x, 6
    for i, units in enumerate((8, 7)):
        with tf.variable_scope("layer%d" % i):
            w = tf.get_variable("w", initializer=_array(size, units), use_resource=resource)
            b = tf.get_variable("b", initializer=_array(units), use_resource=resource)
            hidden, size = tf.nn.relu(tf.matmul(hidden, w) + b), units
    w = tf.get_variable("out", initializer=_array(size, 3), use_resource=resource)
    logits = tf.nn.xw_plus_b(hidden, w, tf.get_variable("bias", initializer=_array(3), use_resource=resource))
    losses = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=logits)
    decay = 0.01 * tf.add_n([tf.nn.l2_loss(v) for v in tf.trainable_variables()])
    return tf.reduce_mean(losses) + decay


@case
def network(tf):
    return tf.gradients(_network(tf), tf.trainable_variables())


@case
def network_of_resources(tf):
    return tf.gradients(_network(tf, True), tf.trainable_variables())


@case
def network_as_an_optimizer_does(tf):
    return tf.gradients(_network(tf), tf.trainable_variables(), gate_gradients=True, colocate_gradients_with_ops=True,
                        name="gradients", grad_ys=None)  # fmt: skip


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
