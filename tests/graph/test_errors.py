import pickle
import types

import pytest

from reflow.graph import errors
from reflow.graph.export import EXPORTS

# google/rpc/code.proto and TensorFlow's error_codes.proto agree on these.
CLASSES = {
    "CANCELLED": 1, "UNKNOWN": 2, "INVALID_ARGUMENT": 3, "DEADLINE_EXCEEDED": 4, "NOT_FOUND": 5, "ALREADY_EXISTS": 6,
    "PERMISSION_DENIED": 7, "RESOURCE_EXHAUSTED": 8, "FAILED_PRECONDITION": 9, "ABORTED": 10, "OUT_OF_RANGE": 11,
    "UNIMPLEMENTED": 12, "INTERNAL": 13, "UNAVAILABLE": 14, "DATA_LOSS": 15, "UNAUTHENTICATED": 16,
}  # fmt: skip


def _class_name(code_name):
    return "".join(word.capitalize() for word in code_name.split("_")) + "Error"


def _op(name="n", line=7, original=None):
    frame = ("/home/me/model.py", line, "build", "y = tf.log(x)")
    return types.SimpleNamespace(name=name, traceback=[frame], _original_op=original)


@pytest.mark.parametrize(("code_name", "code"), CLASSES.items())
def test_each_code_has_its_class(code_name, code):
    cls = getattr(errors, _class_name(code_name))
    error = cls("node", None, "what happened")
    assert isinstance(error, errors.OpError)
    assert (error.node_def, error.op, error.message, error.error_code) == ("node", None, "what happened", code)
    assert errors.exception_type_from_error_code(code) is cls
    assert errors.error_code_from_exception_type(cls) == code
    assert EXPORTS[f"errors.{code_name}"] == code
    assert EXPORTS[f"errors.{cls.__name__}"] is cls


def test_ok_and_the_base_class_are_public():
    assert EXPORTS["errors.OK"] == 0
    assert EXPORTS["OpError"] is EXPORTS["errors.OpError"] is errors.OpError


def test_codes_and_classes_that_do_not_exist():
    with pytest.raises(KeyError):
        errors.exception_type_from_error_code(99)
    with pytest.warns(UserWarning, match="Unknown class"):
        assert isinstance(errors.error_code_from_exception_type(ValueError), errors.UnknownError)
    with pytest.warns(UserWarning, match="Unknown error code: 99"):
        assert errors.make_error(None, None, "m", 99).error_code == 99


def test_the_text_without_an_operation_is_the_message():
    assert str(errors.NotFoundError(None, None, "no such file")) == "no such file"


def test_the_text_names_where_the_operation_was_made():
    text = str(errors.InvalidArgumentError(None, _op("layer/log"), "bad"))
    assert text == (
        "bad\n\nOriginal stack trace for 'layer/log':\n"
        '  File "/home/me/model.py", line 7, in build\n    y = tf.log(x)\n'
    )


def test_the_text_follows_a_gradient_to_its_original_operation():
    error = errors.InvalidArgumentError(None, _op("grad", 9, original=_op("forward", 3)), "bad")
    assert "...which was originally created as op 'forward', defined at:\n" in str(error)
    assert str(error).index("line 9") < str(error).index("line 3")


def test_a_pickled_error_keeps_its_text():
    error = errors.OutOfRangeError("node", _op(), "the end")
    copy = pickle.loads(pickle.dumps(error))
    assert type(copy) is errors.OutOfRangeError
    assert (str(copy), copy.node_def, copy.message, copy.error_code) == (str(error), "node", "the end", 11)
    assert copy.op is None
    assert str(pickle.loads(pickle.dumps(copy))) == str(error)


class _OwnError(errors.InternalError):
    def __init__(self, hint):
        super().__init__(None, None, hint)
        self.hint = hint


def test_a_subclass_with_its_own_arguments():
    error = _OwnError("h")
    assert error.error_code == errors.INTERNAL
    assert errors.error_code_from_exception_type(errors.InternalError) == errors.INTERNAL


def test_a_status_that_is_not_ok_raises():
    with errors.raise_exception_on_not_ok_status() as status:
        assert status.code == errors.OK
    with (
        pytest.raises(errors.DataLossError, match="truncated"),
        errors.raise_exception_on_not_ok_status() as status,
    ):
        status.set(errors.DATA_LOSS, "truncated")


def test_an_exception_passes_through_an_ok_status():
    with pytest.raises(ZeroDivisionError), errors.raise_exception_on_not_ok_status():
        raise ZeroDivisionError
