"""Conjugate transposes of other operators."""

from reflow.graph.export import export
from reflow.linear_operators.algebra import hints, rule
from reflow.linear_operators.derived import DerivedOperator
from reflow.linear_operators.operator import LinearOperator
from reflow.ops.complex import conj
from reflow.ops.joining import concat
from reflow.ops.linalg import adjoint as adjoint_of


@export("linalg.LinearOperatorAdjoint")
class LinearOperatorAdjoint(DerivedOperator):
    """The conjugate transposes of another operator.

    Args:
      operator: the other operator.
      is_non_singular, is_self_adjoint, is_positive_definite, is_square: hints, which hold for both.
      name: the name; that of the operator with "_adjoint" if None.

    Raises:
      ValueError: if hints contradict.
    """

    def __init__(self, operator, is_non_singular=None, is_self_adjoint=None, is_positive_definite=None, is_square=None,
                 name=None):  # fmt: skip
        given = dict(is_square=is_square, is_non_singular=is_non_singular, is_self_adjoint=is_self_adjoint,
                     is_positive_definite=is_positive_definite)  # fmt: skip
        super().__init__(operator, "adjoint", given, f"{operator.name}_adjoint" if name is None else name)

    def _shape(self):
        static = self.operator.shape
        return static[:-2].concatenate([static[-1], static[-2]])

    def _shape_tensor(self):
        sizes = self.operator.shape_tensor()
        return concat([sizes[:-2], [sizes[-1], sizes[-2]]], axis=-1)

    def _matmul(self, x, adjoint=False, adjoint_arg=False):
        return self.operator.matmul(x, adjoint=not adjoint, adjoint_arg=adjoint_arg)

    def _matvec(self, x, adjoint=False):
        return self.operator.matvec(x, adjoint=not adjoint)

    def _determinant(self):
        determinant = self.operator.determinant()
        return determinant if self.is_self_adjoint else conj(determinant)

    def _log_abs_determinant(self):
        return self.operator.log_abs_determinant()

    def _trace(self):
        trace = self.operator.trace()
        return trace if self.is_self_adjoint else conj(trace)

    def _solve(self, rhs, adjoint=False, adjoint_arg=False):
        return self.operator.solve(rhs, adjoint=not adjoint, adjoint_arg=adjoint_arg)

    def _solvevec(self, rhs, adjoint=False):
        return self.operator.solvevec(rhs, adjoint=not adjoint)

    def _to_dense(self):
        dense = self.operator.to_dense()
        return dense if self.is_self_adjoint else adjoint_of(dense)


@rule("Adjoint", LinearOperator)
def _adjoint(operator):
    return LinearOperatorAdjoint(operator, **hints(operator))


@rule("Adjoint", LinearOperatorAdjoint)
def _original(operator):
    return operator.operator
