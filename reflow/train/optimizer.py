"""`tf.train.Optimizer`: from a loss to an operation that changes variables so that it becomes less."""

from reflow.autodiff import gradients
from reflow.graph import dtypes
from reflow.graph.build import call
from reflow.graph.collections import GraphKeys
from reflow.graph.context import name_scope
from reflow.graph.convert import to_tensor
from reflow.graph.export import export
from reflow.graph.graph import get_default_graph
from reflow.graph.indexed_slices import IndexedSlices, convert_to_tensor_or_indexed_slices
from reflow.graph.nest import flatten
from reflow.graph.operation import Tensor, pinned_stack
from reflow.graph.registry import get_op_def
from reflow.ops import state
from reflow.ops.casting import cast
from reflow.ops.control import group, tuple_
from reflow.train import slot_creator
from reflow.variables.ref_variable import RefVariable
from reflow.variables.resource_variable import BaseResourceVariable, is_resource_variable
from reflow.variables.variable import Variable
from reflow.variables.variable_lists import trainable_variables

_TYPES = {dtypes.float16, dtypes.bfloat16, dtypes.float32, dtypes.float64}


def _key(variable):
    return variable.op.graph, variable.op.name


@export("train.Optimizer")
class Optimizer:
    """What all optimizers share.

    `minimize(loss)` is `compute_gradients` followed by `apply_gradients`; a program that changes the gradients calls
    the two itself. Slots are variables that an optimizer keeps for each variable that it changes.

    A subclass defines `_apply_dense(grad, var)`, `_apply_sparse(grad, var)`, `_resource_apply_dense(grad, var)` and
    `_resource_apply_sparse(grad, var, indices)`, which return operations, and where it needs them
    `_create_slots(var_list)`, `_prepare()` (the numbers as tensors) and `_finish(update_ops, name_scope)`.

    Args:
      use_locking: protect the updates by the variables' locks.
      name: the name scope of the updates, and the slots' name.

    Raises:
      ValueError: without a name.
    """

    # How much of the gradients has to be there before any is used: nothing, all of an operation's, or all.
    GATE_NONE = 0
    GATE_OP = 1
    GATE_GRAPH = 2

    def __init__(self, use_locking, name):
        if not name:
            raise ValueError("Must specify the optimizer name")
        self._use_locking = use_locking
        self._name = name
        self._slots = {}
        self._non_slot_dict = {}

    def get_name(self):
        """The optimizer's name."""
        return self._name

    # --- gradients --------------------------------------------------------------------------------------------------

    def minimize(self, loss, global_step=None, var_list=None, gate_gradients=GATE_OP, aggregation_method=None,
                 colocate_gradients_with_ops=False, name=None, grad_loss=None):  # fmt: skip
        """An operation that changes variables so that `loss` becomes less.

        Args:
          loss: a tensor.
          global_step: a variable to increase by one, or None.
          var_list: the variables to change; all trainable ones if None.
          gate_gradients: GATE_NONE, GATE_OP or GATE_GRAPH.
          aggregation_method: how gradients are summed, one of `tf.AggregationMethod`.
          colocate_gradients_with_ops: put gradients on the devices of the operations they belong to.
          name: the name of the operation.
          grad_loss: the gradient of `loss` itself; ones if None.

        Returns:
          An Operation.

        Raises:
          ValueError: if no variable influences the loss.
        """
        grads_and_vars = self.compute_gradients(loss, var_list, gate_gradients, aggregation_method,
                                                colocate_gradients_with_ops, grad_loss)  # fmt: skip
        if all(g is None for g, _ in grads_and_vars):
            raise ValueError("No gradients provided for any variable, check your graph for ops that do not support "
                             f"gradients, between variables {[str(v) for _, v in grads_and_vars]} and loss "
                             f"{loss}.")  # fmt: skip
        return self.apply_gradients(grads_and_vars, global_step=global_step, name=name)

    def compute_gradients(self, loss, var_list=None, gate_gradients=GATE_OP, aggregation_method=None,
                          colocate_gradients_with_ops=False, grad_loss=None):  # fmt: skip
        """The gradients of `loss`; the arguments are those of `minimize`.

        Returns:
          A list of pairs (gradient, variable). A gradient is a Tensor, IndexedSlices, or None where the loss does not
          depend on the variable.

        Raises:
          ValueError: for arguments that cannot be, or if there are no variables.
        """
        if callable(loss):
            loss = loss()
        if gate_gradients not in (Optimizer.GATE_NONE, Optimizer.GATE_OP, Optimizer.GATE_GRAPH):
            raise ValueError("gate_gradients must be one of: Optimizer.GATE_NONE, Optimizer.GATE_OP, "
                             f"Optimizer.GATE_GRAPH.  Not {gate_gradients}")  # fmt: skip
        self._assert_valid_dtypes([loss] if grad_loss is None else [loss, grad_loss])
        graph = get_default_graph()
        if var_list is None:
            variables = trainable_variables() + graph.get_collection(GraphKeys.TRAINABLE_RESOURCE_VARIABLES)
        else:
            variables = flatten(var_list)
        variables = variables + graph.get_collection(GraphKeys._STREAMING_MODEL_PORTS)
        if not variables:
            raise ValueError("No variables to optimize.")
        grads = gradients(
            loss, [_target(v) for v in variables], grad_ys=grad_loss, aggregation_method=aggregation_method,
            gate_gradients=gate_gradients == Optimizer.GATE_OP, colocate_gradients_with_ops=colocate_gradients_with_ops,
        )  # fmt: skip
        if gate_gradients == Optimizer.GATE_GRAPH:
            grads = tuple_(grads)
        pairs = list(zip(grads, variables, strict=True))
        self._assert_valid_dtypes([v for g, v in pairs if g is not None and v.dtype is not dtypes.resource])
        return pairs

    # --- updates ----------------------------------------------------------------------------------------------------

    def apply_gradients(self, grads_and_vars, global_step=None, name=None):
        """An operation that changes variables by their gradients.

        Args:
          grads_and_vars: pairs (gradient, variable), as `compute_gradients` returns them.
          global_step: a variable to increase by one once all have changed, or None.
          name: the name of the operation; the optimizer's if None.

        Returns:
          An Operation.

        Raises:
          TypeError: for a gradient that is no Tensor, IndexedSlices or None.
          ValueError: if there are no variables, or all gradients are None.
        """
        pairs = [(_checked_gradient(g), v) for g, v in grads_and_vars]
        if not pairs:
            raise ValueError("No variables provided.")
        for _, variable in pairs:
            _target(variable)
        variables = [v for g, v in pairs if g is not None]
        if not variables:
            raise ValueError(f"No gradients provided for any variable: {[str(v) for _, v in pairs]}.")
        with pinned_stack():
            done = self._apply_pairs(pairs, variables, global_step, name)
        train_ops = get_default_graph().get_collection_ref(GraphKeys.TRAIN_OP)
        if done not in train_ops:
            train_ops.append(done)
        return done

    def _apply_pairs(self, pairs, variables, global_step, name):
        """The operation that applies the gradients that there are, and then counts the step."""
        graph = get_default_graph()
        with graph.control_dependencies(None):
            self._create_slots(variables)
        with name_scope(name, self._name) as scope:
            self._prepare()
            updates = []
            for grad, variable in pairs:
                if grad is not None:
                    with name_scope(f"update_{variable.op.name}"), graph.colocate_with(variable.op):
                        updates.append(self._update(grad, variable))
            done = self._finish(updates, scope) if global_step is None else self._count(updates, global_step, scope)
        return done.op if isinstance(done, Tensor) else done

    def _update(self, grad, variable):
        """The update of one variable, and its constraint."""
        if isinstance(grad, IndexedSlices):
            if variable.constraint is not None:
                raise RuntimeError("Cannot use a constraint function on a sparse variable.")
            if _is_handle(variable):
                return self._resource_apply_sparse_duplicate_indices(grad.values, variable, grad.indices)
            return self._apply_sparse_duplicate_indices(grad, variable)
        if not _is_handle(variable) and isinstance(variable, Tensor):
            raise NotImplementedError("Trying to update a Tensor ", variable)
        apply = self._resource_apply_dense if _is_handle(variable) else self._apply_dense
        update = apply(grad, variable)
        if variable.constraint is None:
            return update
        with get_default_graph().control_dependencies([update]):
            return variable.assign(variable.constraint(variable))

    def _count(self, updates, global_step, scope):
        """Increase the global step after the updates."""
        graph = get_default_graph()
        with graph.control_dependencies([self._finish(updates, "update")]), graph.colocate_with(global_step.op):
            if isinstance(global_step, BaseResourceVariable):
                one = to_tensor(1, global_step.dtype)
                return call("AssignAddVariableOp", global_step.handle, one, name=scope)
            return state.assign_add(global_step, 1, name=scope)

    def _call_update(self, name, variable, grad, slots, numbers, indices=None, **attrs):
        """The update op of an optimizer, in the form that the variable and the gradient ask for.

        Args:
          name: the op's name behind "Apply", such as "Adam".
          variable: the variable.
          grad: its gradient: a tensor, for a sparse update that of the rows.
          slots: the slot variables by the op's names for them.
          numbers: tensors or numbers, by the op's names for them; they are cast to the gradient's type.
          indices: the rows of a sparse update.
          **attrs: attributes of the op besides `use_locking`.
        """
        handle = _is_handle(variable)
        sparse = indices is not None
        op_name = f"{'Resource' if handle else ''}{'Sparse' if sparse else ''}Apply{name}"
        dtype = grad.dtype.base_dtype
        values = {key: v.handle if handle else _target(v) for key, v in {"var": variable, **slots}.items()}
        values |= {"grad": grad, "delta": grad, "indices": indices}
        inputs = []
        for arg in get_op_def(op_name).inputs:
            inputs.append(values[arg.name] if arg.name in values else _cast(numbers[arg.name], arg, dtype))
        result = call(op_name, *inputs, use_locking=self._use_locking, **attrs)
        return result if handle else result.op

    # --- what subclasses define -------------------------------------------------------------------------------------

    def _assert_valid_dtypes(self, tensors):
        valid = self._valid_dtypes()
        for tensor in tensors:
            dtype = tensor.dtype.base_dtype
            if dtype not in valid:
                raise ValueError(f"Invalid type {dtype!r} for {tensor.name}, expected: {list(valid)}.")

    def _valid_dtypes(self):
        """The types of losses and variables that the optimizer works on."""
        return _TYPES

    def _create_slots(self, var_list):
        """Make the slots for variables that have none yet."""

    def _prepare(self):
        """Make tensors of the optimizer's numbers; called inside its name scope."""

    def _apply_dense(self, grad, var):
        """The update of a reference variable by a tensor."""
        raise NotImplementedError

    def _resource_apply_dense(self, grad, var):
        """The update of a resource variable by a tensor."""
        raise NotImplementedError

    def _resource_apply_sparse(self, grad, var, indices):
        """The update of rows of a resource variable; each row is named once."""
        raise NotImplementedError

    def _apply_sparse(self, grad, var):
        """The update of a reference variable by IndexedSlices, in which each row is named once."""
        raise NotImplementedError

    def _resource_apply_sparse_duplicate_indices(self, grad, var, indices):
        """As `_resource_apply_sparse`, where rows may be named more than once: their gradients are summed."""
        summed, unique = _sum_rows(grad, indices)
        return self._resource_apply_sparse(summed, var, unique)

    def _apply_sparse_duplicate_indices(self, grad, var):
        """As `_apply_sparse`, where rows may be named more than once: their gradients are summed."""
        summed, unique = _sum_rows(grad.values, grad.indices)
        return self._apply_sparse(IndexedSlices(summed, unique, grad.dense_shape), var)

    def _finish(self, update_ops, name_scope):
        """One operation that does all updates, named by the scope."""
        return group(*update_ops, name=name_scope)

    def _call_if_callable(self, param):
        """`param`, or what it returns: hyperparameters may be functions."""
        return param() if callable(param) else param

    # --- slots ------------------------------------------------------------------------------------------------------

    def get_slot(self, var, name):
        """The slot of that name for a variable, or None."""
        return self._slots.get(name, {}).get(_key(var))

    def get_slot_names(self):
        """The names of the slots, sorted."""
        return sorted(self._slots)

    def variables(self):
        """The variables in the default graph that the optimizer made, by name."""
        graph = get_default_graph()
        found = [*self._non_slot_variables(), *(v for slots in self._slots.values() for v in slots.values())]
        return sorted([v for v in found if v.graph is graph], key=lambda v: v.name)

    def _slot_dict(self, slot_name):
        return self._slots.setdefault(slot_name, {})

    def _slot(self, var, slot_name, make):
        slots = self._slot_dict(slot_name)
        key = _key(var)
        if key not in slots:
            slots[key] = make()
        return slots[key]

    def _get_or_make_slot(self, var, val, slot_name, op_name):
        """The slot `slot_name`, made with initial value `val` and named `op_name` if there is none."""
        return self._slot(var, slot_name, lambda: slot_creator.create_slot(var, val, op_name))

    def _get_or_make_slot_with_initializer(self, var, initializer, shape, dtype, slot_name, op_name):
        """The slot `slot_name`, made by an initializer and named `op_name` if there is none."""
        return self._slot(var, slot_name, lambda: slot_creator.create_slot_with_initializer(
            var, initializer, shape, dtype, op_name))  # fmt: skip

    def _zeros_slot(self, var, slot_name, op_name):
        """The slot `slot_name`, made of zeros and named `op_name` if there is none."""
        return self._slot(var, slot_name, lambda: slot_creator.create_zeros_slot(var, op_name))

    def _create_non_slot_variable(self, initial_value, name, colocate_with):
        """A variable that serves all others, one a graph, on the device of one of them."""
        key = name, colocate_with.graph
        if key not in self._non_slot_dict:
            with get_default_graph().colocate_with(colocate_with.op):
                self._non_slot_dict[key] = Variable(initial_value, name=name, trainable=False,
                                                    use_resource=is_resource_variable(colocate_with))  # fmt: skip
        return self._non_slot_dict[key]

    def _get_non_slot_variable(self, name, graph=None):
        return self._non_slot_dict.get((name, graph))

    def _non_slot_variables(self):
        return self._non_slot_dict.values()


def _is_handle(variable) -> bool:
    operation = getattr(variable, "op", None)
    return operation is not None and operation.type == "VarHandleOp"


def _target(variable):
    """What to differentiate by.

    Raises:
      NotImplementedError: for something that is no variable or tensor.
    """
    if _is_handle(variable) or isinstance(variable, Tensor):
        return variable
    if isinstance(variable, RefVariable):
        return variable._ref()
    raise NotImplementedError("Trying to optimize unsupported type ", variable)


def _cast(number, arg, dtype):
    return cast(number, dtype) if arg.dtype is None else number


def _checked_gradient(grad):
    if grad is None:
        return None
    try:
        grad = convert_to_tensor_or_indexed_slices(grad)
    except TypeError:
        raise TypeError(f"Gradient must be convertible to a Tensor or IndexedSlices, or None: {grad}") from None
    if not isinstance(grad, (Tensor, IndexedSlices)):
        raise TypeError(f"Gradient must be a Tensor, IndexedSlices, or None: {grad}")
    return grad


def _sum_rows(values, indices):
    """(values, indices) in which each row is named once, and has the sum of its values."""
    from reflow.ops.segment import unsorted_segment_sum
    from reflow.ops.shape_ops import shape as shape_of
    from reflow.ops.unique import unique

    rows, positions = unique(indices)
    return unsorted_segment_sum(values, positions, shape_of(rows)[0]), rows
