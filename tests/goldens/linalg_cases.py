"""Programs of linear algebra, run under TensorFlow 1.15.5 and Reflow. Runs under Python 3.7 as well.

Factors whose signs an implementation may choose are compared through what they make.
"""

import numpy as np
from op_recording import Cases

case = Cases()
FLOATS = ["float16", "float32", "float64", "complex64", "complex128"]
FULL = ["float32", "float64", "complex64", "complex128"]


def positive(t, *shape, **options):
    """Well-conditioned Hermitian positive definite matrices."""
    a = t.normal(*shape, **dict(options, dtype="complex128" if "complex" in options["dtype"] else "float64"))
    product = np.matmul(a, np.swapaxes(a.conj(), -1, -2)) / shape[-1] + 2 * np.eye(shape[-1])
    return product.astype(options["dtype"])


def square(t, *shape, **options):
    """Well-conditioned matrices."""
    return (t.normal(*shape, dtype=options["dtype"]) + 3 * np.eye(shape[-1])).astype(options["dtype"])


@case.each(dtype=FLOATS)
def _cholesky(tf, t, dtype):
    t.out(tf.cholesky(t.feed(positive(t, 3, 3, dtype=dtype))))
    t.out(tf.linalg.cholesky(t.feed(positive(t, 2, 3, 3, dtype=dtype))))


@case.each(dtype=["float32", "float64"])
def _cholesky_gradient(tf, t, dtype):
    x = t.feed(positive(t, 2, 3, 3, dtype=dtype))
    t.grad(t.out(tf.cholesky(x)), x, second=True)


@case
def _cholesky_grad_op(tf, t):
    factor = np.tril(positive(t, 4, 4, dtype="float64"))
    t.out(tf.raw_ops.CholeskyGrad(l=factor, grad=t.normal(4, 4, dtype="float64")))


@case.each(matrix=["zero", "negative", "nan", "unused"])
def _cholesky_edge(tf, t, matrix):
    values = {"zero": np.zeros((2, 2)), "negative": -np.eye(2), "nan": np.full((2, 2), np.nan),
              "unused": np.array([[1, np.inf], [0.5, 2]])}  # fmt: skip
    t.out(tf.cholesky(t.feed(values[matrix])))


@case.each(shape=[(0, 0), (2, 0, 0), (0, 2, 2)])
def _empty(tf, t, shape):
    x = t.feed(np.zeros(shape))
    t.out(tf.cholesky(x), tf.matrix_inverse(x), tf.matrix_determinant(x), *tf.linalg.slogdet(x))
    t.out(tf.matrix_solve(x, x), tf.matrix_triangular_solve(x, x), *tf.self_adjoint_eig(x))
    t.out(*tf.linalg.lu(x))


@case.each(function=["cholesky", "matrix_inverse", "matrix_determinant", "self_adjoint_eig"])
def _not_square(tf, t, function):
    getattr(tf, function)(tf.ones([2, 3]))


@case.each(function=["cholesky", "qr", "svd"])
def _not_matrix(tf, t, function):
    getattr(tf, function)(tf.ones([3]))


@case.each(dtype=FULL)
def _qr(tf, t, dtype):
    for shape in [(4, 3), (3, 4), (2, 3, 3)]:
        x = t.feed(t.normal(*shape, dtype=dtype))
        q, r = tf.qr(x)
        t.out(tf.matmul(q, r), tf.abs(r), tf.matmul(q, q, adjoint_a=True))
        q, r = tf.linalg.qr(x, full_matrices=True)
        t.out(tf.matmul(q, r), tf.matmul(q, q, adjoint_b=True))


@case.each(shape=[(3, 3), (4, 3), (2, 3, 3)])
def _qr_gradient(tf, t, shape):
    x = t.feed(t.normal(*shape, dtype="float64"))
    q, r = tf.qr(x)
    # Squares do not depend on the signs of the columns.
    t.grad([tf.square(q), tf.square(r)], x)


@case
def _qr_gradient_wide(tf, t):
    x = tf.ones([2, 3])
    tf.gradients(tf.qr(x)[0], x)


@case.each(dtype=FULL)
def _lu(tf, t, dtype):
    for shape in [(4, 4), (2, 3, 3)]:
        lu, p = tf.linalg.lu(t.feed(t.normal(*shape, dtype=dtype)))
        if not dtype.startswith("complex"):
            # Which complex pivot is the greatest is a matter of the norm.
            t.out(lu, p)
    lu, p = tf.linalg.lu(t.feed(t.normal(3, 3, dtype=dtype)), output_idx_type=tf.int64)
    lower = tf.matrix_set_diag(tf.matrix_band_part(lu, -1, 0), tf.ones([3], dtype))
    t.out(tf.gather(tf.matmul(lower, tf.matrix_band_part(lu, 0, -1)), tf.invert_permutation(p)))
    t.values_only()


@case
def _lu_singular(tf, t):
    t.out(*tf.linalg.lu(tf.zeros([2, 2])))


@case.each(dtype=FLOATS)
def _self_adjoint_eig(tf, t, dtype):
    for shape in [(4, 4), (2, 3, 3)]:
        x = t.feed(positive(t, *shape, dtype=dtype))
        e, v = tf.self_adjoint_eig(x)
        t.out(e, tf.abs(v) if dtype != "float16" else e)
        t.out(tf.self_adjoint_eigvals(x))


@case
def _self_adjoint_eig_reads_the_lower_triangle(tf, t):
    e, v = tf.linalg.eigh(t.feed(t.normal(3, 3, dtype="float64")))
    t.out(e, tf.abs(v))


@case
def _self_adjoint_eig_nan(tf, t):
    t.out(tf.self_adjoint_eigvals(t.feed(np.full((2, 2), np.nan))))


@case
def _self_adjoint_eig_gradient(tf, t):
    x = t.feed(positive(t, 2, 3, 3, dtype="float64"))
    e, v = tf.self_adjoint_eig(x)
    t.grad([e, tf.square(v)], x)
    t.grad(tf.self_adjoint_eigvals(x), x)


@case.each(dtype=FULL)
def _svd(tf, t, dtype):
    for shape in [(4, 3), (3, 4), (3, 3), (2, 4, 2)]:
        x = t.feed(t.normal(*shape, dtype=dtype))
        s, u, v = tf.svd(x)
        t.out(s, tf.abs(u), tf.abs(v), tf.matmul(u * tf.cast(s[..., tf.newaxis, :], dtype), v, adjoint_b=True))
        s, u, v = tf.linalg.svd(x, full_matrices=True)
        t.out(s, tf.matmul(u, u, adjoint_a=True), tf.matmul(v, v, adjoint_b=True))
        t.out(tf.svd(x, compute_uv=False))
    t.values_only()


@case
def _svd_nodes(tf, t):
    s, u, v = tf.svd(t.feed(t.normal(4, 3)), name="decomposition")
    t.out(s, tf.abs(u), tf.abs(v))
    t.out(tf.svd(t.feed(t.normal(2, 3), [None, None]), compute_uv=False))
    s, u, v = tf.svd(t.feed(t.normal(2, 3), None))
    t.out(s, tf.abs(u), tf.abs(v))


@case.each(shape=[(3, 3), (4, 3), (3, 4), (2, 3, 4)])
def _svd_gradient(tf, t, shape):
    x = t.feed(t.normal(*shape, dtype="float64"))
    s, u, v = tf.svd(x)
    t.grad([s, tf.square(u), tf.square(v)], x)
    t.grad(tf.svd(x, compute_uv=False), x, second=True)


@case.each(shape=[(3, 4), (4, 3)])
def _svd_gradient_full(tf, t, shape):
    x = t.feed(t.normal(*shape, dtype="float64"))
    s, u, v = tf.svd(x, full_matrices=True)
    t.grad([s, tf.square(u), tf.square(v)], x)


@case
def _svd_gradient_complex(tf, t):
    x = tf.complex(tf.ones([2, 2]), tf.ones([2, 2]))
    tf.gradients(tf.abs(tf.svd(x)[1]), x)


@case
def _svd_gradient_unknown_sizes(tf, t):
    x = tf.placeholder(tf.float32, [None, None])
    tf.gradients(tf.svd(x)[1], x)


@case.each(dtype=FLOATS)
def _inverse(tf, t, dtype):
    x = t.feed(square(t, 2, 3, 3, dtype=dtype))
    t.out(tf.matrix_inverse(x), tf.linalg.inv(x, adjoint=True))
    if dtype in ("float64", "complex128"):
        t.grad(tf.matrix_inverse(x), x, second=dtype == "float64")


@case.each(matrix=["zero", "nan", "inf"])
def _inverse_edge(tf, t, matrix):
    values = {"zero": np.zeros((2, 2)), "nan": np.full((2, 2), np.nan), "inf": np.array([[1, np.inf], [0, 1]])}
    t.out(tf.matrix_inverse(t.feed(values[matrix])))


@case.each(dtype=FULL)
def _solve(tf, t, dtype):
    x, y = t.feed(square(t, 2, 3, 3, dtype=dtype)), t.feed(t.normal(2, 3, 2, dtype=dtype))
    t.out(tf.matrix_solve(x, y), tf.linalg.solve(x, y, adjoint=True))
    if dtype in ("float64", "complex128"):
        t.grad(tf.matrix_solve(x, y), [x, y])
        t.grad(tf.matrix_solve(x, y, adjoint=True), [x, y])


@case
def _solve_singular(tf, t):
    t.out(tf.matrix_solve(tf.zeros([2, 2]), tf.ones([2, 1])))


@case
def _solve_other_sizes(tf, t):
    tf.matrix_solve(tf.eye(2), tf.ones([3, 1]))


@case.each(lower=[True, False])
def _triangular_solve(tf, t, lower):
    for adjoint in (False, True):
        x, y = t.feed(square(t, 2, 3, 3, dtype="float64")), t.feed(t.normal(2, 3, 2, dtype="float64"))
        solution = tf.matrix_triangular_solve(x, y, lower=lower, adjoint=adjoint)
        t.grad(t.out(solution), [x, y])
    x, y = t.feed(square(t, 3, 3, dtype="complex64")), t.feed(t.normal(3, 2, dtype="complex64"))
    t.out(tf.linalg.triangular_solve(x, y, lower=lower, adjoint=True))
    t.values_only()


@case
def _triangular_solve_singular(tf, t):
    t.out(tf.matrix_triangular_solve(tf.constant([[1.0, 0], [1, 0]]), tf.ones([2, 1])))


@case.each(shape=[(4, 3), (3, 4), (3, 3)])
def _least_squares(tf, t, shape):
    x, y = t.feed(t.normal(*shape, dtype="float64")), t.feed(t.normal(shape[0], 2, dtype="float64"))
    for options in ({}, {"l2_regularizer": 0.1}, {"fast": False}):
        t.out(tf.matrix_solve_ls(x, y, **options))
    t.grad(tf.matrix_solve_ls(x, y, l2_regularizer=0.5), [x, y])


@case.each(shape=[(4, 3), (3, 4)])
def _least_squares_op(tf, t, shape):
    x, y = t.feed(t.normal(2, *shape, dtype="float64")), t.feed(t.normal(2, shape[0], 2, dtype="float64"))
    for options in ({"fast": True}, {"fast": False}):
        solution = tf.raw_ops.MatrixSolveLs(matrix=x, rhs=y, l2_regularizer=0.25 if options["fast"] else 0.0, **options)
        t.out(solution)
    t.grad(tf.raw_ops.MatrixSolveLs(matrix=x, rhs=y, l2_regularizer=0.25), [x, y])


@case
def _least_squares_complex(tf, t):
    x, y = t.feed(t.normal(4, 2, dtype="complex64")), t.feed(t.normal(4, 1, dtype="complex64"))
    t.out(tf.linalg.lstsq(x, y), tf.linalg.lstsq(x, y, fast=False))


@case
def _least_squares_regularized_complex128(tf, t):
    x = tf.constant(t.normal(2, 2, dtype="complex128"))
    tf.matrix_solve_ls(x, x, l2_regularizer=0.1)


@case.each(dtype=FULL)
def _determinant(tf, t, dtype):
    x = t.feed(square(t, 2, 3, 3, dtype=dtype))
    t.out(tf.matrix_determinant(x), *tf.linalg.slogdet(x))
    if dtype in ("float64", "complex128"):
        t.grad(tf.matrix_determinant(x), x)
    if dtype == "float64":
        t.grad(tf.linalg.slogdet(x)[1], x)


@case
def _determinant_zero(tf, t):
    x = t.feed(np.zeros((2, 2)))
    t.out(tf.linalg.det(x), *tf.linalg.slogdet(x))


@case
def _tridiagonal_solve(tf, t):
    diagonals, rhs = t.normal(2, 3, 5, dtype="float64"), t.normal(2, 5, 2, dtype="float64")
    diagonals[:, 1] += 4
    x, y = t.feed(diagonals), t.feed(rhs)
    solution = tf.linalg.tridiagonal_solve(x, y)
    t.grad(t.out(solution), [x, y])
    t.out(tf.linalg.tridiagonal_solve(x, y, partial_pivoting=False))
    t.out(tf.linalg.tridiagonal_solve(x, y[..., 0]))
    t.out(tf.linalg.tridiagonal_solve(x, tf.linalg.transpose(y), transpose_rhs=True))
    t.values_only()


@case
def _tridiagonal_solve_with_pivoting(tf, t):
    x = t.normal(3, 6, dtype="float64")
    x[1] *= 0.01
    t.out(tf.linalg.tridiagonal_solve(t.feed(x), t.feed(t.normal(6, 2, dtype="float64"))))


@case.each(form=["sequence", "matrix"])
def _tridiagonal_forms(tf, t, form):
    if form == "matrix":
        diagonals = t.feed(square(t, 4, 4, dtype="float64"))
    else:
        diagonals = [t.feed(t.normal(4, dtype="float64")), t.feed(5 + t.normal(4, dtype="float64")),
                     t.feed(t.normal(4, dtype="float64"))]  # fmt: skip
    rhs = t.feed(t.normal(4, 2, dtype="float64"))
    t.out(tf.linalg.tridiagonal_solve(diagonals, rhs, diagonals_format=form))
    t.out(tf.linalg.tridiagonal_matmul(diagonals, rhs, diagonals_format=form))


@case
def _tridiagonal_matmul(tf, t):
    x, y = t.feed(t.normal(2, 3, 4, dtype="float64")), t.feed(t.normal(2, 4, 2, dtype="float64"))
    t.grad(t.out(tf.linalg.tridiagonal_matmul(x, y)), [x, y])


@case
def _tridiagonal_matmul_complex(tf, t):
    x, y = t.feed(t.normal(3, 4, dtype="complex64")), t.feed(t.normal(4, 2, dtype="complex64"))
    t.grad(t.out(tf.linalg.tridiagonal_matmul(x, y)), [x, y])


@case.each(form=["other"])
def _tridiagonal_unknown_form(tf, t, form):
    tf.linalg.tridiagonal_solve(tf.ones([3, 2]), tf.ones([2, 1]), diagonals_format=form)


@case.each(dtype=["float16", "float32", "float64", "int32", "int64", "int8", "int16", "uint8"])
def _cross(tf, t, dtype):
    a, b = t.integers(0, 5, 2, 3, dtype=dtype), t.integers(0, 5, 2, 3, dtype=dtype)
    x, y = t.feed(a), t.feed(b)
    product = t.out(tf.cross(x, y))
    if dtype == "float64":
        t.grad(product, [x, y], second=True)


@case
def _cross_other_sizes(tf, t):
    tf.cross(tf.ones([2, 4]), tf.ones([2, 4]))


@case
def _eye(tf, t):
    t.out(tf.eye(3), tf.eye(2, 3, name="wide"), tf.eye(3, 2, batch_shape=[2], dtype=tf.int32))
    t.out(tf.eye(2, batch_shape=[2, 1]), tf.eye(0))


@case
def _eye_of_tensors(tf, t):
    n, shape = t.feed(np.int32(2)), t.feed(np.array([2, 3], "int32"))
    t.out(tf.eye(n), tf.eye(n, 3), tf.eye(2, batch_shape=shape), tf.eye(2, n, batch_shape=shape))


@case
def _eye_of_float(tf, t):
    tf.eye(2.5)


@case
def _trace(tf, t):
    x = t.feed(t.normal(2, 3, 4))
    t.out(tf.trace(t.feed(t.normal(3, 3))), tf.linalg.trace([[1, 2], [3, 4]], name="sum"))
    t.grad(t.out(tf.trace(x)), x)


@case
def _adjoint(tf, t):
    t.out(tf.linalg.adjoint(t.feed(t.normal(2, 3, dtype="complex64"))), tf.linalg.adjoint(t.feed(t.normal(2, 3, 4))))
    t.out(tf.linalg.logdet(t.feed(positive(t, 2, 3, 3, dtype="float64"))))


@case
def _cholesky_solve(tf, t):
    x, y = t.feed(np.tril(positive(t, 3, 3, dtype="float64"))), t.feed(t.normal(3, 2, dtype="float64"))
    t.grad(t.out(tf.cholesky_solve(x, y)), [x, y])


@case.each(ord=["euclidean", 1, 2, np.inf, 3, 0.5])
def _vector_norm(tf, t, ord):
    x = t.feed(t.normal(2, 3, 4))
    t.out(tf.norm(x, ord), tf.norm(x, ord, axis=1), tf.norm(x, ord, axis=-1, keepdims=True))
    t.grad(tf.norm(x, ord, axis=1), x)


@case.each(ord=["euclidean", "fro", 1, np.inf])
def _matrix_norm(tf, t, ord):
    x = t.feed(t.normal(2, 3, 4))
    t.out(tf.norm(x, ord, axis=[-2, -1]), tf.norm(x, ord, axis=(0, 2), keep_dims=True))


@case
def _spectral_norm(tf, t):
    x = t.feed(t.normal(2, 3, 4))
    # The static shape is known with Reflow only.
    t.out(tf.reshape(tf.norm(x, 2, axis=[-2, -1]), [2]), tf.reshape(tf.norm(x, 2, axis=(0, 2), keepdims=True), [3]))
    t.values_only()


@case
def _norm_complex(tf, t):
    x = t.feed(t.normal(3, 4, dtype="complex64"))
    t.out(tf.norm(x), tf.norm(x, 1, axis=0))


@case.each(ord=["fro", -1, "x"])
def _norm_wrong_order(tf, t, ord):
    tf.norm(tf.ones([2]), ord)


@case.each(axis=[[0, 0], [0, 1, 2], 1.5])
def _norm_wrong_axis(tf, t, axis):
    tf.norm(tf.ones([2, 2]), axis=axis)


@case
def _normalize(tf, t):
    x = t.feed(t.normal(3, 4))
    t.out(*tf.linalg.normalize(x))
    t.out(*tf.linalg.normalize(x, 1, axis=1))


@case
def _matrix_rank(tf, t):
    deficient = np.array([[1.0, 2], [2, 4], [3, 6]], "float32")
    t.out(tf.linalg.matrix_rank(t.feed(deficient)), tf.linalg.matrix_rank(t.feed(t.normal(2, 3, 3)), tol=0.1))


@case
def _pinv(tf, t):
    for shape in [(3, 4), (4, 3), (2, 3, 3)]:
        t.out(tf.linalg.pinv(t.feed(t.normal(*shape, dtype="float64"))))
    t.out(tf.linalg.pinv(t.feed(np.ones((3, 2))), rcond=1e-3))


@case.each(dtype=FULL)
def _exponential(tf, t, dtype):
    for scale in (0.001, 0.1, 1, 5):
        t.out(tf.linalg.expm(t.feed((t.normal(2, 3, 3, dtype=dtype) * scale).astype(dtype))))
    t.values_only()


@case
def _logarithm(tf, t):
    x = t.feed(positive(t, 2, 3, 3, dtype="complex128"))
    t.out(tf.linalg.logm(x), tf.linalg.logm(t.feed(square(t, 3, 3, dtype="complex64"))))


@case.each(dtype=FULL)
def _square_root(tf, t, dtype):
    x = t.feed(positive(t, 2, 3, 3, dtype=dtype))
    t.out(tf.linalg.sqrtm(x))
    if dtype == "float64":
        t.grad(tf.matrix_square_root(x), x)


@case
def _square_root_without_one(tf, t):
    t.out(tf.linalg.sqrtm(t.feed(-np.eye(2))))


@case
def _logarithm_of_real(tf, t):
    tf.linalg.logm(tf.eye(2))
