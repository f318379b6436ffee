"""Variables that begin with what a checkpoint holds: `tf.train.init_from_checkpoint`; waiting for new checkpoints."""

import os
import time

from reflow.files.checkpoint_reader import load_checkpoint
from reflow.files.checkpoint_state import latest_checkpoint
from reflow.graph.build import call
from reflow.graph.context import device
from reflow.graph.export import export
from reflow.platform import logging
from reflow.train.saveable import saveable_objects
from reflow.variables.variable import Variable
from reflow.variables.variable_store import get_default_variable_store


@export("train.init_from_checkpoint")
def init_from_checkpoint(ckpt_dir_or_file, assignment_map):
    """Replace the initializers of variables by ones that read a checkpoint.

    The values are read when the initializers run, for instance with `tf.global_variables_initializer()`, which has to
    be called after this.

    Args:
      ckpt_dir_or_file: a checkpoint, or a folder, whose latest one it is.
      assignment_map: a dict from names in the checkpoint to what they are for: {"name": variable}, {"name": "variable's
        name"}, {"name": [slices of one partitioned variable]}, or {"scope/": "scope/"} for all variables in a scope
        that `tf.get_variable` made. "/" stands for the root of the checkpoint.

    Raises:
      ValueError: if the checkpoint has no such tensor, a shape differs, or a scope is given for a tensor.
    """
    shapes = load_checkpoint(ckpt_dir_or_file).get_variable_to_shape_map()
    path = latest_checkpoint(ckpt_dir_or_file) if os.path.isdir(ckpt_dir_or_file) else ckpt_dir_or_file
    for name, target in sorted(assignment_map.items()):
        variable = target if _is_variable_or_slices(target) else find_variable(target)
        if variable is None:
            for tensor, inside in _in_scope(ckpt_dir_or_file, shapes, name, target):
                _initialize_from(inside, path, tensor)
            continue
        if name not in shapes:
            raise ValueError(f"Tensor {name} is not found in {ckpt_dir_or_file} checkpoint {shapes}")
        if isinstance(variable, Variable) and not variable.shape.is_compatible_with(shapes[name]):
            raise ValueError(f"Shape of variable {variable.name} ({variable.shape}) doesn't match with shape of tensor "
                             f"{name} ({shapes[name]}) from checkpoint reader.")  # fmt: skip
        _initialize_from(variable, path, name)


def is_variable(value) -> bool:
    """True for a variable that is not partitioned."""
    return isinstance(value, Variable)


def _is_variable_or_slices(target):
    return is_variable(target) or isinstance(target, list) and all(is_variable(v) for v in target)


def find_variable(name):
    """The variable that `tf.get_variable` made under a full name, the list of its slices, or None."""
    made = get_default_variable_store()._vars
    if name in made:
        return made[name]
    slices: list[Variable] = []
    while f"{name}/part_{len(slices)}" in made:
        slices.append(made[f"{name}/part_{len(slices)}"])
    return slices or None


def _in_scope(checkpoint, shapes, prefix, target):
    """Yield each variable in the scope `target` with the tensor of its name in the checkpoint's scope `prefix`."""
    scope = target.rpartition("/")[0]
    if not prefix.endswith("/"):
        raise ValueError(f"Assignment map with scope only name {scope} should map to scope only {prefix}. Should be "
                         "'scope/': 'other_scope/'.")  # fmt: skip
    inside = {
        name.partition("/part_")[0]
        for name in get_default_variable_store()._vars
        if not scope or name.startswith(f"{scope}/")
    }
    for name in sorted(inside):
        below = name[len(scope) :] if target == "/" else name[len(scope) + bool(scope) :]
        tensor = below if prefix == "/" else prefix + below
        if tensor not in shapes:
            raise ValueError(f"Tensor {tensor} ({below} in {prefix}) is not found in {checkpoint} checkpoint")
        yield tensor, find_variable(name)


def _initialize_from(variable_or_slices, path, tensor_name):
    slices = variable_or_slices if isinstance(variable_or_slices, list) else None
    if slices is None:
        _read_initially(variable_or_slices, path, tensor_name, "")
    else:
        infos = [part._get_save_slice_info() for part in slices]
        other = next((info for info in infos if info.full_name != infos[0].full_name), None)
        if other is not None:
            raise ValueError(f"Slices must all be from the same tensor: {infos[0].full_name} != {other.full_name}")
        for part, info in zip(slices, infos, strict=True):
            _read_initially(part, path, tensor_name, info.spec)
    logging.debug("Initialize variable %s from checkpoint %s with %s", variable_or_slices, path, tensor_name)


def _read_initially(variable, path, tensor_name, slice_spec):
    """Make the variable's initializer one that reads a tensor, or a slice of it."""
    with device(variable.device), device("/cpu:0"):
        value = call("RestoreV2", path, [tensor_name], [slice_spec], dtypes=[variable.dtype.base_dtype],
                     name="checkpoint_initializer")[0]  # fmt: skip
    assign = saveable_objects([variable])[0].restore([value], None)
    value.set_shape(variable.shape)
    variable._initializer_op = assign
    variable._initial_value = value


# --- waiting --------------------------------------------------------------------------------------------------------


@export("contrib.training.wait_for_new_checkpoint")
def wait_for_new_checkpoint(checkpoint_dir, last_checkpoint=None, seconds_to_sleep=1, timeout=None):
    """Wait until a folder has another checkpoint.

    Args:
      checkpoint_dir: the folder that checkpoints are saved in.
      last_checkpoint: the checkpoint that is known already, or None.
      seconds_to_sleep: seconds between two looks.
      timeout: seconds to wait at most; None waits for ever.

    Returns:
      The new checkpoint's path, or None if the time is over.
    """
    logging.info("Waiting for new checkpoint at %s", checkpoint_dir)
    stop = None if timeout is None else time.time() + timeout
    while True:
        found = latest_checkpoint(checkpoint_dir)
        if found is not None and found != last_checkpoint:
            logging.info("Found new checkpoint at %s", found)
            return found
        if stop is not None and time.time() + seconds_to_sleep > stop:
            return None
        time.sleep(seconds_to_sleep)


@export("train.checkpoints_iterator", "contrib.training.checkpoints_iterator")
def checkpoints_iterator(checkpoint_dir, min_interval_secs=0, timeout=None, timeout_fn=None):
    """Yield a folder's newest checkpoint, and each newer one that it has when the next is asked for.

    Args:
      checkpoint_dir: the folder that checkpoints are saved in.
      min_interval_secs: seconds that pass at least between two checkpoints.
      timeout: seconds to wait for a checkpoint; None waits for ever.
      timeout_fn: called without arguments when the time is over: True ends the iteration, False waits once more.
        Without one it ends.

    Yields:
      The paths.
    """
    path = None
    while True:
        found = wait_for_new_checkpoint(checkpoint_dir, path, timeout=timeout)
        if found is None:
            if timeout_fn is None:
                logging.info("Timed-out waiting for a checkpoint.")
                return
            if timeout_fn():
                return
            continue
        start, path = time.time(), found
        yield path
        time.sleep(max(0.0, start + min_interval_secs - time.time()))
