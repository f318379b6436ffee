"""TFRecord files: `tf.python_io` and the part of `tf.io` that reads and writes them outside a graph."""

import os
from collections.abc import Iterator
from typing import Any

from reflow.files.records import GZIP, NONE, ZLIB, RecordReader, RecordWriter
from reflow.graph.export import export


@export("python_io.TFRecordCompressionType", "io.TFRecordCompressionType")
class TFRecordCompressionType:
    """How the records of a file are compressed."""

    NONE = 0
    ZLIB = 1
    GZIP = 2


@export("python_io.TFRecordOptions", "io.TFRecordOptions")
class TFRecordOptions:
    """Compression of a TFRecord file and, for writing, the options of zlib's deflateInit2.

    An option that is None has TensorFlow's default. Buffer sizes are accepted and ignored.
    """

    compression_type_map = {
        TFRecordCompressionType.ZLIB: ZLIB,
        TFRecordCompressionType.GZIP: GZIP,
        TFRecordCompressionType.NONE: NONE,
    }

    def __init__(
        self,
        compression_type=None,
        flush_mode=None,
        input_buffer_size=None,
        output_buffer_size=None,
        window_bits=None,
        compression_level=None,
        compression_method=None,
        mem_level=None,
        compression_strategy=None,
    ):
        """Makes options.

        Args:
          compression_type: "GZIP", "ZLIB", "" or None, or a constant of `TFRecordCompressionType`.
          flush_mode: what `TFRecordWriter.flush` asks of zlib; by default Z_NO_FLUSH.
          input_buffer_size: ignored.
          output_buffer_size: ignored.
          window_bits: base two logarithm of the window's size, plus 16 for gzip.
          compression_level: 0 to 9.
          compression_method: 8, zlib's only one.
          mem_level: 1 to 9.
          compression_strategy: zlib's strategy.

        Raises:
          ValueError: if the compression type is not known.
        """
        self.get_compression_type_string(compression_type)
        self.compression_type = compression_type
        self.flush_mode = flush_mode
        self.input_buffer_size = input_buffer_size
        self.output_buffer_size = output_buffer_size
        self.window_bits = window_bits
        self.compression_level = compression_level
        self.compression_method = compression_method
        self.mem_level = mem_level
        self.compression_strategy = compression_strategy

    @classmethod
    def get_compression_type_string(cls, options: Any) -> str:
        """The compression type as "ZLIB", "GZIP" or "".

        Args:
          options: a `TFRecordOptions`, a constant of `TFRecordCompressionType`, a string or None.

        Raises:
          ValueError: if it is none of those.
        """
        if isinstance(options, TFRecordOptions):
            options = options.compression_type
        if not options:
            return NONE
        if options in cls.compression_type_map:
            return cls.compression_type_map[options]
        if options in cls.compression_type_map.values():
            return options
        raise ValueError(f'Not a valid compression_type: "{options}"')


@export("python_io.tf_record_iterator", "io.tf_record_iterator")
def tf_record_iterator(path: str | bytes | os.PathLike[str], options: Any = None) -> Iterator[bytes]:
    """Reads the records of a TFRecord file.

    Args:
      path: the file's path.
      options: a `TFRecordOptions`, a constant of `TFRecordCompressionType`, or "ZLIB", "GZIP" or None.

    Yields:
      The records, as bytes.

    Raises:
      NotFoundError: if there is no such file.
      DataLossError: where a record is damaged or cut off; the records before it are yielded.
      ValueError: if the compression type is not known.
    """
    with RecordReader(os.fsdecode(path), TFRecordOptions.get_compression_type_string(options)) as reader:
        yield from reader


@export("python_io.TFRecordWriter", "io.TFRecordWriter")
class TFRecordWriter:
    """Writes records to a TFRecord file. Use it in a `with` block, or close it."""

    def __init__(self, path, options=None):
        """Creates the file.

        Args:
          path: the file's path; an existing file is replaced.
          options: a `TFRecordOptions`, a constant of `TFRecordCompressionType`, or "ZLIB", "GZIP" or None.

        Raises:
          NotFoundError, PermissionDeniedError, UnknownError: if the file cannot be created.
          ValueError: if the compression type is not known.
        """
        if not isinstance(options, TFRecordOptions):
            options = TFRecordOptions(options)
        self._writer = RecordWriter(
            os.fsdecode(path),
            TFRecordOptions.get_compression_type_string(options),
            flush_mode=options.flush_mode,
            window_bits=options.window_bits,
            compression_level=options.compression_level,
            compression_method=options.compression_method,
            mem_level=options.mem_level,
            compression_strategy=options.compression_strategy,
        )

    def write(self, record):
        """Appends a record, bytes.

        Raises:
          FailedPreconditionError: if the writer is closed.
        """
        self._writer.write(record)

    def flush(self):
        """Hands what was written to the operating system."""
        self._writer.flush()

    def close(self):
        """Finishes the file."""
        self._writer.close()

    def __enter__(self):
        return self

    def __exit__(self, *exc_info):
        self.close()
