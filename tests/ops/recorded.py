"""Compares Reflow with what tests/goldens recorded from TensorFlow 1.15.5: the cases of one family, one test a case.

    recorded = Recorded("matmul")

    @recorded.each_case
    def test_as_tensorflow(name):
        recorded.check(name)
"""

import importlib
import pathlib
import re
import sys

import numpy as np
import pytest

GOLDENS = pathlib.Path(__file__).parents[1] / "goldens"
# Relative to the greatest number of a result: sums in another order differ by a few units in the last place.
TOLERANCES = {
    "float16": 3e-3, "bfloat16": 2e-2, "float32": 2e-5, "float64": 1e-10, "complex64": 2e-5, "complex128": 1e-10,
}  # fmt: skip


def _import_from_goldens(module):
    if str(GOLDENS) not in sys.path:
        sys.path.append(str(GOLDENS))
    return importlib.import_module(module)


class Recorded:
    """The cases of one family with their recorded outcomes.

    Args:
      family: the name of `<family>_cases.py` and `<family>.json.gz` in tests/goldens.
      tolerances: those that differ from `TOLERANCES`, by type.
    """

    def __init__(self, family, **tolerances):
        self.recording = _import_from_goldens("op_recording")
        self.cases = _import_from_goldens(f"{family}_cases")
        self.functions = self.cases.case.functions
        self.outcomes = self.recording.read(family)
        self.tolerances = {**TOLERANCES, **tolerances}
        self.each_case = pytest.mark.parametrize("name", list(self.functions))

    def check(self, name):
        """Run the case under Reflow; fail unless its outcome is the recorded one."""
        import reflow as tf

        expected = self.outcomes[name]
        actual = self.recording.outcome(tf, name, self.functions[name])
        if "error" in expected or "error" in actual:
            assert actual.get("error") == expected.get("error"), actual.get("message")
            return
        if expected["nodes"] is not None:
            assert sorted(map(_short_floats, actual["nodes"])) == sorted(map(_short_floats, expected["nodes"]))
        assert actual["dtypes"] == expected["dtypes"]
        assert actual["shapes"] == expected["shapes"]
        assert actual["none_gradients"] == expected["none_gradients"]
        for i, (dtype, ours, theirs) in enumerate(
            zip(expected["dtypes"], actual["values"], expected["values"], strict=True)
        ):
            self._check_value(f"{name}: value {i}", dtype, ours, theirs)

    def _check_value(self, what, dtype, ours, theirs):
        assert ours.shape == theirs.shape, what
        tolerance = self.tolerances.get(dtype)
        if tolerance is None:
            np.testing.assert_array_equal(ours, theirs, err_msg=what)
            return
        ours, theirs = (v.astype("complex128" if "complex" in dtype else "float64") for v in (ours, theirs))
        finite = np.abs(theirs[np.isfinite(theirs)])
        scale = max(finite.max(initial=0), 1e-6)
        np.testing.assert_allclose(ours, theirs, rtol=tolerance, atol=tolerance * scale, err_msg=what)


def _short_floats(line):
    """A node's text with its float attrs in six digits: protobuf prints 0.2 in more of them in its old versions."""
    return re.sub(r"\bf: ([^\s},]+)", lambda match: f"f: {float(match[1]):.6g}", line)
