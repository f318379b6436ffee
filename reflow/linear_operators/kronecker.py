"""Kronecker products of operators."""

from reflow.graph.errors import InvalidArgumentError
from reflow.graph.export import export
from reflow.graph.shapes import TensorShape
from reflow.linear_operators.algebra import hints, rule
from reflow.linear_operators.composition import OperatorOfSeveral, checked_operators, hint_of_all
from reflow.ops.casting import cast
from reflow.ops.constant import ones_like, zeros
from reflow.ops.control import group
from reflow.ops.joining import concat
from reflow.ops.linalg import adjoint as adjoint_of
from reflow.ops.padding import broadcast_static_shape
from reflow.ops.permute import matrix_transpose, transpose
from reflow.ops.ranges import range as range_
from reflow.ops.shape_ops import rank, reshape, shape


def _stacked_columns(x):
    """Matrices as vectors, column after column."""
    return reshape(matrix_transpose(x), concat([shape(x)[:-2], [-1]], axis=0))


def _as_columns(x, size):
    """Vectors [..., n] as matrices [..., n / size, size], column after column."""
    return matrix_transpose(reshape(x, concat([shape(x)[:-1], [size, -1]], axis=0)))


def _last_axis_first(x):
    ndims = rank(x)
    return transpose(x, concat([[ndims - 1], range_(0, ndims - 1)], axis=0))


def _first_axis_last(x):
    return transpose(x, concat([range_(1, rank(x)), [0]], axis=0))


@export("linalg.LinearOperatorKronecker")
class LinearOperatorKronecker(OperatorOfSeveral):
    """The Kronecker products of operators: each element of the first times all of the next, and so on.

    Args:
      operators: a list of operators of one type.
      is_non_singular, is_self_adjoint, is_positive_definite, is_square: hints, as of every LinearOperator.
      name: the name; those of the operators with "_x_" between if None.

    Raises:
      ValueError: if there are none or hints contradict.
      TypeError: if their types differ.
    """

    def __init__(self, operators, is_non_singular=None, is_self_adjoint=None, is_positive_definite=None,
                 is_square=None, name=None):  # fmt: skip
        operators = checked_operators(operators)
        of_all = dict(is_non_singular=is_non_singular, is_self_adjoint=is_self_adjoint,
                      is_positive_definite=is_positive_definite)  # fmt: skip
        of_all = {hint: hint_of_all(operators, hint, given, "Kronecker product") for hint, given in of_all.items()}
        super().__init__(operators, "_x_", name, is_square=is_square, **of_all)

    def _shape(self):
        rows, columns = self.operators[0].range_dimension, self.operators[0].domain_dimension
        for operator in self.operators[1:]:
            rows, columns = rows * operator.range_dimension, columns * operator.domain_dimension
        return self._batch_shape_of_all().concatenate(TensorShape([rows, columns]))

    def _shape_tensor(self):
        return self._shape_tensor_with(self._sizes)

    def _sizes(self):
        rows, columns = self.operators[0].range_dimension_tensor(), self.operators[0].domain_dimension_tensor()
        for operator in self.operators[1:]:
            rows, columns = rows * operator.range_dimension_tensor(), columns * operator.domain_dimension_tensor()
        return [rows, columns]

    def _applied(self, x, adjoint, adjoint_arg, to_matrices, to_vectors):
        """What all operators do to `x` in turn, by (A kron B) vec(X) = vec(B X A^T).

        Args:
          x: tensor [batch, rows, columns].
          adjoint: whether the adjoints of the operators are taken.
          adjoint_arg: whether the adjoint of `x` is taken first.
          to_matrices: function of (operator, matrices): the product or the solution.
          to_vectors: function of (operator, vectors): the same.

        Returns:
          A tensor [batch, rows, columns].
        """
        x = adjoint_of(x) if adjoint_arg else x
        x += zeros(concat([ones_like(self.batch_shape_tensor()), [1, 1]], 0), dtype=x.dtype.base_dtype)
        # [done, columns, batch, rows left]: each operator moves a factor of the rows left to those done.
        output = _last_axis_first(x)[None, ...]
        for operator in self.operators[:-1]:
            size = operator.range_dimension_tensor() if adjoint else operator.domain_dimension_tensor()
            output = matrix_transpose(_as_columns(output, size))
            output = matrix_transpose(to_matrices(operator, output))
            output = _last_axis_first(_stacked_columns(_first_axis_last(output)))
        output = to_vectors(self.operators[-1], output)
        output = _first_axis_last(_stacked_columns(_first_axis_last(output)))
        if x.shape.is_fully_defined():
            rows = self.domain_dimension if adjoint else self.range_dimension
            batch_shape = broadcast_static_shape(x.shape[:-2], self.batch_shape)
            output.set_shape(batch_shape.concatenate([rows, x.shape[-1]]))
        return output

    def _matmul(self, x, adjoint=False, adjoint_arg=False):
        return self._applied(
            x, adjoint, adjoint_arg, lambda operator, y: operator.matmul(y, adjoint=adjoint, adjoint_arg=False),
            lambda operator, y: operator.matvec(y, adjoint=adjoint),
        )  # fmt: skip

    def _solve(self, rhs, adjoint=False, adjoint_arg=False):
        return self._applied(
            rhs, adjoint, adjoint_arg, lambda operator, y: operator.solve(y, adjoint=adjoint, adjoint_arg=False),
            lambda operator, y: operator.solvevec(y, adjoint=adjoint),
        )  # fmt: skip

    def _exponent(self, operator, total):
        return cast(total / operator.domain_dimension_tensor(), operator.dtype)

    def _determinant(self):
        total, result = self.domain_dimension_tensor(), 1.0
        for operator in self.operators:
            result *= operator.determinant() ** self._exponent(operator, total)
        return result

    def _log_abs_determinant(self):
        total, result = self.domain_dimension_tensor(), 0.0
        for operator in self.operators:
            result += operator.log_abs_determinant() * self._exponent(operator, total)
        return result

    def _trace(self):
        result = 1.0
        for operator in self.operators:
            result *= operator.trace()
        return result

    def _diag_part(self):
        diagonal = self.operators[0].diag_part()
        for operator in self.operators[1:]:
            products = diagonal[..., :, None] * operator.diag_part()[..., None, :]
            diagonal = reshape(products, concat([shape(products)[:-2], [-1]], axis=0))
        size = self.domain_dimension if self.range_dimension > self.domain_dimension else self.range_dimension
        diagonal.set_shape(self.batch_shape.concatenate(size))
        return diagonal

    def _to_dense(self):
        product = self.operators[0].to_dense()
        for operator in self.operators[1:]:
            product = product[..., :, None, :, None] * operator.to_dense()[..., None, :, None, :]
            sizes = shape(product)
            product = reshape(product, concat([sizes[:-4], [sizes[-4] * sizes[-3], sizes[-2] * sizes[-1]]], axis=0))
        product.set_shape(self.shape)
        return product

    def _of_all_square(self, check, what):
        if not all(operator.is_square for operator in self.operators):
            raise InvalidArgumentError(
                None, None, f"All Kronecker factors must be square for the product to be {what}."
            )
        return group(*[getattr(operator, check)() for operator in self.operators])

    def _assert_non_singular(self):
        return self._of_all_square("assert_non_singular", "invertible")

    def _assert_self_adjoint(self):
        return self._of_all_square("assert_self_adjoint", "self adjoint")


@rule("Adjoint", LinearOperatorKronecker)
def _adjoint(operator):
    return LinearOperatorKronecker([factor.adjoint() for factor in operator.operators], **hints(operator))


@rule("Inverse", LinearOperatorKronecker)
def _inverse(operator):
    return LinearOperatorKronecker([factor.inverse() for factor in operator.operators], **hints(operator))


@rule("Cholesky", LinearOperatorKronecker)
def _cholesky(operator):
    factors = [factor.cholesky() for factor in operator.operators]
    is_self_adjoint = all(factor.is_self_adjoint for factor in factors)
    return LinearOperatorKronecker(factors, is_non_singular=True, is_self_adjoint=is_self_adjoint, is_square=True)
