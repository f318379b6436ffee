"""Run by Python at the start of every process below `reflow run`: makes the first `import tensorflow` install Reflow.

`reflow run` puts this folder at the head of PYTHONPATH, so that child processes are reached too. Until a process
imports tensorflow it pays for nothing but this file: in particular it does not import Reflow.
"""

import os
import sys

_HERE = os.path.dirname(os.path.abspath(__file__))


class _InstallReflowOnImport:
    """A finder that waits for `tensorflow`, installs Reflow's own finder, and steps aside."""

    def find_spec(self, fullname, path=None, target=None):
        """The spec that Reflow's finder gives for `tensorflow`; None for every other name."""
        if fullname.partition(".")[0] != "tensorflow":
            return None
        sys.meta_path.remove(self)
        importer, numpy_names = _find_modules()
        importer.install()
        numpy_names.restore()
        for finder in sys.meta_path:
            spec = finder.find_spec(fullname, path, target)
            if spec is not None:
                return spec
        return None


def _find_modules():
    """`reflow.compat`'s `importer` and `numpy_names`, of the Reflow that this file belongs to."""
    package_parent = os.path.dirname(os.path.dirname(os.path.dirname(_HERE)))
    # Last in line: a checkout that was never installed is found, an installed package is not shadowed.
    sys.path.append(package_parent)
    try:
        from reflow.compat import importer, numpy_names
    finally:
        sys.path.remove(package_parent)
    return importer, numpy_names


def _run_next_sitecustomize():
    """Runs the sitecustomize that this one hides: Debian, coverage and others ship their own."""
    from importlib.machinery import PathFinder
    from importlib.util import module_from_spec

    spec = PathFinder.find_spec("sitecustomize", sys.path)
    if spec is not None and spec.loader is not None:
        module = module_from_spec(spec)
        sys.modules["sitecustomize"] = module
        spec.loader.exec_module(module)


# The program must not find this folder among its own.
sys.path[:] = [folder for folder in sys.path if os.path.abspath(folder) != _HERE]
sys.meta_path.insert(0, _InstallReflowOnImport())
_run_next_sitecustomize()
