"""tf.test.TestCase: unit tests with sessions and comparisons of arrays."""

import contextlib
import os
import random
import shutil
import tempfile
import unittest
from unittest import mock

import numpy as np

from reflow.engine.fetches import IndexedSlicesValue
from reflow.engine.session import Session
from reflow.graph import errors
from reflow.graph.export import export, export_value
from reflow.graph.graph import get_default_graph, reset_default_graph
from reflow.graph.operation import Operation, Tensor
from reflow.testing.benchmark import benchmarks_asked_for, run_benchmarks

export_value("test.mock", mock)
_SEED = 87654321


@export("test.get_temp_dir")
def get_temp_dir():
    """A folder for what tests write: $TEST_TMPDIR, or one of the process's own."""
    given = os.environ.get("TEST_TMPDIR")
    if given:
        os.makedirs(given, exist_ok=True)
        return given
    global _temp_dir
    if _temp_dir is None:
        _temp_dir = tempfile.mkdtemp(prefix="reflow_test_")
    return _temp_dir


_temp_dir: str | None = None


@export("test.test_src_dir_path")
def test_src_dir_path(relative_path):
    """The absolute path of a file beside the tests.

    Args:
      relative_path: a path relative to the working directory.
    """
    return os.path.join(os.environ.get("TEST_SRCDIR", os.getcwd()), relative_path)


@export("test.main")
def main(argv=None):
    """Run the tests of the program, as unittest.main does, or for `--benchmarks=REGEX` its benchmarks.

    Args:
      argv: the program's arguments; those of the process if None.
    """
    regex = benchmarks_asked_for(argv)
    if regex is None:
        unittest.main(argv=argv)
    else:
        run_benchmarks(regex)


@export("test.assert_equal_graph_def")
def assert_equal_graph_def(actual, expected, checkpoint_v2=False, hash_table_shared_name=False):
    """Check that two GraphDefs have equal nodes, in any order.

    Args:
      actual, expected: GraphDef protos.
      checkpoint_v2, hash_table_shared_name: accepted.

    Raises:
      AssertionError: if a node is missing, too many, or different.
      TypeError: if an argument is no GraphDef.
    """
    for graph_def in (actual, expected):
        if type(graph_def).__name__ != "GraphDef":
            raise TypeError(f"Expected tf.GraphDef, got {type(graph_def).__name__}")
    have, want = ({n.name: n for n in g.node} for g in (actual, expected))
    missing, extra = sorted(want.keys() - have.keys()), sorted(have.keys() - want.keys())
    if missing or extra:
        raise AssertionError(f"nodes missing: {missing}; nodes that were not expected: {extra}")
    for name, node in want.items():
        if have[name] != node:
            raise AssertionError(f"Node {name!r} differs: expected\n{node}\nbut got\n{have[name]}")


@export("test.TestCase")
class TestCase(unittest.TestCase):
    """A unittest.TestCase with sessions and comparisons of arrays. Each test begins with an empty default graph.

    Args:
      methodName: the method to run.
    """

    def __init__(self, methodName="runTest"):
        super().__init__(methodName)
        self._tempdir = None
        self._cached_session = None

    def setUp(self):
        """Seed the generators and reset the default graph."""
        random.seed(_SEED)
        np.random.seed(_SEED)
        reset_default_graph()
        get_default_graph().seed = _SEED

    def tearDown(self):
        """Close the cached session."""
        self._clear_cached_session()

    def _clear_cached_session(self):
        if self._cached_session is not None:
            self._cached_session.close()
            self._cached_session = None

    def get_temp_dir(self):
        """A folder of this test's own, empty when first asked for."""
        if self._tempdir is None:
            os.makedirs(get_temp_dir(), exist_ok=True)
            self._tempdir = tempfile.mkdtemp(dir=get_temp_dir())
            self.addCleanup(shutil.rmtree, self._tempdir, ignore_errors=True)
        return self._tempdir

    @contextlib.contextmanager
    def session(self, graph=None, config=None, use_gpu=False, force_gpu=False):
        """A new session as default, closed at the end of the block."""
        with Session(graph=graph, config=config) as session:
            yield session

    @contextlib.contextmanager
    def cached_session(self, graph=None, config=None, use_gpu=False, force_gpu=False):
        """The session that all calls in one test share, as default."""
        if self._cached_session is None:
            self._cached_session = Session(graph=graph, config=config)
        session = self._cached_session
        with session.graph.as_default(), session.as_default():
            yield session

    @contextlib.contextmanager
    def test_session(self, graph=None, config=None, use_gpu=False, force_gpu=False):
        """`cached_session` without a graph, `session` with one."""
        make = self.cached_session if graph is None else self.session
        with make(graph, config) as session:
            yield session

    def evaluate(self, tensors):
        """The values of tensors in the default session."""
        from reflow.graph.default import get_default_session

        session = get_default_session()
        if session is not None:
            return session.run(tensors)
        with self.test_session() as session:
            return session.run(tensors)

    # --- comparisons ----------------------------------------------------------------------------------------------

    def _array(self, value):
        if isinstance(value, (Tensor, Operation)) or hasattr(value, "_as_graph_element"):
            value = self.evaluate(value)
        return value if isinstance(value, np.ndarray) else np.array(value)

    def assertNear(self, f1, f2, err, msg=None):
        """|f1 - f2| <= err."""
        self.assertTrue(f1 == f2 or np.fabs(f1 - f2) <= err, f"{f1} != {f2} +/- {err}: {msg or ''}")

    def assertArrayNear(self, farray1, farray2, err, msg=None):
        """Two sequences of numbers, near element by element."""
        self.assertEqual(len(farray1), len(farray2), msg=msg)
        for a, b in zip(farray1, farray2, strict=True):
            self.assertNear(float(a), float(b), err, msg=msg)

    def assertNDArrayNear(self, ndarray1, ndarray2, err, msg=None):
        """The norm of the difference of two arrays is less than err."""
        difference = np.linalg.norm(np.subtract(ndarray1, ndarray2))
        self.assertTrue(difference < err, msg)

    def assertShapeEqual(self, np_array, tf_tensor, msg=None):
        """An array has a tensor's static shape."""
        self.assertEqual(np_array.shape, tuple(tf_tensor.get_shape().as_list()), msg=msg)

    def assertAllEqual(self, a, b, msg=None):
        """Two arrays have equal shapes and elements (NaN equals NaN)."""
        a, b = self._array(a), self._array(b)
        self.assertEqual(a.shape, b.shape, f"Shape mismatch: expected {a.shape}, got {b.shape}. {msg or ''}")
        np.testing.assert_array_equal(_as_text(a), _as_text(b), err_msg=msg or "")

    def assertNotAllEqual(self, a, b, msg=None):
        """Two arrays differ somewhere."""
        try:
            self.assertAllEqual(a, b)
        except AssertionError:
            return
        raise AssertionError(f"The two values are equal at all elements. {msg or ''}")

    def assertAllClose(self, a, b, rtol=1e-6, atol=1e-6, msg=None):
        """Two structures of arrays have equal shapes and |a - b| <= atol + rtol |b|."""
        if isinstance(a, dict) or isinstance(b, dict):
            self.assertEqual(set(a), set(b), msg)
            for key in a:
                self.assertAllClose(a[key], b[key], rtol, atol, f"{msg or ''} at key {key!r}")
            return
        if isinstance(a, (list, tuple)) and _is_ragged(a):
            self.assertEqual(len(a), len(b), msg)
            for x, y in zip(a, b, strict=True):
                self.assertAllClose(x, y, rtol, atol, msg)
            return
        a, b = self._array(a), self._array(b)
        self.assertEqual(a.shape, b.shape, f"Shape mismatch: expected {a.shape}, got {b.shape}. {msg or ''}")
        np.testing.assert_allclose(a, b, rtol=rtol, atol=atol, err_msg=msg or "")

    def assertAllCloseAccordingToType(self, a, b, rtol=1e-6, atol=1e-6, float_rtol=1e-6, float_atol=1e-6,
                                      half_rtol=1e-3, half_atol=1e-3, bfloat16_rtol=1e-2, bfloat16_atol=1e-2,
                                      msg=None):  # fmt: skip
        """`assertAllClose` with the tolerances of the narrower of the two types."""
        a, b = self._array(a), self._array(b)
        names = {a.dtype.name, b.dtype.name}
        if names & {"float32", "complex64"}:
            rtol, atol = max(rtol, float_rtol), max(atol, float_atol)
        if "float16" in names:
            rtol, atol = max(rtol, half_rtol), max(atol, half_atol)
        if "bfloat16" in names:
            rtol, atol = max(rtol, bfloat16_rtol), max(atol, bfloat16_atol)
        self.assertAllClose(a.astype(np.float64) if "bfloat16" in names else a,
                            b.astype(np.float64) if "bfloat16" in names else b, rtol, atol, msg)  # fmt: skip

    def assertNotAllClose(self, a, b, **kwargs):
        """Two structures differ somewhere by more than the tolerances."""
        try:
            self.assertAllClose(a, b, **kwargs)
        except AssertionError:
            return
        raise AssertionError("The two values are close at all elements.")

    def assertAllGreater(self, a, comparison_target):
        """Every element is greater."""
        self.assertGreater(np.min(self._array(a)), comparison_target)

    def assertAllLess(self, a, comparison_target):
        """Every element is less."""
        self.assertLess(np.max(self._array(a)), comparison_target)

    def assertAllGreaterEqual(self, a, comparison_target):
        """Every element is greater or equal."""
        self.assertGreaterEqual(np.min(self._array(a)), comparison_target)

    def assertAllLessEqual(self, a, comparison_target):
        """Every element is less or equal."""
        self.assertLessEqual(np.max(self._array(a)), comparison_target)

    def assertAllInRange(self, target, lower_bound, upper_bound, open_lower_bound=False,
                         open_upper_bound=False):  # fmt: skip
        """Every element lies between the bounds."""
        target = self._array(target)
        below = target <= lower_bound if open_lower_bound else target < lower_bound
        above = target >= upper_bound if open_upper_bound else target > upper_bound
        self.assertFalse((below | above | np.isnan(target)).any(), "elements out of range")

    def assertAllInSet(self, target, expected_set):
        """Every element is in the set."""
        self.assertEqual([], sorted(set(self._array(target).ravel().tolist()) - set(expected_set)))

    def assertEmpty(self, container, msg=None):
        """A container has nothing in it."""
        self.assertEqual(0, len(container), msg)

    def assertDTypeEqual(self, target, expected_dtype):
        """A value has a type."""
        self.assertEqual(self._array(target).dtype, np.dtype(expected_dtype))

    def assertProtoEquals(self, expected_message_maybe_ascii, message, msg=None):
        """A proto equals another, or the one that a text proto spells."""
        expected = expected_message_maybe_ascii
        if isinstance(expected, str):
            from google.protobuf import text_format

            expected = text_format.Parse(expected, type(message)())
        self.assertEqual(expected, message, msg)

    def assertProtoEqualsVersion(self, expected, actual, producer=None, min_consumer=None, bad_consumers=None,
                                 msg=None):  # fmt: skip
        """`assertProtoEquals`, given the versions of a GraphDef."""
        versions = f"producer: {actual.versions.producer} min_consumer: {actual.versions.min_consumer}"
        self.assertProtoEquals(f"versions {{ {versions} }};\n{expected}", actual, msg)

    def assertStartsWith(self, actual, expected_start, msg=None):
        """A string starts with another."""
        self.assertTrue(actual.startswith(expected_start), msg or f"{actual!r} does not start with {expected_start!r}")

    def assertDeviceEqual(self, device1, device2, msg=None):
        """Two device strings mean the same device."""
        from reflow.graph.device import canonical_name

        self.assertEqual(canonical_name(device1), canonical_name(device2), msg)

    @contextlib.contextmanager
    def assertRaisesWithPredicateMatch(self, exception_type, expected_err_re_or_predicate):
        """The block raises an exception whose message matches a regex, or of which a predicate is true."""
        import re

        predicate = expected_err_re_or_predicate
        if not callable(predicate):

            def predicate(error):
                text = error.message if isinstance(error, errors.OpError) else str(error)
                return re.search(expected_err_re_or_predicate, text)

        try:
            yield
        except exception_type as error:
            if not predicate(error):
                raise AssertionError(f"Exception of type {type(error)}: {error} does not match") from error
            return
        self.fail(f"{exception_type.__name__} not raised")

    def assertRaisesOpError(self, expected_err_re_or_predicate):
        """The block raises an OpError whose message matches."""
        return self.assertRaisesWithPredicateMatch(errors.OpError, expected_err_re_or_predicate)

    @contextlib.contextmanager
    def captureWritesToStream(self, stream):
        """What the block writes to a stream (sys.stdout or sys.stderr), as an object with `contents()`."""
        descriptor = stream.fileno()
        saved = os.dup(descriptor)
        with tempfile.TemporaryFile() as captured:
            stream.flush()
            os.dup2(captured.fileno(), descriptor)
            try:
                yield _Captured(captured)
            finally:
                stream.flush()
                os.dup2(saved, descriptor)
                os.close(saved)

    def checkedThread(self, target, args=None, kwargs=None):
        """A thread whose failure makes `join` fail."""
        return _CheckedThread(self, target, args, kwargs)


class _Captured:
    def __init__(self, file):
        self._file = file

    def contents(self):
        """What was written so far, as text."""
        self._file.seek(0)
        return self._file.read().decode()


class _CheckedThread:
    def __init__(self, test_case, target, args=None, kwargs=None):
        import threading

        self._test_case = test_case
        self._target, self._args, self._kwargs = target, args or (), kwargs or {}
        self._failure = None
        self._thread = threading.Thread(target=self._run, daemon=True)

    def _run(self):
        try:
            self._target(*self._args, **self._kwargs)
        except Exception as error:
            self._failure = error

    def start(self):
        """Start the thread."""
        self._thread.start()

    def join(self):
        """Wait for the thread; fails the test if it raised."""
        self._thread.join()
        if self._failure is not None:
            self._test_case.fail(f"Error in checkedThread: {self._failure}")

    def is_alive(self):
        """True while it runs."""
        return self._thread.is_alive()


def _as_text(array):
    """Strings as str, so that b"a" and "a" compare equal."""
    if array.dtype.kind not in "OS":
        return array
    return np.vectorize(lambda x: x.decode(errors="replace") if isinstance(x, bytes) else x, otypes=[object])(array)


def _is_ragged(values) -> bool:
    shapes = {np.shape(v) for v in values if not isinstance(v, (dict, Tensor))}
    return len(shapes) > 1 or any(isinstance(v, (dict, tuple, IndexedSlicesValue)) for v in values)
