"""Switch and Merge: tensors that go one way or the other, and the two ways joined.

A tensor that a Switch does not pass on is dead, and so is everything computed from it. The engine turns that into
`if` and `else`; see `engine/passes/conditionals.py`.
"""

from reflow.graph import dtypes
from reflow.graph.build import call
from reflow.graph.context import colocate_with, control_dependencies, name_scope
from reflow.graph.convert import to_tensor
from reflow.graph.indexed_slices import IndexedSlices
from reflow.graph.operation import Tensor
from reflow.graph.registry import define_op, gradient
from reflow.graph.sparse_tensor import SparseTensor
from reflow.ops.shape_rules import with_rank

SWITCHES = frozenset({"Switch", "RefSwitch"})
MERGES = frozenset({"Merge", "RefMerge"})


# --- ops ------------------------------------------------------------------------------------------------------------


def _switch_shape(op):
    with_rank(op._inputs[1].dims, 0)
    return [op._inputs[0].dims] * 2


def _merge_shape(op):
    return [common_dims([t.dims for t in op._inputs]), ()]


def common_dims(all_dims):
    """What several raw dims agree on: each size in which they are equal, if their ranks are."""
    if any(d is None or len(d) != len(all_dims[0]) for d in all_dims):
        return None
    return tuple(sizes[0] if len(set(sizes)) == 1 else None for sizes in zip(*all_dims, strict=True))


define_op("Switch", "data: T, pred: bool -> output_false: T, output_true: T", "T: type", shape=_switch_shape)
define_op("RefSwitch", "data: ref T, pred: bool -> output_false: ref T, output_true: ref T", "T: type",
          shape=_switch_shape, allows_uninitialized_input=True)  # fmt: skip
define_op("Merge", "inputs: N*T -> output: T, value_index: int32", "T: type, N: int >= 1", shape=_merge_shape)
define_op("RefMerge", "inputs: ref N*T -> output: ref T, value_index: int32", "T: type, N: int >= 1",
          shape=_merge_shape)  # fmt: skip


# --- gradients ------------------------------------------------------------------------------------------------------


@gradient("Switch", "RefSwitch")
def _switch_gradient(op, *grads):
    context = op._control_flow_context
    if context is None:
        false_grad = switch(grads[0], op.inputs[1])[0]
        true_grad = switch(grads[1], op.inputs[1])[1]
        return merge([false_grad, true_grad])[0], None
    taken, other = grads[context.branch], grads[1 - context.branch]
    if other is not None:
        return merge(list(grads), name="cond_grad")[0], None
    if op.inputs[0].dtype is dtypes.resource:
        # The other way has no gradient: none of the variable's value is taken there.
        return merge([taken] * 2, name="cond_resource_grad")[0], None
    return None, None


@gradient("Merge", "RefMerge")
def _merge_gradient(op, grad, _):
    context = op.inputs[0].op._control_flow_context
    if context is not None:
        return switch_ref_or_tensor(grad, context.pred, name="cond_grad")
    chosen = [call("Equal", op.outputs[1], i) for i in range(len(op.inputs))]
    return [switch_ref_or_tensor(grad, each)[1] for each in chosen]


def zeros_of_switch(op, index):
    """The zero gradient of an output of a Switch, made only where the other output lives."""
    from reflow.ops.constant import zeros
    from reflow.ops.resource_variable import handle_shape_and_type
    from reflow.ops.shape_ops import shape_internal

    value, context = op.outputs[index], op._control_flow_context
    if context is None:
        return call("ZerosLike", value, name="zeros_like")
    other = switch(op.inputs[0], context.pred)[1 - context.branch]
    # Control edges start at an operation, not at one of its outputs: this one lives on the other way alone.
    pivot = call("Identity", other)
    if value.dtype is dtypes.resource:
        with control_dependencies([pivot]):
            shape = call("VariableShape", other, out_type=dtypes.int32)
            return zeros(shape, handle_shape_and_type(value)[1] or dtypes.float32)
    shape = shape_internal(other, optimize=False)
    with control_dependencies([pivot]):
        return zeros(shape, value.dtype)


# --- functions ------------------------------------------------------------------------------------------------------


def components(value):
    """The tensors that a Tensor or composite tensor (IndexedSlices, SparseTensor, RaggedTensor) is made of."""
    return list(value._to_components()) if hasattr(value, "_to_components") else [value]


def from_components(like, tensors):
    """A value of the kind of `like` made of other tensors."""
    if isinstance(like, (IndexedSlices, SparseTensor)):
        return type(like)(*tensors)
    return like._type_spec._from_components(tensors) if hasattr(like, "_to_components") else tensors[0]


def to_composite(value, name=None, as_ref=False):
    """The value itself if it is a composite tensor, else the tensor it converts to."""
    if hasattr(value, "_to_components"):
        return value
    return to_tensor(value, name=name, as_ref=as_ref)


def switch(data, pred, dtype=None, name=None):
    """Passes `data` on to one of two outputs; what takes the other does not run.

    Args:
      data: a Tensor, IndexedSlices or SparseTensor.
      pred: bool scalar.
      dtype: the type that `data` is converted to.
      name: the node's name.

    Returns:
      (what lives if `pred` is false, what lives if it is true), each like `data`.
    """
    with name_scope(name, "Switch", [data, pred]) as scope:
        if dtype is not None:
            data = to_tensor(data, dtype, "data", as_ref=True)
        data = to_composite(data, "data", as_ref=True)
        pred = to_tensor(pred, name="pred")
        if isinstance(data, Tensor):
            return call("Switch", data, pred, name=scope)
        pairs = [call("Switch", part, pred) for part in components(data)]
        return tuple(from_components(data, way) for way in zip(*pairs, strict=True))


def switch_ref_or_tensor(data, pred, name="Switch"):
    """As `switch`, beside `data`; a reference stays one.

    Args:
      data: a Tensor, IndexedSlices or SparseTensor.
      pred: bool scalar.
      name: the node's name.

    Returns:
      (what lives if `pred` is false, what lives if it is true), each like `data`.
    """
    data = to_composite(data, "data")
    with colocate_with(data, ignore_existing=True):
        if isinstance(data, Tensor) and data.dtype.is_ref:
            return call("RefSwitch", data, pred, name=name)
        return switch(data, pred, name=name)


def merge(inputs, name=None):
    """The one of several values that lives.

    Args:
      inputs: Tensors, IndexedSlices or SparseTensors, of which at most one lives when it runs. Tensors beside
        IndexedSlices become IndexedSlices.
      name: the node's name.

    Returns:
      (the living value, its int32 position in `inputs`).

    Raises:
      ValueError: if an input is None, or only some of several IndexedSlices have a dense shape.
    """
    if any(value is None for value in inputs):
        raise ValueError(f"At least one of the merge inputs is None: {inputs}")
    with name_scope(name, "Merge", inputs) as scope:
        inputs = [to_composite(value, as_ref=True) for value in inputs]
        if all(isinstance(value, Tensor) for value in inputs):
            op_name = "RefMerge" if all(value.dtype.is_ref for value in inputs) else "Merge"
            return call(op_name, inputs, name=scope)
        if all(isinstance(value, (IndexedSlices, Tensor)) for value in inputs):
            inputs = _as_slices_alike(inputs)
        parts = [components(value) for value in inputs]
        if any(type(value) is not type(inputs[0]) for value in inputs) or len(set(map(len, parts))) != 1:
            raise ValueError(f"The inputs of merge have different structures: {inputs}")
        merged = [call("Merge", list(part)) for part in zip(*parts, strict=True)]
        return from_components(inputs[0], [m.output for m in merged]), merged[0].value_index


def _as_slices_alike(values):
    """All values as IndexedSlices whose indices have one type."""
    slices = [_as_slices(value) for value in values]
    wanted = dtypes.int64 if any(s.indices.dtype is dtypes.int64 for s in slices) else dtypes.int32
    return [s if s.indices.dtype is wanted else
            IndexedSlices(s.values, call("Cast", s.indices, DstT=wanted), s.dense_shape) for s in slices]  # fmt: skip


def _as_slices(value):
    from reflow.ops.ranges import range as range_
    from reflow.ops.shape_ops import shape_internal

    if isinstance(value, IndexedSlices):
        return value
    shape = shape_internal(value, optimize=False)
    return IndexedSlices(value, range_(0, shape[0]), shape)
