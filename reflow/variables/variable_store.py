"""The variables that `tf.get_variable` made in a graph, by name: making new ones and finding old ones again."""

import enum
import inspect
import traceback

from reflow.graph import dtypes
from reflow.graph.collections import GraphKeys
from reflow.graph.context import name_scope
from reflow.graph.convert import to_tensor
from reflow.graph.dtypes import DType, as_dtype
from reflow.graph.export import export_value
from reflow.graph.graph import get_default_graph
from reflow.graph.operation import Tensor
from reflow.graph.shapes import TensorShape, as_shape
from reflow.variables import initializers
from reflow.variables import synchronization as sync
from reflow.variables.partition_info import PartitionInfo, call_partitioner, iter_slices, slice_dim_and_count
from reflow.variables.partitioned_variable import PartitionedVariable
from reflow.variables.resource_variable import ResourceVariable
from reflow.variables.save_slice_info import SaveSliceInfo
from reflow.variables.synchronization import VariableAggregation, VariableSynchronization
from reflow.variables.variable import Variable


class _ReuseMode(enum.Enum):
    """The third value of `reuse`, besides True and False."""

    AUTO_REUSE = 1


AUTO_REUSE = _ReuseMode.AUTO_REUSE
export_value("AUTO_REUSE", AUTO_REUSE)

_COLLECTION_KEY = ("__variable_store",)


def get_default_variable_store() -> "VariableStore":
    """The store of the default graph."""
    return get_default_graph()._collections.only(_COLLECTION_KEY, VariableStore)


class VariableStore:
    """Variables by full name."""

    def __init__(self):
        self._vars = {}
        self._partitioned_vars = {}

    def get_variable(self, name, shape=None, dtype=dtypes.float32, initializer=None, regularizer=None, reuse=None,
                     trainable=None, collections=None, caching_device=None, partitioner=None, validate_shape=True,
                     use_resource=None, custom_getter=None, constraint=None,
                     synchronization=VariableSynchronization.AUTO, aggregation=VariableAggregation.NONE):  # fmt: skip
        """The variable of that full name, found or made, through the custom getter if there is one.

        The arguments are those of `tf.get_variable`; `reuse` is True, False, None or AUTO_REUSE.
        """
        if custom_getter is not None and not callable(custom_getter):
            raise ValueError(f"Passed a custom_getter which is not callable: {custom_getter}")
        dtype = getattr(dtype, "base_dtype", dtype)
        synchronization, aggregation, trainable = sync.settle(synchronization, aggregation, trainable, name)
        if custom_getter is None:
            return self._true_getter(name, shape, dtype, initializer, regularizer, reuse, trainable, collections,
                                     caching_device, partitioner, validate_shape, use_resource, constraint,
                                     synchronization, aggregation)  # fmt: skip
        arguments = {
            "name": name, "shape": shape, "dtype": dtype, "initializer": initializer, "regularizer": regularizer,
            "reuse": reuse, "trainable": trainable, "collections": collections, "caching_device": caching_device,
            "partitioner": partitioner, "validate_shape": validate_shape, "use_resource": use_resource,
            "synchronization": synchronization, "aggregation": aggregation,
        }  # fmt: skip
        if _takes(custom_getter, "constraint"):
            arguments["constraint"] = constraint
        return custom_getter(getter=self._true_getter, **arguments)

    def _true_getter(self, name, shape=None, dtype=dtypes.float32, initializer=None, regularizer=None, reuse=None,
                     trainable=None, collections=None, caching_device=None, partitioner=None, validate_shape=True,
                     use_resource=None, constraint=None, synchronization=VariableSynchronization.AUTO,
                     aggregation=VariableAggregation.NONE):  # fmt: skip
        """What a custom getter gets to call: the variable, whole or in parts."""
        options = {
            "regularizer": regularizer, "reuse": reuse, "trainable": trainable, "collections": collections,
            "caching_device": caching_device, "validate_shape": validate_shape, "use_resource": use_resource,
            "constraint": constraint, "synchronization": synchronization, "aggregation": aggregation,
        }  # fmt: skip
        is_scalar = isinstance(shape, (list, tuple)) and not shape
        if partitioner is not None and not is_scalar:
            if not callable(partitioner):
                raise ValueError(f"Partitioner must be callable, but received: {partitioner}")
            with name_scope(None):
                return self.get_partitioned(name, partitioner, shape, dtype, initializer, **options)
        if reuse is True and partitioner is None and name in self._partitioned_vars:
            return self.get_partitioned(name, None, shape, dtype, initializer, **options)
        if f"{name}/part_0" in self._vars:
            raise ValueError(f"No partitioner was provided, but a partitioned version of the variable was found: "
                             f"{name}/part_0. Perhaps a variable of the same name was already created with "
                             "partitioning?")  # fmt: skip
        return self._get_single(name, shape, dtype, initializer, **options)

    # --- whole variables --------------------------------------------------------------------------------------------

    def _get_single(self, name, shape, dtype, initializer, reuse=None, regularizer=None, partition_info=None,
                    validate_shape=True, use_resource=None, **options):  # fmt: skip
        from_value = initializer is not None and not callable(initializer)
        if shape is not None and from_value:
            raise ValueError("If initializer is a constant, do not specify shape.")
        dtype, shape = as_dtype(dtype), as_shape(shape)
        if name in self._vars:
            return self._found(name, shape, dtype, reuse)
        if reuse is True:
            raise ValueError(f"Variable {name} does not exist, or was not created with tf.get_variable(). Did you mean "
                             "to set reuse=tf.AUTO_REUSE in VarScope?")  # fmt: skip
        if initializer is None:
            initializer = default_initializer(name, dtype)
        if from_value:
            value, variable_dtype = initializer, None
        else:
            value, variable_dtype = _bound(initializer, shape, dtype, partition_info)
        variable = Variable(initial_value=value, name=name, dtype=variable_dtype, validate_shape=validate_shape,
                            use_resource=use_resource, **options)  # fmt: skip
        self._vars[name] = variable
        if regularizer:
            _add_regularization_loss(variable, name, regularizer)
        return variable

    def _found(self, name, shape, dtype, reuse):
        found = self._vars[name]
        if reuse is False:
            raise ValueError(_already_exists(name, found))
        if not shape.is_compatible_with(found.get_shape()):
            raise ValueError(f"Trying to share variable {name}, but specified shape {shape} and found shape "
                             f"{found.get_shape()}.")  # fmt: skip
        if not dtype.is_compatible_with(found.dtype):
            raise ValueError(f"Trying to share variable {name}, but specified dtype {dtype.name} and found dtype "
                             f"{found.dtype.name}.")  # fmt: skip
        return found

    # --- variables in parts -----------------------------------------------------------------------------------------

    def get_partitioned(self, name, partitioner, shape, dtype, initializer, reuse=None, **options):
        """The variable of that full name in parts, found or made.

        Args:
          name: the full name.
          partitioner: `(shape, dtype) -> list with the number of parts along each axis`, or None to find only.
          shape: the shape of the whole.
          dtype: its type.
          initializer: as for `tf.get_variable`.
          reuse: True, False, None or AUTO_REUSE.
          **options: the other arguments of `tf.get_variable`.

        Returns:
          A PartitionedVariable.
        """
        if name in self._vars:
            raise ValueError("A partitioner was provided, but an unpartitioned version of the variable was found: "
                             f"{name}.  Perhaps a variable of the same name was already created without "
                             "partitioning?")  # fmt: skip
        shape = as_shape(shape)
        if isinstance(initializer, Tensor):
            shape = shape.merge_with(initializer.get_shape())
        partitions = call_partitioner(partitioner, shape, dtype) if not reuse or partitioner else None
        if name in self._partitioned_vars:
            return self._found_partitioned(name, shape, dtype, partitions, reuse)
        if reuse is True:
            raise ValueError(f"PartitionedVariable {name} does not exist, or was not created with tf.get_variable(). "
                             "Did you mean to set reuse=False or reuse=tf.AUTO_REUSE in VarScope?")  # fmt: skip
        axis, count = slice_dim_and_count(partitions)
        self._check_parts(name, count)
        parts = [
            self._part(f"{name}/part_{i}", name, shape, offset, part_shape, dtype, initializer, reuse=reuse, **options)
            for i, (offset, part_shape) in enumerate(iter_slices(shape.as_list(), count, axis))
        ]
        whole = PartitionedVariable(name, shape, dtype, parts, partitions)
        self._partitioned_vars[name] = whole
        return whole

    def _part(self, part_name, name, shape, offset, part_shape, dtype, initializer, **options):
        """One part, with its place in the whole noted."""
        from reflow.ops.slicing import slice_

        wanted_shape = part_shape
        with name_scope(f"{part_name}/PartitionedInitializer"):
            if initializer is None:
                initializer = default_initializer(name, dtype)
            elif not callable(initializer):
                if not isinstance(initializer, Tensor):
                    initializer = to_tensor(initializer, dtype)
                initializer = slice_(initializer, offset, part_shape)
                dtype, wanted_shape = initializer.dtype.base_dtype, None
        info = PartitionInfo(full_shape=shape.as_list(), var_offset=offset)
        with name_scope(None):
            part = self._get_single(part_name, wanted_shape, dtype, initializer, partition_info=info, **options)
        part._set_save_slice_info(SaveSliceInfo(name, shape.as_list(), offset, part_shape))
        return part

    def _found_partitioned(self, name, shape, dtype, partitions, reuse):
        def differs(what, specified, found):
            return ValueError(f"Trying to reuse partitioned variable {name}, but specified {what} {specified} and "
                              f"found {what} {found}.")  # fmt: skip

        found = self._partitioned_vars[name]
        if reuse is False:
            raise ValueError(f"Partitioned variable with name {name} already exists. Did you mean to set reuse=True or "
                             "reuse=tf.AUTO_REUSE in VarScope?")  # fmt: skip
        if not shape.is_compatible_with(found.get_shape()):
            raise differs("shape", shape, found.get_shape())
        if not dtype.is_compatible_with(found.dtype):
            raise differs("dtype", dtype.name, found.dtype.name)
        if partitions is not None and found._get_partitions() != partitions:
            raise differs("partitions", partitions, found._get_partitions())
        return found

    def _check_parts(self, name, count):
        if f"{name}/part_0" not in self._vars:
            return
        words = ("Partitioner returned a different partitioning than what was already found.  Partitioner returned "
                 f"{count} shards, and shard {name}/part_0 was found, but")  # fmt: skip
        if f"{name}/part_{count - 1}" not in self._vars:
            raise ValueError(f"{words} {name}/part_{count - 1} was not.")
        if f"{name}/part_{count}" in self._vars:
            raise ValueError(f"{words} so was the extra shard {name}/part_{count}.")


# --- initial values and losses ------------------------------------------------------------------------------------


def default_initializer(name: str, dtype: DType):
    """What initializes a variable where nothing is said: Glorot's uniform numbers, or zeros for what is no float.

    Raises:
      ValueError: for a type that neither serves.
    """
    if dtype.is_floating:
        return initializers.GlorotUniform()
    if dtype.is_integer or dtype.is_unsigned or dtype.is_bool or dtype is dtypes.string:
        return initializers.Zeros()
    raise ValueError(f"An initializer for variable {name} of {dtype.base_dtype} is required")


def _bound(initializer, shape: TensorShape, dtype: DType, partition_info):
    """(function without arguments, dtype or None) that makes the initial value."""
    if inspect.isclass(initializer):
        initializer = initializer()
    if shape.is_fully_defined():
        sizes = shape.as_list()
        return lambda: initializer(sizes, dtype=dtype, partition_info=partition_info), dtype.base_dtype
    if not _has_required_arguments(initializer):
        return initializer, None
    raise ValueError("The initializer passed is not valid. It should be a callable with no arguments and the shape "
                     "should not be provided or an instance of `tf.keras.initializers.*' and `shape` should be fully "
                     "defined.")  # fmt: skip


def _has_required_arguments(function) -> bool:
    kinds = inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD
    parameters = inspect.signature(function).parameters.values()
    return any(p.kind in kinds and p.default is inspect.Parameter.empty for p in parameters)


def _takes(function, argument: str) -> bool:
    """True if a function takes a keyword argument of that name."""
    try:
        parameters = inspect.signature(function).parameters
    except (TypeError, ValueError):
        return False
    return argument in parameters or any(p.kind is p.VAR_KEYWORD for p in parameters.values())


def _add_regularization_loss(variable, name, regularizer):
    graph = variable.graph
    with graph.colocate_with(variable.op), name_scope(f"{name}/Regularizer/"), graph.control_dependencies(None):
        loss = regularizer(variable)
    if loss is not None:
        graph.add_to_collection(GraphKeys.REGULARIZATION_LOSSES, loss)


def _already_exists(name, variable) -> str:
    message = (f"Variable {name} already exists, disallowed. Did you mean to set reuse=True or reuse=tf.AUTO_REUSE in "
               "VarScope?")  # fmt: skip
    if isinstance(variable, ResourceVariable):
        return message
    places = traceback.format_list([tuple(row) for row in variable.op.traceback[::-1][:5]])
    return f"{message} Originally defined at:\n\n{''.join(places)}"

