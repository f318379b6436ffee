"""Elementwise operations of one and two tensors, comparisons, selection, clipping."""

from benchmarks.ops.base import Op, Spec, feature_maps, matrices, sized


def _unary(name, values="uniform", session=None, torch_name=None, by=(0,)):
    """An elementwise function of square matrices that both frameworks have as a plain function."""

    def in_session(tf, x):
        return session(tf)(x)

    def in_torch(torch, x):
        return getattr(torch, torch_name or name)(x)

    return Op(name, matrices(1, values=values), in_session, in_torch, by)


def _binary(name, session, in_torch, by=(0, 1), values="uniform", inputs=None):
    return Op(name, inputs or matrices(2, values=values), session, in_torch, by)


def _broadcast(*shape):
    """{size: a square matrix, and a tensor of `shape`, where -1 stands for the number of rows}."""
    return sized(
        lambda n: (Spec((n, n), "positive"), Spec(tuple(n if d == -1 else d for d in shape), "positive")),
        32, 256, 1024,
    )  # fmt: skip


_IMAGES_AND_BIAS = {size: (maps, Spec(maps.shape[-1:])) for size, (maps,) in feature_maps().items()}
_MASKED = sized(lambda n: (Spec((n, n)), Spec((n, n)), Spec((n, n))), 32, 256, 1024)

OPS = (
    _binary("add", lambda tf, x, y: tf.add(x, y), lambda torch, x, y: torch.add(x, y)),
    _binary("subtract", lambda tf, x, y: tf.subtract(x, y), lambda torch, x, y: torch.sub(x, y)),
    _binary("multiply", lambda tf, x, y: tf.multiply(x, y), lambda torch, x, y: torch.mul(x, y)),
    _binary("divide", lambda tf, x, y: x / y, lambda torch, x, y: torch.div(x, y), values="positive"),
    _binary(
        "add, row", lambda tf, x, y: x + y, lambda torch, x, y: x + y, inputs=_broadcast(-1)
    ),
    _binary(
        "multiply, column", lambda tf, x, y: x * y, lambda torch, x, y: x * y, inputs=_broadcast(-1, 1)
    ),
    _binary(
        "multiply, scalar", lambda tf, x, y: x * y, lambda torch, x, y: x * y, inputs=_broadcast()
    ),
    _binary("subtract, column", lambda tf, x, y: x - y, lambda torch, x, y: x - y, inputs=_broadcast(-1, 1)),
    _binary("divide, column", lambda tf, x, y: x / y, lambda torch, x, y: x / y, inputs=_broadcast(-1, 1)),
    _binary("maximum", lambda tf, x, y: tf.maximum(x, y), lambda torch, x, y: torch.maximum(x, y)),
    _binary("minimum", lambda tf, x, y: tf.minimum(x, y), lambda torch, x, y: torch.minimum(x, y)),
    _binary(
        "squared_difference",
        lambda tf, x, y: tf.squared_difference(x, y),
        lambda torch, x, y: torch.square(x - y),
    ),
    Op(
        "add_n", matrices(3),
        lambda tf, x, y, z: tf.add_n([x, y, z]),
        lambda torch, x, y, z: x + y + z,
    ),
    Op(
        "bias_add", _IMAGES_AND_BIAS,
        lambda tf, x, b: tf.nn.bias_add(x, b),
        lambda torch, x, b: x + b.view(1, -1, 1, 1),
        by=(0, 1),
    ),
    _unary("exp", session=lambda tf: tf.exp),
    _unary("log", "positive", lambda tf: tf.log),
    _unary("sqrt", "positive", lambda tf: tf.sqrt),
    _unary("rsqrt", "positive", lambda tf: tf.rsqrt),
    _unary("square", session=lambda tf: tf.square),
    Op(
        "pow, 3", matrices(1, values="positive"),
        lambda tf, x: tf.pow(x, 3.0),
        lambda torch, x: torch.pow(x, 3.0),
        by=(0,),
    ),
    _binary("pow", lambda tf, x, y: tf.pow(x, y), lambda torch, x, y: torch.pow(x, y), by=(0,), values="positive"),
    _unary("abs", session=lambda tf: tf.abs),
    _unary("negative", session=lambda tf: tf.negative),
    _unary("sign", session=lambda tf: tf.sign, by=()),
    _unary("relu", session=lambda tf: tf.nn.relu),
    _unary("sigmoid", session=lambda tf: tf.sigmoid),
    _unary("tanh", session=lambda tf: tf.tanh),
    Op(
        "softplus", matrices(1),
        lambda tf, x: tf.nn.softplus(x),
        lambda torch, x: torch.nn.functional.softplus(x),
        by=(0,),
    ),
    Op(
        "elu", matrices(1),
        lambda tf, x: tf.nn.elu(x),
        lambda torch, x: torch.nn.functional.elu(x),
        by=(0,),
    ),
    Op(
        "leaky_relu", matrices(1),
        lambda tf, x: tf.nn.leaky_relu(x),
        lambda torch, x: torch.nn.functional.leaky_relu(x, 0.2),
        by=(0,),
    ),
    _binary("equal", lambda tf, x, y: tf.equal(x, y), lambda torch, x, y: torch.eq(x, y), by=()),
    _binary("greater", lambda tf, x, y: tf.greater(x, y), lambda torch, x, y: torch.gt(x, y), by=()),
    Op(
        "logical_and", matrices(2, values="below", n=2, dtype="bool"),
        lambda tf, x, y: tf.logical_and(x, y),
        lambda torch, x, y: torch.logical_and(x, y),
    ),
    Op(
        "where x > 0", _MASKED,
        lambda tf, m, x, y: tf.where(m > 0.0, x, y),
        lambda torch, m, x, y: torch.where(m > 0.0, x, y),
        by=(1, 2),
    ),
    Op(
        "clip_by_value", matrices(1),
        lambda tf, x: tf.clip_by_value(x, -0.5, 0.5),
        lambda torch, x: torch.clamp(x, -0.5, 0.5),
        by=(0,),
    ),
    Op(
        "cast to int32", matrices(1),
        lambda tf, x: tf.cast(x, tf.int32),
        lambda torch, x: x.to(torch.int32),
    ),
    Op(
        "cast from uint8", matrices(1, values="below", n=256, dtype="uint8"),
        lambda tf, x: tf.cast(x, tf.float32),
        lambda torch, x: x.to(torch.float32),
    ),
)  # fmt: skip
