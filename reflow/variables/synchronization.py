"""How the copies of a variable on several devices are kept together."""

import enum

from reflow.graph.export import export


@export("VariableSynchronization")
class VariableSynchronization(enum.Enum):
    """When a distributed variable is synchronized.

    AUTO leaves it to the distribution strategy, NONE says that there is one copy only, ON_WRITE synchronizes the copies
    at every write, ON_READ aggregates them when the variable is read.
    """

    AUTO = 0
    NONE = 1
    ON_WRITE = 2
    ON_READ = 3


@export("VariableAggregation")
class VariableAggregation(enum.Enum):
    """How the updates of a distributed variable's copies become one: NONE is an error, SUM, MEAN, or the first one."""

    NONE = 0
    SUM = 1
    MEAN = 2
    ONLY_FIRST_REPLICA = 3
    ONLY_FIRST_TOWER = 3  # noqa: PIE796 - the name it had before

    def __hash__(self):
        return hash(self.value)


def settle(synchronization, aggregation, trainable, name):
    """The three properties with their defaults filled in.

    Returns:
      (VariableSynchronization, VariableAggregation, bool).

    Raises:
      ValueError: for a value that is no such property.
    """
    try:
        if aggregation.__class__ is not VariableAggregation:
            aggregation = VariableAggregation(aggregation or 0)
    except ValueError:
        raise ValueError(f"Invalid variable aggregation mode: {aggregation} for variable: {name}") from None
    try:
        if synchronization.__class__ is not VariableSynchronization:
            synchronization = VariableSynchronization(synchronization or 0)
    except ValueError:
        raise ValueError(f"Invalid variable synchronization mode: {synchronization} for variable: {name}") from None
    if trainable is None:
        trainable = synchronization is not VariableSynchronization.ON_READ
    return synchronization, aggregation, trainable
