"""Giving variables values from arrays and from checkpoints."""

from reflow.contrib.framework.variables import get_variable_full_name
from reflow.files.checkpoint_reader import CheckpointReader
from reflow.graph.collections import GraphKeys
from reflow.graph.export import export
from reflow.graph.graph import get_default_graph
from reflow.ops.control import group
from reflow.ops.placeholder import placeholder
from reflow.platform import logging
from reflow.train.saver import Saver


@export("contrib.framework.assign_from_values")
def assign_from_values(var_names_to_values):
    """An operation that assigns arrays to global variables.

    Args:
      var_names_to_values: from the full name of a variable to an array with as many elements.

    Returns:
      (operation, feed_dict): run the one with the other.

    Raises:
      ValueError: if a name is no variable's, or that of several.
    """
    return _assignment([(_variable_named(name), value) for name, value in var_names_to_values.items()])


def _variable_named(name):
    candidates = get_default_graph().get_collection(GraphKeys.GLOBAL_VARIABLES, name)
    if not candidates:
        raise ValueError(f"Variable {name} wasn't found")
    if len(candidates) == 1:
        return candidates[0]
    for candidate in candidates:
        if candidate.op.name == name:
            return candidate
    raise ValueError(f"Variable {name} doesn't uniquely identify a variable")


def _assignment(pairs):
    """(operation, feed_dict) for pairs of a variable and an array; the arrays come in as feeds, not as constants."""
    feed_dict, assignments = {}, []
    for variable, value in pairs:
        shape = variable.get_shape()
        fed = placeholder(variable.dtype.base_dtype, shape, name=f"placeholder/{variable.op.name}")
        assignments.append(variable.assign(fed))
        feed_dict[fed] = value.reshape(shape.as_list())
    return group(*assignments), feed_dict


@export("contrib.framework.assign_from_values_fn")
def assign_from_values_fn(var_names_to_values):
    """A function of a session that assigns arrays to global variables; see `assign_from_values`."""
    operation, feed_dict = assign_from_values(var_names_to_values)
    return lambda session: session.run(operation, feed_dict)


@export("contrib.framework.assign_from_checkpoint")
def assign_from_checkpoint(model_path, var_list, ignore_missing_vars=False):
    """An operation that assigns values from a checkpoint.

    Args:
      model_path: the checkpoint.
      var_list: a list of variables, or a dict from names in the checkpoint to variables or lists of them.
      ignore_missing_vars: leave out, with a warning, what the checkpoint lacks.

    Returns:
      (operation, feed_dict): run the one with the other.

    Raises:
      ValueError: if the checkpoint lacks a variable, or has another shape.
    """
    reader = CheckpointReader(model_path)
    pairs: list[tuple] = []
    for name, variables in _by_checkpoint_name(var_list).items():
        if reader.has_tensor(name):
            value = reader.get_tensor(name)
            pairs.extend((variable, _part_for(variable, value, name)) for variable in variables)
        elif ignore_missing_vars:
            logging.warning("Checkpoint is missing variable [%s]", name)
        else:
            raise ValueError(f"Checkpoint is missing variable [{name}]")
    return _assignment(pairs)


def _by_checkpoint_name(var_list) -> dict[str, list]:
    if isinstance(var_list, dict):
        return {name: list(v) if isinstance(v, (list, tuple)) else [v] for name, v in var_list.items()}
    grouped: dict[str, list] = {}
    for variable in var_list:
        grouped.setdefault(get_variable_full_name(variable), []).append(variable)
    return grouped


def _part_for(variable, value, name):
    """What a variable, which may be a part of a larger one, gets of the whole value."""
    info = variable._get_save_slice_info()
    if info:
        places = zip(info.var_offset, info.var_shape, strict=True)
        return value[tuple(slice(start, start + size) for start, size in places)]
    if tuple(variable.get_shape().as_list()) != value.shape:
        raise ValueError(f"Total size of new array must be unchanged for {name} lh_shape: [{value.shape}], "
                         f"rh_shape: [{variable.get_shape()}]")  # fmt: skip
    return value


@export("contrib.framework.assign_from_checkpoint_fn")
def assign_from_checkpoint_fn(model_path, var_list, ignore_missing_vars=False, reshape_variables=False):
    """A function of a session that restores variables from a checkpoint.

    Args:
      model_path: the checkpoint.
      var_list: a list of variables, or a dict from names in the checkpoint to variables.
      ignore_missing_vars: leave out, with a warning, what the checkpoint lacks.
      reshape_variables: give values the shapes of their variables.

    Returns:
      The function; None if there is nothing to restore.

    Raises:
      ValueError: if `var_list` is empty.
    """
    if not var_list:
        raise ValueError("var_list cannot be empty")
    if ignore_missing_vars:
        var_list = _present_in(model_path, var_list)
        if not var_list:
            logging.warning("No Variables to restore")
            return None
    saver = Saver(var_list, reshape=reshape_variables)
    return lambda session: saver.restore(session, model_path)


def _present_in(model_path, var_list) -> dict:
    reader = CheckpointReader(model_path)
    wanted = var_list if isinstance(var_list, dict) else {v.op.name: v for v in var_list}
    present = {name: v for name, v in wanted.items() if reader.has_tensor(name)}
    for name in wanted.keys() - present.keys():
        logging.warning("Variable %s missing in checkpoint %s", name, model_path)
    return present
