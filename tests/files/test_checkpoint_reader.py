import numpy as np
import pytest

import reflow as tf
from reflow.files.checkpoint_reader import NewCheckpointReader, list_variables, load_checkpoint, load_variable
from reflow.files.checkpoint_state import update_checkpoint_state
from reflow.files.tensor_bundle import BundleWriter
from reflow.graph import dtypes, errors


@pytest.mark.parametrize("name", ["v2", "v2_sharded", "v1"])
def test_all_methods(golden, cases, name):
    reader = NewCheckpointReader(str(golden / name))
    assert reader.has_tensor("partitioned")
    assert reader.has_tensor(b"partitioned")
    assert not reader.has_tensor("nothing")
    np.testing.assert_array_equal(reader.get_tensor("partitioned"), cases.partitioned())
    shapes = reader.get_variable_to_shape_map()
    assert shapes["partitioned"] == [6, 4]
    assert shapes["scalar"] == []
    types = reader.get_variable_to_dtype_map()
    assert types.keys() == shapes.keys()
    assert types["strings"] is dtypes.string
    lines = reader.debug_string().decode().splitlines()
    assert len(lines) == len(shapes)
    assert "partitioned (DT_FLOAT) [6,4], 4 slices" in lines
    assert "scalar (DT_INT32) []" in lines


def test_values_have_tensorflows_python_types(golden):
    reader = NewCheckpointReader(golden / "v2")
    scalar = reader.get_tensor("scalar")
    assert isinstance(scalar, np.int32)
    assert scalar == -7
    assert reader.get_tensor("string_scalar") == b"one"
    assert reader.get_tensor("strings").dtype == object
    assert reader.get_tensor("type/qint8").dtype == np.int8
    assert reader.get_tensor("no_strings").shape == (0,)


def test_missing_checkpoints_and_tensors(golden, tmp_path):
    with pytest.raises(errors.NotFoundError, match="Failed to find any matching files for"):
        NewCheckpointReader(str(tmp_path / "nothing"))
    with pytest.raises(errors.NotFoundError, match="Key nothing not found in checkpoint"):
        NewCheckpointReader(str(golden / "v2")).get_tensor("nothing")


def test_the_latest_checkpoint_of_a_folder(tmp_path):
    with pytest.raises(ValueError, match="Couldn't find 'checkpoint' file"):
        load_checkpoint(str(tmp_path))
    for step in (1, 2):
        with BundleWriter(str(tmp_path / f"model-{step}")) as writer:
            writer.add("b", np.full(2, step))
            writer.add("a", np.zeros((3, 1)))
        update_checkpoint_state(str(tmp_path), str(tmp_path / f"model-{step}"))
    assert load_variable(str(tmp_path), "b:0").tolist() == [2, 2]
    assert load_variable(str(tmp_path / "model-1"), "b").tolist() == [1, 1]
    assert list_variables(str(tmp_path)) == [("a", [3, 1]), ("b", [2])]


def test_the_names_that_programs_know_from_the_c_interface(golden):
    reader = tf.pywrap_tensorflow.NewCheckpointReader(str(golden / "v2"))
    assert tf.train.NewCheckpointReader is tf.pywrap_tensorflow.NewCheckpointReader
    assert isinstance(reader, tf.pywrap_tensorflow.CheckpointReader)
