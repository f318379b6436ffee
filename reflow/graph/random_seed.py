"""Seeds: how the seed of a graph and the seed of an op become the two numbers that an op draws by."""

from typing import Any

from reflow.graph.export import export
from reflow.graph.graph import get_default_graph

# What stands for the graph's seed where only the op's is given.
DEFAULT_GRAPH_SEED = 87654321
_LARGEST = 2**31 - 1


@export("random.get_seed", "get_seed")
def get_seed(op_seed):
    """The two seeds of an op that is about to be made.

    With a graph seed and no op seed, the op's place among the operations of the graph is its seed: a program that
    builds the same graph gets the same numbers.

    Args:
      op_seed: int or None: the seed given to the op.

    Returns:
      (graph seed, op seed) as ints below 2**31 - 1; (None, None) if neither is given, which asks for seeds at random.
    """
    graph = get_default_graph()
    if graph.seed is not None:
        seeds = graph.seed % _LARGEST, (graph._version if op_seed is None else op_seed) % _LARGEST
    elif op_seed is not None:
        seeds = DEFAULT_GRAPH_SEED, op_seed % _LARGEST
    else:
        return None, None
    # Two zeros would ask for random seeds.
    return (0, _LARGEST) if seeds == (0, 0) else seeds


@export("random.set_random_seed", "set_random_seed")
def set_random_seed(seed):
    """Set the seed of the default graph, which the random ops made from now on use.

    Args:
      seed: int.
    """
    get_default_graph().seed = seed


def seed_attrs(op_seed) -> dict[str, Any]:
    """The attributes `seed` and `seed2` of an op that is about to be made."""
    seed, seed2 = get_seed(op_seed)
    return {} if seed is None else {"seed": seed, "seed2": seed2}
