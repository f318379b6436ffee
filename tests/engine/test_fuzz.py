"""Random programs give the same results with the rewrite passes and without, on several devices, and twice to the bit.

A seed that fails prints its recipe, cut down to what the failure needs.
"""

import pytest

from reflow.engine import step
from reflow.engine.jit import inductor
from reflow.engine.passes import elementwise_chains, global_norm, prepack, update_by_product
from tests.engine.fuzz.compare import Way, check, ways_of
from tests.engine.fuzz.draw import Draw
from tests.engine.fuzz.minimize import minimized
from tests.engine.fuzz.recipes import Recipe


@pytest.fixture(autouse=True)
def small_is_large(monkeypatch):
    """Let passes that leave small tensors alone take them."""
    monkeypatch.setattr(update_by_product, "_LEAST_ELEMENTS", 1)
    monkeypatch.setattr(update_by_product, "_LEAST_FOR_ADAM", 1)
    monkeypatch.setattr(elementwise_chains, "_LEAST_ELEMENTS", 8)
    monkeypatch.setattr(global_norm, "_LEAST_TENSORS", 2)
    monkeypatch.setattr(prepack, "_LEAST_WEIGHTS", 1)


def _wrong(recipe: Recipe, ways) -> str | None:
    """What is wrong, or the error that came instead of an answer."""
    try:
        return check(recipe, ways)
    except Exception as error:
        return f"{type(error).__name__}: {error}"


def _kind(said: str | None) -> str | None:
    return said and said.partition(":")[0]


def _assert_right(recipe: Recipe, ways) -> None:
    said = _wrong(recipe, ways)
    if said is not None:
        small = minimized(recipe, lambda candidate: _kind(_wrong(candidate, ways)) == _kind(said))
        pytest.fail("\n".join([said, *map(repr, small.steps), f"runs: {small.runs}", str(_wrong(small, ways))]))


@pytest.mark.parametrize("seed", range(20))
def test_a_random_program(seed):
    _assert_right(Draw(seed, steps=20).recipe, ways_of(seed, thorough=False))


@pytest.mark.parametrize("seed", range(100, 110))
def test_a_random_program_on_four_devices(seed):
    _assert_right(Draw(seed, steps=20, devices=4).recipe, ways_of(seed, thorough=False, devices=4))


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("seeds", [range(start, start + 50) for start in range(1000, 1300, 50)], ids=str)
def test_random_programs_thoroughly(seeds):
    for seed in seeds:
        devices = 1 + 3 * (seed % 2)
        _assert_right(Draw(seed, steps=35, devices=devices).recipe, ways_of(seed, thorough=True, devices=devices))


@pytest.fixture
def fallbacks(monkeypatch):
    """The reasons of the segments that run op by op after all, once they have run."""
    plans = []
    monkeypatch.setattr(step, "observers", [lambda compiled: plans.append(compiled.plan)])
    return lambda: {s.reason for plan in plans if plan.jit for s in plan.jit.segments if s.reason}


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.skipif(not inductor.has_compiler(), reason="there is no C++ compiler")
@pytest.mark.parametrize("seed", range(2000, 2040))
def test_a_random_program_compiled(seed, fallbacks):
    devices = 4 if seed % 4 == 1 else 1
    way = Way(devices=devices, jit="scopes" if seed % 4 == 2 else "all")
    said = _wrong(Draw(seed, steps=20, devices=devices).recipe, [way])
    assert said is None
    assert not fallbacks()
