"""`%load_ext reflow` in a notebook."""

from reflow.compat.importer import install, uninstall
from reflow.graph.export import export


@export("load_ipython_extension")
def load_ipython_extension(ipython) -> None:
    """Makes `import tensorflow` resolve to Reflow in this notebook; `%load_ext reflow` calls it.

    Args:
      ipython: the running IPython shell, whose namespace gets `tf` if that name is free.

    Raises:
      RuntimeError: if another TensorFlow has been imported already.
    """
    ipython.user_ns.setdefault("tf", install())


@export("unload_ipython_extension")
def unload_ipython_extension(ipython) -> None:
    """Takes `%load_ext reflow` back; `%unload_ext reflow` calls it.

    Args:
      ipython: the running IPython shell.
    """
    uninstall()
