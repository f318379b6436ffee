"""What operators derived from one other have in common."""

from reflow.graph.context import name_scope
from reflow.linear_operators.algebra import hints_of_same
from reflow.linear_operators.operator import LinearOperator


class DerivedOperator(LinearOperator):
    """The base of operators that share all hints with one that they are derived from.

    Args:
      operator: the other operator.
      relation: what they are to it: "adjoint", "inverse".
      given: the hints given for them as a dict.
      name: the name.

    Raises:
      ValueError: if hints contradict.
    """

    def __init__(self, operator, relation, given, name):
        self._operator = operator
        given = hints_of_same(operator, relation, given)
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
