"""What a Saver saves: saveable objects, made of variables, resources and slices of partitioned variables."""

from reflow.graph.build import call
from reflow.graph.context import device
from reflow.graph.convert import to_tensor
from reflow.graph.operation import Operation, Tensor


class SaveSpec:
    """One tensor of a saveable object.

    Args:
      tensor: the tensor to save, or a function that makes it.
      slice_spec: "" or the full shape and the slice of a partitioned variable.
      name: the name in the checkpoint.
      dtype: the type; needed if `tensor` is a function.
    """

    def __init__(self, tensor, slice_spec, name, dtype=None):
        self._tensor = tensor
        self.slice_spec = slice_spec
        self.name = name
        self.dtype = dtype or tensor.dtype

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

    def __init__(self, tensor, slice_spec, name):
        super().__init__(tensor, [SaveSpec(tensor, slice_spec, name, tensor.dtype)], name)

    def restore(self, restored_tensors, restored_shapes):
        value = restored_tensors[0]
        if restored_shapes is not None:
            value = call("Reshape", value, restored_shapes[0])
        validate = restored_shapes is None and self.op.dims is not None and None not in self.op.dims
        return call("Assign", self.op, value, validate_shape=validate)


class ResourceVariableSaveable(SaveableObject):
    """A resource variable, or a slice of a partitioned one."""

    def __init__(self, variable, slice_spec, name):
        self._handle = variable.handle
        self._dims = variable.shape._dims
        read = _reader(variable)
        super().__init__(variable, [SaveSpec(read, slice_spec, name, variable.dtype.base_dtype)], name)

    def restore(self, restored_tensors, restored_shapes):
        value = restored_tensors[0]
        if restored_shapes is not None:
            value = call("Reshape", value, restored_shapes[0])
        with device(self._handle.device or None):
            value = call("Identity", value)
            if self._dims is not None and restored_shapes is None:
                value.set_shape(self._dims)
            return call("AssignVariableOp", self._handle, value)


def _reader(variable):
    """A function that reads the variable on its device, outside of the control dependencies of the moment."""

    def read():
        with device(variable.handle.device or None):
            return variable._graph_element

    return read if getattr(variable, "_graph_element", None) is not None else variable.read_value


def saveable_objects_for(item, name):
    """Yield the saveable objects of one entry of a Saver's variable list.

    Args:
      item: a variable, a tensor of reference type, a SaveableObject, or a dict or list of slices.
      name: the name in the checkpoint.

    Raises:
      TypeError: if it is nothing that a Saver can save.
      ValueError: if slices do not belong together.
    """
    if isinstance(item, SaveableObject):
        yield item
    elif isinstance(item, (list, tuple)) or type(item).__name__ == "PartitionedVariable":
        for part in item:
            info = part._get_save_slice_info() if hasattr(part, "_get_save_slice_info") else part._save_slice_info
            if info is None or info.full_name is None:
                raise ValueError(f"Slices must all be slices: {part}")
            if info.full_name != name and not isinstance(name, str):
                raise ValueError(f"Slices must all be from the same tensor: {name} != {info.full_name}")
            yield _variable_saveable(part, info.spec, name)
    else:
        yield _variable_saveable(item, "", name)


def _variable_saveable(variable, slice_spec, name):
    info = getattr(variable, "_save_slice_info", None)
    if not slice_spec and info is not None:
        slice_spec = info.spec
    if hasattr(variable, "handle") and isinstance(variable.handle, Tensor):
        return ResourceVariableSaveable(variable, slice_spec, name)
    tensor = variable if isinstance(variable, Tensor) else to_tensor(variable, as_ref=True)
    if not tensor.dtype.is_ref:
        raise TypeError("names_to_saveables must be a dict mapping string names to Tensors/Variables. Not a variable: "
                        f"{variable}")  # fmt: skip
    return ReferenceVariableSaveable(tensor, slice_spec, name)


def names_to_saveables(variables) -> dict:
    """A dict from checkpoint name to variable (or slices) for what a Saver was given.

    Args:
      variables: a dict, or a list of variables and SaveableObjects.

    Raises:
      TypeError: for items that cannot be saved.
      ValueError: if two have one name.
    """
    if isinstance(variables, dict):
        return dict(variables)
    if not isinstance(variables, (list, tuple, set)):
        raise TypeError(f"Variables must be a list or a dict, not {type(variables).__name__}")
    result: dict = {}
    for variable in variables:
        info = getattr(variable, "_save_slice_info", None)
        if isinstance(variable, SaveableObject):
            _put(result, variable.name, variable)
        elif type(variable).__name__ == "PartitionedVariable":
            _put(result, variable.name, list(variable))
        elif info is not None:
            parts = result.setdefault(info.full_name, [])
            if not isinstance(parts, list):
                raise ValueError(f"Mixing slices and non-slices with the same name: {info.full_name}")
            parts.append(variable)
        else:
            _put(result, _name_of(variable), variable)
    return result


def _put(result, name, value):
    if name in result:
        raise ValueError(f"At least two variables have the same name: {name}")
    result[name] = value


def _name_of(variable) -> str:
    operation = variable if isinstance(variable, Operation) else getattr(variable, "op", None)
    if operation is None:
        raise TypeError(f"Variable to save is not a Variable: {variable}")
    return getattr(variable, "_shared_name", None) or operation.name


def validate_and_slice(variables: dict) -> list[SaveableObject]:
    """The saveable objects of a dict from name to variable, in the order of their names.

    Raises:
      TypeError: if a name is no string.
      ValueError: if a variable stands under two names.
    """
    saveables, seen = [], set()
    for name in sorted(variables):
        if not isinstance(name, str):
            raise TypeError("names_to_saveables must be a dict mapping string names to checkpointable operations. "
                            f"Name is not a string: {name}")  # fmt: skip
        for saveable in saveable_objects_for(variables[name], name):
            identity = saveable.op.op if isinstance(saveable.op, Tensor) else saveable.op
            if identity in seen:
                raise ValueError(f"The same saveable will be restored with two names: {saveable.name}")
            seen.add(identity)
            saveables.append(saveable)
    return saveables
