"""tf.gradients: symbol-to-symbol reverse mode. It adds ordinary nodes to the graph, named as TensorFlow names them."""

import contextlib
import functools
import gc
from collections import deque
from enum import Enum

from reflow.gradient_registry import custom_gradient, gradient_function
from reflow.graph import dtypes, nest
from reflow.graph.build import call
from reflow.graph.context import control_dependencies, name_scope
from reflow.graph.convert import to_tensor
from reflow.graph.dtypes import DType
from reflow.graph.export import export
from reflow.graph.graph import Graph, get_default_graph
from reflow.graph.indexed_slices import IndexedSlices, convert_to_tensor_or_indexed_slices
from reflow.graph.jit_scope import gradient_scope
from reflow.graph.operation import Operation, Tensor, pinned_stack
from reflow.graph.registry import MISSING
from reflow.graph.shapes import merge_dims
from reflow.ops.accumulation import accumulate_n
from reflow.ops.constant import zeros, zeros_like
from reflow.ops.control import tuple_
from reflow.ops.control_flow import SWITCHES, zeros_of_switch
from reflow.ops.joining import concat
from reflow.ops.resource_variable import variable_shape
from reflow.ops.shape_ops import shape

# Outputs of these types get zeros where no gradient reaches them; gradients flow through bfloat16 as well.
_TRAINABLE = frozenset({dtypes.float16, dtypes.float32, dtypes.float64, dtypes.complex64, dtypes.complex128,
                        dtypes.resource, dtypes.variant})  # fmt: skip
# By number: hashing those is quicker.
_BACKPROPAGATED = frozenset(t.as_datatype_enum for d in (*_TRAINABLE, dtypes.bfloat16) for t in (d, d._as_ref))


@export("AggregationMethod")
class AggregationMethod:
    """How several gradients of one tensor are summed."""

    ADD_N = 0
    DEFAULT = ADD_N
    EXPERIMENTAL_TREE = 1
    EXPERIMENTAL_ACCUMULATE_N = 2


@export("UnconnectedGradients")
class UnconnectedGradients(Enum):
    """What the gradient of something that does not depend on it is: None, or zeros."""

    NONE = "none"
    ZERO = "zero"


@export("gradients")
def gradients(ys, xs, grad_ys=None, name="gradients", colocate_gradients_with_ops=False, gate_gradients=False,
              aggregation_method=None, stop_gradients=None,
              unconnected_gradients=UnconnectedGradients.NONE):  # fmt: skip
    """Adds nodes that compute the derivatives of the sum of `ys` with respect to each of `xs`.

    Args:
      ys: a tensor or list of tensors to differentiate.
      xs: a tensor (or variable) or list of them to differentiate by.
      grad_ys: for each y the gradient that flows into it, of y's shape and type; ones if None.
      name: the name scope of the new nodes.
      colocate_gradients_with_ops: place the gradient of an operation where the operation is.
      gate_gradients: let no gradient of an operation be used before all of them are computed.
      aggregation_method: one of `AggregationMethod`.
      stop_gradients: tensors taken as constants: nothing flows through them.
      unconnected_gradients: an `UnconnectedGradients` (or its value): what an x that no y depends on gets.

    Returns:
      A list with, for each x, a Tensor, an IndexedSlices, or None.

    Raises:
      LookupError: if an operation between has no gradient.
      ValueError: if the arguments do not fit each other.
      TypeError: if a type cannot be differentiated.
    """
    ys, xs = _as_list(ys), _as_list(xs)
    stop_gradients = _as_list(stop_gradients)
    grad_ys = [None] * len(ys) if grad_ys is None else _as_list(grad_ys)
    _check_arguments(ys, grad_ys, aggregation_method, unconnected_gradients)
    unconnected = UnconnectedGradients(unconnected_gradients)
    with name_scope(name, "gradients", [*ys, *xs, *stop_gradients, *[g for g in grad_ys if g is not None]]) as scope:
        ys = [y if isinstance(y, Tensor) else to_tensor(y, name="y") for y in ys]
        xs = [_x_tensor(x) for x in xs]
        reverse = _Reverse(get_default_graph(), ys, xs, [_x_tensor(s) for s in stop_gradients],
                           colocate_gradients_with_ops, gate_gradients, aggregation_method, scope)  # fmt: skip
        reverse.start(ys, _default_gradients(grad_ys, ys, colocate_gradients_with_ops))
        with paused_garbage_collection(), pinned_stack():
            reverse.run()
    if unconnected is UnconnectedGradients.NONE:
        return [reverse.summed.get(x) for x in xs]
    return [_zeros_for(x) if reverse.summed.get(x) is None else reverse.summed[x] for x in xs]


def _check_arguments(ys, grad_ys, aggregation_method, unconnected_gradients) -> None:
    if len(grad_ys) != len(ys):
        raise ValueError(f"Passed {len(grad_ys)} grad_ys for {len(ys)} ys")
    if aggregation_method not in (None, AggregationMethod.ADD_N, AggregationMethod.EXPERIMENTAL_TREE,
                                  AggregationMethod.EXPERIMENTAL_ACCUMULATE_N):  # fmt: skip
        raise ValueError(f"Invalid aggregation_method specified {aggregation_method}.")
    if not isinstance(unconnected_gradients, UnconnectedGradients) and unconnected_gradients not in ("none", "zero"):
        raise ValueError(f"Unknown value for unconnected_gradients: {unconnected_gradients!r}")


def _as_list(value) -> list:
    if value is None:
        return []
    return list(value) if isinstance(value, (list, tuple)) else [value]


def _x_tensor(x) -> Tensor:
    """The tensor that stands for x in the graph: the handle of a resource variable, the reference of the other kind."""
    if isinstance(x, Tensor):
        return x
    handle = getattr(x, "handle", None)
    if isinstance(handle, Tensor):
        return handle
    return to_tensor(x, name="x", as_ref=True)


def _zeros_for(x: Tensor):
    """The gradient of something that no y depends on; for a resource variable in the shape of its value."""
    if x.dtype is not dtypes.resource:
        return zeros_like(x)
    return zeros(variable_shape(x), x.op.attrs["dtype"])


def _default_gradients(grad_ys, ys, colocate) -> list:
    """For each y the gradient that is fed into it: what the caller gave, checked, or ones."""
    grad_ys = [g if g is None else convert_to_tensor_or_indexed_slices(g, name=f"grad_y_{i}")
               for i, g in enumerate(grad_ys)]  # fmt: skip
    result = []
    for i, (grad_y, y) in enumerate(zip(grad_ys, ys, strict=True)):
        with _colocated(y.op, colocate):
            if grad_y is not None:
                _check_gradient_type(grad_y, y)
                result.append(_own_node(grad_y, f"grad_ys_{i}"))
            elif y.dtype.is_complex:
                raise TypeError(f"Gradients of complex tensors must set grad_ys (y.dtype = {y.dtype!r})")
            else:
                size = shape(y)
                one = to_tensor(1, y.dtype.base_dtype, name=f"grad_ys_{i}")
                result.append(call("Fill", size, one, name="Fill", index_type=dtypes.int32))
    return result


def _check_gradient_type(grad_y, y: Tensor) -> None:
    wanted, given = y.dtype.base_dtype, grad_y.dtype.base_dtype
    words = f"tensor {y} with type {y.dtype.name}"
    if wanted.is_floating or wanted.is_integer:
        if not given.is_floating and not given.is_integer:
            raise TypeError(f"Gradient type {given.name} generated for real or integer-valued {words} must be real or "
                            "integer")  # fmt: skip
    elif wanted.is_complex:
        if not given.is_complex:
            raise TypeError(f"Gradient type {given.name} generated for complex-valued {words} must be real")
    elif wanted is dtypes.variant:
        if given is not dtypes.variant:
            raise TypeError(f"Gradient type {given.name} generated for variant {words} must be variant")
    elif wanted is dtypes.resource:
        if given is dtypes.resource:
            raise TypeError(f"Input gradient {grad_y} for resource tensor {y} should not be a resource")
    else:
        raise TypeError(f"Tensor {y} with type {y.dtype.name} must be numeric to obtain a default gradient")


def _own_node(grad_y, name: str):
    """The given gradient as nodes of this call's own, which tell whose gradient a TensorArray's is."""
    if not isinstance(grad_y, IndexedSlices):
        return call("Identity", grad_y, name=name)
    dense_shape = grad_y.dense_shape
    return IndexedSlices(
        indices=call("Identity", grad_y.indices, name=f"{name}_indices"),
        values=call("Identity", grad_y.values, name=f"{name}_values"),
        dense_shape=None if dense_shape is None else call("Identity", dense_shape, name=f"{name}_shape"),
    )


@contextlib.contextmanager
def paused_garbage_collection():
    """While thousands of objects are made that all stay, looking for garbage among them only takes time."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


@contextlib.contextmanager
def _colocated(operation: Operation, colocate: bool):
    if not colocate:
        yield
        return
    with get_default_graph().colocate_with(operation):
        yield


class _Reverse:
    """One reverse sweep: gradients by tensor, and how many consumers each operation still waits for."""

    def __init__(self, graph: Graph, ys, xs, stops, colocate: bool, gate: bool, aggregation, scope: str):
        self._graph = graph
        self._colocate = colocate
        self._gate = gate
        self._aggregation = aggregation
        self._scope = scope
        # tensor -> the gradients that have reached it so far.
        self._gradients: dict[Tensor, list] = {}
        # x -> its gradient, once all parts have reached it.
        self.summed: dict[Tensor, object] = {}
        self._wanted = set(xs)
        self._pending = _count_pending([y.op for y in ys], [x.op for x in xs])
        self._stops = _stop_operations([x.op for x in xs], [s.op for s in stops], self._pending)
        self._queue: deque[Operation] = deque()

    def start(self, ys, grads) -> None:
        """Put the gradients of the ys in place and queue their operations."""
        queued = set()
        for y, gradient in zip(ys, grads, strict=True):
            self._gradients.setdefault(y, []).append(gradient)
        for y in ys:
            if y.op not in queued and self._pending.get(y.op) == 0:
                queued.add(y.op)
                self._queue.append(y.op)

    def run(self) -> None:
        """Visit operations until no gradient is left to pass on."""
        while self._queue:
            operation = self._queue.popleft()
            if self._colocate:
                with self._graph.colocate_with(operation):
                    self._visit(operation)
            else:
                self._visit(operation)
            self._release_inputs(operation)

    def _visit(self, operation: Operation) -> None:
        grads = [self._take(t) for t in operation.outputs]
        missing = sum([g is None for g in grads])
        if missing == len(grads) or operation in self._stops:
            return
        function = gradient_function(operation)
        if function is MISSING:
            raise LookupError(f"No gradient defined for operation '{operation.name}' (op type: {operation.type})")
        if function is None:
            return
        if missing:
            grads = [self._zeros(t) if g is None and t.dtype.base_dtype in _TRAINABLE else g
                     for g, t in zip(grads, operation.outputs, strict=True)]  # fmt: skip
        results = self._differentiated(operation, function, grads)
        for i, (tensor, gradient) in enumerate(zip(operation._inputs, results, strict=True)):
            if gradient is not None:
                _merge_shape(gradient, operation, i)
                self._gradients.setdefault(tensor, []).append(gradient)

    def _differentiated(self, operation: Operation, function, grads: list) -> list:
        """What a gradient function returns, called in the name scope that belongs to `operation`."""
        graph = self._graph
        outer_scope = graph._name_stack
        graph._name_stack = graph.unique_name(f"{operation.name}_grad")
        first_new = graph._version
        try:
            with gradient_scope(operation, self._scope):
                results = function(operation, *grads)
            results = list(results) if isinstance(results, (list, tuple)) else [results]
            self._check(operation, results)
            if self._gate and sum(r is not None for r in results) > 1:
                results = self._gated(results)
        finally:
            graph._name_stack = outer_scope
        for new in graph._operations[first_new:]:
            new._original_op = operation
        return results

    def _take(self, tensor: Tensor):
        parts = self._gradients.pop(tensor, None)
        if parts is None:
            return None
        total = self._sum(parts, tensor.op)
        if tensor in self._wanted:
            self.summed[tensor] = total
        return total

    def _zeros(self, tensor: Tensor):
        if tensor.op.type in SWITCHES:
            return zeros_of_switch(tensor.op, tensor.value_index)
        if tensor.dtype.base_dtype is dtypes.resource:
            return None
        return call("ZerosLike", tensor, name="zeros_like")

    def _sum(self, parts: list, operation: Operation):
        """The sum of the gradients of one output of `operation`."""
        if len(parts) == 1 and type(parts[0]) is Tensor:
            return parts[0]
        if not all(isinstance(p, (Tensor, IndexedSlices)) for p in parts):
            raise TypeError("gradients have to be either all Tensors or all IndexedSlices")
        if len(parts) == 1:
            return parts[0]
        if all(isinstance(p, IndexedSlices) for p in parts):
            return _concatenate_slices(parts)
        if not all(isinstance(p, Tensor) for p in parts):
            return call("AddN", parts, name="AddN")
        if self._aggregation in (None, AggregationMethod.ADD_N):
            return self._sum_beside_first(parts)
        dims = None
        for part in parts:
            dims = merge_dims(dims, part.dims)
        is_static = dims is not None and None not in dims
        if self._aggregation == AggregationMethod.EXPERIMENTAL_ACCUMULATE_N and len(parts) > 2 and is_static:
            return accumulate_n(parts)
        with name_scope(f"{operation.name}_gradient_sum"):
            total = parts[0]
            for part in parts[1:]:
                total = call("AddN", [total, part], name="AddN")
            return total

    def _sum_beside_first(self, parts: list[Tensor]) -> Tensor:
        """The sum, made on each device of the parts that are there, beside the first of them."""
        by_device: dict[str, list[Tensor]] = {}
        for part in parts:
            by_device.setdefault(part.device, []).append(part)
        sums = []
        for _, group in sorted(by_device.items()):
            with self._graph.colocate_with(group[0].op, ignore_existing=True):
                sums.append(call("AddN", group, name="AddN") if len(group) > 1 else group[0])
        return sums[0] if len(sums) == 1 else call("AddN", sums, name="AddN")

    def _gated(self, results: list) -> list:
        with self._graph.device(None), self._graph.colocate_with(None, ignore_existing=True):
            return tuple_(results)

    def _check(self, operation: Operation, results: list) -> None:
        if len(results) != len(operation._inputs):
            raise ValueError(f"Num gradients {len(results)} generated for op {operation.node_def} do not match num "
                             f"inputs {len(operation._inputs)}")  # fmt: skip

    def _release_inputs(self, operation: Operation) -> None:
        """The operation is done: its inputs' operations wait for one consumer less."""
        pending = self._pending
        for tensor in operation._inputs:
            source = tensor.op
            left = pending.get(source)
            if left is None:
                continue
            pending[source] = left - 1
            if left == 1:
                self._queue.append(source)


def _count_pending(y_ops, x_ops) -> dict[Operation, int]:
    """How many uses by operations between ys and xs each such operation has; only those between xs and ys are keys."""
    reached = _reached(x_ops, _consumers_below(y_ops))
    pending: dict[Operation, int] = {}
    stack = [op for op in y_ops if op in reached]
    while stack:
        operation = stack.pop()
        if operation in pending:
            continue
        pending[operation] = 0
        for tensor in operation._inputs:
            if tensor.op in reached and tensor.op not in pending:
                stack.append(tensor.op)
    for operation in pending:
        for tensor in operation._inputs:
            if tensor.op in pending:
                pending[tensor.op] += 1
    return pending


def _consumers_below(y_ops) -> dict[Operation, list[Operation]]:
    """For each operation that the ys depend on, those that take from it something that gradients flow through."""
    consumers: dict[Operation, list[Operation]] = {op: [] for op in y_ops}
    stack = list(consumers)
    while stack:
        operation = stack.pop()
        for tensor in operation._inputs:
            source = tensor.op
            found = consumers.get(source)
            if found is None:
                found = consumers[source] = []
                stack.append(source)
            if tensor.dtype.as_datatype_enum in _BACKPROPAGATED:
                found.append(operation)
    return consumers


def _reached(x_ops, consumers: dict[Operation, list[Operation]]) -> set[Operation]:
    """The operations that depend on the xs."""
    reached: set[Operation] = set()
    stack = [op for op in x_ops if op in consumers]
    while stack:
        operation = stack.pop()
        if operation not in reached:
            reached.add(operation)
            stack.extend(consumers[operation])
    return reached


def _stop_operations(to_ops, stop_ops, pending) -> set[Operation]:
    """Where the sweep ends: the stop gradients, and those xs that no other x lies behind."""
    stops = {op for op in to_ops if not any(pending.get(t.op) for t in op._inputs)}
    stops.update(stop_ops)
    return stops


def _merge_shape(gradient, operation: Operation, index: int) -> None:
    """Tell the gradient of an input what is known of the input's shape."""
    tensor = operation._inputs[index]
    if not isinstance(gradient, Tensor) or gradient.dims == tensor.dims or tensor.dtype is dtypes.resource:
        return
    try:
        gradient.set_shape(tensor.dims)
    except ValueError:
        raise ValueError("Incompatible shapes between op input and calculated input gradient.  Forward operation: "
                         f"{operation.name}.  Input index: {index}. Original input shape: {tensor.shape}.  Calculated "
                         f"input gradient shape: {gradient.shape}") from None  # fmt: skip


def _concatenate_slices(parts: list[IndexedSlices]) -> IndexedSlices:
    """The sum of several IndexedSlices: all their rows, with repetitions."""
    values = concat([p.values for p in parts], 0)
    index_type: DType = parts[0].indices.dtype
    if any(p.indices.dtype is not index_type for p in parts):
        index_type = dtypes.int64
    indices = concat([call("Cast", p.indices, DstT=index_type) if p.indices.dtype is not index_type else p.indices
                      for p in parts], 0)  # fmt: skip
    return IndexedSlices(values, indices, parts[0].dense_shape)


@export("recompute_grad")
def recompute_grad(f):
    """Let the gradients of a function come from its results computed anew, after those of what follows it.

    Args:
      f: `f(*tensors) -> tensor or nest of tensors`. Variables that it uses must be resource variables; where it gets
        them by `tf.get_variable`, in a scope that reuses them.

    Returns:
      A function of the same arguments and results.
    """

    @custom_gradient
    @functools.wraps(f)
    def recomputed(*args):
        def gradient(*grads, variables=()):
            with control_dependencies(grads):
                again = nest.flatten(f(*args))
            # An argument may be computed from another one: what counts is what the function does with each.
            found = gradients(again, [*args, *variables], grad_ys=list(grads), stop_gradients=list(args))
            return (found[: len(args)], found[len(args) :]) if variables else found

        return f(*args), gradient

    return recomputed
