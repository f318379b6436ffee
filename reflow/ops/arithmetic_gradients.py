"""Gradients of the arithmetic of two tensors.

Each gradient has the broadcast shape at first, and is summed over the axes along which its input was broadcast.
"""

from reflow.graph import dtypes
from reflow.graph.build import call
from reflow.graph.context import control_dependencies
from reflow.graph.registry import gradient
from reflow.ops.arithmetic import div_no_nan, divide, pow, scalar_mul
from reflow.ops.broadcasting import known_equal_shapes, reduced_to_inputs, summed_to_inputs
from reflow.ops.casting import cast
from reflow.ops.complex import conj
from reflow.ops.constant import ones, ones_like, zeros, zeros_like
from reflow.ops.shape_ops import shape

# --- sums, differences, products ----------------------------------------------------------------------------------


@gradient("Add", "AddV2")
def _add_gradient(op, grad):
    if known_equal_shapes(*op._inputs, grad):
        return grad, grad
    return reduced_to_inputs(op, grad, lambda: grad, lambda: grad)


@gradient("Sub")
def _sub_gradient(op, grad):
    if known_equal_shapes(*op._inputs, grad):
        return grad, -grad
    return reduced_to_inputs(op, grad, lambda: grad, lambda: -grad)


@gradient("Mul")
def _mul_gradient(op, grad):
    x, y = op._inputs
    if known_equal_shapes(x, y, grad) and grad.dtype.base_dtype in (dtypes.int32, dtypes.float32):
        return call("Mul", grad, y), call("Mul", grad, x)
    x, y = conj(x), conj(y)
    return reduced_to_inputs(op, grad, lambda: call("Mul", grad, y), lambda: call("Mul", x, grad))


@gradient("MulNoNan")
def _mul_no_nan_gradient(op, grad):
    x, y = op._inputs
    by_x, by_y = (lambda: call("MulNoNan", grad, y)), (lambda: call("MulNoNan", x, grad))
    if known_equal_shapes(x, y, grad):
        return by_x(), by_y()
    return summed_to_inputs(op, by_x, by_y)


@gradient("SquaredDifference")
def _squared_difference_gradient(op, grad):
    x, y = op._inputs
    with control_dependencies([grad.op]):
        by_x = scalar_mul(2.0, grad) * (x - y)
    if known_equal_shapes(x, y, grad):
        return by_x, -by_x
    gx, sum_for_y = reduced_to_inputs(op, grad, lambda: by_x, lambda: by_x)
    return gx, -sum_for_y


# --- quotients and remainders -------------------------------------------------------------------------------------


def _quotient_gradient(op, grad, division):
    """d (x / y) = dx / y - x / y^2 dy, with the given kind of division."""
    x, y = conj(op._inputs[0]), conj(op._inputs[1])
    return summed_to_inputs(op, lambda: division(grad, y), lambda: grad * division(division(-x, y), y))


@gradient("Div")
def _div_gradient(op, grad):
    return _quotient_gradient(op, grad, divide)


@gradient("RealDiv")
def _real_div_gradient(op, grad):
    return _quotient_gradient(op, grad, lambda a, b: call("RealDiv", a, b))


@gradient("DivNoNan")
def _div_no_nan_gradient(op, grad):
    return _quotient_gradient(op, grad, div_no_nan)


@gradient("FloorDiv", "TruncateDiv")
def _integer_division_gradient(op, grad):
    return None, None


@gradient("FloorMod")
def _floor_mod_gradient(op, grad):
    """x mod y = x - floor(x / y) y."""
    x, y = conj(op._inputs[0]), conj(op._inputs[1])
    quotient = call("FloorDiv", x, y)
    return summed_to_inputs(op, lambda: grad, lambda: grad * call("Neg", quotient))


# --- powers and logarithms ----------------------------------------------------------------------------------------


@gradient("Pow")
def _pow_gradient(op, grad):
    """By x it is y x^(y - 1), by y x^y log(x), taken as 0 where x is not positive (complex: where it is 0)."""
    z = op.outputs[0]
    x, y = conj(op._inputs[0]), conj(op._inputs[1])

    def by_y():
        conj_z = conj(z)
        mask = call("NotEqual", x, 0) if x.dtype.is_complex else x > 0
        safe_x = call("Select", mask, x, ones_like(x))
        log_x = call("Select", mask, call("Log", safe_x), zeros_like(x))
        return grad * conj_z * log_x

    return reduced_to_inputs(op, grad, lambda: grad * y * pow(x, y - 1), by_y)


def _not_zero(x):
    zero = cast(0.0, x.dtype.base_dtype)
    return cast(call("NotEqual", x, zero), x.dtype.base_dtype)


def by_partials(op, grad, partial_x, partial_y):
    """The gradients as partial derivatives times `grad`; both derivatives come before the sums.

    Args:
      op: an operation of two inputs that broadcast.
      grad: the gradient of its output.
      partial_x, partial_y: functions of the shapes of the inputs, as tensors, that make the derivatives.
    """
    x, y = op._inputs
    shape_x, shape_y = shape(x), shape(y)
    axes_x, axes_y = call("BroadcastGradientArgs", shape_x, shape_y)
    with control_dependencies([grad.op]):
        by_x, by_y = partial_x(shape_x), partial_y(shape_y)
        gx = call("Reshape", call("Sum", by_x * grad, axes_x), shape_x)
        return gx, call("Reshape", call("Sum", by_y * grad, axes_y), shape_y)


@gradient("Xlogy")
def _xlogy_gradient(op, grad):
    x, y = op._inputs
    return by_partials(op, grad, lambda _: call("Xlogy", _not_zero(x), y), lambda _: call("Xdivy", x, y))


@gradient("Xdivy")
def _xdivy_gradient(op, grad):
    x, y = op._inputs
    return by_partials(
        op, grad, lambda _: call("Xdivy", _not_zero(x), y), lambda _: call("Xdivy", call("Neg", x), y**2)
    )


@gradient("NextAfter")
def _next_after_gradient(op, grad):
    dtype = op._inputs[0].dtype.base_dtype
    return by_partials(op, grad, lambda shape_x: ones(shape_x, dtype), lambda shape_y: zeros(shape_y, dtype))


# --- the greater and the lesser -----------------------------------------------------------------------------------


def _extremum_gradient(op, grad, picks_x):
    """The gradient goes to the input that was picked, to x where both are equal."""
    x, y = op._inputs
    shape_x, shape_y, shape_grad = shape(x), shape(y), shape(grad)
    nothing = zeros(shape_grad, grad.dtype.base_dtype)
    mask = call(picks_x, x, y)
    axes_x, axes_y = call("BroadcastGradientArgs", shape_x, shape_y)
    gx = call("Reshape", call("Sum", call("Select", mask, grad, nothing), axes_x), shape_x)
    gy = call("Reshape", call("Sum", call("Select", mask, nothing, grad), axes_y), shape_y)
    return gx, gy


@gradient("Maximum")
def _maximum_gradient(op, grad):
    return _extremum_gradient(op, grad, "GreaterEqual")


@gradient("Minimum")
def _minimum_gradient(op, grad):
    return _extremum_gradient(op, grad, "LessEqual")
