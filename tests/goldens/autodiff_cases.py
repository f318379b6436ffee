"""Gradient graphs that are recorded from TensorFlow 1.15.5 and compared with Reflow's.

Each case takes a TensorFlow, in an empty default graph, and returns a list of gradients: tensors, IndexedSlices, None.
"""

import numpy as np
from autodiff_recording import array, case, case_of_values, tensor

# --- arguments of tf.gradients --------------------------------------------------------------------------------------


@case
def one_y_one_x(tf):
    x = tensor(tf, 2, 3)
    return tf.gradients(tf.tanh(x) * x, x)


@case
def unknown_shape(tf):
    x = tensor(tf, 2, 3, static=[None, 3])
    return tf.gradients(tf.sigmoid(x), [x])


@case
def several_ys(tf):
    x = tensor(tf, 3)
    return tf.gradients([x * x, tf.reduce_sum(x), tf.exp(x)], [x])


@case
def equal_ys(tf):
    x = tensor(tf, 3)
    y = tf.exp(x)
    return tf.gradients([y, y], x)


@case
def y_before_another_y(tf):
    x = tensor(tf, 3)
    y = tf.exp(x)
    return tf.gradients([y, tf.sin(y)], x)


@case
def x_before_another_x(tf):
    x = tensor(tf, 3)
    y = tf.exp(x)
    return tf.gradients(tf.sin(y), [x, y, x])


@case
def y_is_x(tf):
    x = tensor(tf, 3)
    return tf.gradients(x, x)


@case
def grad_ys(tf):
    x = tensor(tf, 3)
    return tf.gradients([x * x, tf.exp(x)], [x], grad_ys=[tf.constant([1.0, 2.0, 3.0]), None])


@case
def grad_ys_as_arrays(tf):
    x = tensor(tf, 3)
    return tf.gradients([x * x], [x], grad_ys=[np.float32([1, 2, 3])], name="mine")


@case
def grad_ys_as_slices(tf):
    x = tensor(tf, 4, 2)
    slices = tf.IndexedSlices(tf.ones([2, 2]), tf.constant([1, 3]), tf.constant([4, 2]))
    return tf.gradients(tf.identity(x), x, grad_ys=[slices])


@case
def stop_gradients(tf):
    x = tensor(tf, 3)
    y = tf.exp(x)
    return tf.gradients(x * y, [x, y], stop_gradients=[y])


@case
def stop_gradients_are_xs(tf):
    a = tf.constant(0.5, name="a")
    b = 2 * a
    return tf.gradients(a + b, [a, b], stop_gradients=[a, b])


@case
def stop_gradient_op(tf):
    x = tensor(tf, 3)
    return tf.gradients(x * tf.stop_gradient(tf.exp(x)), x)


@case
def unconnected_none(tf):
    x, z = tensor(tf, 3), tensor(tf, 2, name="z")
    return tf.gradients(x * x, [x, z])


@case
def unconnected_zero(tf):
    x, z, u = tensor(tf, 3), tensor(tf, 2, name="z"), tensor(tf, 2, name="u", static=[None])
    v = tf.get_variable("v", initializer=array(2), use_resource=True)
    w = tf.get_variable("w", initializer=array(2))
    return tf.gradients(x * x, [x, z, u, v, w], unconnected_gradients=tf.UnconnectedGradients.ZERO)


@case
def unconnected_by_value(tf):
    x, z = tensor(tf, 3), tensor(tf, 2, name="z")
    return tf.gradients(x * x, [z], unconnected_gradients="zero")


@case
def through_integers(tf):
    x = tensor(tf, 3)
    return tf.gradients(tf.cast(tf.cast(x, tf.int32), tf.float32) + tf.cast(tf.argmax(x), tf.float32), x)


@case
def not_differentiable_op(tf):
    x = tensor(tf, 3)
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
    x = tensor(tf, 4, 3)
    a, _, c = tf.unstack(x, axis=1)
    values, _ = tf.nn.moments(x, [0])
    return tf.gradients([a * c, values], x)


@case
def variables_of_both_kinds(tf):
    v = tf.get_variable("v", initializer=array(3))
    w = tf.get_variable("w", initializer=array(3), use_resource=True)
    return tf.gradients(v * w + w, [v, w])


@case
def partitioned_variable(tf):
    whole = tf.get_variable("p", [4], partitioner=tf.fixed_size_partitioner(2), initializer=tf.ones_initializer())
    return tf.gradients(tf.convert_to_tensor(whole) ** 2, list(whole))


# --- sums -----------------------------------------------------------------------------------------------------------


def _fan(tf, uses, **options):
    x = tensor(tf, 3)
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
        x = tensor(tf, 3)
        y = tf.exp(x, name="y")
    with tf.device("/cpu:1"):
        z = tf.reduce_sum(y * y, name="z") + tf.reduce_sum(y)
    return tf.gradients(z, x, colocate_gradients_with_ops=True)


@case
def sum_over_devices(tf):
    x = tensor(tf, 3)
    y = tf.exp(x)
    parts = []
    for i in range(4):
        with tf.device("/cpu:%d" % (i % 2)):
            parts.append(y * float(i + 1))
    return tf.gradients(parts, [x], colocate_gradients_with_ops=True)


@case
def gated(tf):
    x, z = tensor(tf, 3), tensor(tf, 3, name="z")
    return tf.gradients(tf.multiply(x, tf.exp(z)) + z, [x, z], gate_gradients=True)


@case
def gated_and_colocated(tf):
    x, z = tensor(tf, 3), tensor(tf, 3, name="z")
    with tf.device("/cpu:0"):
        y = tf.multiply(x, z)
    return tf.gradients(y, [x, z], gate_gradients=True, colocate_gradients_with_ops=True)


# --- slices ---------------------------------------------------------------------------------------------------------


@case
def gather(tf):
    return tf.gradients(tf.gather(tensor(tf, 4, 2), [1, 3]), tf.get_default_graph().get_tensor_by_name("x:0"))


@case
def gather_twice(tf):
    v = tf.get_variable("v", initializer=array(4, 2))
    return tf.gradients(tf.reduce_sum(tf.gather(v, [1, 3])) + tf.reduce_sum(tf.gather(v, [[0], [1]])), v)


@case
def gather_twice_from_a_resource(tf):
    v = tf.get_variable("v", initializer=array(4, 2), use_resource=True)
    return tf.gradients(tf.reduce_sum(tf.gather(v, [1, 3])) + tf.reduce_sum(tf.gather(v, [0, 1, 1])), v)


@case
def gather_with_two_index_types(tf):
    v = tf.get_variable("v", initializer=array(4, 2))
    first, second = tf.gather(v, [1]), tf.gather(v, np.array([2, 3], np.int64))
    return tf.gradients([first, second], v)


@case
def gather_and_dense_use(tf):
    v = tf.get_variable("v", initializer=array(4, 2))
    return tf.gradients(tf.reduce_sum(tf.gather(v, [1, 3])) + tf.reduce_sum(v * v), v)


@case
def gather_of_a_product(tf):
    x = tensor(tf, 4, 2)
    return tf.gradients(tf.gather(x * 2.0, [1, 1]), x)


@case
def embedding_lookup(tf):
    parts = [tf.get_variable("p%d" % i, initializer=array(3, 2) + i) for i in range(2)]
    ids = tf.placeholder_with_default([0, 3, 3, 5], [None])
    return tf.gradients(tf.nn.embedding_lookup(parts, ids), parts)


@case
def sparse_sums(tf):
    x = tensor(tf, 4, 2)
    return tf.gradients(tf.unsorted_segment_sum(tf.gather(x, [0, 2, 2]), [1, 0, 1], 2), x)


# --- higher orders --------------------------------------------------------------------------------------------------


@case
def second_order(tf):
    x = tensor(tf, 3)
    (first,) = tf.gradients(tf.sin(x) * x, x)
    return tf.gradients(first, x)


@case
def third_order(tf):
    x = tensor(tf, 3)
    y = tf.exp(x * x)
    for _ in range(3):
        (y,) = tf.gradients(y, x)
    return [y]


@case
def second_order_of_a_network(tf):
    x = tensor(tf, 2, 3)
    w = tf.get_variable("w", initializer=array(3, 4))
    loss = tf.reduce_mean(tf.square(tf.matmul(tf.tanh(x), w)))
    (first,) = tf.gradients(loss, x)
    return tf.gradients(tf.reduce_sum(tf.square(first)), [w, x])


@case_of_values
def hessian_of_a_vector(tf):
    x = tensor(tf, 3)
    return tf.hessians(tf.reduce_sum(x * x * x) * tf.reduce_prod(x), x)


@case_of_values
def hessians_of_two_xs(tf):
    x, z = tensor(tf, 3), tensor(tf, 2, 2, name="z")
    return tf.hessians([tf.reduce_sum(x) * tf.reduce_sum(z * z * z), tf.reduce_sum(tf.exp(x))], [x, z])


@case_of_values
def hessian_of_unknown_size(tf):
    x = tensor(tf, 4, static=[None])
    return tf.hessians(tf.reduce_sum(tf.sin(x) * x) * tf.reduce_prod(x), x)


@case_of_values
def hessian_of_unknown_rank(tf):
    x = tensor(tf, 2, 3, static=None)
    return tf.hessians(tf.reduce_sum(x * x * x) * tf.reduce_sum(tf.exp(x)), x)


@case_of_values
def hessian_of_many_elements(tf):
    x, w = tensor(tf, 3, 11), tensor(tf, 11, 2, name="w")
    return tf.hessians(tf.reduce_sum(tf.tanh(tf.matmul(x, w))), [x, w])


@case_of_values
def hessian_by_a_variable(tf):
    x = tensor(tf, 6, 33)
    w = tf.get_variable("w", initializer=array(33, 1))
    v = tf.get_variable("v", initializer=array(3), use_resource=True)
    loss = tf.reduce_sum(tf.log(1.0 + tf.exp(tf.matmul(x, w)))) + tf.reduce_sum(v * v * v) * tf.reduce_sum(w)
    return tf.hessians(loss, [w, v])


@case_of_values
def hessian_times_something(tf):
    x = tensor(tf, 4, static=[None])
    (hessian,) = tf.hessians(tf.reduce_sum(x * x * x), x)
    scale = tf.reduce_sum(x)
    return tf.gradients(tf.reduce_sum(tf.stop_gradient(hessian) * scale), x) + [hessian * scale]


@case_of_values
def hessian_of_a_scalar(tf):
    x = tf.constant(2.0)
    return tf.hessians(x * x * x, x)


# --- errors ---------------------------------------------------------------------------------------------------------


@case
def grad_ys_of_another_length(tf):
    x = tensor(tf, 3)
    return tf.gradients([x, x], x, grad_ys=[x])


@case
def grad_ys_of_a_wrong_type(tf):
    x = tensor(tf, 3)
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
    x = tensor(tf, 3)
    return tf.gradients(x, x, unconnected_gradients="nonsense")


# --- a network ------------------------------------------------------------------------------------------------------


def _network(tf, resource=False):
    x = tensor(tf, 5, 6, static=[None, 6])
    labels = tf.constant([0, 2, 1, 1, 0], name="labels")
    hidden, size = x, 6
    for i, units in enumerate((8, 7)):
        with tf.variable_scope("layer%d" % i):
            w = tf.get_variable("w", initializer=array(size, units), use_resource=resource)
            b = tf.get_variable("b", initializer=array(units), use_resource=resource)
            hidden, size = tf.nn.relu(tf.matmul(hidden, w) + b), units
    w = tf.get_variable("out", initializer=array(size, 3), use_resource=resource)
    logits = tf.nn.xw_plus_b(hidden, w, tf.get_variable("bias", initializer=array(3), use_resource=resource))
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
