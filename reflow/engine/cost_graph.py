"""The cost graph: what each node of a step took, as `RunMetadata.cost_graph` reports it."""

from collections import Counter

from tensorboard.compat.proto.cost_graph_pb2 import CostGraphDef

from reflow.engine.plan import Node


class CostModelRuns:
    """Which runs of a session report costs: those that `build_cost_model` and `build_cost_model_after` ask for.

    Args:
      graph_options: the GraphOptions proto of the session's config.
    """

    def __init__(self, graph_options):
        self._every = graph_options.build_cost_model
        self._after = graph_options.build_cost_model_after
        self._counts: Counter = Counter()

    def is_due(self, step) -> bool:
        """Count a run of `step`; True if it shall report."""
        if self._every <= 0:
            return False
        self._counts[step] += 1
        measured = self._counts[step] - self._after
        return measured > 0 and measured % self._every == 0

    def __bool__(self) -> bool:
        return self._every > 0


def cost_graph(nodes: list[Node], rows: list[tuple]) -> CostGraphDef:
    """The costs of a step.

    Args:
      nodes: all nodes that ran, those of all devices.
      rows: (node, start, end, outputs) of those that were timed, in nanoseconds; see `TimedStep.rows`.

    Returns:
      One node each, by number: its device, the microseconds it took, and what it takes and makes.
    """
    result = CostGraphDef()
    numbers = {node: i for i, node in enumerate(nodes)}
    took = {node: (end - start, outputs) for node, start, end, outputs in rows}
    for node, number in numbers.items():
        nanoseconds, outputs = took.get(node, (0, []))
        row = result.node.add(name=node.name, id=number, device=node.device, compute_cost=nanoseconds // 1000)
        for value in node.inputs:
            if value.node in numbers:
                row.input_info.add(preceding_node=numbers[value.node], preceding_port=value.index)
        row.control_input.extend(numbers[c] for c in node.control if c in numbers)
        for dtype, dims, size in outputs:
            info = row.output_info.add(size=size, alias_input_port=-1, dtype=dtype)
            info.shape.SetInParent()
            for each in dims:
                info.shape.dim.add(size=each)
    return result
