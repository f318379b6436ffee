"""Reading checkpoints, and initializing variables from them."""

import os

from reflow.files import checkpoint_reader
from reflow.files.checkpoint_state import latest_checkpoint
from reflow.graph.build import call
from reflow.graph.export import export
from reflow.graph.graph import get_default_graph
from reflow.ops import state
from reflow.platform import logging
from reflow.variables.variable import Variable
from reflow.variables.variable_store import get_default_variable_store


@export("contrib.framework.load_checkpoint")
def load_checkpoint(filepattern):
    """A reader of a checkpoint, or of the latest one of a folder; see `tf.train.load_checkpoint`.

    Args:
      filepattern: a checkpoint, or a folder with one.
    """
    return checkpoint_reader.load_checkpoint(filepattern)


@export("contrib.framework.load_variable")
def load_variable(checkpoint_dir, name):
    """The value of a variable in a checkpoint, as an array; see `tf.train.load_variable`.

    Args:
      checkpoint_dir: a checkpoint, or a folder with one.
    """
    return checkpoint_reader.load_variable(checkpoint_dir, name)


@export("contrib.framework.list_variables")
def list_variables(checkpoint_dir):
    """The variables of a checkpoint, as a list of (name, shape); see `tf.train.list_variables`.

    Args:
      checkpoint_dir: a checkpoint, or a folder with one.
    """
    return checkpoint_reader.list_variables(checkpoint_dir)


@export("contrib.framework.init_from_checkpoint")
def init_from_checkpoint(checkpoint_dir, assignment_map):
    """Make variables begin with values from a checkpoint: it replaces their initializers.

    Args:
      checkpoint_dir: the checkpoint, or a folder whose latest one is meant.
      assignment_map: from a name in the checkpoint to a variable, a list of the parts of one, or the name of a variable
        made by `tf.get_variable`; or from a scope "scope/" in the checkpoint ("/" for the top) to one in the graph,
        whose variables are all initialized.

    Raises:
      ValueError: if a tensor is not in the checkpoint, or has another shape.
    """
    path = latest_checkpoint(checkpoint_dir) if os.path.isdir(checkpoint_dir) else checkpoint_dir
    shapes = load_checkpoint(checkpoint_dir).get_variable_to_shape_map()
    for tensor_name, target in assignment_map.items():
        variable = target if _is_variable(target) else _found(target)
        if variable is not None:
            if tensor_name not in shapes:
                raise ValueError(f"Tensor {tensor_name} is not found in {checkpoint_dir} checkpoint {shapes}")
            _check_shape(variable, tensor_name, shapes[tensor_name])
            _initialize(variable, path, tensor_name)
            continue
        for name, stored in _names_below(target, tensor_name):
            if stored not in shapes:
                raise ValueError(f"Tensor {stored} ({name} in {tensor_name}) is not found in {checkpoint_dir} "
                                 "checkpoint")  # fmt: skip
            _initialize(_found(name), path, stored)


def _is_variable(target) -> bool:
    return isinstance(target, Variable) or (isinstance(target, list) and all(isinstance(v, Variable) for v in target))


def _found(name):
    """The variable of that name, or the list of its parts, or None."""
    variables = get_default_variable_store()._vars
    if name in variables:
        return variables[name]
    parts = []
    while f"{name}/part_{len(parts)}" in variables:
        parts.append(variables[f"{name}/part_{len(parts)}"])
    return parts or None


def _names_below(scope, stored_scope):
    """(name of a variable, its name in the checkpoint) for the variables below a scope."""
    prefix = scope[: scope.rindex("/")] if "/" in scope else ""
    if not stored_scope.endswith("/"):
        raise ValueError(f"Assignment map with scope only name {prefix} should map to scope only {stored_scope}. "
                         "Should be 'scope/': 'other_scope/'.")  # fmt: skip
    names = {name.partition("/part_")[0] for name in get_default_variable_store()._vars}
    for name in sorted(names):
        if not prefix or name.startswith(f"{prefix}/"):
            below = name[len(prefix) :].removeprefix("/")
            yield name, below if stored_scope == "/" else f"{stored_scope}{below}"


def _check_shape(variable, tensor_name, stored_shape):
    if isinstance(variable, Variable) and not variable.get_shape().is_compatible_with(stored_shape):
        raise ValueError(f"Shape of variable {variable.name} ({variable.get_shape()}) doesn't match with shape of "
                         f"tensor {tensor_name} ({stored_shape}) from checkpoint reader.")  # fmt: skip


def _initialize(variable, path, tensor_name):
    """Let a variable, or the parts of one, be restored as they are initialized."""
    parts = [variable] if isinstance(variable, Variable) else variable
    infos = [part._get_save_slice_info() for part in parts]
    if not isinstance(variable, Variable) and len({info.full_name for info in infos}) > 1:
        raise ValueError(f"Slices must all be from the same tensor: {sorted(info.full_name for info in infos)}")
    graph = get_default_graph()
    for part, info in zip(parts, infos, strict=True):
        spec = "" if isinstance(variable, Variable) else info.spec
        with graph.device(part.device), graph.device("/cpu:0"):
            (restored,) = call("RestoreV2", path, [tensor_name], [spec], dtypes=[part.dtype.base_dtype],
                               name="checkpoint_initializer")  # fmt: skip
            part._initializer_op = state.assign(part, restored)
    names = ",".join(part.name for part in parts)
    logging.info("Initialize variable %s from checkpoint %s with %s", names, path, tensor_name)
