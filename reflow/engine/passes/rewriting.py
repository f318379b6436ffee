"""What several passes ask of a plan while they look for patterns."""

from reflow.engine.plan import Node, Value


def sole_consumer(value: Value, consumers: dict[Value, list[Node]], fetched: set[Value]) -> Node | None:
    """The one node that takes `value`, once; None if there are several, or the value is fetched."""
    users = consumers.get(value, ())
    return users[0] if len(users) == 1 and value not in fetched else None
