"""One-time notes about what is out of date."""

import numpy as np
import pytest

from reflow.platform import deprecation, logging


@pytest.fixture(autouse=True)
def notes(monkeypatch):
    """The notes of one test."""
    texts = []
    monkeypatch.setattr(deprecation, "_already_noted", set())
    monkeypatch.setattr(logging, "warning", lambda msg, *args: texts.append(msg % args))
    return texts


def test_a_function_is_noted_once_with_the_users_line(notes):
    @deprecation.deprecated("2020-01-02", "Use g.")
    def f(x):
        """Doc."""
        return x

    assert [f(1), f(2)] == [1, 2]
    assert f.__doc__ == "Doc."
    (note,) = notes
    assert note.startswith(f"From {__file__}:")
    assert "f (from " in note
    assert note.endswith("is deprecated and will be removed after 2020-01-02.\nInstructions for updating:\nUse g.")


def test_every_call_is_noted_if_asked(notes):
    f = deprecation.deprecated(None, "Use g.", warn_once=False)(lambda: 1)
    f(), f()
    assert len(notes) == 2
    assert "in a future version" in notes[0]


def test_programs_silence_the_notes(notes, monkeypatch):
    f = deprecation.deprecated(None, "Use g.")(lambda: 1)
    with deprecation.silence():
        f()
    monkeypatch.setattr(deprecation, "_PRINT_DEPRECATION_WARNINGS", False)
    f()
    assert notes == []


@pytest.mark.parametrize(("date", "instructions"), [("tomorrow", "Use g."), (None, "")])
def test_malformed_notes_are_refused(date, instructions):
    with pytest.raises(ValueError, match="Date must be|conversion instructions"):
        deprecation.deprecated(date, instructions)


def test_arguments_are_noted_when_given(notes):
    @deprecation.deprecated_args(None, "Leave it out.", "old", ("mode", "fine"))
    def f(x, old=None, mode=None):
        return x

    f(1), f(1, mode="fine"), f(1, mode=np.zeros(2)), f(1, 2)
    assert ["with mode is" in note or "with old is" in note for note in notes] == [True, True]
    assert "calling" in notes[0]
    with pytest.raises(ValueError, match=r"not present in the function signature: \['none'\]"):
        deprecation.deprecated_args(None, "x", "none")(f)
    with pytest.raises(ValueError, match="which argument"):
        deprecation.deprecated_args(None, "x")
    with pytest.raises(ValueError, match="Illegal argument"):
        deprecation.deprecated_args(None, "x", "a", other=1)


def test_argument_values_are_noted_when_given_or_default(notes):
    f = deprecation.deprecated_arg_values(None, "Say True.", flag=False)(lambda flag=False: flag)
    f(True)
    assert notes == []
    f()
    assert "with flag=False is deprecated" in notes[0]
    with pytest.raises(ValueError, match="which argument values"):
        deprecation.deprecated_arg_values(None, "x")


def test_aliases_of_functions_and_classes(notes):
    class New:
        def __init__(self, x):
            self.x = x

    old = deprecation.deprecated_alias("tf.Old", "tf.New", New)
    assert isinstance(old(3), New)
    assert old(4).x == 4
    f = deprecation.deprecated_alias("tf.f", "tf.g", lambda x: x)
    assert f(5) == 5
    assert [note.partition("The name ")[2] for note in notes] == [
        "tf.Old is deprecated. Please use tf.New instead.\n",
        "tf.f is deprecated. Please use tf.g instead.\n",
    ]


def test_old_and_new_argument_names():
    assert deprecation.deprecated_argument_lookup("new", 1, "old", None) == 1
    assert deprecation.deprecated_argument_lookup("new", None, "old", 2) == 2
    with pytest.raises(ValueError, match="Cannot specify both 'old' and 'new'"):
        deprecation.deprecated_argument_lookup("new", 1, "old", 2)
    assert deprecation.rewrite_argument_docstring("`a` a: x", "a", "b") == "`b` b: x"


def test_endpoints_are_only_listed(notes):
    f = deprecation.deprecated_endpoints("old.name")(lambda: 1)
    assert (f(), f._tf_deprecated_api_names, notes) == (1, ("old.name",), [])
