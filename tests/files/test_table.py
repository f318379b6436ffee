import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reflow.files import table
from reflow.files.random_access import RandomAccessFile
from reflow.files.table import TableReader, TableWriter
from reflow.graph import errors


def write_table(path, items):
    with open(path, "wb") as file:
        writer = TableWriter(file.write)
        for key, value in items:
            writer.add(key, value)
        writer.finish()


def read_table(path):
    with RandomAccessFile(str(path)) as file:
        return list(TableReader(file))


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return tmp_path_factory.mktemp("table") / "table"


ITEMS = st.dictionaries(st.binary(max_size=8), st.binary(max_size=20), max_size=60)


@given(ITEMS)
@settings(max_examples=50, deadline=None)
def test_round_trip(path, items):
    items = sorted(items.items())
    write_table(path, items)
    assert read_table(path) == items


@given(ITEMS)
@settings(max_examples=50, deadline=None)
def test_round_trip_in_many_blocks(path, items):
    items = sorted(items.items())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(table, "_BLOCK_SIZE", 40)
        write_table(path, items)
    assert read_table(path) == items
    with RandomAccessFile(str(path)) as file:
        reader = TableReader(file)
        assert [reader.get(key) for key, _ in items] == [value for _, value in items]
        assert reader.get(b"\xff" * 9) is None
        assert reader.get(b"\x00not there") is None


def test_keys_must_increase():
    writer = TableWriter(lambda data: None)
    writer.add(b"b", b"")
    for key in (b"b", b"a"):
        with pytest.raises(ValueError, match="must increase"):
            writer.add(key, b"")


@pytest.mark.parametrize(
    ("start", "limit", "separator"),
    [
        (b"the quick brown fox", b"the who", b"the r"),
        (b"abc", b"abcdef", b"abc"),  # one is a prefix of the other
        (b"a1", b"a2", b"a1"),  # no key is between
        (b"a\xff", b"b", b"a\xff"),
    ],
)
def test_shortest_separator(start, limit, separator):
    assert table._shortest_separator(start, limit) == separator


@pytest.mark.parametrize(("key", "successor"), [(b"abc", b"b"), (b"\xff\xffa", b"\xff\xffb"), (b"\xff", b"\xff")])
def test_short_successor(key, successor):
    assert table._short_successor(key) == successor


def test_reads_snappy_blocks(golden):
    assert read_table(golden / "v1_snappy") == read_table(golden / "v1")
    assert (golden / "v1_snappy").stat().st_size < (golden / "v1").stat().st_size


def test_rewriting_tensorflows_index_gives_its_bytes(golden, path):
    write_table(path, read_table(golden / "v2.index"))
    assert path.read_bytes() == (golden / "v2.index").read_bytes()


@pytest.mark.parametrize("contents", [b"", b"x" * 47, b"x" * 48, b"x" * 5000])
def test_a_file_that_is_no_table(path, contents):
    path.write_bytes(contents)
    with pytest.raises(errors.DataLossError, match=f"{path}.*table"):
        read_table(path)


def test_keys_that_share_too_much_do_not_fill_the_memory(path):
    shared_key = b"k" * 60_000
    entries = bytearray(table.put_varint(0) + table.put_varint(len(shared_key)) + b"\0" + shared_key)
    for _ in range(60_000):
        entries += table.put_varint(len(shared_key)) + b"\0\0"
    with pytest.raises(table.MalformedError, match="share"):
        table._parse_block(bytes(entries) + (1).to_bytes(8, "little"))
