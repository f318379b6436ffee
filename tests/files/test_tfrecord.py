import tracemalloc
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reflow.files.crc import masked_crc32c
from reflow.files.protos import Example
from reflow.files.tfrecord import TFRecordCompressionType, TFRecordOptions, TFRecordWriter, tf_record_iterator
from reflow.graph import errors

COMPRESSIONS = ["", "ZLIB", "GZIP"]


@pytest.mark.parametrize("compression", COMPRESSIONS)
def test_reads_and_writes_tensorflows_bytes(golden, cases, tmp_path, compression):
    path = golden / f"records{compression.lower()}"
    *records, example = tf_record_iterator(path, compression)
    assert records == cases.RECORDS
    features = Example.FromString(example).features.feature
    assert list(features["image"].bytes_list.value) == cases.EXAMPLE["image"]
    assert list(features["weights"].float_list.value) == cases.EXAMPLE["weights"]
    assert list(features["label"].int64_list.value) == cases.EXAMPLE["label"]
    with TFRecordWriter(tmp_path / "records", compression) as writer:
        for record in (*records, example):
            writer.write(record)
    assert list(tf_record_iterator(tmp_path / "records", compression)) == [*records, example]
    if not compression:  # compressed bytes depend on zlib's release
        assert (tmp_path / "records").read_bytes() == path.read_bytes()


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return tmp_path_factory.mktemp("records") / "records"


@given(st.lists(st.binary(max_size=2000), max_size=20), st.sampled_from(COMPRESSIONS))
@settings(max_examples=50, deadline=None)
def test_round_trip(path, records, compression):
    with TFRecordWriter(str(path), compression) as writer:
        for record in records:
            writer.write(record)
    assert list(tf_record_iterator(str(path), compression)) == records


@pytest.mark.parametrize("compression", COMPRESSIONS)
def test_records_larger_than_all_buffers(path, compression):
    records = [b"", bytes(3_000_000), b"a" * 300_000, b"b"]
    with TFRecordWriter(path, compression) as writer:
        for record in records:
            writer.write(record)
    assert list(tf_record_iterator(path, compression)) == records


def test_options(path):
    assert TFRecordOptions.get_compression_type_string(None) == ""
    assert TFRecordOptions.get_compression_type_string(TFRecordCompressionType.NONE) == ""
    assert TFRecordOptions.get_compression_type_string(TFRecordCompressionType.GZIP) == "GZIP"
    assert TFRecordOptions.get_compression_type_string(TFRecordOptions("ZLIB")) == "ZLIB"
    for bad in ("LZ4", 7):
        with pytest.raises(ValueError, match="Not a valid compression_type"):
            TFRecordOptions(bad)
    sizes = {}
    for level in (0, 9):
        with TFRecordWriter(path, TFRecordOptions(TFRecordCompressionType.ZLIB, compression_level=level)) as writer:
            writer.write(bytes(1000))
        sizes[level] = path.stat().st_size
    assert sizes[9] < 100 < 1000 < sizes[0]


def test_flush_makes_records_readable(path):
    writer = TFRecordWriter(path)
    writer.write(b"first")
    writer.flush()
    assert list(tf_record_iterator(path)) == [b"first"]
    writer = TFRecordWriter(path, TFRecordOptions("GZIP", flush_mode=zlib.Z_SYNC_FLUSH))
    writer.write(b"first")
    writer.flush()
    reader = tf_record_iterator(path, "GZIP")
    assert next(reader) == b"first"
    with pytest.raises(errors.DataLossError, match="cut off"):  # the stream is not finished
        next(reader)


def test_a_writer_that_nobody_closed_still_finishes_its_file(path):
    writer = TFRecordWriter(path, "GZIP")
    writer.write(b"first")
    del writer
    assert list(tf_record_iterator(path, "GZIP")) == [b"first"]


def test_joined_compressed_files_are_read_to_the_end(golden, path, cases):
    path.write_bytes((golden / "recordsgzip").read_bytes() * 2)
    assert len(list(tf_record_iterator(path, "GZIP"))) == 2 * (len(cases.RECORDS) + 1)


def test_errors_of_files_and_arguments(tmp_path):
    with pytest.raises(errors.NotFoundError, match="nothing"):
        list(tf_record_iterator(tmp_path / "nothing"))
    with pytest.raises(errors.NotFoundError, match="no_folder"):
        TFRecordWriter(tmp_path / "no_folder" / "records")
    writer = TFRecordWriter(tmp_path / "records")
    with pytest.raises(TypeError):
        writer.write("text")
    writer.close()
    writer.close()
    for use in (writer.flush, lambda: writer.write(b"")):
        with pytest.raises(errors.FailedPreconditionError, match="previously closed"):
            use()


def damage(path, contents, position):
    contents = bytearray(contents)
    contents[position] ^= 1
    path.write_bytes(contents)


def test_every_damaged_byte_is_found_and_the_records_before_are_yielded(path):
    records = [b"first", b"second record", b"third"]
    with TFRecordWriter(path) as writer:
        for record in records:
            writer.write(record)
    contents = path.read_bytes()
    starts = [0, 21, 50]
    for position in range(len(contents)):
        damage(path, contents, position)
        intact = max(i for i, start in enumerate(starts) if start <= position)
        found = []
        with pytest.raises(errors.DataLossError, match=rf"records: (corrupted|truncated) record at {starts[intact]}$"):
            found.extend(tf_record_iterator(path))
        reader = tf_record_iterator(path)
        assert [next(reader) for _ in range(intact)] == records[:intact]


@pytest.mark.parametrize("compression", COMPRESSIONS)
def test_every_truncation_is_found(golden, path, compression):
    contents = (golden / f"records{compression.lower()}").read_bytes()
    whole = list(tf_record_iterator(golden / f"records{compression.lower()}", compression))
    ends = set()
    for size in range(1, len(contents)):
        path.write_bytes(contents[:size])
        found = []
        try:
            for record in tf_record_iterator(path, compression):
                found.append(record)
        except errors.DataLossError as error:
            assert str(path) in str(error)
        else:
            ends.add(size)
        assert found == whole[: len(found)]
    if compression:
        assert ends == set()
    else:
        assert len(ends) == len(whole) - 1  # a file that ends between two records is a valid file


def test_a_made_up_length_with_a_right_checksum_does_not_fill_the_memory(path):
    length = (2**50).to_bytes(8, "little")
    path.write_bytes(length + masked_crc32c(length).to_bytes(4, "little") + b"data")
    tracemalloc.start()
    with pytest.raises(errors.DataLossError, match="truncated record at 0"):
        list(tf_record_iterator(path))
    assert tracemalloc.get_traced_memory()[1] < 10_000_000
    tracemalloc.stop()
