"""Random programs give the same results with the rewrite passes and without, on several devices, and twice to the bit.

A seed that fails prints its recipe, cut down to what the failure needs.
"""

import pytest

from tests.engine.fuzz.compare import check, ways_of
from tests.engine.fuzz.draw import Draw
from tests.engine.fuzz.minimize import minimized
from tests.engine.fuzz.recipes import Recipe


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
