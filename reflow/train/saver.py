"""tf.train.Saver: writes and reads checkpoints of a session's variables, and keeps the last few."""

import os
import time

import numpy as np
from tensorboard.compat.proto import meta_graph_pb2
from tensorboard.compat.proto.saver_pb2 import SaverDef

from reflow.engine.session import BaseSession
from reflow.files.checkpoint_state import (
    checkpoint_exists,
    get_checkpoint_mtimes,
    meta_graph_filename,
    remove_checkpoint,
    update_checkpoint_state_internal,
)
from reflow.graph import errors, meta_graph
from reflow.graph.collections import GraphKeys
from reflow.graph.context import prepend_name_scope, strip_name_scope
from reflow.graph.export import export
from reflow.graph.graph import get_default_graph
from reflow.platform import logging
from reflow.train.saver_builder import SaverBuilder
from reflow.variables.variable_lists import all_saveable_objects

# The fields of a SaverDef that name nodes.
_NAMES = ("filename_tensor_name", "save_tensor_name", "restore_op_name")


@export("train.Saver")
class Saver:
    """Saves and restores variables.

    Args:
      var_list: a list of variables, or a dict from name in the checkpoint to variable; all saveable ones if None.
      reshape: let a restored value take another shape with as many elements.
      sharded: write one file a device.
      max_to_keep: how many checkpoints to keep; None or 0 keeps all.
      keep_checkpoint_every_n_hours: besides, keep one every so many hours for good.
      name: the name scope of the operations.
      restore_sequentially: restore the variables one after the other.
      saver_def: use operations that the graph has already.
      builder: something with the `build` method of a SaverBuilder.
      defer_build: add the operations with `build()` later.
      allow_empty: do nothing, rather than fail, if there is nothing to save.
      write_version: SaverDef.V2 or SaverDef.V1.
      pad_step_number: pad the step in file names with zeros to 8 digits.
      save_relative_paths: write relative paths into the `checkpoint` file.
      filename: default of the file name.

    Raises:
      TypeError: if `var_list` is of a wrong kind.
      ValueError: if there is nothing to save, or two things have one name.
    """

    def __init__(self, var_list=None, reshape=False, sharded=False, max_to_keep=5,
                 keep_checkpoint_every_n_hours=10000.0, name=None, restore_sequentially=False, saver_def=None,
                 builder=None, defer_build=False,
                 allow_empty=False, write_version=SaverDef.V2, pad_step_number=False, save_relative_paths=False,
                 filename=None):  # fmt: skip
        if defer_build and var_list:
            raise ValueError("If `var_list` is provided then build cannot be deferred. Either set defer_build=False or "
                             "var_list=None.")  # fmt: skip
        self._var_list = var_list
        self._reshape = reshape
        self._sharded = sharded
        self._max_to_keep = max_to_keep
        self._keep_every_n_hours = keep_checkpoint_every_n_hours
        self._name = name
        self._restore_sequentially = restore_sequentially
        self.saver_def = saver_def
        self._builder = builder
        self._is_built = False
        self._allow_empty = allow_empty
        self._is_empty = None
        self._write_version = write_version
        self._pad_step_number = pad_step_number
        self._save_relative_paths = save_relative_paths
        self._filename = filename
        self._last_checkpoints: list[tuple[str, float]] = []
        self._to_delete: list[tuple[str, float]] = []
        if not defer_build:
            self.build()
        if self.saver_def:
            self._check_saver_def()
            self._write_version = self.saver_def.version

    def build(self):
        """Add the save and restore operations, unless that was done or a SaverDef was given."""
        if self._is_built:
            return
        self._is_built = True
        if not self.saver_def:
            self._build_operations()
            if self._is_empty:
                return
        elif self._name:
            # With a SaverDef the name is the scope that its graph was imported into.
            for field in _NAMES:
                setattr(self.saver_def, field, prepend_name_scope(getattr(self.saver_def, field), self._name))
        self._check_saver_def()
        self._next_to_keep = time.time() + self.saver_def.keep_checkpoint_every_n_hours * 3600

    def _build_operations(self):
        if self._var_list is None:
            self._var_list = all_saveable_objects()
        self._is_empty = not self._var_list
        if self._is_empty:
            if not self._allow_empty:
                raise ValueError("No variables to save")
            return
        builder = self._builder or SaverBuilder(self._write_version)
        self.saver_def = builder.build(
            self._var_list, self._reshape, self._sharded, self._max_to_keep, self._keep_every_n_hours, self._name,
            self._restore_sequentially, self._filename,
        )  # fmt: skip

    def _check_saver_def(self):
        if not isinstance(self.saver_def, SaverDef):
            raise ValueError(f"saver_def must be a saver_pb2.SaverDef: {self.saver_def}")
        for field in ("save_tensor_name", "restore_op_name"):
            if not getattr(self.saver_def, field):
                raise ValueError(f"saver_def must specify the {field}: {self.saver_def}")

    # --- saving and restoring -------------------------------------------------------------------------------------

    def save(self, sess, save_path, global_step=None, latest_filename=None, meta_graph_suffix="meta",
             write_meta_graph=True, write_state=True, strip_default_attrs=False, save_debug_info=False):  # fmt: skip
        """Write a checkpoint.

        Args:
          sess: the session whose variables to save.
          save_path: the prefix of the files.
          global_step: a number, tensor or variable that is appended to the prefix.
          latest_filename: the name of the `checkpoint` file.
          meta_graph_suffix: the suffix of the MetaGraphDef's file.
          write_meta_graph: write the graph, too.
          write_state: update the `checkpoint` file.
          strip_default_attrs: leave out attributes with their default value.
          save_debug_info: accepted.

        Returns:
          The prefix of the checkpoint, or None if the saver is empty.

        Raises:
          TypeError: if `sess` is no session.
          ValueError: for a prefix in a folder that does not exist, or one that collides with the `checkpoint` file.
          RuntimeError: if the saver was not built.
        """
        if not self._is_built:
            raise RuntimeError("`build()` should be called before save if defer_build==True")
        latest_filename = latest_filename or "checkpoint"
        save_path = os.fspath(save_path)
        if self._write_version != SaverDef.V2:
            logging.warning("TensorFlow's V1 checkpoint format has been deprecated. Consider switching to the more "
                            "efficient V2 format: tf.train.Saver(write_version=tf.train.SaverDef.V2)")  # fmt: skip
        self._check_path(save_path, latest_filename, global_step)
        prefix = save_path if global_step is None else f"{save_path}-{self._step_text(sess, global_step)}"
        if not isinstance(sess, BaseSession):
            raise TypeError(f"'sess' must be a Session; {sess}")
        written = None
        if not self._is_empty:
            written = self._run_save(sess, prefix, save_path)
            if write_state:
                self._remember(written)
                self._write_state(os.path.dirname(save_path), written, latest_filename)
                self._delete_old(meta_graph_suffix)
        if write_meta_graph:
            with sess.graph.as_default():
                self.export_meta_graph(meta_graph_filename(prefix, meta_graph_suffix),
                                       strip_default_attrs=strip_default_attrs)  # fmt: skip
        return written

    def _check_path(self, save_path, latest_filename, global_step):
        if os.path.split(latest_filename)[0]:
            raise ValueError("'latest_filename' must not contain path components")
        # A V1 checkpoint is a file of this very name.
        if global_step is None and os.path.basename(save_path) == latest_filename and not self._sharded:
            raise ValueError(f"'latest_filename' collides with 'save_path': '{latest_filename}' and '{save_path}'")

    def _step_text(self, sess, global_step) -> str:
        if not isinstance(global_step, (int, np.integer)):
            global_step = int(sess.run(global_step))
        return f"{global_step:08d}" if self._pad_step_number else str(global_step)

    def _run_save(self, sess, prefix, save_path) -> str:
        definition = self.saver_def
        try:
            path = sess.run(definition.save_tensor_name, {definition.filename_tensor_name: prefix})
        except (errors.FailedPreconditionError, errors.NotFoundError) as error:
            if not os.path.isdir(os.path.dirname(save_path)):
                raise ValueError(f"Parent directory of {save_path} doesn't exist, can't save.") from error
            raise
        return path.decode()

    def restore(self, sess, save_path):
        """Set the variables to what a checkpoint holds.

        Args:
          sess: the session.
          save_path: the prefix, as `save` returned it.

        Raises:
          ValueError: if there is no such checkpoint.
          NotFoundError: if the checkpoint lacks a variable; the message says so and what to do.
          InvalidArgumentError: if a variable has another shape or type there.
          DataLossError: if the checkpoint is damaged.
        """
        if self._is_empty:
            return
        if save_path is None:
            raise ValueError("Can't load save_path when it is None.")
        prefix = os.fspath(save_path)
        if not checkpoint_exists(prefix):
            raise ValueError(f"The passed save_path is not a valid checkpoint: {prefix}")
        logging.info("Restoring parameters from %s", prefix)
        definition = self.saver_def
        try:
            sess.run(definition.restore_op_name, {definition.filename_tensor_name: prefix})
        except errors.NotFoundError as error:
            raise _explained(error, "a Variable name or other graph key that is missing") from error
        except errors.InvalidArgumentError as error:
            raise _explained(error, "a mismatch between the current graph and the graph") from error

    # --- which checkpoints are kept -------------------------------------------------------------------------------

    @property
    def last_checkpoints(self):
        """The prefixes of the checkpoints that are kept, oldest first."""
        return [path for path, _ in self._last_checkpoints]

    def set_last_checkpoints(self, last_checkpoints):
        """Set the list of kept checkpoints; as their times are not known, none of them will be deleted.

        Args:
          last_checkpoints: a list of prefixes, oldest first.
        """
        self._last_checkpoints = [(path, np.inf) for path in last_checkpoints]

    def set_last_checkpoints_with_time(self, last_checkpoints_with_time):
        """Set the list of kept checkpoints.

        Args:
          last_checkpoints_with_time: a list of (prefix, seconds since the epoch) pairs, oldest first.
        """
        self._last_checkpoints = list(last_checkpoints_with_time)

    def recover_last_checkpoints(self, checkpoint_paths):
        """Take over those of some checkpoints that still exist, with their times, to delete them when their turn comes.

        Args:
          checkpoint_paths: a list of prefixes, oldest first.
        """
        found = [(path, get_checkpoint_mtimes([path])) for path in checkpoint_paths]
        self.set_last_checkpoints_with_time([(path, times[0]) for path, times in found if times])

    def _remember(self, prefix):
        if not self.saver_def.max_to_keep:
            return
        kept = [entry for entry in self._last_checkpoints if entry[0] != prefix]
        kept.append((prefix, time.time()))
        if len(kept) > self.saver_def.max_to_keep:
            self._to_delete.append(kept.pop(0))
        self._last_checkpoints = kept

    def _write_state(self, folder, prefix, latest_filename):
        update_checkpoint_state_internal(
            save_dir=folder, model_checkpoint_path=prefix, all_model_checkpoint_paths=self.last_checkpoints,
            latest_filename=latest_filename, save_relative_paths=self._save_relative_paths,
        )  # fmt: skip

    def _delete_old(self, meta_graph_suffix):
        if not self._to_delete:
            return
        path, at = self._to_delete.pop(0)
        if at > self._next_to_keep:
            self._next_to_keep += self.saver_def.keep_checkpoint_every_n_hours * 3600
            return
        try:
            remove_checkpoint(path, self.saver_def.version, meta_graph_suffix)
        except OSError as error:
            # A checkpoint that cannot be deleted is no reason to end a training run.
            logging.warning("Ignoring: %s", error)

    # --- protos ---------------------------------------------------------------------------------------------------

    def as_saver_def(self):
        """The SaverDef of this saver."""
        return self.saver_def

    def to_proto(self, export_scope=None):
        """The SaverDef, its names without `export_scope`; None if the saver lies outside of it."""
        if export_scope is None:
            return self.saver_def
        if not all(getattr(self.saver_def, field).startswith(export_scope) for field in _NAMES):
            return None
        proto = SaverDef()
        proto.CopyFrom(self.saver_def)
        for field in _NAMES:
            setattr(proto, field, strip_name_scope(getattr(proto, field), export_scope))
        return proto

    @staticmethod
    def from_proto(saver_def, import_scope=None):
        """The Saver for a SaverDef."""
        return Saver(saver_def=saver_def, name=import_scope)

    def export_meta_graph(self, filename=None, collection_list=None, as_text=False, export_scope=None,
                          clear_devices=False, clear_extraneous_savers=False, strip_default_attrs=False,
                          save_debug_info=False):  # fmt: skip
        """Write the default graph with this saver as a MetaGraphDef; arguments as `tf.train.export_meta_graph`."""
        return export_meta_graph(
            filename, graph_def=get_default_graph().as_graph_def(add_shapes=True), saver_def=self.saver_def,
            collection_list=collection_list, as_text=as_text, export_scope=export_scope, clear_devices=clear_devices,
            clear_extraneous_savers=clear_extraneous_savers, strip_default_attrs=strip_default_attrs,
        )  # fmt: skip


def _explained(error, cause: str):
    message = (f"Restoring from checkpoint failed. This is most likely due to {cause} from the checkpoint. Please "
               "ensure that you have not altered the graph expected based on the checkpoint. Original error:\n\n"
               f"{error.message}")  # fmt: skip
    return type(error)(error.node_def, error.op, message)


# --- MetaGraph ----------------------------------------------------------------------------------------------------


@export("train.export_meta_graph")
def export_meta_graph(filename=None, meta_info_def=None, graph_def=None, saver_def=None, collection_list=None,
                      as_text=False, graph=None, export_scope=None, clear_devices=False, clear_extraneous_savers=False,
                      strip_default_attrs=False, save_debug_info=False, **kwargs):  # fmt: skip
    """The MetaGraphDef of a graph, also written to a file if one is named.

    Args:
      filename: the file, or None.
      meta_info_def: a MetaInfoDef to include.
      graph_def: a GraphDef to take instead of the graph's.
      saver_def: a SaverDef to include.
      collection_list: the collections to write; all if None.
      as_text: write a text proto.
      graph: the graph; the default graph if None.
      export_scope: write only what lies below this name scope.
      clear_devices: leave out the devices.
      clear_extraneous_savers: leave out savers other than this one's.
      strip_default_attrs: leave out attributes that have their default value.
      save_debug_info, **kwargs: accepted.

    Returns:
      The MetaGraphDef.
    """
    meta = meta_graph.export_scoped_meta_graph(
        graph or get_default_graph(), graph_def, saver_def, collection_list, export_scope, clear_devices,
        clear_extraneous_savers, meta_info_def=meta_info_def, strip_defaults=strip_default_attrs,
    )  # fmt: skip
    if filename:
        meta_graph.write_graph(meta, os.path.dirname(filename) or ".", os.path.basename(filename), as_text)
    return meta


@export("train.import_meta_graph")
def import_meta_graph(meta_graph_or_file, clear_devices=False, import_scope=None, **kwargs):
    """Add a MetaGraphDef to the default graph.

    Args:
      meta_graph_or_file: a MetaGraphDef or the name of a file that holds one.
      clear_devices: forget the devices of the nodes.
      import_scope: a name scope to put everything in.
      **kwargs: `input_map`, `return_elements`, `restore_collections_predicate`.

    Returns:
      A Saver for its variables, or None if it has none.
    """
    meta = meta_graph_or_file
    if not isinstance(meta, meta_graph_pb2.MetaGraphDef) and not hasattr(meta, "graph_def"):
        meta = meta_graph.read_meta_graph_file(meta_graph_or_file)
    variables, _ = meta_graph.import_scoped_meta_graph(meta, clear_devices, import_scope=import_scope, **kwargs)
    if meta.HasField("saver_def"):
        scope = import_scope
        if scope and variables:
            name = next(iter(variables))
            full = variables[name].name
            scope = full[: -len(name) - 1]
        definition = SaverDef()
        definition.CopyFrom(meta.saver_def)
        return Saver(saver_def=definition, name=scope)
    if variables:
        return Saver()
    return None


meta_graph.register_proto_function(GraphKeys.SAVERS, SaverDef, Saver.to_proto, Saver.from_proto)

