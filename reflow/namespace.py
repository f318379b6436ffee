"""The public 1.x namespace: module objects built from the exported names."""

import os
import sys
from types import ModuleType

from reflow.graph.export import EXPORTS

_CONTRIB = "contrib."


class Namespace(ModuleType):
    """A public module such as `tf.nn`: it holds exported names and nothing else."""

    def __init__(self, name: str):
        super().__init__(name, f"Public names of {name}.")
        self.__all__: list[str] = []
        self.__path__: list[str] = []

    def _set(self, name: str, value) -> None:
        setattr(self, name, value)
        if not name.startswith("_"):
            self.__all__.append(name)

    def __repr__(self):
        return f"<module {self.__name__!r}>"


def assemble(root: ModuleType) -> None:
    """Put every exported name where its dotted name says, below `root`.

    Public modules become attributes of `root`; rooms of the package that have the same name (such as `reflow.train`)
    stay reachable as `sys.modules["reflow.train"]`, which is what `from reflow.train.x import y` looks at.
    What is below `contrib` waits until a program asks for it (`assemble_contrib`).
    """
    modules: dict[str, Namespace] = {}
    for dotted, value in sorted(EXPORTS.items()):
        path, _, name = dotted.rpartition(".")
        if not path:
            setattr(root, name, value)
        elif not dotted.startswith(_CONTRIB):
            _module(root, path, modules)._set(name, value)
    _mirror_compat(root, modules)


def assemble_contrib(package: ModuleType) -> None:
    """Make the package `reflow.contrib`, all of whose rooms have been imported, the public `tf.contrib`."""
    package.__class__ = Namespace
    package.__dict__["__all__"] = []
    modules: dict[str, Namespace] = {}
    for dotted, value in sorted(EXPORTS.items()):
        if dotted.startswith(_CONTRIB):
            path, _, name = dotted.removeprefix(_CONTRIB).rpartition(".")
            (_module(package, path, modules) if path else package)._set(name, value)


def _module(root: ModuleType, path: str, modules: dict[str, Namespace]) -> Namespace:
    found = modules.get(path)
    if found is None:
        full = f"{root.__name__}.{path}"
        found = modules[path] = Namespace(full)
        parent_path, _, name = path.rpartition(".")
        parent = _module(root, parent_path, modules) if parent_path else root
        setattr(parent, name, found)
        if isinstance(parent, Namespace):
            parent.__all__.append(name)
        sys.modules.setdefault(full, found)
    return found


def _mirror_compat(root: ModuleType, modules: dict[str, Namespace]) -> None:
    """`tf.compat.v1` is the whole namespace again."""
    compat = _module(root, "compat.v1", modules)
    for name, value in list(vars(root).items()):
        # The root holds the rooms of the package, too; `flags` is a module that is exported, `__version__` a name.
        public = name in EXPORTS or isinstance(value, Namespace)
        if public and name not in vars(compat):
            compat._set(name, value)


def in_reflow_command() -> bool:
    """Tells whether this process is the `reflow` command (or `python -m reflow`) rather than a program that uses it."""
    if os.path.basename(sys.argv[0] if sys.argv else "") in ("reflow", "reflow.exe"):
        return True
    options = sys.orig_argv
    return "-m" in options and options[options.index("-m") + 1 :][:1] == ["reflow"]
