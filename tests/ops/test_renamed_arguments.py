"""Arguments under their old and new names."""

import inspect

import pytest

import reflow as tf
from reflow.ops.renamed_arguments import renamed_argument
from reflow.platform import deprecation


def test_either_name_is_taken():
    assert renamed_argument("axis", 1, "dim", None) == 1
    assert renamed_argument("axis", None, "dim", 2) == 2
    assert renamed_argument("axis", None, "dim", None) is None


def test_both_names_at_once_are_an_error():
    with pytest.raises(ValueError, match="Cannot specify both 'dim' and 'axis'"):
        renamed_argument("axis", 1, "dim", 2)


def test_the_old_name_is_noted_once_with_the_line_of_the_program(caplog):
    deprecation._already_noted.clear()
    with tf.Graph().as_default(), caplog.at_level("WARNING", "tensorflow"):
        for _ in range(2):
            tf.squeeze([[1.0]], squeeze_dims=[0])
        line = inspect.currentframe().f_lineno - 1
        tf.squeeze([[1.0]], axis=[0])
    (record,) = caplog.records
    assert record.getMessage() == f"From {__file__}:{line}: the argument 'squeeze_dims' is called 'axis' now."
