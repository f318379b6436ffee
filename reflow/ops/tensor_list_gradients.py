"""Gradients of the TensorList ops: the gradient of a list is a list of the elements' gradients."""

from reflow.graph import dtypes
from reflow.graph.build import call
from reflow.graph.convert import to_tensor
from reflow.graph.registry import gradient
from reflow.ops import tensor_list_ops  # noqa: F401 - it registers the ops


def _element_shape(handle):
    return call("TensorListElementShape", handle, shape_type=dtypes.int32)


def _row_shape(tensor):
    """The shape of what stands along the first axis of a tensor."""
    from reflow.ops.shape_ops import shape
    from reflow.ops.slicing import slice_

    return slice_(shape(tensor), [1], [-1])


@gradient("TensorListPushBack")
def _push_back_gradient(op, grad):
    from reflow.ops.shape_ops import shape

    return call("TensorListPopBack", grad, shape(op.inputs[1]), element_dtype=op.get_attr("element_dtype"))


@gradient("TensorListPopBack")
def _pop_back_gradient(op, list_grad, element_grad):
    if list_grad is None:
        list_grad = call("EmptyTensorList", _element_shape(op.outputs[0]), -1, element_dtype=element_grad.dtype)
    return call("TensorListPushBack", list_grad, element_grad), None


def _shape_argument(dims):
    """A static shape as ops take it: -1 for what is not known."""
    if dims.ndims is None:
        return -1
    return [-1 if size is None else size for size in dims.as_list()] or to_tensor([], dtypes.int32)


@gradient("TensorListStack")
def _stack_gradient(op, grad):
    return call("TensorListFromTensor", grad, _shape_argument(grad.shape[1:])), None


@gradient("TensorListConcat", "TensorListConcatV2")
def _concat_gradient(op, grad, lengths_grad):
    pieces = call("TensorListSplit", grad, _element_shape(op.inputs[0]), op.outputs[1])
    return (pieces, None, None) if op.type == "TensorListConcatV2" else pieces


@gradient("TensorListSplit")
def _split_gradient(op, grad):
    from reflow.ops.joining import concat

    tensor, _, lengths = op.inputs
    element_shape = concat([[-1], _row_shape(tensor)], axis=0)
    joined = call("TensorListConcatV2", grad, element_shape, lengths, element_dtype=tensor.dtype)
    return joined[0], None, None


@gradient("TensorListFromTensor")
def _from_tensor_gradient(op, grad):
    tensor = op.inputs[0]
    count = tensor.shape.as_list()[0] if tensor.shape.ndims else None
    attrs = {} if count is None else {"num_elements": count}
    return call("TensorListStack", grad, _row_shape(tensor), element_dtype=tensor.dtype, **attrs), None


@gradient("TensorListGetItem")
def _get_item_gradient(op, grad):
    length = call("TensorListLength", op.inputs[0])
    reserved = call("TensorListReserve", _element_shape(op.inputs[0]), length, element_dtype=grad.dtype)
    return call("TensorListSetItem", reserved, op.inputs[1], grad), None, None


@gradient("TensorListSetItem")
def _set_item_gradient(op, grad):
    from reflow.ops.constant import zeros_like
    from reflow.ops.shape_ops import shape

    _, index, item = op.inputs
    rest = call("TensorListSetItem", grad, index, zeros_like(item))
    return rest, None, call("TensorListGetItem", grad, index, shape(item), element_dtype=item.dtype)


@gradient("TensorListResize")
def _resize_gradient(op, grad):
    return call("TensorListResize", grad, call("TensorListLength", op.inputs[0])), None


@gradient("TensorListGather")
def _gather_gradient(op, grad):
    handle, indices, _ = op.inputs
    reserved = call("TensorListReserve", _element_shape(handle), call("TensorListLength", handle),
                    element_dtype=grad.dtype)  # fmt: skip
    return call("TensorListScatterIntoExistingList", reserved, grad, indices), None, None


def _gathered(grad, tensor, indices):
    return call("TensorListGather", grad, indices, _row_shape(tensor), element_dtype=tensor.dtype)


@gradient("TensorListScatter", "TensorListScatterV2")
def _scatter_gradient(op, grad):
    return _gathered(grad, *op.inputs[:2]), *[None] * (len(op.inputs) - 1)


@gradient("TensorListScatterIntoExistingList")
def _scatter_into_gradient(op, grad):
    from reflow.ops.constant import zeros_like

    _, tensor, indices = op.inputs
    tensor_grad = _gathered(grad, tensor, indices)
    return call("TensorListScatterIntoExistingList", grad, zeros_like(tensor), indices), tensor_grad, None
