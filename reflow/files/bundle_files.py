"""The files of a tensor bundle, and how new ones take the place of old ones without a moment at which neither is whole.

A bundle `prefix` is `prefix.index`, a table of BundleEntryProtos, and `prefix.data-SSSSS-of-NNNNN`, the tensors' bytes.
The index says how many data files there are, and so which names it refers to. New data under names that the old index
refers to would damage the old checkpoint until the new index is there. So where the names are the same, the new data
first appears under other names, which a first new index refers to, and then under its own.
"""

import contextlib
import glob
import os
from collections.abc import Iterable, Sequence

from google.protobuf.message import DecodeError

from reflow.files import protos
from reflow.files.durable import PendingFile, remove_if_exists, sync_folder, write_atomically
from reflow.files.random_access import RandomAccessFile, os_errors
from reflow.files.saved_tensors import FORMAT_VERSION
from reflow.files.table import TableReader, TableWriter
from reflow.graph import errors

BundleHeaderProto = protos.load("tensor_bundle").BundleHeaderProto
BundleEntryProto = protos.load("tensor_bundle").BundleEntryProto

HEADER_KEY = b""

Entries = Iterable[tuple[bytes, bytes]]


def index_filename(prefix: str) -> str:
    """The path of a bundle's index."""
    return f"{prefix}.index"


def data_filename(prefix: str, shard: int, num_shards: int) -> str:
    """The path of data file number `shard`, of `num_shards` that the index counts."""
    return f"{prefix}.data-{shard:05d}-of-{num_shards:05d}"


def make_folder(prefix: str) -> None:
    """Creates the folder of a bundle, in an existing one, unless it is there."""
    folder = os.path.dirname(prefix)
    if folder:
        with os_errors(folder), contextlib.suppress(FileExistsError):
            os.mkdir(folder)


def publish(prefix: str, data_paths: Sequence[str], entries: Entries) -> None:
    """Makes written data files and entries the bundle `prefix`.

    Args:
      prefix: the bundle's prefix. If there is such a bundle, it stays whole until the new one is.
      data_paths: the data files, in order of their shard number; they are moved.
      entries: key and serialized BundleEntryProto of each tensor, sorted by key.

    Raises:
      NotFoundError, PermissionDeniedError, ResourceExhaustedError, UnknownError: as the operating system reports.
    """
    count = len(data_paths)
    entries = list(entries)
    old_count = _count_data_files(prefix)
    if old_count == count:
        _replace_bundle(prefix, data_paths, entries)
    else:
        _move_data(prefix, data_paths, count)
        _write_index(prefix, count, entries)
        _remove_data(prefix, old_count)
    sync_folder(prefix)


def _replace_bundle(prefix: str, data_paths: Sequence[str], entries: Entries) -> None:
    """Replaces a bundle by one of the same number of data files, by way of one that counts one more."""
    count = len(data_paths)
    detour = [data_filename(prefix, shard, count + 1) for shard in range(count)]
    _remove_data(prefix, count + 1)
    try:
        for source, path in zip(data_paths, detour, strict=True):
            os.link(source, path)
    except OSError:  # a file system without links: the new bundle keeps the other names
        _move_data(prefix, data_paths, count + 1)
        _write_index(prefix, count + 1, entries)
        _remove_data(prefix, count)
        return
    _write_index(prefix, count + 1, entries)
    _move_data(prefix, data_paths, count)
    _write_index(prefix, count, entries)
    _remove_data(prefix, count + 1)


def _move_data(prefix: str, data_paths: Sequence[str], num_shards: int) -> None:
    for shard, path in enumerate(data_paths):
        with os_errors(path):
            os.replace(path, data_filename(prefix, shard, num_shards))


def _remove_data(prefix: str, num_shards: int) -> None:
    """Removes the data files of a number that no index refers to."""
    for path in glob.glob(f"{glob.escape(prefix)}.data-?????-of-{num_shards:05d}"):
        remove_if_exists(path)


def _write_index(prefix: str, num_shards: int, entries: Entries) -> None:
    header = BundleHeaderProto(num_shards=num_shards)
    header.version.producer = FORMAT_VERSION

    def write(file: PendingFile) -> None:
        table = TableWriter(file.write)
        table.add(HEADER_KEY, header.SerializeToString())
        for key, value in entries:
            table.add(key, value)
        table.finish()

    write_atomically(index_filename(prefix), write)


def _count_data_files(prefix: str) -> int:
    """How many data files the bundle's index counts; 0 if there is no index that can be read."""
    try:
        with RandomAccessFile(index_filename(prefix)) as file:
            header = TableReader(file).get(HEADER_KEY)
        return BundleHeaderProto.FromString(header or b"").num_shards
    except (errors.OpError, DecodeError):
        return 0
