"""Graphs of quantized ops that TensorFlow 1.15.5's CPU build cannot run: nodes, static shapes and mistakes."""

from op_recording import Cases

case = Cases()
CONVOLUTIONS = [
    "AndRelu", "AndReluAndRequantize", "AndRequantize", "PerChannel", "WithBias", "WithBiasAndRelu",
    "WithBiasAndReluAndRequantize", "WithBiasAndRequantize", "WithBiasSignedSumAndReluAndRequantize",
    "WithBiasSumAndRelu", "WithBiasSumAndReluAndRequantize",
]  # fmt: skip
DEPTHWISE = ["", "WithBias", "WithBiasAndRelu", "WithBiasAndReluAndRequantize"]
PRODUCTS = ["WithBias", "WithBiasAndRelu", "WithBiasAndReluAndRequantize"]
OPS = ["QuantizedConv2D" + each for each in CONVOLUTIONS] + ["QuantizedDepthwiseConv2D" + each for each in DEPTHWISE]
OPS += ["QuantizedMatMul" + each for each in PRODUCTS]

CHANGES = {
    "as they should be": {},
    "range a channel": {"min_filter": [4], "max_filter": [4]},
    "matrix of ranges": {"min_filter": [4, 1]},
    "different ranges": {"min_filter": [4], "max_filter": [3]},
    "vector for the input's range": {"min_input": [2], "min_a": [2]},
    "vector for the output's range": {"min_freezed_output": [2]},
    "other depth": {"filter": [3, 3, 2, 4], "b": [2, 4]},
    "matrix of biases": {"bias": [4, 1]},
    "vector of another length": {"bias": [7]},
    "three dimensions": {"input": [5, 5, 3], "a": [2, 3, 1]},
    "unknown": {"input": None, "a": None, "bias": None},
}


def build(tf, op, shapes):
    """What an op makes of placeholders of these shapes."""
    if op.startswith("QuantizedMatMul"):
        inputs = dict(a=("quint8", [2, 3]), b=("qint8", [3, 4]))
        options, ends = {}, ["min_a", "max_a", "min_b", "max_b"]
    else:
        inputs = dict(input=("quint8", [2, 5, 6, 3]), filter=("qint8", [3, 3, 3, 4]))
        options = dict(strides=[1, 2, 2, 1], padding="VALID")
        ends = ["min_input", "max_input", "min_filter", "max_filter"]
    if op.endswith("Requantize"):
        ends += ["min_freezed_output", "max_freezed_output"]
    if "Bias" in op:
        inputs["bias"] = ("float32", [4])
    if "Sum" in op:
        whole = op.endswith("Requantize")
        inputs["summand"] = ("quint8" if whole else "float32", [2, 2, 2, 4])
        ends += ["min_summand", "max_summand"] if whole else []
    inputs.update((end, ("float32", [])) for end in ends)
    tensors = {name: tf.placeholder(dtype, shapes.get(name, shape)) for name, (dtype, shape) in sorted(inputs.items())}
    return getattr(tf.raw_ops, op)(**dict(tensors, **options))


for op_name in OPS:
    for change, changed in CHANGES.items():
        case.add("%s: %s" % (op_name, change), lambda tf, t, op=op_name, shapes=changed: build(tf, op, shapes))


@case.each(max_value=[[], [1]])
def relu_x(tf, t, max_value):
    features, low, most = tf.placeholder("quint8", [2, None]), tf.placeholder("float32", []), max_value
    return tf.nn.quantized_relu_x(features, tf.placeholder("float32", most), low, low)


@case.each(shape=[[], [3], [2, 1]])
def per_channel(tf, t, shape):
    sums, ends, end = tf.placeholder("qint32", [2, 3]), tf.placeholder("float32", shape), tf.placeholder("float32", [])
    narrow = tf.raw_ops.RequantizationRangePerChannel(input=sums, input_min=ends, input_max=ends, clip_value_max=1.0)
    return narrow, tf.raw_ops.RequantizePerChannel(
        input=sums, input_min=ends, input_max=ends, requested_output_min=end, requested_output_max=end
    )


@case.each(shape=[[3], None])
def requested_range(tf, t, shape):
    sums, ends, end = tf.placeholder("qint32", [2, 3]), tf.placeholder("float32", [3]), tf.placeholder("float32", shape)
    return tf.raw_ops.RequantizePerChannel(
        input=sums, input_min=ends, input_max=ends, requested_output_min=end, requested_output_max=end
    )
