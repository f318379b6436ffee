"""Where a partition of a variable lies in the whole."""

from tensorboard.compat.proto.variable_pb2 import SaveSliceInfoDef

from reflow.graph.context import prepend_name_scope, strip_name_scope


class SaveSliceInfo:
    """What a checkpoint has to know to store one partition of a variable as a slice of the whole.

    Attributes:
      full_name: the name of the whole variable.
      full_shape: its shape, a list of int.
      var_offset: where the partition begins, a list of int.
      var_shape: the partition's shape, a list of int.
    """

    def __init__(self, full_name=None, full_shape=None, var_offset=None, var_shape=None, save_slice_info_def=None,
                 import_scope=None):  # fmt: skip
        if save_slice_info_def:
            self.full_name = prepend_name_scope(save_slice_info_def.full_name, import_scope)
            self.full_shape = list(save_slice_info_def.full_shape)
            self.var_offset = list(save_slice_info_def.var_offset)
            self.var_shape = list(save_slice_info_def.var_shape)
        else:
            self.full_name = full_name
            self.full_shape = full_shape
            self.var_offset = var_offset
            self.var_shape = var_shape

    @property
    def spec(self):
        """The slice as a checkpoint names it: "10 20 0,10:5,5" is columns 5 to 9 of a 10x20 variable."""
        sizes = "".join(f"{d} " for d in self.full_shape)
        return sizes + ":".join(f"{o},{s}" for o, s in zip(self.var_offset, self.var_shape, strict=True))

    def to_proto(self, export_scope=None):
        """A SaveSliceInfoDef, with `export_scope` taken off the name; None if the variable is outside that scope."""
        if export_scope is not None and not self.full_name.startswith(export_scope):
            return None
        return SaveSliceInfoDef(full_name=strip_name_scope(self.full_name, export_scope), full_shape=self.full_shape,
                                var_offset=self.var_offset, var_shape=self.var_shape)  # fmt: skip
