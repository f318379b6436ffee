"""Control-flow contexts: where the operations of a branch are made, and how they take tensors from outside.

The methods that programs and libraries call have TensorFlow's names.
"""

from reflow.graph import nest
from reflow.graph.context import control_dependencies
from reflow.graph.graph import get_default_graph
from reflow.graph.operation import Operation, Tensor
from reflow.ops.control import with_dependencies
from reflow.ops.control_flow import components, from_components, switch_ref_or_tensor, to_composite


class ControlFlowContext:
    """The operations of one branch (or loop), made between `Enter` and `Exit`."""

    _name: str

    def __init__(self):
        self._outer_context = get_default_graph()._control_flow_context
        self._nested_contexts = []
        if self._outer_context is not None:
            self._outer_context._nested_contexts.append(self)
        self._context_stack = []
        # Tensors that operations of this context may take as they are.
        self._values = set()
        # For a tensor from outside, the tensor by which this context takes it.
        self._external_values = {}

    @property
    def name(self):
        """The context's unique name."""
        return self._name

    @property
    def outer_context(self):
        """The context in which this one was made, or None."""
        return self._outer_context

    def Enter(self):
        """From now on the default graph's operations are made in this context."""
        graph = get_default_graph()
        self._context_stack.append(graph._control_flow_context)
        graph._control_flow_context = self

    def Exit(self):
        """Goes back to the context in which `Enter` was called."""
        get_default_graph()._control_flow_context = self._context_stack.pop()

    def ExitResult(self, result):
        """Lets the outer context take the tensors of `result` as they are."""
        if self._outer_context is not None:
            for value in nest.flatten(result):
                self._outer_context._values.update(components(value))

    def AddInnerOp(self, op):
        """Hears of an operation made in a nested context."""
        if self._outer_context is not None:
            self._outer_context.AddInnerOp(op)

    def GetWhileContext(self):
        """The innermost loop around this context, or None."""
        return self._outer_context.GetWhileContext() if self._outer_context is not None else None

    def GetControlPivot(self):
        """The tensor that lives whenever the context runs, or None."""
        return

    def IsWhileContext(self):
        """True for a loop."""
        return False

    def IsCondContext(self):
        """True for a branch of a conditional."""
        return False

    def IsXLAContext(self):
        """False: there is no XLA."""
        return False

    def _and_outer(self):
        """This context and those around it, innermost first."""
        context: ControlFlowContext | None = self
        while context is not None:
            yield context
            context = context._outer_context

    def __str__(self):
        return self._name


class CondContext(ControlFlowContext):
    """One branch of a conditional.

    Args:
      pred: bool scalar.
      pivot: a tensor that lives when this branch is taken.
      branch: 1 for the branch taken when `pred` is true, else 0.
      name: a name, made unique.
    """

    def __init__(self, pred, pivot, branch, name="cond_text"):
        self._name = get_default_graph().unique_name(name)
        super().__init__()
        self._pred, self._pivot, self._branch = pred, pivot, branch
        self._values.update((pred, pivot))
        self._external_values[pred] = pred
        pivot.op._control_flow_context = self

    @classmethod
    def of_made_operations(cls, name, pred, pivot, branch, values, external_values, operations):
        """The context of a branch whose operations were imported.

        Args:
          name: its name, as it is.
          pred, pivot, branch: as of the class.
          values: the set of tensors that operations of the context may take as they are.
          external_values: for a tensor from outside, the tensor by which the context takes it.
          operations: the operations of the context.
        """
        context = cls.__new__(cls)
        ControlFlowContext.__init__(context)
        context._name, context._pred, context._pivot, context._branch = name, pred, pivot, branch
        context._values, context._external_values = values, external_values
        for operation in operations:
            operation._control_flow_context = context
        return context

    @property
    def pred(self):
        """The condition, a bool scalar."""
        return self._pred

    @property
    def pivot(self):
        """A tensor that lives when this branch is taken."""
        return self._pivot

    @property
    def branch(self):
        """1 if this branch is taken when the condition is true, else 0."""
        return self._branch

    @property
    def grad_state(self):
        """What the loop around knows of its gradient, or None."""
        loop = self.GetWhileContext()
        return None if loop is None else loop.grad_state

    @property
    def back_prop(self):
        """Whether the loop around has a gradient."""
        loop = self.GetWhileContext()
        return loop is not None and loop.back_prop

    def GetControlPivot(self):
        """The pivot."""
        return self._pivot

    def IsCondContext(self):
        """True."""
        return True

    def AddValue(self, val):
        """The tensor by which this branch takes `val`: a Switch's output if `val` is from outside."""
        if val in self._values:
            return self._external_values.get(val, val)
        result = self._from_outer(val)
        with control_dependencies(None):
            result = switch_ref_or_tensor(result, self._pred)[self._branch]
            if self._outer_context is not None:
                self._outer_context.AddInnerOp(result.op)
        result.op.graph.prevent_fetching(result.op)
        result.op._control_flow_context = self
        for context in self._and_outer():
            context._values.add(result)
        self._external_values[val] = result
        return result

    def _from_outer(self, val):
        self._values.add(val)
        if self._outer_context is None:
            return val
        result = self._outer_context.AddValue(val)
        self._values.add(result)
        self._external_values[result] = result
        return result

    def AddOp(self, op):
        """Makes an operation part of the branch: what it takes from outside, it takes through Switches."""
        if op._inputs:
            graph = op.graph
            saved, graph._name_stack = graph._name_stack, op.name
            try:
                self._switch_inputs(op)
            finally:
                graph._name_stack = saved
        elif not any(self._contains(control) for control in op._control_inputs):
            op._add_control_input(self._pivot.op)
        for context in self._and_outer():
            context._values.update(op.outputs)
        op.graph.prevent_fetching(op)
        if self._outer_context is not None:
            self._outer_context.AddInnerOp(op)

    def _switch_inputs(self, op):
        for index, value in enumerate(op.inputs):
            inside = self.AddValue(value)
            if inside is not value:
                op._update_input(index, inside)

    def _contains(self, op):
        """True if `op` was made in this context or one inside it."""
        context = op._control_flow_context
        return context is not None and self in context._and_outer()

    def BuildCondBranch(self, fn):
        """Calls the function of the branch.

        Args:
          fn: a function without arguments.

        Returns:
          (what `fn` returned, the same with tensors of this branch in place of all else, as a list if it was a single
          one); both None if `fn` returned None.
        """
        original = fn()
        if original is None:
            return None, None
        result = nest.map_structure(self._result, original)
        return original, result if isinstance(result, (list, tuple)) else [result]

    def _result(self, value):
        if isinstance(value, Operation):
            return with_dependencies([value], self._pivot)
        if not isinstance(value, Tensor) and isinstance(getattr(value, "flow", None), Tensor):
            value = value.flow  # A TensorArray: what flows is what keeps its operations in order.
        value = to_composite(value)
        return from_components(value, [self._output(part) for part in components(value)])

    def _output(self, val):
        """The tensor of this branch for one that it returns."""
        if val in self._values:
            return self._external_values.get(val, val)
        inside = switch_ref_or_tensor(self._from_outer(val), self._pred)[self._branch]
        self._external_values[val] = inside
        return inside
