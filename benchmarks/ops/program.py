"""Timing the steps of an operation: all its rows in turn, each long enough to be told from its overhead."""

from statistics import median
from time import perf_counter

# A row's turn lasts about this long in each timed step.
TURN_SECONDS = 0.01
FEWEST, MOST = 2, 50
# What a step takes at least: on a busy machine a step of nothing can seem to take longer, and ratios need a divisor.
LEAST_SECONDS = 1e-9


class OpProgram:
    """`steps` maps a row to (function that runs a step, function that runs a step of nothing, copies in a step)."""

    def __init__(self, steps):
        self._steps = steps
        self._repeats = {row: self._repeats_of(run) for row, (run, _, _) in steps.items()}

    @staticmethod
    def _repeats_of(run):
        run()
        start = perf_counter()
        run()
        return max(FEWEST, min(MOST, int(TURN_SECONDS / (perf_counter() - start))))

    def timed_step(self):
        """{row: seconds of one copy}; what a step of nothing takes is taken off."""
        table = {}
        for row, (run, run_nothing, copies) in self._steps.items():
            repeats = self._repeats[row]
            table[row] = max(_seconds(run, repeats) - _seconds(run_nothing, repeats), LEAST_SECONDS) / copies
        return table


def _seconds(run, repeats):
    """The median of the times of some runs."""
    # Unmeasured: it fills the caches that the row before emptied.
    run()
    times = []
    for _ in range(repeats):
        start = perf_counter()
        run()
        times.append(perf_counter() - start)
    return median(times)
