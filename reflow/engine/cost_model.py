"""The cost model: how long nodes and transfers take, measured on earlier runs or estimated from shapes.

After "TensorFlow: Large-Scale Machine Learning on Heterogeneous Distributed Systems" (2015), section 3.2.1.
"""

from typing import NamedTuple

from reflow.engine.plan import Node, Value
from reflow.engine.torch_devices import is_gpu
from reflow.graph import dtypes
from reflow.graph.shapes import num_elements


class _Speed(NamedTuple):
    """Rough figures of a processor: what a kernel costs to start, bytes moved and multiply-adds done a second."""

    start: float
    bytes_a_second: float
    operations_a_second: float


_CPU = _Speed(2e-6, 8e9, 4e10)
_GPU = _Speed(5e-6, 4e11, 4e12)
# A tensor that changes devices: what the hand-over costs, besides its bytes.
_TRANSFER_SECONDS = 4e-5
_TRANSFER_BYTES_A_SECOND = 8e9
_UNKNOWN_SIZE = 1 << 10
_TYPES_OF_SHAPES = frozenset({dtypes.int32, dtypes.int64})
_MOST_DIMS = 8

# Placement comes before the passes: what a fused op takes counts for the op that it is made of, with so many inputs.
_MAIN_OPS = {"_FusedConv2D": ("Conv2D", 2), "_FusedConv2DMaxPool": ("Conv2D", 2),
             "_FusedConv2DMaxPoolWithPlaces": ("Conv2D", 2), "_ActivatedMatMul": ("MatMul", 2),
             "_FusedMatMul": ("MatMul", 2), "_FusedMatMulWithResidual": ("MatMul", 2)}  # fmt: skip

# Seconds that nodes took in runs that were traced, by what `_kind` tells of them: the least counts, for whatever else
# happened meanwhile only made them longer.
_measured: dict[tuple | None, float] = {}


def measure(node: Node, took: float) -> None:
    """Note how long a node took in a run on its device, for the placement of nodes of its kind.

    Args:
      node: a node that ran.
      took: seconds.
    """
    kind = _kind(node, node.device)
    if kind is not None:
        _measured[kind] = min(took, _measured.get(kind, took))


def forget() -> None:
    """Forget all measurements."""
    _measured.clear()


def _kind(node: Node, device: str) -> tuple | None:
    """What settles how long a kernel takes: op, types, shapes and type of device; None where shapes are not known."""
    op, count = _MAIN_OPS.get(node.type, (node.type, len(node.inputs)))
    values = [*node.inputs[:count], *node.outputs]
    if any(v.dims is None or None in v.dims for v in values):
        return None
    shapes = tuple((v.dtype.base_dtype.name, v.dims) for v in values)
    # Virtual CPUs are one processor.
    return op, shapes, "GPU" if is_gpu(device) else "CPU"


def size_in_bytes(value: Value) -> int:
    """Bytes of a value; a guess where its shape is not known."""
    count = num_elements(value.dims)
    return (_UNKNOWN_SIZE if count is None else count) * value.dtype.base_dtype.size


def seconds(node: Node, device: str) -> float:
    """How long a node takes on a device."""
    found = _measured.get(_kind(node, device)) if _measured else None
    if found is not None:
        return found
    if _is_free(node):
        return 0.0
    moved = sum(map(size_in_bytes, node.inputs)) + sum(map(size_in_bytes, node.outputs))
    speed = _GPU if is_gpu(device) else _CPU
    return speed.start + moved / speed.bytes_a_second + operations(node) / speed.operations_a_second


def _is_free(node: Node) -> bool:
    """True for views, and for what the passes after placement leave nothing of: constants, computations with shapes."""
    if node.type == "Const" or node.op_def.aliases:
        return True
    sizes = [num_elements(v.dims) for v in node.outputs if v.dtype.base_dtype in _TYPES_OF_SHAPES]
    return bool(sizes) and len(sizes) == len(node.outputs) and all(n is not None and n <= _MOST_DIMS for n in sizes)


def transfer_seconds(value: Value) -> float:
    """How long it takes to bring a value to another device."""
    return _TRANSFER_SECONDS + size_in_bytes(value) / _TRANSFER_BYTES_A_SECOND


def operations(node: Node) -> int:
    """Multiply-adds of a product or convolution, elements of anything else; 0 where shapes are not known."""
    counts = [num_elements(v.dims) or 0 for v in node.outputs]
    made = max(counts, default=0)
    if _MAIN_OPS.get(node.type, (node.type,))[0] in ("MatMul", "BatchMatMul", "BatchMatMulV2"):
        dims = node.inputs[0].dims
        inner = dims[-2 if node.attrs.get("transpose_a") or node.attrs.get("adj_x") else -1] if dims else None
        return made * (inner or 1)
    if node.type.startswith("Conv2D") and len(node.inputs) >= 2:
        return _convolution_operations(node)
    return made


def _convolution_operations(node: Node) -> int:
    """Every element of the output (or of its gradient) takes a filter's window of multiply-adds."""
    if node.type == "Conv2DBackpropFilter":
        filters, out = node.outputs[0].dims, node.inputs[2].dims
    elif node.type == "Conv2DBackpropInput":
        filters, out = node.inputs[1].dims, node.inputs[2].dims
    else:
        filters, out = node.inputs[1].dims, node.outputs[0].dims
    window, count = num_elements(filters), num_elements(out)
    if window is None or count is None or not filters or not filters[-1]:
        return 0
    return count * window // filters[-1]
