"""Gathering, scattering, sums of segments, one-hot vectors, embeddings."""

from benchmarks.ops.base import Op, Spec, sized

# Rows of the table, numbers in a row, rows looked up.
_TABLES = (100, 16, 32), (10000, 64, 256), (50000, 200, 4096)
# Rows, numbers in a row, segments.
_SEGMENTS = (32, 32, 8), (1024, 64, 100), (16384, 64, 1000)
_MATRICES = (32, 32), (256, 256), (1024, 1024)


def _looked_up(rows, width, count):
    return Spec((rows, width)), Spec((count,), "below", rows, "int32")


def _points(rows, columns):
    return Spec((rows, columns)), Spec((rows * columns // 8, 2), "below", rows, "int32")


def _segments(values):
    return lambda rows, width, count: (Spec((rows, width)), Spec((rows,), values, count, "int32"))


def _torch_segment_sum(torch, x, ids):
    return torch.zeros(int(ids[-1]) + 1, x.shape[1]).index_add(0, ids, x)


def _scattered(rows, columns):
    return Spec((rows, columns)), Spec((rows, 1), "below", rows, "int32")


def _count(tensor):
    return {32: 8, 1024: 100, 16384: 1000}[int(tensor.shape[0])]


def _torch_sum_of_segments(torch, x, ids):
    return torch.zeros(_count(x), x.shape[1]).index_add(0, ids, x)


OPS = (
    Op(
        "gather", sized(_looked_up, *_TABLES),
        lambda tf, x, indices: tf.gather(x, indices),
        lambda torch, x, indices: torch.index_select(x, 0, indices),
    ),
    Op(
        "gather_nd", sized(_points, *_MATRICES),
        lambda tf, x, indices: tf.gather_nd(x, indices),
        lambda torch, x, indices: x[indices[:, 0], indices[:, 1]],
        by=(0,),
    ),
    Op(
        "scatter_nd", sized(_scattered, *_MATRICES),
        lambda tf, x, indices: tf.scatter_nd(indices, x, x.shape),
        lambda torch, x, indices: torch.zeros(x.shape).index_add(0, indices[:, 0], x),
        by=(0,),
    ),
    Op(
        "segment_sum", sized(_segments("sorted"), *_SEGMENTS),
        lambda tf, x, ids: tf.segment_sum(x, ids),
        _torch_segment_sum,
    ),
    Op(
        "unsorted_segment_sum", sized(_segments("below"), *_SEGMENTS),
        lambda tf, x, ids: tf.unsorted_segment_sum(x, ids, _count(x)),
        _torch_sum_of_segments,
        by=(0,),
    ),
    Op(
        "one_hot", sized(lambda n: Spec((n,), "below", 100, "int32"), 32, 1024, 10000),
        lambda tf, indices: tf.one_hot(indices, 100),
        lambda torch, indices: torch.nn.functional.one_hot(indices.long(), 100).float(),
    ),
    Op(
        "embedding_lookup", sized(_looked_up, *_TABLES),
        lambda tf, table, ids: tf.nn.embedding_lookup(table, ids),
        lambda torch, table, ids: torch.nn.functional.embedding(ids, table, sparse=True),
        by=(0,),
    ),
)  # fmt: skip
