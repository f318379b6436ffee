"""`tf.Module`: an object that finds the variables and modules among its attributes."""

import functools
import re

from reflow.graph import nest
from reflow.graph.context import name_scope
from reflow.graph.export import export
from reflow.variables.variable import Variable

_WORD_BEGINS = re.compile(r"((?<=[a-z0-9])[A-Z]|(?!^)[A-Z](?=[a-z]))")
_IDENTIFIER = re.compile(r"^[a-zA-Z_]([a-zA-Z0-9_])*$")


@export("Module")
class Module:
    """A named object whose attributes hold variables and other modules, alone or in lists, tuples and dicts.

    Args:
      name: an identifier; the class name in snake case if None.

    Raises:
      ValueError: if the name is no identifier.
    """

    def __init__(self, name=None):
        if name is None:
            name = _WORD_BEGINS.sub(r"_\1", type(self).__name__).lower()
        elif not _IDENTIFIER.match(name):
            raise ValueError(f"{name!r} is not a valid module name. Module names must be valid Python identifiers "
                             "(e.g. a valid class name).")  # fmt: skip
        self._name = name
        with name_scope(name) as scope:
            self._scope_name = scope

    @property
    def name(self):
        """The name."""
        return self._name

    @property
    def name_scope(self):
        """The name scope of the module's operations, to be entered with `with`."""
        return name_scope(self._scope_name)

    @property
    def variables(self):
        """The variables of this module and of those in it: a tuple, sorted by the names of attributes."""
        return tuple(self._flatten(lambda item: isinstance(item, Variable)))

    @property
    def trainable_variables(self):
        """Those of `variables` that optimizers train."""
        return tuple([variable for variable in self.variables if getattr(variable, "trainable", False)])

    @property
    def submodules(self):
        """The modules in this one, and those in them: a tuple."""
        return tuple(self._flatten(lambda item: isinstance(item, Module)))

    def _flatten(self, predicate, seen=None):
        """What is of interest among attributes, first this module's own, then those of the modules found there."""
        seen = {id(self)} if seen is None else seen
        found, modules = [], []
        attributes = vars(self)
        for item in [item for key in sorted(attributes) for item in nest.flatten(attributes[key])]:
            if id(item) in seen:
                continue
            seen.add(id(item))
            if predicate(item):
                found.append(item)
            if isinstance(item, Module):
                modules.append(item)
        return found + [item for module in modules for item in module._flatten(predicate, seen)]

    @classmethod
    def with_name_scope(cls, method):
        """Decorator of a method: what it makes stands in the module's name scope."""

        @functools.wraps(method)
        def in_name_scope(self, *args, **kwargs):
            with self.name_scope:
                return method(self, *args, **kwargs)

        return in_name_scope
