"""Every case is built and stepped once in the project's own environment; the peers are compared in test_losses.py."""

import pytest

from benchmarks.cases import CASES
from benchmarks.channel import Worker
from benchmarks.contenders import contenders

pytestmark = pytest.mark.slow

MODELS = [name for name, case in CASES.items() if case.is_model]
SMALL = [name for name, case in CASES.items() if not case.is_model]


@pytest.mark.parametrize("name", ["reflow", "torch"])
@pytest.mark.parametrize("case", MODELS)
def test_a_model_runs_one_step(case, name):
    with Worker(contenders()[name]) as worker:
        assert worker.call("prepare", case=case, batch=1)["version"]


@pytest.mark.parametrize("name", ["reflow", "torch"])
@pytest.mark.parametrize("case", SMALL)
def test_a_small_measurement_gives_a_time(case, name):
    contender = contenders()[name]
    if contender.implementation not in CASES[case].implementations:
        pytest.skip("not a measurement of this contender")
    with Worker(contender) as worker:
        worker.call("prepare", case=case)
        samples = worker.call("measure", seconds=0.0)
    assert samples
    assert all(time > 0 for times in samples.values() for time in times)
