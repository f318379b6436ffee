"""Convolutions, pools and patches: windows that move over images and volumes, and their gradients."""

import numpy as np

from tests.differential.table import Table

table = Table("windows")

_SUMS = {"float16": 2e-2, "bfloat16": 1e-1, "float32": 1e-4}
_OPTIONS = {"faults": False, "scaled": True, "tolerances": _SUMS}


def _out_size(size, window, stride, padding):
    return -(-size // stride) if padding == b"SAME" else -(-(size - window + 1) // stride)


def _geometry(d, dimensions):
    """(sizes, windows, strides, padding) along each spatial dimension."""
    sizes = [d.int(3, 4) for _ in range(dimensions)]
    return sizes, [d.int(1, 3) for _ in sizes], [d.int(1, 2)] * dimensions, d.pick(b"SAME", b"VALID")


def _results(sizes, windows, strides, padding):
    return [_out_size(*parts, padding) for parts in zip(sizes, windows, strides, strict=True)]


def _images(d, batch, sizes, depth, dtype="T"):
    """Values that are all different, so that every window has one greatest."""
    shape = (batch, *sizes, depth)
    array = d.array(dtype, shape, "symmetric_finite", low=0, high=7)
    order = np.arange(array.size).reshape(shape) * 7 % array.size
    return (array.astype("float64") * 0 + order % 128).astype(array.dtype) if array.size else array


def _pool(dimensions):
    def draw(d):
        sizes, windows, strides, padding = _geometry(d, dimensions)
        images = _images(d, d.int(1, 2), sizes, d.int(1, 2))
        return [images], {"ksize": [1, *windows, 1], "strides": [1, *strides, 1], "padding": padding}

    return draw


def _pool_with_sizes(d):
    inputs, attrs = _pool(2)(d)
    return [*inputs, *(np.array(attrs[name], "int32") for name in ("ksize", "strides"))], {"padding": attrs["padding"]}


def _average_pool_gradient(dimensions):
    def draw(d):
        sizes, windows, strides, padding = _geometry(d, dimensions)
        batch, depth = d.int(1, 2), d.int(1, 2)
        gradient = d.array("T", (batch, *_results(sizes, windows, strides, padding), depth), "symmetric_finite")
        return [np.array([batch, *sizes, depth], "int32"), gradient], {
            "ksize": [1, *windows, 1], "strides": [1, *strides, 1], "padding": padding}  # fmt: skip

    return draw


def _greatest(images, windows, strides, padding):
    """What a pool of the greatest numbers makes of images [batch, ..., depth]."""
    sizes = images.shape[1:-1]
    results = _results(sizes, windows, strides, padding)
    pooled = np.empty((images.shape[0], *results, images.shape[-1]), images.dtype)
    totals = [max((r - 1) * s + w - n, 0) if padding == b"SAME" else 0
              for r, s, w, n in zip(results, strides, windows, sizes, strict=True)]  # fmt: skip
    for place in np.ndindex(*results):
        starts = [p * s - t // 2 for p, s, t in zip(place, strides, totals, strict=True)]
        box = tuple(slice(max(start, 0), start + w) for start, w in zip(starts, windows, strict=True))
        pooled[(slice(None), *place)] = images[(slice(None), *box)].max(tuple(range(1, images.ndim - 1)))
    return pooled


def _max_pool_gradient(dimensions):
    def draw(d):
        sizes, windows, strides, padding = _geometry(d, dimensions)
        images = _images(d, d.int(1, 2), sizes, d.int(1, 2))
        pooled = _greatest(images, windows, strides, padding)
        of = images.shape if "GradGrad" in d.op else pooled.shape
        return [images, pooled, d.array("T", of, "symmetric_finite", low=0, high=7)], {
            "ksize": [1, *windows, 1], "strides": [1, *strides, 1], "padding": padding}  # fmt: skip

    return draw


def _weights(d, windows, *depths):
    return d.array("T", (*windows, *depths), "symmetric_finite")


def _conv_3d(d):
    sizes, windows, strides, padding = _geometry(d, 3)
    depth = d.int(1, 2)
    x = d.array("T", (d.int(1, 2), *sizes, depth), "symmetric_finite")
    return [x, _weights(d, windows, depth, d.int(1, 2))], {"strides": [1, *strides, 1], "padding": padding}


def _conv_gradient(dimensions, which):
    """The gradient of a convolution by its input or its filter, the sizes of which the other input gives."""

    def draw(d):
        sizes, windows, strides, padding = _geometry(d, dimensions)
        batch, depth, outputs = d.int(1, 2), d.int(1, 2), d.int(1, 2)
        results = _results(sizes, windows, strides, padding)
        is_depthwise = d.op.startswith("Depthwise")
        channels = depth * outputs if is_depthwise else outputs
        gradient = d.array("T", (batch, *results, channels), "symmetric_finite")
        images, weights = (batch, *sizes, depth), (*windows, depth, outputs)
        attrs = {"strides": [1, *strides, 1], "padding": padding}
        if which == "input":
            return [np.array(images, "int32"), d.array("T", weights, "symmetric_finite"), gradient], attrs
        return [d.array("T", images, "symmetric_finite"), np.array(weights, "int32"), gradient], attrs

    return draw


def _dilation(d):
    sizes, windows, strides, padding = _geometry(d, 2)
    images = _images(d, d.int(1, 2), sizes, d.int(1, 2))
    weights = d.array("T", (*windows, images.shape[-1]), "symmetric_finite", low=0, high=1)
    return [images, (weights * 0).astype(images.dtype)], {
        "strides": [1, *strides, 1], "rates": [1, 1, 1, 1], "padding": padding}  # fmt: skip


def _conv_3d_gradient(d):
    """Of the old ops, which take the input or filter whose gradient is wanted in place of its sizes."""
    inputs, attrs = _conv_gradient(3, "filter")(d)
    depth, outputs = inputs[0].shape[-1], inputs[2].shape[-1]
    return [inputs[0], _weights(d, inputs[1][:3], depth, outputs), inputs[2]], attrs


def _dilation_gradient(d):
    (images, weights), attrs = _dilation(d)
    parts = zip(images.shape[1:3], weights.shape[:2], attrs["strides"][1:3], strict=True)
    sizes = [_out_size(*part, attrs["padding"]) for part in parts]
    # The values of images and weights say where the greatest sums are; the kernels add there.
    gradient = d.array("T", (images.shape[0], *sizes, images.shape[-1]), "symmetric_finite", low=0, high=7)
    return [images, weights, gradient], attrs


def _max_pool_gradient_with_sizes(d):
    inputs, attrs = _max_pool_gradient(2)(d)
    return [*inputs, *(np.array(attrs[name], "int32") for name in ("ksize", "strides"))], {"padding": attrs["padding"]}


def _max_pool_gradient_by_places(d):
    """The places are those of the greatest, or any that exist."""
    inputs, attrs = _max_pool_gradient(2)(d)
    images, gradient = inputs[0], inputs[2]
    attrs["include_batch_in_index"] = d.flag()
    size = images.size if attrs["include_batch_in_index"] else images[0].size
    return [images, gradient, d.array("int64", gradient.shape, low=0, high=size - 1)], attrs


def _fractional(d):
    images = _images(d, d.int(1, 2), [d.int(2, 8), d.int(2, 8)], d.int(1, 2))
    ratios = [1.0, d.pick(1.0, 1.25, 1.5, 2.0), d.pick(1.0, 1.44, 1.75), 1.0]
    return [images], {"pooling_ratio": ratios, "pseudo_random": d.flag(), "overlapping": d.flag(),
                      "deterministic": True, "seed": d.int(1, 99), "seed2": d.int(1, 99)}  # fmt: skip


def _cuts(d, size):
    """Where the windows along an axis begin and end."""
    cuts = sorted({0, size, *(d.int(1, size) for _ in range(d.int(0, 3)))})
    return np.array(cuts, "int64")


def _fractional_gradient(d):
    shape = (d.int(1, 2), d.int(1, 5), d.int(1, 5), d.int(1, 2))
    rows, columns = _cuts(d, shape[1]), _cuts(d, shape[2])
    attrs = {"overlapping": d.flag()}
    of_results = (shape[0], len(rows) - 1, len(columns) - 1, shape[3])
    gradient = d.array("T", of_results, "symmetric_finite", low=0, high=7)
    if d.op == "FractionalAvgPoolGrad":
        return [np.array(shape, "int64"), gradient, rows, columns], attrs
    images = _images(d, shape[0], shape[1:3], shape[3])
    pooled = np.empty(of_results, images.dtype)
    for i, j in np.ndindex(*of_results[1:3]):
        bottom, right = rows[i + 1] + attrs["overlapping"], columns[j + 1] + attrs["overlapping"]
        pooled[:, i, j] = images[:, rows[i] : bottom, columns[j] : right].max((1, 2))
    return [images, pooled, gradient, rows, columns], attrs


def _fused_conv(d):
    depth, stride = d.int(1, 2), d.int(1, 2)
    # TensorFlow gives each of several examples the result of the first.
    images = d.array("T", (1, d.int(3, 4), d.int(3, 4), depth), "symmetric_finite")
    pads = [[0, 0], [d.int(0, 2), d.int(0, 2)], [d.int(0, 2), d.int(0, 2)], [0, 0]]
    inputs = [np.array(pads, "int32"), d.array("T", (d.int(1, 3), d.int(1, 3), depth, d.int(1, 2)), "symmetric_finite")]
    attrs = {"mode": d.pick(b"REFLECT", b"SYMMETRIC"), "strides": [1, stride, stride, 1],
             "padding": d.pick(b"SAME", b"VALID")}  # fmt: skip
    if d.op == "FusedPadConv2D":
        return [images, *inputs], attrs
    attrs["resize_align_corners"] = d.flag()
    return [images, np.array([d.int(3, 6), d.int(3, 6)], "int32"), *inputs], attrs


def _patches(dimensions):
    def draw(d):
        sizes, windows, strides, padding = _geometry(d, dimensions)
        attrs = {"ksizes": [1, *windows, 1], "strides": [1, *strides, 1], "padding": padding}
        if dimensions == 2:
            attrs["rates"] = [1, d.int(1, 2), d.int(1, 2), 1]
        return [d.array("T", (d.int(1, 2), *sizes, d.int(1, 2)), "symmetric_finite")], attrs

    return draw


table.add("MaxPool3D AvgPool3D", _pool(3), **_OPTIONS)
table.add("MaxPoolV2", _pool_with_sizes, constants=("ksize", "strides"), **_OPTIONS)
table.add("MaxPoolWithArgmax", _pool(2), **_OPTIONS)
table.add("AvgPoolGrad", _average_pool_gradient(2), **_OPTIONS)
table.add("AvgPool3DGrad", _average_pool_gradient(3), **_OPTIONS)
_SINGLE = {"types": {"TInput": ["float32"], "T": ["float32"]}}
table.add("MaxPoolGrad", _max_pool_gradient(2), **_OPTIONS)
table.add("MaxPoolGradV2 MaxPoolGradGradV2", _max_pool_gradient_with_sizes, constants=("ksize", "strides"),
          static_shapes=False, **_OPTIONS)  # fmt: skip
table.add("MaxPoolGradWithArgmax", _max_pool_gradient_by_places, types={"Targmax": ["int64"]}, **_OPTIONS)
table.add("MaxPool3DGrad", _max_pool_gradient(3), **_SINGLE, **_OPTIONS)
# Of the second gradients Reflow knows the shape from the third input, too.
table.add("MaxPoolGradGrad", _max_pool_gradient(2), static_shapes=False, **_OPTIONS)
table.add("MaxPool3DGradGrad", _max_pool_gradient(3), static_shapes=False, **_SINGLE, **_OPTIONS)
table.add("Conv3D", _conv_3d, **_OPTIONS)
for _which in ("Input", "Filter"):
    # Reflow knows the batch, too.
    _known = {**_OPTIONS, "static_shapes": _which == "Filter"}
    table.add(f"Conv2DBackprop{_which} DepthwiseConv2dNativeBackprop{_which}", _conv_gradient(2, _which.lower()),
              **_known)  # fmt: skip
    table.add(f"Conv3DBackprop{_which}V2", _conv_gradient(3, _which.lower()), **_known)
    table.add(f"Conv3DBackprop{_which}", _conv_3d_gradient, producer=9, **_OPTIONS)
    table.add(f"Dilation2DBackprop{_which}", _dilation_gradient, **_OPTIONS)
table.add("Dilation2D", _dilation, **_OPTIONS)
table.add("ExtractImagePatches", _patches(2), **_OPTIONS)
# Of unknown sizes TensorFlow's static shapes are wrong, and the gradient fails.
table.add("ExtractVolumePatches", _patches(3), **{**_OPTIONS, "static_shapes": False, "gradient": False})
# TensorFlow's static shapes of the cuts lack the last one; averages of partly known shapes have no gradient in it.
for _kind in ("Max", "Avg"):
    table.add(f"Fractional{_kind}Pool", _fractional,
              **{**_OPTIONS, "static_shapes": False, "gradient": _kind == "Max"})  # fmt: skip
table.add("FractionalMaxPoolGrad FractionalAvgPoolGrad", _fractional_gradient, **_OPTIONS)
# Of paddings whose shape is not known TensorFlow cannot infer a shape.
table.add("FusedPadConv2D FusedResizeAndPadConv2D", _fused_conv, constants=("paddings",),
          **{**_OPTIONS, "faults": True})  # fmt: skip
