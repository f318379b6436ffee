"""Inverses of other operators."""

from reflow.graph.context import name_scope
from reflow.graph.export import export
from reflow.linear_operators.algebra import hints, hints_of_same, rule
from reflow.linear_operators.operator import LinearOperator


@export("linalg.LinearOperatorInversion")
class LinearOperatorInversion(LinearOperator):
    """The inverses of another operator.

    Args:
      operator: the other operator.
      is_non_singular, is_self_adjoint, is_positive_definite, is_square: hints, which hold for both.
      name: the name; that of the operator with "_inv" if None.

    Raises:
      ValueError: if hints contradict or say that there is no inverse.
    """

    def __init__(self, operator, is_non_singular=None, is_self_adjoint=None, is_positive_definite=None, is_square=None,
                 name=None):  # fmt: skip
        self._operator = operator
        for hint, given in (("is_non_singular", is_non_singular), ("is_square", is_square)):
            if getattr(operator, hint) is False or given is False:
                raise ValueError(f"operator and supplied hints must have `{hint}` equal to `True` or `None`.  "
                                 f"Found {getattr(operator, hint)}, {given}")  # fmt: skip
        given = hints_of_same(operator, "inverse", dict(
            is_square=is_square, is_non_singular=is_non_singular, is_self_adjoint=is_self_adjoint,
            is_positive_definite=is_positive_definite,
        ))  # fmt: skip
        name = f"{operator.name}_inv" if name is None else name
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
        return self.operator.shape

    def _shape_tensor(self):
        return self.operator.shape_tensor()

    def _matmul(self, x, adjoint=False, adjoint_arg=False):
        return self.operator.solve(x, adjoint=adjoint, adjoint_arg=adjoint_arg)

    def _determinant(self):
        return 1.0 / self.operator.determinant()

    def _log_abs_determinant(self):
        return -1.0 * self.operator.log_abs_determinant()

    def _solve(self, rhs, adjoint=False, adjoint_arg=False):
        return self.operator.matmul(rhs, adjoint=adjoint, adjoint_arg=adjoint_arg)


@rule("Inverse", LinearOperator)
def _inverse(operator):
    return LinearOperatorInversion(operator, **hints(operator))


@rule("Inverse", LinearOperatorInversion)
def _original(operator):
    return operator.operator


@rule("Solve", LinearOperatorInversion, LinearOperator)
def _product_with_original(left, right):
    return left.operator.matmul(right)
