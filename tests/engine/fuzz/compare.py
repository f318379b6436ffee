"""Runs a recipe in several ways and compares: what a pass may change of a step's results is rounding."""

from dataclasses import dataclass, field

import numpy as np

import reflow as tf
from reflow.engine import pipeline
from reflow.engine.jit.request import Request
from tests.engine.fuzz.recipes import Program, Recipe

PASSES = [name for name, _ in (*pipeline.PASSES_BEFORE_PLACEMENT, *pipeline.PASSES, *pipeline.SCHEDULED_PASSES)]
_ROUNDS = 2


@dataclass(frozen=True)
class Way:
    """How a session compiles its steps. `jit` is "", "all" (of a step) or "scopes" (some of a recipe's steps)."""

    disabled: frozenset[str] = frozenset()
    recompute: bool = False
    devices: int = 1
    jit: str = ""
    verify: bool = True


PLAIN = Way(disabled=frozenset({"all"}))


@dataclass
class Outcome:
    """What the runs of a session gave: a list of arrays a run, or a string for an error; then all variables."""

    runs: list = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)


def outcome(program: Program, way: Way, spoil: bool = False) -> Outcome:
    """Run all of a program's runs, in turns, in one session.

    Args:
      program: the program.
      way: how to compile.
      spoil: write into what was fetched: it is the caller's own.
    """
    result = Outcome()
    config = tf.ConfigProto(device_count={"CPU": way.devices}, allow_soft_placement=True)
    with tf.Session(graph=program.graph, config=config) as session:
        session._options.disabled, session._options.verify = way.disabled, way.verify
        session._options.recompute = way.recompute
        session._options.jit = Request(everything=way.jit == "all", forbidden=not way.jit)
        session.run(program.initializer)
        for number in range(_ROUNDS * len(program.recipe.runs)):
            result.runs.append(_one_run(session, program, number, result.complaints, spoil))
        result.runs.append(session.run(program.variables))
    return result


def _one_run(session, program: Program, number: int, complaints: list[str], spoil: bool):
    fetches, fed = program.recipe.runs[number % len(program.recipe.runs)]
    feeds = {**program.feeds, **{program.value(v): program.feed_of(v) for v in fed}}
    before = {tensor: array.copy() for tensor, array in feeds.items()}
    try:
        fetched = session.run([program.value(v) for v in fetches], feeds)
    except tf.errors.OpError as error:
        return f"{type(error).__name__}: {error.message.splitlines()[0]}"
    for tensor, array in feeds.items():
        if not np.array_equal(array, before[tensor], equal_nan=True):
            complaints.append(f"run {number} changed the array fed for {tensor.name}")
    kept = [None if array is None else np.array(array) for array in fetched]
    if spoil:
        for array in fetched:
            if isinstance(array, np.ndarray):
                array.fill(77)
    return kept


def difference(got: Outcome, want: Outcome, shaken: Outcome | None) -> str | None:
    """How an outcome differs from the one it should equal; None if it does not.

    Args:
      shaken: what slightly other numbers lead to: by how much rounding may be magnified. None demands equal bits.
    """
    for number, (mine, theirs) in enumerate(zip(got.runs, want.runs, strict=True)):
        if isinstance(mine, str) or isinstance(theirs, str):
            if not (isinstance(mine, str) and isinstance(theirs, str) and _same_error(mine, theirs)):
                return f"run {number}: {_named(mine)}, not {_named(theirs)}"
            continue
        others = shaken.runs[number] if shaken is not None else theirs
        if isinstance(others, str):
            continue
        for position, (a, b, c) in enumerate(zip(mine, theirs, others, strict=True)):
            said = _array_difference(a, b, c, shaken is None)
            if said:
                return f"run {number}, fetch {position}: {said}"
    return got.complaints[0] if got.complaints else None


def _named(run) -> str:
    return run if isinstance(run, str) else "arrays"


def _same_error(mine: str, theirs: str) -> bool:
    """Equal classes: which of several nodes fails first is open."""
    return mine.partition(":")[0] == theirs.partition(":")[0]


def _array_difference(a, b, shaken, exactly: bool) -> str | None:
    if a is None or b is None:
        return None if a is b else "not the same kind of fetch"
    if a.dtype != b.dtype or a.shape != b.shape:
        return f"{a.dtype}{a.shape}, not {b.dtype}{b.shape}"
    if exactly:
        return None if np.array_equal(a, b, equal_nan=a.dtype.kind == "f") else "other bits"
    if a.dtype.kind != "f":
        changes = not np.array_equal(b, shaken)
        return None if changes or np.array_equal(a, b) else f"{a} not {b}"
    if not np.array_equal(np.isfinite(b), np.isfinite(shaken)):
        return None
    finite = np.isfinite(b)
    if not np.array_equal(np.isfinite(a), finite) or not np.array_equal(a[~finite], b[~finite], equal_nan=True):
        return "other infinities or NaNs"
    if not finite.any():
        return None
    apart, shake = np.abs(a - b)[finite].max(), np.abs(shaken - b)[finite].max()
    allowed = 2e-6 + 3e-5 * np.abs(b[finite]).max() + 100 * shake
    return f"{apart:.2e} off, {allowed:.2e} allowed" if apart > allowed else None


# --- what is compared -------------------------------------------------------------------------------------------------


def check(recipe: Recipe, ways: list[Way]) -> str | None:
    """What is wrong with the ways to run a recipe, against the plain way; None if nothing is."""
    program = Program(recipe, scopes=any(way.jit == "scopes" for way in ways))
    plain = outcome(program, PLAIN)
    shaken = outcome(Program(recipe, perturb=1e-6), PLAIN)
    for way in ways:
        got = outcome(program, way, spoil=True)
        said = difference(got, plain, shaken)
        if said:
            return f"{way}: {said}"
        # The first call of a compiled segment gives the plain results, which differ from later ones by rounding.
        if way == ways[0] and not way.jit and (said := difference(outcome(program, way), got, None)):
            return f"{way}, run twice: {said}"
    return None


def ways_of(seed: int, thorough: bool, devices: int = 1) -> list[Way]:
    """All passes; then one pass off or, thoroughly, each; some passes off; recomputation; several devices."""
    random = np.random.RandomState(seed)
    off = PASSES if thorough else [PASSES[random.randint(len(PASSES))]]
    some = frozenset(name for name in PASSES if random.rand() < 0.5)
    return [Way(devices=devices), *(Way(frozenset({name}), devices=devices) for name in off),
            Way(some, devices=devices), Way(recompute=True, devices=devices)]  # fmt: skip
