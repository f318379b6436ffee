import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as st_numpy

from reflow.files.checkpoint_v1 import _FIELDS, CheckpointV1Reader, CheckpointV1Writer, SavedTensorSlices
from reflow.files.random_access import RandomAccessFile
from reflow.files.table import TableReader, TableWriter
from reflow.files.tensor_slice import TensorSlice, parse_shape_and_slice
from reflow.graph import dtypes, errors


def expected(cases):
    named = cases.tensors(cases.TYPES)
    for name in cases.QUANTIZED:
        named[f"type/{name}"] = cases.numbers(name[1:]).view(getattr(dtypes, name).np_dtype)
    named["partitioned"] = cases.partitioned()
    return named


@pytest.mark.parametrize("name", ["v1", "v1_snappy"])
def test_reads_what_tensorflow_wrote(golden, cases, name):
    with CheckpointV1Reader(str(golden / name)) as reader:
        named = expected(cases)
        assert reader.names() == sorted(name.encode() for name in named)
        for tensor_name, array in named.items():
            found = reader.read(tensor_name)
            assert found.dtype == array.dtype
            assert found.shape == array.shape == reader.shape(tensor_name)
            np.testing.assert_array_equal(found, array)
        assert "no such tensor" not in reader


def test_reads_shards(golden, cases):
    with CheckpointV1Reader(str(golden / "v1_sharded-?????-of-00002")) as reader:
        assert reader.names() == [b"empty", b"partitioned", b"scalar"]
        assert len(reader.slices("partitioned")) == 4
        np.testing.assert_array_equal(reader.read("partitioned"), cases.partitioned())


def test_a_shard_alone_has_not_all_slices(golden):
    reader = CheckpointV1Reader(str(golden / "v1_sharded-00000-of-00002"))
    with pytest.raises(errors.DataLossError, match="v1_sharded.*slices of tensor partitioned"):
        reader.read("partitioned")


def test_reads_any_slice(golden, cases):
    with CheckpointV1Reader(str(golden / "v1")) as reader:
        shape, part = parse_shape_and_slice("6 4 1,4:1,2")
        np.testing.assert_array_equal(reader.read_slice("partitioned", shape, part), cases.partitioned()[1:5, 1:3])
        with pytest.raises(errors.InvalidArgumentError, match=r"\[6, 4\]"):
            reader.read_slice("partitioned", (6, 5), part)


def test_writes_tensorflows_bytes(golden, cases, tmp_path):
    writer = CheckpointV1Writer(str(tmp_path / "v1"))
    for name, array in expected(cases).items():
        if name != "partitioned":
            writer.add(name, array)
    with CheckpointV1Reader(str(golden / "v1")) as reader:  # TensorFlow's order of a tensor's parts is arbitrary
        for part in reader.slices("partitioned"):
            writer.add_slice("partitioned", (6, 4), part, cases.partitioned()[part.bounds((6, 4))])
    writer.finish()
    assert (tmp_path / "v1").read_bytes() == (golden / "v1").read_bytes()


def _values(path):
    with RandomAccessFile(str(path)) as file:
        return dict(TableReader(file))


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return tmp_path_factory.mktemp("v1") / "model"


@given(st.sampled_from(sorted(set(_FIELDS) - {"string"})), st_numpy.array_shapes(min_dims=0, min_side=0), st.data())
@settings(max_examples=60, deadline=None)
def test_round_trip_of_all_types_and_shapes(path, type_name, shape, data):
    dtype = dtypes.as_dtype(type_name).np_dtype
    size = int(np.prod(shape)) * dtype.itemsize
    raw = np.frombuffer(data.draw(st.binary(min_size=size, max_size=size)), np.uint8)
    array = (raw & 1 if dtype.kind == "b" else raw).view(dtype).reshape(shape)
    writer = CheckpointV1Writer(str(path))
    writer.add("tensor", array)
    writer.finish()
    with CheckpointV1Reader(str(path)) as reader:
        found = reader.read("tensor")
        assert (found.dtype, found.shape) == (array.dtype, array.shape)
        equal_nan = dtype.kind in "fc"  # protocol buffers may make a signalling NaN a quiet one
        assert np.array_equal(found, array, equal_nan=equal_nan)


def test_errors_of_the_writer(tmp_path):
    writer = CheckpointV1Writer(str(tmp_path / "model"))
    with pytest.raises(errors.UnimplementedError, match="uint64 cannot be written to a V1"):
        writer.add("a", np.zeros(1, np.uint64))
    writer.add_slice("a", (4,), TensorSlice.parse("0,2"), np.zeros(2))
    with pytest.raises(errors.InvalidArgumentError, match="added before"):
        writer.add_slice("a", (4,), TensorSlice.parse("0,2"), np.zeros(2))
    with pytest.raises(errors.InvalidArgumentError, match="Mismatching"):
        writer.add_slice("a", (5,), TensorSlice.parse("2,2"), np.zeros(2))


def test_missing_files_tensors_and_wrong_formats(tmp_path, golden):
    with pytest.raises(errors.NotFoundError, match="Failed to find any matching files for .*model"):
        CheckpointV1Reader(str(tmp_path / "model"))
    with pytest.raises(errors.NotFoundError, match="nothing not found in checkpoint file"):
        CheckpointV1Reader(str(golden / "v1")).read("nothing")
    with pytest.raises(errors.DataLossError, match="records.*not a table"):
        CheckpointV1Reader(str(golden / "records"))
    with pytest.raises(errors.DataLossError, match=r"v2\.index.*not a V1 checkpoint"):
        CheckpointV1Reader(str(golden / "v2.index"))


# Metas and values that contradict each other, as damage that the checksums do not see would make them.
WRONG = {
    "negative shape": lambda meta, value: setattr(meta.shape.dim[0], "size", -3),
    "too few elements": lambda meta, value: value.data.double_val.pop(),
    "too many elements": lambda meta, value: value.data.double_val.append(1),
    "huge": lambda meta, value: setattr(meta.shape.dim[0], "size", 2**60),
    "dtype": lambda meta, value: setattr(meta, "type", 88),
    "slice outside": lambda meta, value: meta.slice[0].CopyFrom(TensorSlice.parse("0,9").to_proto()),
    "slice missing": lambda meta, value: meta.slice[0].CopyFrom(TensorSlice.parse("0,3").to_proto()),
    "slice twice": lambda meta, value: meta.slice.append(meta.slice[0]),
    "no slice": lambda meta, value: meta.slice.pop(),
    "negative slice": lambda meta, value: setattr(meta.slice[0].extent[0], "length", -4),
}


def test_numbers_out_of_range_are_data_loss(tmp_path):
    path = tmp_path / "model"
    writer = CheckpointV1Writer(str(path))
    writer.add("weights", np.array([1, 255], np.uint8))
    writer.finish()
    values = _values(path)
    value = SavedTensorSlices.FromString(values[max(values)])
    value.data.data.int_val[1] = 256
    with open(path, "wb") as file:
        table = TableWriter(file.write)
        table.add(b"", values[b""])
        table.add(max(values), value.SerializeToString())
        table.finish()
    with pytest.raises(errors.DataLossError, match="weights has numbers that uint8 cannot hold"):
        CheckpointV1Reader(str(path)).read("weights")


@pytest.mark.parametrize("name", WRONG)
def test_what_cannot_be_right_is_data_loss_with_file_and_tensor(tmp_path, name):
    path = tmp_path / "model"
    writer = CheckpointV1Writer(str(path))
    writer.add("weights", np.arange(3.0))
    writer.finish()
    values = _values(path)
    key = max(values)
    meta, value = (SavedTensorSlices.FromString(values[each]) for each in (b"", key))
    WRONG[name](meta.meta.tensor[0], value.data)
    with open(path, "wb") as file:
        table = TableWriter(file.write)
        table.add(b"", meta.SerializeToString())
        table.add(key, value.SerializeToString())
        table.finish()
    with pytest.raises(errors.DataLossError, match="model: .*weights"):
        CheckpointV1Reader(str(path)).read("weights")
