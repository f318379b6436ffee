"""What programs of TensorFlow 1.x use of NumPy, and NumPy has given up since.

Names such as `np.float`, `np.int` and `np.product` went away with NumPy 1.24 and 2.0, and since 2.0 numbers inside of
lists are printed as `np.float32(0.5)`. `reflow run` and the alias distribution bring them back for the whole process:
they are for programs that shall run as they are. `reflow.install()` leaves NumPy alone.
"""

import numpy as np

# Aliases of Python's own types, deprecated in NumPy 1.20. (`np.bool` and `np.long` are back, for NumPy's types.)
_BUILTINS = {"complex": complex, "float": float, "int": int, "object": object, "str": str, "unicode": str}
# Other spellings of what is still there: what went away, and what it was.
_RENAMED = {
    "Inf": "inf", "Infinity": "inf", "NAN": "nan", "NaN": "nan", "alltrue": "all", "bool8": "bool_",
    "complex_": "complex128", "cumproduct": "cumprod", "float_": "float64", "infty": "inf",
    "mat": "asmatrix", "object0": "object_", "product": "prod", "round_": "round", "row_stack": "vstack",
    "sometrue": "any", "string_": "bytes_", "trapz": "trapezoid", "unicode_": "str_",
}  # fmt: skip


def restore() -> None:
    """Give NumPy the names that it lacks, and let it print numbers as it did."""
    for name, value in _values().items():
        if name not in vars(np):
            setattr(np, name, value)
    np.set_printoptions(legacy="1.25")


def _values() -> dict:
    renamed = {old: getattr(np, new) for old, new in _RENAMED.items() if hasattr(np, new)}
    return {**_BUILTINS, **renamed, "PINF": np.inf, "NINF": -np.inf, "PZERO": 0.0, "NZERO": -0.0,
            "asscalar": _as_scalar, "asfarray": _as_float_array, "rank": np.ndim}  # fmt: skip


def _as_scalar(a):
    """The only number of an array, as Python's."""
    return a.item()


def _as_float_array(a, dtype=np.float64):
    """An array of floating-point numbers: float64 if `dtype` is not one."""
    return np.asarray(a, dtype if np.issubdtype(dtype, np.inexact) else np.float64)
