"""The matrix of a linear function: a step of its own runs once for each of the rows."""

import torch

from reflow.engine.pipeline import Options
from reflow.engine.step import Step
from reflow.graph.registry import define_op
from reflow.hessians import linear_map
from reflow.ops.torch_types import tensor_of


class _Rows:
    """The step of one `LinearMap` in one session."""

    def __init__(self, resources, token: bytes):
        self._map = linear_map(token)
        self._step = Step([self._map.product], [], [self._map.direction, *self._map.taken], resources, Options())

    def at_unit_vectors(self, count: int, taken: list, dtype: torch.dtype) -> torch.Tensor:
        """The values at the `count` unit vectors, as a matrix, given what the nodes take from outside."""
        rows = [tensor_of(self._step.run([unit, *taken])[0]) for unit in torch.eye(count, dtype=dtype)]
        return torch.stack(rows) if rows else torch.zeros(0, 0, dtype=dtype)


def _resource(resources, node_name, attrs):
    token = attrs["token"]
    return resources.get_or_create("linear map", b"", token.decode(), lambda: _Rows(resources, token))


def _rows(state: _Rows, count, taken, T):
    return state.at_unit_vectors(count, taken, T)


define_op("_LinearMapRows", "count: int32, taken: list:Tin -> rows: T", "Tin: list(type), T: type, token: string",
          shape=lambda op: [(None, None)], kernel=_rows, resource=_resource, host="count",
          is_stateful=True)  # fmt: skip
