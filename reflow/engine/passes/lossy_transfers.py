"""Lossy transfers: float32 tensors that go to another machine travel as their upper 16 bits.

After "TensorFlow: Large-Scale Machine Learning on Heterogeneous Distributed Systems" (2015), section 5.5. Off by
default: `ConfigProto.graph_options.enable_bfloat16_sendrecv` switches it on. Runs on the parts of a partitioned plan.
"""

import torch

from reflow.engine.plan import Node, Plan, new_node
from reflow.graph import dtypes
from reflow.graph.registry import define_op

# The bits of a bfloat16 NaN, as int16.
_NAN = 0x7FC0


def truncate_to_bfloat16(tensor: torch.Tensor) -> torch.Tensor:
    """The upper 16 bits of each float32: sign, exponent and 7 bits of the fraction, rounded towards zero."""
    upper = (tensor.contiguous().view(torch.int32) >> 16).to(torch.int16)
    # The bits that tell a NaN from an infinity may be among those cut off.
    return torch.where(tensor.isnan(), torch.tensor(_NAN, dtype=torch.int16), upper).view(torch.bfloat16)


define_op("_Truncate", "x: float -> y: bfloat16", kernel=truncate_to_bfloat16, gradient=None)
define_op("_Widen", "x: bfloat16 -> y: float", kernel="{x}.to(torch.float32)", gradient=None)


def compress_transfers(parts: dict[str, Plan]) -> None:
    """Let float32 edges between machines carry 16 bits a number.

    Args:
      parts: the parts of a plan by device, each a plan with `_Send` and `_Recv` nodes; they are changed.
    """
    for part in parts.values():
        part.nodes = [new for node in part.nodes for new in _rewritten(node, part)]


def _rewritten(node: Node, part: Plan) -> list[Node]:
    if node.type not in ("_Send", "_Recv") or node.attrs["T"] is not dtypes.float32 or not _leaves_machine(node):
        return [node]
    node.attrs = {**node.attrs, "T": dtypes.bfloat16}
    if node.type == "_Send":
        value = node.inputs[0]
        truncate = _neighbour(node, "truncate", "_Truncate", value, dtypes.bfloat16, value.dims)
        node.inputs = [truncate.outputs[0]]
        # What is sent is a copy already.
        node.attrs["copy"] = False
        return [truncate, node]
    received = node.outputs[0]
    widen = _neighbour(node, "widen", "_Widen", received, dtypes.float32, received.dims)
    part.replace({received: widen.outputs[0]})
    widen.inputs = [received]
    received.dtype = dtypes.bfloat16
    return [node, widen]


def _neighbour(node: Node, name: str, op: str, value, dtype, dims) -> Node:
    result = new_node(f"{node.name}/{name}", op, [value], {}, [(dtype, dims)], like=node)
    result.control = []
    return result


def _leaves_machine(node: Node) -> bool:
    """True if the ends of the edge are devices of different tasks; keys begin with "from device;to device"."""
    source, target = node.attrs["key"].split(";")[:2]
    return source.partition("/device:")[0] != target.partition("/device:")[0]
