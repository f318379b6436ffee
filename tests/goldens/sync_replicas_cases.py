"""The graphs that SyncReplicasOptimizer makes."""

from op_recording import Cases

case = Cases()


def _build(tf, optimizer, averages=False, sparse=False, unused=False, **arguments):
    w = tf.Variable([[1.0, 2.0], [3.0, 4.0]], name="w")
    b = tf.Variable([0.5, 0.25], name="b")
    variables = [w, b]
    step = tf.train.get_or_create_global_step()
    x = tf.nn.embedding_lookup(w, [1, 0]) if sparse else tf.matmul([[1.0, 2.0]], w)
    if unused:
        variables.append(tf.Variable(1.0, name="unused"))
    if averages:
        arguments["variable_averages"] = tf.train.ExponentialMovingAverage(0.5, step)
        arguments["variables_to_average"] = [w]
    synchronous = tf.train.SyncReplicasOptimizer(optimizer, **arguments)
    with tf.name_scope("training"):
        synchronous.minimize(tf.reduce_sum((x + b) ** 2), global_step=step, var_list=variables)
    return synchronous


@case
def gradient_descent(tf, t):
    _build(tf, tf.train.GradientDescentOptimizer(0.1), replicas_to_aggregate=2)


@case
def adam_and_averages(tf, t):
    optimizer = _build(tf, tf.train.AdamOptimizer(0.1), averages=True, replicas_to_aggregate=3,
                       total_num_replicas=4, name="together")  # fmt: skip
    optimizer.get_init_tokens_op()
    optimizer.get_init_tokens_op(0)
    optimizer.get_init_tokens_op(2)


@case
def rows_and_no_gradient(tf, t):
    _build(tf, tf.train.MomentumOptimizer(0.1, 0.9), sparse=True, unused=True, replicas_to_aggregate=2)


@case
def slots(tf, t):
    optimizer = _build(tf, tf.train.MomentumOptimizer(0.1, 0.9), replicas_to_aggregate=2)
    assert optimizer.get_slot_names() == ["momentum"]
    assert [v.name for v in optimizer.variables()] == ["w/Momentum:0", "b/Momentum:0"]
    assert optimizer.get_slot(tf.trainable_variables()[0], "momentum").name == "w/Momentum:0"
    assert [v.name for v in tf.local_variables()] == ["training/sync_rep_local_step:0"]
    assert optimizer.chief_init_op.type == "NoOp" and optimizer.ready_for_local_init_op.dtype == tf.string
    runner = optimizer.get_chief_queue_runner()
    assert (runner.name, [op.name for op in runner.enqueue_ops]) == ("dummy_queue", ["sync_token_q_EnqueueMany"])
    assert runner.close_op.name == "dummy_queue_Close" and runner.cancel_op.name == "dummy_queue_Close_1"


@case
def no_global_step(tf, t):
    tf.train.SyncReplicasOptimizer(tf.train.AdamOptimizer(), 2).minimize(tf.Variable(1.0) * 2)


@case
def no_variables(tf, t):
    tf.train.SyncReplicasOptimizer(tf.train.AdamOptimizer(), 2).apply_gradients([], global_step=tf.Variable(0))


@case
def too_few_tokens(tf, t):
    optimizer = _build(tf, tf.train.AdamOptimizer(), replicas_to_aggregate=4, total_num_replicas=2)
    optimizer.get_init_tokens_op(1)


@case
def runner_before_gradients(tf, t):
    tf.train.SyncReplicasOptimizer(tf.train.AdamOptimizer(), 2).get_chief_queue_runner()


@case
def tokens_before_gradients(tf, t):
    tf.train.SyncReplicasOptimizer(tf.train.AdamOptimizer(), 2).get_init_tokens_op()


@case
def hook_before_gradients(tf, t):
    tf.train.SyncReplicasOptimizer(tf.train.AdamOptimizer(), 2).make_session_run_hook(True).begin()
