"""Programs of tf.linalg.LinearOperator*, run under TensorFlow 1.15.5 and Reflow. Runs under Python 3.7 as well."""

import numpy as np
from op_recording import Cases

case = Cases()


def _definite(t, *shape, **options):
    """Hermitian positive definite matrices."""
    half = t.normal(*shape, **options)
    matrix = half @ np.conj(np.swapaxes(half, -1, -2)) + 2 * np.eye(shape[-1])
    return t.feed(matrix.astype(half.dtype))


def _regular(t, *shape, **options):
    """Matrices with inverses."""
    half = t.normal(*shape, **options)
    return t.feed((half + 3 * np.eye(shape[-1])).astype(half.dtype))


def _vector(t, *shape, **options):
    """Numbers away from zero."""
    numbers = t.normal(*shape, **options)
    return t.feed((numbers + 2 * np.sign(numbers.real)).astype(numbers.dtype))


def _positive(t, *shape):
    return t.feed(np.asarray(t.random.rand(*shape) + 0.5, "float32"))


# What makes each kind of operator [2, 4, 4] or [4, 4], and what it is said to be.
KINDS = {
    "diag": lambda la, t: la.LinearOperatorDiag(_vector(t, 2, 4)),
    "positive_diag": lambda la, t: la.LinearOperatorDiag(_positive(t, 2, 4), is_positive_definite=True),
    "complex_diag": lambda la, t: la.LinearOperatorDiag(_vector(t, 4, dtype="complex64")),
    "full": lambda la, t: la.LinearOperatorFullMatrix(_regular(t, 2, 4, 4)),
    "complex_full": lambda la, t: la.LinearOperatorFullMatrix(_regular(t, 4, 4, dtype="complex128")),
    "definite": lambda la, t: la.LinearOperatorFullMatrix(_definite(t, 2, 4, 4), is_self_adjoint=True,
                                                        is_positive_definite=True),
    "triangular": lambda la, t: la.LinearOperatorLowerTriangular(_regular(t, 2, 4, 4)),
    "complex_triangular": lambda la, t: la.LinearOperatorLowerTriangular(_regular(t, 4, 4, dtype="complex64")),
    "identity": lambda la, t: la.LinearOperatorIdentity(4),
    "identity_batch": lambda la, t: la.LinearOperatorIdentity(4, batch_shape=[2], assert_proper_shapes=True),
    "scaled": lambda la, t: la.LinearOperatorScaledIdentity(4, _positive(t, 2), is_positive_definite=True),
    "complex_scaled": lambda la, t: la.LinearOperatorScaledIdentity(4, _vector(t, dtype="complex64")),
    "householder": lambda la, t: la.LinearOperatorHouseholder(_vector(t, 2, 4)),
    "complex_householder": lambda la, t: la.LinearOperatorHouseholder(_vector(t, 4, dtype="complex64")),
    "inversion": lambda la, t: la.LinearOperatorInversion(la.LinearOperatorFullMatrix(_regular(t, 2, 4, 4))),
    "adjoint": lambda la, t: la.LinearOperatorAdjoint(
        la.LinearOperatorFullMatrix(_regular(t, 4, 4, dtype="complex64"))),
    "composition": lambda la, t: la.LinearOperatorComposition([
        la.LinearOperatorFullMatrix(_regular(t, 2, 4, 4)), la.LinearOperatorDiag(_vector(t, 4)),
        la.LinearOperatorLowerTriangular(_regular(t, 4, 4))]),
    "blocks": lambda la, t: la.LinearOperatorBlockDiag([
        la.LinearOperatorFullMatrix(_regular(t, 2, 3, 3)), la.LinearOperatorDiag(_vector(t, 1))]),
    "definite_blocks": lambda la, t: la.LinearOperatorBlockDiag([
        la.LinearOperatorFullMatrix(_definite(t, 2, 3, 3), is_self_adjoint=True, is_positive_definite=True),
        la.LinearOperatorScaledIdentity(1, _positive(t), is_positive_definite=True)]),
    "kronecker": lambda la, t: la.LinearOperatorKronecker([
        la.LinearOperatorFullMatrix(_regular(t, 2, 2, 2)), la.LinearOperatorLowerTriangular(_regular(t, 2, 2))]),
    "kronecker_of_three": lambda la, t: la.LinearOperatorKronecker([
        la.LinearOperatorFullMatrix(_definite(t, 2, 2, 2), is_self_adjoint=True, is_positive_definite=True),
        la.LinearOperatorFullMatrix(_definite(t, 2, 2), is_self_adjoint=True, is_positive_definite=True),
        la.LinearOperatorIdentity(1)]),
    "update": lambda la, t: la.LinearOperatorLowRankUpdate(
        la.LinearOperatorDiag(_positive(t, 4), is_positive_definite=True), t.feed(t.normal(2, 4, 2))),
    "general_update": lambda la, t: la.LinearOperatorLowRankUpdate(
        la.LinearOperatorFullMatrix(_regular(t, 4, 4)), t.feed(t.normal(2, 4, 2)), _positive(t, 2, 2),
        t.feed(t.normal(2, 4, 2)), is_diag_update_positive=True),
    "complex_update": lambda la, t: la.LinearOperatorLowRankUpdate(
        la.LinearOperatorDiag(_vector(t, 4, dtype="complex64")), t.feed(t.normal(4, 2, dtype="complex64")),
        _vector(t, 2, dtype="complex64")),
    "circulant": lambda la, t: la.LinearOperatorCirculant(_vector(t, 2, 4, dtype="complex64")),
    "real_circulant": lambda la, t: la.LinearOperatorCirculant(_positive(t, 4), "complex64", is_positive_definite=True),
    "circulant_2d": lambda la, t: la.LinearOperatorCirculant2D(_vector(t, 2, 2, 2, dtype="complex64")),
    "circulant_3d": lambda la, t: la.LinearOperatorCirculant3D(_vector(t, 1, 2, 2, dtype="complex128"), "complex128"),
    "toeplitz": lambda la, t: la.LinearOperatorToeplitz(*_rows(t, 2, 4)),
    "complex_toeplitz": lambda la, t: la.LinearOperatorToeplitz(*_rows(t, 4, dtype="complex64")),
}  # fmt: skip


def _rows(t, *shape, **options):
    col, row = t.normal(*shape, **options), t.normal(*shape, **options)
    row[..., 0] = col[..., 0] = np.abs(col[..., 0]) + 4
    return t.feed(col), t.feed(row)


def _argument(t, operator, columns=3):
    return t.feed(t.normal(4, columns, dtype=operator.dtype.name))


def _text(tf, *items):
    return tf.constant([str(item) for item in items])


@case.each(kind=KINDS)
def _what_it_is(tf, t, kind):
    operator = KINDS[kind](tf.linalg, t)
    t.values_only()
    t.out(_text(tf, operator.shape, operator.batch_shape, operator.tensor_rank, operator.domain_dimension.value,
                operator.range_dimension.value, operator.dtype.name, operator.name))  # fmt: skip
    t.out(_text(tf, operator.is_square, operator.is_non_singular, operator.is_self_adjoint,
                operator.is_positive_definite))  # fmt: skip
    t.out(operator.shape_tensor(), operator.batch_shape_tensor(), operator.tensor_rank_tensor())
    t.out(operator.domain_dimension_tensor(), operator.range_dimension_tensor())
    t.out(operator.to_dense(), operator.diag_part(), operator.trace())
    t.out(operator.add_to_tensor(t.feed(t.normal(2, 4, 4, dtype=operator.dtype.name))))


@case.each(kind=KINDS)
def _products(tf, t, kind):
    operator = KINDS[kind](tf.linalg, t)
    t.values_only()
    x = _argument(t, operator)
    feeds = [feed for feed in t.feeds if feed.dtype.is_floating]
    t.grad(t.out(operator.matmul(x)), feeds)
    t.out(operator.matmul(x, adjoint=True), operator.matmul(_transposed(tf, x), adjoint_arg=True))
    t.out(operator.matmul(_transposed(tf, x), adjoint=True, adjoint_arg=True))
    t.out(operator.matmul(t.feed(t.normal(3, 2, 4, 1, dtype=operator.dtype.name))))
    vector = t.feed(t.normal(2, 4, dtype=operator.dtype.name))
    t.out(operator.matvec(vector), operator.matvec(vector, adjoint=True))


def _transposed(tf, x):
    return tf.linalg.adjoint(x)


@case.each(kind=KINDS)
def _solutions(tf, t, kind):
    operator = KINDS[kind](tf.linalg, t)
    t.values_only()
    x = _argument(t, operator)
    feeds = [feed for feed in t.feeds if feed.dtype.is_floating]
    t.grad(t.out(operator.solve(x)), feeds)
    t.out(operator.solve(x, adjoint=True), operator.solve(_transposed(tf, x), adjoint_arg=True))
    t.out(operator.solve(t.feed(t.normal(3, 2, 4, 1, dtype=operator.dtype.name))))
    vector = t.feed(t.normal(2, 4, dtype=operator.dtype.name))
    t.out(operator.solvevec(vector), operator.solvevec(vector, adjoint=True))
    # TensorFlow's logarithms of complex matrices differ in type from kind to kind.
    t.out(tf.abs(operator.determinant()), tf.cast(operator.log_abs_determinant(), "float32"))


@case.each(kind=[k for k in KINDS if "update" not in k])
def _made_of_it(tf, t, kind):
    operator = KINDS[kind](tf.linalg, t)
    t.values_only()
    x = _argument(t, operator)
    for other in (operator.adjoint(), operator.H, operator.inverse(), operator.inverse().inverse()):
        t.out(_text(tf, type(other).__name__, other.shape, other.is_square, other.is_non_singular,
                    other.is_self_adjoint, other.is_positive_definite))  # fmt: skip
        t.out(other.matmul(x))
    t.out(tf.linalg.adjoint(operator).to_dense(), tf.linalg.inv(operator).matmul(x))


@case.each(kind=["positive_diag", "definite", "identity", "identity_batch", "scaled", "definite_blocks",
                 "kronecker_of_three", "update"])  # fmt: skip
def _cholesky(tf, t, kind):
    operator = KINDS[kind](tf.linalg, t)
    t.values_only()
    factor = operator.cholesky()
    t.out(_text(tf, type(factor).__name__, factor.is_self_adjoint))
    t.out(factor.to_dense(), tf.linalg.cholesky(operator).to_dense())
    t.out(tf.linalg.logdet(operator), operator.log_abs_determinant(), operator.determinant())


@case.each(kind=["diag", "full", "triangular", "circulant"])
def _no_cholesky(tf, t, kind):
    KINDS[kind](tf.linalg, t).cholesky()


@case.each(kind=["diag", "identity", "full", "householder"])
def _functions(tf, t, kind):
    operator = KINDS[kind](tf.linalg, t)
    t.values_only()
    x = _argument(t, operator)
    t.out(tf.matmul(operator, x), tf.matmul(x, operator, adjoint_a=True), tf.linalg.solve(operator, x))
    t.out(tf.linalg.det(operator), tf.linalg.trace(operator), tf.linalg.diag_part(operator))
    t.out(tf.linalg.solve(operator, x, adjoint=True), tf.matmul(operator, x, adjoint_a=True))


@case.each(which=["transposed", "sparse", "logdet", "tensor_solve"])
def _refused_functions(tf, t, which):
    operator = KINDS["full"](tf.linalg, t)
    x = _argument(t, operator)
    {"transposed": lambda: tf.matmul(operator, x, transpose_a=True),
     "sparse": lambda: tf.matmul(operator, x, a_is_sparse=True),
     "logdet": lambda: tf.linalg.logdet(operator),
     "tensor_solve": lambda: tf.linalg.solve(_regular(t, 4, 4), operator)}[which]()  # fmt: skip


# Pairs of which TensorFlow makes right products; where a batch of vectors scales a batch of matrices it does not.
PAIRS = [(a, b) for a in ("diag", "full", "identity", "zeros", "householder", "plain_triangular", "inversion")
         for b in ("diag", "full", "identity", "zeros", "plain_triangular", "plain_scaled")]  # fmt: skip


def _of_pair(tf, t, kind):
    la = tf.linalg
    if kind == "zeros":
        return la.LinearOperatorZeros(4, batch_shape=[2])
    if kind == "plain_triangular":
        return la.LinearOperatorLowerTriangular(_regular(t, 4, 4), is_non_singular=True)
    if kind == "plain_scaled":
        return la.LinearOperatorScaledIdentity(4, _positive(t), is_non_singular=True)
    if kind == "diag":
        return la.LinearOperatorDiag(_vector(t, 4), is_non_singular=True)
    return KINDS[kind](la, t)


@case.each(pair=PAIRS)
def _product_of_two(tf, t, pair):
    a, b = _of_pair(tf, t, pair[0]), _of_pair(tf, t, pair[1])
    t.values_only()
    product = a.matmul(b)
    t.out(_text(tf, type(product).__name__, product.shape, product.is_square, product.is_non_singular,
                product.is_self_adjoint, product.is_positive_definite))  # fmt: skip
    t.out(product.to_dense(), a.matmul(b, adjoint=True, adjoint_arg=True).to_dense())


@case.each(pair=[(a, b) for a, b in PAIRS if a != "zeros"])
def _solution_of_two(tf, t, pair):
    a, b = _of_pair(tf, t, pair[0]), _of_pair(tf, t, pair[1])
    t.values_only()
    solution = a.solve(b)
    t.out(_text(tf, type(solution).__name__, solution.shape, solution.is_square, solution.is_non_singular,
                solution.is_self_adjoint, solution.is_positive_definite))  # fmt: skip
    t.out(solution.to_dense())


@case
def _circulants(tf, t):
    a, b = KINDS["circulant"](tf.linalg, t), KINDS["circulant"](tf.linalg, t)
    t.values_only()
    t.out(a.matmul(b).to_dense(), a.solve(b).to_dense(), a.convolution_kernel(), a.spectrum, a.block_shape_tensor())
    t.out(_text(tf, a.block_shape, a.block_depth, a.matmul(b).name))


@case.each(shape=[(2, 4, 3), (3, 4)])
def _not_square(tf, t, shape):
    operator = tf.linalg.LinearOperatorFullMatrix(t.feed(t.normal(*shape)))
    t.values_only()
    t.out(_text(tf, operator.is_square, operator.shape), operator.to_dense(), operator.diag_part(), operator.trace())
    t.out(operator.matmul(t.feed(t.normal(shape[-1], 2))), operator.matvec(t.feed(t.normal(shape[-1]))))
    t.out(operator.adjoint().to_dense(), operator.matmul(operator, adjoint=True).to_dense())
    kronecker = tf.linalg.LinearOperatorKronecker([operator, operator])
    t.out(_text(tf, kronecker.shape), kronecker.to_dense(), kronecker.matvec(t.feed(t.normal(shape[-1] ** 2))))


@case.each(shape=[(4, None, None, True), (3, 4, [2], False), (3, 2, None, False)])
def _zeros(tf, t, shape):
    rows, columns, batch, is_square = shape
    operator = tf.linalg.LinearOperatorZeros(rows, columns, batch, is_square=is_square, is_self_adjoint=is_square)
    t.values_only()
    columns = columns or rows
    t.out(_text(tf, operator.shape), operator.shape_tensor(), operator.diag_part(), operator.trace())
    x = t.feed(t.normal(columns, 3))
    t.out(operator.matmul(x), operator.matmul(t.feed(t.normal(rows, 2)), adjoint=True), operator.to_dense())
    t.out(operator.matmul(t.feed(t.normal(5, columns)), adjoint_arg=True))
    t.out(operator.add_to_tensor(t.feed(t.normal(rows, columns))))
    if is_square:
        t.out(operator.determinant())


UNKNOWN = ["diag", "full", "triangular", "householder", "scaled", "blocks", "kronecker", "circulant", "update",
           "composition", "toeplitz"]  # fmt: skip


@case.each(kind=UNKNOWN)
def _unknown_shapes(tf, t, kind):
    feed, t.feed = t.feed, lambda value: feed(value, shape=[None] * np.ndim(value))
    if kind == "blocks":
        parts = [KINDS["triangular"](tf.linalg, t), tf.linalg.LinearOperatorDiag(_vector(t, 1))]
        operator, size = tf.linalg.LinearOperatorBlockDiag(parts), 5
    else:
        operator, size = KINDS[kind](tf.linalg, t), 4
    t.values_only()
    x = t.feed(t.normal(2, size, 3, dtype=operator.dtype.name))
    t.out(operator.shape_tensor(), operator.batch_shape_tensor(), operator.domain_dimension_tensor())
    t.out(operator.matmul(x), operator.to_dense(), operator.diag_part(), operator.trace())
    t.out(operator.solve(x))


@case
def _identity_of_unknown_size(tf, t):
    rows, batch = t.feed(np.array(3, "int32")), t.feed(np.array([2], "int32"))
    t.values_only()
    operator = tf.linalg.LinearOperatorIdentity(rows, batch, assert_proper_shapes=True)
    t.out(operator.to_dense(), operator.trace(), operator.diag_part(), operator.determinant(), operator.shape_tensor())
    scaled = tf.linalg.LinearOperatorScaledIdentity(rows, [2.0, 3.0], assert_proper_shapes=True)
    t.out(scaled.to_dense(), scaled.trace(), scaled.diag_part(), scaled.determinant(), scaled.shape_tensor())


CHECKS = ["assert_non_singular", "assert_positive_definite", "assert_self_adjoint"]


@case.each(of=[(kind, check) for kind in ("diag", "positive_diag", "definite", "full", "triangular", "identity",
                                          "scaled", "householder", "inversion", "blocks", "definite_blocks",
                                          "kronecker", "circulant", "real_circulant", "toeplitz", "complex_diag")
               for check in CHECKS])  # fmt: skip
def _checks(tf, t, of):
    operator = KINDS[of[0]](tf.linalg, t)
    t.values_only()
    with tf.control_dependencies([getattr(operator, of[1])()]):
        t.out(tf.constant(1))


@case.each(which=["diag", "triangular", "full", "scaled", "circulant"])
def _singular(tf, t, which):
    zero = t.feed(np.array([1, 0, 2], "float32"))
    la = tf.linalg
    t.values_only()
    operator = {"diag": lambda: la.LinearOperatorDiag(zero),
                "triangular": lambda: la.LinearOperatorLowerTriangular(tf.linalg.diag(zero)),
                "full": lambda: la.LinearOperatorFullMatrix(tf.linalg.diag(zero)),
                "scaled": lambda: la.LinearOperatorScaledIdentity(2, zero),
                "circulant": lambda: la.LinearOperatorCirculant(zero)}[which]()  # fmt: skip
    with tf.control_dependencies([operator.assert_non_singular()]):
        t.out(tf.constant(1))


REFUSED = {
    "definite_singular": lambda la, t: la.LinearOperatorFullMatrix([[1.0]], is_positive_definite=True,
                                                                 is_non_singular=False),
    "regular_not_square": lambda la, t: la.LinearOperatorFullMatrix([[1.0]], is_non_singular=True, is_square=False),
    "square_after_all": lambda la, t: la.LinearOperatorFullMatrix([[1.0]], is_square=False).is_square,
    "integers": lambda la, t: la.LinearOperatorFullMatrix([[1]]),
    "vector": lambda la, t: la.LinearOperatorFullMatrix([1.0]),
    "scalar_diag": lambda la, t: la.LinearOperatorDiag(1.0),
    "real_diag": lambda la, t: la.LinearOperatorDiag([1.0], is_self_adjoint=False),
    "identity": lambda la, t: la.LinearOperatorIdentity(2, is_non_singular=False),
    "negative": lambda la, t: la.LinearOperatorIdentity(-2),
    "float_rows": lambda la, t: la.LinearOperatorIdentity(2.0),
    "batch_scalar": lambda la, t: la.LinearOperatorIdentity(2, batch_shape=2),
    "householder": lambda la, t: la.LinearOperatorHouseholder([1.0], is_positive_definite=True),
    "zeros": lambda la, t: la.LinearOperatorZeros(2, is_non_singular=True),
    "zeros_square": lambda la, t: la.LinearOperatorZeros(2, 3),
    "zeros_solve": lambda la, t: la.LinearOperatorZeros(2).solve([[1.0], [2]]),
    "zeros_inverse": lambda la, t: la.LinearOperatorZeros(2).inverse(),
    "zeros_regular": lambda la, t: la.LinearOperatorZeros(2).assert_non_singular(),
    "types": lambda la, t: la.LinearOperatorDiag([1.0]).matmul(np.ones([1, 1])),
    "sizes": lambda la, t: la.LinearOperatorDiag([1.0, 2]).matmul([[1.0]]),
    "vector_sizes": lambda la, t: la.LinearOperatorDiag([1.0, 2]).matvec([1.0]),
    "solve_sizes": lambda la, t: la.LinearOperatorDiag([1.0, 2]).solve([[1.0]]),
    "operator_sizes": lambda la, t: la.LinearOperatorDiag([1.0, 2]).matmul(la.LinearOperatorDiag([1.0])),
    "not_square_det": lambda la, t: la.LinearOperatorFullMatrix([[1.0, 2]]).determinant(),
    "not_square_solve": lambda la, t: la.LinearOperatorFullMatrix([[1.0, 2]]).solve([[1.0]]),
    "not_square_inverse": lambda la, t: la.LinearOperatorFullMatrix([[1.0, 2]]).inverse(),
    "no_operators": lambda la, t: la.LinearOperatorComposition([]),
    "not_iterable": lambda la, t: la.LinearOperatorComposition(la.LinearOperatorDiag([1.0])),
    "mixed_types": lambda la, t: la.LinearOperatorKronecker([la.LinearOperatorDiag([1.0]),
                                                           la.LinearOperatorIdentity(2, dtype="float64")]),
    "block_not_square": lambda la, t: la.LinearOperatorBlockDiag([la.LinearOperatorFullMatrix([[1.0, 2]])]),
    "composition_hint": lambda la, t: la.LinearOperatorComposition([la.LinearOperatorIdentity(2)],
                                                                   is_non_singular=False),
    "adjoint_hint": lambda la, t: la.LinearOperatorAdjoint(la.LinearOperatorDiag([1.0]), is_self_adjoint=False),
    "inverse_hint": lambda la, t: la.LinearOperatorInversion(la.LinearOperatorZeros(2)),
    "update_hint": lambda la, t: la.LinearOperatorLowRankUpdate(la.LinearOperatorIdentity(2), [[1.0], [2]],
                                                              is_diag_update_positive=False),
    "update_shape": lambda la, t: la.LinearOperatorLowRankUpdate(la.LinearOperatorIdentity(2), [[1.0], [2], [3]]),
    "update_self_adjoint": lambda la, t: la.LinearOperatorLowRankUpdate(la.LinearOperatorIdentity(2), [[1.0], [2]],
                                                                      is_self_adjoint=False),
    "toeplitz": lambda la, t: la.LinearOperatorToeplitz([1.0, 2], [1.0]),
    "circulant": lambda la, t: la.LinearOperatorCirculant2D([1.0]),
    "circulant_hint": lambda la, t: la.LinearOperatorCirculant([1.0], is_self_adjoint=False),
    "triangular_square": lambda la, t: la.LinearOperatorLowerTriangular([[1.0]], is_square=False),
    "parents": lambda la, t: la.LinearOperatorDiag([1.0]).add_to_tensor(np.ones([1, 1])),
}  # fmt: skip


@case.each(which=REFUSED)
def _refused(tf, t, which):
    t.values_only()
    REFUSED[which](tf.linalg, t)


@case
def _with_variables(tf, t):
    t.values_only()
    with tf.variable_scope("v"):
        variable = tf.get_variable("diag", initializer=[1.0, 2.0, 3.0])
        fixed = tf.get_variable("matrix", initializer=[[2.0, 0, 0], [1, 2, 0], [0, 1, 2]], trainable=False)
    diag, full = tf.linalg.LinearOperatorDiag(variable), tf.linalg.LinearOperatorFullMatrix(fixed)
    composition = tf.linalg.LinearOperatorComposition([diag, full])
    t.out(_text(tf, [v.name for v in composition.variables], [v.name for v in composition.trainable_variables],
                [m.name for m in composition.submodules]))  # fmt: skip
    with tf.control_dependencies([tf.global_variables_initializer()]):
        t.out(tf.identity(tf.constant(1)))
    t.out(composition.matvec(tf.constant([1.0, 1, 1])), diag.solvevec(tf.constant([1.0, 1, 1])))
    t.out(tf.gradients(composition.matvec(tf.constant([1.0, 1, 1])), variable)[0])
    t.one_by_one()


@case
def _own(tf, t):
    class Doubling(tf.linalg.LinearOperator):
        def __init__(self, size, name="Doubling"):
            self._size = size
            super(Doubling, self).__init__("float32", is_self_adjoint=True, is_positive_definite=True, name=name)

        def _shape(self):
            return tf.TensorShape([self._size, self._size])

        def _shape_tensor(self):
            return tf.constant([self._size, self._size])

        def _matmul(self, x, adjoint=False, adjoint_arg=False):
            x = tf.linalg.adjoint(x) if adjoint_arg else x
            return x * 2

    t.values_only()
    operator = Doubling(3)
    x = t.feed(t.normal(3, 2))
    t.out(operator.matmul(x), operator.solve(x), operator.to_dense(), operator.determinant(), operator.trace())
    t.out(operator.log_abs_determinant(), operator.inverse().to_dense(), operator.cholesky().to_dense())
    t.out(operator.matmul(operator).to_dense(), _text(tf, operator.name, operator.is_square, operator.H is operator))
    with tf.control_dependencies([operator.assert_non_singular(), operator.assert_self_adjoint()]):
        t.out(tf.constant(1))


@case
def _modules(tf, t):
    class Layer(tf.Module):
        def __init__(self, name=None):
            super(Layer, self).__init__(name=name)
            self.weights = [tf.Variable([1.0], name="w"), tf.Variable([2.0], trainable=False, name="u")]

        @tf.Module.with_name_scope
        def apply(self, x):
            return tf.add(x, 1, name="sum")

    class TwoLayers(tf.Module):
        def __init__(self):
            super(TwoLayers, self).__init__()
            self.second = Layer("last")
            self.first = {"a": Layer()}
            self.again = self.second

    module = TwoLayers()
    t.values_only()
    t.out(_text(tf, module.name, [m.name for m in module.submodules], [v.name for v in module.variables],
                [v.name for v in module.trainable_variables]))  # fmt: skip
    t.out(_text(tf, module.second.apply(1.0).name, module.second.apply(1.0).name, module.first["a"].apply(1).name))
    with module.name_scope as scope:
        t.out(_text(tf, scope))


@case
def _module_of_wrong_name(tf, t):
    tf.Module("1st")
