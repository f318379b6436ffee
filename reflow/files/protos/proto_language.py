"""Reads the part of the protocol buffer language (proto3) that this folder's files are written in.

Supported: package, import, message (nested too), enum, oneof, map, repeated. Not supported, because unused: options,
services, extensions, reserved ranges.
"""

import re

from google.protobuf.descriptor_pb2 import (
    DescriptorProto,
    EnumDescriptorProto,
    FieldDescriptorProto,
    FileDescriptorProto,
)

_TOKEN = re.compile(r'//[^\n]*|"[^"\n]*"|[\w.]+|\S')
_SCALARS = {
    name.removeprefix("TYPE_").lower(): number
    for name, number in FieldDescriptorProto.Type.items()
    if name not in ("TYPE_MESSAGE", "TYPE_ENUM", "TYPE_GROUP")
}


def parse_proto(name: str, text: str) -> FileDescriptorProto:
    """The descriptor of a .proto file.

    Args:
      name: the file's name in its descriptor pool.
      text: the file's contents.

    Raises:
      ValueError: where the text is not in the supported part of the language.
    """
    return _Parser(name, text).file()


class _Parser:
    def __init__(self, name: str, text: str):
        self._name = name
        self._tokens = [token for token in _TOKEN.findall(text) if not token.startswith("//")]
        self._tokens.reverse()

    def file(self) -> FileDescriptorProto:
        self._expect("syntax", "=", '"proto3"', ";")
        file = FileDescriptorProto(name=self._name, syntax="proto3")
        while self._tokens:
            keyword = self._next()
            if keyword == "package":
                file.package = self._next()
                self._expect(";")
            elif keyword == "import":
                file.dependency.append(self._next().strip('"'))
                self._expect(";")
            elif keyword == "message":
                self._message(file.message_type.add())
            elif keyword == "enum":
                self._enum(file.enum_type.add())
            else:
                raise self._error(keyword)
        return file

    def _message(self, message: DescriptorProto) -> None:
        message.name = self._next()
        self._expect("{")
        while (keyword := self._next()) != "}":
            if keyword == "message":
                self._message(message.nested_type.add())
            elif keyword == "enum":
                self._enum(message.enum_type.add())
            elif keyword == "oneof":
                self._oneof(message)
            elif keyword == "map":
                self._map(message)
            else:
                self._field(message, keyword)

    def _field(self, message: DescriptorProto, type_name: str) -> FieldDescriptorProto:
        field = message.field.add(label=FieldDescriptorProto.LABEL_OPTIONAL)
        if type_name == "repeated":
            field.label = FieldDescriptorProto.LABEL_REPEATED
            type_name = self._next()
        _set_type(field, type_name)
        field.name = self._next()
        self._expect("=")
        field.number = int(self._next())
        self._expect(";")
        return field

    def _oneof(self, message: DescriptorProto) -> None:
        index = len(message.oneof_decl)
        message.oneof_decl.add(name=self._next())
        self._expect("{")
        while (type_name := self._next()) != "}":
            self._field(message, type_name).oneof_index = index

    def _map(self, message: DescriptorProto) -> None:
        # A map is a repeated field of key and value entries, whose type is named after the field.
        self._expect("<")
        key_type = self._next()
        self._expect(",")
        value_type = self._next()
        self._expect(">")
        self._tokens.append("MapEntry")
        field = self._field(message, "repeated")
        field.type_name = field.name.title().replace("_", "") + "Entry"
        entry = message.nested_type.add(name=field.type_name)
        entry.options.map_entry = True
        for number, (name, type_name) in enumerate([("key", key_type), ("value", value_type)], 1):
            _set_type(entry.field.add(name=name, number=number, label=FieldDescriptorProto.LABEL_OPTIONAL), type_name)

    def _enum(self, enum: EnumDescriptorProto) -> None:
        enum.name = self._next()
        self._expect("{")
        while (name := self._next()) != "}":
            self._expect("=")
            enum.value.add(name=name, number=int(self._next()))
            self._expect(";")

    def _next(self) -> str:
        if not self._tokens:
            raise ValueError(f"{self._name} ends too early")
        return self._tokens.pop()

    def _expect(self, *wanted: str) -> None:
        for token in wanted:
            if (found := self._next()) != token:
                raise self._error(found)

    def _error(self, token: str) -> ValueError:
        return ValueError(f"{self._name}: {token!r} is not expected, before {' '.join(self._tokens[:-6:-1])!r}")


def _set_type(field: FieldDescriptorProto, name: str) -> None:
    if name in _SCALARS:
        field.type = _SCALARS[name]
    else:
        field.type_name = name  # the descriptor pool finds out whether it is a message or an enum
