"""Cuts a failing recipe down, step by step, to one that fails in the same way and is short enough to read."""

import copy
from collections.abc import Callable

from tests.engine.fuzz.recipes import Recipe, Step, Value


def minimized(recipe: Recipe, fails: Callable[[Recipe], bool]) -> Recipe:
    """The shortest recipe found for which `fails` holds; steps that are cut out are replaced by placeholders."""

    def attempt(candidate: Recipe) -> bool:
        try:
            return fails(candidate)
        except Exception:
            return False

    changed = True
    while changed:
        changed = False
        for candidate in _shorter(recipe):
            candidate = _without_unused(candidate)
            if _length(candidate) < _length(recipe) and attempt(candidate):
                recipe, changed = candidate, True
                break
    return recipe


def _length(recipe: Recipe) -> tuple:
    steps = sum(step.name not in ("leaves", "placeholder") for step in recipe.steps)
    extras = sum(len(s.after) + (s.device is not None) for s in recipe.steps)
    return steps, sum(len(f) + len(fed) for f, fed in recipe.runs) + extras, len(recipe.steps), recipe.open_shapes


def _shorter(recipe: Recipe):
    for i in range(len(recipe.runs)):
        if len(recipe.runs) > 1:
            yield Recipe(recipe.steps, recipe.runs[:i] + recipe.runs[i + 1 :], recipe.open_shapes)
    for step in recipe.steps:
        for i, (kind, _, _) in enumerate(step.outputs):
            if kind == "tensor":
                yield Recipe(recipe.steps, [([(step.number, i)], [])], recipe.open_shapes)
    for i, (fetches, fed) in enumerate(recipe.runs):
        for j in range(len(fed)):
            yield _with_run(recipe, i, fetches, fed[:j] + fed[j + 1 :])
        for size in (len(fetches) // 2, 1):
            for j in range(0, len(fetches), max(size, 1)):
                left = fetches[:j] + fetches[j + size :]
                if size and left:
                    yield _with_run(recipe, i, left, fed)
    for step in reversed(recipe.steps):
        if step.name not in ("leaves", "placeholder", "variable") and all(k[0] == "tensor" for k in step.outputs):
            yield _with_step(recipe, Step(step.number, "leaves", [], {}, step.outputs))
        if step.name == "variable":
            yield _with_step(recipe, Step(step.number, "leaves", [], {}, step.outputs))
    for step in recipe.steps:
        for change in [{"after": []}, {"device": None}]:
            name, value = next(iter(change.items()))
            if getattr(step, name) != value:
                yield _with_step(recipe, _changed(step, name, value))
    if recipe.open_shapes:
        yield Recipe(recipe.steps, recipe.runs, 0)


def _changed(step: Step, name: str, value) -> Step:
    step = copy.copy(step)
    setattr(step, name, value)
    return step


def _with_run(recipe: Recipe, i: int, fetches: list[Value], fed: list[Value]) -> Recipe:
    return Recipe(recipe.steps, [*recipe.runs[:i], (fetches, fed), *recipe.runs[i + 1 :]], recipe.open_shapes)


def _with_step(recipe: Recipe, new: Step) -> Recipe:
    steps = [new if step.number == new.number else step for step in recipe.steps]
    return Recipe(steps, recipe.runs, recipe.open_shapes)


def _without_unused(recipe: Recipe) -> Recipe:
    """Without the steps that nothing which is run depends on."""
    by_number = {step.number: step for step in recipe.steps}
    needed: set[int] = set()
    stack = [v[0] for fetches, fed in recipe.runs for v in (*fetches, *fed)]
    while stack:
        number = stack.pop()
        if number not in needed:
            needed.add(number)
            stack += [v[0] for v in by_number[number].inputs] + [n for n in by_number[number].after if n in by_number]
    return Recipe([s for s in recipe.steps if s.number in needed], recipe.runs, recipe.open_shapes)
