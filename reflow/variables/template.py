"""`tf.make_template`: functions that make their variables at the first call and share them at all others."""

import functools
import sys
import traceback

from reflow.graph.collections import GraphKeys
from reflow.graph.export import export
from reflow.graph.graph import get_default_graph
from reflow.platform import logging
from reflow.platform.deprecation import deprecated
from reflow.variables.variable_scope import _PureVariableScope, _unique_scope_name, variable_scope


@export("make_template")
def make_template(name_, func_, create_scope_now_=False, unique_name_=None, custom_getter_=None, **kwargs):
    """Make a function share its variables among all its calls.

    The function makes them with `tf.get_variable`, under names that do not depend on its arguments. The parameters end
    in "_" so that they do not get in the way of the function's own.

    Args:
      name_: the variable scope of the function; "_1", "_2", ... is added to it where it is taken.
      func_: the function.
      create_scope_now_: open the scope now rather than at the first call.
      unique_name_: a scope to be used as it is, instead of `name_`.
      custom_getter_: a custom getter of the scope, as of `tf.variable_scope`.
      **kwargs: arguments of the function, the same at each call.

    Returns:
      A Template: a function that takes the remaining arguments.

    Raises:
      ValueError: if `name_` is None.
    """
    func = functools.partial(func_, **kwargs) if kwargs else func_
    return Template(name_, func, create_scope_now_, unique_name_, custom_getter_)


class Template:
    """A function that makes its variables at the first call; see `make_template`."""

    def __init__(self, name, func, create_scope_now=False, unique_name=None, custom_getter=None):
        if name is None:
            raise ValueError("name cannot be None.")
        self._name = name
        self._func = func
        self._unique_name = unique_name
        self._custom_getter = custom_getter
        self._variable_scope = None
        self._is_called = self._is_complete = False  # A first call has begun, and it has made all variables.
        # Where the program makes the template: the lines themselves are read if there is something to tell.
        self._made_at = traceback.StackSummary.extract(traceback.walk_stack(sys._getframe(2)), lookup_lines=False)
        if create_scope_now:
            scope = _PureVariableScope(unique_name or _unique_scope_name(name), custom_getter=custom_getter)
            with scope as self._variable_scope:
                pass

    def __call__(self, *args, **kwargs):
        if self._variable_scope is not None:
            scope = variable_scope(self._variable_scope, reuse=self._is_called)
        else:
            scope = variable_scope(self._unique_name, self._name, custom_getter=self._custom_getter)
        with scope as entered:
            self._variable_scope = self._variable_scope or entered
            try:
                return self._called(args, kwargs)
            except Exception as error:
                lines = "".join(reversed(self._made_at.format()))
                said = error.args[0] if error.args else ""
                error.args = (f"{said}\n\noriginally defined at:\n{lines}", *error.args[1:])
                raise

    def _called(self, args, kwargs):
        if self._is_complete:
            return self._again(args, kwargs)
        if self._is_called:
            # Another thread is in the first call, or the function calls its own template.
            return self._func(*args, **kwargs)
        self._is_called = True
        try:
            result = self._func(*args, **kwargs)
        except BaseException:
            self._is_called = False
            raise
        self._is_complete = True
        return result

    def _again(self, args, kwargs):
        graph = get_default_graph()
        all_variables = graph.get_collection_ref(GraphKeys.GLOBAL_VARIABLES)
        trainable = graph.get_collection_ref(GraphKeys.TRAINABLE_VARIABLES)
        before, trainable_before = len(all_variables), len(trainable)
        result = self._func(*args, **kwargs)
        if len(trainable) != trainable_before:
            raise ValueError("Trainable variable created when calling a template after the first time, perhaps you "
                             "used tf.Variable when you meant tf.get_variable: "
                             f"{trainable[trainable_before:]}")  # fmt: skip
        if len(all_variables) != before:
            logging.info("New variables created when calling a template after the first time, perhaps you used "
                         "tf.Variable when you meant tf.get_variable: %s", all_variables[before:])  # fmt: skip
        return result

    @property
    def name(self):
        """The name that the template was given."""
        return self._name

    @property
    def func(self):
        """The function, with the arguments that `make_template` was given for it."""
        return self._func

    @property
    def variable_scope(self):
        """The variable scope, or None before it is opened."""
        return self._variable_scope

    @property
    @deprecated("2017-02-21", "Use `variable_scope` instead.")
    def var_scope(self):
        """The variable scope, under the name that it had once."""
        return self._variable_scope

    @property
    def variable_scope_name(self):
        """The name of the variable scope, which ends in "/"; None before it is opened."""
        if self._variable_scope is None:
            return None
        name = self._variable_scope.name
        return name if not name or name.endswith("/") else f"{name}/"

    def _collected(self, key):
        return get_default_graph().get_collection(key, self.variable_scope_name) if self._is_complete else []

    @property
    def global_variables(self):
        """The global variables in the scope, a list."""
        return self._collected(GraphKeys.GLOBAL_VARIABLES)

    @property
    def local_variables(self):
        """The local variables in the scope, a list."""
        return self._collected(GraphKeys.LOCAL_VARIABLES)

    @property
    def variables(self):
        """The global and the local variables in the scope, a list."""
        return self.global_variables + self.local_variables

    @property
    def trainable_variables(self):
        """Those of the variables in the scope that optimizers train, a list."""
        return self._collected(GraphKeys.TRAINABLE_VARIABLES)

    @property
    def non_trainable_variables(self):
        """The global variables in the scope that optimizers leave alone, a list."""
        trainable = self.trainable_variables
        return [variable for variable in self.global_variables if not any(variable is other for other in trainable)]

    weights = variables
    trainable_weights = trainable_variables
    non_trainable_weights = non_trainable_variables
