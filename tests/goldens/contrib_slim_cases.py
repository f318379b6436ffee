"""tf.contrib.slim and tf.contrib.training: what TensorFlow 1.15.5 makes of them (both run these functions)."""

from op_recording import Cases

case = Cases()


def names(tf, t, collection):
    t.out(tf.constant([item.name for item in tf.get_collection(collection)], dtype=tf.string))


def whole(t, *shape):
    """Whole numbers, whose sums are exact in any order: summaries are compared as bytes."""
    return t.integers(-4, 5, *shape).astype("float32")


def small_loss(tf, t):
    slim = tf.contrib.slim
    x = t.feed(t.normal(5, 4), shape=[None, 4])
    with slim.arg_scope([slim.fully_connected], weights_initializer=tf.ones_initializer()):
        y = slim.fully_connected(x, 3, normalizer_fn=slim.batch_norm)
    return slim.losses.mean_squared_error(y, tf.ones_like(y))


def trained(tf, t, train_op):
    with tf.control_dependencies([train_op]):
        t.out(train_op, *[tf.identity(v.read_value()) for v in tf.trainable_variables()])
    for collection in ("train_op", "summaries", "variables", "losses"):
        names(tf, t, collection)


@case
def network(tf, t):
    slim = tf.contrib.slim
    x = t.feed(t.normal(2, 12, 12, 3), shape=[None, 12, 12, 3])
    ends = "net_ends"
    with tf.variable_scope("net"), slim.arg_scope(
        [slim.conv2d, slim.fully_connected, slim.max_pool2d], outputs_collections=ends
    ), slim.arg_scope(
        [slim.conv2d, slim.fully_connected], weights_regularizer=slim.l2_regularizer(0.01),
        biases_initializer=tf.zeros_initializer(),
    ):
        net = slim.repeat(x, 2, slim.conv2d, 4, [3, 3], scope="conv1")
        net = slim.max_pool2d(net, [2, 2], scope="pool1")
        net = slim.conv2d(net, 6, [6, 6], padding="VALID", scope="fc6")
        net = slim.dropout(net, 0.5, is_training=True, scope="drop6")
        net = slim.conv2d(net, 3, [1, 1], activation_fn=None, normalizer_fn=None, scope="fc8")
        net = tf.squeeze(net, [1, 2], name="squeezed")
    points = slim.utils.convert_collection_to_dict(ends)
    t.out(net, slim.softmax(net), tf.constant(sorted(points)))
    names(tf, t, "regularization_losses")
    t.out(tf.constant([v.name for v in slim.get_model_variables("net/fc")]))


@case
def training(tf, t):
    loss = small_loss(tf, t)
    trained(tf, t, tf.contrib.training.create_train_op(loss, tf.train.GradientDescentOptimizer(0.1)))


@case
def training_with_options(tf, t):
    loss = small_loss(tf, t)
    optimizer = tf.train.MomentumOptimizer(0.1, 0.9)
    trained(
        tf, t,
        tf.contrib.slim.learning.create_train_op(
            loss, optimizer, global_step=None, update_ops=[], clip_gradient_norm=0.5, summarize_gradients=True,
            gradient_multipliers={"fully_connected/weights": 2.0}, check_numerics=False,
        ),
    )


@case
def gradients(tf, t):
    training, learning = tf.contrib.training, tf.contrib.slim.learning
    v, w = tf.get_variable("v", initializer=whole(t, 3, 2)), tf.get_variable("w", initializer=whole(t, 2))
    sparse = tf.IndexedSlices(tf.constant(whole(t, 2, 2)), tf.constant([0, 2]), tf.constant([3, 2]))
    pairs = [(sparse, v), (tf.constant(whole(t, 2)), w)]
    clipped = training.clip_gradient_norms(pairs, 0.5) + training.clip_gradient_norms_fn(0.1)([(None, v), pairs[1]])
    scaled = training.multiply_gradients(pairs, {v: 3.0, "w": tf.constant(2.0)})
    t.out(*[tf.convert_to_tensor(g) for g, _ in clipped + scaled if g is not None])
    t.out(*training.add_gradients_summaries(pairs) + learning.add_gradients_summaries(pairs + [(None, w)]))


@case.each(multipliers=[{}, [1], {"w": 1.0}])
def bad_multipliers(tf, t, multipliers):
    tf.contrib.training.multiply_gradients([(None, tf.get_variable("w", [2]))], multipliers)


@case
def slim_summaries(tf, t):
    summaries = tf.contrib.slim.summaries
    x = t.feed(whole(t, 2, 3))
    image = t.feed(t.random.rand(1, 4, 4, 1).astype("float32"))
    t.values_only()
    t.out(summaries.add_histogram_summary(x), summaries.add_histogram_summary(x, "named", "before"))
    t.out(summaries.add_scalar_summary(tf.reduce_sum(x)), summaries.add_zero_fraction_summary(x))
    t.out(summaries.add_scalar_summary(tf.reduce_sum(x), "printed", print_summary=True))
    summaries.add_image_summary(image)
    summaries.add_image_summaries([image], prefix="more")
    t.out(*summaries.add_histogram_summaries([x]) + summaries.add_zero_fraction_summaries([x], prefix="p"))
    t.out(*summaries.add_scalar_summaries([tf.reduce_mean(x)]))
    names(tf, t, "summaries")


@case
def analyzer(tf, t):
    analyzer = tf.contrib.slim.model_analyzer
    tf.contrib.slim.fully_connected(t.feed(t.normal(5, 4), shape=[None, 4]), 3)
    t.out(tf.constant(analyzer.analyze_vars(tf.global_variables(), print_info=True)))
    t.out(tf.constant(analyzer.analyze_ops(tf.get_default_graph(), print_info=True)))
    t.out(tf.constant(analyzer.tensor_description(tf.global_variables()[0])))
