"""tf.contrib.opt: what TensorFlow 1.15.5 makes of it. Both systems run these functions (Python 3.7)."""

from op_recording import Cases

case = Cases()


def _adam_w(tf):
    return tf.contrib.opt.extend_with_decoupled_weight_decay(tf.train.GradientDescentOptimizer)


OPTIMIZERS = {
    "adamax": lambda tf: tf.contrib.opt.AdaMaxOptimizer(0.1),
    "nadam": lambda tf: tf.contrib.opt.NadamOptimizer(0.1),
    "lazy_adam": lambda tf: tf.contrib.opt.LazyAdamOptimizer(0.1),
    "add_sign": lambda tf: tf.contrib.opt.AddSignOptimizer(0.1, alpha=0.8),
    "power_sign": lambda tf: tf.contrib.opt.PowerSignOptimizer(0.1, base=2.0),
    "lars": lambda tf: tf.contrib.opt.LARSOptimizer(0.1, weight_decay=0.1, eeta=0.5, use_nesterov=True),
    "lars_skipping": lambda tf: tf.contrib.opt.LARSOptimizer(0.1, skip_list=["w"]),
    "adam_w": lambda tf: tf.contrib.opt.AdamWOptimizer(0.05, learning_rate=0.1),
    "momentum_w": lambda tf: tf.contrib.opt.MomentumWOptimizer(0.05, 0.1, 0.9, use_nesterov=True),
    "extended": lambda tf: _adam_w(tf)(weight_decay=0.05, learning_rate=0.1),
    "reg_adagrad": lambda tf: tf.contrib.opt.RegAdagradOptimizer(0.1),
}
DECAYING = ("adam_w", "extended", "momentum_w")
SPARSE = sorted(set(OPTIMIZERS) - {"lars_skipping", "add_sign", "power_sign"})


def names(tf, t):
    t.out(tf.constant([v.name for v in tf.global_variables()]))


def two_steps(tf, t, optimizer, step, loss):
    """Record all variables after a step and one more, which begins when the first has ended."""
    first = optimizer.minimize(loss(), global_step=step)
    with tf.control_dependencies([first]):
        second = optimizer.minimize(loss(), global_step=step)
    with tf.control_dependencies([second]):
        t.out(*[tf.identity(v.read_value()) for v in tf.global_variables()])
    names(tf, t)


def dense_loss(tf, t, use_resource, linear=False):
    x = t.feed(t.normal(5, 4))
    weights = t.normal(5, 3)
    w = tf.get_variable("w", initializer=t.normal(4, 3), use_resource=use_resource)
    b = tf.get_variable("b", initializer=t.normal(3), use_resource=use_resource)

    def loss():
        # Read when it is computed: the second step is to see what the first has done.
        y = tf.matmul(x, w.read_value()) + b.read_value()
        # With a decay that happens beside it, TensorFlow's gradients are those of before or after, as it comes.
        return tf.reduce_sum(y * weights if linear else tf.square(y))

    return loss


@case.each(which=sorted(OPTIMIZERS))
def graph(tf, t, which):
    x = t.feed(t.normal(5, 4))
    w = tf.get_variable("w", initializer=t.normal(4, 3))
    step = tf.train.get_or_create_global_step()
    loss = tf.reduce_sum(tf.matmul(x, w)) + tf.reduce_sum(tf.gather(tf.get_variable("e", [5, 2]), [1, 1, 3]))
    if "sign" in which:
        loss = tf.reduce_sum(tf.matmul(x, w))
    OPTIMIZERS[which](tf).minimize(loss, global_step=step)
    names(tf, t)


@case.each(which=sorted(OPTIMIZERS))
def dense(tf, t, which):
    t.values_only()
    step = tf.train.get_or_create_global_step()
    two_steps(tf, t, OPTIMIZERS[which](tf), step, dense_loss(tf, t, False, linear=which in DECAYING))


@case.each(which=sorted(OPTIMIZERS))
def resource(tf, t, which):
    t.values_only()
    x = t.feed(t.normal(5, 4))
    w = tf.get_variable("w", initializer=t.normal(4, 3), use_resource=True)
    y = tf.matmul(x, w)
    done = OPTIMIZERS[which](tf).minimize(tf.reduce_sum(y if which in DECAYING else tf.square(y)))
    with tf.control_dependencies([done]):
        t.out(*[tf.identity(v.read_value()) for v in tf.global_variables()])


def sparse_values(tf, t, which, use_resource):
    t.values_only()
    e = tf.get_variable("e", initializer=t.normal(6, 3), use_resource=use_resource)
    y = tf.gather(e, [1, 4, 1])
    done = OPTIMIZERS[which](tf).minimize(tf.reduce_sum(y if which in DECAYING else tf.square(y)))
    with tf.control_dependencies([done]):
        t.out(*[tf.identity(v.read_value()) for v in tf.global_variables()])


@case.each(which=SPARSE)
def sparse(tf, t, which):
    sparse_values(tf, t, which, False)


@case.each(which=SPARSE)
def sparse_resource(tf, t, which):
    sparse_values(tf, t, which, True)


@case.each(which=["linear", "cosine", "restart"])
def decays(tf, t, which):
    from_legacy_path = {
        "linear": lambda decay: [decay.get_linear_decay_fn(10)],
        "cosine": lambda decay: [decay.get_cosine_decay_fn(10), decay.get_cosine_decay_fn(10, 2, zero_after=1)],
        "restart": lambda decay: [decay.get_restart_decay_fn(10, 2), decay.get_restart_decay_fn(10, 3, zero_after=2)],
    }
    if "reflow" in tf.__name__:
        decay = tf.contrib.opt
    else:
        from tensorflow.contrib.opt.python.training import sign_decay as decay
    for function in from_legacy_path[which](decay):
        for step in (0, 3, 7, 12):
            t.out(function(tf.constant(step)))


@case
def sign_with_decay(tf, t):
    step = tf.train.get_or_create_global_step()
    optimizer = tf.contrib.opt.AddSignOptimizer(0.1, sign_decay_fn=lambda n: 1.0 / (1.0 + tf.cast(n, tf.float32)))
    two_steps(tf, t, optimizer, step, dense_loss(tf, t, False))
    t.values_only()


@case
def decayed_variables_named(tf, t):
    loss = dense_loss(tf, t, False, linear=True)()
    w, b = tf.trainable_variables()
    optimizer = tf.contrib.opt.AdamWOptimizer(0.5)
    done = optimizer.apply_gradients(optimizer.compute_gradients(loss), decay_var_list=[b])
    with tf.control_dependencies([done]):
        t.out(w.read_value(), b.read_value())


@case
def variable_clipping(tf, t):
    loss = dense_loss(tf, t, False)
    e = tf.get_variable("e", initializer=t.normal(6, 3))
    f = tf.get_variable("f", initializer=t.normal(6, 3))
    total = loss() + tf.reduce_sum(tf.gather(e, [1, 4])) + tf.reduce_sum(tf.gather(f, [0]))
    w = tf.trainable_variables()[0]
    optimizer = tf.contrib.opt.VariableClippingOptimizer(
        tf.train.GradientDescentOptimizer(0.1), {w: [0], e: [1], f: [0]}, 0.5, colocate_clip_ops_with_vars=True
    )
    done = optimizer.minimize(total)
    with tf.control_dependencies([done]):
        t.out(*[v.read_value() for v in tf.global_variables()])


@case
def slots_left_alone(tf, t):
    loss = dense_loss(tf, t, False)()
    optimizer = tf.contrib.opt.RegAdagradOptimizer(0.1, initial_accumulator_value=0.5)
    with optimizer.avoid_updating_slots():
        done = optimizer.minimize(loss)
    with tf.control_dependencies([done]):
        t.out(*[tf.identity(v.read_value()) for v in tf.global_variables()])


@case.each(bad=["momentum", "weight_decay"])
def lars_negative(tf, t, bad):
    tf.contrib.opt.LARSOptimizer(0.1, **{bad: -1.0})


@case.each(sequential=[True, False])
def moving_average(tf, t, sequential):
    loss = dense_loss(tf, t, False)
    optimizer = tf.contrib.opt.MovingAverageOptimizer(
        tf.train.GradientDescentOptimizer(0.1), 0.5, sequential_update=sequential
    )
    optimizer.minimize(loss())
    optimizer.swapping_saver()
    names(tf, t)


@case
def moving_average_values(tf, t):
    t.values_only()
    loss = dense_loss(tf, t, False)
    step = tf.train.get_or_create_global_step()
    two_steps(tf, t, tf.contrib.opt.MovingAverageOptimizer(tf.train.MomentumOptimizer(0.1, 0.5), 0.5), step, loss)


@case
def moving_average_saver_too_early(tf, t):
    tf.contrib.opt.MovingAverageOptimizer(tf.train.GradientDescentOptimizer(0.1)).swapping_saver()


@case
def moving_average_saver_of_one(tf, t):
    loss = dense_loss(tf, t, False)()
    optimizer = tf.contrib.opt.MovingAverageOptimizer(tf.train.GradientDescentOptimizer(0.1))
    optimizer.minimize(loss)
    optimizer.swapping_saver(tf.trainable_variables())


@case
def multitask(tf, t):
    x = t.feed(t.normal(5, 4))
    used, unused = tf.get_variable("used", initializer=t.normal(4)), tf.get_variable("unused", initializer=t.normal(4))
    loss = tf.reduce_sum(x * used) + 0.0 * tf.reduce_sum(x * unused)
    wrapper = tf.contrib.opt.MultitaskOptimizerWrapper(tf.train.MomentumOptimizer(0.1, 0.9))
    done = wrapper.minimize(loss)
    with tf.control_dependencies([done]):
        t.out(*[v.read_value() for v in tf.global_variables()])
    names(tf, t)


@case
def multitask_of_something(tf, t):
    tf.contrib.opt.MultitaskOptimizerWrapper(3)


@case
def clipping_by_global_norm(tf, t):
    v, w = tf.get_variable("v", [3]), tf.get_variable("w", [2])
    pairs = [(t.feed(t.normal(3)), v), (tf.zeros([2]), w), (None, w)]
    clipped, norm = tf.contrib.opt.clip_gradients_by_global_norm(pairs, 0.5)
    t.out(norm, *[g for g, _ in clipped if g is not None])
