"""A step on several devices: one emitted function a device, run at the same time."""

import contextvars
import copy
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import torch

from reflow.engine import failures
from reflow.engine.emit import Emitted
from reflow.engine.partition import partition
from reflow.engine.passes.lossy_transfers import compress_transfers
from reflow.engine.plan import Plan
from reflow.engine.rendezvous import Rendezvous
from reflow.engine.step import Compiled, _converters, _flush_denormals, _settle_threads, emit_plan
from reflow.graph import errors
from reflow.ops.resources import ResourceManager

_pool: ThreadPoolExecutor | None = None
_pool_lock = threading.Lock()


def _threads() -> ThreadPoolExecutor:
    """Threads for the parts of steps. A part may wait for another, so there must be one for each part at work."""
    global _pool
    with _pool_lock:
        if _pool is None:
            _pool = ThreadPoolExecutor(max_workers=256, thread_name_prefix="reflow-device")
        return _pool


class CompiledParts(Compiled):
    """A plan that spans devices: its parts run in parallel and meet in a rendezvous."""

    def __init__(self, plan: Plan, resources: ResourceManager, lossy: bool = False):
        self.plan = plan
        positions = {value: i for i, value in enumerate(plan.feeds)}
        self._converters = _converters(plan)
        fetches = list(plan.fetches)
        parts = partition(plan)
        if lossy:
            compress_transfers(parts)
        # The part with the most nodes runs on the caller's thread.
        ordered = sorted(parts.items(), key=lambda item: len(item[1].nodes), reverse=True)
        self._parts = []
        where: dict = {}
        for number, (device, part) in enumerate(ordered):
            feeds = [positions[v] for v in part.feeds]
            self._parts.append((device, part, emit_plan(part, plan, resources), feeds))
            for i, value in enumerate(part.fetches):
                where.setdefault(value, (number, i))
        self._where = [where[v] for v in fetches]

    @property
    def source(self) -> str:
        """The Python source of the parts, one function a device."""
        parts = [f"# {device}\n{emitted.source}" for device, _, emitted, _ in self._parts]
        return self._segment_sources() + "\n".join(parts)

    @property
    def parts(self) -> list[Plan]:
        """What runs, one plan a device."""
        return [part for _, part, _, _ in self._parts]

    def emitted_by(self, emit: Callable[[Plan], Emitted]) -> "CompiledParts":
        """The same parts, each emitted by `emit`."""
        result = copy.copy(self)
        result._parts = [(device, part, emit(part), feeds) for device, part, _, feeds in self._parts]
        return result

    def run(self, values: list) -> list:
        """Run the parts; the first failure of any cancels the others and is raised once."""
        rendezvous = Rendezvous()
        # Each part in a context of its own, which tells it the step's time limit.
        waiting = [_threads().submit(contextvars.copy_context().run, self._run_part, part, rendezvous, values)
                   for part in self._parts[1:]]  # fmt: skip
        results = [self._run_part(self._parts[0], rendezvous, values)]
        results.extend(future.result() for future in waiting)
        if rendezvous.failure is not None:
            raise rendezvous.failure
        fetched = [results[part][i] for part, i in self._where]
        return [convert(value) for convert, value in zip(self._converters, fetched, strict=True)]

    def _run_part(self, part, rendezvous: Rendezvous, values: list):
        _, _, emitted, feeds = part
        arguments = [values[i] for i in feeds]
        if emitted.takes_rendezvous:
            arguments.insert(0, rendezvous)
        _flush_denormals(True)
        _settle_threads()
        try:
            with torch.inference_mode(), rendezvous.cancellation.watched():
                return emitted.function(*arguments)
        except BaseException as error:
            if not (isinstance(error, errors.CancelledError) and rendezvous.failure is not None):
                rendezvous.abort(failures.translate(error, emitted))
            return None
        finally:
            _flush_denormals(False)
