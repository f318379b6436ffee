"""The ops behind savers, by themselves: slices, several tensors of one name, names of shards, wrong arguments."""

import numpy as np
import pytest

import reflow as tf

VALUE = np.arange(12, dtype=np.float32).reshape(3, 4)


@pytest.fixture(autouse=True)
def session():
    with tf.Graph().as_default(), tf.Session() as session:
        yield session


@pytest.fixture
def prefix(tmp_path):
    return str(tmp_path / "saved")


@pytest.mark.parametrize("version", [1, 2])
def test_parts_are_read_as_other_parts(session, prefix, version):
    names, parts, tensors = ["v", "v"], ["3 4 0,2:-", "3 4 2,1:-"], [VALUE[:2], VALUE[2:]]
    if version == 2:
        save = tf.raw_ops.SaveV2(prefix=prefix, tensor_names=names, shape_and_slices=parts, tensors=tensors)
    else:
        save = tf.raw_ops.SaveSlices(filename=prefix, tensor_names=names, shapes_and_slices=parts, data=tensors)
    session.run(save)
    whole, part = tf.raw_ops.RestoreV2(prefix=prefix, tensor_names=names, shape_and_slices=["", "3 4 1,2:0,3"],
                                       dtypes=[tf.float32, tf.float32])  # fmt: skip
    assert (whole.shape.as_list() if whole.shape.ndims else None, part.shape.as_list()) == (None, [2, 3])
    np.testing.assert_array_equal(session.run(whole), VALUE)
    np.testing.assert_array_equal(session.run(part), VALUE[1:, :3])


@pytest.mark.parametrize("slice_spec", ["", "3 4 -:1,2"])
def test_restore_and_restore_slice(session, prefix, slice_spec):
    session.run(tf.raw_ops.Save(filename=prefix, tensor_names=["a", "text"], data=[VALUE, ["x", "y"]]))
    whole = tf.raw_ops.Restore(file_pattern=prefix, tensor_name="text", dt=tf.string)
    assert session.run(whole).tolist() == [b"x", b"y"]
    part = tf.raw_ops.RestoreSlice(file_pattern=prefix, tensor_name="a", shape_and_slice=slice_spec, dt=tf.float32)
    np.testing.assert_array_equal(session.run(part), VALUE[:, 1:3] if slice_spec else VALUE)


def test_names_of_shards(session):
    name = tf.raw_ops.ShardedFilename(basename="a/b", shard=3, num_shards=12)
    pattern = tf.raw_ops.ShardedFilespec(basename="a/b", num_shards=12)
    assert session.run([name, pattern]) == [b"a/b-00003-of-00012", b"a/b-?????-of-00012"]


def test_merging_takes_the_old_folders_away(session, tmp_path):
    for i in range(2):
        part, value = str(tmp_path / "temporary" / f"part-{i}"), VALUE + i
        session.run(tf.raw_ops.SaveV2(prefix=part, tensor_names=[f"v{i}"], shape_and_slices=[""], tensors=[value]))
    parts = [str(tmp_path / "temporary" / f"part-{i}") for i in range(2)]
    merged = str(tmp_path / "merged")
    session.run(tf.raw_ops.MergeV2Checkpoints(checkpoint_prefixes=parts, destination_prefix=merged))
    assert not (tmp_path / "temporary").exists()
    assert tf.train.list_variables(merged) == [("v0", [3, 4]), ("v1", [3, 4])]
    np.testing.assert_array_equal(tf.train.load_variable(merged, "v1"), VALUE + 1)


def test_lengths_that_differ(session, prefix):
    save = tf.raw_ops.SaveV2(prefix=prefix, tensor_names=["a", "b"], shape_and_slices=["", ""], tensors=[VALUE])
    with pytest.raises(tf.errors.InvalidArgumentError):
        session.run(save)


def test_a_slice_outside_of_the_tensor(session, prefix):
    session.run(tf.raw_ops.SaveV2(prefix=prefix, tensor_names=["v"], shape_and_slices=[""], tensors=[VALUE]))
    with pytest.raises((ValueError, tf.errors.OpError)):
        session.run(tf.raw_ops.RestoreV2(prefix=prefix, tensor_names=["v"], shape_and_slices=["3 4 2,5:-"],
                                         dtypes=[tf.float32]))  # fmt: skip
    with pytest.raises(tf.errors.OpError):
        session.run(tf.raw_ops.RestoreV2(prefix=prefix, tensor_names=["v"], shape_and_slices=["3 5 -:-"],
                                         dtypes=[tf.float32]))  # fmt: skip
