"""What of a plan GPUs run: which nodes run there by themselves, which through the host, and which cannot stand there.

A node is tried out on tensors that have a GPU for a device, but no data. If its kernel takes them (so it needs neither
NumPy nor C nor values), and what it makes is on the GPU, too, the node runs there. Sizes, and numbers that the kernel
takes from the host, are tried as likely ones where the plan does not know them. Of the others, those without state
get copies in the host's memory, and what they make goes back. What works on strings and on resources other than
variables stays on the CPU, as in TensorFlow.
"""

import linecache
import logging
import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

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
# They ask for the sizes of tensors, which the host knows, and make small ones.
OF_SHAPES = frozenset({"Rank", "Shape", "ShapeN", "Size"})
_FLOATING = frozenset({dtypes.float16, dtypes.bfloat16, dtypes.float32, dtypes.float64, dtypes.complex64,
                       dtypes.complex128})  # fmt: skip
_COMPARISONS = frozenset({"Equal", "Greater", "GreaterEqual", "Less", "LessEqual", "LogicalAnd", "LogicalNot",
                          "LogicalOr", "NotEqual"})  # fmt: skip
# torch has few kernels for unsigned numbers of more than 8 bits.
_TYPES = _FLOATING | {dtypes.bool_, dtypes.int8, dtypes.int16, dtypes.int32, dtypes.int64, dtypes.uint8}

# What a dimension is tried with whose size only the run tells; many sizes divide it.
_SIZE = 16

_known: dict[tuple, bool] = {}


def runs_on_gpu(node: Node) -> bool:
    """True if a node's kernel runs on a GPU, with inputs and outputs there."""
    if node.type in VARIABLES:
        return node.attrs["dtype"].base_dtype in _TYPES
    if node.type in _ANYWHERE or node.type in OF_SHAPES:
        return not _has(node, dtypes.string) or "Session" in node.type
    values = [*node.inputs, *node.outputs]
    types = {v.dtype.base_dtype for v in values if v.dtype is not dtypes.resource}
    if not types <= _TYPES:
        return False
    # GPUs lack kernels for some functions of integers, such as products; all have views and variables. Numbers of int32
    # are the host's, as in TensorFlow: most are sizes.
    compares = node.type in _COMPARISONS and dtypes.int32 not in types
    if not (types & _FLOATING or node.op_def.aliases or compares or any(v.is_state for v in values)):
        return False
    if node.op_def.resource is not None or node.op_def.is_stateful and not any(v.is_state for v in values):
        return False  # Random numbers, queues, readers: their state is the host's.
    try:
        return _is_taken(node)
    except (NotImplementedError, ValueError):  # There is no kernel, or no variable behind a handle.
        return False


def belongs_on_gpu(nodes: list[Node]) -> bool:
    """True if a GPU is the better place for nodes that stand together and have not been asked to stand anywhere.

    It runs all of them, or it keeps a variable of numbers for others there: drawing its first value is the host's.
    """
    if any(n.type in VARIABLES and n.attrs["dtype"].base_dtype is not dtypes.int32 for n in nodes):
        return all(map(may_stand_on_gpu, nodes))
    return all(map(runs_on_gpu, nodes))


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
    if key is None:
        return _is_taken_somehow(emitted.function, node, taken)
    key = *key, tuple(v.dims for v in node.outputs), tuple(_variable_behind(v) for v in taken if v.is_state)
    if key not in _known:
        _known[key] = _is_taken_somehow(emitted.function, node, taken)
    return _known[key]


def _is_taken_somehow(function, node: Node, taken: list[Value]) -> bool:
    """Whether a node's function runs with one of the sizes and numbers that its inputs may have."""
    return any(_takes(function, node, taken, assumption) for assumption in _assumptions(node, taken))


class _Assumption(NamedTuple):
    """What a trial takes for granted where the plan does not tell.

    Attributes:
      size: of a dimension.
      numbers: what the kernel takes from the host's memory: the "sizes" of the output (or of the outputs, where the
        input is split), "ones", "zeros" or "positions" 0, 1, 2, ...
    """

    size: int = 1
    numbers: str = "ones"


def _assumptions(node: Node, taken: list[Value]) -> list[_Assumption]:
    sizes = [_SIZE, 1] if any(v.dims is None or None in v.dims for v in (*taken, *node.outputs)) else [1]
    is_open = any(_comes_as_numbers(node, v) for v in taken)
    numbers = ["sizes", "ones", "zeros", "positions"] if is_open else ["ones"]
    return [_Assumption(size, number) for number in numbers for size in sizes]


def _comes_as_numbers(node: Node, value: Value) -> bool:
    """Whether the kernel takes an input as Python numbers."""
    from reflow.engine.emit import argument_of_each_input

    if not node.op_def.host:
        return False
    pairs = zip(node.inputs, argument_of_each_input(node), strict=True)
    return any(v is value and argument.name in node.op_def.host for v, argument in pairs)


class _HostValue:
    """Stands for an input that a kernel takes as Python numbers."""

    def __init__(self, numbers):
        self._numbers = numbers

    def tolist(self):
        """The numbers."""
        return self._numbers


def _variable_behind(value: Value) -> tuple:
    """(type, raw dims) of the variable that a reference or handle is one of."""
    (variable,) = {(s.attrs["dtype"], s.attrs["shape"]) for s in states_of(value) if s.type in VARIABLES}
    return variable


def _sizes(value: Value, assumption: _Assumption) -> list[int]:
    return [assumption.size if size is None else size for size in ((None,) if value.dims is None else value.dims)]


def _example(node: Node, value: Value, assumption: _Assumption):
    """What a node is tried on in the place of an input."""
    if value.is_state:
        return _variable_example(node, value, assumption)
    sizes, dtype = _sizes(value, assumption), value.dtype.base_dtype
    if _comes_as_numbers(node, value):
        return _HostValue(_numbers(node, sizes, dtype, assumption))
    return torch.empty(sizes, dtype=to_torch(dtype))


def _variable_example(node: Node, value: Value, assumption: _Assumption) -> VariableState:
    """A variable with a value. If its shape is not known, it is taken for that of the next tensor of its type."""
    dtype, dims = _variable_behind(value)
    state = (HandleState if value.dtype is dtypes.resource else VariableState)(value.name, dtype, dims)
    like = (v.dims for v in node.inputs if not v.is_state and v.dtype.base_dtype is dtype and v.dims is not None)
    dims = next(like, (None,)) if dims is None else dims
    sizes = [assumption.size if size is None else size for size in dims]
    state.value = torch.empty(sizes, dtype=to_torch(dtype))
    return state


def _numbers(node: Node, sizes: list[int], dtype, assumption: _Assumption):
    """Numbers for an input of these sizes, in nested lists."""
    if assumption.numbers == "sizes":
        wanted = [_sizes(output, assumption) for output in node.outputs]
        if sizes == [len(wanted[0])]:
            return wanted[0]
        if sizes == [len(wanted)]:
            return _parts(_sizes(node.inputs[0], assumption), wanted)
        return np.ones(sizes, int).tolist()
    if assumption.numbers == "positions":
        return np.arange(math.prod(sizes)).reshape(sizes).tolist()
    if assumption.numbers == "zeros":
        return np.zeros(sizes, int).tolist()
    return np.full(sizes, 0.5 if dtype.is_floating else 1).tolist()


def _parts(whole: list[int], parts: list[list[int]]) -> list[int]:
    """The sizes of parts along the axis on which they make up the whole."""
    along = [list(sizes) for sizes in zip(*parts, strict=False)]
    return next((sizes for size, sizes in zip(whole, along, strict=False) if sum(sizes) == size), [1] * len(parts))


def _takes(function, node: Node, taken: list[Value], assumption: _Assumption) -> bool:
    """Whether a function runs on tensors of a GPU without data, and leaves nothing elsewhere."""
    from torch._subclasses.fake_tensor import FakeTensorMode

    device = torch.device("cuda", 0)
    try:
        mode = FakeTensorMode(allow_non_fake_inputs=True)
        with _without_reports(), torch.inference_mode(False), torch.no_grad(), mode, device:
            inputs = [_example(node, value, assumption) for value in taken]
            states = [each for each in inputs if isinstance(each, VariableState)]
            made = function(*inputs)
            tensors = [r.value if isinstance(r, VariableState) else r for r in [*made, *states]]
            return all(isinstance(t, torch.Tensor) and t.device == device for t in tensors)
    except Exception:  # A kernel may raise anything.
        return False


@contextmanager
def _without_reports() -> Iterator[None]:
    """Trials fail as a matter of course: PyTorch is not to write down why."""
    logger = logging.getLogger("torch._subclasses.fake_tensor")
    before, logger.disabled = logger.disabled, True
    try:
        yield
    finally:
        logger.disabled = before
