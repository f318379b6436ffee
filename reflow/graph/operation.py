"""Operations and tensors: the nodes and edges of a graph."""

import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

import numpy as np

from reflow.graph.device import device_string
from reflow.graph.dtypes import DType
from reflow.graph.errors import OperatorNotAllowedInGraphError
from reflow.graph.export import export
from reflow.graph.shapes import Dims, TensorShape, as_dims, dims_to_str, merge_dims

if TYPE_CHECKING:
    from reflow.graph.graph import Graph
    from reflow.graph.registry import OpDef

_PACKAGE = str(Path(__file__).resolve().parent.parent) + "/"
_KEPT_FRAMES = 12
# Whether a file is one of this package. By its name, whose hash is known: a code object's is computed each time.
_own_files: dict[str, bool] = {}


def capture_stack(depth: int) -> tuple:
    """The user's frames that led here, innermost first, as code, instruction, code, ...: cheap to take, resolved later.

    One flat tuple of things that the garbage collector does not follow.
    """
    if _pinned.frames is not None:
        return _pinned.frames
    frame: FrameType | None = sys._getframe(depth)
    own = _own_files
    while frame is not None:
        file = frame.f_code.co_filename
        is_own = own.get(file)
        if is_own is None:
            is_own = own[file] = file.startswith(_PACKAGE)
        if not is_own:
            break
        frame = frame.f_back
    frames: list = []
    while frame is not None and len(frames) < 2 * _KEPT_FRAMES:
        frames += (frame.f_code, frame.f_lasti)
        frame = frame.f_back
    return tuple(frames)


class _Pinned(threading.local):
    frames: tuple | None = None


_pinned = _Pinned()


class pinned_stack:
    """What a library call makes inside belongs to the line that called it: the stack is walked once, not per node."""

    def __enter__(self):
        self._saved = _pinned.frames
        if self._saved is None:
            _pinned.frames = capture_stack(2)

    def __exit__(self, *exc_info):
        _pinned.frames = self._saved


def _line_of(code, instruction: int) -> int:
    for start, end, line in code.co_lines():
        if start <= instruction < end and line is not None:
            return line
    return code.co_firstlineno


@export("Operation")
class Operation:
    """A node of a graph: it takes tensors, and control edges from other operations, and makes tensors."""

    __slots__ = (
        "name", "type", "graph", "op_def", "_inputs", "_control_inputs", "outputs", "attrs", "_device", "_frames",
        "_id", "_original_op", "_control_flow_context", "_gradient_function", "_device_functions", "__dict__",
        "__weakref__",
    )  # fmt: skip

    def __init__(self, graph: "Graph", op_def: "OpDef", name: str, inputs: Sequence["Tensor"], attrs: dict[str, Any],
                 output_types: Sequence[DType], control_inputs: Sequence["Operation"], frames: tuple):  # fmt: skip
        self.graph = graph
        self.op_def = op_def
        self.type = op_def.name
        self.name = name
        self._inputs = inputs
        self._control_inputs = control_inputs
        self.attrs = attrs
        self._device = ""
        self._frames = frames
        self._id = -1  # Its place in the graph's list, once it is there.
        self._original_op = None
        self._control_flow_context = None
        self._gradient_function: Any = None
        shape_rule = op_def.shape
        dims = shape_rule(self) if shape_rule is not None else [None] * len(output_types)
        if len(output_types) == len(dims) == 1:  # Most operations: the loop below takes three times as long.
            self.outputs = [Tensor(self, 0, output_types[0], dims[0])]
        else:
            self.outputs = [Tensor(self, i, t, d) for i, (t, d) in enumerate(zip(output_types, dims, strict=True))]

    @property
    def inputs(self) -> list["Tensor"]:
        """The tensors this operation takes, in order."""
        return list(self._inputs)

    @property
    def control_inputs(self) -> list["Operation"]:
        """The operations that run before this one without giving it data."""
        return list(self._control_inputs)

    @property
    def device(self) -> str:
        """The device that the program asked for; "" for none."""
        return self._device

    def _set_device(self, device) -> None:
        self._device = device_string(device)

    @property
    def node_def(self):
        """A NodeDef proto of this operation."""
        from reflow.graph.graph_def import node_def

        return node_def(self, in_order_of_names=False)

    def get_attr(self, name: str) -> Any:
        """The value of an attribute, as Python: DType, TensorShapeProto, list, bytes, ...

        Raises:
          ValueError: if the operation has no such attribute.
        """
        from reflow.graph.graph_def import attr_for_user

        if name not in self.attrs:
            raise ValueError(f"Operation '{self.name}' has no attr named '{name}'.")
        return attr_for_user(self, name)

    def _set_attr(self, name: str, attr_value) -> None:
        from reflow.graph.graph_def import python_attr

        self.attrs[name] = python_attr(self.op_def, name, attr_value)

    def _add_control_inputs(self, operations) -> None:
        new = [each for each in dict.fromkeys(operations) if each not in self._control_inputs]
        self._control_inputs = [*self._control_inputs, *new]
        self.graph._version_changed()

    def _add_control_input(self, operation) -> None:
        self._add_control_inputs([operation])

    def _update_input(self, index: int, tensor: "Tensor") -> None:
        inputs = list(self._inputs)
        inputs[index] = tensor
        self._inputs = inputs
        self.graph._version_changed()

    def _append_input(self, tensor: "Tensor") -> None:
        self._inputs = [*self._inputs, tensor]
        self.graph._version_changed()

    @property
    def traceback(self) -> list[tuple[str, int, str, str]]:
        """Where the program made this operation: (file, line, function, source line), outermost first."""
        import linecache

        rows = []
        frames = self._frames
        for code, instruction in reversed(list(zip(frames[::2], frames[1::2], strict=True))):
            line = _line_of(code, instruction)
            source = linecache.getline(code.co_filename, line).strip()
            rows.append((code.co_filename, line, code.co_name, source))
        return rows

    def colocation_groups(self) -> list[bytes]:
        """The colocation groups ("loc:@name") that the operation belongs to."""
        classes = self.attrs.get("_class")
        groups = sorted([c for c in classes if c.startswith(b"loc:@")]) if classes else None
        return groups or [b"loc:@" + self.name.encode()]

    def values(self) -> tuple["Tensor", ...]:
        """The outputs, as a tuple."""
        return tuple(self.outputs)

    def run(self, feed_dict=None, session=None) -> None:
        """Run this operation in `session`, or in the default session."""
        from reflow.graph.default import run_operation

        run_operation(self, feed_dict, session)

    def __repr__(self):
        return f"<tf.Operation '{self.name}' type={self.type}>"

    def __str__(self):
        return str(self.node_def)

    def __reduce__(self):
        raise TypeError("operations cannot be pickled; export their graph with as_graph_def()")


@export("Tensor")
class Tensor:
    """The symbolic value that an operation makes when a session runs it."""

    __slots__ = ("op", "value_index", "dtype", "dims", "_name", "__dict__", "__weakref__")
    __array_priority__ = 100

    OVERLOADABLE_OPERATORS = {
        "__add__", "__radd__", "__sub__", "__rsub__", "__mul__", "__rmul__", "__div__", "__rdiv__", "__truediv__",
        "__rtruediv__", "__floordiv__", "__rfloordiv__", "__mod__", "__rmod__", "__lt__", "__le__", "__gt__",
        "__ge__", "__ne__", "__eq__", "__and__", "__rand__", "__or__", "__ror__", "__xor__", "__rxor__",
        "__getitem__", "__pow__", "__rpow__", "__invert__", "__neg__", "__abs__", "__matmul__", "__rmatmul__",
    }  # fmt: skip

    if TYPE_CHECKING:
        # What the rooms of the operations define.
        def __neg__(self) -> "Tensor": ...
        def __add__(self, other) -> "Tensor": ...

        __invert__ = __abs__ = __neg__
        __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = __truediv__ = __rtruediv__ = __floordiv__ = __add__
        __rfloordiv__ = __mod__ = __rmod__ = __lt__ = __le__ = __gt__ = __ge__ = __and__ = __rand__ = __add__
        __or__ = __ror__ = __xor__ = __rxor__ = __getitem__ = __pow__ = __rpow__ = __matmul__ = __rmatmul__ = __add__

    def __init__(self, op: Operation, value_index: int, dtype: DType, dims: Dims):
        self.op = op
        self.value_index = value_index
        self.dtype = dtype
        self.dims = dims

    @property
    def name(self) -> str:
        """The tensor's name: "op_name:index"."""
        return f"{self.op.name}:{self.value_index}"

    @property
    def graph(self) -> "Graph":
        """The graph the tensor belongs to."""
        return self.op.graph

    @property
    def device(self) -> str:
        """The device asked for by the operation that makes this tensor."""
        return self.op.device

    @property
    def shape(self) -> TensorShape:
        """The static shape, as far as it is known."""
        return TensorShape(self.dims)

    def get_shape(self) -> TensorShape:
        """The static shape, as far as it is known."""
        return TensorShape(self.dims)

    def set_shape(self, shape) -> None:
        """Add knowledge of the static shape; raises ValueError if it contradicts what is known."""
        dims = as_dims(shape)
        self.dims = merge_dims(self.dims, dims)
        self.op.graph._version_changed()

    def _shape_as_list(self):
        return None if self.dims is None else list(self.dims)

    @property
    def _rank(self):
        return None if self.dims is None else len(self.dims)

    def consumers(self) -> list[Operation]:
        """The operations of the graph that take this tensor."""
        return self.op.graph._consumers(self)

    def eval(self, feed_dict=None, session=None) -> np.ndarray:
        """The tensor's value, from `session` or the default session."""
        from reflow.graph.default import evaluate_tensor

        return evaluate_tensor(self, feed_dict, session)

    def experimental_ref(self):
        """A hashable reference to this tensor."""
        return _TensorReference(self)

    def _as_tf_output(self):
        return self

    @staticmethod
    def _override_operator(operator: str, function) -> None:
        setattr(Tensor, operator, function)

    def __copy__(self):
        return self

    def __len__(self):
        raise TypeError(f"len is not well defined for symbolic Tensors. ({self.name}) Please call `x.shape` rather "
                        "than `len(x)` for shape information.")  # fmt: skip

    def __iter__(self):
        raise OperatorNotAllowedInGraphError(
            "iterating over `tf.Tensor` is not allowed in Graph execution. Use Eager execution or decorate this "
            "function with @tf.function. (To iterate over this tensor use tf.map_fn or tf.unstack.)"
        )
        yield  # type: ignore[unreachable] # It makes a generator: the first step fails, not the call of `iter`.

    def __bool__(self):
        raise OperatorNotAllowedInGraphError(
            "using a `tf.Tensor` as a Python `bool` is not allowed in Graph execution. Use Eager execution or decorate "
            "this function with @tf.function. (Use `if t is not None:` to test if a tensor is defined, and tf.cond to "
            "execute subgraphs conditioned on its value.)"
        )

    __nonzero__ = __bool__

    def __array__(self, dtype=None, copy=None):
        raise NotImplementedError(f"Cannot convert a symbolic Tensor ({self.name}) to a numpy array.")

    def __repr__(self):
        return f"<tf.Tensor '{self.name}' shape={dims_to_str(self.dims)} dtype={self.dtype.name}>"

    def __str__(self):
        shape = "" if self.dims is None else f", shape={dims_to_str(self.dims)}"
        device = f", device={self.device}" if self.device else ""
        return f'Tensor("{self.name}"{shape}, dtype={self.dtype.name}{device})'


class _TensorReference:
    """Wraps a tensor, or a variable, so that it can be a dictionary key by identity."""

    def __init__(self, tensor: Any):
        self._tensor = tensor

    def deref(self) -> Any:
        """What is wrapped."""
        return self._tensor

    def __hash__(self):
        return id(self._tensor)

    def __eq__(self, other):
        return isinstance(other, _TensorReference) and self._tensor is other._tensor
