"""Conjugate transposes of other operators."""

from reflow.graph.context import name_scope
from reflow.graph.export import export
from reflow.linear_operators.algebra import hints, hints_of_same, rule
from reflow.linear_operators.operator import LinearOperator
from reflow.ops.complex import conj
from reflow.ops.joining import concat
from reflow.ops.linalg import adjoint as adjoint_of


@export("linalg.LinearOperatorAdjoint")
class LinearOperatorAdjoint(LinearOperator):
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
        self._operator = operator
        given = hints_of_same(operator, "adjoint", dict(
            is_square=is_square, is_non_singular=is_non_singular, is_self_adjoint=is_self_adjoint,
            is_positive_definite=is_positive_definite,
        ))  # fmt: skip
        name = f"{operator.name}_adjoint" if name is None else name
        with name_scope(name, values=operator.graph_parents):
            super().__init__(operator.dtype, operator.graph_parents, name=name, **given)

    @property
    def operator(self):
        """The other operator."""
        return self._operator

    def _assert_non_singular(self):
        return self.operator.assert_non_singular()

    def _assert_positive_definite(self):
        return self.operator.assert_positive_definite()

    def _assert_self_adjoint(self):
        return self.operator.assert_self_adjoint()

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
