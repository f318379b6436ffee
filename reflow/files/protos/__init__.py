"""TensorFlow's messages that the tensorboard package does not ship, read from the .proto files beside this module.

`load("tensor_bundle").BundleEntryProto` is a message class; so is `BundleEntryProto` of this module. The files come in
two kinds:

- Messages in package `tensorflow` have TensorFlow's full names. They live in a descriptor pool of their own, so that a
  real TensorFlow in the same process, which registers the same names, is not disturbed. The few tensorboard messages
  that they use (shapes, types, versions, tensors) are copied into that pool under TensorFlow's package.
- Messages in package `reflow` hold large tensorboard messages that users touch (a SavedModel's MetaGraphDef). Copies
  would be second classes of the same name, so these live in the default pool, beside tensorboard's.
"""

import functools
import importlib
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from google.protobuf import descriptor_pool, message_factory
from google.protobuf.descriptor import Descriptor, FileDescriptor
from google.protobuf.descriptor_pb2 import DescriptorProto, FieldDescriptorProto, FileDescriptorProto
from google.protobuf.internal.enum_type_wrapper import EnumTypeWrapper

from reflow.files.protos.proto_language import parse_proto

_HERE = Path(__file__).parent
_PRIVATE_POOL = descriptor_pool.DescriptorPool()
_TENSORBOARD = "tensorboard/compat/proto/"


@functools.cache
def load(stem: str) -> SimpleNamespace:
    """The messages of one file of this folder, under the names that a generated `<stem>_pb2` module would have.

    Args:
      stem: the file's name without `.proto`, such as "tensor_bundle".

    Returns:
      A namespace of message classes, enums, enum values and `DESCRIPTOR`.

    Raises:
      FileNotFoundError: if there is no such file.
    """
    file = _find_file(stem)
    names: dict[str, object] = {"DESCRIPTOR": file}
    for name, message in file.message_types_by_name.items():
        names[name] = message_class = message_factory.GetMessageClass(message)
        message_class.__module__ = __name__  # where pickle looks for it
    for name, enum in file.enum_types_by_name.items():
        names[name] = EnumTypeWrapper(enum)
        names.update({value.name: value.number for value in enum.values})
    return SimpleNamespace(**names)


def __getattr__(name: str) -> Any:
    """A message class of any of the files, by its name alone."""
    if not name.startswith("_"):
        for stem in stems():
            if hasattr(load(stem), name):
                return getattr(load(stem), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def stems() -> list[str]:
    """What `load` takes, sorted."""
    return sorted(path.stem for path in _HERE.glob("*.proto"))


def find_message(full_name: str) -> Descriptor:
    """The descriptor of a message in package `tensorflow`, or of any other that this process knows.

    Args:
      full_name: the message's name with its package, such as "tensorflow.Example".

    Raises:
      KeyError: if there is no such message.
    """
    for stem in stems():
        load(stem)
    tensorboards = full_name.replace("tensorflow.", "tensorboard.", 1)
    for pool, name in ((_PRIVATE_POOL, full_name), (descriptor_pool.Default(), full_name),
                       (descriptor_pool.Default(), tensorboards)):  # fmt: skip
        try:
            return pool.FindMessageTypeByName(name)
        except KeyError:
            continue
    raise KeyError(full_name)


@functools.cache
def _find_file(stem: str) -> FileDescriptor:
    """Adds a file of this folder, and before it what it imports, to the pool that it belongs in."""
    name = f"{stem}.proto"
    file = parse_proto(name, (_HERE / name).read_text())
    shared = [name for name in file.dependency if name.startswith(_TENSORBOARD)]
    if shared:
        for dependency in shared:
            _tensorboard_file(Path(dependency).stem)
        file.name = f"reflow/files/protos/{name}"
        return descriptor_pool.Default().AddSerializedFile(file.SerializeToString())
    for dependency in file.dependency:
        if (_HERE / dependency).exists():
            _find_file(Path(dependency).stem)
        else:
            _copy_from_tensorboard(Path(dependency).stem)
    return _PRIVATE_POOL.AddSerializedFile(file.SerializeToString())


def _tensorboard_file(stem: str) -> FileDescriptor:
    return importlib.import_module(f"tensorboard.compat.proto.{stem}_pb2").DESCRIPTOR


@functools.cache
def _copy_from_tensorboard(stem: str) -> None:
    """Puts a tensorboard file into the private pool, with package `tensorflow` in place of `tensorboard`."""
    file = FileDescriptorProto()
    _tensorboard_file(stem).CopyToProto(file)
    file.name = file.name.removeprefix(_TENSORBOARD)
    file.package = "tensorflow"
    for i, dependency in enumerate(file.dependency):
        file.dependency[i] = dependency.removeprefix(_TENSORBOARD)
        _copy_from_tensorboard(Path(dependency).stem)
    for message in file.message_type:
        for field in _named_type_fields(message):
            field.type_name = field.type_name.replace(".tensorboard.", ".tensorflow.")
    _PRIVATE_POOL.AddSerializedFile(file.SerializeToString())


def _named_type_fields(message: DescriptorProto) -> Iterator[FieldDescriptorProto]:
    yield from (field for field in message.field if field.type_name)
    for nested in message.nested_type:
        yield from _named_type_fields(nested)
