"""Matrix products and decompositions."""

from benchmarks.ops.base import Op, Spec, matrices, sized

FEW = {"small": 50, "medium": 5, "large": 2}


def _batches(batch, size):
    return (Spec((batch, size, size)),) * 2


def _layer(batch, size):
    return Spec((batch, size)), Spec((size, size)), Spec((size,))


def _definite(size):
    return Spec((size, size), values="definite")


OPS = (
    Op(
        "matmul", matrices(2),
        lambda tf, x, y: tf.matmul(x, y),
        lambda torch, x, y: torch.mm(x, y),
        by=(0, 1), copies=FEW,
    ),
    Op(
        "matmul, transposed", matrices(2),
        lambda tf, x, y: tf.matmul(x, y, transpose_b=True),
        lambda torch, x, y: torch.mm(x, y.t()),
        by=(0, 1), copies=FEW,
    ),
    Op(
        "batch_matmul", sized(_batches, (8, 16), (16, 64), (64, 128)),
        lambda tf, x, y: tf.matmul(x, y),
        lambda torch, x, y: torch.bmm(x, y),
        by=(0, 1), copies=FEW,
    ),
    Op(
        "einsum bij,bkj->bik", sized(_batches, (8, 16), (16, 64), (64, 128)),
        lambda tf, x, y: tf.einsum("bij,bkj->bik", x, y),
        lambda torch, x, y: torch.einsum("bij,bkj->bik", x, y),
        by=(0, 1), copies=FEW,
    ),
    Op(
        "xw_plus_b", sized(_layer, (16, 32), (64, 256), (128, 1024)),
        lambda tf, x, w, b: tf.nn.xw_plus_b(x, w, b),
        lambda torch, x, w, b: torch.addmm(b, x, w),
        by=(0, 1, 2), copies=FEW,
    ),
    Op(
        "cholesky", sized(_definite, 8, 64, 256),
        lambda tf, x: tf.cholesky(x),
        lambda torch, x: torch.linalg.cholesky(x),
        by=(0,), copies=FEW,
    ),
    Op(
        "matrix_inverse", sized(_definite, 8, 64, 256),
        lambda tf, x: tf.matrix_inverse(x),
        lambda torch, x: torch.linalg.inv(x),
        by=(0,), copies=FEW,
    ),
    Op(
        "svd", sized(lambda n: Spec((n, n)), 8, 32, 128),
        lambda tf, x: tf.svd(x),
        lambda torch, x: torch.linalg.svd(x),
        copies={"small": 20, "medium": 4, "large": 1},
    ),
)  # fmt: skip
