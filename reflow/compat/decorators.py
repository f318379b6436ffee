"""Small tools of `tensorflow.python.util` that programs copied from TensorFlow's own code use."""

import contextlib
import functools
import importlib
import inspect
from collections.abc import Callable
from types import ModuleType

from reflow.compat.inspection import getargspec

contextmanager = contextlib.contextmanager


class tf_export:
    """`@tf_export("name")` marks what TensorFlow publishes; here it returns the decorated object as it is.

    Args:
      *args: ignored.
      **kwargs: ignored.
    """

    def __init__(self, *args, **kwargs):
        pass

    def __call__(self, func):
        return func

    def export_constant(self, module_name, name):
        """Publishes nothing either."""


keras_export = estimator_export = tf_export


def make_decorator(target: Callable, decorator_func: Callable, *unused_args, **unused_kwargs) -> Callable:
    """Makes a wrapper look like what it wraps.

    Args:
      target: the function that is wrapped.
      decorator_func: the wrapper.

    Returns:
      The wrapper, with the name, docstring and signature of `target`.
    """
    return functools.wraps(target)(decorator_func)


def unwrap(maybe_decorator) -> tuple[list, Callable]:
    """Follows decorators down to the function they wrap: (the wrappers, outermost first, the function)."""
    wrappers = []
    while hasattr(maybe_decorator, "__wrapped__"):
        wrappers.append(maybe_decorator)
        maybe_decorator = maybe_decorator.__wrapped__
    return wrappers, maybe_decorator


def keyword_args_only(func: Callable) -> Callable:
    """Decorates a function so that positional arguments are refused with a ValueError."""

    @functools.wraps(func)
    def wrapper(*args, **kwargs):
        if args:
            raise ValueError(f"The function {func.__name__} only accepts keyword arguments.")
        return func(**kwargs)

    return wrapper


def fn_args(fn) -> tuple[str, ...]:
    """The names of a function's arguments, without a bound `self` and those that a `functools.partial` fills.

    Args:
      fn: a function, method, partial or callable object.

    Returns:
      A tuple of str.
    """
    if isinstance(fn, functools.partial):
        return tuple(name for name in fn_args(fn.func)[len(fn.args) :] if name not in fn.keywords)
    is_plain = inspect.isroutine(fn) or inspect.isclass(fn)
    function = fn if is_plain or not callable(fn) else fn.__call__
    names = getargspec(function).args
    return tuple(names[1:] if inspect.ismethod(function) else names)


def get_func_name(func) -> str:
    """The name of a function, or of the class of a callable object."""
    _, function = unwrap(func)
    if isinstance(function, functools.partial):
        return get_func_name(function.func)
    return getattr(function, "__name__", None) or str(type(function))


def should_use_result(fn: Callable) -> Callable:
    """Marks a function whose result must be used; Reflow does not watch whether it is."""
    return fn


class LazyLoader(ModuleType):
    """A module that is imported when one of its names is first used.

    Args:
      local_name: the name under which the importing module has it.
      parent_module_globals: the `globals()` of that module, where the real one takes its place.
      name: the name of the module to import.
    """

    def __init__(self, local_name, parent_module_globals, name):
        super().__init__(name)
        self._local_name = local_name
        self._parent_module_globals = parent_module_globals

    def _load(self) -> ModuleType:
        module = importlib.import_module(self.__name__)
        self._parent_module_globals[self._local_name] = module
        self.__dict__.update(module.__dict__)
        return module

    def __getattr__(self, item):
        return getattr(self._load(), item)

    def __dir__(self):
        return dir(self._load())
