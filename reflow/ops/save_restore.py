"""Checkpoints as graph operations: SaveV2, RestoreV2, MergeV2Checkpoints, the V1 forms, and names of shards."""

import numpy as np

from reflow.files.checkpoint_reader import open_checkpoint
from reflow.files.checkpoint_v1 import CheckpointV1Writer
from reflow.files.tensor_bundle import BundleWriter, merge_bundles
from reflow.files.tensor_slice import parse_shape_and_slice
from reflow.graph import errors
from reflow.graph.convert import constant_value
from reflow.graph.registry import define_op
from reflow.graph.shapes import dims_in_brackets
from reflow.ops.shape_rules import no_outputs, with_rank
from reflow.ops.torch_types import FROM_TORCH, array_of, name_in_messages, tensor_of


def _path(prefix: np.ndarray) -> str:
    return prefix.item().decode()


def _names(names: np.ndarray) -> list[bytes]:
    return list(names.reshape(-1))


def _write(writer, names, slices, tensors) -> None:
    """Add each tensor, or the part of a partitioned one that `slices` says it is, to a checkpoint writer."""
    try:
        for name, part, tensor in zip(_names(names), slices, tensors, strict=True):
            array = array_of(tensor)
            dtype = FROM_TORCH.get(getattr(tensor, "dtype", None))
            if part:
                full_shape, box = parse_shape_and_slice(part.decode())
                writer.add_slice(name, full_shape, box, array, dtype)
            else:
                writer.add(name, array, dtype)
        writer.finish()
    except BaseException:
        writer.discard()
        raise


def _save_v2(prefix, tensor_names, shape_and_slices, tensors):
    _check_lengths(tensor_names, shape_and_slices, tensors)
    _write(BundleWriter(_path(prefix)), tensor_names, _names(shape_and_slices), tensors)


def _check_lengths(names, slices, tensors):
    if not names.size == slices.size == len(tensors):
        raise errors.InvalidArgumentError(None, None, f"Got {names.size} tensor names, {slices.size} slices and "
                                          f"{len(tensors)} tensors")  # fmt: skip


define_op(
    "SaveV2", "prefix: string, tensor_names: string, shape_and_slices: string, tensors: list:dtypes ->",
    "dtypes: list(type) >= 1", shape=no_outputs, kernel=_save_v2, is_stateful=True,
)  # fmt: skip


def _save(filename, tensor_names, data):
    _write(CheckpointV1Writer(_path(filename)), tensor_names, [b""] * len(data), data)


def _save_slices(filename, tensor_names, shapes_and_slices, data):
    _write(CheckpointV1Writer(_path(filename)), tensor_names, _names(shapes_and_slices), data)


define_op("Save", "filename: string, tensor_names: string, data: list:T ->", "T: list(type) >= 1", shape=no_outputs,
          kernel=_save, is_stateful=True)  # fmt: skip
define_op("SaveSlices", "filename: string, tensor_names: string, shapes_and_slices: string, data: list:T ->",
          "T: list(type) >= 1", shape=no_outputs, kernel=_save_slices, is_stateful=True)  # fmt: skip


# --- restoring ----------------------------------------------------------------------------------------------------


def _restore_v2_shape(op):
    """The shape of the slice where one is asked for; nothing is known of whole tensors."""
    slices = constant_value(op._inputs[2])
    count = len(op.attrs["dtypes"])
    if slices is None:
        return [None] * count
    return [_slice_dims(text.decode()) if text else None for text in _names(slices)]


def _slice_dims(text):
    full_shape, box = parse_shape_and_slice(text)
    return tuple(len(range(size)[part]) for size, part in zip(full_shape, box.bounds(full_shape), strict=True))


def _restore_v2(prefix, tensor_names, shape_and_slices, dtypes):
    path = _path(prefix)
    reader = open_checkpoint(path)
    try:
        names, slices = _names(tensor_names), _names(shape_and_slices)
        return [_read(reader, path, name, part, dtype)
                for name, part, dtype in zip(names, slices, dtypes, strict=True)]  # fmt: skip
    finally:
        reader.close()


def _read(reader, path, name, part, wanted):
    stored = reader.dtype(name)
    if part:
        full_shape, box = parse_shape_and_slice(part.decode())
        value = tensor_of(reader.read_slice(name, full_shape, box))
    else:
        value = tensor_of(reader.read(name))
    have = getattr(value, "dtype", None)
    if have != wanted and not (have == np.dtype(object) and getattr(wanted, "name", "") == "string"):
        asked, found = name_in_messages(FROM_TORCH.get(wanted, wanted)), name_in_messages(stored)
        raise errors.InvalidArgumentError(None, None, f"tensor_name = {name.decode()}; expected dtype {asked} does not "
                                          f"equal original dtype {found} in checkpoint {path}")  # fmt: skip
    return value


define_op(
    "RestoreV2", "prefix: string, tensor_names: string, shape_and_slices: string -> tensors: list:dtypes",
    "dtypes: list(type) >= 1", shape=_restore_v2_shape, kernel=_restore_v2, is_stateful=True,
)  # fmt: skip


def _restore(file_pattern, tensor_name, dt):
    return _restore_slice(file_pattern, tensor_name, np.array(b"", object), dt)


def _restore_slice(file_pattern, tensor_name, shape_and_slice, dt):
    path = _path(file_pattern)
    reader = open_checkpoint(path)
    try:
        return _read(reader, path, tensor_name.item(), shape_and_slice.item(), dt)
    finally:
        reader.close()


def _unknown(op):
    return [None]


define_op("Restore", "file_pattern: string, tensor_name: string -> tensor: dt", "dt: type, preferred_shard: int = -1",
          shape=_unknown, kernel=_restore, is_stateful=True)  # fmt: skip
define_op("RestoreSlice", "file_pattern: string, tensor_name: string, shape_and_slice: string -> tensor: dt",
          "dt: type, preferred_shard: int = -1", shape=_unknown, kernel=_restore_slice, is_stateful=True)  # fmt: skip


# --- shards -------------------------------------------------------------------------------------------------------


def _merge_v2(checkpoint_prefixes, destination_prefix, delete_old_dirs):
    prefixes = [p.decode() for p in _names(checkpoint_prefixes)]
    merge_bundles(prefixes, _path(destination_prefix), delete_old_dirs)


define_op("MergeV2Checkpoints", "checkpoint_prefixes: string, destination_prefix: string ->",
          "delete_old_dirs: bool = true", shape=no_outputs, kernel=_merge_v2, is_stateful=True)  # fmt: skip


def _sharded_shape(op):
    for tensor in op._inputs:
        with_rank(tensor.dims, 0)
    return [()]


def _check_scalars(**numbers):
    for name, value in numbers.items():
        if np.ndim(value):
            raise ValueError(f"{name} must be a scalar, got shape {dims_in_brackets(np.shape(value))}")


def _sharded_filename(basename, shard, num_shards):
    _check_scalars(basename=basename, shard=shard, num_shards=num_shards)
    return np.array(f"{_path(basename)}-{shard:05d}-of-{num_shards:05d}".encode(), object)


def _sharded_filespec(basename, num_shards):
    _check_scalars(basename=basename, num_shards=num_shards)
    return np.array(f"{_path(basename)}-?????-of-{num_shards:05d}".encode(), object)


define_op("ShardedFilename", "basename: string, shard: int32, num_shards: int32 -> filename: string",
          shape=_sharded_shape, kernel=_sharded_filename, host="shard num_shards")  # fmt: skip
define_op("ShardedFilespec", "basename: string, num_shards: int32 -> filename: string", shape=_sharded_shape,
          kernel=_sharded_filespec, host="num_shards")  # fmt: skip
