"""Attributes replaced for a test."""

import inspect

from reflow.graph.export import export


@export("test.StubOutForTesting")
class StubOutForTesting:
    """Replaces attributes and puts the originals back: at the end of its block, when it is deleted, or on request."""

    def __init__(self):
        self.cache = []
        self.stubs = []

    def __enter__(self):
        return self

    def __exit__(self, *exc_info):
        self.CleanUp()

    def __del__(self):
        self.CleanUp()

    def CleanUp(self):
        """Put all originals back."""
        self.SmartUnsetAll()
        self.UnsetAll()

    def Set(self, parent, child_name, new_child):
        """Replace the attribute `child_name` of `parent`, which has to have it."""
        self.cache.append((parent, child_name, _original(parent, child_name)))
        setattr(parent, child_name, new_child)

    def UnsetAll(self):
        """Put back what `Set` replaced, the last first."""
        while self.cache:
            setattr(*self.cache.pop())

    def SmartSet(self, obj, attr_name, new_attr):
        """Replace an attribute where it is defined: in a module, an object, or the class that defines it.

        Args:
          obj: a module, class or object.
          attr_name: the attribute's name.
          new_attr: its value from now on.

        Raises:
          AttributeError: if there is no such attribute.
        """
        owner = _owner(obj, attr_name)
        self.stubs.append((owner, attr_name, _original(owner, attr_name)))
        setattr(owner, attr_name, new_attr)

    def SmartUnsetAll(self):
        """Put back what `SmartSet` replaced, the last first."""
        while self.stubs:
            setattr(*self.stubs.pop())


def _original(parent, name):
    """The attribute as it stands in `parent`: a static method stays one."""
    value = getattr(parent, name)
    return staticmethod(value) if isinstance(vars(parent).get(name), staticmethod) else value


def _owner(obj, name):
    if inspect.ismodule(obj) or (not inspect.isclass(obj) and name in vars(obj)):
        return obj
    for kind in obj.__mro__ if inspect.isclass(obj) else type(obj).__mro__:
        if name in vars(kind):
            return kind
    raise AttributeError("Attribute not found.")
