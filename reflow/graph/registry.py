"""The op registry: signature, shape rule, kernel, gradient of every operation, declared in its one room.

    define_op(
        "MatMul", "a: T, b: T -> product: T",
        "transpose_a: bool = false, transpose_b: bool = false, T: type in half|float|double",
        shape=_matmul_shape, kernel=_matmul,
    )

The signature is TensorFlow's own: op name, argument names and attributes are what a GraphDef carries.
See CONTRIBUTING.md ("Adding an op") for what each part means.
"""

import functools
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from reflow.graph import dtypes
from reflow.graph.dtypes import DType

OPS: dict[str, "OpDef"] = {}

# Type sets that op signatures name. A set is written where TensorFlow allows exactly these types.
TYPE_SETS: dict[str, str] = {
    "floating": "bfloat16|half|float|double",
    "real": "float|double|int32|uint8|int16|int8|int64|bfloat16|uint16|half|uint32|uint64",
    "number": "float|double|int32|uint8|int16|int8|complex64|int64|qint8|quint8|qint32|bfloat16|uint16|complex128"
    "|half|uint32|uint64",
    "index": "int32|int64",
}


@dataclass(slots=True)
class ArgDef:
    """One input or output argument: a fixed type, a type attr, `N*T` (number_attr), or a list of types."""

    name: str
    dtype: DType | None = None
    type_attr: str = ""
    number_attr: str = ""
    type_list_attr: str = ""
    is_ref: bool = False
    # Derived: True if the argument stands for several tensors.
    is_list: bool = field(init=False)

    def __post_init__(self):
        self.is_list = bool(self.number_attr or self.type_list_attr)

    def count(self, attrs: dict[str, Any]) -> int:
        """How many tensors the argument stands for in a node of these attributes."""
        if self.number_attr:
            return attrs[self.number_attr]
        return len(attrs[self.type_list_attr]) if self.type_list_attr else 1


def grouped(arguments: Iterable[ArgDef], attrs: dict[str, Any], items: Iterable) -> list:
    """The items (tensors, say) of a node by argument: one each, those of a list argument in a list."""
    rest = iter(items)
    return [[next(rest) for _ in range(arg.count(attrs))] if arg.is_list else next(rest) for arg in arguments]


@dataclass(slots=True)
class AttrDef:
    """One attribute: its type as a GraphDef names it, default, allowed values and least value (or length)."""

    name: str
    type: str
    default: Any = None
    has_default: bool = False
    # An ordered set: messages list the values as TensorFlow does.
    allowed: dict[Any, None] | None = None
    minimum: int | None = None
    # Derived: the type of the elements of a list; "" for an attribute that is no list.
    element: str = field(init=False)

    def __post_init__(self):
        self.element = self.type[5:-1] if self.type.startswith("list(") else ""


@dataclass(slots=True)
class OpDef:
    """All that Reflow knows of one operation.

    Attributes:
      shape: rule `op -> [dims of output 0, ...]`, run at construction; raises ValueError for inputs that do not fit.
      kernel: what runs: a template such as "torch.tanh({x})" over input and attr names, or a function that takes the
        inputs in order and, by name, those attrs it has parameters for.
      lower: optional `call -> expression or None`: a better expression where the plan knows constants or shapes.
      native: optional `call -> function or None`: a compiled kernel for these types and shapes, if the machine has one.
        It is called as a kernel is; what overwrites an input gets that input as `out`, too.
      host: names of inputs that the kernel takes as Python numbers and lists instead of tensors.
      resource: optional `(session resources, node name, attrs) -> object`: the state behind the node (a variable, a
        random stream, a queue), made once a session and given to the kernel as its first argument.
      writes: True if the op changes the resource or reference it takes; the plan runs readers before it.
      aliases: input positions whose memory an output may share (views).
      inplace: input position whose memory a kernel `kernel_(...)` may overwrite, or None.
      gradient: the gradient function `(op, *output gradients) -> input gradients`, None for "not differentiable",
        or MISSING where TensorFlow has no gradient either.
      value: optional `op -> array or None`: the constant value of output 0, where construction can tell it.
      values: optional `op -> list of arrays or None`: the same for all outputs.
      value_dims: optional `op -> dims or None`: output 0 read as a shape, partly known.
    """

    name: str
    inputs: list[ArgDef]
    outputs: list[ArgDef]
    attrs: dict[str, AttrDef]
    shape: Callable | None = None
    kernel: Any = None
    lower: Callable | None = None
    native: Callable | None = None
    host: frozenset[str] = frozenset()
    resource: Callable | None = None
    is_stateful: bool = False
    writes: bool = False
    is_commutative: bool = False
    is_aggregate: bool = False
    allows_uninitialized_input: bool = False
    aliases: tuple[int, ...] = ()
    gradient: Any = field(default_factory=lambda: MISSING)
    value: Callable | None = None
    values: Callable | None = None
    value_dims: Callable | None = None
    module: str = ""
    # Derived: the defaults of all attrs, and of those that the inputs' types do not settle.
    defaults: dict[str, Any] = field(default_factory=dict)
    static_defaults: dict[str, Any] = field(default_factory=dict)
    # Derived: the inputs that are references; True if an input is a list, and if what it makes is one tensor.
    references: tuple[int, ...] = ()
    takes_lists: bool = False
    makes_one_tensor: bool = False
    # Derived: the attrs that settle the types and the number of inputs and outputs.
    type_attrs: frozenset[str] = frozenset()
    # What `build` found out about calls, by signature: see there.
    settled: dict[tuple, tuple] = field(default_factory=dict)


class _Missing:
    def __repr__(self):
        return "MISSING"


MISSING: Any = _Missing()
"""The gradient of an op for which TensorFlow registers none: differentiating it is a LookupError."""


def define_op(name: str, signature: str, attrs: str = "", *, host: Iterable[str] | str = (), aliases=(),
              **rules) -> OpDef:  # fmt: skip
    """Register an operation.

    Args:
      name: TensorFlow's op name.
      signature: "a: T, b: N*T, c: list:Tin, d: ref T, e: int32 -> out: T".
      attrs: "T: type in half|float, N: int >= 1, padding: string in SAME|VALID, axis: int = 0".
      host: inputs that the kernel takes as Python values.
      aliases: inputs whose memory an output may share.
      **rules: the other fields of OpDef.

    Returns:
      The registered OpDef.

    Raises:
      ValueError: if the op is registered already or the signature cannot be read.
    """
    if name in OPS:
        raise ValueError(f"op {name} is registered twice")
    inputs_text, _, outputs_text = signature.partition("->")
    attr_defs = {a.name: a for a in map(_parse_attr, _split(attrs))}
    host = frozenset(host.split() if isinstance(host, str) else host)
    op = OpDef(name, [_parse_arg(a) for a in _split(inputs_text)], [_parse_arg(a) for a in _split(outputs_text)],
               attr_defs, host=host, aliases=tuple(aliases), **rules)  # fmt: skip
    inferred = _type_attrs(op.inputs)
    op.defaults = {a.name: a.default for a in attr_defs.values() if a.has_default}
    op.static_defaults = {name: value for name, value in op.defaults.items() if name not in inferred}
    op.references = tuple(i for i, a in enumerate(op.inputs) if a.is_ref)
    op.takes_lists = any(a.is_list for a in op.inputs)
    op.makes_one_tensor = len(op.outputs) == 1 and not op.outputs[0].is_list
    op.type_attrs = inferred | _type_attrs(op.outputs)
    OPS[name] = op
    return op


def _type_attrs(args: list[ArgDef]) -> frozenset[str]:
    return frozenset(x for a in args for x in (a.type_attr, a.number_attr, a.type_list_attr) if x)


def get_op_def(name: str) -> OpDef:
    """The OpDef of a registered op.

    Raises:
      NotFoundError: for an unknown op.
    """
    try:
        return OPS[name]
    except KeyError:
        from reflow.graph import errors

        raise errors.NotFoundError(None, None, f"Op type not registered '{name}'. Make sure the op is one of "
                                   "TensorFlow 1.15's, or that what defines it is imported.") from None  # fmt: skip


_ARG = re.compile(r"\s*(\w+)\s*:\s*(ref\s+)?(?:(list):)?(?:(\w+)\*)?(\w+)\s*$")
_ATTR = re.compile(
    r"\s*(\w+)\s*:\s*([\w()]+)(?:\s+in\s+([^=>]+?))?(?:\s*>=\s*(-?\d+))?(?:\s*=\s*(.*?))?\s*$", re.DOTALL
)
_TYPE_NAMES = {
    "float": dtypes.float32, "double": dtypes.float64, "half": dtypes.float16, "bool": dtypes.bool_,
}  # fmt: skip


def _split(text: str) -> list[str]:
    """The comma-separated items of `text`, not splitting inside brackets nor at a comma in quotes."""
    items = re.split(r",(?!['\"])\s*(?![^\[\](){}]*[\])}])", text)
    return [item for item in items if item.strip()]


def _type(name: str) -> DType:
    return _TYPE_NAMES.get(name) or dtypes.as_dtype(name)


# Signatures are much alike: what is read once serves all of them.
@functools.cache
def _parse_arg(text: str) -> ArgDef:
    match = _ARG.match(text)
    if not match:
        raise ValueError(f"cannot read the op argument {text!r}")
    name, ref, is_list, number, type_name = match.groups()
    if is_list:
        return ArgDef(name, type_list_attr=type_name)
    arg = ArgDef(name, number_attr=number or "", is_ref=bool(ref))
    if type_name[0].isupper() or type_name not in _TYPE_NAMES and type_name not in _FIXED_TYPES:
        arg.type_attr = type_name
    else:
        arg.dtype = _type(type_name)
    return arg


_FIXED_TYPES = {d.name for d in dtypes.BY_ENUM.values()}


@functools.cache
def _parse_attr(text: str) -> AttrDef:
    match = _ATTR.match(text)
    if not match:
        raise ValueError(f"cannot read the op attribute {text!r}")
    name, attr_type, allowed, minimum, default = match.groups()
    attr = AttrDef(name, attr_type, minimum=int(minimum) if minimum else None)
    if allowed:
        values = "|".join(TYPE_SETS.get(v.strip(), v.strip()) for v in allowed.split("|")).split("|")
        of_types = attr_type.endswith(("type", "type)"))
        attr.allowed = dict.fromkeys(_type(v) if of_types else v.encode() for v in values)
    if default is not None:
        attr.has_default = True
        attr.default = parse_default(attr_type, default)
    return attr


def parse_default(attr_type: str, text: str) -> Any:
    """The Python value of an attribute's default, written as in TensorFlow's op definitions."""
    if attr_type.startswith("list("):
        inner = text.strip("[] ")
        return [parse_default(attr_type[5:-1], item.strip()) for item in inner.split(",") if item.strip()]
    if attr_type == "string":
        return text.strip("'\"").encode()
    if attr_type == "bool":
        return text.lower() == "true"
    if attr_type == "type":
        return _type(text)
    if attr_type == "shape":
        sizes = text.strip("[]() ")
        if text in ("?", "unknown") or "unknown_rank" in text:
            return None
        return tuple(int(s) for s in sizes.split(",") if s.strip())
    if attr_type == "tensor":  # The one default of this type that 1.15 has is a vector of bytes.
        return np.array([int(item) for item in text.strip("[] ").split(",")], np.uint8)
    return int(text) if attr_type == "int" else float(np.float32(text))


def gradient(*op_names: str) -> Callable:
    """Decorator: this function is the gradient of the named ops.

    It takes the op and the gradients of its outputs, and returns one gradient (a Tensor, IndexedSlices or None) for
    each input.
    """

    def register(function):
        for name in op_names:
            OPS[name].gradient = function
        return function

    return register
