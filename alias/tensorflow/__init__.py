"""TensorFlow 1.x, as Reflow implements it.

Importing this package installs Reflow's import alias, which answers for `tensorflow` and everything below it
from then on; the name `tensorflow` itself becomes Reflow's root module.
"""

from reflow.compat import importer as _importer

_importer.replace_alias_package(__name__)
