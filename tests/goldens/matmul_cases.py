"""Programs of matrix products, run under TensorFlow 1.15.5 and Reflow. Runs under Python 3.7 as well."""

import numpy as np
from op_recording import Cases

case = Cases()
FLOATS = ["float16", "float32", "float64", "complex64", "complex128"]
TURNS = ["nn", "nt", "tn", "tt"]


@case.each(dtype=FLOATS + ["int32", "int64"])
def _types(tf, t, dtype):
    if dtype.startswith("int"):
        a, b = t.integers(-9, 9, 3, 4, dtype=dtype), t.integers(-9, 9, 4, 2, dtype=dtype)
    else:
        a, b = t.normal(3, 4, dtype=dtype), t.normal(4, 2, dtype=dtype)
    t.out(tf.matmul(tf.constant(a), tf.constant(b)))


@case.each(turns=TURNS)
def _transposed(tf, t, turns):
    a, b = t.normal(3, 4), t.normal(4, 2)
    first, second = turns[0] == "t", turns[1] == "t"
    x = t.feed(a.T if first else a)
    y = t.feed(b.T if second else b)
    product = t.out(tf.matmul(x, y, transpose_a=first, transpose_b=second))
    t.grad(product, [x, y], second=True)


@case.each(turns=TURNS)
def _adjoint_complex(tf, t, turns):
    a, b = t.normal(3, 4, dtype="complex128"), t.normal(4, 2, dtype="complex128")
    first, second = turns[0] == "t", turns[1] == "t"
    x = t.feed(a.conj().T if first else a)
    y = t.feed(b.conj().T if second else b)
    product = t.out(tf.matmul(x, y, adjoint_a=first, adjoint_b=second))
    t.grad(product, [x, y])


@case.each(turns=TURNS)
def _batch(tf, t, turns):
    first, second = turns[0] == "t", turns[1] == "t"
    x = t.feed(t.normal(2, 4, 3) if first else t.normal(2, 3, 4))
    y = t.feed(t.normal(2, 5, 4) if second else t.normal(2, 4, 5))
    product = t.out(tf.matmul(x, y, adjoint_a=first, transpose_b=second))
    t.grad(product, [x, y], second=True)


@case.each(turns=TURNS)
def _batch_broadcast(tf, t, turns):
    first, second = turns[0] == "t", turns[1] == "t"
    x = t.feed(t.normal(3, 1, 4, 3) if first else t.normal(3, 1, 3, 4), [None] * 4)
    y = t.feed(t.normal(2, 5, 4) if second else t.normal(2, 4, 5), [None] * 3)
    product = t.out(tf.matmul(x, y, transpose_a=first, adjoint_b=second))
    t.grad(product, [x, y])


@case
def _batch_complex(tf, t):
    x, y = t.feed(t.normal(2, 3, 4, dtype="complex64")), t.feed(t.normal(2, 5, 4, dtype="complex64"))
    t.grad(t.out(tf.matmul(x, y, transpose_b=True)), [x, y])


@case
def _batch_by_matrix(tf, t):
    x, y = t.feed(t.normal(2, 3, 4)), t.feed(t.normal(4, 5))
    t.grad(t.out(tf.matmul(x, y)), [x, y])


@case
def _from_values(tf, t):
    t.out(tf.matmul([[1.0, 2.0]], np.ones((2, 3), "float32"), name="product"))


@case
def _from_batches_of_values(tf, t):
    t.out(tf.matmul(np.ones((2, 1, 2), "float32"), np.ones((2, 2, 3), "float32")))


@case
def _operator(tf, t):
    x = tf.constant(t.normal(2, 3))
    t.out(x @ tf.ones([3, 2]), x @ np.ones((3, 1), "float32"), x @ [[1.0], [2.0], [3.0]])


@case
def _mixed_types(tf, t):
    tf.matmul(tf.ones([2, 3]), tf.ones([3, 2], tf.float64))


@case
def _inner_sizes(tf, t):
    tf.matmul(tf.ones([2, 3]), tf.ones([2, 3]))


@case
def _inner_sizes_of_batches(tf, t):
    tf.matmul(tf.ones([2, 2, 3]), tf.ones([2, 2, 3]))


@case
def _batch_sizes(tf, t):
    tf.matmul(tf.ones([2, 2, 3]), tf.ones([3, 3, 2]))


@case
def _vectors(tf, t):
    tf.matmul(tf.ones([2]), tf.ones([2]))


@case
def _both_transpose_and_adjoint(tf, t):
    tf.matmul(tf.ones([2, 2]), tf.ones([2, 2]), transpose_a=True, adjoint_a=True)


@case
def _not_allowed_type(tf, t):
    tf.matmul(tf.ones([2, 2], tf.int16), tf.ones([2, 2], tf.int16))


@case
def _shapes_known_when_run(tf, t):
    x, y = t.feed(t.normal(2, 3), None), t.feed(t.normal(3, 2), [None, None])
    t.out(tf.matmul(x, y), tf.matmul(y, x))


@case
def _wrong_when_run(tf, t):
    x, y = t.feed(t.normal(2, 3), [None, None]), t.feed(t.normal(2, 3), [None, None])
    t.out(tf.matmul(x, y))


@case.each(sizes=[(0, 3, 2), (2, 0, 3), (2, 3, 0)])
def _empty(tf, t, sizes):
    m, k, n = sizes
    x, y = t.feed(t.normal(m, k)), t.feed(t.normal(k, n))
    product = t.out(tf.matmul(x, y))
    t.grad(product, [x, y])
    t.out(tf.matmul(tf.ones([2, m, k]), tf.ones([2, k, n])))


@case
def _not_numbers(tf, t):
    x = tf.constant([[np.nan, 1.0], [np.inf, 0.0]], tf.float32)
    t.out(tf.matmul(x, tf.constant([[0.0, 1.0], [1.0, 2.0]])))


@case
def _integer_overflow(tf, t):
    x = tf.constant([[2**30, 2**30]], tf.int32)
    t.out(tf.matmul(x, tf.constant([[2], [3]])))


@case.each(hints=["a", "b", "ab"])
def _sparse_hints(tf, t, hints):
    a = t.normal(3, 4) * (t.random.rand(3, 4) > 0.5)
    x, y = t.feed(a.astype("float32")), t.feed(t.normal(4, 2))
    product = t.out(tf.matmul(x, y, a_is_sparse="a" in hints, b_is_sparse="b" in hints))
    t.grad(product, [x, y])


@case.each(turns=TURNS)
def _sparse_matmul(tf, t, turns):
    a, b = t.normal(3, 4), t.normal(4, 2)
    first, second = turns[0] == "t", turns[1] == "t"
    x, y = t.feed(a.T if first else a), t.feed(b.T if second else b)
    product = t.out(tf.sparse_matmul(x, y, transpose_a=first, transpose_b=second, a_is_sparse=True))
    t.grad(product, [x, y])


@case
def _half_sparse_product(tf, t):
    x, y = tf.cast(t.feed(t.normal(3, 4)), tf.bfloat16), t.feed(t.normal(4, 2))
    t.out(tf.matmul(x, y))
    t.out(tf.matmul(x, tf.cast(y, tf.bfloat16)))


@case
def _matvec(tf, t):
    x, y = t.feed(t.normal(3, 4)), t.feed(t.normal(4))
    t.grad(t.out(tf.linalg.matvec(x, y)), [x, y])
    t.values_only()


@case
def _matvec_nodes(tf, t):
    t.out(tf.linalg.matvec(t.feed(t.normal(4, 3)), [1.0, 2.0, 3.0, 4.0], transpose_a=True))


@case.each(op=["BatchMatMul", "BatchMatMulV2"])
def _raw(tf, t, op):
    x, y = t.feed(t.normal(2, 4, 3)), t.feed(t.normal(2, 4, 3))
    product = t.out(getattr(tf.raw_ops, op)(x=x, y=y, adj_x=True))
    t.grad(product, [x, y])
    y_turned = getattr(tf.raw_ops, op)(x=x, y=y, adj_y=True)
    t.grad(t.out(y_turned), [x, y])


@case.each(axes=[0, 1, 2, [[1], [0]], [1, 0], [[2, 0], [0, 1]], [[-1, 0], [0, -1]]])
def _tensordot(tf, t, axes):
    shapes = {"2": ([2, 3, 4], [3, 4, 5]), "1": ([2, 3, 4], [4, 3, 2]), "0": ([2, 3], [2, 2])}
    first, second = shapes.get(str(axes), ([2, 3, 4], [4, 2, 5]))
    if axes in ([[1], [0]], [1, 0]):
        first, second = [2, 3, 4], [3, 2]
    if axes == [[-1, 0], [0, -1]]:
        first, second = [2, 3, 4], [4, 5, 2]
    x, y = t.feed(t.normal(*first)), t.feed(t.normal(*second))
    product = t.out(tf.tensordot(x, y, axes))
    t.grad(product, [x, y])


@case
def _tensordot_partly_known(tf, t):
    x, y = t.feed(t.normal(2, 3, 4), [None, 3, 4]), t.feed(t.normal(4, 3, 2), [4, None, 2])
    t.out(tf.tensordot(x, y, [[2, 1], [0, 1]]))


@case
def _tensordot_unknown_rank(tf, t):
    x, y = t.feed(t.normal(2, 3, 4), None), t.feed(t.normal(4, 3, 2), None)
    t.out(tf.tensordot(x, y, 1), tf.tensordot(x, y, tf.constant([[2, 1], [0, 1]])))


@case
def _tensordot_negative_axes(tf, t):
    tf.tensordot(tf.ones([2, 2]), tf.ones([2, 2]), -1)


@case
def _tensordot_too_many_axes(tf, t):
    tf.tensordot(tf.ones([2, 2]), tf.ones([2, 2]), 3)


@case
def _tensordot_axes_of_different_length(tf, t):
    tf.tensordot(tf.ones([2, 2]), tf.ones([2, 2]), [[0, 1], [0]])


@case.each(
    equation=[
        "ij,jk->ik", "ij,jk", "ij,ij->", "ij->ji", "ij->j", "ij,j->i", "i,j->ij", "bij,bjk->bik", "ij,kj->ik",
        "abc,cd->abd", "abc,abd->acd", "ijk,ilk->ijl", "ab,bc,cd->ad", "ij,jk,kl", "ijkm,ijln->ijmn", "ab,ab->ab",
        "ij->", "ji", "ab, bc -> ac", "a,a->", "abcd,ad->bc",
    ]
)  # fmt: skip
def _einsum(tf, t, equation):
    labels = equation.replace(" ", "").split("->")[0].split(",")
    sizes = {c: 2 + i % 3 for i, c in enumerate("abcdijklmn")}
    inputs = [t.feed(t.normal(*[sizes[c] for c in each])) for each in labels]
    product = t.out(tf.einsum(equation, *inputs))
    t.grad(product, inputs)


@case.each(equation=["...ij,...jk->...ik", "ij...,jk...->ik...", "...i->...", "...ij,jk", "b...,b...->b..."])
def _einsum_ellipsis(tf, t, equation):
    shapes = {
        "...ij,...jk->...ik": [(2, 3, 4), (2, 4, 5)], "ij...,jk...->ik...": [(3, 4, 2), (4, 5, 2)],
        "...i->...": [(2, 3, 4)], "...ij,jk": [(2, 3, 4), (4, 5)], "b...,b...->b...": [(2, 3), (2, 3)],
    }  # fmt: skip
    t.out(tf.einsum(equation, *[t.feed(t.normal(*shape)) for shape in shapes[equation]]))


@case
def _einsum_trace(tf, t):
    t.out(tf.einsum("ii", t.feed(t.normal(3, 3))))


@case
def _einsum_summed_three_times(tf, t):
    t.out(tf.einsum("i,i,i->", *[t.feed(t.normal(4)) for _ in range(3)]))


@case
def _einsum_unknown_sizes(tf, t):
    x, y = t.feed(t.normal(2, 3, 4), [None, 3, None]), t.feed(t.normal(2, 4, 5), [None, None, 5])
    t.out(tf.einsum("bij,bjk->bik", x, y), tf.einsum("bij,cjk->ick", x, y))


@case.each(equation=["ij,jk,", "i$,jk->ik", "ij,jk->iz", "iij->ij", "ij,jk,kl->il", "ij.->j"])
def _einsum_wrong(tf, t, equation):
    tf.einsum(equation, tf.ones([2, 2]), tf.ones([2, 2]))


@case
def _einsum_wrong_keyword(tf, t):
    tf.einsum("ij->ji", tf.ones([2, 2]), nome="x")
