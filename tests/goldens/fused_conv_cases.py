"""Convolutions of mirrored and resized images, and the first batch normalization."""

import numpy as np
from op_recording import Cases

case = Cases()
PADS = [[0, 0], [1, 2], [2, 0], [0, 0]]


@case.each(mode=["REFLECT", "SYMMETRIC"])
def mirrored(tf, t, mode):
    for padding in ("SAME", "VALID"):
        for dtype in ("float32", "float64"):
            for stride in (1, 2):
                x, w = t.feed(t.normal(1, 5, 6, 3, dtype=dtype)), t.feed(t.normal(3, 2, 3, 4, dtype=dtype))
                t.out(tf.raw_ops.FusedPadConv2D(input=x, paddings=PADS, filter=w, mode=mode, padding=padding,
                                                strides=[1, stride, stride, 1]))  # fmt: skip


@case.each(align_corners=[False, True])
def resized(tf, t, align_corners):
    for size in ([9, 8], [3, 4], [2, 13], [5, 6]):
        for padding in ("SAME", "VALID"):
            x, w = t.feed(t.normal(1, 5, 6, 3)), t.feed(t.normal(2, 2, 3, 4))
            t.out(tf.raw_ops.FusedResizeAndPadConv2D(
                input=x, size=size, paddings=[[0, 0], [0, 0], [1, 1], [0, 0]], filter=w, mode="SYMMETRIC",
                strides=[1, 1, 1, 1], padding=padding, resize_align_corners=align_corners))  # fmt: skip


@case
def unknown_shapes(tf, t):
    w = t.feed(t.normal(2, 2, 3, 4))
    for shape in (None, [None, None, 6, 3]):
        x = t.feed(t.normal(1, 5, 6, 3), shape)
        common = dict(filter=w, mode="REFLECT", strides=[1, 1, 1, 1], padding="VALID", input=x)
        t.out(tf.raw_ops.FusedPadConv2D(paddings=t.feed(np.array(PADS, "int32")), **common))
        t.out(tf.raw_ops.FusedPadConv2D(paddings=PADS, **common))
        t.out(tf.raw_ops.FusedResizeAndPadConv2D(paddings=PADS, size=t.feed(np.array([7, 7], "int32")), **common))


FAULTS = {
    "depth": dict(filter=np.zeros([2, 2, 2, 1], "float32")),
    "batch_padding": dict(paddings=[[1, 0], [0, 0], [0, 0], [0, 0]]),
    "too_much_padding": dict(paddings=[[0, 0], [5, 0], [0, 0], [0, 0]]),
    "three_paddings": dict(paddings=[[0, 0]] * 3),
    "three_strides": dict(strides=[1, 1, 1]),
    "batch_stride": dict(strides=[2, 1, 1, 1]),
    "rank": dict(input=np.zeros([5, 6, 3], "float32")),
}


@case.each(fault=sorted(FAULTS))
def fault(tf, t, fault):
    arguments = dict(input=np.zeros([1, 5, 6, 3], "float32"), paddings=PADS, filter=np.zeros([2, 2, 3, 1], "float32"),
                     mode="REFLECT", strides=[1, 1, 1, 1], padding="VALID")  # fmt: skip
    arguments.update(FAULTS[fault])
    t.out(tf.raw_ops.FusedPadConv2D(**arguments))


# --- batch normalization: graphs of that age only may have it -----------------------------------------------------


def old_batch_norm(tf, inputs, epsilon, scaled, name="old"):
    """The result of the op, which TensorFlow takes out of graphs of old producers only."""
    definition = tf.GraphDef()
    definition.versions.producer = 8
    node = definition.node.add(name="normalized", op="BatchNormWithGlobalNormalization")
    for name, tensor in sorted(inputs.items()):
        node.input.append(name)
        shape = tf.TensorShape(tensor.shape).as_proto()
        placeholder = definition.node.add(name=name, op="Placeholder")
        placeholder.attr["dtype"].type = tensor.dtype.as_datatype_enum
        placeholder.attr["shape"].shape.CopyFrom(shape)
    node.input[:] = ["t", "m", "v", "beta", "gamma"]
    node.attr["T"].type = inputs["t"].dtype.as_datatype_enum
    node.attr["variance_epsilon"].f = epsilon
    node.attr["scale_after_normalization"].b = scaled
    return tf.import_graph_def(definition, input_map=inputs, return_elements=["normalized:0"], name=name)[0]


@case.each(dtype=["float32", "float64", "float16"])
def batch_norm(tf, t, dtype):
    t.values_only()
    for scaled in (False, True):
        inputs = {name: t.feed(t.normal(3, dtype=dtype)) for name in ("m", "beta", "gamma")}
        inputs["t"] = t.feed(t.normal(2, 3, 4, 3, dtype=dtype))
        inputs["v"] = t.feed(np.abs(t.normal(3, dtype=dtype)) + np.ones(1, dtype))
        y = t.out(old_batch_norm(tf, inputs, 0.01, scaled, "scaled" if scaled else "plain"))
        t.grad(y, [inputs[name] for name in ("t", "m", "v", "beta", "gamma")])


@case
def batch_norm_of_wrong_shapes(tf, t):
    inputs = {name: t.feed(t.normal(3)) for name in ("m", "beta", "gamma", "v")}
    inputs["t"] = t.feed(t.normal(2, 3, 4, 2))
    old_batch_norm(tf, inputs, 0.01, True)
