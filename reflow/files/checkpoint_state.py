"""The `checkpoint` file, a text protocol buffer that says which checkpoints a folder holds and which is the latest."""

import glob
import os
import re
from collections.abc import Iterable, MutableSequence
from typing import Any

from absl import logging
from google.protobuf import text_format
from tensorboard.compat.proto.saver_pb2 import SaverDef

from reflow.files import protos
from reflow.files.bundle_files import index_filename
from reflow.files.durable import sync_folder, write_atomically
from reflow.files.random_access import RandomAccessFile
from reflow.graph import errors
from reflow.graph.export import export

CheckpointState = protos.load("checkpoint_state").CheckpointState


@export("train.generate_checkpoint_state_proto")
def generate_checkpoint_state_proto(
    save_dir: str,
    model_checkpoint_path: str,
    all_model_checkpoint_paths: MutableSequence[str] | None = None,
    all_model_checkpoint_timestamps: list[float] | None = None,
    last_preserved_timestamp: float | None = None,
) -> Any:
    """Makes the CheckpointState of a folder.

    Args:
      save_dir: the folder. If it is a relative path, relative checkpoint paths become relative to it.
      model_checkpoint_path: the latest checkpoint's path.
      all_model_checkpoint_paths: the paths of all checkpoints, oldest first; the latest is appended to this list if it
        is not its last.
      all_model_checkpoint_timestamps: when each of them was written, in seconds since 1970.
      last_preserved_timestamp: when the last checkpoint that is kept for good was written, in seconds since 1970.

    Returns:
      A CheckpointState.

    Raises:
      ValueError: if there are timestamps, but not one for each path.
    """
    paths = [] if all_model_checkpoint_paths is None else all_model_checkpoint_paths
    if not paths or paths[-1] != model_checkpoint_path:
        logging.info("%s is not in all_model_checkpoint_paths. Manually adding it.", model_checkpoint_path)
        paths.append(model_checkpoint_path)
    if all_model_checkpoint_timestamps and len(all_model_checkpoint_timestamps) != len(paths):
        raise ValueError(
            f"Checkpoint timestamps, if provided, must match checkpoint paths (got paths {paths} and "
            f"timestamps {all_model_checkpoint_timestamps})"
        )
    if not os.path.isabs(save_dir):
        model_checkpoint_path = _relative(model_checkpoint_path, save_dir)
        paths[:] = [_relative(path, save_dir) for path in paths]
    return CheckpointState(
        model_checkpoint_path=model_checkpoint_path,
        all_model_checkpoint_paths=paths,
        all_model_checkpoint_timestamps=all_model_checkpoint_timestamps,
        last_preserved_timestamp=last_preserved_timestamp,
    )


def _relative(path: str, folder: str) -> str:
    return path if os.path.isabs(path) else os.path.relpath(path, folder)


@export("train.update_checkpoint_state")
def update_checkpoint_state(
    save_dir: str,
    model_checkpoint_path: str,
    all_model_checkpoint_paths: MutableSequence[str] | None = None,
    latest_filename: str | None = None,
    all_model_checkpoint_timestamps: list[float] | None = None,
    last_preserved_timestamp: float | None = None,
) -> None:
    """Writes a folder's `checkpoint` file, whole.

    Args:
      save_dir: the folder.
      model_checkpoint_path: the latest checkpoint's path.
      all_model_checkpoint_paths: as in `generate_checkpoint_state_proto`.
      latest_filename: the file's name, by default "checkpoint".
      all_model_checkpoint_timestamps: as in `generate_checkpoint_state_proto`.
      last_preserved_timestamp: as in `generate_checkpoint_state_proto`.

    Raises:
      RuntimeError: if the checkpoint itself has that name.
      ValueError: if there are timestamps, but not one for each path.
    """
    update_checkpoint_state_internal(
        save_dir,
        model_checkpoint_path,
        all_model_checkpoint_paths,
        latest_filename,
        all_model_checkpoint_timestamps=all_model_checkpoint_timestamps,
        last_preserved_timestamp=last_preserved_timestamp,
    )


def update_checkpoint_state_internal(
    save_dir: str,
    model_checkpoint_path: str,
    all_model_checkpoint_paths: MutableSequence[str] | None = None,
    latest_filename: str | None = None,
    save_relative_paths: bool = False,
    all_model_checkpoint_timestamps: list[float] | None = None,
    last_preserved_timestamp: float | None = None,
) -> None:
    """Like `update_checkpoint_state`; with `save_relative_paths` absolute paths become relative to the folder."""
    path = _state_path(save_dir, latest_filename)
    checkpoint_path, all_paths = model_checkpoint_path, all_model_checkpoint_paths
    if save_relative_paths:
        checkpoint_path = _from_absolute(checkpoint_path, save_dir)
        all_paths = [_from_absolute(each, save_dir) for each in all_paths or ()]
    state = generate_checkpoint_state_proto(
        save_dir, checkpoint_path, all_paths, all_model_checkpoint_timestamps, last_preserved_timestamp
    )
    if path == state.model_checkpoint_path:
        raise RuntimeError(
            f"Save path '{model_checkpoint_path}' conflicts with path used for checkpoint state.  Please use a "
            "different save path."
        )
    contents = text_format.MessageToString(state).encode()
    write_atomically(path, lambda file: file.write(contents))
    sync_folder(path)


def _from_absolute(path: str, folder: str) -> str:
    return os.path.relpath(path, folder) if os.path.isabs(path) else path


def _state_path(folder: str, name: str | None) -> str:
    return os.path.join(folder, "checkpoint" if name is None else name)


@export("train.get_checkpoint_state")
def get_checkpoint_state(checkpoint_dir: str, latest_filename: str | None = None) -> Any:
    """Reads a folder's `checkpoint` file.

    Args:
      checkpoint_dir: the folder.
      latest_filename: the file's name, by default "checkpoint".

    Returns:
      A CheckpointState whose relative paths are joined to the folder; None if there is no file, or it cannot be read.

    Raises:
      ValueError: if the file names no latest checkpoint.
    """
    path = _state_path(os.fsdecode(checkpoint_dir), latest_filename)
    if not os.path.exists(path):
        return None
    try:
        with RandomAccessFile(path) as file:
            contents = file.read(0, file.size, "the checkpoint state")
        state = text_format.Merge(contents.decode(), CheckpointState())
    except (errors.OpError, text_format.ParseError, UnicodeDecodeError) as error:
        logging.warning("%s: %s", type(error).__name__, error)
        logging.warning("%s: Checkpoint ignored", path)
        return None
    if not state.model_checkpoint_path:
        raise ValueError(f"Invalid checkpoint state loaded from {checkpoint_dir}")
    folder = os.fsdecode(checkpoint_dir)
    state.model_checkpoint_path = os.path.join(folder, state.model_checkpoint_path)
    for i, each in enumerate(state.all_model_checkpoint_paths):
        state.all_model_checkpoint_paths[i] = os.path.join(folder, each)
    return state


@export("train.latest_checkpoint")
def latest_checkpoint(checkpoint_dir: str, latest_filename: str | None = None) -> str | None:
    """The path of a folder's latest checkpoint.

    Args:
      checkpoint_dir: the folder.
      latest_filename: the name of the `checkpoint` file.

    Returns:
      The path, to be given to `Saver.restore`, or None if there is no checkpoint.

    Raises:
      ValueError: if the `checkpoint` file names no latest checkpoint.
    """
    state = get_checkpoint_state(checkpoint_dir, latest_filename)
    if state is None:
        return None
    if not checkpoint_exists(state.model_checkpoint_path):
        logging.error("Couldn't match files for checkpoint %s", state.model_checkpoint_path)
        return None
    return state.model_checkpoint_path


@export("train.checkpoint_exists")
def checkpoint_exists(checkpoint_prefix: str) -> bool:
    """Whether there is a checkpoint of either format.

    Args:
      checkpoint_prefix: what `Saver.save` returned; glob patterns count for sharded V1 checkpoints.
    """
    return bool(_find_files(checkpoint_prefix))


@export("train.get_checkpoint_mtimes")
def get_checkpoint_mtimes(checkpoint_prefixes: Iterable[str]) -> list[float]:
    """When checkpoints were last modified.

    Args:
      checkpoint_prefixes: what `Saver.save` returned.

    Returns:
      Seconds since 1970, one for each checkpoint that exists.
    """
    files = [_find_files(prefix) for prefix in checkpoint_prefixes]
    return [os.stat(found[0]).st_mtime_ns / 1e9 for found in files if found]


@export("train.remove_checkpoint")
def remove_checkpoint(
    checkpoint_prefix: str, checkpoint_format_version: int = SaverDef.V2, meta_graph_suffix: str = "meta"
) -> None:
    """Deletes a checkpoint and its MetaGraph file; files that are not there are passed over.

    Args:
      checkpoint_prefix: what `Saver.save` returned.
      checkpoint_format_version: `SaverDef.V1` or `SaverDef.V2`.
      meta_graph_suffix: the MetaGraph file's suffix.
    """
    _delete_matching(meta_graph_filename(checkpoint_prefix, meta_graph_suffix))
    if checkpoint_format_version == SaverDef.V2:
        _delete_matching(index_filename(checkpoint_prefix))
        _delete_matching(f"{glob.escape(checkpoint_prefix)}.data-?????-of-?????")
    else:
        _delete_matching(checkpoint_prefix)


def meta_graph_filename(checkpoint_filename: str, meta_graph_suffix: str = "meta") -> str:
    """The path of the MetaGraph file beside a checkpoint; the shard pattern of a sharded V1 checkpoint is dropped."""
    basename = re.sub(r"-[\d?]+-of-\d+$", "", checkpoint_filename)
    return f"{basename}.{meta_graph_suffix}"


def _find_files(prefix: str) -> list[str]:
    """The index of a V2 checkpoint, else the files of a V1 checkpoint."""
    return _matching(index_filename(prefix)) or _matching(prefix)


def _matching(pattern: str) -> list[str]:
    return [pattern] if os.path.exists(pattern) else sorted(glob.glob(pattern))


def _delete_matching(pattern: str) -> None:
    for path in _matching(pattern):
        os.unlink(path)
