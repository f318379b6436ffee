"""Statistics of operations: functions, by op type and kind of statistic, that tell what one operation takes to run."""

from collections.abc import Callable

_functions: dict[tuple[str, str], Callable] = {}


class OpStats:
    """What a statistics function returns: a kind ("flops") and a value, which may be None for "not known".

    Statistics of one kind can be added up with `+=`.
    """

    def __init__(self, statistic_type, value=None):
        self.statistic_type = statistic_type
        self.value = value

    @property
    def statistic_type(self):
        """The kind of statistic, such as "flops"."""
        return self._statistic_type

    @statistic_type.setter
    def statistic_type(self, statistic_type):
        self._statistic_type = statistic_type

    @property
    def value(self):
        """The number, or None."""
        return self._value

    @value.setter
    def value(self, value):
        self._value = value

    def __iadd__(self, other):
        if other.statistic_type != self._statistic_type:
            raise ValueError(f"Can't add an OpStat of type {self._statistic_type} to one of {other.statistic_type}.")
        if self._value is None:
            self._value = other.value
        elif other.value is not None:
            self._value += other.value
        return self


class RegisterStatistics:
    """Decorator of a statistics function `(graph, node_def) -> OpStats`.

    Args:
      op_type: the op type that the function is for.
      statistic_type: the kind of statistic, such as "flops".

    Raises:
      TypeError: if they are not strings, or have a comma.
      KeyError: if there is such a function already.
    """

    def __init__(self, op_type, statistic_type):
        for name, value in (("op_type", op_type), ("statistic_type", statistic_type)):
            if not isinstance(value, str):
                raise TypeError(f"{name} must be a string.")
            if "," in value:
                raise TypeError(f"{name} must not contain a comma.")
        self._key = op_type, statistic_type

    def __call__(self, function):
        if self._key in _functions:
            raise KeyError(f"Registering two statistic functions with name {','.join(self._key)!r}!")
        _functions[self._key] = function
        return function


def get_stats_for_node_def(graph, node, statistic_type) -> OpStats:
    """The statistic of one operation.

    Args:
      graph: the graph that the operation is in.
      node: its NodeDef.
      statistic_type: the kind of statistic, such as "flops".

    Returns:
      An OpStats; its value is None where no function is registered for the op type.

    Raises:
      ValueError: if the function needs a shape that is not known.
    """
    function = _functions.get((node.op, statistic_type))
    return OpStats(statistic_type) if function is None else function(graph, node)
