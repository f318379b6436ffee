"""Moving, joining and making arrays.

Where one framework copies and another takes a view, an addition follows that reads the result."""

from benchmarks.ops.base import Op, Spec, matrices, sized

OPS = (
    Op(
        "transpose + y", matrices(2),
        lambda tf, x, y: tf.transpose(x) + y,
        lambda torch, x, y: x.t() + y,
        by=(0,),
    ),
    Op(
        "transpose NHWC to NCHW, + y",
        sized(lambda n, size: (Spec((n, size, size, 32)), Spec((n, 32, size, size))), (1, 16), (8, 28), (16, 56)),
        lambda tf, x, y: tf.transpose(x, [0, 3, 1, 2]) + y,
        lambda torch, x, y: x.permute(0, 3, 1, 2) + y,
        by=(0,),
    ),
    Op(
        "reshape", matrices(1),
        lambda tf, x: tf.reshape(x, [-1]),
        lambda torch, x: x.reshape(-1),
        by=(0,),
    ),
    Op(
        "concat, axis 1", matrices(2),
        lambda tf, x, y: tf.concat([x, y], 1),
        lambda torch, x, y: torch.cat([x, y], 1),
        by=(0, 1),
    ),
    Op(
        "concat, axis 0", matrices(2),
        lambda tf, x, y: tf.concat([x, y], 0),
        lambda torch, x, y: torch.cat([x, y], 0),
        by=(0, 1),
    ),
    Op(
        "split, axis 1; sum of parts", matrices(1),
        lambda tf, x: tf.add_n(tf.split(x, 4, 1)),
        lambda torch, x: sum(torch.chunk(x, 4, 1)),
        by=(0,),
    ),
    Op(
        "stack", matrices(2),
        lambda tf, x, y: tf.stack([x, y]),
        lambda torch, x, y: torch.stack([x, y]),
        by=(0, 1),
    ),
    Op(
        "unstack; sum of parts", sized(lambda n: Spec((4, n, n)), 16, 128, 512),
        lambda tf, x: tf.add_n(tf.unstack(x)),
        lambda torch, x: sum(torch.unbind(x)),
        by=(0,),
    ),
    Op(
        "slice + y", sized(lambda n: (Spec((n, n)), Spec((n - 16, n - 16))), 32, 256, 1024),
        lambda tf, x, y: tf.slice(x, [8, 8], y.shape) + y,
        lambda torch, x, y: x[8:-8, 8:-8] + y,
        by=(0,),
    ),
    Op(
        "strided_slice + y", sized(lambda n: (Spec((n, n)), Spec((n, n // 2))), 32, 256, 1024),
        lambda tf, x, y: x[:, ::2] + y,
        lambda torch, x, y: x[:, ::2] + y,
        by=(0,),
    ),
    Op(
        "pad", matrices(1),
        lambda tf, x: tf.pad(x, [[2, 2], [2, 2]]),
        lambda torch, x: torch.nn.functional.pad(x, (2, 2, 2, 2)),
        by=(0,),
    ),
    Op(
        "tile", sized(lambda n: Spec((n, n)), 16, 128, 512),
        lambda tf, x: tf.tile(x, [2, 2]),
        lambda torch, x: x.tile((2, 2)),
        by=(0,),
    ),
    Op(
        "expand_dims", matrices(1),
        lambda tf, x: tf.expand_dims(x, 1),
        lambda torch, x: x.unsqueeze(1),
        by=(0,),
    ),
    Op(
        # Nothing says the shape while the graph is built, or the zeros would be a constant.
        "zeros", sized(lambda n: Spec((2,), "equal", n, "int32"), 32, 256, 1024),
        lambda tf, shape: tf.zeros(shape),
        lambda torch, shape: torch.zeros(shape.tolist()),
    ),
    Op(
        "fill", {size: (Spec((), "positive"), *specs) for size, specs in matrices(1).items()},
        lambda tf, value, x: tf.fill(x.shape.as_list(), value),
        lambda torch, value, x: value.expand(x.shape).contiguous(),
    ),
    Op(
        "range", sized(lambda n: (Spec((), "below", 1, "int32"), Spec((n,))), 1000, 65536, 1048576),
        lambda tf, start, x: tf.range(start, int(x.shape[0])),
        lambda torch, start, x: torch.arange(int(start), x.shape[0], dtype=torch.int32),
    ),
)  # fmt: skip
