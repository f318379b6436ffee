"""Every public name has a docstring that speaks of all its parameters."""

import enum
import inspect
import re

import pytest

import reflow  # noqa: F401 - importing it fills the table of public names
from reflow.graph.export import EXPORTS

# These are made by the library, not by who uses it.
_MADE_BY_THE_LIBRARY = {"Operation", "Tensor", "IndexedSlicesValue"}


def _described(value):
    """Whether a public value is ours to describe: a function or class defined in the package."""
    if not (inspect.isclass(value) or inspect.isroutine(value)):
        return False
    module = getattr(value, "__module__", None) or ""
    return module.startswith("reflow.") and not module.startswith("reflow.files.protos")


def _objects():
    """Each public object once, with the shortest of its names."""
    by_identity = {}
    for name in sorted(EXPORTS, key=lambda n: (n.count("."), n)):
        if not name.startswith("raw_ops.") and _described(EXPORTS[name]):
            by_identity.setdefault(id(EXPORTS[name]), (name, EXPORTS[name]))
    return sorted(by_identity.values(), key=lambda pair: pair[0])


def parameters(value):
    """The parameters that a caller of a function or class gives by name."""
    try:
        signature = inspect.signature(value)
    except (TypeError, ValueError):
        return set()
    catch_all = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    return {p.name for p in signature.parameters.values() if p.kind not in catch_all and not p.name.startswith("_")}


def _docstrings(value):
    """The docstrings that describe the arguments: those of a class's base classes and constructors, too."""
    if not inspect.isclass(value):
        return [value.__doc__]
    ours = [c for c in value.__mro__ if c.__module__.startswith("reflow.")]
    return [c.__doc__ for c in ours] + [c.__init__.__doc__ for c in ours]


def _mentioned(docstring):
    """The public objects that a docstring names in backquotes, as in "arguments as for `scalar`"."""
    for name in re.findall(r"`(?:tf\.)?([\w.]+)`", docstring):
        yield from (value for public, value in EXPORTS.items() if public == name or public.endswith(f".{name}"))


def lacks(name, value):
    """What is missing from the docstring of a public object, in words; None if nothing is."""
    docstring = value.__doc__
    if not docstring or not docstring.strip():
        return f"{name}: no docstring"
    if name in _MADE_BY_THE_LIBRARY or isinstance(value, enum.EnumMeta):
        return None
    docstrings = [text for text in _docstrings(value) if text]
    docstrings += [other.__doc__ for other in _mentioned(docstring) if _described(other) and other.__doc__]
    # One argument needs no section if the text names it; `name`, the name of the new node, explains itself.
    missing = {p for p in parameters(value) - {"name"} if not any(re.search(rf"\b{p}\b", text) for text in docstrings)}
    return f"{name}: no word of {', '.join(sorted(missing))}" if missing else None


def test_there_are_public_names():
    assert len(_objects()) > 500


@pytest.mark.parametrize("room", sorted({value.__module__ for _, value in _objects()}))
def test_docstrings(room):
    faults = [fault for name, value in _objects() if value.__module__ == room and (fault := lacks(name, value))]
    assert not faults, "\n".join(faults)
