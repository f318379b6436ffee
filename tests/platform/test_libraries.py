"""tf.load_library and its like refuse what was compiled for TensorFlow."""

import pytest

import reflow as tf


@pytest.mark.parametrize("load", [tf.load_op_library, tf.load_file_system_library])
def test_a_library_that_is_not_there(load, tmp_path):
    with pytest.raises(tf.errors.NotFoundError, match="cannot open shared object file: No such file or directory"):
        load(str(tmp_path / "ops.so"))


@pytest.mark.parametrize("load", [tf.load_op_library, tf.load_file_system_library, tf.load_library])
def test_a_library_of_tensorflow(load, tmp_path):
    path = tmp_path / "ops.so"
    path.write_bytes(b"\x7fELF")
    with pytest.raises(tf.errors.NotFoundError, match="ops.so was built for TensorFlow.*define_op"):
        load(path)


def test_folders(tmp_path):
    with pytest.raises(FileNotFoundError, match="The file or folder to load kernel libraries from does not exist"):
        tf.load_library(str(tmp_path / "none"))
    (tmp_path / "README").write_text("No libraries here.")
    assert tf.load_library(str(tmp_path)) is None
    (tmp_path / "kernels.so").write_bytes(b"")
    with pytest.raises(tf.errors.NotFoundError, match="kernels.so"):
        tf.load_library(tmp_path)
