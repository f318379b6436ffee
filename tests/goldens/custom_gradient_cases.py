"""Gradient graphs of a program's own gradient functions.

Each case takes a TensorFlow, in an empty default graph, and returns a list of gradients: tensors, IndexedSlices, None.
"""

import contextlib

from autodiff_recording import array, case, case_of_values, tensor


def _register(tf, name, function):
    """Registers once in a process: the two runs of a test share the registry."""
    with contextlib.suppress(KeyError):
        tf.RegisterGradient(name)(function)


@case
def override_map(tf):
    _register(tf, "CaseDoubled", lambda op, grad: 2.0 * grad)
    x = tensor(tf, 3)
    with tf.get_default_graph().gradient_override_map({"Identity": "CaseDoubled"}):
        y = tf.identity(x)
    return tf.gradients(y + tf.identity(x), x)


@case
def override_of_several_inputs(tf):
    _register(tf, "CaseSwapped", lambda op, grad: [grad * op.inputs[0], None])
    x, z = tensor(tf, 3), tensor(tf, 3, name="z")
    with tf.get_default_graph().gradient_override_map({"Mul": "CaseSwapped"}):
        y = x * z
    return tf.gradients(y, [x, z])


@case
def override_with_too_few_gradients(tf):
    _register(tf, "CaseTooFew", lambda op, grad: [grad])
    x = tensor(tf, 3)
    with tf.get_default_graph().gradient_override_map({"Mul": "CaseTooFew"}):
        y = x * x
    return tf.gradients(y, x)


@case
def override_with_a_wrong_shape(tf):
    _register(tf, "CaseWrongShape", lambda op, grad: tf.ones([7]))
    x = tensor(tf, 3)
    with tf.get_default_graph().gradient_override_map({"Exp": "CaseWrongShape"}):
        y = tf.exp(x)
    return tf.gradients(y, x)


@case
def override_that_nobody_registered(tf):
    x = tensor(tf, 3)
    with tf.get_default_graph().gradient_override_map({"Exp": "CaseNobody"}):
        y = tf.exp(x)
    return tf.gradients(y, x)


@case
def py_func_without_a_gradient(tf):
    x = tensor(tf, 3)
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

    x = tensor(tf, 3)
    return tf.gradients(log1pexp(x) * 2.0, x)


@case
def custom_gradient_twice(tf):
    @tf.custom_gradient
    def cube(x):
        return x * x * x, lambda dy: dy * 3.0 * x * x

    x = tensor(tf, 3)
    (first,) = tf.gradients(cube(cube(x)), x)
    return [first] + tf.gradients(first, x)


@case
def custom_gradient_of_several(tf):
    @tf.custom_gradient
    def both(x, z):
        return [x * z, x + z], lambda dp, ds: [dp * z + ds, dp * x + 2.0 * ds]

    x, z = tensor(tf, 3), tensor(tf, 3, name="z")
    product, total = both(x, z)
    return tf.gradients([product, total], [x, z])


@case_of_values
def recomputed_gradient(tf):
    x = tensor(tf, 3)
    tf.get_variable_scope().set_use_resource(True)
    y = tf.recompute_grad(lambda a: tf.exp(a) * 3.0)(x)
    (first,) = tf.gradients(y * y, x)
    return [first] + tf.gradients(first, x)


@case_of_values
def recomputed_gradient_of_dependent_arguments(tf):
    x = tensor(tf, 3)
    tf.get_variable_scope().set_use_resource(True)
    y = tf.recompute_grad(lambda a, b: a * b + tf.sin(a))(x, x * 2.0)
    return tf.gradients(y, x)


@case_of_values
def recomputed_gradient_with_a_variable(tf):
    with tf.variable_scope("scope", use_resource=True):
        w = tf.get_variable("w", initializer=array(3))
        x = tensor(tf, 3)
        return tf.gradients(tf.recompute_grad(lambda a: tf.exp(a) * w)(x) * 2.0, [x, w])


@case
def custom_gradient_with_a_variable(tf):
    with tf.variable_scope("scope", use_resource=True):
        w = tf.get_variable("w", initializer=array(3))

        @tf.custom_gradient
        def scaled(x):
            def grad(dy, variables=None):
                return dy * 3.0, [dy * 5.0 for _ in variables]

            return x * w, grad

        x = tensor(tf, 3)
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
        x = tensor(tf, 3)
        y = dense(x)
    return tf.gradients(y, [x] + tf.trainable_variables())


@case
def custom_gradient_with_a_reference_variable(tf):
    @tf.custom_gradient
    def dense(x):
        w = tf.get_variable("w", [3], use_resource=False)
        return x * w, lambda dy, variables=None: (dy, [dy])

    return tf.gradients(dense(tensor(tf, 3)), tf.trainable_variables())


@case
def custom_gradient_that_takes_no_variables(tf):
    with tf.variable_scope("scope", use_resource=True):
        w = tf.get_variable("w", initializer=array(3))
        return [tf.custom_gradient(lambda x: (x * w, lambda dy: dy))(tensor(tf, 3))]


@case
def custom_gradient_with_keywords(tf):
    return [tf.custom_gradient(lambda x: (x, lambda dy: dy))(x=tensor(tf, 3))]


@case
def gradient_of_a_closed_custom_gradient(tf):
    @tf.custom_gradient
    def clipped(x):
        return tf.identity(x), lambda dy: tf.clip_by_norm(dy, 0.1)

    w = tf.get_variable("w", initializer=array(4, 4))
    return tf.gradients(tf.reduce_sum(clipped(tf.matmul(w, w)) ** 2), w)


@case
def pass_through(tf):
    with tf.variable_scope("scope", use_resource=True):  # elsewhere TensorFlow takes it to use reference variables
        x = tensor(tf, 3)
        return tf.gradients(tf.grad_pass_through(tf.floor)(x) * 3.0, x)
