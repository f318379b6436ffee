"""Two outcomes compared: the first difference in words, or None."""

import pathlib
import sys
import warnings

import numpy as np

from tests.differential.array_codec import decode, encode

sys.path.append(str(pathlib.Path(__file__).parent))

TOLERANCES = {
    "float16": 4e-3, "bfloat16": 3e-2, "float32": 2e-5, "float64": 1e-10, "complex64": 2e-5, "complex128": 1e-10,
}  # fmt: skip


def reflow_outcome(request, device="/device:CPU:0"):
    """The outcome of an example under Reflow, on a device."""
    from example_outcome import outcome

    import reflow as tf

    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        return outcome(tf, request, device)


# How TensorFlow says that it has no kernel for the types of a node.
_NO_KERNEL = ("No OpKernel", "Cannot assign a device", "Could not find valid device",
              "Could not satisfy explicit device", "unsupported by", "type is not supported",
              "No WhereOp available", "Unsupported data type")  # fmt: skip


def is_comparable(expected):
    """Whether TensorFlow's outcome says anything: it did not crash, and has a kernel for the types."""
    return "crash" not in expected and not _lacks_kernel(expected)


def _lacks_kernel(outcome):
    message = outcome.get("message", "")
    return any(words in message for words in _NO_KERNEL)


def difference(entry, expected, actual):
    """What differs between TensorFlow's outcome and Reflow's, in words; None if they are alike."""
    if "error" in expected or "error" in actual:
        return _other_failure(expected, actual)
    if actual["dtypes"] != expected["dtypes"]:
        return f"dtypes {actual['dtypes']} should be {expected['dtypes']}"
    if entry.static_shapes and actual["shapes"] != expected["shapes"]:
        return f"static shapes {actual['shapes']} should be {expected['shapes']}"
    for what in ("values", "after"):
        ours, theirs = actual[what], expected[what]
        if entry.derived and what == "values":
            ours, theirs = _derived(entry, ours), _derived(entry, theirs)
        for i, pair in enumerate(zip(ours, theirs, strict=True)):
            found = _other_array(entry, *pair)
            if found:
                return f"{what}[{i}]: {found}"
    if entry.gradient is True or entry.gradient and actual["dtypes"][0] in entry.gradient:
        return _other_gradients(entry, expected["gradients"], actual["gradients"])
    return None


def _derived(entry, values):
    """What the table makes of the values of an op whose own are not determined."""
    return [encode(array) for array in entry.derived(*map(decode, values))]


def _other_failure(expected, actual):
    ours, theirs = actual.get("error"), expected.get("error")
    if ours == theirs:
        return None
    return f"{_failure(actual)} should be {_failure(expected)}"


def _failure(outcome):
    return f"{outcome['error']} ({outcome['message']})" if "error" in outcome else "success"


def _other_gradients(entry, expected, actual):
    if isinstance(expected, dict) or isinstance(actual, dict):
        if isinstance(expected, dict) and (_lacks_kernel(expected) or "No gradient" in expected["message"]):
            return None
        found = _other_failure(expected if isinstance(expected, dict) else {"gradients": expected},
                               actual if isinstance(actual, dict) else {"gradients": actual})  # fmt: skip
        return found and f"gradients: {found}"
    for i, (ours, theirs) in enumerate(zip(actual or [], expected or [], strict=True)):
        if (ours is None) != (theirs is None):
            return f"gradient {i}: {ours} should be {theirs}"
        found = ours and _other_array(entry, ours, theirs)
        if found:
            return f"gradient {i}: {found}"
    return None


def _other_array(entry, ours, theirs):
    if ours is None or theirs is None:
        return None if ours is theirs else "one is a handle, one is not"
    if ours["dtype"] != theirs["dtype"]:
        return f"dtype {ours['dtype']} should be {theirs['dtype']}"
    tolerance = {**TOLERANCES, **entry.tolerances}.get(ours["dtype"])
    ours, theirs = decode(ours), decode(theirs)
    if ours.shape != theirs.shape:
        return f"shape {ours.shape} should be {theirs.shape}"
    if np.array_equal(ours, theirs) or tolerance is not None and _close(ours, theirs, tolerance, entry.scaled):
        return None
    return f"{ours.tolist()} should be {theirs.tolist()}"


def _close(ours, theirs, tolerance, scaled):
    kind = "complex128" if ours.dtype.kind == "c" else "float64"
    ours, theirs = ours.astype(kind), theirs.astype(kind)
    finite = np.abs(theirs[np.isfinite(theirs)])
    scale = finite.max(initial=0)
    return np.allclose(ours, theirs, tolerance, tolerance * (scale if scaled else 0.1), equal_nan=True)
