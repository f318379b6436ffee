"""Reads a checkpoint of either format by tensor name: `tf.train.NewCheckpointReader`."""

import os
from typing import Any

from tensorboard.compat.proto.types_pb2 import DataType

from reflow.files.bundle_files import index_filename
from reflow.files.checkpoint_state import latest_checkpoint
from reflow.files.checkpoint_v1 import CheckpointV1Reader
from reflow.files.saved_tensors import to_text
from reflow.files.tensor_bundle import BundleReader
from reflow.graph.dtypes import DType
from reflow.graph.export import export


def open_checkpoint(pattern: str) -> BundleReader | CheckpointV1Reader:
    """The reader for a checkpoint's format: V2 if there is an index, else V1.

    Args:
      pattern: the prefix of a V2 checkpoint, or the path or glob pattern of a V1 checkpoint's files.

    Raises:
      NotFoundError: if there is no such checkpoint.
      DataLossError: if it is damaged.
    """
    if os.path.exists(index_filename(pattern)):
        return BundleReader(pattern)
    return CheckpointV1Reader(pattern)


@export("pywrap_tensorflow.CheckpointReader")
class CheckpointReader:
    """Reads tensors of a checkpoint. Partitioned tensors appear as one.

    Args:
      filename: the prefix of a V2 checkpoint, or the path or pattern of a V1 checkpoint.

    Raises:
      NotFoundError: if there is no such checkpoint.
      DataLossError: if it is damaged, or not a checkpoint.
    """

    def __init__(self, filename: str):
        self._reader = open_checkpoint(filename)

    def has_tensor(self, tensor_str: str | bytes) -> bool:
        """Whether there is a tensor of that name."""
        return tensor_str in self._reader

    def get_tensor(self, tensor_str: str | bytes) -> Any:
        """The value of a tensor.

        Args:
          tensor_str: the tensor's name.

        Returns:
          A new array, or for a scalar a NumPy scalar (bytes for a string). Quantized types come as plain integers.

        Raises:
          NotFoundError: if there is no such tensor.
          DataLossError: if its data is damaged; the message names file and tensor.
        """
        array = self._reader.read(tensor_str)
        if self._reader.dtype(tensor_str).is_quantized:
            array = array.view(array.dtype[0])
        return array[()]

    def get_variable_to_shape_map(self) -> dict[str, list[int]]:
        """Name to full shape of all tensors."""
        return {to_text(name): list(self._reader.shape(name)) for name in self._reader.names()}

    def get_variable_to_dtype_map(self) -> dict[str, DType]:
        """Name to type of all tensors."""
        return {to_text(name): self._reader.dtype(name) for name in self._reader.names()}

    def debug_string(self) -> bytes:
        """A line for each tensor, sorted by name: name, type, shape, and how many slices it is stored in if several."""
        return b"".join(self._describe(name) for name in self._reader.names())

    def _describe(self, name: bytes) -> bytes:
        shape = ",".join(map(str, self._reader.shape(name)))
        type_name = DataType.Name(self._reader.dtype(name).as_datatype_enum)
        parts = len(self._reader.slices(name))
        suffix = f", {parts} slices" if parts > 1 else ""
        return name + f" ({type_name}) [{shape}]{suffix}\n".encode()


@export("train.NewCheckpointReader", "pywrap_tensorflow.NewCheckpointReader")
def NewCheckpointReader(filepattern: str | bytes | os.PathLike[str]) -> CheckpointReader:
    """Opens a checkpoint for reading by tensor name.

    Args:
      filepattern: what `Saver.save` returned: the prefix of a V2 checkpoint, or the path or pattern of a V1 checkpoint.

    Returns:
      A `CheckpointReader`.

    Raises:
      NotFoundError: if there is no such checkpoint.
      DataLossError: if it is damaged, or not a checkpoint.
    """
    return CheckpointReader(os.fsdecode(filepattern))


@export("train.load_checkpoint")
def load_checkpoint(ckpt_dir_or_file: str) -> CheckpointReader:
    """Opens a checkpoint, or the latest one of a folder.

    Args:
      ckpt_dir_or_file: a folder with a `checkpoint` file, or what `NewCheckpointReader` takes.

    Returns:
      A `CheckpointReader`.

    Raises:
      ValueError: if the folder has no checkpoint.
      NotFoundError: if there is no such checkpoint.
      DataLossError: if it is damaged.
    """
    if not os.path.isdir(ckpt_dir_or_file):
        return NewCheckpointReader(ckpt_dir_or_file)
    latest = latest_checkpoint(ckpt_dir_or_file)
    if latest is None:
        raise ValueError(f"Couldn't find 'checkpoint' file or checkpoints in given directory {ckpt_dir_or_file}")
    return NewCheckpointReader(latest)


@export("train.load_variable")
def load_variable(ckpt_dir_or_file: str, name: str) -> Any:
    """The value of a tensor in a checkpoint.

    Args:
      ckpt_dir_or_file: as in `load_checkpoint`.
      name: the tensor's name; `:0` at its end is ignored.

    Returns:
      A NumPy array or scalar.

    Raises:
      ValueError, NotFoundError, DataLossError: as `load_checkpoint` and `CheckpointReader.get_tensor`.
    """
    return load_checkpoint(ckpt_dir_or_file).get_tensor(name.removesuffix(":0"))


@export("train.list_variables")
def list_variables(ckpt_dir_or_file: str) -> list[tuple[str, list[int]]]:
    """Name and shape of all tensors of a checkpoint, sorted by name.

    Args:
      ckpt_dir_or_file: as in `load_checkpoint`.

    Raises:
      ValueError, NotFoundError, DataLossError: as `load_checkpoint`.
    """
    return sorted(load_checkpoint(ckpt_dir_or_file).get_variable_to_shape_map().items())
