"""tf.test.TestCase: its comparisons pass and fail as they should, and its sessions are those of the test."""

import sys

import numpy as np
import pytest

import reflow as tf


class _Case(tf.test.TestCase):
    def runTest(self):
        pass


@pytest.fixture
def case():
    each = _Case()
    each.setUp()
    yield each
    each.tearDown()
    each.doCleanups()


PASSING = {
    "assertAllEqual": ([[1, 2]], np.array([[1, 2]])), "assertAllClose": ([1.0, 2.0], [1.0, 2.0 + 1e-7]),
    "assertNear": (1.0, 1.05, 0.1), "assertArrayNear": ([1.0], [1.05], 0.1), "assertNotAllClose": ([1.0], [1.1]),
    "assertNDArrayNear": (np.ones(2), np.ones(2) + 0.01, 0.1), "assertNotAllEqual": ([1, 2], [1, 3]),
    "assertAllGreater": ([2, 3], 1), "assertAllLess": ([2, 3], 4), "assertAllGreaterEqual": ([2, 3], 2),
    "assertAllLessEqual": ([2, 3], 3), "assertAllInRange": ([1, 2], 1, 2), "assertAllInSet": ([1, 2, 1], {1, 2}),
    "assertEmpty": ([],), "assertDTypeEqual": (np.zeros(1, np.int8), np.int8), "assertStartsWith": ("abc", "ab"),
    "assertDeviceEqual": ("/job:a/cpu:0", "/job:a/device:CPU:0"),
    "assertAllCloseAccordingToType": (np.float16([1]), np.float16([1.0009])),
    "assertProtoEquals": ("name: 'a'", tf.NodeDef(name="a")),
}  # fmt: skip
FAILING = {
    "assertAllEqual": ([[1, 2]], [1, 2]), "assertAllClose": ([1.0], [1.001]), "assertNear": (1.0, 1.2, 0.1),
    "assertArrayNear": ([1.0], [1.2], 0.1), "assertNotAllClose": ([1.0], [1.0]), "assertNotAllEqual": ([1], [1]),
    "assertNDArrayNear": (np.ones(2), np.ones(2) + 1, 0.1), "assertAllGreater": ([1, 3], 1),
    "assertAllLess": ([2, 4], 4), "assertAllGreaterEqual": ([1, 3], 2), "assertAllLessEqual": ([2, 4], 3),
    "assertAllInRange": ([1, 3], 1, 2), "assertAllInSet": ([1, 5], {1, 2}), "assertEmpty": ([1],),
    "assertDTypeEqual": (np.zeros(1, np.int8), np.int16), "assertStartsWith": ("abc", "b"),
    "assertDeviceEqual": ("/cpu:0", "/cpu:1"), "assertProtoEquals": ("name: 'b'", tf.NodeDef(name="a")),
    "assertAllCloseAccordingToType": (np.float32([1]), np.float32([1.0009])),
}  # fmt: skip


@pytest.mark.parametrize("name", PASSING)
def test_comparisons_that_pass(case, name):
    getattr(case, name)(*PASSING[name])


@pytest.mark.parametrize("name", FAILING)
def test_comparisons_that_fail(case, name):
    with pytest.raises(AssertionError):
        getattr(case, name)(*FAILING[name])


def test_structures_and_special_numbers(case):
    case.assertAllClose({"a": [1.0], "b": 2.0}, {"a": [1.0], "b": 2.0 + 1e-8})
    case.assertAllEqual([np.nan, 1.0], [np.nan, 1.0])
    case.assertAllEqual([b"a", "b"], ["a", b"b"])
    with pytest.raises(AssertionError, match="at key 'a'"):
        case.assertAllClose({"a": [1.0]}, {"a": [2.0]})
    with pytest.raises(AssertionError):
        case.assertAllInRange([1.0, np.nan], 0, 2)


def test_tensors_are_evaluated_in_the_session_of_the_test(case):
    with case.cached_session() as session:
        v = tf.Variable([1.0, 2.0])
        session.run(v.initializer)
        case.assertAllEqual(v, [1, 2])
        case.assertAllClose(v * 2.0, [2, 4])
        case.assertShapeEqual(np.zeros(2), v * 2.0)
        assert case.evaluate({"x": v})["x"].tolist() == [1, 2]
    with case.cached_session() as again:
        assert again is session
        case.assertAllEqual(v, [1, 2])
    with case.session() as other:
        assert other is not session


def test_each_test_begins_with_an_empty_graph(case):
    tf.constant(1)
    case.setUp()
    assert tf.get_default_graph().get_operations() == []
    assert tf.get_default_graph().seed is not None


def test_errors_are_matched(case):
    with case.test_session():
        x = tf.placeholder(tf.float32, [], name="x")
        with case.assertRaisesOpError("must feed a value for placeholder tensor 'x'"):
            case.evaluate(x)
        with case.assertRaisesWithPredicateMatch(tf.errors.InvalidArgumentError, lambda e: e.op is x.op):
            case.evaluate(x)
    with pytest.raises(AssertionError, match="does not match"), case.assertRaisesOpError("something else"):
        raise tf.errors.InternalError(None, None, "this")
    with pytest.raises(AssertionError, match="not raised"), case.assertRaisesOpError("anything"):
        pass


def test_folders_and_threads(case, capfd):
    folder = case.get_temp_dir()
    assert folder == case.get_temp_dir()
    thread = case.checkedThread(lambda: 1 / 0)
    thread.start()
    with pytest.raises(AssertionError, match="division by zero"):
        thread.join()
    with capfd.disabled(), case.captureWritesToStream(sys.__stderr__) as written:
        print("to the stream", file=sys.__stderr__)
        assert written.contents() == "to the stream\n"


def test_graph_defs_are_compared(case):
    with tf.Graph().as_default() as graph:
        tf.constant(1, name="a")
    definition = graph.as_graph_def()
    tf.test.assert_equal_graph_def(definition, definition)
    with tf.Graph().as_default() as other:
        tf.constant(2, name="a")
    with pytest.raises(AssertionError, match="Node 'a' differs"):
        tf.test.assert_equal_graph_def(other.as_graph_def(), definition)
    with pytest.raises(AssertionError, match="missing: \\['a'\\]"):
        tf.test.assert_equal_graph_def(tf.GraphDef(), definition)
    with pytest.raises(TypeError, match="Expected tf.GraphDef"):
        tf.test.assert_equal_graph_def("nonsense", definition)
