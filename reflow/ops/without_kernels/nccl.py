"""Reductions and broadcasts over GPUs with NVIDIA's NCCL."""

from reflow.graph.build import call
from reflow.graph.context import device
from reflow.graph.device import canonical_name
from reflow.graph.registry import gradient
from reflow.ops.shape_rules import same_shape, unchanged_shape
from reflow.ops.without_kernels.definition import define_without_kernel

_REDUCTION = "reduction: string in min|max|prod|sum, T: type in half|float|double|int32|int64"

define_without_kernel("NcclAllReduce", "input: T -> data: T", f"{_REDUCTION}, num_devices: int, shared_name: string",
                      shape=unchanged_shape, is_stateful=True)  # fmt: skip
define_without_kernel("NcclReduce", "input: num_devices*T -> data: T", f"{_REDUCTION}, num_devices: int >= 1",
                      shape=same_shape, is_stateful=True)  # fmt: skip
define_without_kernel("NcclBroadcast", "input: T -> output: T",
                      "T: type in half|float|double|int32|int64, shape: shape", shape=unchanged_shape,
                      is_stateful=True)  # fmt: skip


def _check_sum(op) -> None:
    if op.get_attr("reduction") != b"sum":
        raise LookupError(f"No gradient defined for {op.type} except sum.")


def _check_device(tensor, expected: str = "") -> None:
    if not canonical_name(tensor.device):
        raise ValueError("Device assignment required for nccl collective ops")
    if expected and expected != tensor.device:
        raise ValueError(f"Expected device {expected}, got {tensor.device}")


@gradient("NcclAllReduce")
def _all_reduce_gradient(op, grad):
    _check_sum(op)
    _check_device(grad, op.device)
    with device(op.device):
        return call("NcclAllReduce", grad, reduction="sum", num_devices=op.get_attr("num_devices"),
                    shared_name=op.get_attr("shared_name") + b"_grad")  # fmt: skip


@gradient("NcclReduce")
def _reduce_gradient(op, grad):
    _check_sum(op)
    _check_device(grad, op.device)
    with device(op.device):
        result = call("NcclBroadcast", grad, shape=grad.shape)
    return [result] * len(op.inputs)


@gradient("NcclBroadcast")
def _broadcast_gradient(op, accumulated_grad):
    """The sum that autodiff made of the single gradients becomes a reduction where they are."""
    grads = list(accumulated_grad.op.inputs)
    for grad in grads:
        _check_device(grad)
    with device(op.device):
        return call("NcclReduce", grads, reduction="sum")
