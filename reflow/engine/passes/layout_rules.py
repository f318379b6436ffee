"""Which ops can take and make images with their channels last instead of first, and what changes of them then.

A rule is a function `node -> Move or None`, and `_RULES` is the one table of them. Images are tensors of rank 4; those
of a node that has not moved are [batch, channels, height, width], of one that has [batch, height, width, channels].
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from reflow.engine.passes.rewriting import constant_of
from reflow.engine.plan import Node, Value
from reflow.engine.torch_devices import is_gpu
from reflow.graph import dtypes
from reflow.graph.shapes import Dims

Order = tuple[int, ...]
# Which dimension a transposition takes for each place, and, since they undo each other, where the other puts it.
TO_LAST: Order = (0, 2, 3, 1)
TO_FIRST: Order = (0, 3, 1, 2)
_RANK = len(TO_LAST)
_MOST_ELEMENTS = 1 << 20
_TYPES = frozenset({
    dtypes.float16, dtypes.bfloat16, dtypes.float32, dtypes.float64, dtypes.bool_, dtypes.int8, dtypes.uint8,
    dtypes.int16, dtypes.int32, dtypes.int64,
})  # fmt: skip


class Move(NamedTuple):
    """What becomes of a node whose images have their channels last.

    Attributes:
      images: positions of the inputs that are images, or broadcast against them.
      outputs: positions of the outputs that are images.
      vectors: positions of the inputs that have one number a dimension.
      constants: arrays that take the place of constant inputs, by position.
      attrs: the attributes that change.
      gain: how many times its images could be transposed in the time that is won.
    """

    images: tuple[int, ...]
    outputs: tuple[int, ...] = (0,)
    vectors: tuple[int, ...] = ()
    constants: dict[int, np.ndarray] = {}
    attrs: dict = {}
    gain: float = 0.0


Rule = Callable[[Node], Move | None]


def move_of(node: Node) -> Move | None:
    """How a node moves; None if it cannot, or if that is not known."""
    rule = _RULES.get(node.type)
    if rule is None or is_gpu(node.device):
        return None
    move = rule(node)
    if move is None:
        return None
    values = [node.inputs[i] for i in move.images] + [node.outputs[i] for i in move.outputs]
    return move if all(value.dtype in _TYPES for value in values) else None


def wants_channels_last(node: Node) -> bool:
    """True if the node is one of channels first that a CPU's kernels run faster with channels last."""
    if node.type not in _GAINS or node.attrs["data_format"] != b"NCHW":
        return False
    move = move_of(node)
    return move is not None and move.gain > 0


def is_small_constant(value: Value) -> bool:
    """True for a constant that is transposed when the plan is made; others would be kept twice."""
    array = constant_of(value)
    return array is not None and array.size <= _MOST_ELEMENTS


def permutation_of(node: Node) -> Order | None:
    """What a Transpose of the program takes at each place, if that is known."""
    order = constant_of(node.inputs[1]) if node.type == "Transpose" else None
    return None if order is None else tuple(order.tolist())


def moved_dims(dims: Sequence[int | None], order: Order) -> tuple[int | None, ...]:
    """The dims of an image in another order."""
    return tuple([dims[axis] for axis in order])


def aligned(dims: Dims) -> tuple[int | None, ...]:
    """The dims of rank 4 that a tensor of fewer dimensions broadcasts as."""
    dims = dims or ()
    return (1,) * (_RANK - len(dims)) + tuple(dims)


def keeps_order(dims: Sequence[int | None], order: Order) -> bool:
    """True if a transposition is a reshape: dimensions that are not 1 stay in their order, at most one is unknown."""
    long = [axis for axis in order if dims[axis] != 1]
    return long == sorted(long) and list(dims).count(None) <= 1 and 0 not in dims


def _is_image(value: Value) -> bool:
    return value.dims is not None and len(value.dims) == _RANK


# --- ops with a data format ------------------------------------------------------------------------------------------

_LISTS = ("strides", "ksize", "dilations")


def _formatted(images: tuple[int, ...], outputs: tuple[int, ...] = (0,), vectors: tuple[int, ...] = ()) -> Rule:
    """The rule of ops that say where the channels are; `_GAINS` has those for which that matters."""

    def rule(node):
        values = [node.inputs[i] for i in images] + [node.outputs[i] for i in outputs]
        if node.attrs["data_format"] != b"NCHW" or not all(map(_is_image, values)):
            return None
        attrs: dict[str, Any] = {"data_format": b"NHWC"}
        attrs.update({name: [node.attrs[name][i] for i in TO_LAST] for name in _LISTS if name in node.attrs})
        if node.attrs.get("explicit_paddings"):
            pads = node.attrs["explicit_paddings"]
            attrs["explicit_paddings"] = [n for i in TO_LAST for n in pads[2 * i : 2 * i + 2]]
        return Move(images, outputs, vectors, attrs=attrs, gain=_gain(node, values[0]))

    return rule


# How often all images of a node could be transposed in the time by which a kernel for channels last is faster: on the
# careful side of what was measured, with 16 to 512 channels. ATen pools channels first one number at a time.
_GAINS = {
    **dict.fromkeys(("Conv2D", "Conv2DBackpropInput", "Conv2DBackpropFilter"), 0.9),
    **dict.fromkeys((f"DepthwiseConv2dNative{part}" for part in ("", "BackpropInput", "BackpropFilter")), 0.5),
    **dict.fromkeys(("MaxPool", "MaxPoolGrad", "AvgPool", "AvgPoolGrad"), 5.0),
    **dict.fromkeys((f"FusedBatchNorm{v}" for v in ("", "V2", "V3")), 1.0),
    **dict.fromkeys((f"FusedBatchNormGrad{v}" for v in ("", "V2", "V3")), 0.5),
}  # fmt: skip
# The same of convolutions by windows for which there is Winograd's way.
_GAIN_OF_WINOGRAD = 2.0
# With fewer channels, kernels that take vectors of them have little to do; convolutions take those of the result.
_LEAST_CHANNELS = 8


def _gain(node: Node, image: Value) -> float:
    gain = _GAINS.get(node.type, 0.0)
    if node.type.startswith("Conv2D"):
        filters = node.outputs[0] if node.type == "Conv2DBackpropFilter" else node.inputs[1]
        suits = (filters.dims or ())[:2] in ((3, 3), (5, 5)) and set(node.attrs["strides"]) == {1}
        return _GAIN_OF_WINOGRAD if suits else gain
    _, channels, *_ = image.dims or ()
    return 0.0 if channels is not None and channels < _LEAST_CHANNELS else gain


# --- elementwise ops -------------------------------------------------------------------------------------------------


def _same_shape(*images: int) -> Rule:
    """The rule of ops whose inputs at these positions (all, if none is named) have the shape of the output."""

    def rule(node):
        taken = images or tuple(range(len(node.inputs)))
        return Move(taken) if all(map(_is_image, [*node.outputs, *(node.inputs[i] for i in taken)])) else None

    return rule


def _broadcasting(node: Node) -> Move | None:
    """Inputs that are no images are numbers, or have one dimension that is not 1, such as the channels."""
    moved = []
    for i, value in enumerate(node.inputs):
        if value.dims is None or len(value.dims) > _RANK:
            return None
        if value.dims:
            moved.append(i)
            if len(value.dims) < _RANK and constant_of(value) is None and not keeps_order(aligned(value.dims), TO_LAST):
                return None
    return Move(tuple(moved)) if _is_image(node.outputs[0]) and any(_is_image(node.inputs[i]) for i in moved) else None


def _select(node: Node) -> Move | None:
    """A vector as the condition of a Select says which images of the batch to take."""
    condition, *choices = node.inputs
    if condition.dims is None or not all(map(_is_image, [*choices, *node.outputs])):
        return None
    return Move((1, 2)) if len(condition.dims) < 2 else Move((0, 1, 2)) if _is_image(condition) else None


def _merge(node: Node) -> Move | None:
    """One of several values, by conditions that stand behind them."""
    images = tuple(range(node.attrs["N"]))
    return Move(images) if all(map(_is_image, [*node.outputs, *(node.inputs[i] for i in images)])) else None


_ONE_INPUT = frozenset({
    "Abs", "Cast", "Ceil", "Elu", "Erf", "Exp", "Floor", "Identity", "IsFinite", "IsInf", "IsNan", "LeakyRelu",
    "Log", "Log1p", "LogicalNot", "Neg", "OnesLike", "PreventGradient", "Reciprocal", "Relu", "Relu6", "Rint",
    "Round", "Rsqrt", "Selu", "Sigmoid", "Sign", "Softplus", "Softsign", "Sqrt", "Square", "StopGradient", "Tanh",
    "ZerosLike",
})  # fmt: skip
_ONE_SHAPE = frozenset({
    "AddN", "EluGrad", "LeakyReluGrad", "ReciprocalGrad", "Relu6Grad", "ReluGrad", "RsqrtGrad", "SeluGrad",
    "SigmoidGrad", "SoftplusGrad", "SoftsignGrad", "SqrtGrad", "TanhGrad",
})  # fmt: skip
_BROADCASTING = frozenset({
    "Add", "AddV2", "ClipByValue", "Div", "DivNoNan", "Equal", "FloorDiv", "FloorMod", "Greater", "GreaterEqual",
    "Less", "LessEqual", "LogicalAnd", "LogicalOr", "Maximum", "Minimum", "Mul", "MulNoNan", "NotEqual", "Pow",
    "RealDiv", "SelectV2", "SquaredDifference", "Sub", "Xdivy", "Xlogy",
})  # fmt: skip


# --- ops with axes ---------------------------------------------------------------------------------------------------


def _moved_axes(value: Value) -> np.ndarray | None:
    """Constant axes of images with channels first, as those of images with channels last."""
    axes = constant_of(value)
    if axes is None or ((axes < -_RANK) | (axes >= _RANK)).any():
        return None
    return np.asarray(np.array(TO_FIRST, axes.dtype)[axes])


def _along_axis(axis: int, images: Callable[[Node], tuple[int, ...]]) -> Rule:
    """The rule of ops that join or split images along one axis, the input at position `axis` (from either end)."""

    def rule(node):
        position = axis % len(node.inputs)
        taken, moved = images(node), _moved_axes(node.inputs[position])
        if moved is None or not all(map(_is_image, [*node.outputs, *(node.inputs[i] for i in taken)])):
            return None
        return Move(taken, tuple(range(len(node.outputs))), constants={position: moved})

    return rule


def _reduction(node: Node) -> Move | None:
    """What is left of the dimensions stays an image, or is in one order whatever that of the image."""
    moved = _moved_axes(node.inputs[1])
    if moved is None or not _is_image(node.inputs[0]):
        return None
    if node.attrs.get("keep_dims"):
        return Move((0,), constants={1: moved}) if _is_image(node.outputs[0]) else None
    left = [axis for axis in TO_LAST if TO_FIRST[axis] not in moved]
    return Move((0,), (), constants={1: moved}) if left == sorted(left) else None


# --- ops with one number a dimension ---------------------------------------------------------------------------------


def _sized(images: tuple[int, ...], *vectors: int) -> Rule:
    """The rule of ops that take vectors of sizes or places, one number a dimension."""

    def rule(node):
        values = [*node.outputs, *(node.inputs[i] for i in images)]
        return Move(images, vectors=vectors) if all(map(_is_image, values)) else None

    return rule


def _padding(node: Node) -> Move | None:
    pads = constant_of(node.inputs[1])
    if pads is None or not _is_image(node.inputs[0]) or not _is_image(node.outputs[0]):
        return None
    return Move((0,), constants={1: pads[list(TO_LAST)]})


def _strided(image: int, *vectors: int) -> Rule:
    """The rule of slices, and of their gradient, that keep all dimensions; `image` is the position of what is moved."""
    first = len(vectors) or 1

    def rule(node):
        bounds = [b for b in map(constant_of, node.inputs[first : first + 3]) if b is not None]
        if any(node.attrs[f"{mask}_mask"] for mask in ("ellipsis", "new_axis", "shrink_axis")):
            return None
        if len(bounds) < 3 or not _is_image(node.inputs[image]) or not _is_image(node.outputs[0]):
            return None
        # Dimensions behind those that are named are taken whole.
        named = len(bounds[0])
        filled = [np.append(b, np.full(_RANK - named, n, b.dtype)) for b, n in zip(bounds, (0, 0, 1), strict=True)]
        attrs: dict[str, int] = {}
        for name in ("begin_mask", "end_mask"):
            mask = node.attrs[name] | -1 << named
            attrs[name] = sum((mask >> axis & 1) << place for place, axis in enumerate(TO_LAST))
        constants = {first + i: array[list(TO_LAST)] for i, array in enumerate(filled)}
        return Move((image,), vectors=vectors, constants=constants, attrs=attrs)

    return rule


_RULES: dict[str, Rule] = {
    **dict.fromkeys(_ONE_INPUT, _same_shape(0)),
    **dict.fromkeys(_ONE_SHAPE, _same_shape()),
    **dict.fromkeys(_BROADCASTING, _broadcasting),
    **dict.fromkeys(("Sum", "Mean", "Max", "Min", "Prod", "All", "Any", "ArgMax", "ArgMin"), _reduction),
    **dict.fromkeys(("Pad", "PadV2", "MirrorPad", "MirrorPadGrad"), _padding),
    **dict.fromkeys((f"FusedBatchNorm{v}" for v in ("", "V2", "V3")), _formatted((0,))),
    **dict.fromkeys((f"FusedBatchNormGrad{v}" for v in ("", "V2", "V3")), _formatted((0, 1))),
    **dict.fromkeys(("Conv2D", "DepthwiseConv2dNative", "MaxPool", "AvgPool", "BiasAdd"), _formatted((0,))),
    **dict.fromkeys(("Conv2DBackpropInput", "DepthwiseConv2dNativeBackpropInput"), _formatted((2,), vectors=(0,))),
    **dict.fromkeys(("Conv2DBackpropFilter", "DepthwiseConv2dNativeBackpropFilter"), _formatted((0, 2), ())),
    **dict.fromkeys(("MaxPoolGrad", "MaxPoolGradGrad"), _formatted((0, 1, 2))),
    **dict.fromkeys(("DepthToSpace", "SpaceToDepth"), _formatted((0,))),
    "AvgPoolGrad": _formatted((1,), vectors=(0,)),
    "BiasAddGrad": _formatted((0,), ()),
    "BroadcastTo": _sized((0,), 1),
    "Concat": _along_axis(0, lambda node: tuple(range(1, len(node.inputs)))),
    "ConcatV2": _along_axis(-1, lambda node: tuple(range(len(node.inputs) - 1))),
    "Fill": _sized((), 0),
    "L2Loss": lambda node: Move((0,), ()) if _is_image(node.inputs[0]) else None,
    "Select": _select,
    "Slice": _sized((0,), 1, 2),
    "Split": _along_axis(0, lambda node: (1,)),
    "SplitV": _along_axis(2, lambda node: (0,)),
    "StridedSlice": _strided(0),
    "StridedSliceGrad": _strided(4, 0),
    "Tile": _sized((0,), 1),
    "_Merge": _merge,
}  # fmt: skip
