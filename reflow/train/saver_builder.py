"""The save and restore operations that a Saver adds to a graph, named as TensorFlow names them."""

import uuid

from tensorboard.compat.proto.saver_pb2 import SaverDef

from reflow.graph.build import add_op, call
from reflow.graph.context import control_dependencies, device, name_scope
from reflow.graph.device import DeviceSpec
from reflow.graph.dtypes import int32
from reflow.ops.control import group
from reflow.train.saveable import SaveableObject, names_to_saveables, validate_and_slice


class SaverBuilder:
    """Builds the save and restore operations for some variables.

    Args:
      write_version: SaverDef.V1 or SaverDef.V2.
    """

    def __init__(self, write_version=SaverDef.V2):
        self._write_version = write_version

    def build(self, variables, reshape=False, sharded=False, max_to_keep=5, keep_checkpoint_every_n_hours=10000.0,
              name=None, restore_sequentially=False, filename="model") -> SaverDef:  # fmt: skip
        """Add the operations to the default graph.

        Args:
          variables: a dict or list of what to save.
          reshape: let restored values take the shape of the variables.
          sharded: one file a device.
          max_to_keep, keep_checkpoint_every_n_hours: recorded in the SaverDef.
          name: the name scope; "save" if None.
          restore_sequentially: restore one device's variables after the other's.
          filename: the default of the file name's placeholder.

        Returns:
          The SaverDef, which names the operations.
        """
        saveables = validate_and_slice(names_to_saveables(variables))
        with name_scope(name, "save", [s.op for s in saveables]):
            default = call("PlaceholderWithDefault", filename or "model", name="filename", shape=[])
            filename_tensor = call("PlaceholderWithDefault", default, name="Const", shape=[])
            if sharded:
                shards = _by_device(saveables)
                save_tensor = self._save_sharded(filename_tensor, shards)
                restore = self._restore_sharded(filename_tensor, shards, reshape, restore_sequentially)
            else:
                save_tensor = self._save(filename_tensor, saveables)
                restore = self._restore(filename_tensor, saveables, reshape, restore_sequentially, "restore_all")
        return SaverDef(
            filename_tensor_name=filename_tensor.name, save_tensor_name=save_tensor.name,
            restore_op_name=restore.name, max_to_keep=max_to_keep, sharded=sharded,
            keep_checkpoint_every_n_hours=keep_checkpoint_every_n_hours, version=self._write_version,
        )  # fmt: skip

    # --- saving ---------------------------------------------------------------------------------------------------

    def _save(self, filename, saveables):
        save = self._save_op(filename, saveables)
        with control_dependencies([save]):
            return call("Identity", filename, name="control_dependency")

    def _save_op(self, filename, saveables: list[SaveableObject]):
        names, slices, tensors = [], [], []
        for saveable in saveables:
            for spec in saveable.specs:
                names.append(spec.name)
                slices.append(spec.slice_spec)
                tensors.append(spec.tensor)
        if self._write_version == SaverDef.V2:
            return add_op("SaveV2", (filename, names, slices, tensors), {})
        return add_op("SaveSlices", (filename, names, slices, tensors), {})

    def _save_sharded(self, filename, shards):
        if self._write_version != SaverDef.V2:
            return self._save_sharded_v1(filename, shards)
        suffix = f"_temp_{uuid.uuid4().hex}/part"
        with device(shards[0][0]) if shards else device(None):
            prefix = call("StringJoin", [filename, suffix], name="StringJoin")
        count = call("Const", name="num_shards", value=_int32(len(shards)), dtype=int32)
        sharded_names, saves = [], []
        for shard, (place, saveables) in enumerate(shards):
            with device(_on_cpu(place)):
                name = call("ShardedFilename", prefix, shard, count)
                saves.append(self._save_op(name, saveables))
                with control_dependencies([saves[-1]]):
                    sharded_names.append(call("Identity", name, name="control_dependency"))
        with control_dependencies([n.op for n in sharded_names]), device(_on_cpu(shards[-1][0]) if shards else None):
            prefixes = call("Pack", sharded_names, name="MergeV2Checkpoints/checkpoint_prefixes")
            merge = call("MergeV2Checkpoints", prefixes, filename, delete_old_dirs=True)
            with control_dependencies([merge]):
                return call("Identity", filename)

    def _save_sharded_v1(self, filename, shards):
        count = call("Const", name="num_shards", value=_int32(len(shards)), dtype=int32)
        saves = []
        for shard, (place, saveables) in enumerate(shards):
            with device(place):
                saves.append(self._save(call("ShardedFilename", filename, shard, count), saveables))
        with control_dependencies([s.op for s in saves]):
            return call("ShardedFilespec", filename, count)

    # --- restoring ------------------------------------------------------------------------------------------------

    def _restore(self, filename, saveables, reshape, sequentially, name):
        specs = [spec for saveable in saveables for spec in saveable.specs]
        with device("cpu:0") if self._any_device(saveables) else _nothing():
            tensors = list(call("RestoreV2", filename, [s.name for s in specs], [s.slice_spec for s in specs],
                                dtypes=[s.dtype.base_dtype for s in specs])) if specs else []  # fmt: skip
        assigns, position = [], 0
        for saveable in saveables:
            mine = tensors[position:position + len(saveable.specs)]
            position += len(saveable.specs)
            shapes = [_static_shape(saveable)] if reshape else None
            with control_dependencies([assigns[-1]]) if sequentially and assigns else _nothing():
                assigns.append(saveable.restore(mine, shapes))
        return group(*assigns, name=name)

    def _restore_sharded(self, filename, shards, reshape, sequentially):
        restores = []
        for place, saveables in shards:
            with device(place):
                restores.append(self._restore(filename, saveables, reshape, sequentially, "restore_shard"))
        return group(*restores, name="restore_all")

    def _any_device(self, saveables):
        return any(s.device for s in saveables)


class _nothing:
    def __enter__(self):
        return self

    def __exit__(self, *exc_info):
        return None


def _int32(value):
    import numpy as np

    return np.array(value, np.int32)


def _static_shape(saveable):
    from reflow.ops.shape_ops import shape

    dims = saveable.op.shape
    if not dims.is_fully_defined():
        return shape(saveable.specs[0].tensor)
    return dims.as_list()


def _on_cpu(place):
    """The CPU of the machine that a device string names: files are written there."""
    if not place:
        return place
    spec = DeviceSpec.from_string(place)
    spec.device_type, spec.device_index = "CPU", 0
    return spec.to_string()


def _by_device(saveables):
    """(device, saveables) pairs, sorted by device: one shard each."""
    groups: dict[str, list[SaveableObject]] = {}
    for saveable in saveables:
        spec = DeviceSpec.from_string(saveable.device or "")
        spec.device_type, spec.device_index = None, None
        groups.setdefault(spec.to_string(), []).append(saveable)
    return sorted(groups.items())


