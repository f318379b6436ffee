"""Measuring one case: all its contenders alive together, in short rounds that take turns."""

import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from statistics import median

from benchmarks.cases import PRODUCT
from benchmarks.channel import Worker, WorkerError
from benchmarks.contenders import Contender, contenders, missing

# Thread pools spin for a while after their last task; let them fall asleep before the next contender's turn.
PAUSE_SECONDS = 0.2
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


def measure(case, names, rounds, seconds, progress=lambda done, total: None):
    """Measure a case.

    Args:
        case: a `Case`.
        names: contenders to measure; those that the case does not have are left out.
        rounds: measured rounds of each contender (`case.rounds` caps it).
        seconds: length of a round; it has at least one step.
        progress: called with the number of rounds done and of all.

    Returns:
        {contender's name: Samples}; for a model, `product` is the machine's matrix product, measured in turn with them.
    """
    table = contenders()
    entrants = [table[name] for name in names if table[name].implementation in case.implementations]
    results = {contender.name: Samples(error=missing(contender)) for contender in entrants}
    entrants = [contender for contender in entrants if results[contender.name].error is None]
    if case.is_model:
        machine = Contender(PRODUCT.name, "product", "torch", table["torch"].python)
        entrants.append(machine)
        results[machine.name] = Samples()
    rounds = min(rounds, case.rounds or rounds)
    with ExitStack() as stack:
        workers = _prepare(stack, case, entrants, results)
        for turn in range(rounds):
            _round(workers, turn, seconds, results)
            progress(turn + 1, rounds)
        _finish(workers, case, results)
    return results


def _guard(function, worker, results, *arguments):
    """Call `function(worker, its samples, ...)`: True, or False when the worker failed; the others go on."""
    try:
        function(worker, results[worker.contender.name], *arguments)
        return True
    except WorkerError as error:
        results[worker.contender.name].error = str(error)
        return False


def _prepare(stack, case, entrants, results):
    """Start and prepare all workers at the same time; returns those that could."""
    workers = [stack.enter_context(Worker(contender)) for contender in entrants]
    workers = [worker for worker in workers if _guard(_send_case, worker, results, case)]
    return [worker for worker in workers if _guard(_receive_version, worker, results)]


def _send_case(worker, result, case):
    worker.send("prepare", case=PRODUCT.name if worker.contender.name == PRODUCT.name else case.name)


def _receive_version(worker, result):
    result.version = worker.receive()["version"]


def _round(workers, turn, seconds, results):
    """One round of every worker; who begins rotates, and a worker that fails is removed from `workers`."""
    start = turn % len(workers) if workers else 0
    for worker in workers[start:] + workers[:start]:
        time.sleep(PAUSE_SECONDS)
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
