"""Floating-point operations of single operations, counted as TensorFlow's profiler counts them.

A product or convolution counts multiplications and additions, everything else what it does to each element.
"""

from math import prod

from reflow.graph.statistics import OpStats, RegisterStatistics

KIND = "flops"
# Operations for each element of the first input, or of the output.
_PER_INPUT = {"Reciprocal": 1, "Square": 1, "Rsqrt": 2, "Log": 1, "Neg": 1, "AssignSub": 1, "AssignAdd": 1,
              "Softmax": 5}  # fmt: skip
_PER_OUTPUT = {"Add": 1, "AddV2": 1, "Sub": 1, "Mul": 1, "RealDiv": 1, "Maximum": 1, "Minimum": 1, "Pow": 1,
               "RsqrtGrad": 4, "GreaterEqual": 1, "Greater": 1, "LessEqual": 1, "Less": 1, "Equal": 1, "NotEqual": 1,
               "SquaredDifference": 2, "BiasAdd": 1}  # fmt: skip
# Operations that finish each element of a reduction's output.
_REDUCTIONS = {"Mean": 1, "Sum": 0, "ArgMax": 0, "ArgMin": 0, "BiasAddGrad": 0}


def _dims(graph, name: str) -> tuple[int, ...]:
    """The dims of a tensor, named as NodeDefs name their inputs."""
    name, _, index = name.removeprefix("^").partition(":")
    dims = graph.get_operation_by_name(name).outputs[int(index or 0)].dims
    if dims is None or None in dims:
        raise ValueError(f"Shape of {name} is not fully defined")
    return dims


def _size(graph, name: str) -> int:
    return prod(_dims(graph, name))


def _register(op_type: str, count) -> None:
    RegisterStatistics(op_type, KIND)(lambda graph, node: OpStats(KIND, count(graph, node)))


def _per_input(factor):
    return lambda graph, node: factor * _size(graph, node.input[0])


def _per_output(factor):
    return lambda graph, node: factor * _size(graph, node.name)


def _reduction(finish):
    return lambda graph, node: _size(graph, node.input[0]) + (finish - 1) * _size(graph, node.name)


def _l2_loss(graph, node) -> int:
    return 3 * _size(graph, node.input[0]) - 1


def _add_n(graph, node) -> int:
    return _size(graph, node.input[0]) * (node.attr["N"].i - 1)


def _matmul(graph, node) -> int:
    inner = _dims(graph, node.input[0])[0 if node.attr["transpose_a"].b else -1]
    return 2 * inner * _size(graph, node.name)


def _batch_matmul(graph, node) -> int:
    inner = _dims(graph, node.input[0])[-2 if node.attr["adj_x"].b else -1]
    return 2 * inner * _size(graph, node.name)


def _check_layout(node) -> None:
    if node.attr["data_format"].s not in (b"", b"NHWC"):
        raise ValueError("Only NHWC format is supported in flops computations")


def _window(node) -> int:
    _check_layout(node)
    return prod(node.attr["ksize"].list.i)


def _pool(graph, node) -> int:
    return _window(node) * _size(graph, node.name)


def _average_pool_gradient(graph, node) -> int:
    return 2 * _window(node) * _size(graph, node.input[1])


def _max_pool_gradient(graph, node) -> int:
    return (_window(node) + 1) * _size(graph, node.input[1])


def _convolution(graph, node) -> int:
    """Each element of the output takes a window of all input channels."""
    return 2 * _size(graph, node.name) * prod(_dims(graph, node.input[1])[:-1])


def _depthwise_convolution(graph, node) -> int:
    height, width = _dims(graph, node.input[1])[:2]
    return 2 * _size(graph, node.name) * height * width


def _convolution_gradient(image: int | None, filters: int | None):
    """The count of a convolution's gradient; positions of image and filters among its inputs, None for the output."""

    def count(graph, node) -> int:
        _check_layout(node)
        dims = _dims(graph, node.name if image is None else node.input[image])
        window = _size(graph, node.name if filters is None else node.input[filters])
        strides = node.attr["strides"].list.i
        return int(2 * prod(dims) * window / (dims[-1] * strides[1] * strides[2]))

    return count


def _dilation(graph, node) -> int:
    """An addition and a maximum for each element of the window."""
    return 2 * _size(graph, node.name) * prod(_dims(graph, node.input[1])[:2])


for _table, _make in ((_PER_INPUT, _per_input), (_PER_OUTPUT, _per_output), (_REDUCTIONS, _reduction)):
    for _op_type, _factor in _table.items():
        _register(_op_type, _make(_factor))
for _op_type, _count in {
    "L2Loss": _l2_loss, "AddN": _add_n, "MatMul": _matmul, "BatchMatMul": _batch_matmul,
    "AvgPool": _pool, "MaxPool": _pool, "AvgPoolGrad": _average_pool_gradient, "MaxPoolGrad": _max_pool_gradient,
    "Conv2D": _convolution, "Conv3D": _convolution,
    "DepthwiseConv2dNative": _depthwise_convolution, "Dilation2D": _dilation,
    "Conv2DBackpropInput": _convolution_gradient(None, 1), "Conv2DBackpropFilter": _convolution_gradient(0, None),
}.items():  # fmt: skip
    _register(_op_type, _count)
