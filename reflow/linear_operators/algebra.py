"""What is known of linear operators of certain kinds: their adjoints, inverses, Cholesky factors, products, solutions.

The rules of a kind of operator stand beside its class.
"""

import itertools
from collections.abc import Callable

from reflow.graph.context import name_scope

_RULES: dict[str, dict[tuple[type, ...], Callable]] = {
    "Adjoint": {}, "Cholesky": {}, "Inverse": {}, "Matmul": {}, "Solve": {},
}  # fmt: skip


def rule(kind: str, *classes: type):
    """Decorator: how operators of these classes (or classes made from them) are combined.

    Args:
      kind: "Adjoint", "Cholesky" or "Inverse" for one class, "Matmul" or "Solve" for two.
      *classes: the classes.

    Returns:
      A decorator that returns the function unchanged.
    """

    def register(function):
        _RULES[kind][classes] = function
        return function

    return register


def combined(kind: str, *operators):
    """What the rule for operators closest to theirs in the hierarchy of classes makes of them.

    Args:
      kind: the kind of rule.
      *operators: the linear operators.

    Returns:
      A linear operator.
    """
    ancestors = [list(enumerate(type(operator).__mro__)) for operator in operators]
    rules = _RULES[kind]
    known = [pair for pair in itertools.product(*ancestors) if tuple([cls for _, cls in pair]) in rules]
    closest = min(known, key=lambda pair: sum(distance for distance, _ in pair))
    with name_scope(kind):
        return rules[tuple([cls for _, cls in closest])](*operators)


# --- what is known of a product -----------------------------------------------------------------------------------


def hints(operator) -> dict:
    """What is known of an operator, as arguments for one of which the same is true."""
    return dict(is_non_singular=operator.is_non_singular, is_self_adjoint=operator.is_self_adjoint,
                is_positive_definite=operator.is_positive_definite, is_square=operator.is_square)  # fmt: skip


def is_product_square(a, b) -> bool | None:
    """Whether the product of two operators is square; None if that is not known."""
    if a.is_square and b.is_square:
        return True
    if a.is_square is False and b.is_square is False:
        return a.range_dimension == b.domain_dimension
    if a.is_square != b.is_square and a.is_square is not None:
        return False
    return None


def is_product_non_singular(a, b) -> bool | None:
    """Whether the product of two square operators is non-singular."""
    if a.is_non_singular is False or b.is_non_singular is False:
        return False
    return a.is_non_singular and b.is_non_singular


def is_product_self_adjoint(a, b) -> bool | None:
    """Whether the product of two operators that commute is self-adjoint."""
    if a.is_self_adjoint and b.is_self_adjoint:
        return True
    if None not in (a.is_self_adjoint, b.is_self_adjoint) and a.is_self_adjoint != b.is_self_adjoint:
        return False
    return None


def is_product_positive_definite(a, b) -> bool | None:
    """Whether the product of two operators that commute is positive definite."""
    both = (a.is_positive_definite, a.is_self_adjoint, b.is_positive_definite, b.is_self_adjoint)
    return True if all(both) else None


def hints_of_commuting(a, b) -> dict:
    """What is known of the product of two square operators that commute, as arguments."""
    return dict(is_non_singular=is_product_non_singular(a, b), is_self_adjoint=is_product_self_adjoint(a, b),
                is_positive_definite=is_product_positive_definite(a, b), is_square=True)  # fmt: skip


def same_hint(operator, name: str, given: bool | None, message: str) -> bool | None:
    """A hint that holds for an operator and what is made of it alike.

    Args:
      operator: the operator.
      name: the hint's name.
      given: the hint given for the other.
      message: what to say if they contradict.

    Returns:
      Either, where one is None the other.

    Raises:
      ValueError: if one is True and the other False.
    """
    known = getattr(operator, name)
    if known is not None and given is not None and bool(known) != bool(given):
        raise ValueError(message)
    return given if known is None else known


def hints_of_same(operator, relation: str, given: dict) -> dict:
    """All hints for what shares them with an operator: its adjoint, its inverse.

    Args:
      operator: the operator.
      relation: what the other is to it.
      given: the hints given for the other.

    Returns:
      The hints, as arguments.

    Raises:
      ValueError: if they contradict.
    """
    return {
        name: same_hint(
            operator, name, hint, f"An operator is {name[3:].replace('_', '-')} if and only if its {relation} is."
        )
        for name, hint in given.items()
    }
