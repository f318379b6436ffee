"""`tf.Variable`, `get_variable`, variable scopes, initializers, partitions: nodes, names, values."""

from op_recording import Cases

case = Cases()

KINDS = [False, True]


def _names(tf, t):
    """Record the names and properties of all variables."""
    lines = []
    for key in sorted(k for k in tf.get_default_graph().get_all_collection_keys() if isinstance(k, str)):
        for v in tf.get_collection(key):
            line = "%s: %s" % (key, v.name)
            if isinstance(v, tf.Variable):
                line += " %s %s %s" % (v.shape, v.dtype.name, v.trainable)
            lines.append(line)
    t.out(tf.constant(lines))


@case.each(resource=KINDS)
def variable(tf, t, resource):
    v = tf.Variable(t.normal(2, 3), name="w", use_resource=resource)
    u = tf.Variable(3, trainable=False, use_resource=resource)
    w = tf.Variable(lambda: tf.ones([2]), name="w", use_resource=resource)
    t.out(tf.identity(v), tf.identity(u), v.read_value(), tf.identity(w), v.initial_value)
    _names(tf, t)


@case.each(resource=KINDS)
def operators(tf, t, resource):
    v = tf.Variable(t.normal(2, 3), use_resource=resource)
    x = t.normal(2, 3)
    t.out(v + x, x + v, v - 1.0, 1.0 - v, v * v, v / 2.0, -v, abs(v), v > 0.0, v[0], v[:, 1:], 2.0 ** v)
    t.out(tf.matmul(v, v, transpose_b=True), v @ tf.transpose(v))


@case.each(resource=KINDS)
def of_another_variable(tf, t, resource):
    v = tf.Variable(t.normal(2), name="v", use_resource=resource)
    w = tf.Variable(v.initialized_value() * 2.0, name="w", use_resource=resource)
    t.out(tf.identity(w))


@case
def of_another_variable_unsafely(tf, t):
    v = tf.Variable(t.normal(2), name="v")
    w = tf.Variable(v * 2.0, name="w")
    t.out(tf.identity(w))


@case.each(resource=KINDS)
def caching_device(tf, t, resource):
    v = tf.get_variable("v", [2], initializer=tf.ones_initializer(), caching_device="/cpu:0", use_resource=resource)
    t.out(v + 1.0, tf.convert_to_tensor(v.assign_add([1.0, 1.0])))


@case.each(resource=KINDS)
def shape_argument(tf, t, resource):
    v = tf.Variable([1.0, 2.0], shape=tf.TensorShape(None), validate_shape=False, use_resource=resource)
    t.out(tf.identity(v))
    _names(tf, t)


@case
def unknown_shape(tf, t):
    tf.Variable(tf.placeholder(tf.float32, [None]))


@case
def unknown_shape_not_validated(tf, t):
    initial = tf.placeholder_with_default(t.normal(2), [None])
    v = tf.Variable(initial, validate_shape=False)
    t.out(v + 1.0)
    _names(tf, t)


@case.each(arguments=[
    {}, {"initial_value": 1.0, "collections": "variables"}, {"initial_value": 1.0, "constraint": 3},
    {"initial_value": 1.0, "aggregation": 9}, {"initial_value": 1.0, "synchronization": 9},
])
def wrong_arguments(tf, t, arguments):
    tf.Variable(**arguments)


@case
def collections(tf, t):
    tf.Variable(1.0, collections=["a", tf.GraphKeys.LOCAL_VARIABLES], trainable=True)
    tf.get_local_variable("local", [2])
    tf.get_variable("model", [], collections=[tf.GraphKeys.MODEL_VARIABLES, tf.GraphKeys.GLOBAL_VARIABLES])
    tf.get_variable("on_read", [], synchronization=tf.VariableSynchronization.ON_READ)
    _names(tf, t)


# --- scopes -------------------------------------------------------------------------------------------------------


@case.each(resource=KINDS)
def get_variable(tf, t, resource):
    with tf.variable_scope("a", use_resource=resource) as scope:
        v = tf.get_variable("v", [2, 3])
        with tf.variable_scope("b"):
            w = tf.get_variable("w", [2], initializer=tf.zeros_initializer(), dtype=tf.int32)
            u = tf.get_variable("u", initializer=t.normal(2))
        y = v + 1.0
    with tf.variable_scope("a", reuse=True):
        assert tf.get_variable("v") is v
        z = v + 2.0
    with tf.variable_scope(scope, reuse=True):
        assert tf.get_variable("b/w", dtype=tf.int32) is w
        x = v + 3.0
    with tf.variable_scope(scope, auxiliary_name_scope=False):
        s = v + 4.0
    t.out(tf.identity(v), tf.identity(w), tf.identity(u), y, z, x, s)
    _names(tf, t)


@case
def default_names(tf, t):
    for _ in range(2):
        with tf.variable_scope(None, default_name="layer"):
            tf.get_variable("v", [1])
            with tf.variable_scope(None, "inner", [tf.constant(1.0)]):
                tf.get_variable("v", [1])
                t.out(tf.constant(2.0, name="x"))
    with tf.variable_scope("layer"):
        tf.get_variable("w", [1])
    with tf.variable_scope("layer_1", reuse=tf.AUTO_REUSE):
        tf.get_variable("v", [1])
        tf.get_variable("u", [1])
    _names(tf, t)


@case
def scope_objects(tf, t):
    inner = tf.variable_scope("b", regularizer=lambda v: tf.reduce_sum(v))
    with tf.variable_scope("a", initializer=tf.ones_initializer(), dtype=tf.float64) as a, inner as b:
        v = tf.get_variable("v", [3])
    with tf.variable_scope("c"), tf.variable_scope(b):
        w = tf.get_variable("w", [2])
        t.out(tf.constant(1.0, name="inside"))
    lines = [a.name, b.name, a.original_name_scope, b.original_name_scope, str(a.dtype), tf.get_variable_scope().name]
    t.out(tf.constant(lines), tf.identity(v), tf.identity(w))
    t.out(*tf.get_collection(tf.GraphKeys.REGULARIZATION_LOSSES))
    _names(tf, t)


@case
def custom_getters(tf, t):
    def doubled(getter, name, *args, **kwargs):
        return getter(name + "_2", *args, **kwargs) * 2.0

    def frozen(getter, *args, **kwargs):
        kwargs["trainable"] = False
        return getter(*args, **kwargs)

    with tf.variable_scope("a", custom_getter=frozen), tf.variable_scope("b", custom_getter=doubled):
        v = tf.get_variable("v", [2], initializer=tf.ones_initializer())
    t.out(v)
    _names(tf, t)


@case
def creators(tf, t):
    def renamed(next_creator, **kwargs):
        kwargs["name"] = (kwargs["name"] or "none") + "_new"
        return next_creator(**kwargs)

    with tf.variable_creator_scope(renamed):
        tf.Variable(1.0)
        tf.get_variable("v", [2])
    _names(tf, t)


@case
def regularizers(tf, t):
    with tf.variable_scope("a", regularizer=lambda v: 0.5 * tf.reduce_sum(v * v)):
        tf.get_variable("v", initializer=t.normal(2))
        tf.get_variable("w", initializer=t.normal(2), regularizer=tf.no_regularizer)
    t.out(*tf.get_collection(tf.GraphKeys.REGULARIZATION_LOSSES))


def _exists(tf, **options):
    tf.get_variable("v", [2])
    tf.get_variable("v", [2], **options)


WRONG = {
    "exists": lambda tf: _exists(tf),
    "missing": lambda tf: _reuse(tf, lambda: tf.get_variable("v", [2])),
    "shape": lambda tf: _reuse(tf, lambda: tf.get_variable("w", [3]), tf.AUTO_REUSE),
    "dtype": lambda tf: _reuse(tf, lambda: tf.get_variable("w", [2], dtype=tf.int32), tf.AUTO_REUSE),
    "no_shape": lambda tf: tf.get_variable("v"),
    "shape_and_value": lambda tf: tf.get_variable("v", [2], initializer=[1.0, 2.0]),
    "dtype_and_value": lambda tf: tf.get_variable("v", dtype=tf.int32, initializer=tf.constant([1.0, 2.0])),
    "partially_known": lambda tf: tf.get_variable("v", [2, None]),
    "no_default": lambda tf: tf.get_variable("v", [2], dtype=tf.complex64),
    "reuse_without_name": lambda tf: tf.variable_scope(None, "a", reuse=True).__enter__(),
    "no_name": lambda tf: tf.variable_scope(None),
    "reuse_of_no_kind": lambda tf: tf.variable_scope("a", reuse=3),
    "name_of_no_kind": lambda tf: tf.variable_scope(3).__enter__(),
    "getter_of_no_kind": lambda tf: tf.get_variable("v", [2], custom_getter=3),
    "iteration": lambda tf: list(tf.Variable([1.0])),
}


def _reuse(tf, function, reuse=True):
    tf.get_variable("w", [2])
    with tf.variable_scope(tf.get_variable_scope(), reuse=reuse):
        function()


@case.each(what=sorted(WRONG))
def wrong(tf, t, what):
    WRONG[what](tf)


# --- partitions ---------------------------------------------------------------------------------------------------


@case.each(resource=KINDS)
def partitioned(tf, t, resource):
    v = tf.get_variable("v", [5, 3], partitioner=tf.fixed_size_partitioner(2), use_resource=resource)
    w = tf.get_variable("w", initializer=tf.constant(t.normal(2, 4)), partitioner=tf.fixed_size_partitioner(3, axis=1))
    t.out(tf.convert_to_tensor(v), tf.convert_to_tensor(w), *[tf.identity(p) for p in w])
    u = tf.get_variable("u", [2, 4], partitioner=tf.fixed_size_partitioner(2, axis=1))
    t.out(*[tf.convert_to_tensor(p) for p in u.assign_add(t.normal(2, 4))])
    t.out(tf.constant([p._get_save_slice_info().spec for p in list(v) + list(w)]))
    _names(tf, t)


@case
def partitioned_reuse(tf, t):
    with tf.variable_scope("a", partitioner=tf.fixed_size_partitioner(2)):
        v = tf.get_variable("v", [4, 2])
        b = tf.get_variable("b", [])
    with tf.variable_scope("a", partitioner=tf.fixed_size_partitioner(2), reuse=True):
        assert tf.get_variable("v", [4, 2]) is v
    t.out(tf.convert_to_tensor(v), tf.identity(b))


@case
def create_partitioned_variables(tf, t):
    parts = tf.create_partitioned_variables([4, 3], [1, 2], tf.ones_initializer(), name="p")
    more = tf.create_partitioned_variables([4, 3], [2, 1], tf.constant(t.normal(4, 3)))
    t.out(*[tf.identity(p) for p in parts + more])
    _names(tf, t)


@case
def partitioners(tf, t):
    shapes = [tf.TensorShape(s) for s in ([1000, 64], [7], [3, 100000], [1, 1])]
    makers = [
        tf.variable_axis_size_partitioner(1 << 12), tf.variable_axis_size_partitioner(100, max_shards=5),
        tf.min_max_variable_partitioner(max_partitions=10, min_slice_size=1 << 10), tf.fixed_size_partitioner(4),
    ]
    for dtype in (tf.float32, tf.string, tf.int8):
        for partition in makers:
            t.out(*[tf.constant(partition(shape=s, dtype=dtype)) for s in shapes])


# --- initializers -------------------------------------------------------------------------------------------------

INITIALIZERS = {
    "zeros": lambda tf: tf.zeros_initializer(),
    "ones": lambda tf: tf.ones_initializer(),
    "constant": lambda tf: tf.constant_initializer(3.0),
    "constant_list": lambda tf: tf.constant_initializer([1.0, 2.0, 3.0]),
    "random_uniform": lambda tf: tf.random_uniform_initializer(-0.5, 0.5),
    "random_normal": lambda tf: tf.random_normal_initializer(1.0, 2.0, seed=3),
    "truncated_normal": lambda tf: tf.truncated_normal_initializer(stddev=0.1),
    "uniform_unit_scaling": lambda tf: tf.uniform_unit_scaling_initializer(factor=1.43),
    "variance_scaling": lambda tf: tf.variance_scaling_initializer(2.0, "fan_out", "uniform"),
    "untruncated": lambda tf: tf.initializers.variance_scaling(distribution="untruncated_normal"),
    "orthogonal": lambda tf: tf.orthogonal_initializer(gain=1.5),
    "identity": lambda tf: tf.initializers.identity(2.0),
    "glorot_uniform": lambda tf: tf.glorot_uniform_initializer(),
    "glorot_normal": lambda tf: tf.glorot_normal_initializer(),
    "he_uniform": lambda tf: tf.initializers.he_uniform(),
    "he_normal": lambda tf: tf.initializers.he_normal(seed=1),
    "lecun_uniform": lambda tf: tf.initializers.lecun_uniform(),
    "lecun_normal": lambda tf: tf.initializers.lecun_normal(),
}


@case.each(name=sorted(INITIALIZERS))
def initializer(tf, t, name):
    shapes = [[4, 3], [3, 5]]
    if name not in ("identity", "orthogonal"):
        shapes = [[4, 3], [5], [2, 2, 3, 4]] + ([[]] if name != "constant_list" else [])
    for i, shape in enumerate(shapes):
        v = tf.get_variable("v%d" % i, shape, initializer=INITIALIZERS[name](tf))
        t.out(tf.identity(v))
    t.out(tf.identity(tf.get_variable("d", [3, 4], tf.float64, initializer=INITIALIZERS[name](tf))))


@case.each(name=["glorot_uniform", "he_normal", "identity", "uniform_unit_scaling"])
def initializer_of_parts(tf, t, name):
    v = tf.get_variable("v", [4, 4], initializer=INITIALIZERS[name](tf), partitioner=tf.fixed_size_partitioner(3))
    t.out(tf.convert_to_tensor(v))


@case
def initializer_forms(tf, t):
    t.out(tf.identity(tf.get_variable("a", [2], initializer=tf.ones_initializer)))
    t.out(tf.identity(tf.get_variable("b", initializer=lambda: tf.ones([3]))))
    t.out(tf.identity(tf.get_variable("c", initializer=[1, 2, 3])))
    t.out(tf.identity(tf.get_variable("d", dtype=tf.string, shape=[2])))
    t.out(tf.identity(tf.get_variable("e", dtype=tf.bool, shape=[2])))


@case.each(axes=[1, 2, 3])
def convolutional_orthogonal(tf, t, axes):
    orthogonal = getattr(tf.contrib.framework, "convolutional_orthogonal_%dd" % axes)
    delta = tf.contrib.framework.convolutional_delta_orthogonal
    shape = [3] * axes + [2, 4]
    t.out(orthogonal(gain=2.0, seed=5)(shape), delta(seed=3)(shape), orthogonal()([1] * axes + [2, 2]))


# --- lists of variables -------------------------------------------------------------------------------------------


@case
def initialization_ops(tf, t):
    tf.Variable(1.0, name="a")
    tf.get_local_variable("b", [2])
    tf.global_variables_initializer()
    tf.local_variables_initializer()
    tf.variables_initializer([], name="none")
    tf.variables_initializer(tf.global_variables() + tf.local_variables(), name="all")
    t.out(tf.report_uninitialized_variables())
    t.out(tf.assert_variables_initialized(tf.global_variables()))


@case
def report_without_variables(tf, t):
    t.out(tf.report_uninitialized_variables())


@case.each(resource=KINDS)
def protos(tf, t, resource):
    with tf.variable_scope("a"):
        v = tf.get_variable("v", [2], initializer=tf.ones_initializer(), use_resource=resource)
    proto = v.to_proto()
    t.out(tf.constant(str(proto)), tf.constant(str(v.to_proto(export_scope="a"))))
    if not resource:
        again = tf.Variable.from_proto(proto)
        assert again.name == v.name and again.trainable
        t.out(again + 1.0)
