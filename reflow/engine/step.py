"""A step: one combination of fetches and feeds of a session, compiled for the shapes that are fed."""

import threading
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from reflow.autodiff import paused_garbage_collection
from reflow.engine import allocator, failures, pipeline
from reflow.engine.aliases import memory_roots, roots_of
from reflow.engine.emit import Emitted, Emitter
from reflow.engine.plan import Plan, Value, build_plan
from reflow.graph import dtypes
from reflow.graph.operation import Operation, Tensor
from reflow.ops.resources import ResourceManager
from reflow.ops.torch_types import array_of

# After so many different fed shapes a step is compiled once for any shape, and no more for single ones.
_SHAPES_PER_STEP = 6
_inference_mode = torch._C._InferenceMode
allocator.keep_freed_memory()
# As TensorFlow's executor does, a step takes numbers too small to be normal for zero: some processors need a hundred
# times longer for them.
_flush_denormals = torch.set_flush_denormal


# Asking for their number settles it for the thread that runs the step: without, libraries that start threads by
# themselves would take all cores there, and add up in another order than in the program's first thread.
_settle_threads = torch.get_num_threads


def _start_worker_threads() -> None:
    """Let torch start its worker threads now: they inherit the setting from the thread that first wants them."""
    _flush_denormals(True)
    torch.zeros(1 << 17).add_(1)
    _flush_denormals(False)


_start_worker_threads()


def use_threads(count: int) -> None:
    """Let kernels run on `count` threads, in the whole process, as the first session of a TensorFlow process says."""
    if count != torch.get_num_threads():
        torch.set_num_threads(count)
        _start_worker_threads()


# Called with every plan that is compiled: how `reflow explain` watches a program.
observers: list[Callable[["Compiled"], None]] = []


class Step:
    """Compiled plans of one set of fetches, targets and feeds.

    Args:
      fetched: tensors whose values `run` returns.
      targets: operations that run for their effect.
      fed: tensors whose values `run` is given.
      resources: the session's state.
      options: how to compile (a `pipeline.Options`).
    """

    def __init__(self, fetched: list[Tensor], targets: list[Operation], fed: list[Tensor],
                 resources: ResourceManager, options: pipeline.Options):  # fmt: skip
        self._fetched, self._targets, self._fed = fetched, targets, fed
        self._resources = resources
        self._options = options
        self._lock = threading.Lock()
        self._by_shape: dict[tuple, Compiled] = {}
        self._any_shape: Compiled | None = None
        # Positions of the feeds whose static shape leaves something open.
        self._open = [i for i, t in enumerate(fed) if t.dims is None or None in t.dims]

    def run(self, values: list) -> list:
        """The fetched values, given the fed ones (torch tensors or string arrays)."""
        return self.compiled(values).run(values)

    def compiled(self, values: list) -> "Compiled":
        """The compiled plan for fed values of these shapes."""
        key = tuple([tuple(values[i].shape) for i in self._open]) if self._open else ()
        found = self._by_shape.get(key)
        if found is None:
            found = self._compile_for(key, values)
        return found

    def _compile_for(self, key: tuple, values: list) -> "Compiled":
        with self._lock:
            if key in self._by_shape:
                return self._by_shape[key]
            if len(self._by_shape) >= _SHAPES_PER_STEP:
                if self._any_shape is None:
                    self._any_shape = self._compile({})
                return self._any_shape
            shapes = {self._fed[i]: tuple(values[i].shape) for i in self._open}
            compiled = self._by_shape[key] = self._compile(shapes)
            return compiled

    def _compile(self, shapes: dict) -> "Compiled":
        with paused_garbage_collection():
            compiled = self._compile_now(shapes)
        allocator.release_freed_memory()
        return compiled

    def _compile_now(self, shapes: dict) -> "Compiled":
        plan = build_plan(self._fetched, self._targets, self._fed)
        for tensor, value in zip(self._fed, plan.feeds, strict=True):
            value.dims = shapes.get(tensor, value.dims)
        plan = pipeline.optimize(plan, self._options)
        if len({node.device for node in plan.nodes}) > 1:
            from reflow.engine.parallel import CompiledParts

            compiled: Compiled = CompiledParts(plan, self._resources, self._options.lossy_transfers)
        else:
            compiled = Compiled(plan, emit_plan(plan, plan, self._resources))
        for observe in observers:
            observe(compiled)
        return compiled

    def plan(self) -> "Compiled":
        """The compiled plan that ran last, or one for any shape if none ran."""
        if self._by_shape:
            return next(reversed(self._by_shape.values()))
        with self._lock:
            return self._any_shape or self._compile({})


def emit_plan(part: Plan, whole: Plan, resources: ResourceManager) -> Emitted:
    """Emit a plan, or one device's part of it, with the segments that the JIT compiles."""
    return Emitter(part if whole.jit is None else whole.jit.segmented(part), resources).emit()


class Compiled:
    """An emitted function with the conversion of its results to what the user gets."""

    def __init__(self, plan: Plan, emitted: Emitted):
        self.plan = plan
        self.emitted = emitted
        self._function = emitted.function
        self._converters = _converters(plan)

    @property
    def source(self) -> str:
        """The Python source of the step."""
        return self._segment_sources() + self.emitted.source

    @property
    def parts(self) -> list[Plan]:
        """What runs, one plan a device."""
        return [self.plan] if self.plan.nodes else []

    def _segment_sources(self) -> str:
        return "".join(f"{segment.source}\n" for segment in self.plan.jit.segments) if self.plan.jit else ""

    def emitted_by(self, emit: Callable[[Plan], Emitted]) -> "Compiled":
        """The same plan, emitted by `emit`."""
        return Compiled(self.plan, emit(self.plan))

    def run(self, values: list) -> list:
        """Call the function and convert its results.

        Raises:
          errors.OpError: if a kernel fails; the message names the node and the user's line.
        """
        guard = _inference_mode(True)
        _flush_denormals(True)
        _settle_threads()
        try:
            results = self._function(*values)
        except BaseException as error:
            translated = failures.translate(error, self.emitted)
            if translated is error:
                raise
            raise translated from error
        finally:
            _flush_denormals(False)
            del guard
        return [convert(result) for convert, result in zip(self._converters, results, strict=True)]

    def timed(self, values: list) -> tuple[list, float]:
        """As `run`; also returns the seconds it took."""
        start = time.perf_counter()
        results = self.run(values)
        return results, time.perf_counter() - start


# --- results ----------------------------------------------------------------------------------------------------------


def _fresh_array(tensor):
    return tensor.numpy() if tensor.is_contiguous() else tensor.contiguous().numpy()


def _copied_array(tensor):
    return tensor.numpy().copy() if tensor.is_contiguous() else tensor.contiguous().numpy().copy()


def _scalar(tensor):
    return tensor.numpy()[()]


def _general(tensor):
    """Any value: strings, types NumPy lacks, tensors on other devices, and ranks that only the run tells."""
    array: Any = array_of(tensor)
    if not isinstance(array, np.ndarray):
        return array
    if array.ndim == 0:
        return array[()]
    return np.array(array, order="C")


def _converters(plan: Plan) -> list:
    """For each fetch, the function from the emitted function's result to what `Session.run` returns."""
    shared = _may_share_memory(plan)
    return [_converter(value, share) for value, share in zip(plan.fetches, shared, strict=True)]


def _converter(value: Value, may_share: bool):
    dtype = value.dtype.base_dtype
    if dtype in (dtypes.string, dtypes.resource, dtypes.variant, dtypes.bfloat16) or value.dims is None:
        return _general
    # Quantized numbers come as plain integers.
    if dtype.is_complex or dtype.is_quantized:
        return _general
    if value.dims == ():
        return _scalar
    return _copied_array if may_share else _fresh_array


def _may_share_memory(plan: Plan) -> list[bool]:
    """For each fetch, whether its memory may be a feed's, a constant's, a variable's, or an earlier fetch's."""
    roots = memory_roots(plan)
    answers: list[bool] = []
    seen: set = set()
    for value in plan.fetches:
        found = roots_of(value, roots)
        foreign = any(r.node.type in ("Const", "_Feed") or r.is_state for r in found)
        answers.append(foreign or not seen.isdisjoint(found))
        seen |= found
    return answers
