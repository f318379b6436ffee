"""Why a node cannot be compiled, or that it can: found out by running its kernel on tensors that have no data."""

import linecache

import torch
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.utils._python_dispatch import TorchDispatchMode

from reflow.engine.gpu_kernels import runs_on_gpu
from reflow.engine.jit.canonical import emit, is_written_out
from reflow.engine.passes.conditionals import CONDITIONS
from reflow.engine.plan import Node, Value
from reflow.engine.torch_devices import is_gpu
from reflow.graph import dtypes
from reflow.ops.torch_types import to_torch

_TYPES = frozenset({dtypes.float32, dtypes.float64, dtypes.int8, dtypes.int16, dtypes.int32, dtypes.int64,
                    dtypes.uint8, dtypes.bool_})  # fmt: skip
_TRANSFERS = frozenset({"_Send", "_Recv", "_SendToken", "_RecvToken"})
_CHOICES = CONDITIONS | {"_Merge", "_RefMerge", "_MergeIndex"}
# Compiled code cannot raise from inside a parallel loop, so what checks its indices or divisors stays as it is.
_CHECKED_INDICES = ("index", "gather", "scatter", "embedding", "_embedding", "take", "put", "masked_scatter",
                    "nll_loss", "max_unpool")  # fmt: skip
_CHECKED_INTEGERS = ("div", "floor_divide", "remainder", "fmod", "pow", "__rshift__", "__lshift__",
                     "bitwise_left_shift", "bitwise_right_shift")  # fmt: skip

# What libraries do at least as fast as compiled code, on a CPU. (On a GPU, each would cut the graph that is replayed.)
_OF_LIBRARIES = frozenset({
    "AvgPool", "AvgPool3D", "AvgPool3DGrad", "AvgPoolGrad", "BatchMatMul", "BatchMatMulV2", "Conv2D",
    "Conv2DBackpropFilter", "Conv2DBackpropInput", "Conv3D", "Conv3DBackpropFilterV2", "Conv3DBackpropInputV2",
    "DepthwiseConv2dNative", "DepthwiseConv2dNativeBackpropFilter", "DepthwiseConv2dNativeBackpropInput", "LRN",
    "LRNGrad", "MatMul", "MaxPool", "MaxPool3D", "MaxPool3DGrad", "MaxPoolGrad", "_FusedConv2D", "_FusedConv2DMaxPool",
    "_FusedConv2DMaxPoolWithPlaces", "_ActivatedMatMul", "_FusedMatMul", "_FusedMatMulWithResidual",
    "_DirectConv2D", "_LRNGradOfImage", "_MaxPoolGradFromPlaces", "_MaxPoolWithPlaces",
    "_PackedConv2D", "_PackedMatMul", "_WinogradConv2D",
})  # fmt: skip

_known: dict[tuple, str | None] = {}


def obstacle(node: Node) -> str | None:
    """Why a node cannot be part of a compiled function; None if it can.

    Args:
      node: a node with a statement (not a constant).
    """
    return _plain_obstacle(node) or _hidden_obstacle(node)


def _plain_obstacle(node: Node) -> str | None:
    """What the node's definition and types tell."""
    op_def = node.op_def
    values = [*node.inputs, *node.outputs]
    if any(v.is_state for v in values) or op_def.writes:
        return "works on a variable or another resource"
    if op_def.resource is not None or op_def.is_stateful:
        return "has state or an effect"
    if node.type in _TRANSFERS:
        return "carries a tensor between devices"
    if node.type in _CHOICES:
        return "chooses between branches"
    if not node.outputs:
        return "makes no tensor"
    for value in values:
        dtype = value.dtype.base_dtype
        if dtype not in _TYPES:
            return f"works on {dtype.name}"
        if value.dims is None or None in value.dims:
            return "shapes are not known before the run"
    if is_gpu(node.device) and not runs_on_gpu(node):
        return "is run by the host"
    if node.type in _OF_LIBRARIES and not is_gpu(node.device) and not is_written_out(node):
        return "is as fast in a library"
    return None


def _hidden_obstacle(node: Node) -> str | None:
    """What the kernel does when it runs on tensors without data, looked up where an equal node has been seen."""
    try:
        emitted, taken, key = emit([node], node.outputs)
    except NotImplementedError:
        return "has no kernel"
    linecache.cache.pop(emitted.filename, None)
    if key is None:
        return _tried(emitted.function, taken, node)
    if key not in _known:
        _known[key] = _tried(emitted.function, taken, node)
    return _known[key]


def _tried(function, taken: list[Value], node: Node) -> str | None:
    device = "cuda" if is_gpu(node.device) else "cpu"
    watch, mode = _Watch(), FakeTensorMode()
    try:
        with torch.inference_mode(False), mode, watch:
            sizes = [[size or 0 for size in v.dims or ()] for v in taken]  # All are known by now.
            types = [to_torch(v.dtype.base_dtype) for v in taken]
            fakes = [torch.empty(s, dtype=t, device=device) for s, t in zip(sizes, types, strict=True)]
            before = [fake._version for fake in fakes]
            results = function(*fakes)
            overwrites = before != [fake._version for fake in fakes]
    except Exception as error:
        return f"its kernel needs values to run ({type(error).__name__})"
    if overwrites:
        return "overwrites an input"
    if not all(isinstance(result, torch.Tensor) for result in results):
        return "makes something other than tensors"
    if watch.objection is None and not _can_be_followed(function, mode, fakes):
        return "changes values in a way that torch cannot trace"
    return watch.objection


def _can_be_followed(function, mode: FakeTensorMode, fakes: list[torch.Tensor]) -> bool:
    """Whether torch can tell what a kernel computes where it changes values of its own in place."""
    try:
        with torch.inference_mode(False), mode:
            torch.func.functionalize(function)(*fakes)
    except Exception:
        return False
    return True


class _Watch(TorchDispatchMode):
    """Notes the first ATen operation that must not be compiled."""

    objection: str | None = None

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        self.objection = self.objection or _objection(func, args)
        return func(*args, **(kwargs or {}))


def _objection(func, args) -> str | None:
    name = func._schema.name.partition("::")[2].rstrip("_")
    if torch.Tag.nondeterministic_seeded in func.tags:
        return "draws random numbers"
    if torch.Tag.data_dependent_output in func.tags or torch.Tag.dynamic_output_shape in func.tags:
        return "its shape depends on values"
    if name.startswith(_CHECKED_INDICES):
        return "checks indices"
    if name.startswith(_CHECKED_INTEGERS) and not any(
        isinstance(a, float) or isinstance(a, torch.Tensor) and a.is_floating_point() for a in args
    ):
        return "checks integers"
    return None
