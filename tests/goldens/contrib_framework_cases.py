"""tf.contrib.framework: what TensorFlow 1.15.5 makes of it. Both systems run these functions (Python 3.7)."""

import numpy as np
from op_recording import Cases

case = Cases()


def names(tf, t, items):
    t.out(tf.constant([str(getattr(item, "name", item)) for item in items], dtype=tf.string))


def some_variables(tf):
    with tf.variable_scope("a"):
        tf.get_variable("w", [2, 3])
        tf.get_variable("b", [3], initializer=tf.zeros_initializer())
    with tf.variable_scope("ab"):
        tf.get_variable("w", [2], trainable=False)
    tf.get_variable("w", [1])


# --- variables ----------------------------------------------------------------------------------------------------


@case
def make(tf, t):
    framework = tf.contrib.framework
    framework.local_variable(0, name="local")
    framework.global_variable([1.0, 2.0], name="global")
    with tf.variable_scope("s"):
        framework.variable("plain", [2])
        framework.model_variable("model", [2], device="/cpu:0", initializer=tf.ones_initializer())
    for collection in ("variables", "local_variables", "model_variables", "trainable_variables"):
        names(tf, t, tf.get_collection(collection))


@case
def make_with_arg_scope(tf, t):
    framework = tf.contrib.framework
    with framework.arg_scope([framework.variable], trainable=False, collections=["mine"]):
        v = framework.variable("v", [2])
        framework.model_variable("m", [2])
    framework.add_model_variable(v)
    framework.add_model_variable(v)
    for collection in ("mine", "model_variables", "trainable_variables"):
        names(tf, t, tf.get_collection(collection))


@case
def make_with_getter(tf, t):
    def doubled(getter, *args, **kwargs):
        return 2 * getter(*args, **kwargs)

    with tf.variable_scope("s", custom_getter=doubled):
        t.out(tf.contrib.framework.model_variable("v", [3], initializer=tf.ones_initializer()))


@case
def find(tf, t):
    framework = tf.contrib.framework
    some_variables(tf)
    with tf.variable_scope("a") as scope:
        pass
    names(tf, t, framework.get_variables())
    names(tf, t, framework.get_variables("a"))
    names(tf, t, framework.get_variables(scope))
    names(tf, t, framework.get_variables("a/", suffix="w"))
    names(tf, t, framework.get_variables_by_suffix("w"))
    names(tf, t, framework.get_variables_by_name("w"))
    names(tf, t, framework.get_variables_by_name("w", scope="ab"))
    names(tf, t, framework.get_trainable_variables("ab"))
    names(tf, t, framework.get_variables_to_restore(include=["a"], exclude=["ab/w"]))
    names(tf, t, framework.get_variables_to_restore())
    names(tf, t, [framework.get_unique_variable("a/b"), framework.get_unique_variable("w")])
    names(tf, t, framework.filter_variables(tf.global_variables(), ["w", "b$"], ["^ab"]))
    names(tf, t, framework.filter_variables(tf.global_variables(), ["w"], reg_search=False))


@case
def find_nothing(tf, t):
    some_variables(tf)
    tf.contrib.framework.get_unique_variable("missing")


@case
def find_ambiguous(tf, t):
    some_variables(tf)
    tf.contrib.framework.get_unique_variable("a")


@case
def restore_not_a_list(tf, t):
    tf.contrib.framework.get_variables_to_restore(include="a")


@case
def zero_initializer(tf, t):
    v = tf.Variable(tf.ones([2, 3]), name="v")
    w = tf.get_variable("w", [2], use_resource=True)
    tf.contrib.framework.zero_initializer(v)
    tf.contrib.framework.zero_initializer(w)


@case
def zero_initializer_runs(tf, t):
    t.values_only()
    v = tf.Variable(tf.ones([2, 3]), collections=[])
    zeroed = tf.contrib.framework.zero_initializer(v)
    with tf.control_dependencies([zeroed]):
        t.out(v.read_value())


@case
def zero_initializer_of_initialized(tf, t):
    v = tf.Variable(tf.ones([2, 3]))
    t.out(tf.contrib.framework.zero_initializer(v))


@case
def device_chooser(tf, t):
    chooser = tf.contrib.framework.VariableDeviceChooser(num_tasks=2, job_name="ps")
    names(tf, t, [chooser(None) for _ in range(3)])
    names(tf, t, [tf.contrib.framework.VariableDeviceChooser(device_type="GPU", device_index=1)(None)])


@case
def assign_from_values(tf, t):
    some_variables(tf)
    values = {"a/w": np.arange(6.0).reshape(3, 2), "w": np.ones(1)}
    operation, feeds = tf.contrib.framework.assign_from_values(values)
    t.feeds.update(feeds)
    with tf.control_dependencies([operation]):
        t.out(*[v.read_value() for v in tf.global_variables() if v.op.name in values])


@case
def assign_from_values_of_nothing(tf, t):
    tf.contrib.framework.assign_from_values({"missing": np.ones(1)})


# --- arg scopes ---------------------------------------------------------------------------------------------------


@case
def arg_scope_of_decorated(tf, t):
    framework = tf.contrib.framework

    @framework.add_arg_scope
    def scaled(x, by=2.0, plus=0.0):
        return x * by + plus

    x = t.feed(t.normal(3))
    t.out(scaled(x))
    with framework.arg_scope([scaled], by=3.0):
        t.out(scaled(x), scaled(x, by=5.0))
        with framework.arg_scope([scaled], plus=1.0) as inner:
            t.out(scaled(x))
    t.out(scaled(x))
    with framework.arg_scope(inner):
        t.out(scaled(x))
    names(tf, t, [framework.has_arg_scope(scaled), framework.has_arg_scope(framework.get_variables)])


@case
def arg_scope_of_undecorated(tf, t):
    with tf.contrib.framework.arg_scope([tf.add], x=1):
        pass


@case
def arg_scope_of_something(tf, t):
    with tf.contrib.framework.arg_scope(tf.contrib.framework.variable, x=1):
        pass


@case
def arg_scope_reused_with_more(tf, t):
    with tf.contrib.framework.arg_scope({}, x=1):
        pass


# --- checks -------------------------------------------------------------------------------------------------------


@case
def shapes_known(tf, t):
    x = t.feed(t.normal(2, 3))
    t.out(tf.contrib.framework.with_shape([2, 3], x), tf.contrib.framework.with_same_shape(x, x))
    t.out(tf.contrib.framework.with_shape([], t.feed(t.normal(1))))


@case
def shapes_unknown(tf, t):
    x = t.feed(t.normal(2, 3), shape=[None, 3])
    y = t.feed(t.normal(2, 3), shape=None)
    t.out(tf.contrib.framework.with_shape([2, 3], x), tf.contrib.framework.with_shape(np.array([2, 3], np.int32), y))
    t.out(tf.contrib.framework.with_same_shape(x, y))


@case
def shape_is_another(tf, t):
    tf.contrib.framework.with_shape([3, 2], t.feed(t.normal(2, 3)))


@case
def shape_turns_out_another(tf, t):
    t.out(tf.contrib.framework.with_shape([3, 2], t.feed(t.normal(2, 3), shape=[None, None])))


@case.each(shape=[[[2], [3]], [2.5]])
def shape_malformed(tf, t, shape):
    tf.contrib.framework.with_shape(shape, t.feed(t.normal(2, 3)))


@case
def scalars(tf, t):
    framework = tf.contrib.framework
    t.out(framework.assert_scalar_int(t.feed(t.integers(0, 3))), framework.assert_scalar(t.feed(t.normal())))


@case
def scalar_int_of_float(tf, t):
    tf.contrib.framework.assert_scalar_int(t.feed(t.normal()))


@case
def sums(tf, t):
    a, b = t.feed(t.normal(2, 3)), t.feed(t.normal(4))
    t.out(tf.contrib.framework.reduce_sum_n([a, b]), tf.contrib.framework.reduce_sum_n([a]))


@case
def sums_of_nothing(tf, t):
    tf.contrib.framework.reduce_sum_n([])


@case
def py_func_of_structures(tf, t):
    def compute(pair, scale):
        return {"sum": pair[0] + pair[1], "scaled": [pair[0] * scale]}

    x, y = t.feed(t.normal(3)), t.feed(t.normal(3))
    result = tf.contrib.framework.py_func(
        compute, args=[(x, y)], kwargs={"scale": t.feed(t.normal())},
        output_types={"sum": tf.float32, "scaled": [tf.float32]}, output_shapes={"sum": [3], "scaled": [[3]]},
    )
    t.values_only()
    t.out(result["sum"], result["scaled"][0])


@case
def global_steps(tf, t):
    framework = tf.contrib.framework
    step = framework.get_or_create_global_step()
    t.out(framework.assert_or_get_global_step(), framework.assert_or_get_global_step(global_step_tensor=step))


@case
def squeezing(tf, t):
    remove = tf.contrib.framework.remove_squeezable_dimensions
    t.out(*remove(t.feed(t.normal(3, 1)), t.feed(t.normal(3))))
    t.out(*remove(t.feed(t.normal(3)), t.feed(t.normal(3, 1))))
    t.out(*remove(t.feed(t.normal(3, 1), shape=None), t.feed(t.normal(3), shape=None)))
    t.out(*remove(t.feed(t.normal(3), shape=[None]), t.feed(t.normal(3, 1), shape=None)))
    t.out(*remove(t.feed(t.normal(3, 2), shape=[None, 2]), t.feed(t.normal(3, 2), shape=None)))
