"""Importing this module publishes what this room offers: the import alias, notebooks, switches, the oldest names.

The oldest names stand for public ones, so this is the last room to be imported.
"""

from reflow.compat import importer, notebook, old_names, switches

__all__ = ["importer", "notebook", "old_names", "switches"]
