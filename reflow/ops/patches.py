"""The windows of images and volumes as vectors: ExtractImagePatches, ExtractVolumePatches."""

import math

import numpy as np

from reflow.graph.build import call
from reflow.graph.errors import UnimplementedError
from reflow.graph.export import export
from reflow.graph.registry import define_op, gradient
from reflow.ops.movement import moves_elements
from reflow.ops.renamed_arguments import renamed_argument
from reflow.ops.shape_rules import with_rank
from reflow.ops.windows import Window

_PADDING = "padding: string in SAME|VALID"


# --- shapes -------------------------------------------------------------------------------------------------------


def _frames(attrs) -> list[Window]:
    """One window a spatial dimension."""
    sizes, strides = attrs["ksizes"], attrs["strides"]
    rates = attrs.get("rates", [1] * len(sizes))
    return [Window(*each, attrs["padding"]) for each in zip(sizes[1:-1], strides[1:-1], rates[1:-1], strict=True)]


def _places(frames, sizes) -> tuple:
    """The places of each window along its dimension.

    TensorFlow rounds towards zero: a dimension shorter than the window, but by less than two strides, has no place.
    """
    return tuple([0 if size is not None and frame.padding != b"SAME"
                  and frame.extent - 2 * frame.stride < size < frame.extent else frame.output_size(size)
                  for frame, size in zip(frames, sizes, strict=True)])  # fmt: skip


def _patches_shape(op):
    rank = 4 if op.type == "ExtractImagePatches" else 5
    dims = with_rank(op._inputs[0].dims, rank)
    for name in ("ksizes", "strides", "rates"):
        if len(op.attrs.get(name, dims)) != rank:
            raise ValueError(f"{op.type} requires the {name} attribute to contain {rank} values, but got: "
                             f"{len(op.attrs[name])}")  # fmt: skip
    frames = _frames(op.attrs)
    size = math.prod(frame.size for frame in frames)
    depth = None if dims[-1] is None else dims[-1] * size
    places = _places(frames, dims[1:-1])
    # TensorFlow looks at none of the sizes if it does not know them all.
    return [(dims[0], *([None] * len(places) if None in places else places), depth)]


# --- kernels ------------------------------------------------------------------------------------------------------


@moves_elements
def windows_as_vectors(images, frames):
    """[batch, *places, elements of a window times channels], elements in row-major order, channels last."""
    sizes = images.shape[1:-1]
    pads = [frame.pads(size) for frame, size in zip(frames, sizes, strict=True)]
    places = _places(frames, sizes)
    batch, depth = images.shape[0], images.shape[-1]
    # As large as the windows reach; zeros outside of the image.
    reach = [(count - 1) * frame.stride + frame.extent for count, frame in zip(places, frames, strict=True)]
    whole = images.new_zeros(batch, *[max(n, 0) for n in reach], depth)
    kept = [min(size, n - before) for size, n, (before, _) in zip(sizes, reach, pads, strict=True)]
    inside = tuple(slice(before, before + n) for n, (before, _) in zip(kept, pads, strict=True))
    if whole.numel() and images.numel():
        whole[(slice(None), *inside)] = images[(slice(None), *[slice(n) for n in kept])]
    steps = whole.stride()
    shape = (batch, *places, *[frame.size for frame in frames], depth)
    strides = (steps[0], *[s * f.stride for s, f in zip(steps[1:-1], frames, strict=True)],
               *[s * f.dilation for s, f in zip(steps[1:-1], frames, strict=True)], steps[-1])  # fmt: skip
    return whole.as_strided(shape, strides).reshape(batch, *places, math.prod(shape[len(places) + 1 :]))


def _check_batch_and_depth(**attrs):
    for name, values in attrs.items():
        if values[0] != 1 or values[-1] != 1:
            raise UnimplementedError(None, None, f"Only support {name} across space.")


def _image_patches(images, ksizes, strides, rates, padding):
    _check_batch_and_depth(ksizes=ksizes, strides=strides, rates=rates)
    attrs = {"ksizes": ksizes, "strides": strides, "rates": rates, "padding": padding}
    return windows_as_vectors(images, _frames(attrs))


def _volume_patches(input, ksizes, strides, padding):
    _check_batch_and_depth(ksizes=ksizes, strides=strides)
    return windows_as_vectors(input, _frames({"ksizes": ksizes, "strides": strides, "padding": padding}))


define_op(
    "ExtractImagePatches", "images: T -> patches: T",
    f"ksizes: list(int) >= 4, strides: list(int) >= 4, rates: list(int) >= 4, T: type in real, {_PADDING}",
    shape=_patches_shape, kernel=_image_patches,
)  # fmt: skip
define_op(
    "ExtractVolumePatches", "input: T -> patches: T",
    f"ksizes: list(int) >= 5, strides: list(int) >= 5, T: type in real, {_PADDING}", shape=_patches_shape,
    kernel=_volume_patches,
)  # fmt: skip


# --- gradients ----------------------------------------------------------------------------------------------------


@gradient("ExtractImagePatches", "ExtractVolumePatches")
def _patches_gradient(op, grad):
    """Each element's gradient is the sum over the windows that it is in.

    The patches of an image of numbers 1, 2, 3, ... tell which elements they hold; 0 is padding.
    """
    image = op.inputs[0]
    sizes = call("Shape", image, out_type="int32")
    count = call("Prod", sizes[1:-1], np.array([0], np.int32))
    numbers = call("Range", np.int32(1), count + 1, np.int32(1))
    as_image = call("Reshape", numbers, call("ConcatV2", [[1], sizes[1:-1], [1]], 0))
    attrs = {name: op.attrs[name] for name in op.attrs if name != "T"}
    which = call("Reshape", call(op.type, as_image, **attrs), np.array([-1], np.int32))
    # [batch, places and elements of windows, channels] with the middle in front.
    by_element = call("Reshape", grad, call("Pack", [sizes[0], call("Size", which), sizes[-1]]))
    sums = call("UnsortedSegmentSum", call("Transpose", by_element, np.array([1, 0, 2], np.int32)), which, count + 1)
    back = call("Transpose", sums[1:], np.array([1, 0, 2], np.int32))
    result = call("Reshape", back, sizes)
    result.set_shape(image.shape)
    return result


# --- public functions ---------------------------------------------------------------------------------------------


@export("extract_image_patches", "image.extract_image_patches")
def extract_image_patches(images, ksizes=None, strides=None, rates=None, padding=None, name=None, sizes=None):
    """The windows of images as vectors.

    Args:
      images: real [batch, height, width, channels].
      ksizes: [1, rows, columns, 1], the size of a window.
      strides: [1, rows, columns, 1], how far apart windows are.
      rates: [1, rows, columns, 1], how far apart the elements of a window are.
      padding: "SAME" or "VALID".
      name: the node's name.
      sizes: another name of `ksizes`.

    Returns:
      A Tensor of the same type, [batch, out rows, out columns, rows * columns * channels].

    Raises:
      ValueError: for shapes that do not fit, or sizes under both names.
    """
    ksizes = renamed_argument("sizes", sizes, "ksizes", ksizes)
    return call("ExtractImagePatches", images, ksizes=ksizes, strides=strides, rates=rates, padding=padding, name=name)


@export("image.extract_patches")
def extract_patches(images, sizes, strides, rates, padding, name=None):
    """The windows of images as vectors: `extract_image_patches` with its arguments as TensorFlow 2 has them.

    Args:
      images: real [batch, height, width, channels].
      sizes: [1, rows, columns, 1], the size of a window.
      strides: [1, rows, columns, 1], how far apart windows are.
      rates: [1, rows, columns, 1], how far apart the elements of a window are.
      padding: "SAME" or "VALID".
      name: the node's name.

    Returns:
      A Tensor of the same type, [batch, out rows, out columns, rows * columns * channels].
    """
    return call("ExtractImagePatches", images, ksizes=sizes, strides=strides, rates=rates, padding=padding, name=name)


@export("extract_volume_patches")
def extract_volume_patches(input, ksizes, strides, padding, name=None):
    """The windows of volumes as vectors.

    Args:
      input: real [batch, planes, rows, columns, channels].
      ksizes: [1, planes, rows, columns, 1], the size of a window.
      strides: [1, planes, rows, columns, 1], how far apart windows are.
      padding: "SAME" or "VALID".
      name: the node's name.

    Returns:
      A Tensor of the same type, [batch, out planes, out rows, out columns, elements of a window * channels].
    """
    return call("ExtractVolumePatches", input, ksizes=ksizes, strides=strides, padding=padding, name=name)
