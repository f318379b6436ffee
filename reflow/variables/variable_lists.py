"""The variables of a graph, by collection, and the operations that initialize and check them."""

import os

from reflow.graph import dtypes
from reflow.graph.collections import GraphKeys
from reflow.graph.context import name_scope
from reflow.graph.export import export
from reflow.graph.graph import get_default_graph
from reflow.ops import state
from reflow.ops.control import group, no_op
from reflow.platform.deprecation import deprecated

_VARIABLE_OPS = ("Variable", "VariableV2", "AutoReloadVariable")


@export("global_variables")
def global_variables(scope=None):
    """The variables of collection GLOBAL_VARIABLES: those that checkpoints store.

    Args:
      scope: a regular expression that the start of a name must match, or None for all.

    Returns:
      A list of variables.
    """
    return get_default_graph().get_collection(GraphKeys.GLOBAL_VARIABLES, scope)


@export("local_variables")
def local_variables(scope=None):
    """The variables of collection LOCAL_VARIABLES, which belong to one process and are not stored.

    Args:
      scope: as for `global_variables`.
    """
    return get_default_graph().get_collection(GraphKeys.LOCAL_VARIABLES, scope)


@export("model_variables")
def model_variables(scope=None):
    """The variables of collection MODEL_VARIABLES, which inference needs.

    Args:
      scope: as for `global_variables`.
    """
    return get_default_graph().get_collection(GraphKeys.MODEL_VARIABLES, scope)


@export("trainable_variables")
def trainable_variables(scope=None):
    """The variables of collection TRAINABLE_VARIABLES, which optimizers change by default.

    Args:
      scope: as for `global_variables`.
    """
    return get_default_graph().get_collection(GraphKeys.TRAINABLE_VARIABLES, scope)


@export("moving_average_variables")
def moving_average_variables(scope=None):
    """The variables of collection MOVING_AVERAGE_VARIABLES, of which averages are kept.

    Args:
      scope: as for `global_variables`.
    """
    return get_default_graph().get_collection(GraphKeys.MOVING_AVERAGE_VARIABLES, scope)


def all_saveable_objects(scope=None):
    """Everything that checkpoints store: the global variables, and collection SAVEABLE_OBJECTS."""
    return global_variables(scope) + get_default_graph().get_collection(GraphKeys.SAVEABLE_OBJECTS, scope)


# --- initialization -----------------------------------------------------------------------------------------------


@export("variables_initializer", "initializers.variables")
def variables_initializer(var_list, name="init"):
    """An operation that initializes a list of variables.

    Args:
      var_list: variables; it may be empty.
      name: a name for the operation.
    """
    if var_list:
        return group(*[v.initializer for v in var_list], name=name)
    return no_op(name=name)


@export("global_variables_initializer", "initializers.global_variables")
def global_variables_initializer():
    """An operation that initializes all global variables."""
    return variables_initializer(global_variables())


@export("local_variables_initializer", "initializers.local_variables")
def local_variables_initializer():
    """An operation that initializes all local variables."""
    return variables_initializer(local_variables())


@export("all_variables")
@deprecated("2017-03-02", "Please use tf.global_variables instead.")
def all_variables():
    """The name that `tf.global_variables` had before 1.0."""
    return global_variables()


@export("initialize_variables")
@deprecated("2017-03-02", "Use `tf.variables_initializer` instead.")
def initialize_variables(var_list, name="init"):
    """The name that `tf.variables_initializer` had before 1.0."""
    return variables_initializer(var_list, name=name)


@export("initialize_all_variables")
@deprecated("2017-03-02", "Use `tf.global_variables_initializer` instead.")
def initialize_all_variables():
    """The name that `tf.global_variables_initializer` had before 1.0."""
    return global_variables_initializer()


@export("initialize_local_variables")
@deprecated("2017-03-02", "Use `tf.local_variables_initializer` instead.")
def initialize_local_variables():
    """The name that `tf.local_variables_initializer` had before 1.0."""
    return local_variables_initializer()


# --- checks -------------------------------------------------------------------------------------------------------


@export("is_variable_initialized")
def is_variable_initialized(variable):
    """A bool scalar that tells, when it is evaluated, whether `variable` has a value."""
    return state.is_variable_initialized(variable)


def _all_variables_of_graph():
    """Global and local variables; if there are none, the references of all variable nodes."""
    found = global_variables() + local_variables()
    if found:
        return found
    return [op.outputs[0] for op in get_default_graph().get_operations() if op.type in _VARIABLE_OPS]


@export("assert_variables_initialized")
def assert_variables_initialized(var_list=None):
    """A tensor whose evaluation raises FailedPreconditionError if a variable is not initialized.

    Args:
      var_list: variables; the global and local ones if None.

    Returns:
      A tensor, or None if there are no variables.
    """
    from reflow.ops.joining import stack
    from reflow.ops.shape_ops import rank_internal

    variables = _all_variables_of_graph() if var_list is None else var_list
    ranks = []
    for variable in variables:
        with get_default_graph().colocate_with(variable.op):
            ranks.append(rank_internal(variable, optimize=False))
    if len(ranks) < 2:
        return ranks[0] if ranks else None
    return stack(ranks)


@export("report_uninitialized_variables")
def report_uninitialized_variables(var_list=None, name="report_uninitialized_variables"):
    """The names of the variables that are not initialized.

    Args:
      var_list: variables; the global and local ones if None.
      name: a name scope.

    Returns:
      A string vector.
    """
    from reflow.ops.constant import constant
    from reflow.ops.elementwise import logical_not
    from reflow.ops.joining import stack
    from reflow.ops.select import boolean_mask

    variables = _all_variables_of_graph() if var_list is None else var_list
    with name_scope(name):
        initialized = [state.is_variable_initialized(v) for v in variables]
        place = os.environ.get("TF_DEVICE_FOR_UNINITIALIZED_VARIABLE_REPORTING", "/cpu:0")
        with get_default_graph().device(place):
            if not variables:
                return constant([], dtype=dtypes.string)
            missing = logical_not(stack(initialized))
            return boolean_mask(constant([v.op.name for v in variables]), missing)
