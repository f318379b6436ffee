"""Windows that signals are weighted with before their spectrum is taken."""

import numpy as np

from reflow.graph import dtypes
from reflow.graph.build import call
from reflow.graph.context import name_scope
from reflow.graph.convert import constant_value, to_tensor
from reflow.graph.export import export
from reflow.ops.arithmetic import floormod
from reflow.ops.casting import cast
from reflow.ops.constant import constant, ones, ones_like
from reflow.ops.ranges import range as range_


@export("signal.hann_window")
def hann_window(window_length, periodic=True, dtype=dtypes.float32, name=None):
    """The Hann window, 0.5 - 0.5 cos(2 pi j / n) (Harris 1978).

    Args:
      window_length: int32 scalar: how many samples.
      periodic: bool scalar: of an even length make a period of a periodic window (n is the length), not a symmetric
        window (n is the length - 1).
      dtype: a float type.
      name: a name scope for the operations.

    Returns:
      A vector [window_length] of type `dtype`.

    Raises:
      ValueError: if `dtype` is no float type, or an argument is no scalar.
    """
    return _raised_cosine(name, "hann_window", window_length, periodic, dtype, 0.5, 0.5)


@export("signal.hamming_window")
def hamming_window(window_length, periodic=True, dtype=dtypes.float32, name=None):
    """The Hamming window, 0.54 - 0.46 cos(2 pi j / n) (Harris 1978).

    Args:
      window_length: int32 scalar: how many samples.
      periodic: bool scalar: of an even length make a period of a periodic window (n is the length), not a symmetric
        window (n is the length - 1).
      dtype: a float type.
      name: a name scope for the operations.

    Returns:
      A vector [window_length] of type `dtype`.

    Raises:
      ValueError: if `dtype` is no float type, or an argument is no scalar.
    """
    return _raised_cosine(name, "hamming_window", window_length, periodic, dtype, 0.54, 0.46)


def _raised_cosine(name, default_name, window_length, periodic, dtype, a, b):
    """a - b cos(2 pi j / n); a window of one sample is 1."""
    if not dtype.is_floating:
        raise ValueError(f"dtype must be a floating point type. Found {dtype}")
    with name_scope(name, default_name, [window_length, periodic]):
        window_length = to_tensor(window_length, dtypes.int32, "window_length")
        window_length.shape.assert_has_rank(0)
        length = constant_value(window_length)
        if length is not None and length == 1:
            return ones([1], dtype=dtype)
        periodic = cast(to_tensor(periodic, dtypes.bool_, "periodic"), dtypes.int32)
        periodic.shape.assert_has_rank(0)
        is_even = 1 - floormod(window_length, 2)
        n = cast(window_length + periodic * is_even - 1, dtype)
        places = cast(range_(window_length), dtype)
        angles = constant(2 * np.pi, dtype=dtype) * places / n
        window = cast(a - b * call("Cos", angles), dtype)
        if length is not None:
            return window
        return call("SelectV2", call("Equal", window_length, 1), ones_like(window), window)
