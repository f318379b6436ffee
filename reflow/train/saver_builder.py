"""The save and restore operations that a Saver adds to a graph, named as TensorFlow names them."""

import uuid

import numpy as np
from tensorboard.compat.proto.saver_pb2 import SaverDef

from reflow.graph.build import add_op, call
from reflow.graph.context import control_dependencies, device, name_scope
from reflow.graph.convert import to_tensor
from reflow.graph.device import canonical_name
from reflow.graph.graph import get_default_graph
from reflow.ops.control import group, with_dependencies
from reflow.ops.shape_ops import shape
from reflow.train.saveable import SaveableObject, on_cpu, saveable_objects
from reflow.variables.partitioned_variable import PartitionedVariable


class SaverBuilder:
    """Builds the save and restore operations for some variables.

    Args:
      write_version: SaverDef.V1 or SaverDef.V2.
    """

    SaveSpec = SaveableObject.SaveSpec
    SaveableObject = SaveableObject

    def __init__(self, write_version=SaverDef.V2):
        self._write_version = write_version

    def build(self, names_to_saveables, reshape=False, sharded=False, max_to_keep=5,
              keep_checkpoint_every_n_hours=10000.0, name=None, restore_sequentially=False,
              filename="model") -> SaverDef:  # fmt: skip
        """Add the operations to the default graph.

        Args:
          names_to_saveables: a dict or list of what to save.
          reshape: let restored values take the shape of the variables.
          sharded: one file a device.
          max_to_keep, keep_checkpoint_every_n_hours: recorded in the SaverDef.
          name: the name scope; "save" if None.
          restore_sequentially: accepted: one operation restores all variables of a shard.
          filename: the default of the file name's placeholder.

        Returns:
          The SaverDef, which names the operations.

        Raises:
          TypeError: for things that cannot be saved.
          ValueError: if two have one name, or one stands under two names.
        """
        saveables = saveable_objects(names_to_saveables)
        with name_scope(name, "save", [s.op for s in saveables]):
            default = to_tensor(filename or "model", name="filename/input")
            filename_tensor = call("PlaceholderWithDefault", default, name="filename", shape=[])
            filename_tensor = call("PlaceholderWithDefault", filename_tensor, name="Const", shape=[])
            if sharded:
                shards = _by_device(saveables)
                save_tensor = self._save_sharded(filename_tensor, shards)
                restore = self._restore_sharded(filename_tensor, shards, reshape)
            else:
                save_tensor = self._save(filename_tensor, saveables)
                restore = self._restore(filename_tensor, saveables, reshape, "restore_all")
        _concatenate_collected_partitions()
        return SaverDef(
            filename_tensor_name=filename_tensor.name, save_tensor_name=save_tensor.name,
            restore_op_name=restore.name, max_to_keep=max_to_keep or 0, sharded=sharded,
            keep_checkpoint_every_n_hours=keep_checkpoint_every_n_hours, version=self._write_version,
        )  # fmt: skip

    # --- saving ---------------------------------------------------------------------------------------------------

    def _save(self, filename, saveables):
        return with_dependencies([self._save_op(filename, saveables)], filename)

    def _save_op(self, filename, saveables):
        specs = [spec for saveable in saveables for spec in saveable.specs]
        tensors = [spec.tensor for spec in specs]
        inputs = (filename, [s.name for s in specs], [s.slice_spec for s in specs], tensors)
        if self._write_version == SaverDef.V2:
            return add_op("SaveV2", inputs, {})
        return add_op("SaveSlices", inputs, {}, "save")

    def _save_sharded(self, filename, shards):
        """Save every shard to a folder of its own, then merge them: readers see all of a checkpoint or none."""
        if self._write_version != SaverDef.V2:
            return self._save_sharded_v1(filename, shards)
        prefix = call("StringJoin", [filename, f"_temp_{uuid.uuid4().hex}/part"])
        count = _number_of(shards)
        sharded_names, saves = [], []
        for shard, (place, saveables) in enumerate(shards):
            with device(on_cpu(place)):
                sharded_names.append(call("ShardedFilename", prefix, shard, count))
                saves.append(self._save(sharded_names[-1], saveables))
        with control_dependencies([s.op for s in saves]), device(on_cpu(shards[-1][0])):
            merge = call("MergeV2Checkpoints", sharded_names, filename, delete_old_dirs=True)
            with control_dependencies([merge]):
                return call("Identity", filename)

    def _save_sharded_v1(self, filename, shards):
        count = _number_of(shards)
        saves = []
        for shard, (place, saveables) in enumerate(shards):
            with device(place):
                saves.append(self._save(call("ShardedFilename", filename, shard, count), saveables))
        with control_dependencies([s.op for s in saves]):
            return call("ShardedFilespec", filename, count)

    # --- restoring ------------------------------------------------------------------------------------------------

    def _restore(self, filename, saveables, reshape, name):
        specs = [spec for saveable in saveables for spec in saveable.specs]
        with device("cpu:0"):
            restored = iter(call("RestoreV2", filename, [s.name for s in specs], [s.slice_spec for s in specs],
                                 dtypes=[s.dtype.base_dtype for s in specs]))  # fmt: skip
        assigns = []
        for saveable in saveables:
            shapes = [_shape_of(spec.tensor) for spec in saveable.specs] if reshape else None
            assigns.append(saveable.restore([next(restored) for _ in saveable.specs], shapes))
        return group(*assigns, name=name)

    def _restore_sharded(self, filename, shards, reshape):
        restores = []
        for place, saveables in shards:
            with device(place):
                restores.append(self._restore(filename, saveables, reshape, "restore_shard"))
        return group(*restores, name="restore_all")


def _number_of(shards):
    return to_tensor(np.array(len(shards), np.int32), name="num_shards")


def _shape_of(tensor):
    static = tensor.get_shape()
    return static if static.is_fully_defined() else shape(tensor)


def _by_device(saveables) -> list[tuple[str, list[SaveableObject]]]:
    """(device, saveables) pairs, sorted by device: one shard each.

    Raises:
      ValueError: if the tensors of one saveable are on several devices.
    """
    groups: dict[str, list[SaveableObject]] = {}
    for saveable in saveables:
        places = {canonical_name(spec.device) for spec in saveable.specs}
        if len(places) != 1:
            raise ValueError(f"All tensors of a saveable object must be on the same device: {saveable.name}")
        groups.setdefault(places.pop(), []).append(saveable)
    return sorted(groups.items())


def _concatenate_collected_partitions() -> None:
    """Give partitioned variables in collections the node of their name, which importing a MetaGraphDef looks for."""
    graph = get_default_graph()
    for key in graph.get_all_collection_keys():
        for item in graph.get_collection(key):
            if isinstance(item, PartitionedVariable) and item.name not in graph._by_name:
                item.as_tensor()
