"""What TensorFlow's kernels say of inputs whose shapes do not fit, where that is more than the shape rules say."""

from collections.abc import Callable

from reflow.engine.passes.rewriting import constant_of
from reflow.engine.plan import Node
from reflow.graph.shapes import dims_in_brackets
from reflow.ops import windows

Shapes = list[tuple[int, ...]]


def words_for(node: Node) -> str | None:
    """The message for a node whose inputs have known shapes, or None where there is none of its own."""
    words = _WORDS.get(node.type)
    return words(node, [tuple(size or 0 for size in v.dims or ()) for v in node.inputs]) if words is not None else None


def _convolution(node: Node, shapes: Shapes) -> str | None:
    image, filters = shapes
    if len(image) != 4:
        return f"input must be 4-dimensional{dims_in_brackets(image)}"
    if len(filters) != 4:
        return f"filter must be 4-dimensional: {dims_in_brackets(filters)}"
    layout = node.attrs["data_format"]
    frames = windows.windows_of(node.attrs, filters[:2], layout)
    for window, size in zip(frames, windows.spatial(image, layout), strict=True):
        room = size + window.before + window.after - window.extent + window.stride
        if room < 0 and window.padding != b"SAME":
            return (f"Computed output size would be negative: {-(-room // window.stride)} [input_size: {size}, "
                    f"effective_filter_size: {window.extent}, stride: {window.stride}]")  # fmt: skip
    return None


def _pool(node: Node, shapes: Shapes) -> str | None:
    rank = len(shapes[0])
    return f"tensor_in_shape must have 2 spatial dimensions. {rank} 0" if rank != 4 else None


def _concatenation(node: Node, shapes: Shapes) -> str | None:
    first, *others = shapes[: node.attrs["N"]]
    axis = constant_of(node.inputs[-1])
    for i, other in enumerate(others, 1):
        unlike = [a for a, sizes in enumerate(zip(first, other, strict=False)) if len(set(sizes)) > 1]
        same_rank = len(other) == len(first)
        if not same_rank or axis is not None and set(unlike) - {int(axis) % len(first)}:
            what = "Dimensions of inputs" if same_rank else "Ranks of all input tensors"
            return (f"ConcatOp : {what} should match: shape[0] = {dims_in_brackets(first)} vs. "
                    f"shape[{i}] = {dims_in_brackets(other)}")  # fmt: skip
    return None


def _unlike_first(words: str) -> Callable[[Node, Shapes], str | None]:
    """For ops whose inputs have one shape: `words` with the first shape, and number and shape of one that differs."""

    def find(node: Node, shapes: Shapes) -> str | None:
        i = next((i for i, shape in enumerate(shapes) if shape != shapes[0]), None)
        if i is None:
            return None
        return words.format(name=node.name, first=dims_in_brackets(shapes[0]), i=i, other=dims_in_brackets(shapes[i]))

    return find


def _batch_product(node: Node, shapes: Shapes) -> str | None:
    a, b = shapes
    for i, shape in enumerate(shapes):
        if len(shape) < 2:
            return f"In[{i}] ndims must be >= 2: {len(shape)}"
    depth = a[-2] if node.attrs["adj_x"] else a[-1], b[-1] if node.attrs["adj_y"] else b[-2]
    if depth[0] != depth[1]:
        return (f"In[0] mismatch In[1] shape: {depth[0]} vs. {depth[1]}: {dims_in_brackets(a)} {dims_in_brackets(b)} "
                f"{node.attrs['adj_x']:d} {node.attrs['adj_y']:d}")  # fmt: skip
    return f"In[0] and In[1] must have compatible batch dimensions: {dims_in_brackets(a)} vs. {dims_in_brackets(b)}"


def _split(node: Node, shapes: Shapes) -> str | None:
    axis, (_, shape) = constant_of(node.inputs[0]), shapes
    if axis is None:
        return None
    return (f"Number of ways to split should evenly divide the split dimension, but got split_dim {int(axis)} (size = "
            f"{shape[int(axis)]}) and num_split {node.attrs['num_split']}")  # fmt: skip


def _transposition(node: Node, shapes: Shapes) -> str | None:
    return f"transpose expects a vector of size {len(shapes[0])}. But input(1) is a vector of size {shapes[1][0]}"


def _tile(node: Node, shapes: Shapes) -> str | None:
    rank = len(shapes[0])
    return f"Expected multiples argument to be a vector of length {rank} but got length {shapes[1][0]}"


def _padding(node: Node, shapes: Shapes) -> str | None:
    return ("The first dimension of paddings must be the rank of inputs"
            f"{dims_in_brackets(shapes[1])} {dims_in_brackets(shapes[0])}")  # fmt: skip


def _cross_entropy(node: Node, shapes: Shapes) -> str | None:
    return ("logits and labels must be broadcastable: "
            f"logits_size={dims_in_brackets(shapes[0])} labels_size={dims_in_brackets(shapes[1])}")  # fmt: skip


def _image_of_rank_4(node: Node, shapes: Shapes) -> str | None:
    return "in must be 4-dimensional" if len(shapes[0]) != 4 else None


def _softmax(node: Node, shapes: Shapes) -> str | None:
    return "logits must have >= 1 dimension, got []"


_WORDS: dict[str, Callable[[Node, Shapes], str | None]] = {
    "AddN": _unlike_first("Inputs to operation {name} of type AddN must have the same size and shape.  Input 0: "
                          "{first} != input {i}: {other}"),
    "AvgPool": _pool,
    "BatchMatMul": _batch_product,
    "BatchMatMulV2": _batch_product,
    "ConcatV2": _concatenation,
    "Conv2D": _convolution,
    "LRN": _image_of_rank_4,
    "LogSoftmax": _softmax,
    "MaxPool": _pool,
    "Pack": _unlike_first("Shapes of all inputs must match: values[0].shape = {first} != values[{i}].shape = {other}"),
    "Pad": _padding,
    "Softmax": _softmax,
    "SoftmaxCrossEntropyWithLogits": _cross_entropy,
    "Split": _split,
    "Tile": _tile,
    "Transpose": _transposition,
}  # fmt: skip
