"""Softmax and the cross-entropies."""

from benchmarks.ops.base import Op, Spec, matrices, sized


def _classes(rows, columns):
    return Spec((rows, columns))


def _dense_labels(rows, columns):
    return Spec((rows, columns)), Spec((rows, columns), "distribution")


def _sparse_labels(rows, columns):
    return Spec((rows, columns)), Spec((rows,), "below", columns, "int64")


_SIZES = (32, 10), (128, 1000), (400, 10000)
_FEW = {"small": 50, "medium": 5, "large": 2}

OPS = (
    Op(
        "softmax", sized(_classes, *_SIZES),
        lambda tf, x: tf.nn.softmax(x),
        lambda torch, x: torch.softmax(x, -1),
        by=(0,), copies=_FEW,
    ),
    Op(
        "log_softmax", sized(_classes, *_SIZES),
        lambda tf, x: tf.nn.log_softmax(x),
        lambda torch, x: torch.log_softmax(x, -1),
        by=(0,), copies=_FEW,
    ),
    Op(
        "softmax_cross_entropy", sized(_dense_labels, *_SIZES),
        lambda tf, x, labels: tf.nn.softmax_cross_entropy_with_logits_v2(labels=labels, logits=x),
        lambda torch, x, labels: torch.nn.functional.cross_entropy(x, labels, reduction="none"),
        by=(0,), copies=_FEW,
    ),
    Op(
        "sparse_softmax_cross_entropy", sized(_sparse_labels, *_SIZES),
        lambda tf, x, labels: tf.nn.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=x),
        lambda torch, x, labels: torch.nn.functional.cross_entropy(x, labels, reduction="none"),
        by=(0,), copies=_FEW,
    ),
    Op(
        "sigmoid_cross_entropy", matrices(2),
        lambda tf, x, labels: tf.nn.sigmoid_cross_entropy_with_logits(labels=labels, logits=x),
        lambda torch, x, labels: torch.nn.functional.binary_cross_entropy_with_logits(x, labels, reduction="none"),
        by=(0,),
    ),
)  # fmt: skip
