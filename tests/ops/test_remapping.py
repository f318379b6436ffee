"""New numbers for rows and columns, and tensors without inputs, against TensorFlow 1.15.5."""

import numpy as np
import pytest

import reflow as tf
from tests.ops.recorded import Recorded

recorded = Recorded("remapping")


@recorded.each_case
def test_as_tensorflow(name):
    recorded.check(name)


def test_column_out_of_bounds():
    """TensorFlow 1.15.5 reads what lies behind the matrix."""
    with tf.Graph().as_default(), tf.Session() as session:
        matrix = tf.raw_ops.LoadAndRemapMatrix(
            ckpt_path=recorded_checkpoint(), old_tensor_name="matrix", row_remapping=[0], col_remapping=[7],
            initializing_values=[], num_rows=1, num_cols=1,
        )  # fmt: skip
        with pytest.raises(tf.errors.InternalError, match="Column 7 is out of bounds"):
            session.run(matrix)


def recorded_checkpoint():
    import remapping_cases

    return remapping_cases.checkpoint(tf)


def test_a_file_of_strings_is_no_tensor(tmp_path):
    """TensorFlow 1.15.5 takes the bytes for string objects and is gone."""
    path = tmp_path / "region"
    path.write_bytes(bytes(64))
    with tf.Graph().as_default(), tf.Session() as session, pytest.raises(tf.errors.UnimplementedError):
        session.run(tf.raw_ops.ImmutableConst(dtype=tf.string, shape=[1], memory_region_name=str(path)))


def test_the_file_of_an_immutable_tensor_is_left_alone(tmp_path):
    path = tmp_path / "region"
    path.write_bytes(np.float32([1, 2]).tobytes())
    with tf.Graph().as_default(), tf.Session() as session:
        value = session.run(tf.raw_ops.ImmutableConst(dtype=tf.float32, shape=[2], memory_region_name=str(path)))
        value += 1
    assert np.frombuffer(path.read_bytes(), np.float32).tolist() == [1, 2]


def test_the_example_of_a_user():
    with tf.Graph().as_default(), tf.Session() as session:
        assert session.run(tf.user_ops.my_fact()) == b"0! == 1"
