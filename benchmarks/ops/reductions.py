"""Reductions, searches along an axis, cumulative sums, norms."""

from benchmarks.ops.base import Op, Spec, feature_maps, matrices


def _reduction(name, axis):
    """`tf.reduce_<name>` of a square matrix over an axis, or over both (None)."""
    torch_name = {"max": "amax"}.get(name, name)

    def in_session(tf, x):
        return getattr(tf, "reduce_" + name)(x, axis)

    def in_torch(torch, x):
        return getattr(torch, torch_name)(x, (0, 1) if axis is None else axis)

    label = "all" if axis is None else f"axis {axis}"
    return Op(f"reduce_{name}, {label}", matrices(1), in_session, in_torch, by=(0,))


def _moments(tf, x):
    return tf.nn.moments(x, [0, 1, 2])


def _torch_moments(torch, x):
    variance, mean = torch.var_mean(x, (0, 2, 3), correction=0)
    return mean, variance


OPS = (
    _reduction("sum", None),
    _reduction("sum", 0),
    _reduction("sum", 1),
    _reduction("mean", None),
    _reduction("mean", 0),
    _reduction("mean", 1),
    _reduction("max", None),
    _reduction("max", 0),
    _reduction("max", 1),
    Op(
        "reduce_mean, images", feature_maps(),
        lambda tf, x: tf.reduce_mean(x, [1, 2]),
        lambda torch, x: torch.mean(x, (2, 3)),
        by=(0,),
    ),
    Op(
        "argmax, axis 1", matrices(1),
        lambda tf, x: tf.argmax(x, 1),
        lambda torch, x: torch.argmax(x, 1),
    ),
    Op(
        "argmax, axis 0", matrices(1),
        lambda tf, x: tf.argmax(x, 0),
        lambda torch, x: torch.argmax(x, 0),
    ),
    Op(
        "top_k, 5", matrices(1),
        lambda tf, x: tf.nn.top_k(x, 5).values,
        lambda torch, x: torch.topk(x, 5).values,
        by=(0,),
    ),
    Op(
        "cumsum", matrices(1),
        lambda tf, x: tf.cumsum(x, 1),
        lambda torch, x: torch.cumsum(x, 1),
        by=(0,),
    ),
    Op("moments", feature_maps(), _moments, _torch_moments, by=(0,)),
    Op(
        "l2_loss", matrices(1),
        lambda tf, x: tf.nn.l2_loss(x),
        lambda torch, x: torch.square(x).sum() * 0.5,
        by=(0,),
    ),
    Op(
        "l2_normalize", matrices(1),
        lambda tf, x: tf.nn.l2_normalize(x, 1),
        lambda torch, x: torch.nn.functional.normalize(x, dim=1),
        by=(0,),
    ),
    Op(
        "clip_by_norm", matrices(1),
        lambda tf, x: tf.clip_by_norm(x, 1.0),
        lambda torch, x: x / torch.clamp(torch.linalg.vector_norm(x), min=1.0),
    ),
    Op(
        "clip_by_global_norm",
        {size: (x, Spec(x.shape[:1])) for size, (x,) in matrices(1).items()},
        lambda tf, x, y: tf.clip_by_global_norm([x, y], 1.0)[0],
        lambda torch, x, y: _torch_clip_by_global_norm(torch, [x, y]),
    ),
)  # fmt: skip


def _torch_clip_by_global_norm(torch, tensors):
    norm = torch.linalg.vector_norm(torch.stack(torch._foreach_norm(tensors)))
    return torch._foreach_div(tensors, torch.clamp(norm, min=1.0))
