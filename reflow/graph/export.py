"""The public names: `@export("nn.softplus", "math.softplus")` stands where the thing is defined.

`reflow/__init__.py` assembles the 1.x namespace from this table.
"""

import inspect
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

T = TypeVar("T")

EXPORTS: dict[str, Any] = {}


def export(*names: str) -> Callable[[T], T]:
    """Publish a function or class under dotted names below the package root.

    Args:
      *names: dotted names such as "nn.softplus".

    Returns:
      A decorator that records the object and returns it unchanged.

    Raises:
      ValueError: if a name already stands for something else.
    """

    def register(value: T) -> T:
        for name in names:
            export_value(name, value)
        return value

    return register


def with_signature(function: Any, signature: inspect.Signature) -> Any:
    """Give a function that a factory made the signature by which `help` shows it and arguments are bound."""
    function.__signature__ = signature
    return function


def export_value(name: str, value: Any) -> None:
    """Publish a constant under one dotted name."""
    if EXPORTS.setdefault(name, value) is not value:
        raise ValueError(f"two things are exported as {name!r}: {EXPORTS[name]!r} and {value!r}")


def export_values(values: Mapping[str, Any]) -> None:
    """Publish several constants: dotted name to value."""
    for name, value in values.items():
        export_value(name, value)
