"""A segment at work: its compiled function, checked against the plain one, and the plain one where that fails."""

import threading
from collections import OrderedDict
from collections.abc import Callable

import torch

from reflow.engine import failures
from reflow.engine.emit import Emitted
from reflow.engine.jit import inductor
from reflow.engine.jit.cuda_graphs import Replay
from reflow.engine.plan import Node
from reflow.engine.torch_devices import is_gpu

# Compiled functions of the process, by the key of their source; equal segments of a graph and of graphs share one.
_functions: OrderedDict[tuple, "CompiledFunction"] = OrderedDict()
_functions_lock = threading.Lock()
_MOST_FUNCTIONS = 1000
# torch's tracer and compiler serve one thread at a time.
_compiling = threading.RLock()
# Inputs of further layouts go to the plain function.
_MOST_LAYOUTS = 8
# How far a compiled function's floats may lie from the plain one's, relative to the greatest of a tensor: the order of
# sums differs.
_TOLERANCE = 1e-5


class Segment:
    """Nodes of a plan that run as one function.

    Attributes:
      name: its name in the emitted source.
      nodes: the nodes.
    """

    def __init__(self, name: str, nodes: list[Node], emitted: Emitted, key: tuple | None):
        self.name, self.nodes = name, nodes
        self._emitted = emitted
        self._function = _shared(emitted, key, is_gpu(nodes[0].device))

    def __call__(self, inputs: list) -> list:
        """The values that leave the segment.

        Raises:
          errors.OpError: if a kernel fails; it names the node.
        """
        try:
            return self._function(inputs)
        except Exception as error:
            translated = failures.translate(error, self._emitted)
            if translated is error:
                raise
            raise translated from error

    @property
    def reason(self) -> str | None:
        """Why the segment runs op by op after all; None if it is compiled, or did not run yet."""
        return self._function.reason

    @property
    def source(self) -> str:
        """The segment's function, with the name of each line's node."""
        lines = self._emitted.source.splitlines()
        lines[0] = lines[0].replace("def step(", f"def {self.name}(")
        for number, node in self._emitted.line_nodes.items():
            lines[number - 1] += f"  # {node.name}"
        return "\n".join(lines) + "\n"


def _shared(emitted: Emitted, key: tuple | None, on_gpu: bool) -> "CompiledFunction":
    if key is None:
        return CompiledFunction(emitted.function, on_gpu)
    with _functions_lock:
        if key not in _functions:
            _functions[key] = CompiledFunction(emitted.function, on_gpu)
            if len(_functions) > _MOST_FUNCTIONS:
                _functions.popitem(last=False)
        return _functions[key]


class CompiledFunction:
    """A function of tensors that is compiled at its first call, and again for inputs of other strides.

    The first results are compared with those of the plain function: where compiling fails or the results differ, the
    plain function stays, and `reason` says why.

    Args:
      plain: the function; it returns a list of tensors and changes nothing.
      on_gpu: replay the compiled function as a CUDA graph.
    """

    def __init__(self, plain: Callable, on_gpu: bool):
        self._plain = plain
        self._on_gpu = on_gpu
        self._compiled: dict[tuple, Callable] = {}
        self.reason: str | None = None if on_gpu or inductor.has_compiler() else "there is no C++ compiler"

    def __call__(self, inputs: list) -> list:
        if self.reason is not None:
            return self._plain(*inputs)
        strides = tuple([value.stride() for value in inputs])
        if self._on_gpu:  # A recording is of one GPU; sessions may have others behind the same name.
            strides = torch.cuda.current_device(), *strides
        compiled = self._compiled.get(strides)
        if compiled is None:
            with _compiling:
                compiled = self._compiled.get(strides)
                if compiled is None:
                    return self._first_call(inputs, strides)
        try:
            return compiled(*inputs)
        except Exception as error:
            return self._give_up(inputs, error)

    def _first_call(self, inputs: list, strides: tuple) -> list:
        if self.reason is not None or len(self._compiled) == _MOST_LAYOUTS:
            return self._plain(*inputs)
        # The inputs may be variables, which other threads change meanwhile.
        inputs = [_copied(value) for value in inputs]
        expected = self._plain(*inputs)
        # The compiled function gets copies: should it change them, the step must not see it.
        copies = [_copied(value) for value in inputs]
        try:
            compiled = inductor.compile_function(self._plain, copies)
            if self._on_gpu:
                compiled = Replay(compiled, torch.device("cuda", torch.cuda.current_device()))
            results = compiled(*copies)
        except Exception as error:
            self.reason = _said(error)
            return expected
        pairs = zip([*results, *copies], [*expected, *inputs], strict=True)
        magnitude = max(map(_greatest, inputs), default=0.0)
        differences = (_difference(result, other, magnitude) for result, other in pairs)
        # What a recording gives is copied out of it.
        sharing = None if self._on_gpu else _sharing(inputs, expected, copies, results)
        self.reason = sharing or next(filter(None, differences), None)
        self._compiled[strides] = compiled
        return expected

    def _give_up(self, inputs: list, error: Exception) -> list:
        """The plain function's results. If it fails, too, then the inputs are to blame, and that failure is raised."""
        results = self._plain(*inputs)
        self.reason = _said(error)
        return results


def _copied(tensor: torch.Tensor) -> torch.Tensor:
    """A copy of the same layout, so that what is compiled for it fits the tensor; the tensor, if elements overlap."""
    if any(stride == 0 and size > 1 for size, stride in zip(tensor.shape, tensor.stride(), strict=True)):
        return tensor
    return torch.empty_strided(tensor.shape, tensor.stride(), dtype=tensor.dtype, device=tensor.device).copy_(tensor)


def _said(error: Exception) -> str:
    return f"{type(error).__name__}: {str(error).strip().splitlines()[0]}" if str(error).strip() else repr(error)


def _sharing(inputs, expected, copies, results) -> str | None:
    """Whether compiled results share memory that plain ones do not: what comes after may overwrite one of them."""
    same = _shared_memory(inputs, expected) == _shared_memory(copies, results)
    return None if same else "the compiled function's results share memory"


def _shared_memory(inputs: list[torch.Tensor], results: list[torch.Tensor]) -> list[tuple[int, bool]]:
    """For each result, the first one that has the same memory, and whether an input has it."""
    given = {value.untyped_storage().data_ptr() for value in inputs}
    memories = [value.untyped_storage().data_ptr() or -i for i, value in enumerate(results, 1)]
    return [(memories.index(memory), memory in given) for memory in memories]


def _greatest(tensor: torch.Tensor) -> float:
    """The greatest absolute value of a float tensor's finite numbers; 0 for other types."""
    if not tensor.is_floating_point() or not tensor.numel():
        return 0.0
    return torch.where(tensor.isfinite(), tensor, 0).abs().max().item()


def _layout(tensor: torch.Tensor) -> list[int]:
    """The strides that say something: those of dimensions with more than one place."""
    return [stride for size, stride in zip(tensor.shape, tensor.stride(), strict=True) if size > 1]


def _difference(result: torch.Tensor, expected: torch.Tensor, magnitude: float) -> str | None:
    """How a compiled function's result differs from the plain one's; None if it does not.

    Args:
      result, expected: what the two gave.
      magnitude: the greatest number that the functions took. Results far below may be all rounding.
    """
    if result.dtype != expected.dtype or result.shape != expected.shape or _layout(result) != _layout(expected):
        return (f"the compiled function gave {result.dtype} {tuple(result.shape)} {result.stride()}, not "
                f"{expected.dtype} {tuple(expected.shape)} {expected.stride()}")  # fmt: skip
    if not expected.is_floating_point():
        return None if torch.equal(result, expected) else "the compiled function gave other values"
    finite = expected.isfinite()
    if not torch.equal(result.isfinite(), finite) or not torch.equal(result.isnan(), expected.isnan()):
        return "the compiled function gave other infinities or NaNs"
    allowed = _TOLERANCE * _greatest(expected) + torch.finfo(expected.dtype).eps * magnitude
    apart = _greatest(result - expected)
    return f"the compiled function's values are {apart:.1e} off" if apart > allowed else None
