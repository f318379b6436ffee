"""Arg scopes: default values for arguments of several functions inside a block.

    with arg_scope([conv2d, fully_connected], activation_fn=tf.nn.elu):
        net = conv2d(images, 32, 3)            # with elu
"""

import contextlib
import functools
import inspect

from reflow.graph.export import export

# The open scopes, innermost last: from the key of a function to the defaults of its arguments.
_stack: list[dict] = [{}]
# The functions that take part: from the key to the names of the arguments that have defaults.
_functions: dict[str, tuple] = {}


@export("contrib.framework.current_arg_scope")
def current_arg_scope():
    """The innermost scope, a dict from the key of a function to the defaults of its arguments."""
    return _stack[-1]


@export("contrib.framework.arg_scope_func_key")
def arg_scope_func_key(op):
    """The key of a function in a scope.

    Args:
      op: a function.
    """
    return getattr(op, "_key_op", str(op))


@export("contrib.framework.arg_scope")
@contextlib.contextmanager
def arg_scope(list_ops_or_scope, **kwargs):
    """A context in which functions have other defaults for some of their arguments.

    What an inner scope says replaces what the scopes around say; what a call says replaces both.

    Args:
      list_ops_or_scope: a list of functions that were decorated with `add_arg_scope`; or a scope that an earlier
        `arg_scope` yielded, to use it again.
      **kwargs: argument names and their defaults.

    Yields:
      The scope.

    Raises:
      TypeError: if it is neither list, tuple nor dict.
      ValueError: if a function is not decorated, or there are arguments beside a scope.
    """
    if isinstance(list_ops_or_scope, dict):
        if kwargs:
            raise ValueError("When attempting to re-use a scope by suppling adictionary, kwargs must be empty.")
        scope = list_ops_or_scope.copy()
    else:
        scope = _extended(list_ops_or_scope, kwargs)
    _stack.append(scope)
    try:
        yield scope
    finally:
        _stack.pop()


def _extended(functions, defaults) -> dict:
    """The current scope with defaults for some functions."""
    if not isinstance(functions, (list, tuple)):
        raise TypeError("list_ops_or_scope must either be a list/tuple or reused scope (i.e. dict)")
    scope = current_arg_scope().copy()
    for function in functions:
        if not has_arg_scope(function):
            raise ValueError(f"{(function.__module__, function.__name__)} is not decorated with @add_arg_scope")
        key = arg_scope_func_key(function)
        scope[key] = {**scope.get(key, {}), **defaults}
    return scope


@export("contrib.framework.add_arg_scope")
def add_arg_scope(func):
    """A decorator: the function takes defaults from arg scopes.

    Args:
      func: a function.

    Returns:
      The function that looks at the current scope first.
    """
    key = arg_scope_func_key(func)

    @functools.wraps(func)
    def with_defaults(*args, **kwargs):
        defaults = _stack[-1].get(key)
        return func(*args, **({**defaults, **kwargs} if defaults else kwargs))

    parameters = inspect.signature(func).parameters.values()
    _functions[key] = tuple(p.name for p in parameters if p.default is not p.empty)
    vars(with_defaults)["_key_op"] = key
    return with_defaults


@export("contrib.framework.has_arg_scope")
def has_arg_scope(func):
    """Tells whether a function was decorated with `add_arg_scope`."""
    return arg_scope_func_key(func) in _functions


@export("contrib.framework.arg_scoped_arguments")
def arg_scoped_arguments(func):
    """The names of the arguments of a decorated function that have defaults, as a tuple.

    Args:
      func: a function made by `add_arg_scope`.
    """
    if not has_arg_scope(func):
        raise AssertionError(f"{func} is not decorated with @add_arg_scope")
    return _functions[arg_scope_func_key(func)]
