"""What Reflow publishes of this room: the import alias and the notebook extension."""

from reflow.compat import importer, notebook

__all__ = ["importer", "notebook"]
