"""tf.make_template, run under TensorFlow 1.15.5 and Reflow (Python 3.7 as well)."""

import contextlib

from op_recording import Cases

case = Cases()


def _dense(tf):
    def layer(x, units=2, name="w"):
        w = tf.get_variable(name, [int(x.shape[-1]), units], initializer=tf.ones_initializer())
        tf.get_variable("steps", [], trainable=False, initializer=tf.zeros_initializer())
        return tf.matmul(x, w)

    return layer


def _names(tf, *items):
    return tf.constant([str(item) for item in items])


def _variables(tf, template):
    lists = (template.variables, template.global_variables, template.local_variables, template.trainable_variables,
             template.non_trainable_variables, template.weights, template.trainable_weights,
             template.non_trainable_weights)  # fmt: skip
    return _names(tf, *[sorted(v.name for v in some) for some in lists])


@case.each(now=[False, True])
def _shared(tf, t, now):
    layer = tf.make_template("layer", _dense(tf), create_scope_now_=now, units=3)
    x = t.feed(t.normal(2, 4))
    before = (layer.variables, layer.variable_scope_name, layer.variable_scope is None)
    with tf.name_scope("outer"):
        t.out(layer(x), layer(x), layer(x, name="w"))
    t.out(_variables(tf, layer), _names(tf, *before))
    t.out(_names(tf, layer.name, layer.variable_scope.name, layer.variable_scope_name, layer.var_scope.name,
                 layer.variable_scope.original_name_scope, layer(x).name))  # fmt: skip


@case.each(now=[False, True])
def _two_of_one_name(tf, t, now):
    first, second = [tf.make_template("layer", _dense(tf), create_scope_now_=now) for _ in range(2)]
    x = t.feed(t.normal(2, 4))
    t.out(second(x), first(x), second(x))
    t.out(_variables(tf, first), _variables(tf, second))


@case.each(now=[False, True])
def _in_scopes(tf, t, now):
    x = t.feed(t.normal(2, 4))
    with tf.variable_scope("above"):
        layer = tf.make_template("layer", _dense(tf), create_scope_now_=now)
    with tf.variable_scope("first"):
        t.out(layer(x))
    with tf.variable_scope("second"):
        t.out(layer(x))
    t.out(_variables(tf, layer))


@case
def _nested(tf, t):
    inner_layer = tf.make_template("inner", _dense(tf))

    def both(x):
        own = tf.make_template("own", _dense(tf))
        return own(inner_layer(x)) + inner_layer(x)

    outer = tf.make_template("outer", both)
    x = t.feed(t.normal(2, 2))
    t.out(outer(x), outer(x), inner_layer(x))
    t.out(_variables(tf, outer), _variables(tf, inner_layer))


@case
def _reused_scope(tf, t):
    x = t.feed(t.normal(2, 4))
    with tf.variable_scope("scope") as scope:
        t.out(tf.make_template("layer", _dense(tf))(x))
    with tf.variable_scope(scope, reuse=True):
        t.out(tf.make_template("layer", _dense(tf))(x))
    t.out(_names(tf, *[v.name for v in tf.global_variables()]))


@case.each(now=[False, True])
def _unique_name(tf, t, now):
    x = t.feed(t.normal(2, 4))
    layer = tf.make_template("layer", _dense(tf), create_scope_now_=now, unique_name_="mine")
    t.out(layer(x), layer(x))
    t.out(_variables(tf, layer))


@case
def _unique_name_taken(tf, t):
    x = t.feed(t.normal(2, 4))
    for _ in range(2):
        t.out(tf.make_template("layer", _dense(tf), unique_name_="mine")(x))


@case
def _custom_getter(tf, t):
    def doubled(getter, *args, **kwargs):
        return getter(*args, **kwargs) * 2

    x = t.feed(t.normal(2, 4))
    for now in (False, True):
        layer = tf.make_template("layer", _dense(tf), create_scope_now_=now, custom_getter_=doubled)
        t.out(layer(x), layer(x))


@case
def _local_variables(tf, t):
    def count(x):
        return x + tf.get_local_variable("counts", initializer=[1.0, 2.0])

    counter = tf.make_template("counter", count)
    t.out(counter(1.0), counter(2.0))
    t.out(_variables(tf, counter))


@case
def _untrained_variable_each_time(tf, t):
    layer = tf.make_template("layer", lambda x: x + tf.Variable(1.0, trainable=False, name="v"))
    t.out(layer(1.0), layer(2.0))
    t.out(_variables(tf, layer))


@case
def _trained_variable_each_time(tf, t):
    layer = tf.make_template("layer", lambda x: x + tf.Variable(1.0))
    layer(1.0)
    layer(2.0)


@case
def _name_depends_on_argument(tf, t):
    layer = tf.make_template("layer", _dense(tf))
    x = t.feed(t.normal(2, 4))
    layer(x, name="a")
    layer(x, name="b")


@case
def _first_call_fails(tf, t):
    layer = tf.make_template("layer", _dense(tf))
    with contextlib.suppress(AttributeError):
        layer(3)
    t.out(layer(t.feed(t.normal(2, 4))), _variables(tf, layer))


@case
def _no_name(tf, t):
    tf.make_template(None, _dense(tf))
