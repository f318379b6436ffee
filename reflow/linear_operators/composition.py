"""Products of operators, and what operators made of several others have in common."""

import functools
from operator import add, mul

from reflow.graph import dtypes
from reflow.graph.context import name_scope
from reflow.graph.convert import to_tensor
from reflow.graph.export import export
from reflow.graph.shapes import TensorShape
from reflow.linear_operators.algebra import is_product_non_singular, is_product_square, rule
from reflow.linear_operators.inversion import LinearOperatorInversion
from reflow.linear_operators.operator import LinearOperator
from reflow.ops.joining import concat, stack
from reflow.ops.padding import broadcast_dynamic_shape, broadcast_static_shape


class OperatorOfSeveral(LinearOperator):
    """The base of operators made of several others.

    Args:
      operators: the others, of one type.
      joint: what stands between their names in its name if that is None.
      name: the name, or None.
      **hints: the hints.

    Raises:
      ValueError: if there are none.
      TypeError: if they are not iterable or their types differ.
    """

    def __init__(self, operators, joint, name, **hints):
        self._operators = operators
        parents = [parent for operator in operators for parent in operator.graph_parents]
        name = joint.join(operator.name for operator in operators) if name is None else name
        with name_scope(name, values=parents):
            super().__init__(operators[0].dtype, parents, name=name, **hints)

    @property
    def operators(self):
        """The others, as a list."""
        return self._operators

    def _batch_shape_of_all(self):
        batch_shape = self.operators[0].batch_shape
        for operator in self.operators[1:]:
            batch_shape = broadcast_static_shape(batch_shape, operator.batch_shape)
        return batch_shape

    def _shape_tensor_with(self, matrix_shape):
        """The shape tensor, with `matrix_shape()` as its last two dimensions."""
        if self.shape.is_fully_defined():
            return to_tensor(self.shape.as_list(), dtypes.int32, name="shape")
        batch_shape = self.operators[0].batch_shape_tensor()
        for operator in self.operators[1:]:
            batch_shape = broadcast_dynamic_shape(batch_shape, operator.batch_shape_tensor())
        return concat((batch_shape, stack(matrix_shape())), 0)


def checked_operators(operators):
    """Several operators as a list; raises what `OperatorOfSeveral` does."""
    if isinstance(operators, (LinearOperator, str)) or not hasattr(operators, "__iter__"):
        raise TypeError(f"Expected argument to be iterable.  Found: {type(operators)}")
    operators = list(operators)
    if not operators:
        raise ValueError(f"Expected a non-empty list of operators. Found: {operators}")
    if any(operator.dtype != operators[0].dtype for operator in operators):
        found = "   ".join(str((operator.name, operator.dtype)) for operator in operators)
        raise TypeError(f"Expected all operators to have the same dtype.  Found {found}")
    return operators


def hint_of_all(operators, hint, given, what):
    """True if a hint is true of all operators, else what was given.

    Raises:
      ValueError: if it is true of all and given as False.
    """
    if not all(getattr(operator, hint) for operator in operators):
        return given
    if given is False:
        raise ValueError(f"The {what} of {hint[3:].replace('_', '-')} operators is always so.")
    return True


@export("linalg.LinearOperatorComposition")
class LinearOperatorComposition(OperatorOfSeveral):
    """The products of operators, the last of which is applied first.

    Args:
      operators: a list of operators of one type.
      is_non_singular, is_self_adjoint, is_positive_definite, is_square: hints, as of every LinearOperator.
      name: the name; those of the operators with "_o_" between if None.

    Raises:
      ValueError: if there are none, their shapes do not fit or hints contradict.
      TypeError: if their types differ.
    """

    def __init__(self, operators, is_non_singular=None, is_self_adjoint=None, is_positive_definite=None,
                 is_square=None, name=None):  # fmt: skip
        operators = checked_operators(operators)
        is_non_singular = hint_of_all(operators, "is_non_singular", is_non_singular, "composition")
        super().__init__(operators, "_o_", name, is_non_singular=is_non_singular, is_self_adjoint=is_self_adjoint,
                         is_positive_definite=is_positive_definite, is_square=is_square)  # fmt: skip

    def _shape(self):
        for left, right in zip(self.operators, self.operators[1:], strict=False):
            left.domain_dimension.assert_is_compatible_with(right.range_dimension)
        matrix_shape = TensorShape([self.operators[0].range_dimension, self.operators[-1].domain_dimension])
        return self._batch_shape_of_all().concatenate(matrix_shape)

    def _shape_tensor(self):
        first, last = self.operators[0], self.operators[-1]
        return self._shape_tensor_with(lambda: [first.range_dimension_tensor(), last.domain_dimension_tensor()])

    def _matmul(self, x, adjoint=False, adjoint_arg=False):
        first, *others = self.operators if adjoint else self.operators[::-1]
        result = first.matmul(x, adjoint=adjoint, adjoint_arg=adjoint_arg)
        for operator in others:
            result = operator.matmul(result, adjoint=adjoint)
        return result

    def _solve(self, rhs, adjoint=False, adjoint_arg=False):
        first, *others = self.operators[::-1] if adjoint else self.operators
        solution = first.solve(rhs, adjoint=adjoint, adjoint_arg=adjoint_arg)
        for operator in others:
            solution = operator.solve(solution, adjoint=adjoint)
        return solution

    def _determinant(self):
        return functools.reduce(mul, (operator.determinant() for operator in self.operators))

    def _log_abs_determinant(self):
        return functools.reduce(add, (operator.log_abs_determinant() for operator in self.operators))


def _hints_of_product(a, b):
    is_square = is_product_square(a, b)
    if is_square is False:
        return dict(is_non_singular=False, is_self_adjoint=False, is_positive_definite=False, is_square=False)
    return dict(is_non_singular=is_product_non_singular(a, b) if is_square else None, is_square=is_square)


@rule("Matmul", LinearOperator, LinearOperator)
def _product(a, b):
    return LinearOperatorComposition([a, b], **_hints_of_product(a, b))


@rule("Solve", LinearOperator, LinearOperator)
def _solution(a, b):
    return LinearOperatorComposition([LinearOperatorInversion(a), b], **_hints_of_product(a, b))
