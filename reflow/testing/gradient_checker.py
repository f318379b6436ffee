"""Numeric checks of gradients: the Jacobian by tf.gradients beside the one by central differences."""

import numpy as np

from reflow.autodiff import gradients
from reflow.graph import dtypes
from reflow.graph.build import call
from reflow.graph.convert import to_tensor
from reflow.graph.default import get_default_session
from reflow.graph.export import export

_ALLOWED = frozenset({dtypes.float16, dtypes.bfloat16, dtypes.float32, dtypes.float64, dtypes.complex64,
                      dtypes.complex128})  # fmt: skip


@export("test.compute_gradient")
def compute_gradient(x, x_shape, y, y_shape, x_init_value=None, delta=1e-3, init_targets=None, extra_feed_dict=None):
    """The theoretical and the numeric Jacobian dy/dx, with the default session.

    Args:
      x: a tensor or list of tensors.
      x_shape: the shape of x (a list of shapes for a list) as a list or tuple.
      y: a tensor.
      y_shape: the shape of y.
      x_init_value: an array for x (a list for a list), the point at which to differentiate; random if None.
      delta: the step of the central differences.
      init_targets: operations to run first, to initialize variables.
      extra_feed_dict: what else to feed.

    Returns:
      (theoretical, numeric): arrays of shape [size of x, size of y] (each complex number counts as two), or a list of
      such pairs for a list of x.

    Raises:
      ValueError: if a type cannot be checked.
    """
    if extra_feed_dict is None:
        extra_feed_dict = {}
    session = get_default_session()
    for target in init_targets if isinstance(init_targets, (list, tuple)) else [init_targets]:
        if target is not None:
            target.run(session=session)
    if not isinstance(x, list):
        return _compute_one(x, x_shape, y, y_shape, x_init_value, delta, extra_feed_dict)
    points = x_init_value or [_random_point(s, each) for s, each in zip(x_shape, x, strict=True)]
    results = []
    for i, each in enumerate(x):
        others = {o: points[j] for j, o in enumerate(x) if j != i} | extra_feed_dict
        results.append(_compute_one(each, x_shape[i], y, y_shape, points[i], delta, others))
    return results


@export("test.compute_gradient_error")
def compute_gradient_error(x, x_shape, y, y_shape, x_init_value=None, delta=1e-3, init_targets=None,
                           extra_feed_dict=None):  # fmt: skip
    """The greatest absolute difference between theoretical and numeric Jacobian; arguments as `compute_gradient`."""
    result = compute_gradient(x, x_shape, y, y_shape, x_init_value, delta, init_targets, extra_feed_dict)
    pairs = result if isinstance(result, list) else [result]
    worst = 0.0
    for theoretical, numeric in pairs:
        if theoretical.size:
            worst = max(worst, np.abs(theoretical - numeric).max())
    return worst


def _random_point(shape, x):
    return np.random.random_sample(shape).astype(x.dtype.as_numpy_dtype)


def _compute_one(x, x_shape, y, y_shape, x_value, delta, feeds):
    for tensor in (x, y):
        if tensor.dtype.base_dtype not in _ALLOWED:
            raise ValueError(f"Tensor {tensor.name} of type {tensor.dtype} cannot be checked for its gradient.")
    if x_value is None:
        x_value = _random_point(x_shape, x)
    x_value = np.array(x_value, dtype=x.dtype.base_dtype.np_dtype).reshape(x_shape)
    ones = to_tensor(np.ones(tuple(y_shape)), y.dtype.base_dtype)
    dy = call("Identity", ones)
    dx = gradients(y, x, dy)[0]
    theoretical = _theoretical(x, x_value, y, tuple(y_shape), dy, dx, feeds)
    return theoretical, _numeric(x, x_value, y, tuple(y_shape), delta, feeds)


def _as_reals(array) -> np.ndarray:
    """A flat float array; a complex number is its real and its imaginary part."""
    flat = np.ascontiguousarray(array).reshape(-1)
    if flat.dtype.kind == "c":
        return flat.view(flat.real.dtype)
    return flat.astype(np.float64) if flat.dtype.itemsize < 4 else flat


def _theoretical(x, x_value, y, y_shape, dy, dx, feeds) -> np.ndarray:
    """One column an element of y: feed a unit gradient there and read what arrives at x."""
    session = get_default_session()
    unit = np.zeros(y_shape, y.dtype.base_dtype.np_dtype)
    flat = unit.reshape(-1)
    parts = (1.0, 1.0j) if y.dtype.base_dtype.is_complex else (1.0,)
    columns = []
    for i in range(flat.size):
        for part in parts:
            flat[i] = part
            columns.append(_as_reals(_dense(session.run(dx, {x: x_value, dy: unit, **feeds}), x_value)))
        flat[i] = 0
    size = _as_reals(x_value).size
    if not columns:
        return np.zeros((size, 0), np.float64)
    return np.stack(columns, axis=1)


def _dense(gradient, x_value):
    if not hasattr(gradient, "indices"):
        return gradient
    dense = np.zeros_like(x_value)
    np.add.at(dense, gradient.indices, gradient.values)
    return dense


def _numeric(x, x_value, y, y_shape, delta, feeds) -> np.ndarray:
    """One row an element of x: (y(x + delta) - y(x - delta)) / (2 delta)."""
    session = get_default_session()
    flat = x_value.reshape(-1)
    parts = (1.0, 1.0j) if x_value.dtype.kind == "c" else (1.0,)
    rows = []
    for i in range(flat.size):
        for part in parts:
            values = []
            for sign in (1, -1):
                moved = flat.copy()
                moved[i] = moved[i] + np.asarray(sign * delta * part).astype(flat.dtype)
                values.append(_as_reals(session.run(y, {x: moved.reshape(x_value.shape), **feeds})))
            rows.append((values[0] - values[1]) / (2 * delta))
    if not rows:
        return np.zeros((0, int(np.prod(y_shape))), np.float64)
    return np.stack(rows)


