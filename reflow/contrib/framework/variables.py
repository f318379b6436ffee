"""Variables as `tf.contrib` makes, finds and filters them."""

import functools
import re

from reflow.contrib.framework.arg_scope import add_arg_scope
from reflow.graph.collections import GraphKeys
from reflow.graph.device import DeviceSpec
from reflow.graph.dtypes import float32
from reflow.graph.export import export
from reflow.graph.graph import get_default_graph
from reflow.train import training_util
from reflow.variables import variable_scope as scopes
from reflow.variables.synchronization import VariableAggregation, VariableSynchronization
from reflow.variables.variable import Variable

# --- making -------------------------------------------------------------------------------------------------------


@export("contrib.framework.local_variable")
def local_variable(initial_value, validate_shape=True, name=None, use_resource=None):
    """A variable of collection LOCAL_VARIABLES, which is neither trained nor stored.

    Args:
      initial_value: see `tf.Variable`.
      validate_shape: see `tf.Variable`.
      name: see `tf.Variable`.
      use_resource: the kind of variable; the variable scope's if None.
    """
    return _untrained(initial_value, GraphKeys.LOCAL_VARIABLES, validate_shape, name, use_resource)


@export("contrib.framework.global_variable")
def global_variable(initial_value, validate_shape=True, name=None, use_resource=None):
    """A variable of collection GLOBAL_VARIABLES that is not trained; the arguments are those of `local_variable`."""
    return _untrained(initial_value, GraphKeys.GLOBAL_VARIABLES, validate_shape, name, use_resource)


def _untrained(initial_value, collection, validate_shape, name, use_resource):
    if use_resource is None:
        use_resource = scopes.get_variable_scope().use_resource
    return Variable(initial_value, trainable=False, collections=[collection], validate_shape=validate_shape,
                    name=name, use_resource=use_resource)  # fmt: skip


@export("contrib.framework.variable")
@add_arg_scope
def variable(name, shape=None, dtype=None, initializer=None, regularizer=None, trainable=True, collections=None,
             caching_device=None, device=None, partitioner=None, custom_getter=None, use_resource=None,
             synchronization=VariableSynchronization.AUTO, aggregation=VariableAggregation.NONE):  # fmt: skip
    """The variable of that name in the current variable scope, as `tf.get_variable` finds or makes it.

    Args:
      name, shape, dtype, initializer, regularizer, trainable, caching_device, partitioner, use_resource,
        synchronization, aggregation: see `tf.get_variable`.
      collections: the names of its collections; [GLOBAL_VARIABLES] if None.
      device: a device or device function to place it on.
      custom_getter: a function to call instead of `tf.get_variable`; it gets `reuse`, too.

    Returns:
      The variable.
    """
    collections = list(dict.fromkeys([GraphKeys.GLOBAL_VARIABLES] if collections is None else collections))
    getter = scopes.get_variable
    if custom_getter is not None:
        getter = functools.partial(custom_getter, reuse=scopes.get_variable_scope().reuse)
    with get_default_graph().device(device or ""):
        return getter(
            name, shape=shape, dtype=dtype, initializer=initializer, regularizer=regularizer, trainable=trainable,
            collections=collections, caching_device=caching_device, partitioner=partitioner, use_resource=use_resource,
            synchronization=synchronization, aggregation=aggregation,
        )  # fmt: skip


@export("contrib.framework.model_variable")
@add_arg_scope
def model_variable(name, shape=None, dtype=float32, initializer=None, regularizer=None, trainable=True,
                   collections=None, caching_device=None, device=None, partitioner=None, custom_getter=None,
                   use_resource=None, synchronization=VariableSynchronization.AUTO,
                   aggregation=VariableAggregation.NONE):  # fmt: skip
    """As `variable`, in collections GLOBAL_VARIABLES and MODEL_VARIABLES besides those given."""
    collections = [*(collections or ()), GraphKeys.GLOBAL_VARIABLES, GraphKeys.MODEL_VARIABLES]
    return variable(
        name, shape=shape, dtype=dtype, initializer=initializer, regularizer=regularizer, trainable=trainable,
        collections=collections, caching_device=caching_device, device=device, partitioner=partitioner,
        custom_getter=custom_getter, use_resource=use_resource, synchronization=synchronization,
        aggregation=aggregation,
    )  # fmt: skip


@export("contrib.framework.add_model_variable")
def add_model_variable(var):
    """Add a variable to collection MODEL_VARIABLES unless it is there.

    Args:
      var: a variable.
    """
    graph = get_default_graph()
    if not any(each is var for each in graph.get_collection_ref(GraphKeys.MODEL_VARIABLES)):
        graph.add_to_collection(GraphKeys.MODEL_VARIABLES, var)


@export("contrib.framework.VariableDeviceChooser")
class VariableDeviceChooser:
    """A device function that places variables on parameter servers in turn.

    Args:
      num_tasks: how many parameter servers there are; 0 places all on one device without job and task.
      job_name: their job.
      device_type: "CPU" or "GPU".
      device_index: the number of the device in its task.
      replica: the replica, or None.
    """

    def __init__(self, num_tasks=0, job_name="ps", device_type="CPU", device_index=0, replica=None):
        self._device = {"replica": replica, "device_type": device_type, "device_index": device_index}
        self._job_name = job_name
        self._num_tasks = num_tasks
        self._next_task = 0

    def __call__(self, op):
        """The device of a variable."""
        if self._num_tasks <= 0:
            return DeviceSpec(**self._device).to_string()
        task, self._next_task = self._next_task, (self._next_task + 1) % self._num_tasks
        return DeviceSpec(job=self._job_name, task=task, **self._device).to_string()


# --- finding ------------------------------------------------------------------------------------------------------


@export("contrib.framework.get_variables")
def get_variables(scope=None, suffix=None, collection=GraphKeys.GLOBAL_VARIABLES):
    """The variables of a collection whose names match.

    Args:
      scope: a variable scope, or a regular expression that the start of a name must match.
      suffix: the end of the name, without ":0".
      collection: the collection.

    Returns:
      A list of variables.
    """
    if isinstance(scope, scopes.VariableScope):
        scope = scope.name
    if suffix is not None:
        scope = f"{scope or ''}.*{suffix if ':' in suffix else f'{suffix}:'}"
    return get_default_graph().get_collection(collection, scope)


@export("contrib.framework.get_model_variables")
def get_model_variables(scope=None, suffix=None):
    """`get_variables` of collection MODEL_VARIABLES."""
    return get_variables(scope, suffix, GraphKeys.MODEL_VARIABLES)


@export("contrib.framework.get_local_variables")
def get_local_variables(scope=None, suffix=None):
    """`get_variables` of collection LOCAL_VARIABLES."""
    return get_variables(scope, suffix, GraphKeys.LOCAL_VARIABLES)


@export("contrib.framework.get_trainable_variables")
def get_trainable_variables(scope=None, suffix=None):
    """`get_variables` of collection TRAINABLE_VARIABLES."""
    return get_variables(scope, suffix, GraphKeys.TRAINABLE_VARIABLES)


@export("contrib.framework.get_variables_to_restore")
def get_variables_to_restore(include=None, exclude=None):
    """The global variables of some scopes, without those of others.

    Args:
      include: a list of scopes; all if None.
      exclude: a list of scopes; none if None.

    Returns:
      A list of variables.

    Raises:
      TypeError: if either is neither a list nor a tuple.
    """
    for argument, scopes_given in (("include", include), ("exclude", exclude)):
        if scopes_given is not None and not isinstance(scopes_given, (list, tuple)):
            raise TypeError(f"{argument} is provided but is not a list or a tuple.")
    included = get_variables() if include is None else [v for scope in include for v in get_variables(scope)]
    excluded = {v for scope in exclude or () for v in get_variables(scope)}
    return [v for v in included if v not in excluded]


@export("contrib.framework.get_variables_by_suffix")
def get_variables_by_suffix(suffix, scope=None):
    """The global variables whose names end in `suffix`, in a scope."""
    return get_variables(scope=scope, suffix=suffix)


@export("contrib.framework.get_variables_by_name")
def get_variables_by_name(given_name, scope=None):
    """The global variables called `given_name` in whatever scope below `scope`."""
    return get_variables(scope=scope, suffix=f"/{given_name}:|^{given_name}:")


@export("contrib.framework.get_unique_variable")
def get_unique_variable(var_op_name):
    """The global variable of that full name; raises ValueError if there is none.

    Args:
      var_op_name: the variable's name.
    """
    candidates = get_variables(scope=var_op_name)
    if not candidates:
        raise ValueError(f"Couldn't find variable {var_op_name}")
    for candidate in candidates:
        if candidate.op.name == var_op_name:
            return candidate
    raise ValueError(f"Variable {var_op_name} does not uniquely identify a variable")


@export("contrib.framework.get_variable_full_name")
def get_variable_full_name(var):
    """The name of a variable; of a part of one, that of the whole.

    Args:
      var: a variable, or a part of a partitioned one.
    """
    info = var._get_save_slice_info()
    return info.full_name if info else var.op.name


@export("contrib.framework.filter_variables")
def filter_variables(var_list, include_patterns=None, exclude_patterns=None, reg_search=True):
    """Filter variables by name.

    Args:
      var_list: a list of variables.
      include_patterns: regular expressions one of which a name must match; None takes all.
      exclude_patterns: regular expressions none of which a name may match; None takes all.
      reg_search: True to match anywhere in the name, False at its start.

    Returns:
      A list of variables.
    """
    matches = re.search if reg_search else re.match

    def any_matches(patterns, var):
        return any(matches(pattern, var.name) for pattern in patterns)

    return [v for v in var_list if (include_patterns is None or any_matches(include_patterns, v))
            and not any_matches(exclude_patterns or (), v)]  # fmt: skip


@export("contrib.framework.assert_or_get_global_step")
def assert_or_get_global_step(graph=None, global_step_tensor=None):
    """The global step: the one given, checked, or that of the graph.

    Args:
      global_step_tensor: a variable, or None for the one of the graph.
    """
    if global_step_tensor is None:
        return training_util.get_global_step(graph)
    training_util.assert_global_step(global_step_tensor)
    return global_step_tensor
