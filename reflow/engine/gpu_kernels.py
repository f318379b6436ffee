"""What of a plan GPUs run: which nodes run there by themselves, which through the host, and which cannot stand there.

A node is tried out on tensors that have a GPU for a device, but no data. If its kernel takes them (so it needs neither
NumPy nor C nor values), and what it makes is on the GPU, too, the node runs there. Of the others, those without state
get copies in the host's memory, and what they make goes back. What works on strings and on resources other than
variables stays on the CPU, as in TensorFlow.
"""

import linecache

import numpy as np
import torch

from reflow.engine.passes.conditionals import CONDITIONS
from reflow.engine.plan import Node, Value
from reflow.engine.schedule import states_of
from reflow.graph import dtypes
from reflow.ops.resources import HandleState, VariableState
from reflow.ops.torch_types import to_torch

VARIABLES = frozenset({"VariableV2", "Variable", "VarHandleOp"})
# What needs no kernel, or has one that only passes on what it is given.
_ANYWHERE = VARIABLES | CONDITIONS | {
    "Assign", "AssignVariableOp", "Const", "NoOp", "_Feed", "_Merge", "_RefMerge", "_MergeIndex", "_CheckAlive",
    "_Dead", "_Send", "_Recv", "_SendToken", "_RecvToken", "_Segment", "GetSessionHandle", "GetSessionHandleV2",
    "GetSessionTensor", "DeleteSessionTensor",
}  # fmt: skip
_FLOATING = frozenset({dtypes.float16, dtypes.bfloat16, dtypes.float32, dtypes.float64, dtypes.complex64,
                       dtypes.complex128})  # fmt: skip
# torch has few kernels for unsigned numbers of more than 8 bits.
_TYPES = _FLOATING | {dtypes.bool_, dtypes.int8, dtypes.int16, dtypes.int32, dtypes.int64, dtypes.uint8}

_known: dict[tuple, bool] = {}


def runs_on_gpu(node: Node) -> bool:
    """True if a node's kernel runs on a GPU, with inputs and outputs there."""
    if node.type in _ANYWHERE:
        return not _has(node, dtypes.string) or "Session" in node.type
    values = [*node.inputs, *node.outputs]
    types = {v.dtype.base_dtype for v in values if v.dtype is not dtypes.resource}
    if not types <= _TYPES:
        return False
    # GPUs lack kernels for some functions of integers, such as products; all have views and variables.
    if not (types & _FLOATING or node.op_def.aliases or any(v.is_state for v in values)):
        return False
    try:
        return _is_taken(node)
    except Exception:  # A kernel may raise anything.
        return False


def may_stand_on_gpu(node: Node) -> bool:
    """True if a node can be placed on a GPU, be it that the host runs it."""
    return runs_on_gpu(node) or not _needs_its_place(node)


def is_left_to_host(node: Node) -> bool:
    """True if a node that stands on a GPU has to be run by the host."""
    return not runs_on_gpu(node) and not _needs_its_place(node)


def _needs_its_place(node: Node) -> bool:
    values = [*node.inputs, *node.outputs]
    return any(v.is_state for v in values) or _has(node, dtypes.string) or _has(node, dtypes.variant)


def _has(node: Node, dtype) -> bool:
    return any(v.dtype.base_dtype is dtype for v in [*node.inputs, *node.outputs])


def _is_taken(node: Node) -> bool:
    """Whether a trial succeeds, looked up where an equal node has been tried."""
    from reflow.engine.jit.canonical import emit

    emitted, taken, key = emit([node], node.outputs)
    linecache.cache.pop(emitted.filename, None)
    examples = [_example(node, value) for value in taken]
    if key is None:
        return _takes(emitted.function, examples)
    key = *key, *((e.dtype, e.dims) for e in examples if isinstance(e, VariableState))
    if key not in _known:
        _known[key] = _takes(emitted.function, examples)
    return _known[key]


class _HostValue:
    """Stands for an input that a kernel takes as Python numbers."""

    def __init__(self, sizes: list[int], number: float):
        self._numbers = np.full(sizes, number).tolist()

    def tolist(self):
        """The numbers."""
        return self._numbers


def _example(node: Node, value: Value):
    """What a node is tried on in the place of an input; (sizes, type) for a tensor."""
    from reflow.engine.emit import argument_of_each_input

    if value.is_state:
        (state,) = {(s.attrs["dtype"], s.attrs["shape"]) for s in states_of(value) if s.type in VARIABLES}
        kind = HandleState if value.dtype is dtypes.resource else VariableState
        return kind(value.name, *state)
    # The host cannot run what works on a variable, so that is tried on any sizes.
    has_state = any(v.is_state for v in node.inputs)
    if value.dims is None or None in value.dims and not has_state:
        raise ValueError("the shape is not known")
    sizes = [1 if size is None else size for size in value.dims]
    dtype = value.dtype.base_dtype
    arguments = argument_of_each_input(node)
    if any(v is value and a.name in node.op_def.host for v, a in zip(node.inputs, arguments, strict=True)):
        return _HostValue(sizes, 0.5 if dtype.is_floating else 1)
    return sizes, to_torch(dtype)


def _takes(function, examples: list) -> bool:
    """Whether a function runs on tensors of a GPU without data, and leaves nothing elsewhere."""
    from torch._subclasses.fake_tensor import FakeTensorMode

    device = torch.device("cuda", 0)
    states = [e for e in examples if isinstance(e, VariableState)]
    with torch.inference_mode(False), torch.no_grad(), FakeTensorMode(allow_non_fake_inputs=True), device:
        for state in states:
            sizes = [size or 0 for size in state.dims or ()]  # A variable's shape is known, but for a few.
            state.value = torch.empty(sizes, dtype=to_torch(state.dtype))
        inputs = [torch.empty(e[0], dtype=e[1]) if isinstance(e, tuple) else e for e in examples]
        made = function(*inputs)
        tensors = [r.value if isinstance(r, VariableState) else r for r in [*made, *states]]
        return all(isinstance(t, torch.Tensor) and t.device == device for t in tensors)
