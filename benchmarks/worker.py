"""One implementation in a process of its own, driven over pipes: `python -m benchmarks.worker IMPLEMENTATION`.

A request is a line of JSON on standard input, {"call": name, ...arguments}; the answer is a line on standard output,
{"ok": result} or {"error": message, "traceback": text}. Whatever else is printed goes to standard error.
"""

import gc
import json
import os
import sys
import traceback
from time import perf_counter

from benchmarks import devices, implementations
from benchmarks.cases import CASES, PRODUCT, prepare_model

# A step this much shorter than a round is run once unmeasured, to fill the caches that other processes emptied.
SHORT_STEP = 0.2


def resident_bytes(field):
    """A memory figure of this process: `VmRSS` (now) or `VmHWM` (the peak)."""
    with open("/proc/self/status") as status:
        line = next(line for line in status if line.startswith(field + ":"))
    return int(line.split()[1]) * 1024


class Worker:
    """The calls that a runner makes. `prepare` or `losses` comes first."""

    def __init__(self, name):
        self._name = name
        self._program = None
        self._framework = None
        self._loaded_bytes = 0
        self._last_step = 0.0

    def _load(self):
        self._framework = implementations.load(self._name)
        self._loaded_bytes = resident_bytes("VmRSS")

    def prepare(self, case, batch=None):
        """Build a case's program and run its first step; returns facts about it."""
        case = PRODUCT if case == PRODUCT.name else CASES[case]
        self._program = None
        gc.collect()
        if case.name != "import":
            self._load()
        self._program = case.prepare(self._name, self._framework, batch)
        if case.is_model or case is PRODUCT:
            self._program.step()
        return {"version": str(getattr(self._framework, "__version__", ""))}

    def measure(self, seconds):
        """Run steps for `seconds`, at least one; returns {metric: [seconds of a step, ...]}."""
        if self._last_step < SHORT_STEP * seconds and hasattr(self._program, "step"):
            self._program.step()
        timed_step = getattr(self._program, "timed_step", self._timed_step)
        samples = {}
        end = perf_counter() + seconds
        while not samples or perf_counter() < end:
            start = perf_counter()
            times = timed_step()
            self._last_step = perf_counter() - start
            for metric, value in times.items():
                samples.setdefault(metric, []).append(value)
        return samples

    def _timed_step(self):
        start = perf_counter()
        self._program.step()
        return {"": (perf_counter() - start) / getattr(self._program, "runs", 1)}

    def facts(self):
        """What the program tells about itself, such as the number of operations in its graph."""
        return getattr(self._program, "facts", {})

    def memory(self):
        """Bytes at the peak of one more step, less those after importing the framework; on a GPU, of its tensors."""
        if devices.chosen() == devices.GPU:
            return devices.peak_bytes(self._program.step, self._framework if self._name == "jax" else None)
        # Writing 5 there sets the peak back to what is resident now (proc(5)).
        with open("/proc/self/clear_refs", "w") as clear:
            clear.write("5")
        self._program.step()
        return resident_bytes("VmHWM") - self._loaded_bytes

    def losses(self, case, count, batch=None):
        """The losses of the first `count` training steps of a model."""
        self._load()
        model = CASES[case].model
        program = prepare_model(self._name, self._framework, model, "train", batch or model.batch)
        return [program.loss() for _ in range(count)]


def answer(worker, line):
    """The answer to one request, as a dictionary."""
    request = json.loads(line)
    try:
        return {"ok": getattr(worker, request.pop("call"))(**request)}
    except Exception as error:
        return {"error": f"{type(error).__name__}: {error}", "traceback": traceback.format_exc()}


def main():
    implementations.limit_cpus()
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    worker = Worker(sys.argv[1])
    for line in sys.stdin:
        answers.write(json.dumps(answer(worker, line)) + "\n")
        answers.flush()


if __name__ == "__main__":
    main()
