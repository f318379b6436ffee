"""Inverses of other operators."""

from reflow.graph.export import export
from reflow.linear_operators.algebra import hints, rule
from reflow.linear_operators.derived import DerivedOperator
from reflow.linear_operators.operator import LinearOperator


@export("linalg.LinearOperatorInversion")
class LinearOperatorInversion(DerivedOperator):
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
        for hint, given in (("is_non_singular", is_non_singular), ("is_square", is_square)):
            if getattr(operator, hint) is False or given is False:
                raise ValueError(f"operator and supplied hints must have `{hint}` equal to `True` or `None`.  "
                                 f"Found {getattr(operator, hint)}, {given}")  # fmt: skip
        given = dict(is_square=is_square, is_non_singular=is_non_singular, is_self_adjoint=is_self_adjoint,
                     is_positive_definite=is_positive_definite)  # fmt: skip
        super().__init__(operator, "inverse", given, f"{operator.name}_inv" if name is None else name)

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
