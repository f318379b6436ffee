"""Random numbers and dropout. (A million numbers drawn at a time are the cases `random/*`.)"""

from benchmarks.ops.base import Op, Spec, matrices


def _torch_uniform(torch, x):
    return torch.rand(x.shape)


def _torch_normal(torch, x):
    return torch.randn(x.shape)


OPS = (
    Op("random_uniform", matrices(1), lambda tf, x: tf.random_uniform(x.shape, seed=1), _torch_uniform),
    Op("random_normal", matrices(1), lambda tf, x: tf.random_normal(x.shape, seed=1), _torch_normal),
    Op(
        "dropout", matrices(1),
        lambda tf, x: tf.nn.dropout(x, rate=0.5, seed=1),
        lambda torch, x: torch.nn.functional.dropout(x, 0.5),
        by=(0,),
    ),
    Op(
        "random_shuffle", {size: (Spec(x.shape[:1]),) for size, (x,) in matrices(1).items()},
        lambda tf, x: tf.random_shuffle(x, seed=1),
        lambda torch, x: x[torch.randperm(x.shape[0])],
    ),
)  # fmt: skip
