"""`tf.variable_scope` and `tf.get_variable`: names and defaults for the variables made inside a block."""

import contextlib
import functools
import sys
import threading

from reflow.graph import dtypes
from reflow.graph.collections import GraphKeys
from reflow.graph.context import graph_of, name_scope
from reflow.graph.convert import to_tensor
from reflow.graph.export import export
from reflow.graph.graph import get_default_graph
from reflow.platform import logging
from reflow.variables.synchronization import VariableAggregation, VariableSynchronization
from reflow.variables.variable_store import AUTO_REUSE, get_default_variable_store

_COLLECTION_KEY = ("__varscope",)
_use_resource_by_default = False
# What a scope has defaults of.
_DEFAULTS = tuple(
    (key, f"_{key}")
    for key in ("regularizer", "caching_device", "partitioner", "use_resource", "initializer", "constraint", "dtype")
)


@export("enable_resource_variables")
def enable_resource_variables():
    """Make resource variables wherever a program does not say what kind it wants."""
    global _use_resource_by_default
    _use_resource_by_default = True


@export("disable_resource_variables")
def disable_resource_variables():
    """Make reference variables wherever a program does not say what kind it wants, as 1.x does."""
    global _use_resource_by_default
    _use_resource_by_default = False


@export("resource_variables_enabled")
def resource_variables_enabled():
    """True between `enable_resource_variables` and `disable_resource_variables`."""
    return _use_resource_by_default


@export("no_regularizer")
def no_regularizer(_):
    """A regularizer that adds no loss: it keeps a scope's regularizer from a variable. Returns None."""
    return


@export("VariableScope")
class VariableScope:
    """The defaults for `get_variable` in a scope.

    Args:
      reuse: True to find variables only, None or False to make them, AUTO_REUSE for whichever is possible.
      name: the prefix of names.
      initializer, regularizer, caching_device, partitioner, custom_getter, dtype, use_resource, constraint: what
        `get_variable` uses where it is given None.
      name_scope: the name scope of the operations made in the scope when it was opened first.
    """

    def __init__(self, reuse, name="", initializer=None, regularizer=None, caching_device=None, partitioner=None,
                 custom_getter=None, name_scope="", dtype=dtypes.float32, use_resource=None,
                 constraint=None):  # fmt: skip
        self._name = name
        self._initializer = initializer
        self._regularizer = regularizer
        self._reuse = reuse
        self._caching_device = caching_device
        self._partitioner = partitioner
        self._custom_getter = custom_getter
        self._name_scope = name_scope
        self._dtype = dtype
        self._use_resource = use_resource
        self._constraint = constraint

    @property
    def name(self):
        """The prefix of variables' names, without a closing "/"."""
        return self._name

    @property
    def original_name_scope(self):
        """The name scope of the operations made when the scope was opened first."""
        return self._name_scope

    @property
    def reuse(self):
        """Whether variables are found, made, or either."""
        return self._reuse

    @property
    def initializer(self):
        """The default initializer."""
        return self._initializer

    @property
    def dtype(self):
        """The default type."""
        return self._dtype

    @property
    def use_resource(self):
        """The default kind of variables."""
        return self._use_resource

    @property
    def regularizer(self):
        """The default regularizer."""
        return self._regularizer

    @property
    def caching_device(self):
        """The default caching device."""
        return self._caching_device

    @property
    def partitioner(self):
        """The default partitioner."""
        return self._partitioner

    @property
    def custom_getter(self):
        """The function that stands between `get_variable` and the variable."""
        return self._custom_getter

    @property
    def constraint(self):
        """The default constraint."""
        return self._constraint

    def reuse_variables(self):
        """From now on, find variables and do not make any."""
        self._reuse = True

    def set_initializer(self, initializer):
        """Set the default initializer."""
        self._initializer = initializer

    def set_dtype(self, dtype):
        """Set the default type."""
        self._dtype = dtype

    def set_use_resource(self, use_resource):
        """Set the default kind of variables."""
        self._use_resource = use_resource

    def set_regularizer(self, regularizer):
        """Set the default regularizer."""
        self._regularizer = regularizer

    def set_caching_device(self, caching_device):
        """Set the default caching device."""
        self._caching_device = caching_device

    def set_partitioner(self, partitioner):
        """Set the default partitioner."""
        self._partitioner = partitioner

    def set_custom_getter(self, custom_getter):
        """Set the custom getter."""
        self._custom_getter = custom_getter

    def get_collection(self, name):
        """What a collection holds below this scope."""
        return get_default_graph().get_collection(name, f"{self._name}/" if self._name else "")

    def trainable_variables(self):
        """The trainable variables below this scope."""
        return self.get_collection(GraphKeys.TRAINABLE_VARIABLES)

    def global_variables(self):
        """The global variables below this scope."""
        return self.get_collection(GraphKeys.GLOBAL_VARIABLES)

    def local_variables(self):
        """The local variables below this scope."""
        return self.get_collection(GraphKeys.LOCAL_VARIABLES)

    def _with_defaults(self, arguments: dict) -> dict:
        """`arguments` with the scope's defaults where they are None."""
        for key, attribute in _DEFAULTS:
            if arguments[key] is None:
                arguments[key] = getattr(self, attribute)
        return arguments

    def get_variable(self, var_store, name, shape=None, dtype=None, initializer=None, regularizer=None, reuse=None,
                     trainable=None, collections=None, caching_device=None, partitioner=None, validate_shape=True,
                     use_resource=None, custom_getter=None, constraint=None,
                     synchronization=VariableSynchronization.AUTO, aggregation=VariableAggregation.NONE):  # fmt: skip
        """`tf.get_variable` with this scope's name and defaults; `var_store` holds the variables by full name."""
        with get_default_graph()._outermost_name_scope():
            if dtype is not None and initializer is not None and not callable(initializer):
                found = to_tensor(initializer).dtype.base_dtype
                if found != dtype:
                    raise ValueError(f"Initializer type '{found}' and explicit dtype '{dtype}' don't match.")
            arguments = self._with_defaults({
                "shape": shape, "dtype": dtype, "initializer": initializer, "regularizer": regularizer,
                "trainable": trainable, "collections": collections, "caching_device": caching_device,
                "partitioner": partitioner, "validate_shape": validate_shape, "use_resource": use_resource,
                "constraint": constraint, "synchronization": synchronization, "aggregation": aggregation,
            })  # fmt: skip
            return var_store.get_variable(
                f"{self.name}/{name}" if self.name else name, reuse=self._reuse if reuse is None else reuse,
                custom_getter=self._custom_getter if custom_getter is None else custom_getter, **arguments,
            )  # fmt: skip

    def _get_partitioned_variable(self, var_store, name, shape=None, dtype=None, initializer=None, regularizer=None,
                                  trainable=None, collections=None, caching_device=None, partitioner=None,
                                  validate_shape=True, use_resource=None, constraint=None,
                                  synchronization=VariableSynchronization.AUTO,
                                  aggregation=VariableAggregation.NONE):  # fmt: skip
        """As `get_variable`, for `create_partitioned_variables`: always in parts, and past custom getters."""
        if self._custom_getter is not None:
            raise ValueError("Private access to _get_partitioned_variable is not allowed when a custom getter is set.  "
                             f"Current custom getter: {self._custom_getter}.  It is likely that you're using "
                             "create_partitioned_variables.  If so, consider instead using get_variable with a "
                             "non-empty partitioner parameter instead.")  # fmt: skip
        arguments = self._with_defaults({
            "dtype": dtype, "initializer": initializer, "regularizer": regularizer, "trainable": trainable,
            "collections": collections, "caching_device": caching_device, "partitioner": partitioner,
            "validate_shape": validate_shape, "use_resource": use_resource, "constraint": constraint,
            "synchronization": synchronization, "aggregation": aggregation,
        })  # fmt: skip
        if arguments["partitioner"] is None:
            raise ValueError("No partitioner was specified")
        full_name = "/".join(filter(None, [self.name, name]))
        with name_scope(None):
            return var_store.get_partitioned(full_name, shape=shape, reuse=self.reuse, **arguments)


# --- the current scope --------------------------------------------------------------------------------------------


class _VariableScopeStore(threading.local):
    """The current variable scope of a graph in a thread, and how often each scope name was opened."""

    def __init__(self):
        super().__init__()
        self.current_scope = VariableScope(False)
        self.variable_scopes_count = {}
        self._subscopes = {}  # The names one level below a name, of all scopes that were ever opened.

    def open_variable_scope(self, scope_name):
        count = self.variable_scopes_count.get(scope_name)
        self.variable_scopes_count[scope_name] = (count or 0) + 1
        if count is None:
            self._remember(scope_name)

    def _remember(self, name):
        while "/" in name:
            above = name.rpartition("/")[0]
            subscopes = self._subscopes.setdefault(above, set())
            if name in subscopes:
                break
            subscopes.add(name)
            name = above

    def close_variable_subscopes(self, scope_name):
        for name in self._subscopes.get(scope_name, ()):
            self.variable_scopes_count[name] = 0
            self.close_variable_subscopes(name)

    def variable_scope_count(self, scope_name):
        return self.variable_scopes_count.get(scope_name, 0)


def get_variable_scope_store():
    """The scope store of the default graph."""
    return get_default_graph()._collections.only(_COLLECTION_KEY, _VariableScopeStore)


@export("get_variable_scope")
def get_variable_scope():
    """The current variable scope."""
    return get_variable_scope_store().current_scope


@export("get_variable")
def get_variable(name, shape=None, dtype=None, initializer=None, regularizer=None, trainable=None, collections=None,
                 caching_device=None, partitioner=None, validate_shape=True, use_resource=None, custom_getter=None,
                 constraint=None, synchronization=VariableSynchronization.AUTO,
                 aggregation=VariableAggregation.NONE):  # fmt: skip
    """The variable of that name in the current variable scope: found, or made if there is none.

    Whether it is to be found or made, the scope's `reuse` tells (see `tf.variable_scope`).

    Args:
      name: the name in the scope.
      shape: the shape; not wanted if `initializer` is a tensor.
      dtype: the type (the scope's, float32, if None).
      initializer: an initializer, its class, a function without arguments, or a tensor or value to begin with; if None
        the scope's, then `glorot_uniform_initializer` for real types and zeros for others.
      regularizer: a function from the variable to a scalar loss or None; a loss is added to REGULARIZATION_LOSSES.
      trainable: whether optimizers change the variable (default True).
      collections: the names of its collections; [GLOBAL_VARIABLES] if None.
      caching_device: a device that keeps a copy to read from.
      partitioner: a function `(shape, dtype) -> number of parts along each axis`.
      validate_shape: if False, the initial value may have an unknown shape.
      use_resource: True for a resource variable, False for a reference variable.
      custom_getter: a function `(getter, name, *args, **kwargs) -> variable` that decides what to return; it calls
        `getter` as it would this function.
      constraint: a function that optimizers apply to the variable after each update.
      synchronization: a tf.VariableSynchronization.
      aggregation: a tf.VariableAggregation.

    Returns:
      A Variable, or a PartitionedVariable if a partitioner is used.

    Raises:
      ValueError: if the variable exists and must not, does not exist and must, or has another shape or type; or if
        there is no shape for a new one.
    """
    return get_variable_scope().get_variable(
        get_default_variable_store(), name, shape=shape, dtype=dtype, initializer=initializer, regularizer=regularizer,
        trainable=trainable, collections=collections, caching_device=caching_device, partitioner=partitioner,
        validate_shape=validate_shape, use_resource=use_resource, custom_getter=custom_getter, constraint=constraint,
        synchronization=synchronization, aggregation=aggregation,
    )  # fmt: skip


@export("get_local_variable")
def get_local_variable(name, shape=None, dtype=None, initializer=None, regularizer=None, trainable=False,
                       collections=None, caching_device=None, partitioner=None, validate_shape=True, use_resource=None,
                       custom_getter=None, constraint=None, synchronization=VariableSynchronization.AUTO,
                       aggregation=VariableAggregation.NONE):  # fmt: skip
    """As `get_variable`, for a variable of collection LOCAL_VARIABLES, which is not trained and not stored."""
    collections = [*(collections or ()), GraphKeys.LOCAL_VARIABLES]
    return get_variable(
        name, shape=shape, dtype=dtype, initializer=initializer, regularizer=regularizer, trainable=False,
        collections=collections, caching_device=caching_device, partitioner=partitioner, validate_shape=validate_shape,
        use_resource=use_resource, custom_getter=custom_getter, constraint=constraint, synchronization=synchronization,
        aggregation=aggregation,
    )  # fmt: skip


# --- opening scopes -----------------------------------------------------------------------------------------------

_SETTINGS = ("initializer", "regularizer", "caching_device", "partitioner", "custom_getter", "dtype", "use_resource")


class _PureVariableScope:
    """The variable half of `variable_scope`: it sets the current scope and leaves name scopes alone."""

    def __init__(self, name_or_scope, old_name_scope=None, reuse=None, constraint=None, **settings):
        self._name_or_scope = name_or_scope
        self._old_name_scope = old_name_scope
        self._reuse = reuse
        self._constraint = constraint
        self._settings = settings
        self._store = get_variable_scope_store()
        self._reopened = None
        if isinstance(name_or_scope, VariableScope):
            self._reopened = self._derived(name_or_scope, name_or_scope.name, self._reuse or name_or_scope.reuse,
                                           name_or_scope._name_scope)  # fmt: skip

    def _derived(self, parent, name, reuse, scope_name):
        """A scope with the settings of `parent` where this one has none."""
        settings = {k: getattr(parent, k) if v is None else v for k, v in self._settings.items()}
        getter = self._settings["custom_getter"]
        if getter is not None and parent.custom_getter is not None:
            settings["custom_getter"] = _nested_getter(getter, parent.custom_getter)
        return VariableScope(reuse, name=name, name_scope=scope_name, constraint=self._constraint, **settings)

    def __enter__(self):
        store = self._store
        self._old = store.current_scope
        if self._reopened is not None:
            scope = self._reopened
            store.open_variable_scope(scope.name)
            self._old_subscopes = dict(store.variable_scopes_count)
        else:
            name = f"{self._old.name}/{self._name_or_scope}" if self._old.name else self._name_or_scope
            self._reuse = self._reuse or self._old.reuse
            scope_name = self._name_or_scope if self._old_name_scope is None else self._old_name_scope
            scope = self._derived(self._old, name, self._reuse, scope_name)
            store.open_variable_scope(name)
        store.current_scope = self._entered = scope
        return scope

    def __exit__(self, *exc_info):
        store = self._store
        if store.current_scope is not self._entered:
            raise RuntimeError("Improper nesting of variable_scope.")
        if self._reopened is not None:
            store.variable_scopes_count = self._old_subscopes
        else:
            store.close_variable_subscopes(self._entered.name)
        store.current_scope = self._old


def _nested_getter(inner, outer):
    """The custom getter `inner`, whose true getter goes through the custom getter of the scope around."""

    def nested(getter, *args, **kwargs):
        return inner(functools.partial(outer, getter), *args, **kwargs)

    return nested


def _unique_scope_name(prefix):
    """`prefix`, made unique among the scopes opened in the current one."""
    store = get_variable_scope_store()
    current = store.current_scope.name
    name = f"{current}/{prefix}" if current else prefix
    if store.variable_scope_count(name) == 0:
        return prefix
    index = 1
    while store.variable_scope_count(f"{name}_{index}") > 0:
        index += 1
    return f"{prefix}_{index}"


@export("variable_scope")
class variable_scope:
    """A context for making and sharing variables: `get_variable` inside prefixes names and takes defaults from it.

    It opens a name scope of the same name, too. It yields a `VariableScope`.

    Args:
      name_or_scope: the name, or a VariableScope to open again; None to use `default_name`.
      default_name: a name that is made unique, used if `name_or_scope` is None.
      values: tensors whose graph becomes the default inside.
      initializer, regularizer, caching_device, partitioner, custom_getter, dtype, use_resource, constraint: what
        `get_variable` uses inside where it is given None.
      reuse: True to find variables only, None to do as the scope around does, AUTO_REUSE to make what is not found.
      auxiliary_name_scope: if False, no name scope is opened.

    Raises:
      TypeError: without any name.
      ValueError: for another `reuse`, or reuse=True without a name.
    """

    def __init__(self, name_or_scope, default_name=None, values=None, initializer=None, regularizer=None,
                 caching_device=None, partitioner=None, custom_getter=None, reuse=None, dtype=None, use_resource=None,
                 constraint=None, auxiliary_name_scope=True):  # fmt: skip
        if default_name is None and name_or_scope is None:
            raise TypeError("If default_name is None then name_or_scope is required")
        reuse = None if reuse is False else reuse
        if not (reuse is True or reuse is None or reuse is AUTO_REUSE):
            raise ValueError("The reuse parameter must be True or False or None.")
        if not isinstance(auxiliary_name_scope, bool):
            raise TypeError(f"The auxiliary_name_scope must be `True` or `False`, while get {auxiliary_name_scope}")
        self._name_or_scope = name_or_scope
        self._default_name = default_name
        self._reuse = reuse
        self._constraint = constraint
        self._auxiliary_name_scope = auxiliary_name_scope
        self._graph = graph_of(values or ()) or get_default_graph()
        given = (initializer, regularizer, caching_device, partitioner, custom_getter, dtype, use_resource)
        self._settings = dict(zip(_SETTINGS, given, strict=True))
        self._pure_scope = None
        self._name_scope = None
        self._entered = []  # For each entry the contexts that it opened.

    def __enter__(self):
        contexts: list = []
        self._entered.append(contexts)
        try:
            if self._graph is not get_default_graph():
                _open(contexts, self._graph.as_default())
            if self._pure_scope is None:
                return self._first_entry(contexts)
            if self._name_scope is not None:
                _open(contexts, name_scope(self._name_scope))
            return _open(contexts, self._pure_scope)
        except BaseException:
            self.__exit__(*sys.exc_info())
            raise

    def __exit__(self, *exc_info):
        _close(self._entered.pop(), exc_info)

    def _first_entry(self, contexts):
        name = self._name_or_scope
        if name is None:
            return self._enter_default_name(contexts)
        if not isinstance(name, (VariableScope, str)):
            raise TypeError("VariableScope: name_or_scope must be a string or VariableScope.")
        own_scope = name if isinstance(name, str) else name.name.split("/")[-1]
        old_name_scope = None
        if own_scope or not self._auxiliary_name_scope:
            entered = self._enter_name_scope(contexts, own_scope)
            old_name_scope = entered if isinstance(name, str) else name.original_name_scope
        return self._enter_pure(contexts, name, old_name_scope, self._reuse)

    def _enter_default_name(self, contexts):
        if self._reuse:
            raise ValueError("reuse=True cannot be used without a name_or_scope")
        entered = self._enter_name_scope(contexts, self._default_name)
        return self._enter_pure(contexts, _unique_scope_name(self._default_name), entered, None)

    def _enter_name_scope(self, contexts, name):
        """Open the name scope that goes with the variable scope (or stay in the present one); its full name."""
        if not self._auxiliary_name_scope:
            name = get_default_graph().get_name_scope()
            name = f"{name}/" if name else name
        self._name_scope = name
        return _open(contexts, name_scope(name))

    def _enter_pure(self, contexts, name, old_name_scope, reuse):
        self._pure_scope = _PureVariableScope(name, old_name_scope, reuse=reuse, constraint=self._constraint,
                                              **self._settings)  # fmt: skip
        return _open(contexts, self._pure_scope)


# What an ExitStack does, without its cost: models open a variable scope for each layer.


def _open(contexts, context):
    entered = context.__enter__()
    contexts.append(context)
    return entered


def _close(contexts, exc_info):
    if contexts:
        try:
            contexts.pop().__exit__(*exc_info)
        finally:
            _close(contexts, exc_info)


@export("variable_op_scope")
@contextlib.contextmanager
def variable_op_scope(values, name_or_scope, default_name=None, initializer=None, regularizer=None,
                      caching_device=None, partitioner=None, custom_getter=None, reuse=None, dtype=None,
                      use_resource=None, constraint=None):  # fmt: skip
    """The spelling of `variable_scope` before 1.0: variable_op_scope(values, name, default_name)."""
    logging.warning("tf.variable_op_scope(values, name, default_name) is deprecated, use tf.variable_scope(name, "
                    "default_name, values)")  # fmt: skip
    with variable_scope(name_or_scope, default_name, values, initializer, regularizer, caching_device, partitioner,
                        custom_getter, reuse, dtype, use_resource, constraint) as scope:  # fmt: skip
        yield scope


__all__ = ["AUTO_REUSE", "VariableScope", "get_local_variable", "get_variable", "get_variable_scope", "no_regularizer",
           "variable_op_scope", "variable_scope"]  # fmt: skip
