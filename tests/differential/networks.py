"""Ops of networks: cross entropy, biases, normalization, pooling, quantization, stateless random numbers."""

import numpy as np

from reflow.graph.registry import OPS
from tests.differential.table import Table

table = Table("networks")

_SUMS = {"float16": 2e-2, "bfloat16": 1e-1}


def _softmax(d):
    return [d.array("T", d.shape(least=1), "finite")], {}


def _cross_entropy(d):
    rows, classes = d.size(), d.size(1)
    return [d.array("T", (rows, classes), "finite"), d.array("T", (rows if d.flag() else 1, classes), "unit")], {}


def _sparse_cross_entropy(d):
    rows, classes = d.size(), d.size(1)
    return [d.array("T", (rows, classes), "finite"), d.array("Tlabels", (rows,), low=0, high=classes - 1)], {}


def _format(d):
    return d.pick(b"NHWC", b"NHWC", b"NCHW")


def _bias(d):
    shape, data_format = d.shape(least=2, most=4), _format(d) if d.op == "BiasAdd" else b"NHWC"
    size = shape[1] if data_format == b"NCHW" else shape[-1]
    return [d.array("T", shape, "finite"), d.array("T", (size,), "finite")], (
        {"data_format": data_format} if d.op == "BiasAdd" else {})  # fmt: skip


def _bias_gradient(d):
    # TensorFlow reads beyond the channels of NCHW unless the rank is 4.
    shape = d.shape(least=2, most=4)
    return [d.array("T", shape, "symmetric_finite")], {"data_format": _format(d) if len(shape) == 4 else b"NHWC"}


def _batch_norm(d):
    # Without training TensorFlow leaves the batch's moments unset.
    depth = d.int(1, 3)
    x = d.array("T", (d.int(2, 3), d.int(1, 2), d.int(1, 2), depth), "finite")
    second = "U" if "U" in d.types else "T"
    scale, offset = (d.array(second, (depth,), "finite") for _ in range(2))
    moments = [d.array(second, (0,), "positive") for _ in range(2)]
    return [x, scale, offset, *moments], {"is_training": True, "epsilon": 0.5}


def _batch_norm_gradient(d):
    # NCHW TensorFlow refuses on the CPU, or crashes.
    depth = d.int(1, 3)
    shape = (d.int(1, 2), d.int(1, 2), d.int(1, 2), depth)
    arrays = [d.array("T", shape, "symmetric_finite"), d.array("T", shape, "finite")]
    # Scale, mean, variance, and what the third version keeps besides.
    domains = ["finite", "finite", "positive", "finite"][: len(OPS[d.op].inputs) - 2]
    arrays += [d.array("float32", (depth,), domain) for domain in domains]
    return arrays, {"is_training": d.flag(), "epsilon": 0.5}


def _lrn_gradient(d):
    (image,), attrs = _lrn(d)
    return [d.array("T", image.shape, "symmetric_finite"), image, d.array("T", image.shape, "finite")], attrs


def _gamma_gradient(d):
    alpha = d.array("T", d.shape(), "positive")
    return [alpha, d.array("T", d.broadcast(alpha.shape), "positive")], {}


def _lrn(d):
    image = d.array("T", (d.size(), d.int(1, 2), d.int(1, 2), d.int(1, 4)), "finite")
    return [image], {"depth_radius": d.int(0, 3), "bias": 1.0, "alpha": d.pick(0.25, 1.0), "beta": d.pick(0.5, 0.75)}


def _windows(d):
    ksize, strides = ([1, d.int(1, 3), d.int(1, 3), 1] for _ in range(2))
    return {"ksize": ksize, "strides": strides, "padding": d.pick(b"SAME", b"VALID")}


def _pool(d):
    return [d.array("T", (d.int(1, 2), d.int(3, 5), d.int(3, 5), d.int(1, 2)), "finite")], _windows(d)


def _conv(d):
    depth, kernel = d.int(1, 2), (d.int(1, 3), d.int(1, 3))
    x = d.array("T", (d.int(1, 2), d.int(3, 4), d.int(3, 4), depth), "symmetric_finite")
    stride = d.int(1, 2)
    weights = d.array("T", (*kernel, depth, d.int(1, 2)), "symmetric_finite")
    return [x, weights], {"strides": [1, stride, stride, 1], "padding": d.pick(b"SAME", b"VALID")}


table.add("Softmax LogSoftmax", _softmax, tolerances=_SUMS)
table.add("SoftmaxCrossEntropyWithLogits", _cross_entropy, tolerances=_SUMS, scaled=True)
# In half TensorFlow rounds probabilities close to 1 before it takes 1 off.
table.add("SparseSoftmaxCrossEntropyWithLogits", _sparse_cross_entropy, tolerances={**_SUMS, "float16": 2e-1},
          scaled=True)  # fmt: skip
table.add("BiasAdd BiasAddV1", _bias, tolerances=_SUMS, scaled=True)
table.add("BiasAddGrad", _bias_gradient, tolerances=_SUMS, scaled=True)
table.add("FusedBatchNorm FusedBatchNormV2 FusedBatchNormV3", _batch_norm, tolerances={"float32": 1e-4}, scaled=True,
          faults=False, constants=("mean", "variance"))  # fmt: skip
# The last two outputs are scalars that TensorFlow leaves unset.
table.add("FusedBatchNormGrad FusedBatchNormGradV2 FusedBatchNormGradV3", _batch_norm_gradient, scaled=True,
          faults=False, tolerances={"float32": 1e-4, "float16": 2e-2},
          derived=lambda *outputs: outputs[:3])  # fmt: skip
table.add("LRN", _lrn, tolerances=_SUMS, scaled=True, faults=False)
table.add("LRNGrad", _lrn_gradient, tolerances=_SUMS, scaled=True)
table.add("RandomGammaGrad", _gamma_gradient, tolerances={"float32": 1e-4})
table.add("MaxPool AvgPool", _pool, tolerances=_SUMS, scaled=True, faults=False)
table.add("Conv2D DepthwiseConv2dNative", _conv, tolerances=_SUMS, scaled=True, faults=False)

# --- sequences --------------------------------------------------------------------------------------------------------


def scores(d):
    """Scores [time, batch, class], and the lengths of the sequences, one too long now and then."""
    time, batch = d.int(1, 4), d.int(1, 2)
    lengths = np.array([d.int(1, time) + d.rarely() for _ in range(batch)], "int32")
    return d.array("T", (time, batch, d.int(2, 4)), "nonzero"), lengths


def _ctc_loss(d):
    numbers, lengths = scores(d)
    count = numbers.shape[2] - 1
    labels = [[d.int(0, count - 1) for _ in range(d.int(0, length))] for length in lengths.tolist()]
    indices = [[row, i] for row, values in enumerate(labels) for i in range(len(values))]
    values = np.array([value for row in labels for value in row], "int32")
    attrs = {name: d.flag() for name in ("preprocess_collapse_repeated", "ctc_merge_repeated")}
    return [numbers, np.array(indices, "int64").reshape(-1, 2), values, lengths], {
        **attrs, "ignore_longer_outputs_than_inputs": d.flag()}  # fmt: skip


# TensorFlow adds up probabilities in float32, whatever the type.
table.add("CTCLoss", _ctc_loss, scaled=True, faults=False, tolerances={"float32": 1e-4, "float64": 1e-5})

# --- quantization ---------------------------------------------------------------------------------------------------


def _fake(d):
    attrs = {"num_bits": d.pick(2, 8, 16), "narrow_range": d.flag()}
    inputs = d.array("float32", (*d.shape(most=2), d.int(1, 3)), "finite")
    low, high = -d.int(0, 4) / 2, d.int(1, 8) / 2
    if "Args" in d.op:
        attrs.update(min=low, max=high)
        bounds = []
    else:
        shape = (inputs.shape[-1],) if "PerChannel" in d.op else ()
        bounds = [np.full(shape, low, "float32"), np.full(shape, high, "float32")]
    gradients = [d.array("float32", inputs.shape, "finite")] if d.op.endswith("Gradient") else []
    return [*gradients, inputs, *bounds], attrs


def _range(d, least=1):
    return np.array(-d.int(0, 4), "float32"), np.array(d.int(least, 8), "float32")


def _quantize(d):
    mode = d.pick(b"MIN_COMBINED", b"MIN_FIRST", b"SCALED")
    rounding = b"HALF_AWAY_FROM_ZERO" if mode != b"SCALED" else d.pick(b"HALF_AWAY_FROM_ZERO", b"HALF_TO_EVEN")
    # The greatest number overflows in TensorFlow's qint32.
    domain, least = ("symmetric_finite", 2) if d.dtype("T").name == "qint32" else ("finite", 1)
    inputs = [d.array("float32", d.shape(most=2), domain), *_range(d, least)]
    return inputs, {"mode": mode, "round_mode": rounding}


def _dequantize(d):
    mode = d.pick(b"MIN_COMBINED", b"MIN_FIRST", b"SCALED")
    return [d.array("T", d.shape(most=2)), *_range(d)], {"mode": mode}


def _there_and_back(d):
    low, high = (bound.astype(d.dtype("T").np_dtype) for bound in _range(d))
    inputs = [d.array("T", d.shape(most=2, low=1), "finite"), low, high]
    attrs = {"signed_input": d.flag(), "range_given": d.flag(), "narrow_range": d.flag()}
    if d.op.endswith("V3"):
        return [*inputs, np.array(d.pick(4, 8), "int32")], attrs
    return inputs, {**attrs, "num_bits": d.pick(4, 8), "round_mode": d.pick(b"HALF_TO_EVEN", b"HALF_UP")}


for _kind in ("Args", "Vars", "VarsPerChannel"):
    table.add(f"FakeQuantWithMinMax{_kind} FakeQuantWithMinMax{_kind}Gradient", _fake, faults=False)
table.add("QuantizeV2", _quantize, faults=False)
table.add("Dequantize", _dequantize, faults=False, scaled=True)
table.add("QuantizeAndDequantizeV2 QuantizeAndDequantizeV3", _there_and_back, faults=False, scaled=True)

# --- random numbers -------------------------------------------------------------------------------------------------


def _random(d):
    inputs = [np.array(d.shape(), d.dtype("T").np_dtype), d.array("Tseed", (2,), low=-9, high=99)]
    if d.op.endswith("Int"):
        inputs += [d.ints("dtype", d.int(-9, 0)), d.ints("dtype", d.int(1, 100))]
    return inputs, {}


def _multinomial(d):
    logits = d.array("T", (d.int(1, 3), d.int(1, 4)), "finite", low=-5, high=5)
    return [logits, np.array(d.int(0, 4), "int32"), d.array("Tseed", (2,), low=-9, high=99)], {}


table.add("StatelessRandomUniform StatelessRandomNormal StatelessTruncatedNormal StatelessRandomUniformInt", _random)
table.add("StatelessMultinomial", _multinomial, faults=False)
