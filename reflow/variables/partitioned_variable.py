"""A variable that is stored in parts."""

from reflow.graph.build import call
from reflow.graph.context import name_scope
from reflow.graph.convert import register_tensor_conversion_function
from reflow.graph.graph import get_default_graph
from reflow.graph.shapes import dimension_value


class PartitionedVariable:
    """What `get_variable` with a partitioner returns: a list of variables that stands for their concatenation.

    Args:
      name: the name of the whole.
      shape: its TensorShape.
      dtype: its DType.
      variable_list: the parts; each knows its place by `SaveSliceInfo`.
      partitions: the number of parts along each axis.

    Raises:
      TypeError, ValueError: if the parts do not make up the whole.
    """

    def __init__(self, name, shape, dtype, variable_list, partitions):
        if not isinstance(variable_list, (list, tuple)):
            raise TypeError(f"variable_list is not a list or tuple: {variable_list}")
        if not isinstance(partitions, (list, tuple)):
            raise TypeError(f"partitions is not a list or tuple: {partitions}")
        if not all(p >= 1 for p in partitions):
            raise ValueError(f"partition values must be positive: {partitions}")
        if not variable_list:
            raise ValueError("variable_list may not be empty")
        _check_parts(shape, variable_list, partitions)
        self._variable_list = sorted(variable_list, key=lambda v: v._get_save_slice_info().var_offset)
        self._name = name
        self._shape = shape
        self._dtype = dtype
        self._partitions = partitions

    @property
    def name(self):
        """The name of the whole variable."""
        return self._name

    @property
    def dtype(self):
        """The type of the whole variable."""
        return self._dtype

    @property
    def shape(self):
        """The shape of the whole variable."""
        return self._shape

    def get_shape(self):
        """The shape of the whole variable."""
        return self._shape

    _distribute_strategy = None

    def __iter__(self):
        return iter(self._variable_list)

    def __len__(self):
        axes = self._partition_axes()
        if len(axes) > 1:
            raise ValueError(f"Cannot get a length for {len(axes)} > 1 partition axes")
        return len(self._variable_list)

    def _partition_axes(self):
        return [i for i, count in enumerate(self._partitions) if count > 1] or [0]

    def _partition_axis(self, action):
        axes = self._partition_axes()
        if len(axes) > 1:
            raise NotImplementedError(action.format(axes))
        return axes[0]

    def _get_variable_list(self):
        return self._variable_list

    def _get_partitions(self):
        return self._partitions

    def as_tensor(self):
        """The whole as a tensor, without the control dependencies of the place where it is used."""
        with get_default_graph().control_dependencies(None):
            return self._concat()

    def _concat(self):
        """The whole as a tensor, under the current control dependencies."""
        from reflow.ops.joining import concat

        if len(self._variable_list) == 1:
            whole = self._variable_list[0]
        else:
            axis = self._partition_axis("Cannot concatenate along more than one dimension: {}.  Multi-axis partition "
                                        "concat is not supported")  # fmt: skip
            with name_scope(f"{self._name}/ConcatPartitions/"):
                whole = concat(self._variable_list, axis)
        with name_scope(None):
            return call("Identity", whole, name=self._name)

    def _apply_assign_fn(self, assign, value):
        """One assignment a part; `value` is a list with a value for each, a partitioned variable, or a whole tensor."""
        from reflow.ops.joining import split

        axis = self._partition_axis("Cannot do assign action along more than one dimension: {}.  Multi-axis partition "
                                    "assign action is not supported ")  # fmt: skip
        if isinstance(value, (list, PartitionedVariable)):
            values = list(value)
        else:
            sizes = [dimension_value(v.shape[axis]) for v in self._variable_list]
            values = split(value, sizes, axis=axis)
        return [assign(v, part) for v, part in zip(self._variable_list, values, strict=True)]

    def _changed(self, method, value, use_locking, name, read_value):
        def assign(variable, part):
            return getattr(variable, method)(part, use_locking=use_locking, name=name, read_value=read_value)

        results = self._apply_assign_fn(assign, value)
        return results if read_value else [result.op for result in results]

    def assign(self, value, use_locking=False, name=None, read_value=True):
        """Give each part its part of `value`; returns a list with the result of each assignment."""
        return self._changed("assign", value, use_locking, name, read_value)

    def assign_add(self, value, use_locking=False, name=None, read_value=True):
        """Add to each part its part of `value`; returns a list with the result of each assignment."""
        return self._changed("assign_add", value, use_locking, name, read_value)

    def assign_sub(self, value, use_locking=False, name=None, read_value=True):
        """Subtract from each part its part of `value`; returns a list with the result of each assignment."""
        return self._changed("assign_sub", value, use_locking, name, read_value)


def _check_parts(shape, variable_list, partitions):
    infos = [v._get_save_slice_info() for v in variable_list]
    if any(info is None for info in infos):
        raise ValueError(f"All variables must have a save_slice_info available: {[v.name for v in variable_list]}")
    if len(shape) != len(partitions):
        raise ValueError(f"len(shape) != len(partitions): {shape} vs. {partitions}")
    for info in infos:
        if shape != info.full_shape:
            raise ValueError(f"All variables' full shapes must match shape: {shape}; but full shapes were: "
                             f"{[info.full_shape]}")  # fmt: skip


def _to_tensor(variable, dtype=None, name=None, as_ref=False):
    if dtype is not None and not dtype.is_compatible_with(variable.dtype):
        raise ValueError(f"Incompatible type conversion requested to type '{dtype.name}' for variable of type "
                         f"'{variable.dtype.name}'")  # fmt: skip
    if as_ref:
        raise NotImplementedError("PartitionedVariable doesn't support being used as a reference.")
    return variable.as_tensor()


register_tensor_conversion_function(PartitionedVariable, _to_tensor)
