"""What the steps of a random program do: for each name, the TensorFlow calls that make its outputs."""

import numpy as np

import reflow as tf

UNARY = {
    "tanh": tf.tanh, "sigmoid": tf.sigmoid, "relu": tf.nn.relu, "relu6": tf.nn.relu6, "elu": tf.nn.elu,
    "selu": tf.nn.selu, "softplus": tf.nn.softplus, "square": lambda x: tf.square(tf.tanh(x)), "abs": tf.abs,
    "neg": tf.negative, "exp": lambda x: tf.exp(tf.minimum(x, 1.0)), "sqrt": lambda x: tf.sqrt(tf.abs(x) + 1.0),
    "rsqrt": lambda x: tf.rsqrt(tf.square(x) + 0.5), "log": lambda x: tf.log(tf.abs(x) + 1.0),
    "reciprocal": lambda x: tf.reciprocal(tf.abs(x) + 0.5), "identity": tf.identity, "stop_gradient": tf.stop_gradient,
    "leaky_relu": tf.nn.leaky_relu, "sign": tf.sign, "silu": lambda x: x * tf.sigmoid(x),
    "complement": lambda x: 1.0 - x, "third": lambda x: x / 3.0, "scaled": lambda x: 0.1 * x,
    "plus_zero": lambda x: x + 0.0, "times_one": lambda x: x * 1.0,
    "dropout": lambda x: tf.nn.dropout(x, rate=0.2, seed=7),
    "noise": lambda x: x + tf.random_uniform(tf.shape(x), seed=3, dtype=x.dtype.base_dtype),
    "double_cast": lambda x: tf.cast(tf.cast(x, tf.float64), x.dtype), "cumsum": tf.cumsum,
    "clip": lambda x: tf.clip_by_value(x, -0.5, 0.5), "checked": lambda x: tf.check_numerics(x, "bad"),
    "placeholder_with_default": lambda x: tf.placeholder_with_default(x, x.shape), "floor": tf.floor,
    "print": lambda x: tf.Print(x, [], ""), "ones_like": lambda x: x * tf.ones_like(x), "softsign": tf.nn.softsign,
}  # fmt: skip

BINARY = {
    "add": tf.add, "plus": lambda x, y: x + y, "sub": tf.subtract, "mul": tf.multiply, "maximum": tf.maximum,
    "minimum": tf.minimum, "squared_difference": lambda x, y: tf.squared_difference(tf.tanh(x), tf.tanh(y)),
    "div": lambda x, y: x / (tf.abs(y) + 0.5), "plus_half": lambda x, y: x + 0.5 * y,
    "minus_tenth": lambda x, y: x - y * 0.1,
    "select": lambda x, y: tf.where(tf.greater(x + 0 * y, y + 0 * x), x + 0 * y, tf.tanh(y) + 0 * x),
    "add_n": lambda x, y: tf.add_n([x + 0 * y, y + 0 * x, x + y]),
}  # fmt: skip

REDUCTIONS = {"sum": tf.reduce_sum, "mean": tf.reduce_mean, "max": tf.reduce_max, "min": tf.reduce_min,
              "logsumexp": tf.reduce_logsumexp}  # fmt: skip

OPTIMIZERS = {
    "descent": lambda: tf.train.GradientDescentOptimizer(0.05),
    "momentum": lambda: tf.train.MomentumOptimizer(0.05, 0.9),
    "nesterov": lambda: tf.train.MomentumOptimizer(0.05, 0.9, use_nesterov=True),
    "adam": lambda: tf.train.AdamOptimizer(0.01, epsilon=1e-3),
    "rmsprop": lambda: tf.train.RMSPropOptimizer(0.01, epsilon=1e-3),
    "adagrad": lambda: tf.train.AdagradOptimizer(0.05),
}  # fmt: skip

ASSIGNMENTS = {"assign": tf.assign, "assign_add": tf.assign_add, "assign_sub": tf.assign_sub}


# --- leaves -----------------------------------------------------------------------------------------------------------


def constant(dtype, shape, seed, perturb=0.0):
    return tf.constant(numbers(dtype, shape, seed, perturb), dtype)


def variable(dtype, shape, seed, resource, perturb=0.0):
    initial = tf.constant(numbers(dtype, shape, seed, perturb), dtype)
    return tf.get_variable(f"v{seed}", initializer=initial, use_resource=resource)


def numbers(dtype, shape, seed, perturb=0.0):
    """The numbers of a leaf; `perturb` changes floats by that share of them."""
    random = np.random.RandomState(seed)
    if np.dtype(dtype).kind == "i":
        return np.asarray(random.randint(0, 4, shape), dtype)
    values = np.asarray(random.randn(*shape)) * 0.5
    return np.asarray(values * (1 + perturb * random.randn(*shape)), dtype)


# --- everything else --------------------------------------------------------------------------------------------------


def unary(x, name):
    return UNARY[name](x)


def binary(x, y, name):
    return BINARY[name](x, y)


def lerp(a, b, weight, form):
    return weight * b + (1 - weight) * a if form else a + weight * (b - a)


def reduce(x, name, axes, keep):
    return REDUCTIONS[name](x, axes, keepdims=keep)


def moments_norm(x, axes):
    mean, variance = tf.nn.moments(x, axes, keep_dims=True)
    return (x - mean) * tf.rsqrt(variance + 0.1), mean, variance


def matmul(a, b, transpose_a=False, transpose_b=False):
    return tf.matmul(a, b, transpose_a, transpose_b)


def bias(x, b, form, data_format="NHWC"):
    return tf.nn.bias_add(x, b, data_format) if form == "bias_add" else b + x if form == "swapped" else x + b


def conv(x, w, stride, padding, data_format, depthwise):
    strides = [1, stride, stride, 1] if data_format == "NHWC" else [1, 1, stride, stride]
    function = tf.nn.depthwise_conv2d if depthwise else tf.nn.conv2d
    return function(x, w, strides, padding, data_format=data_format)


def pool(x, name, size, stride, padding, data_format):
    window, strides = ([1, n, n, 1] if data_format == "NHWC" else [1, 1, n, n] for n in (size, stride))
    function = tf.nn.max_pool if name == "max" else tf.nn.avg_pool
    return function(x, window, strides, padding, data_format=data_format)


def lrn(x, radius, bias, alpha, beta):
    return tf.nn.lrn(x, radius, bias, alpha, beta)


def batch_norm(x, scale, offset, mean, variance, training, data_format):
    given = (None, None) if training else (mean, tf.abs(variance) + 0.5)
    y, batch_mean, batch_variance = tf.nn.fused_batch_norm(x, scale, offset, *given, is_training=training,
                                                           data_format=data_format)  # fmt: skip
    return (y, batch_mean, batch_variance) if training else y


def cross_entropy(logits, labels, sparse):
    if sparse:
        return tf.nn.sparse_softmax_cross_entropy_with_logits(logits=logits, labels=labels)
    return tf.nn.softmax_cross_entropy_with_logits_v2(logits=logits, labels=tf.nn.softmax(labels))


def concat(*xs, axis):
    return tf.concat(xs, axis)


def split(x, count, axis):
    return tuple(tf.split(x, count, axis))


def stack(*xs, axis):
    return tf.stack(xs, axis)


def unstack(x, count, axis):
    return tuple(tf.unstack(x, count, axis))


def part(x, begin, size, strided):
    return x[tuple(slice(b, b + s) for b, s in zip(begin, size, strict=True))] if strided else tf.slice(x, begin, size)


def transpose(x, permutation):
    return tf.transpose(x, permutation)


def reshape(x, shape, dynamic):
    return tf.reshape(x, tf.concat([tf.shape(x)[:1], shape[1:]], 0) if dynamic else shape)


def expand(x, axis):
    return tf.expand_dims(x, axis)


def squeeze(x, axis):
    return tf.squeeze(x, [axis])


def tile(x, multiples):
    return tf.tile(x, multiples)


def pad(x, paddings):
    return tf.pad(x, paddings)


def reverse(x, axis):
    return tf.reverse(x, [axis])


def softmax(x, log):
    return tf.nn.log_softmax(x) if log else tf.nn.softmax(x)


def l2_normalize(x):
    return tf.nn.l2_normalize(x, -1)


def gather(x, indices):
    return tf.nn.embedding_lookup(x, indices)


def argmax(x, axis):
    return tf.argmax(x, axis, output_type=tf.int32) % 4


def one_hot(indices, dtype):
    return tf.one_hot(indices, 4, dtype=dtype)


def integers(x, y, name):
    return {"add": x + y, "mul": x * y, "floordiv": x // (tf.abs(y) + 1), "mod": x % (tf.abs(y) + 2)}[name] % 4


def cast(x, dtype):
    return tf.cast(x, dtype)


def clip_by_global_norm(*xs, norm):
    clipped, total = tf.clip_by_global_norm(xs, norm)
    return (*clipped, total)


def gradients(loss, *xs):
    return tuple(tf.convert_to_tensor(g) for g in tf.gradients(loss, list(xs)))


def minimize(loss, *variables, name, clip):
    optimizer = OPTIMIZERS[name]()
    pairs = optimizer.compute_gradients(tf.reduce_sum(loss), list(variables))
    pairs = [(g, v) for g, v in pairs if g is not None]
    if clip:
        clipped, _ = tf.clip_by_global_norm([g for g, _ in pairs], 1.0)
        pairs = list(zip(clipped, [v for _, v in pairs], strict=True))
    return optimizer.apply_gradients(pairs)


def assignment(v, x, name):
    return tf.convert_to_tensor(ASSIGNMENTS[name](v, x))


def read(v):
    return v.read_value()


def recurrence(*inputs, steps, cell):
    """An unrolled recurrent network: `steps` inputs, the weights, then the first state."""
    xs, (w, u, b), state = inputs[:steps], inputs[steps : steps + 3], inputs[steps + 3]
    outputs = []
    for x in xs:
        state = _CELLS[cell](x, state, w, u, b)
        outputs.append(state)
    return tuple(outputs)


def _joined(x, h, w, u, b):
    return tf.tanh(tf.nn.bias_add(tf.matmul(tf.concat([x, h], 1), tf.concat([w, u], 0)), b))


def _apart(x, h, w, u, b):
    return tf.tanh(tf.matmul(x, w) + tf.matmul(h, u) + b)


def _gated(x, h, w, u, b):
    z = tf.sigmoid(tf.matmul(x, w) + b)
    return (1 - z) * h + z * tf.tanh(tf.matmul(h * z, u) + b)


_CELLS = {"joined": _joined, "apart": _apart, "gated": _gated}


def cond(x, y, v=None, *, threshold, true_names, false_names, nested):
    """A conditional on the sum of x; branches are chains of unary functions, and may change the variable v."""

    def branch(value, names, other):
        def build():
            result = value
            for name in names:
                result = UNARY[name](result)
            if v is not None:
                with tf.control_dependencies([tf.assign_add(v, tf.ones_like(v) * 0.1).op]):
                    result = tf.identity(result)
            if nested:
                return tf.cond(
                    tf.reduce_mean(other) > threshold, lambda: tf.tanh(result) + other, lambda: result * other
                )
            return result + other

        return build

    return tf.cond(tf.reduce_sum(x) > threshold, branch(x, true_names, y), branch(y, false_names, x))


def switch_merge(x, threshold, true_name, false_name):
    off, on = tf.raw_ops.Switch(data=x, pred=tf.reduce_sum(x) > threshold)
    merged, index = tf.raw_ops.Merge(inputs=[UNARY[false_name](off), UNARY[true_name](on)])
    return merged, index


BUILDERS = {function.__name__: function for function in (
    constant, variable, unary, binary, lerp, reduce, moments_norm, matmul, bias, conv, pool, lrn, batch_norm, concat,
    cross_entropy, split, stack, unstack, part, transpose, reshape, expand, squeeze, tile, pad, reverse, softmax,
    l2_normalize, gather, argmax, one_hot, integers, cast, clip_by_global_norm, gradients, minimize, assignment, read,
    recurrence, cond, switch_merge,
)}  # fmt: skip
