"""Records of text: DecodeCSV, DecodeJSONExample."""

import json
import re
import struct

import torch
from google.protobuf import json_format

from reflow.files import protos
from reflow.graph.build import call
from reflow.graph.export import export
from reflow.graph.registry import define_op
from reflow.ops.shape_rules import unchanged_shape
from reflow.ops.string_numbers import number_of
from reflow.ops.strings import mapped, string_array

# --- CSV ----------------------------------------------------------------------------------------------------------


def fields_of(record: bytes, delimiter: bytes, with_quotes: bool) -> list[bytes]:
    """The fields of one CSV record (RFC 4180).

    Raises:
      ValueError: in TensorFlow's words, for quotes out of place.
    """
    fields, place = [], 0
    while place < len(record):
        if record[place] in b"\r\n":
            place += 1
        elif with_quotes and record[place] == ord('"'):
            field, place = _quoted_field(record, place + 1, delimiter)
            fields.append(field)
        else:
            end = record.find(delimiter, place)
            field = record[place : end if end >= 0 else None]
            if b"\n" in field or b"\r" in field or with_quotes and b'"' in field:
                raise ValueError("Unquoted fields cannot have quotes/CRLFs inside")
            fields.append(field)
            place = len(record) if end < 0 else end + 1
    if record.endswith(delimiter):
        fields.append(b"")
    return fields


def _quoted_field(record: bytes, place: int, delimiter: bytes) -> tuple[bytes, int]:
    """The field whose opening quote stands before `place`, and where the next one begins."""
    parts = []
    while True:
        quote = record.find(b'"', place)
        if quote < 0:
            raise ValueError("Quoted field has to end with quote followed by delim or end")
        parts.append(record[place:quote])
        follower = record[quote + 1 : quote + 2]
        if follower in (b"", delimiter):
            return b"".join(parts), quote + 2
        if follower != b'"':
            raise ValueError("Quote inside a string has to be escaped by another quote")
        parts.append(b'"')
        place = quote + 2


class _Column:
    """What stands in one column of the records: its type, its default or None, its values so far."""

    def __init__(self, place, default, dtype):
        self.place = place
        self.dtype = dtype
        self.values = []
        default = default.reshape(-1).tolist()
        if len(default) > 1:
            raise ValueError(f"There should only be 1 default per field but field {place} has {len(default)}")
        self.default = default[0] if default else None

    def add(self, field: bytes, record: int, na_value: bytes) -> None:
        if not field or field == na_value:
            if self.default is None:
                raise ValueError(f"Field {self.place} is required but missing in record {record}!")
            self.values.append(self.default)
        elif not isinstance(self.dtype, torch.dtype):
            self.values.append(field)
        else:
            value = number_of(field, self.dtype)
            if value is None:
                name = str(self.dtype).removeprefix("torch.").replace("float32", "float").replace("float64", "double")
                raise ValueError(f"Field {self.place} in record {record} is not a valid {name}: "
                                 f"{field.decode(errors='replace')}")  # fmt: skip
            self.values.append(value)

    def tensor(self, shape):
        if isinstance(self.dtype, torch.dtype):
            return torch.tensor(self.values, dtype=self.dtype).reshape(shape)
        return string_array(shape, self.values)


def _check_csv(field_delim, select_cols, count):
    if len(field_delim) != 1:
        raise ValueError("field_delim should be only 1 char")
    if select_cols and len(select_cols) != count:
        raise ValueError("select_cols should match output size")
    if any(b <= a for a, b in zip([-1, *select_cols], select_cols, strict=False)):
        raise ValueError("select_cols should be strictly increasing indices")


def _decode_csv(records, record_defaults, field_delim, use_quote_delim, na_value, select_cols, OUT_TYPE):
    _check_csv(field_delim, select_cols, len(record_defaults))
    columns = [_Column(i, d, t) for i, (d, t) in enumerate(zip(record_defaults, OUT_TYPE, strict=True))]
    for i, record in enumerate(records.reshape(-1).tolist()):
        fields = fields_of(record, field_delim, use_quote_delim)
        if select_cols:
            fields = [fields[place] for place in select_cols if place < len(fields)]
        if len(fields) != len(columns):
            raise ValueError(f"Expect {len(columns)} fields but have {len(fields)} in record {i}")
        for column, field in zip(columns, fields, strict=True):
            column.add(field, i, na_value)
    return [column.tensor(records.shape) for column in columns]


def _csv_shape(op):
    records, *defaults = (tensor.dims for tensor in op._inputs)
    for dims in defaults:
        if dims is not None and len(dims) > 1:
            raise ValueError(f"Shape must be at most rank 1 but is rank {len(dims)}")
        if dims and dims[0] is not None and dims[0] > 1:
            raise ValueError("Shape of a default must be a length-0 or length-1 vector, or a scalar.")
    return [records] * len(defaults)


define_op(
    "DecodeCSV", "records: string, record_defaults: list:OUT_TYPE -> output: list:OUT_TYPE",
    "OUT_TYPE: list(type) in float|double|int32|int64|string >= 1, field_delim: string = ',', "
    'use_quote_delim: bool = true, na_value: string = "", select_cols: list(int) = []',
    shape=_csv_shape, kernel=_decode_csv,
)  # fmt: skip


@export("io.decode_csv", "decode_csv")
def decode_csv(records, record_defaults, field_delim=",", use_quote_delim=True, name=None, na_value="",
               select_cols=None):  # fmt: skip
    """The columns of CSV records (RFC 4180).

    Args:
      records: a string tensor, a record an element.
      record_defaults: a tensor for each column, float32, float64, int32, int64 or string: its type is the column's,
        its one element the value of empty fields; an empty vector where a field must not be empty.
      field_delim: the character between fields.
      use_quote_delim: whether quotes enclose fields.
      name: the node's name.
      na_value: a text that counts as empty.
      select_cols: the places of the columns wanted, ascending; all if None.

    Returns:
      A list of tensors shaped like `records`, one a column.

    Raises:
      ValueError: for malformed arguments.
      InvalidArgumentError: when run, for malformed records.
    """
    if select_cols is not None:
        if any(b <= a for a, b in zip(select_cols, select_cols[1:], strict=False)):
            raise ValueError("select_cols is not strictly increasing.")
        if select_cols[0] < 0:
            raise ValueError("select_cols contains negative values.")
        if len(select_cols) != len(record_defaults):
            raise ValueError("Length of select_cols and record_defaults do not match.")
    return call("DecodeCSV", records, record_defaults, field_delim=field_delim, use_quote_delim=use_quote_delim,
                na_value=na_value, select_cols=select_cols or [], name=name)  # fmt: skip


# --- JSON ---------------------------------------------------------------------------------------------------------


_BASE64 = re.compile(r"[A-Za-z0-9+/_-]*={0,2}")


def _example_of_json(text: bytes) -> bytes:
    try:
        values = json.loads(text)
        if not isinstance(values, dict):
            raise ValueError("Root element must be a message.")
        message = json_format.ParseDict(values, protos.load("example").Example())
        _check_values(values)
    except (json_format.ParseError, RecursionError, ValueError) as error:
        raise ValueError(f"Error while parsing JSON: {error}") from None
    return _unpacked(message, (values.get("features") or {}).get("feature") or {})


# The tags of single numbers in a list: field 1, of four bytes or of a varint.
_FLOAT, _INT = b"\x0d", b"\x08"


def _unpacked(example, order) -> bytes:
    """The Example as TensorFlow's reader of JSON writes it: features as they come, each number of a list by itself."""
    if not example.HasField("features"):
        return example.SerializeToString()
    features = example.features.feature
    entries = [_field(1, _field(1, key.encode()) + _field(2, _feature(features[key]))) for key in order]
    return _field(1, b"".join(entries))


def _feature(feature) -> bytes:
    kind = feature.WhichOneof("kind")
    if kind == "bytes_list":
        return _field(1, b"".join(_field(1, value) for value in feature.bytes_list.value))
    if kind == "float_list":
        return _field(2, b"".join(_FLOAT + struct.pack("<f", value) for value in feature.float_list.value))
    if kind == "int64_list":
        return _field(3, b"".join(_INT + _varint(value & (1 << 64) - 1) for value in feature.int64_list.value))
    return b""


def _field(number: int, content: bytes) -> bytes:
    return bytes([number << 3 | 2]) + _varint(len(content)) + content


def _varint(value: int) -> bytes:
    parts = []
    while value > 0x7F:
        parts.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*parts, value])


def _check_values(example: dict) -> None:
    """Refuse what the parser overlooks: bytes with other characters than base64 has, and truth as a number."""
    features = (example.get("features") or {}).get("feature") or {}
    for feature in features.values():
        lists = (feature or {}).get("bytesList") or (feature or {}).get("bytes_list") or {}
        for value in lists.get("value") or []:
            if not _BASE64.fullmatch(value):
                raise ValueError(f'invalid value "{value}" for type TYPE_BYTES')
        numbers = (feature or {}).get("floatList") or (feature or {}).get("float_list") or {}
        if any(isinstance(value, bool) for value in numbers.get("value") or []):
            raise ValueError("invalid value true for type TYPE_FLOAT")


def _decode_json(json_examples):
    return mapped(_example_of_json, json_examples)


define_op("DecodeJSONExample", "json_examples: string -> binary_examples: string", shape=unchanged_shape,
          kernel=_decode_json)  # fmt: skip


@export("io.decode_json_example", "decode_json_example")
def decode_json_example(json_examples, name=None):
    """Examples in JSON as serialized Example messages.

    Args:
      json_examples: a string tensor.
      name: the node's name.

    Returns:
      A string tensor shaped like `json_examples`.

    Raises:
      InvalidArgumentError: when run, for what is no Example in JSON.
    """
    return call("DecodeJSONExample", json_examples, name=name)
