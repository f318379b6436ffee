"""Layers of quantized networks: QuantizedConv2D, the poolings, and two normalizations."""

import torch

from reflow.graph.build import call
from reflow.graph.dtypes import qint32
from reflow.graph.export import export
from reflow.graph.registry import OPS, define_op
from reflow.ops import windows
from reflow.ops.patches import windows_as_vectors
from reflow.ops.quantized_arithmetic import centered, check_scalars, integer_product
from reflow.ops.quantized_numbers import (
    QUANTIZED,
    dequantize,
    integer_of,
    integers_of,
    limits,
    product_range,
    quantize,
    real,
    real_scalar,
    reals_of,
    zero_of,
)
from reflow.ops.shape_rules import merge_size, with_rank
from reflow.ops.sparse_coordinates import invalid
from reflow.ops.windows import Window

_PADDING = "padding: string in SAME|VALID"

# --- convolution ----------------------------------------------------------------------------------------------------


def _check_strides(strides, dilations):
    if len(strides) != 4:
        raise invalid("Sliding window strides field must specify 4 dimensions")
    if strides[1] != strides[2]:
        raise invalid("Current implementation only supports equal length strides in the row and column dimensions.")
    if strides[0] != 1 or strides[3] != 1:
        raise invalid("Current implementation does not yet support strides in the batch and depth dimensions.")
    if len(dilations) != 4:
        raise invalid("Dilations field must specify 4 dimensions")
    if dilations[1] != 1 or dilations[2] != 1:
        raise invalid("Current implementation only supports dilated rate as 1 in the row and column dimensions.")
    if dilations[0] != 1 or dilations[3] != 1:
        raise invalid("Current implementation does not yet support dilations in the batch and depth dimensions.")


def _pads(size, window, stride, padding):
    """Padding before and behind, negative where the input is cut.

    Other than Conv2D, TensorFlow's kernel centers the windows where they do not reach over the whole input, too.
    """
    places = Window(window, stride, 1, padding).output_size(size)
    total = (places - 1) * stride + window - size
    # C rounds towards zero.
    before = int((total + (padding == b"VALID")) / 2)
    return before, total - before


def _edge(dtype, low, high):
    """What lies around an image, less the integer for 0.

    It is 0, unless that integer is too great for the type: TensorFlow pads with its low bits then.
    """
    zero = zero_of(low, high, dtype)
    return (zero & limits(dtype)[1]) - zero if zero > 0 else 0


def _conv2d(input, filter, min_input, max_input, min_filter, max_filter, out_type, strides, padding, dilations):
    _check_strides(strides, dilations)
    if input.shape[3] != filter.shape[2]:
        raise invalid(f"input and filter must have the same depth: {input.shape[3]} vs {filter.shape[2]}")
    of_input, of_filter = (real(min_input), real(max_input)), (real(min_filter), real(max_filter))
    ends = tuple(map(real_scalar, product_range(of_input, input.dtype, of_filter, filter.dtype, out_type)))
    pads = [_pads(size, window, strides[1], padding)
            for size, window in zip(input.shape[1:3], filter.shape[:2], strict=True)]  # fmt: skip
    (x, most_input), (kernel, most_filter) = centered(input, *of_input), centered(filter, *of_filter)
    whole = torch.nn.functional.pad(x, [0, 0, *windows.flat_pads(pads)], value=_edge(input.dtype, *of_input))
    patches = windows_as_vectors(whole, [Window(size, strides[1]) for size in filter.shape[:2]])
    rows = integer_product(patches.flatten(0, 2), kernel.flatten(0, 2), most_input * most_filter, out_type)
    return rows.reshape(*patches.shape[:3], filter.shape[3]), *ends


def conv2d_dims(op):
    """The shape of a convolution of the first two inputs.

    Raises:
      ValueError: for shapes that do not fit.
    """
    windows.check_attr_length(op, "strides", 4)
    windows.check_attr_length(op, "dilations", 4)
    dims, filter_dims = with_rank(op._inputs[0].dims, 4), with_rank(op._inputs[1].dims, 4)
    depth, filter_depth = dims[3], filter_dims[2]
    if depth is not None and filter_depth and depth % filter_depth:
        raise ValueError(f"Depth of input ({depth}) is not a multiple of input depth of filter ({filter_depth})")
    frames = windows.windows_of(op.attrs, filter_dims[:2], b"NHWC")
    return (dims[0], *windows.output_sizes(frames, dims[1:3]), filter_dims[3])


def _conv2d_shape(op):
    check_scalars(op, 2, 3, 4, 5)
    return [conv2d_dims(op), (), ()]


# --- pooling --------------------------------------------------------------------------------------------------------


def _pool_shape(op):
    check_scalars(op, 1, 2)
    return [*OPS["MaxPool"].shape(op), (), ()]


def _avg_pool(input, min_input, max_input, ksize, strides, padding):
    """Averages of the integers, rounded towards zero."""
    exact = OPS["AvgPool"].kernel(input.double(), ksize, strides, padding, b"NHWC")
    # A quotient of integers that is one is so in float64, too.
    return exact.trunc().to(input.dtype), real_scalar(real(min_input)), real_scalar(real(max_input))


def _max_pool(input, min_input, max_input, ksize, strides, padding):
    pooled = OPS["MaxPool"].kernel(input, ksize, strides, padding, b"NHWC")
    return pooled, real_scalar(real(min_input)), real_scalar(real(max_input))


# --- normalization --------------------------------------------------------------------------------------------------


def _instance_norm(x, x_min, x_max, output_range_given, given_y_min, given_y_max, variance_epsilon, min_separation):
    """Each channel of each example with mean 0 and variance 1 over space."""
    if output_range_given and not given_y_min < given_y_max:
        raise invalid(f"Invalid range: given_y_min {given_y_min:g} must be less than given_y_max {given_y_max:g}")
    reals = dequantize(x, real(x_min), real(x_max))
    variance, mean = torch.var_mean(reals, (1, 2), correction=0, keepdim=True)
    normal = (reals - mean) * torch.rsqrt(variance + variance_epsilon)
    low, high = real(given_y_min), real(given_y_max)
    if not output_range_given:
        low, high = real(normal.amin()), real(normal.amax())
        if high - low < min_separation:
            high = low + real(min_separation)
    return quantize(normal, low, high, x.dtype).to(x.dtype), real_scalar(low), real_scalar(high)


# The range of the results of batch normalization: 2,048 integers lie between 0 and 1.
_BATCH_NORM_RANGE = real(-(1 << 20)), real(1 << 20)


def _batch_norm(t, t_min, t_max, m, m_min, m_max, v, v_min, v_max, beta, beta_min, beta_max, gamma, gamma_min,
                gamma_max, out_type, variance_epsilon, scale_after_normalization):  # fmt: skip
    """Scale and offset in fixed point."""
    mean, variance, offset, scale = (
        reals_of(q, real(low), real(high))
        for q, low, high in ((m, m_min, m_max), (v, v_min, v_max), (beta, beta_min, beta_max),
                             (gamma, gamma_min, gamma_max))
    )  # fmt: skip
    factor = 1 / torch.sqrt(variance + variance_epsilon)
    if scale_after_normalization:
        factor = factor * scale
    fixed = [integers_of(x, *_BATCH_NORM_RANGE, out_type)
             for x in (reals_of(t, real(t_min), real(t_max)), factor, -mean * factor + offset)]  # fmt: skip
    one = integer_of(1.0, *_BATCH_NORM_RANGE, out_type)
    scaled = torch.div(fixed[0] * fixed[1], one, rounding_mode="trunc")
    return scaled + fixed[2], *map(real_scalar, _BATCH_NORM_RANGE)


def _instance_norm_shape(op):
    check_scalars(op, 1, 2)
    with_rank(op._inputs[0].dims, 4)
    return [op._inputs[0].dims, (), ()]


def _batch_norm_shape(op):
    dims = with_rank(op._inputs[0].dims, 4)
    depth = dims[3]
    for i in range(3, 15, 3):
        depth = merge_size(depth, with_rank(op._inputs[i].dims, 1)[0])
    check_scalars(op, *[i for i in range(15) if i % 3])
    return [(*dims[:3], depth), (), ()]


# --- ops ------------------------------------------------------------------------------------------------------------

define_op(
    "QuantizedConv2D",
    "input: Tinput, filter: Tfilter, min_input: float, max_input: float, min_filter: float, max_filter: float -> "
    "output: out_type, min_output: float, max_output: float",
    f"Tinput: type in {QUANTIZED}, Tfilter: type in {QUANTIZED}, strides: list(int), {_PADDING}, "
    f"out_type: type in {QUANTIZED} = qint32, dilations: list(int) = [1, 1, 1, 1]", shape=_conv2d_shape,
    kernel=_conv2d, host="min_input max_input min_filter max_filter",
)  # fmt: skip
for _name, _kernel in (("QuantizedAvgPool", _avg_pool), ("QuantizedMaxPool", _max_pool)):
    define_op(
        _name, "input: T, min_input: float, max_input: float -> output: T, min_output: float, max_output: float",
        f"T: type in {QUANTIZED}, ksize: list(int), strides: list(int), {_PADDING}", shape=_pool_shape, kernel=_kernel,
        host="min_input max_input",
    )  # fmt: skip
define_op(
    "QuantizedInstanceNorm", "x: T, x_min: float, x_max: float -> y: T, y_min: float, y_max: float",
    f"T: type in {QUANTIZED}, output_range_given: bool = false, given_y_min: float = 0, given_y_max: float = 0, "
    "variance_epsilon: float = 1e-05, min_separation: float = 0.001", shape=_instance_norm_shape,
    kernel=_instance_norm, host="x_min x_max",
)  # fmt: skip
define_op(
    "QuantizedBatchNormWithGlobalNormalization",
    ", ".join(f"{each}: Tinput, {each}_min: float, {each}_max: float" for each in ("t", "m", "v", "beta", "gamma"))
    + " -> result: out_type, result_min: float, result_max: float",
    f"Tinput: type in {QUANTIZED}, out_type: type in {QUANTIZED}, variance_epsilon: float, "
    "scale_after_normalization: bool", shape=_batch_norm_shape, kernel=_batch_norm,
    host=" ".join(f"{each}_min {each}_max" for each in ("t", "m", "v", "beta", "gamma")),
)  # fmt: skip


@export("nn.quantized_conv2d")
def quantized_conv2d(input, filter, min_input, max_input, min_filter, max_filter, strides, padding, out_type=qint32,
                     dilations=(1, 1, 1, 1), name=None):  # fmt: skip
    """A convolution of quantized tensors.

    Args:
      input: quint8 [batch, height, width, in_channels].
      filter: quint8 [height, width, in_channels, out_channels].
      min_input: float32 scalar: the real that the least integer of `input` stands for.
      max_input: float32 scalar: the real that the greatest one stands for.
      min_filter: float32 scalar, the same for `filter`.
      max_filter: float32 scalar, the same for `filter`.
      strides: four ints, as many for rows as for columns, and 1 for batch and channels.
      padding: "SAME" or "VALID".
      out_type: the type of the sums.
      dilations: four times 1.
      name: the node's name.

    Returns:
      (output, min_output, max_output): sums of products of the integers less those for 0, [batch, height, width,
      out_channels], and the range of what they stand for.

    Raises:
      ValueError: for shapes that do not fit.
    """
    return call("QuantizedConv2D", input, filter, min_input, max_input, min_filter, max_filter, strides=strides,
                padding=padding, out_type=out_type, dilations=list(dilations), name=name)  # fmt: skip


@export("nn.quantized_avg_pool")
def quantized_avg_pool(input, min_input, max_input, ksize, strides, padding, name=None):
    """Averages over windows of a quantized tensor, rounded to integers below.

    Args:
      input: quint8 [batch, height, width, channels].
      min_input: float32 scalar: the real that the least integer stands for.
      max_input: float32 scalar: the real that the greatest integer stands for.
      ksize: four ints, the window's sizes.
      strides: four ints.
      padding: "SAME" or "VALID"; padding takes no part in an average.
      name: the node's name.

    Returns:
      (output, min_output, max_output).
    """
    return call("QuantizedAvgPool", input, min_input, max_input, ksize=ksize, strides=strides, padding=padding,
                name=name)  # fmt: skip


@export("nn.quantized_max_pool")
def quantized_max_pool(input, min_input, max_input, ksize, strides, padding, name=None):
    """Maxima over windows of a quantized tensor.

    Args:
      input: quint8 [batch, height, width, channels].
      min_input: float32 scalar: the real that the least integer stands for.
      max_input: float32 scalar: the real that the greatest integer stands for.
      ksize: four ints, the window's sizes.
      strides: four ints.
      padding: "SAME" or "VALID".
      name: the node's name.

    Returns:
      (output, min_output, max_output).
    """
    return call("QuantizedMaxPool", input, min_input, max_input, ksize=ksize, strides=strides, padding=padding,
                name=name)  # fmt: skip
