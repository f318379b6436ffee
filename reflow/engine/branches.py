"""Statements under guards, as nested `if` and `else` blocks."""

from dataclasses import dataclass

from reflow.engine.plan import Node

# The names of conditions, each with the way it has to go, outermost first.
Guard = tuple[tuple[str, bool], ...]


@dataclass(slots=True)
class Statement:
    """One line of an emitted function; `node` is what it runs, None for housekeeping."""

    text: str
    guard: Guard = ()
    node: Node | None = None


class Deletions:
    """Adds to a body the statements that free memory.

    A value made outside a branch and used last inside is freed behind the branch: it has to go on either way.
    """

    def __init__(self, body: list[Statement]):
        self._body = body
        self._waiting: list[tuple[str, Guard]] = []

    def before(self, guard: Guard) -> None:
        """The next statement stands under `guard`: free what waited for the end of a branch that this one is not in."""
        if not self._waiting:
            return
        due = [item for item in self._waiting if not set(item[1]) < set(guard)]
        self._waiting = [item for item in self._waiting if set(item[1]) < set(guard)]
        for made_under in sorted({g for _, g in due}, key=len, reverse=True):
            self._delete([name for name, g in due if g == made_under], made_under)

    def add(self, dead: list[tuple[str, Guard]], guard: Guard) -> None:
        """Free locals, each given with the guard it was made under, after a statement under `guard`."""
        self._delete([name for name, made_under in dead if made_under == guard], guard)
        self._waiting += [item for item in dead if set(item[1]) < set(guard)]
        perhaps_unmade = [name for name, made_under in dead if not set(made_under) <= set(guard)]
        if perhaps_unmade:
            self._body.append(Statement(f"{' = '.join(perhaps_unmade)} = None", guard))

    def _delete(self, names: list[str], guard: Guard) -> None:
        if names:
            self._body.append(Statement(f"del {', '.join(names)}", guard))


def indented(body: list[Statement]):
    """Yields (line, node or None) for each statement, and for the `if` and `else` lines between them."""
    current: Guard = ()
    # For each open block, whether it is an `else`.
    is_else: list[bool] = []
    for statement in body:
        guard = statement.guard
        if guard != current:
            depth = _common_depth(current, guard)
            turns = depth < min(len(current), len(guard)) and current[depth][0] == guard[depth][0]
            turns = turns and not is_else[depth]
            is_else[depth:] = [turns and level == depth for level in range(depth, len(guard))]
            for level in range(depth, len(guard)):
                name, way = guard[level]
                line = "else:" if is_else[level] else f"if {'' if way else 'not '}{name}:"
                yield f"{'    ' * level}{line}", None
            current = guard
        yield f"{'    ' * len(guard)}{statement.text}", statement.node


def _common_depth(a: Guard, b: Guard) -> int:
    depth = 0
    while depth < min(len(a), len(b)) and a[depth] == b[depth]:
        depth += 1
    return depth
