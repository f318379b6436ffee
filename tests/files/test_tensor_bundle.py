import random

import ml_dtypes
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as st_numpy

from reflow.files.bundle_files import BundleEntryProto
from reflow.files.tensor_bundle import BundleReader, BundleWriter, merge_bundles
from reflow.files.tensor_slice import TensorSlice, parse_shape_and_slice
from reflow.graph import dtypes, errors

PLAIN_TYPES = [
    d.np_dtype
    for enum, d in dtypes.BY_ENUM.items()
    if enum < 100 and d.is_numpy_compatible and not d.is_quantized and d is not dtypes.string
]


def expected(cases):
    """Name to array of everything in the recorded bundles but the partitioned tensor."""
    named = cases.tensors(cases.TYPES + cases.V2_TYPES)
    named["type/bfloat16"] = cases.numbers("float32").astype(ml_dtypes.bfloat16)
    for name in cases.QUANTIZED + cases.V2_QUANTIZED:
        named[f"type/{name}"] = cases.numbers(name[1:]).view(getattr(dtypes, name).np_dtype)
    return named


def write(prefix, **tensors):
    with BundleWriter(str(prefix)) as writer:
        for name, array in tensors.items():
            writer.add(name, array)


@pytest.mark.parametrize("name", ["v2", "v2_sharded"])
def test_reads_what_tensorflow_wrote(golden, cases, name):
    with BundleReader(str(golden / name)) as reader:
        assert reader.num_shards == (2 if name == "v2_sharded" else 1)
        named = {**expected(cases), "partitioned": cases.partitioned()}
        assert reader.names() == sorted(name.encode() for name in named)
        for tensor_name, array in named.items():
            found = reader.read(tensor_name)
            assert found.dtype == array.dtype
            assert found.shape == array.shape == reader.shape(tensor_name)
            np.testing.assert_array_equal(found, array)
        assert "no such tensor" not in reader
        assert "" not in reader


def test_writes_tensorflows_bytes(golden, cases, tmp_path):
    with BundleReader(str(golden / "v2")) as reader, BundleWriter(str(tmp_path / "v2")) as writer:
        stored = [name for name in reader.names() if not reader.slices(name)]
        for name in sorted(stored, key=lambda name: _offset(reader, name)):
            writer.add(name, reader.read(name))
        for text, box in zip(cases.PARTS, cases.PART_BOXES, strict=True):
            writer.add_slice("partitioned", *parse_shape_and_slice(text), cases.partitioned()[box])
    for name in ("v2.index", "v2.data-00000-of-00001"):
        assert (tmp_path / name).read_bytes() == (golden / name).read_bytes()


def _offset(reader, name):
    entry = dict(reader.entries())[name]
    return entry.offset, entry.size  # an empty tensor starts where the next one does


def test_merging_gives_tensorflows_bytes(golden, cases, tmp_path):
    with BundleReader(str(golden / "v2_sharded")) as reader:
        entries = list(reader.entries())
        tensors = {key: entry for key, entry in entries if not entry.slices and key[0] != 0}
        for shard in (0, 1):
            with BundleWriter(str(tmp_path / f"shard{shard}")) as writer:
                mine = [name for name, entry in tensors.items() if entry.shard_id == shard]
                for name in sorted(mine, key=lambda name: _offset(reader, name)):
                    writer.add(name, reader.read(name))
                if shard == 0:
                    for text, box in zip(cases.PARTS, cases.PART_BOXES, strict=True):
                        writer.add_slice("partitioned", *parse_shape_and_slice(text), cases.partitioned()[box])
    merge_bundles([str(tmp_path / "shard0"), str(tmp_path / "shard1")], str(tmp_path / "v2_sharded"))
    for name in ("v2_sharded.index", "v2_sharded.data-00000-of-00002", "v2_sharded.data-00001-of-00002"):
        assert (tmp_path / name).read_bytes() == (golden / name).read_bytes()
    assert len(list(tmp_path.iterdir())) == 3


@pytest.fixture(scope="module")
def prefix(tmp_path_factory):
    return tmp_path_factory.mktemp("bundle") / "model"


@given(st.sampled_from(PLAIN_TYPES), st_numpy.array_shapes(min_dims=0, min_side=0), st.randoms(use_true_random=False))
@settings(max_examples=60, deadline=None)
def test_round_trip_of_all_types_and_shapes(prefix, dtype, shape, random):
    size = int(np.prod(shape)) * dtype.itemsize
    raw = np.frombuffer(random.randbytes(size), np.uint8)
    array = (raw & 1 if dtype.kind == "b" else raw).view(dtype).reshape(shape)
    write(prefix, tensor=array)
    with BundleReader(str(prefix)) as reader:
        found = reader.read("tensor")
        assert (found.dtype, found.shape, found.tobytes()) == (array.dtype, array.shape, array.tobytes())


@given(st.lists(st.binary(max_size=300), max_size=40))
@settings(max_examples=60, deadline=None)
def test_round_trip_of_strings(prefix, strings):
    array = np.empty(len(strings), object)
    array[:] = strings
    write(prefix, strings=array)
    with BundleReader(str(prefix)) as reader:
        assert reader.read("strings").tolist() == strings


def test_text_is_stored_as_utf_8(tmp_path):
    write(tmp_path / "m", text=np.array(["é", "b"]), mixed=np.array(["é", b"\xff"], object))
    with BundleReader(str(tmp_path / "m")) as reader:
        assert reader.read("text").tolist() == ["é".encode(), b"b"]
        assert reader.read("mixed").tolist() == ["é".encode(), b"\xff"]


def test_arrays_of_any_layout_are_stored_in_row_major_little_endian_order(tmp_path):
    array = np.arange(24, dtype=np.float32).reshape(4, 6)
    write(tmp_path / "m", fortran=np.asfortranarray(array), view=array[::2, ::-3], big=array.astype(">f4"))
    with BundleReader(str(tmp_path / "m")) as reader:
        np.testing.assert_array_equal(reader.read("fortran"), array)
        np.testing.assert_array_equal(reader.read("view"), array[::2, ::-3])
        np.testing.assert_array_equal(reader.read("big"), array)


def test_a_type_can_be_given_for_plain_integers(tmp_path):
    with BundleWriter(str(tmp_path / "m")) as writer:
        writer.add("q", np.array([1, -2], np.int8), dtypes.qint8)
        with pytest.raises(errors.InvalidArgumentError, match="int16.*qint8"):
            writer.add("r", np.array([1, -2], np.int16), dtypes.qint8)
    with BundleReader(str(tmp_path / "m")) as reader:
        assert reader.dtype("q") is dtypes.qint8
        assert reader.read("q").view(np.int8).tolist() == [1, -2]


def test_large_tensors_are_written_and_read_in_chunks(tmp_path):
    array = np.random.default_rng(0).integers(0, 255, 3_500_001, np.uint8)
    write(tmp_path / "m", small=np.zeros(3), large=array)
    with BundleReader(str(tmp_path / "m")) as reader:
        np.testing.assert_array_equal(reader.read("large"), array)


def test_what_is_read_belongs_to_the_caller(tmp_path):
    write(tmp_path / "m", a=np.zeros(3))
    with BundleReader(str(tmp_path / "m")) as reader:
        reader.read("a")[:] = 1
        reader.read_slice("a", (3,), TensorSlice.parse("0,2"))[:] = 1
        assert reader.read("a").tolist() == [0, 0, 0]


@pytest.mark.parametrize("text", ["6 4 -:-", "6 4 1,3:-", "6 4 2,2:1,2", "6 4 5,1:0,1"])
def test_slices_of_partitioned_and_of_whole_tensors(golden, cases, tmp_path, text):
    shape, part = parse_shape_and_slice(text)
    full = cases.partitioned()
    write(tmp_path / "m", partitioned=full)
    for prefix in (golden / "v2", tmp_path / "m"):
        with BundleReader(str(prefix)) as reader:
            found = reader.read_slice("partitioned", shape, part)
            np.testing.assert_array_equal(found, full[part.bounds(shape)])


def test_a_slice_that_is_the_whole_tensor_is_stored_as_such(tmp_path):
    with BundleWriter(str(tmp_path / "m")) as writer:
        writer.add_slice("a", (2, 3), TensorSlice.parse("0,2:-"), np.ones((2, 3)))
    with BundleReader(str(tmp_path / "m")) as reader:
        assert reader.slices("a") == []
        assert reader.read("a").tolist() == [[1] * 3] * 2


def test_the_folder_is_made_but_not_its_parents(tmp_path):
    write(tmp_path / "new" / "m", a=np.zeros(1))
    with pytest.raises(errors.NotFoundError, match="no/parent"):
        BundleWriter(str(tmp_path / "no" / "parent" / "m"))


def test_nothing_is_left_of_a_writer_that_failed(tmp_path):
    with pytest.raises(RuntimeError, match="stop"), BundleWriter(str(tmp_path / "m")) as writer:
        writer.add("a", np.zeros(1000))
        raise RuntimeError("stop")
    assert list(tmp_path.iterdir()) == []


def test_bad_tensors_to_write(tmp_path):
    with BundleWriter(str(tmp_path / "m")) as writer:
        writer.add("a", np.zeros(2))
        for name, message in (("a", "duplicate key: a"), ("", "needs a name")):
            with pytest.raises(errors.InvalidArgumentError, match=message):
                writer.add(name, np.zeros(2))
        with pytest.raises(errors.UnimplementedError, match="resource"):
            writer.add("r", np.array([None]), dtypes.resource)
        with pytest.raises(errors.InvalidArgumentError, match="slice 0,3 of b"):
            writer.add_slice("b", (4,), TensorSlice.parse("0,3"), np.zeros(2))
        writer.add_slice("b", (4,), TensorSlice.parse("0,3"), np.zeros(3))
        for shape, array in (((5,), np.zeros(2)), ((4,), np.zeros(1, np.float32))):
            with pytest.raises(errors.InvalidArgumentError, match="contradicts"):
                writer.add_slice("b", shape, TensorSlice.parse(f"3,{len(array)}"), array)


def test_missing_tensors_and_files(tmp_path):
    with pytest.raises(errors.NotFoundError, match="nothing.index"):
        BundleReader(str(tmp_path / "nothing"))
    write(tmp_path / "m", a=np.zeros(1))
    (tmp_path / "m.data-00000-of-00001").unlink()
    with BundleReader(str(tmp_path / "m")) as reader:
        with pytest.raises(errors.NotFoundError, match="Key b not found in checkpoint"):
            reader.read("b")
        with pytest.raises(errors.NotFoundError, match="m.data-00000-of-00001"):
            reader.read("a")


def test_a_wrong_full_shape_is_an_invalid_argument(golden):
    with BundleReader(str(golden / "v2")) as reader:
        for shape in ((6, 5), (6,)):
            with pytest.raises(errors.InvalidArgumentError, match=r"partitioned.*\[6, 4\]"):
                reader.read_slice("partitioned", shape, TensorSlice.full(2))


# Entries that contradict themselves or the data file, as damage that the checksums do not see would make them.
WRONG_ENTRIES = {
    "size": lambda entry: setattr(entry, "size", 8),
    "huge": lambda entry: (setattr(entry, "size", 2**60), setattr(entry.shape.dim[0], "size", 2**57)),
    "offset": lambda entry: setattr(entry, "offset", 1),
    "negative offset": lambda entry: setattr(entry, "offset", -1),
    "shard": lambda entry: setattr(entry, "shard_id", 1),
    "checksum": lambda entry: setattr(entry, "crc32c", 5),
    "dtype": lambda entry: setattr(entry, "dtype", 99),
    "ref dtype": lambda entry: setattr(entry, "dtype", 102),
    "negative shape": lambda entry: setattr(entry.shape.dim[0], "size", -3),
    "unknown rank": lambda entry: setattr(entry.shape, "unknown_rank", True),
    "rank": lambda entry: [entry.shape.dim.add(size=1) for _ in range(70)],
    "no elements of huge shape": lambda entry: (
        setattr(entry, "size", 0),
        [entry.shape.dim.add(size=size) for size in (2**62, 2**62, 0)],
    ),
    "strings": lambda entry: setattr(entry, "dtype", 7),
    "many strings": lambda entry: (setattr(entry, "dtype", 7), setattr(entry.shape.dim[0], "size", 2**40)),
    "slice outside": lambda entry: entry.slices.append(TensorSlice.parse("0,9").to_proto()),
    "slice missing": lambda entry: entry.slices.append(TensorSlice.parse("0,3").to_proto()),
    "slice rank": lambda entry: entry.slices.append(TensorSlice.full(2).to_proto()),
}


@pytest.mark.parametrize("name", WRONG_ENTRIES)
def test_an_entry_that_cannot_be_right_is_data_loss_with_file_and_tensor(tmp_path, name):
    write(tmp_path / "m", weights=np.arange(3.0))
    reader = BundleReader(str(tmp_path / "m"))
    entry = BundleEntryProto.FromString(reader._values[b"weights"])
    WRONG_ENTRIES[name](entry)
    reader._values[b"weights"] = entry.SerializeToString()
    with pytest.raises(errors.DataLossError, match=r"m\.(index|data).*weights"):
        reader.read("weights")


def test_parts_with_a_gap_are_data_loss(tmp_path):
    with BundleWriter(str(tmp_path / "m")) as writer:
        writer.add_slice("weights", (4,), TensorSlice.parse("0,2"), np.zeros(2))
    with BundleReader(str(tmp_path / "m")) as reader:
        with pytest.raises(errors.DataLossError, match="slices of tensor weights overlap or do not cover it"):
            reader.read("weights")
        assert reader.read_slice("weights", (4,), TensorSlice.parse("1,1")).tolist() == [0]


def test_merge_joins_the_parts_of_a_tensor_and_refuses_the_same_tensor_twice(tmp_path):
    for shard in (0, 1):
        with BundleWriter(str(tmp_path / "temp" / f"part{shard}")) as writer:
            part = TensorSlice(((shard * 2, 2),))
            writer.add_slice("whole", (4,), part, np.arange(4.0)[part.bounds((4,))])
    prefixes = [str(tmp_path / "temp" / f"part{shard}") for shard in (0, 1)]
    merge_bundles(prefixes, str(tmp_path / "m"))
    assert not (tmp_path / "temp").exists()
    with BundleReader(str(tmp_path / "m")) as reader:
        assert reader.read("whole").tolist() == [0, 1, 2, 3]
    write(tmp_path / "x", a=np.zeros(1))
    write(tmp_path / "y", a=np.zeros(1))
    with pytest.raises(errors.InvalidArgumentError, match="Duplicate tensor keyed by a .*y"):
        merge_bundles([str(tmp_path / "x"), str(tmp_path / "y")], str(tmp_path / "z"))


def test_merge_keeps_folders_when_asked_or_when_they_hold_other_files(tmp_path):
    for keep in (True, False):
        write(tmp_path / "temp" / "part", a=np.zeros(1))
        (tmp_path / "temp" / "other").touch()
        merge_bundles([str(tmp_path / "temp" / "part")], str(tmp_path / "m"), delete_old_dirs=not keep)
        assert [path.name for path in (tmp_path / "temp").iterdir()] == ["other"]


def test_merging_a_bundle_into_itself_keeps_it(tmp_path):
    write(tmp_path / "m", a=np.ones(1))
    merge_bundles([str(tmp_path / "m")], str(tmp_path / "m"))
    with BundleReader(str(tmp_path / "m")) as reader:
        assert reader.read("a").tolist() == [1]
    assert len(list(tmp_path.iterdir())) == 2


def test_saving_leaves_pythons_random_numbers_alone(tmp_path):
    state = random.getstate()
    write(tmp_path / "m", a=np.ones(1))
    assert random.getstate() == state


def test_merge_of_bundles_without_tensors(tmp_path):
    write(tmp_path / "x")
    write(tmp_path / "y", a=np.ones(1))
    merge_bundles([str(tmp_path / "x"), str(tmp_path / "y")], str(tmp_path / "m"))
    with BundleReader(str(tmp_path / "m")) as reader:
        assert reader.num_shards == 2
        assert reader.read("a").tolist() == [1]
