"""What the name of a module below `tensorflow.` stands for: a public namespace, a proto module, or a legacy module."""

import functools
import importlib
from types import ModuleType

from reflow.compat import modules
from reflow.compat.modules import MODULES, SOURCES
from reflow.graph.export import EXPORTS
from reflow.namespace import Namespace

# Trees of TensorFlow's own that have no public names: here only the table counts.
_PRIVATE_TREES = ("python", "core", "examples")
_MISSING = object()


def resolve(path: str) -> ModuleType | None:
    """The module that `tensorflow.<path>` stands for.

    Args:
      path: a dotted path such as "nn", "python.ops.array_ops" or "core.framework.graph_pb2".

    Returns:
      A module, or None if Reflow has nothing under that path.
    """
    tree = path.partition(".")[0]
    if tree == "core":
        return _proto_module(path)
    if tree not in _PRIVATE_TREES and (found := public_module(path)) is not None:
        return found
    if path in SOURCES:
        return _module_of_row(path)
    alias = _public_alias(path)
    return public_module(alias) if alias is not None else None


def _module_of_row(path: str) -> ModuleType:
    sources = SOURCES[path]
    if len(sources) == 1 and sources[0].startswith("@"):
        # The module itself, so that what a program sets in it (`deprecation._PRINT_DEPRECATION_WARNINGS`) counts.
        return importlib.import_module(sources[0].removeprefix("@"))
    return LegacyModule(path)


def root() -> ModuleType:
    """The package's root module, which holds the public names."""
    return importlib.import_module("reflow")


def public_module(path: str) -> ModuleType | None:
    """The public namespace at a dotted path below the root; None for anything else, such as `reflow.engine`."""
    module: ModuleType | None = root()
    for name in path.split(".") if path not in ("", ".") else []:
        module = getattr(module, name, None)
        if not isinstance(module, ModuleType) or isinstance(module, LegacyModule):
            return None
    is_public = isinstance(module, Namespace) or module is root() or EXPORTS.get(path) is module
    return module if is_public else None


def _public_alias(path: str) -> str | None:
    """The public namespace that a private path follows by a rule.

    - `contrib.NAME.python.…` holds what `contrib.NAME` exports;
    - `python.keras.…` is `keras.…`.

    What stands in a module of the table is no module.
    """
    if path.rpartition(".")[0] in MODULES:
        return None
    parts = path.split(".")
    if parts[0] == "contrib" and "python" in parts[2:]:
        return ".".join(parts[: parts.index("python")])
    if parts[:2] == ["python", "keras"]:
        return ".".join(parts[1:])
    return None


@functools.cache
def _proto_module(path: str) -> ModuleType | None:
    """The message classes of `core.….NAME_pb2`; an empty package for the folders above."""
    if not path.endswith("_pb2"):
        return LegacyModule(path) if path in _CORE_FOLDERS else None
    stem = path.rpartition(".")[2].removesuffix("_pb2")
    try:
        return importlib.import_module(f"tensorboard.compat.proto.{stem}_pb2")
    except ModuleNotFoundError:
        return _own_proto_module(stem)


_CORE_FOLDERS = (
    "core",
    "core.example",
    "core.framework",
    "core.lib",
    "core.lib.core",
    "core.protobuf",
    "core.util",
)


def _own_proto_module(stem: str) -> ModuleType | None:
    from reflow.files import protos

    if stem not in protos.stems():
        return None
    module = ModuleType(f"reflow.files.protos.{stem}_pb2", f"The messages of {stem}.proto.")
    vars(module).update(vars(protos.load(stem)))
    return module


class LegacyModule(ModuleType):
    """A module of TensorFlow's own source tree, as far as Reflow offers its names.

    Args:
      path: its path below "tensorflow.", a key of `modules.SOURCES` or a folder of protos.
    """

    def __init__(self, path: str):
        super().__init__(f"tensorflow.{path}", f"Names of TensorFlow's tensorflow/{path.replace('.', '/')}.")
        self.__path__: list[str] = []
        # The message of a failed `from … import …` names this file: there a missing name can be added.
        self.__file__ = modules.__file__
        self._legacy_path = path

    def __getattr__(self, name: str):
        if name == "__all__":
            return [public for public in dir(self) if not public.startswith("_")]
        # Import machinery and inspection probe for dunder names; none of them is ours to invent.
        value = _MISSING if name.startswith("__") else _look_up(self._legacy_path, name)
        if value is _MISSING:
            problem = f"module {self.__name__!r} has no attribute {name!r}: Reflow offers no such name there"
            raise AttributeError(problem, name=name, obj=self)
        # The next look-up finds it without asking.
        setattr(self, name, value)
        return value

    def __dir__(self):
        prefix = f"{self._legacy_path}."
        below = [path.removeprefix(prefix) for path in (*SOURCES, *EXPORTS) if path.startswith(prefix)]
        names = {path.partition(".")[0] for path in below}
        for source in SOURCES.get(self._legacy_path, ()):
            names.update(_names_of(source))
        return sorted(names | set(super().__dir__()))

    def __repr__(self):
        return f"<module {self.__name__!r} as Reflow offers it>"


def _look_up(path: str, name: str):
    """A name of the legacy module at `path`, or _MISSING."""
    if resolve(f"{path}.{name}") is not None:
        return importlib.import_module(f"tensorflow.{path}.{name}")
    value = EXPORTS.get(f"{path}.{name}", _MISSING)
    for source in SOURCES.get(path, ()):
        if value is not _MISSING:
            break
        value = _look_up_in(source, name)
    return value


def _look_up_in(source: str, name: str):
    if source.startswith("@"):
        return getattr(importlib.import_module(source.removeprefix("@")), name, _MISSING)
    namespace = public_module(source)
    if source == "raw_ops" and namespace is not None:
        return _raw_op(namespace, name)
    if namespace is None or name.startswith("_") or not _is_public(namespace, name):
        return _MISSING
    return getattr(namespace, name)


def _is_public(namespace: ModuleType, name: str) -> bool:
    # The root holds the package's rooms beside the public names.
    return hasattr(namespace, name) if isinstance(namespace, Namespace) else name in EXPORTS


def _names_of(source: str) -> list[str]:
    if source.startswith("@"):
        return dir(importlib.import_module(source.removeprefix("@")))
    namespace = public_module(source)
    if isinstance(namespace, Namespace):
        return namespace.__all__
    return [name for name in EXPORTS if "." not in name] if namespace is not None else []


def _raw_op(raw_ops: ModuleType, name: str):
    """The function of `raw_ops` that a generated module calls `name`: `BiasAddGrad` for "bias_add_grad".

    TensorFlow's rule for the underscores has exceptions ("in_top_kv2"), so they are left out of the comparison.
    """
    squashed = name.replace("_", "")
    matches = (value for public, value in vars(raw_ops).items() if public.lower() == squashed)
    return next(matches, _MISSING)
