"""Every operation that the recorded op cases (tests/goldens/*_cases.py) build under Reflow, gradients included."""

import functools
import importlib
import pathlib
import sys
import warnings

import reflow as tf

GOLDENS = pathlib.Path(__file__).parent / "goldens"


def recorded_cases():
    """Yield (graph, feeds) of each case, as far as it can be built: some cases are there to fail."""
    if str(GOLDENS) not in sys.path:
        sys.path.append(str(GOLDENS))
    recording = importlib.import_module("op_recording")
    for path in sorted(GOLDENS.glob("*_cases.py")):
        functions = getattr(getattr(importlib.import_module(path.stem), "case", None), "functions", {})
        for name, function in functions.items():
            yield _built(recording, name, function)


def _built(recording, name, function):
    with tf.Graph().as_default() as graph, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        trial = recording.Trial(tf, name)
        try:
            function(tf, trial)
        except Exception:
            return graph, {}
    return graph, trial.feeds


@functools.cache
def op_types():
    """The types of all operations in the recorded cases."""
    return {operation.type for graph, _ in recorded_cases() for operation in graph.get_operations()}
