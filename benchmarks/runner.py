"""Measuring one case: all its contenders alive together, in short rounds that take turns."""

import time
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from statistics import median

from benchmarks.cases import PRODUCT
from benchmarks.channel import Worker, WorkerError
from benchmarks.contenders import contenders, missing
from benchmarks.devices import CPU

# Thread pools spin for a while after their last task; let them fall asleep before the next contender's turn.
PAUSE_SECONDS = 0.2
# Operations have short rounds, and the wait may be, too.
OP_PAUSE_SECONDS = 0.05
PRODUCT_SECONDS = 0.2


@dataclass
class Samples:
    """What a contender gave in one case: seconds of a step by metric and round (medians), or why it failed."""

    rounds: dict = field(default_factory=dict)
    version: str = ""
    facts: dict = field(default_factory=dict)
    memory: int | None = None
    error: str | None = None

    def add(self, measured):
        for metric, values in measured.items():
            self.rounds.setdefault(metric, []).append(median(values))


class Crew:
    """Worker processes by contender, started when they are first asked for; a context manager that ends them."""

    def __init__(self):
        self._workers = {}

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        for name in list(self._workers):
            self.dismiss(name)

    def worker(self, contender):
        """The running worker of a contender."""
        if contender.name not in self._workers:
            self._workers[contender.name] = Worker(contender)
        return self._workers[contender.name]

    def dismiss(self, name):
        """End a contender's worker; the next that is asked for is a fresh one."""
        if name in self._workers:
            self._workers.pop(name).__exit__()


def measure(case, names, rounds, seconds, progress=lambda done, total: None, crew=None, device=CPU):
    """Measure a case.

    Args:
        case: a `Case`.
        names: contenders to measure; those that the case does not have are left out.
        rounds: measured rounds of each contender (`case.rounds` caps it).
        seconds: length of a round; it has at least one step.
        progress: called with the number of rounds done and of all.
        crew: the `Crew` whose workers measure; by default one for this case alone.
        device: "cpu" or "gpu".

    Returns:
        {contender's name: Samples}; for a model, `product` is the machine's matrix product, measured in turn with them.
    """
    table = contenders(device)
    entrants = [table[name] for name in names if table[name].implementation in case.implementations]
    results = {contender.name: Samples(error=missing(contender)) for contender in entrants}
    entrants = [contender for contender in entrants if results[contender.name].error is None]
    if case.is_model:
        machine = replace(table["torch"], name=PRODUCT.name, title="product")
        entrants.append(machine)
        results[machine.name] = Samples()
    rounds = min(rounds, case.rounds or rounds)
    with ExitStack() as stack:
        crew = crew or stack.enter_context(Crew())
        workers = _prepare(crew, case, entrants, results)
        for turn in range(rounds):
            _round(workers, turn, seconds, results, OP_PAUSE_SECONDS if case.is_op else PAUSE_SECONDS)
            progress(turn + 1, rounds)
        _finish(workers, case, results)
        for name, result in results.items():
            if result.error is not None:
                crew.dismiss(name)
    return results


def _guard(function, worker, results, *arguments):
    """Call `function(worker, its samples, ...)`: True, or False when the worker failed; the others go on."""
    try:
        function(worker, results[worker.contender.name], *arguments)
        return True
    except WorkerError as error:
        results[worker.contender.name].error = str(error)
        return False


def _prepare(crew, case, entrants, results):
    """Start and prepare all workers at the same time; returns those that could."""
    workers = [crew.worker(contender) for contender in entrants]
    workers = [worker for worker in workers if _guard(_send_case, worker, results, case)]
    return [worker for worker in workers if _guard(_receive_version, worker, results)]


def _send_case(worker, result, case):
    worker.send("prepare", case=PRODUCT.name if worker.contender.name == PRODUCT.name else case.name)


def _receive_version(worker, result):
    result.version = worker.receive()["version"]


def _round(workers, turn, seconds, results, pause):
    """One round of every worker; who begins rotates, and a worker that fails is removed from `workers`."""
    start = turn % len(workers) if workers else 0
    for worker in workers[start:] + workers[:start]:
        time.sleep(pause)
        length = PRODUCT_SECONDS if worker.contender.name == PRODUCT.name else seconds
        if not _guard(_measure, worker, results, length):
            workers.remove(worker)


def _measure(worker, result, seconds):
    result.add(worker.call("measure", seconds=seconds))


def _finish(workers, case, results):
    for worker in workers:
        _guard(_describe, worker, results, case)


def _describe(worker, result, case):
    result.facts = worker.call("facts")
    if case.is_model and worker.contender.name != PRODUCT.name:
        result.memory = worker.call("memory")
