"""printing against TensorFlow 1.15.5."""

import sys

import reflow as tf
from tests.ops.recorded import Recorded

recorded = Recorded("printing")


@recorded.each_case
def test_as_tensorflow(name):
    recorded.check(name)


def _run(make):
    with tf.Graph().as_default(), tf.Session() as session:
        return session.run(make())


def test_old_print_writes_to_standard_error_as_often_as_asked(capsys):
    with tf.Graph().as_default(), tf.Session() as session:
        x = tf.Print(tf.constant([1.5, 2, 3, 4]), [[1, 2], "a b"], "here: ", first_n=2, summarize=1)
        for _ in range(3):
            session.run(x)
    assert capsys.readouterr().err == "here: [1...][a b]\n" * 2


def test_print_writes_structures(capsys):
    _run(lambda: tf.print("x", {"k": tf.constant([1, 2])}, (3, "b"), sep="; ", output_stream=sys.stdout, end="!"))
    assert capsys.readouterr().out == "x; {'k': [1 2]}; (3, 'b')!"


def test_print_to_a_file_appends(tmp_path):
    path = tmp_path / "log"
    for text in ("a", "b"):
        _run(lambda text=text: tf.print(text, output_stream=f"file://{path}"))
    assert path.read_text() == "a\nb\n"


def test_complex_numbers_are_shown():
    assert _run(lambda: tf.strings.format("{}", tf.constant([1 + 2j, 0.5j]))) == b"[(1,2) (0,0.5)]"
