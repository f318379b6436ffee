"""cond, case, switch_case, and their gradients."""

import numpy as np
from op_recording import Cases

case = Cases()
WAYS = [False, True]


def x_of(t, *shape):
    return t.feed(t.normal(*shape))


@case.each(way=WAYS)
def cond(tf, t, way):
    x, y = x_of(t, 3), x_of(t, 3)
    t.out(tf.cond(t.feed(way), lambda: tf.sin(x) * 3.0, lambda: tf.cos(y)))


@case.each(way=WAYS)
def of_python_values(tf, t, way):
    t.out(tf.cond(t.feed(way), lambda: 1.0, lambda: [2.0]))


@case.each(way=WAYS)
def what_is_outside(tf, t, way):
    x, y = x_of(t, 3), x_of(t, 3)
    t.out(tf.cond(t.feed(way), lambda: x, lambda: y, name="choose"))


@case.each(way=WAYS)
def the_same_on_both_sides(tf, t, way):
    x = x_of(t, 3)
    t.out(*tf.cond(t.feed(way), lambda: (x, x), lambda: (x, x + 1)))


@case.each(way=WAYS)
def shapes(tf, t, way):
    a, b = t.feed(t.normal(2, 3)), t.feed(t.normal(2, 4))
    t.out(tf.cond(t.feed(way), lambda: a, lambda: b))
    t.out(tf.cond(t.feed(way), lambda: a, lambda: tf.zeros([2])))


@case.each(way=WAYS)
def nest(tf, t, way):
    x = x_of(t, 3)
    first = tf.cond(
        t.feed(way), lambda: {"a": x + 1, "b": (x, [x * 2])}, lambda: {"a": x, "b": (x - 1, [tf.ones([3])])}
    )
    t.out(first["a"], first["b"][0], first["b"][1][0])


@case.each(way=WAYS)
def strict(tf, t, way):
    x = x_of(t, 3)
    (out,) = tf.cond(t.feed(way), lambda: [x + 1], lambda: [x], strict=True)
    t.out(out)


@case.each(way=WAYS)
def nested(tf, t, way):
    x, p, q = x_of(t, 3), t.feed(way), t.feed(np.array(True))

    def inner():
        return tf.cond(q, lambda: x * 2, lambda: x * 3)

    t.out(tf.cond(p, inner, lambda: x * 4))


@case.each(way=WAYS)
def nested_on_what_is_inside(tf, t, way):
    x = x_of(t, 3)

    def inner():
        total = tf.reduce_sum(x * 2)
        return tf.cond(total > 0, lambda: x + total, lambda: x - total)

    t.out(tf.cond(t.feed(way), inner, lambda: x))


@case.each(way=WAYS)
def nested_on_the_same(tf, t, way):
    x, p = x_of(t, 3), t.feed(way)
    t.out(tf.cond(p, lambda: tf.cond(p, lambda: x * 2, lambda: x * 3), lambda: tf.cond(p, lambda: x, lambda: x * 5)))


@case.each(way=WAYS)
def gradient(tf, t, way):
    x, y = x_of(t, 3), x_of(t, 3)
    z = tf.cond(t.feed(way), lambda: tf.sin(x) * y, lambda: tf.cos(x))
    t.out(*tf.gradients(z * x, [x, y]))


@case.each(way=WAYS)
def gradient_of_nested(tf, t, way):
    x, y, q = x_of(t, 3), x_of(t, 3), t.feed(np.array(False))

    def inner():
        return tf.cond(q, lambda: tf.exp(x) * y, lambda: tf.square(x) + y)

    z = tf.cond(t.feed(way), inner, lambda: tf.cos(x))
    t.out(*tf.gradients(z * x, [x, y]))


@case.each(way=WAYS)
def second_gradient(tf, t, way):
    x = x_of(t, 3)
    z = tf.cond(t.feed(way), lambda: tf.pow(x, 3), lambda: tf.sin(x))
    (first,) = tf.gradients(z, x)
    t.out(first, tf.gradients(first, x)[0])


@case.each(way=WAYS)
def gradient_of_a_gather(tf, t, way):
    x, rows = x_of(t, 4, 2), t.feed(np.array([2, 0, 2]))
    z = tf.cond(t.feed(way), lambda: tf.gather(x, rows) * 2, lambda: tf.gather(x, [1, 1, 1]))
    t.out(tf.convert_to_tensor(tf.gradients(z, x)[0]))


@case.each(way=WAYS)
def gradient_of_variables(tf, t, way):
    v = tf.get_variable("v", initializer=t.normal(3))
    w = tf.get_variable("w", initializer=t.normal(3))
    z = tf.cond(t.feed(way), lambda: v * v * w, lambda: w * 2)
    t.out(*tf.gradients(z, [v, w]))


@case.each(way=WAYS)
def gradient_of_resource_variables(tf, t, way):
    v = tf.get_variable("v", initializer=t.normal(3), use_resource=True)
    w = tf.get_variable("w", initializer=t.normal(3), use_resource=True)
    z = tf.cond(t.feed(way), lambda: v * v * w, lambda: w * 2)
    # TensorFlow knows less of the shapes of these gradients.
    t.out(*[tf.reshape(g, [3]) for g in tf.gradients(z, [v, w])])


@case.each(way=WAYS)
def gradient_inside(tf, t, way):
    x = x_of(t, 3)
    t.out(tf.cond(t.feed(way), lambda: tf.gradients(tf.sin(x), x)[0], lambda: x))


@case.each(way=WAYS)
def assignment(tf, t, way):
    t.one_by_one()
    v = tf.get_variable("v", initializer=np.zeros(2, "float32"))
    t.out(tf.cond(t.feed(way), lambda: tf.assign_add(v, [1.0, 2.0]), lambda: tf.assign(v, [5.0, 5.0])))
    t.out(v)


@case.each(way=WAYS)
def one_of_two_variables(tf, t, way):
    t.one_by_one()
    v = tf.get_variable("v", initializer=np.zeros(2, "float32"))
    w = tf.get_variable("w", initializer=np.ones(2, "float32"))
    t.out(tf.cond(t.feed(way), lambda: tf.assign_add(v, [1.0, 2.0]), lambda: tf.assign_add(w, [3.0, 4.0])))
    t.out(v, w)


@case.each(way=WAYS)
def assignment_of_a_resource(tf, t, way):
    t.one_by_one()
    v = tf.get_variable("v", initializer=np.zeros(2, "float32"), use_resource=True)
    t.out(tf.cond(t.feed(way), lambda: v.assign_add([1.0, 2.0]).read_value(), v.read_value))
    t.out(v)


@case.each(way=WAYS)
def operations(tf, t, way):
    t.one_by_one()
    v = tf.get_variable("v", initializer=np.zeros(2, "float32"))
    t.out(tf.cond(t.feed(way), lambda: tf.group(tf.assign_add(v, [1.0, 2.0])), tf.no_op))
    t.out(v)


@case.each(way=WAYS)
def read_after_assignment(tf, t, way):
    v = tf.get_variable("v", initializer=np.zeros(2, "float32"))

    def then():
        with tf.control_dependencies([tf.assign_add(v, [1.0, 2.0])]):
            return tf.identity(v) * 2

    t.out(tf.cond(t.feed(way), then, lambda: v + 7.0))


@case.each(way=WAYS)
def uninitialized_on_the_other_side(tf, t, way):
    v = tf.Variable(t.normal(2), collections=[])
    t.out(tf.cond(t.feed(np.array(False)), lambda: v.read_value(), lambda: tf.ones([2])), v.initialized_value())


@case.each(way=WAYS)
def failure_on_the_other_side(tf, t, way):
    x = t.feed(np.array([1.0, float("nan")], "float32"))
    t.out(tf.cond(t.feed(way), lambda: tf.check_numerics(x, "bad"), lambda: tf.ones([2])))


@case.each(way=WAYS)
def dependency_on_what_is_inside(tf, t, way):
    t.one_by_one()
    v = tf.get_variable("v", initializer=np.zeros(2, "float32"))
    chosen = tf.cond(t.feed(way), lambda: tf.assign_add(v, [1.0, 2.0]) * 1.0, lambda: tf.zeros([2]))
    with tf.control_dependencies([chosen]):
        t.out(tf.identity(v) + 1.0)


@case.each(way=WAYS)
def dependency_around(tf, t, way):
    v = tf.get_variable("v", initializer=np.zeros(2, "float32"))
    with tf.control_dependencies([tf.assign_add(v, [1.0, 2.0])]):
        p = tf.identity(t.feed(way))
        t.out(tf.cond(p, lambda: tf.identity(v), lambda: tf.constant([1.0, 1.0])))


@case.each(way=WAYS)
def sparse(tf, t, way):
    a = tf.SparseTensor([[0, 1]], t.feed(np.array([3.0], "float32")), [2, 2])
    b = tf.SparseTensor([[1, 0], [1, 1]], [1.0, 2.0], [2, 2])
    chosen = tf.cond(t.feed(way), lambda: a, lambda: b)
    t.out(chosen.indices, chosen.values, chosen.dense_shape)


@case.each(way=WAYS)
def random_numbers(tf, t, way):
    t.one_by_one()
    p = t.feed(way)
    t.out(tf.cond(p, lambda: tf.random_normal([2], seed=3), lambda: tf.random_uniform([2], seed=4)))
    t.out(tf.cond(p, lambda: tf.random_normal([2]), lambda: tf.zeros([2])))


@case.each(number=[-1, 0, 1, 2, 3])
def switch_case(tf, t, number):
    t.values_only()
    x = x_of(t, 2)
    branches = [lambda: x, lambda: x * 2, lambda: x * 3]
    t.out(tf.switch_case(t.feed(np.array(number, "int32")), branches))


@case.each(number=[0, 1, 2, 3])
def case_with_default(tf, t, number):
    x, n = x_of(t, 2), t.feed(np.array(number, "int32"))
    pairs = [(tf.equal(n, 0), lambda: x), (tf.equal(n, 1), lambda: x * 2), (n > 0, lambda: x * 3)]
    t.out(tf.case(pairs, default=lambda: x * 4))


@case.each(number=[0, 1])
def case_of_one_that_has_to_hold(tf, t, number):
    x, n = x_of(t, 2), t.feed(np.array(number, "int32"))
    t.out(tf.case([(tf.equal(n, 0), lambda: x), (tf.equal(n, 1), lambda: x * 2)]))


@case
def case_of_none(tf, t):
    n = t.feed(np.array(2, "int32"))
    t.out(tf.case([(tf.equal(n, 0), lambda: n), (tf.equal(n, 1), lambda: n)]))


@case.each(number=[0, 1, 2])
def exclusive_case(tf, t, number):
    x, n = x_of(t, 2), t.feed(np.array(number, "int32"))
    t.out(tf.case([(n < 2, lambda: x), (n > 0, lambda: x * 2)], default=lambda: x, exclusive=True))


@case.each(way=WAYS)
def raw_switch(tf, t, way):
    x, p = x_of(t, 2), t.feed(way)
    no, yes = tf.raw_ops.Switch(data=x, pred=p)
    merged, index = tf.raw_ops.Merge(inputs=[yes * 2, no * 3])
    t.out(merged, index)
    t.out(*tf.gradients(merged, [x]))


@case.each(way=WAYS)
def dead(tf, t, way):
    x, p = x_of(t, 2), t.feed(way)
    t.out(tf.raw_ops.Switch(data=x, pred=p)[1] * 2.0)


@case
def a_way_that_cannot_be(tf, t):
    x, p = x_of(t, 2), t.feed(np.array(True))
    no, yes = tf.raw_ops.Switch(data=x, pred=p)
    t.out(no + yes)


@case.each(ways=[(False, False), (False, True), (True, False), (True, True)])
def one_or_the_other(tf, t, ways):
    x, p, q = x_of(t, 2), t.feed(np.array(ways[0])), t.feed(np.array(ways[1]))
    first = tf.raw_ops.Switch(data=x, pred=p)[1] + 1
    second = tf.raw_ops.Switch(data=tf.raw_ops.Switch(data=x, pred=p)[0], pred=q)[1]
    either, index = tf.raw_ops.Merge(inputs=[first, second * 5])
    t.out(tf.raw_ops.Merge(inputs=[either * 2, tf.raw_ops.Switch(data=-x, pred=tf.logical_or(p, q))[0]])[0])


@case
def pred_of_a_vector(tf, t):
    x = x_of(t, 2)
    t.out(tf.cond(t.feed(np.array([True, False]), [2]), lambda: x, lambda: x))


@case
def vector_that_is_not_known(tf, t):
    x = x_of(t, 2)
    t.out(tf.cond(t.feed(np.array([True, False]), None), lambda: x, lambda: x))


@case
def python_bool(tf, t):
    tf.cond(True, lambda: 1, lambda: 2)


@case
def no_function(tf, t):
    tf.cond(t.feed(np.array(True)), lambda: 1)


@case
def not_callable(tf, t):
    tf.cond(t.feed(np.array(True)), lambda: 1, 2)


@case
def types_differ(tf, t):
    tf.cond(t.feed(np.array(True)), lambda: 1, lambda: 2.0)


@case
def structures_differ(tf, t):
    tf.cond(t.feed(np.array(True)), lambda: (1, 2), lambda: 2)


@case
def sequences_differ(tf, t):
    tf.cond(t.feed(np.array(True)), lambda: (1, 2), lambda: [1, 2])


@case
def nothing_returned(tf, t):
    tf.cond(t.feed(np.array(True)), lambda: None, lambda: 2)


@case
def fetch_of_what_is_inside(tf, t):
    inside, x = [], x_of(t, 2)

    def then():
        inside.append(x + 1)
        return inside[0]

    tf.cond(t.feed(np.array(True)), then, lambda: x)
    t.out(inside[0])
