"""`reflow.install()`: from then on `import tensorflow`, and everything below it, finds Reflow."""

import importlib
import importlib.abc
import importlib.machinery
import sys
from types import ModuleType

from reflow.compat import legacy_module, numpy_names
from reflow.graph.export import export

_TOP = "tensorflow"
_PREFIX = f"{_TOP}."


class TensorFlowFinder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Answers for `tensorflow` and every name below it.

    A module that is asked for takes its place in `sys.modules` under the legacy name; the same object may stand
    there under its own name too, so `tensorflow.nn` is `reflow.nn`.
    """

    def find_spec(self, fullname, path=None, target=None):
        """The spec of a module below `tensorflow`; None for any other name.

        Raises:
          ModuleNotFoundError: if Reflow has no such module. (None would let Python search Reflow's own folder.)
        """
        if fullname != _TOP and not fullname.startswith(_PREFIX):
            return None
        module = legacy_module.root() if fullname == _TOP else legacy_module.resolve(fullname.removeprefix(_PREFIX))
        if module is None:
            raise ModuleNotFoundError(f"No module named {fullname!r}: Reflow offers no such module", name=fullname)
        return importlib.machinery.ModuleSpec(fullname, self, origin="Reflow", loader_state=module, is_package=True)

    def create_module(self, spec):
        """Leaves the making of an empty module to Python; `exec_module` replaces it."""
        return

    def exec_module(self, module):
        """Puts the module that the name stands for into `sys.modules`, where Python takes it from."""
        sys.modules[module.__name__] = module.__spec__.loader_state


def _installed() -> list[TensorFlowFinder]:
    return [finder for finder in sys.meta_path if isinstance(finder, TensorFlowFinder)]


@export("install")
def install() -> ModuleType:
    """Makes `import tensorflow`, and imports from anywhere below it, resolve to Reflow in this process.

    Calling it again does nothing.

    Returns:
      The module that `import tensorflow as tf` gives.

    Raises:
      RuntimeError: if another TensorFlow has been imported already.
    """
    present = sys.modules.get(_TOP)
    if present is not None and present is not legacy_module.root():
        where = getattr(present, "__file__", None) or "an unknown place"
        raise RuntimeError(
            f"another tensorflow, from {where}, has been imported in this process already: call reflow.install() "
            "before anything imports tensorflow, or run the program with `reflow run`"
        )
    if not _installed():
        # First in line, so that a TensorFlow in the same environment is not found instead.
        sys.meta_path.insert(0, TensorFlowFinder())
    return importlib.import_module(_TOP)


@export("uninstall")
def uninstall() -> None:
    """Takes `install` back: `import tensorflow` finds what it found before. Modules that were imported stay in use."""
    for finder in _installed():
        sys.meta_path.remove(finder)
    for name in [name for name in sys.modules if name == _TOP or name.startswith(_PREFIX)]:
        del sys.modules[name]


def replace_alias_package(name: str) -> None:
    """What the package `tensorflow` of the distribution `reflow-tensorflow` calls while it is imported.

    Args:
      name: the package's name; its place in `sys.modules` goes to Reflow's root.
    """
    sys.modules.pop(name, None)
    install()
    numpy_names.restore()
