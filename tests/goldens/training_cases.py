"""Small trainings: the graph that an optimizer builds, and the variables after each of five steps.

Runs under both systems, so it is Python 3.7. A case is a function `case(tf)` that builds a graph and returns the
operation of a step; `outcome` runs it.
"""

import numpy as np

STEPS = 5
CASES = {}


def _random(seed, *shape):
    return np.random.RandomState(seed).randn(*shape).astype("float32")


def _dense_loss(tf, resource):
    w = tf.Variable(_random(1, 4, 3), name="w", use_resource=resource)
    b = tf.Variable(np.zeros(3, "float32"), name="b", use_resource=resource)
    y = tf.matmul(tf.constant(_random(2, 5, 4)), w) + b
    return tf.reduce_mean(tf.square(y - _random(3, 5, 3)), name="loss")


def _sparse_loss(tf, resource):
    table = tf.Variable(_random(1, 6, 3), name="table", use_resource=resource)
    rows = tf.gather(table, [4, 1, 1, 0])
    return tf.reduce_sum(tf.square(rows - _random(3, 4, 3)), name="loss")


OPTIMIZERS = {
    "GradientDescent": lambda tf, step: tf.train.GradientDescentOptimizer(0.1),
    "Momentum": lambda tf, step: tf.train.MomentumOptimizer(0.1, 0.9),
    "Nesterov": lambda tf, step: tf.train.MomentumOptimizer(0.1, 0.9, use_nesterov=True, use_locking=True),
    "Adam": lambda tf, step: tf.train.AdamOptimizer(0.01),
    "AdamOfOthers": lambda tf, step: tf.train.AdamOptimizer(lambda: 0.1, beta1=0.5, beta2=0.9, epsilon=1e-3, name="A"),
    "Adagrad": lambda tf, step: tf.train.AdagradOptimizer(0.1),
    "AdagradDA": lambda tf, step: tf.train.AdagradDAOptimizer(
        0.1, step, l1_regularization_strength=0.01, l2_regularization_strength=0.1
    ),
    "Adadelta": lambda tf, step: tf.train.AdadeltaOptimizer(1.0, rho=0.9, epsilon=1e-2),
    "RMSProp": lambda tf, step: tf.train.RMSPropOptimizer(0.01, momentum=0.5),
    "CenteredRMSProp": lambda tf, step: tf.train.RMSPropOptimizer(0.01, centered=True),
    "Ftrl": lambda tf, step: tf.train.FtrlOptimizer(
        0.1, l1_regularization_strength=0.01, l2_regularization_strength=0.1
    ),
    "FtrlV2": lambda tf, step: tf.train.FtrlOptimizer(
        0.1, learning_rate_power=-0.7, l2_shrinkage_regularization_strength=0.1
    ),
    "ProximalGradientDescent": lambda tf, step: tf.train.ProximalGradientDescentOptimizer(
        0.1, l1_regularization_strength=0.1, l2_regularization_strength=0.2
    ),
    "ProximalAdagrad": lambda tf, step: tf.train.ProximalAdagradOptimizer(
        0.1, l1_regularization_strength=0.1, l2_regularization_strength=0.2
    ),
}


def _minimize(tf, make_optimizer, make_loss, resource):
    step = tf.train.get_or_create_global_step()
    loss = make_loss(tf, resource)
    return make_optimizer(tf, step).minimize(loss, global_step=step)


def _add_optimizer(name, kind, make_loss, resource):
    form = "resource" if resource else "ref"
    CASES["%s,%s,%s" % (name, kind, form)] = lambda tf: _minimize(tf, OPTIMIZERS[name], make_loss, resource)


for _name in OPTIMIZERS:
    for _resource in (False, True):
        _add_optimizer(_name, "dense", _dense_loss, _resource)
        _add_optimizer(_name, "sparse", _sparse_loss, _resource)


def _case(function):
    CASES[function.__name__] = function
    return function


@_case
def clipped_and_constrained(tf):
    """Gradients between compute_gradients and apply_gradients, and a constraint."""
    w = tf.Variable(_random(1, 4, 3), name="w", constraint=lambda v: tf.maximum(v, -0.5))
    unused = tf.Variable(1.0, name="unused")
    loss = tf.reduce_sum(tf.square(tf.matmul(tf.constant(_random(2, 5, 4)), w) - _random(3, 5, 3)))
    optimizer = tf.train.GradientDescentOptimizer(0.05)
    pairs = optimizer.compute_gradients(loss, [w, unused])
    assert pairs[1][0] is None
    return optimizer.apply_gradients([(None if g is None else 0.5 * g, v) for g, v in pairs], name="train")


@_case
def slots_below_scopes(tf):
    """Slots of variables in variable scopes, made inside another scope; two optimizers of one kind."""
    with tf.variable_scope("a"):
        v = tf.get_variable("v", initializer=_random(1, 3))
    with tf.variable_scope("training"):
        first = tf.train.AdamOptimizer(0.1).minimize(tf.reduce_sum(v * v))
        with tf.control_dependencies([first]):
            return tf.train.AdamOptimizer(0.05).minimize(tf.reduce_sum(tf.abs(v)))


@_case
def partitioned_slots(tf):
    v = tf.get_variable("v", [4, 3], partitioner=tf.fixed_size_partitioner(2), initializer=tf.ones_initializer())
    loss = tf.reduce_sum(tf.square(tf.convert_to_tensor(v) - _random(1, 4, 3)))
    return tf.train.MomentumOptimizer(0.1, 0.9).minimize(loss)


@_case
def double_precision(tf):
    v = tf.Variable(_random(1, 3).astype("float64"), name="v")
    return tf.train.AdamOptimizer(0.1).minimize(tf.reduce_sum(v * v))


@_case
def moving_averages(tf):
    v = tf.Variable(_random(1, 3), name="v")
    step = tf.train.create_global_step()
    train = tf.train.GradientDescentOptimizer(0.1).minimize(tf.reduce_sum(v * v), global_step=step)
    averages = tf.train.ExponentialMovingAverage(0.9, num_updates=step)
    tensors = tf.train.ExponentialMovingAverage(0.5, zero_debias=True, name="Debiased")
    with tf.control_dependencies([train]):
        return tf.group(averages.apply([v]), tensors.apply([v * 2.0]))


def _add_decay(name, make_rate):
    def case(tf):
        step = tf.train.create_global_step()
        rate = tf.Variable(0.0, name="rate")
        update = rate.assign(make_rate(tf, step))
        with tf.control_dependencies([update]):
            return tf.assign_add(step, 3).op

    CASES["rate," + name] = case


_add_decay("exponential", lambda tf, s: tf.train.exponential_decay(0.1, s, 4, 0.9))
_add_decay("staircase", lambda tf, s: tf.train.exponential_decay(0.1, s, 4, 0.9, staircase=True, name="decay"))
_add_decay("natural", lambda tf, s: tf.train.natural_exp_decay(0.1, s, 4, 0.9))
_add_decay("inverse", lambda tf, s: tf.train.inverse_time_decay(0.1, s, 4, 0.9))
_add_decay("inverse_staircase", lambda tf, s: tf.train.inverse_time_decay(0.1, s, 4, 0.9, staircase=True))
_add_decay("polynomial", lambda tf, s: tf.train.polynomial_decay(0.1, s, 7, power=2.0))
_add_decay("polynomial_cycle", lambda tf, s: tf.train.polynomial_decay(0.1, s, 5, cycle=True))
_add_decay("piecewise", lambda tf, s: tf.train.piecewise_constant(s, [2, 6], [0.3, 0.2, 0.1]))
_add_decay("cosine", lambda tf, s: tf.train.cosine_decay(0.1, s, 10, alpha=0.1))
_add_decay("restarts", lambda tf, s: tf.train.cosine_decay_restarts(0.1, s, 4, m_mul=0.9))
_add_decay("equal_restarts", lambda tf, s: tf.train.cosine_decay_restarts(0.1, s, 4, t_mul=1.0))
_add_decay("linear_cosine", lambda tf, s: tf.train.linear_cosine_decay(0.1, s, 10))
_add_decay("noisy_linear_cosine", lambda tf, s: tf.train.noisy_linear_cosine_decay(0.1, s, 10))


def node_lines(graph):
    """One line a node: name, op, inputs, device, attributes (without values)."""
    lines = []
    for node in graph.as_graph_def().node:
        attrs = ", ".join(
            "%s=%s" % (key, " ".join(str(value).split()))
            for key, value in sorted(node.attr.items())
            if key not in ("value", "_output_shapes")
        )
        lines.append("%s = %s(%s) @%s {%s}" % (node.name, node.op, ", ".join(node.input), node.device, attrs))
    return sorted(lines)


def outcome(tf, name):
    """{"nodes": lines, "names": of the variables, "values": [their values after each step]}."""
    with tf.Graph().as_default() as graph:
        tf.set_random_seed(7)
        train = CASES[name](tf)
        variables = sorted(tf.global_variables(), key=lambda v: v.name)
        nodes = node_lines(graph)
        values = []
        with tf.Session() as session:
            session.run(tf.global_variables_initializer())
            for _ in range(STEPS):
                session.run(train)
                values.append([np.asarray(v).tolist() for v in session.run(variables)])
        trained = [op.name for op in graph.get_collection("train_op")]
    return {"nodes": nodes, "names": [v.name for v in variables], "values": values, "train_ops": trained}
