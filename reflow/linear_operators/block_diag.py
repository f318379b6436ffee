"""Operators along the diagonal, zeros elsewhere."""

import functools
from operator import add, mul

from reflow.graph.export import export
from reflow.graph.shapes import TensorShape
from reflow.linear_operators.algebra import hints, rule
from reflow.linear_operators.broadcasting import broadcast_batches
from reflow.linear_operators.composition import OperatorOfSeveral, checked_operators, hint_of_all
from reflow.ops.constant import zeros
from reflow.ops.control import group
from reflow.ops.joining import concat, split
from reflow.ops.shape_ops import shape, squeeze


@export("linalg.LinearOperatorBlockDiag")
class LinearOperatorBlockDiag(OperatorOfSeveral):
    """The direct sums of square operators: one after the other along the diagonal.

    Args:
      operators: a list of square operators of one type.
      is_non_singular, is_self_adjoint, is_positive_definite, is_square: hints, as of every LinearOperator.
      name: the name; those of the operators with "_ds_" between if None.

    Raises:
      ValueError: if there are none, one is not known to be square or hints contradict.
      TypeError: if their types differ.
    """

    def __init__(self, operators, is_non_singular=None, is_self_adjoint=None, is_positive_definite=None,
                 is_square=True, name=None):  # fmt: skip
        operators = checked_operators(operators)
        of_all = dict(is_non_singular=is_non_singular, is_self_adjoint=is_self_adjoint,
                      is_positive_definite=is_positive_definite)  # fmt: skip
        of_all = {hint: hint_of_all(operators, hint, given, "direct sum") for hint, given in of_all.items()}
        if not (is_square and all(operator.is_square for operator in operators)):
            raise ValueError("Can only represent a block diagonal of square matrices.")
        super().__init__(operators, "_ds_", name, is_square=True, **of_all)

    def _shape(self):
        size = functools.reduce(add, (operator.domain_dimension for operator in self.operators))
        return self._batch_shape_of_all().concatenate(TensorShape([size, size]))

    def _shape_tensor(self):
        return self._shape_tensor_with(lambda: [self._total_size()] * 2)

    def _total_size(self):
        return functools.reduce(add, (operator.domain_dimension_tensor() for operator in self.operators))

    def _blocks(self, x, axis):
        if self.shape.is_fully_defined():
            sizes = [operator.domain_dimension.value for operator in self.operators]
        else:
            sizes = [operator.domain_dimension_tensor() for operator in self.operators]
        return zip(self.operators, split(x, sizes, axis=axis), strict=True)

    def _matmul(self, x, adjoint=False, adjoint_arg=False):
        products = [
            operator.matmul(block, adjoint=adjoint, adjoint_arg=adjoint_arg)
            for operator, block in self._blocks(x, -1 if adjoint_arg else -2)
        ]
        return concat(broadcast_batches(products), axis=-2)

    def _solve(self, rhs, adjoint=False, adjoint_arg=False):
        solutions = [
            operator.solve(block, adjoint=adjoint, adjoint_arg=adjoint_arg)
            for operator, block in self._blocks(rhs, -1 if adjoint_arg else -2)
        ]
        return concat(broadcast_batches(solutions), axis=-2)

    def _determinant(self):
        return functools.reduce(mul, (operator.determinant() for operator in self.operators))

    def _log_abs_determinant(self):
        return functools.reduce(add, (operator.log_abs_determinant() for operator in self.operators))

    def _trace(self):
        return functools.reduce(add, (operator.trace() for operator in self.operators))

    def _diag_part(self):
        diagonals = broadcast_batches([operator.diag_part()[..., None] for operator in self.operators])
        return squeeze(concat(diagonals, axis=-2), axis=-1)

    def _to_dense(self):
        done, rows = 0, []
        for block in broadcast_batches([operator.to_dense() for operator in self.operators]):
            batch_and_rows = shape(block)[:-1]
            before = zeros(concat([batch_and_rows, [done]], axis=-1), dtype=block.dtype)
            done += shape(block)[-1]
            left = self.domain_dimension_tensor() - done
            behind = zeros(concat([batch_and_rows, [left]], axis=-1), dtype=block.dtype)
            rows.append(concat([before, block, behind], axis=-1))
        matrix = concat(rows, axis=-2)
        matrix.set_shape(self.shape)
        return matrix

    def _assert_non_singular(self):
        return group(*[operator.assert_non_singular() for operator in self.operators])

    def _assert_self_adjoint(self):
        return group(*[operator.assert_self_adjoint() for operator in self.operators])

    def _assert_positive_definite(self):
        return group(*[operator.assert_positive_definite() for operator in self.operators])


@rule("Adjoint", LinearOperatorBlockDiag)
def _adjoint(operator):
    return LinearOperatorBlockDiag([block.adjoint() for block in operator.operators], **hints(operator))


@rule("Inverse", LinearOperatorBlockDiag)
def _inverse(operator):
    return LinearOperatorBlockDiag([block.inverse() for block in operator.operators], **hints(operator))


@rule("Cholesky", LinearOperatorBlockDiag)
def _cholesky(operator):
    factors = [block.cholesky() for block in operator.operators]
    is_self_adjoint = all(factor.is_self_adjoint for factor in factors)
    return LinearOperatorBlockDiag(factors, is_non_singular=True, is_self_adjoint=is_self_adjoint)
