"""What a Saver saves: saveable objects, made of variables, resources and slices of partitioned variables."""

from reflow.graph.build import call
from reflow.graph.context import device
from reflow.graph.convert import to_tensor
from reflow.graph.device import DeviceSpec
from reflow.graph.operation import Tensor
from reflow.ops.shape_ops import reshape
from reflow.variables.partitioned_variable import PartitionedVariable
from reflow.variables.resource_variable import BaseResourceVariable
from reflow.variables.variable import Variable

_REFERENCE_OPS = ("Variable", "VariableV2", "AutoReloadVariable")
_VARIABLE_OPS = (*_REFERENCE_OPS, "VarHandleOp", "ReadVariableOp")


class SaveSpec:
    """One tensor of a saveable object.

    Args:
      tensor: the tensor or variable to save, or a function that makes the tensor.
      slice_spec: "" or the full shape and the slice of a partitioned variable.
      name: the name in the checkpoint.
      dtype: the type; needed if `tensor` is a function.
      device: the device that the value is on; needed if `tensor` is a function.
    """

    def __init__(self, tensor, slice_spec, name, dtype=None, device=None):
        self._tensor = tensor
        self.slice_spec = slice_spec
        self.name = name
        if callable(tensor) and (dtype is None or device is None):
            raise ValueError("When passing a callable `tensor` to a SaveSpec, an explicit dtype and device must be "
                             "provided.")  # fmt: skip
        self.dtype = dtype if dtype is not None else tensor.dtype
        self.device = device if device is not None else tensor.device

    @property
    def tensor(self):
        """The tensor, made now if it was given as a function."""
        return self._tensor() if callable(self._tensor) else self._tensor


class SaveableObject:
    """Something with a state of one or more tensors, and a way to set it.

    Args:
      op: the operation or variable whose device and name it goes by.
      specs: a list of SaveSpec.
      name: the name of the whole.
    """

    SaveSpec = SaveSpec

    def __init__(self, op, specs, name):
        self.op = op
        self.specs = specs
        self.name = name

    @property
    def device(self):
        """The device of the operation."""
        return self.op.device

    def restore(self, restored_tensors, restored_shapes):
        """Make the operation that sets the state.

        Args:
          restored_tensors: one tensor a spec.
          restored_shapes: their shapes, or None.
        """
        raise NotImplementedError(f"{type(self).__name__} does not say how it is restored")


class ReferenceVariableSaveable(SaveableObject):
    """A reference variable, or a slice of a partitioned one."""

    def __init__(self, variable, slice_spec, name):
        super().__init__(variable, [SaveSpec(variable, slice_spec, name, variable.dtype)], name)

    def restore(self, restored_tensors, restored_shapes):
        value = restored_tensors[0]
        if restored_shapes is not None:
            value = reshape(value, restored_shapes[0])
        validate = restored_shapes is None and self.op.get_shape().is_fully_defined()
        reference = to_tensor(self.op, as_ref=True)
        return call("Assign", reference, value, validate_shape=validate, use_locking=True)


class ResourceVariableSaveable(SaveableObject):
    """A resource variable, given as itself (a slice of a partitioned one) or as the tensor that reads it."""

    def __init__(self, variable, slice_spec, name):
        is_read = isinstance(variable, Tensor)
        self._handle = variable.op.inputs[0] if is_read else variable.handle
        self._device = variable.device
        self._shape = variable.shape
        tensor = variable if is_read else lambda: _read_on_cpu(variable)
        spec = SaveSpec(tensor, slice_spec, name, variable.dtype, variable.device)
        super().__init__(variable, [spec], name)

    def restore(self, restored_tensors, restored_shapes):
        value = restored_tensors[0]
        if restored_shapes is not None:
            value = reshape(value, restored_shapes[0])
        with device(self._device):
            value = call("Identity", value)
            self._shape.assert_is_compatible_with(value.shape)
            return call("AssignVariableOp", self._handle, value)


def _read_on_cpu(variable):
    with device(variable.device):
        value = variable.read_value()
        # Files are written by CPUs: from another device the value is copied first.
        with device("/device:CPU:0"):
            return call("Identity", value)


def on_cpu(place: str) -> str:
    """The first CPU of the machine that a device string names, which is where its files are written."""
    return DeviceSpec.from_string(place).replace(device_type="CPU", device_index=0).to_string()


def _saveable_objects_for(item, name):
    """Yield the saveable objects of one variable, tensor, SaveableObject, or list of slices.

    Raises:
      TypeError: if it is nothing that a Saver can save.
      ValueError: if slices do not belong together.
    """
    if not isinstance(name, str):
        raise TypeError("names_to_saveables must be a dict mapping string names to trackable operations. Name is not a "
                        f"string: {name}")  # fmt: skip
    if isinstance(item, SaveableObject):
        yield item
    elif isinstance(item, (list, tuple, PartitionedVariable)):
        yield from _slices(list(item), name)
    else:
        yield _whole(item, name)


def _slices(parts, name):
    full_name = None
    for part in parts:
        if not isinstance(part, Variable):
            raise ValueError(f"Slices must all be Variables: {part}")
        info = part._get_save_slice_info()
        if not info:
            raise ValueError(f"Slices must all be slices: {part}")
        full_name = full_name or info.full_name
        if full_name != info.full_name:
            raise ValueError(f"Slices must all be from the same tensor: {full_name} != {info.full_name}")
        kind = ReferenceVariableSaveable if part.op.type in _REFERENCE_OPS else ResourceVariableSaveable
        yield kind(part, info.spec, name)


def _whole(item, name):
    tensor = _graph_element(item)
    if tensor.op.type not in _VARIABLE_OPS:
        raise TypeError("names_to_saveables must be a dict mapping string names to Tensors/Variables. Not a variable: "
                        f"{tensor}")  # fmt: skip
    kind = ReferenceVariableSaveable if tensor.op.type in _REFERENCE_OPS else ResourceVariableSaveable
    return kind(tensor, "", name)


def _graph_element(variable) -> Tensor:
    """The tensor that stands for a variable: its reference, or the tensor that reads a resource variable."""
    if isinstance(variable, BaseResourceVariable):
        return variable._graph_element
    return to_tensor(variable, as_ref=True)


def by_checkpoint_name(variables) -> dict:
    """A dict from checkpoint name to variable (or list of slices) for a list of what a Saver was given.

    Raises:
      TypeError: for items that cannot be saved.
      ValueError: if two have one name.
    """
    if not isinstance(variables, (list, tuple, set)):
        raise TypeError(f"Variables to save should be passed in a dict or a list: {variables}")
    result: dict = {}
    for variable in sorted(variables, key=lambda v: v.name):
        if isinstance(variable, SaveableObject):
            result[variable.name] = variable
        elif isinstance(variable, PartitionedVariable):
            _put(result, variable.name, variable)
        elif isinstance(variable, Variable) and variable._save_slice_info:
            full_name = variable._save_slice_info.full_name
            parts = result.setdefault(full_name, [])
            if not isinstance(parts, list):
                raise ValueError(f"Mixing slices and non-slices with the same name: {full_name}")
            parts.append(variable)
        else:
            tensor = _graph_element(variable)
            if tensor.op.type not in _VARIABLE_OPS:
                raise TypeError(f"Variable to save is not a Variable: {tensor}")
            owner = tensor.op.inputs[0].op if tensor.op.type == "ReadVariableOp" else tensor.op
            _put(result, owner.name, tensor)
    return result


def _put(result, name, value):
    if name in result:
        raise ValueError(f"At least two variables have the same name: {name}")
    result[name] = value


def saveable_objects(variables) -> list[SaveableObject]:
    """The saveable objects of what a Saver was given, in the order of their names.

    Args:
      variables: a dict from name in the checkpoint to variable, or a list of variables and SaveableObjects.

    Raises:
      TypeError: for items that cannot be saved, and names that are no strings.
      ValueError: if two have one name, or one stands under two names.
    """
    by_name = variables if isinstance(variables, dict) else by_checkpoint_name(variables)
    saveables: list[SaveableObject] = []
    seen: set[int] = set()
    for name in sorted(by_name):
        for saveable in _saveable_objects_for(by_name[name], name):
            if id(saveable.op) in seen:
                raise ValueError(f"The same saveable will be restored with two names: {saveable.name}")
            seen.add(id(saveable.op))
            saveables.append(saveable)
    return saveables
