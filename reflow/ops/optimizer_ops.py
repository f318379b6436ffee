"""The optimizers' update ops: dense and sparse, on references and on handles, one entry in a table for each rule.

`UPDATES` says for the plan how several nodes of one op become one call: see `Update`.
"""

import contextlib
import inspect
from collections.abc import Callable
from dataclasses import dataclass

import torch

from reflow.graph import errors
from reflow.graph.export import with_signature
from reflow.graph.registry import define_op
from reflow.graph.shapes import Dims, dims_in_brackets
from reflow.ops import optimizer_rules as rules
from reflow.ops.native.columns import have_one_shape
from reflow.ops.resource_variable import handle_shape_and_type
from reflow.ops.resources import VariableState
from reflow.ops.scatter_state import check_rows, rounds
from reflow.ops.shape_rules import merge, with_rank


@dataclass(frozen=True)
class Update:
    """How an update op is computed.

    Attributes:
      rule: a function of lists and numbers: rule(variables, slots, ..., gradients, **numbers and attributes).
      slots: how many inputs, from the first, are the variable and its slots.
      gradient: the position of the gradient among the inputs.
      numbers: the positions of the inputs that are numbers, by the rule's name for them.
      attrs: the attributes that the rule takes.
    """

    rule: Callable
    slots: int
    gradient: int
    numbers: dict[str, int]
    attrs: tuple[str, ...]

    def many(self, states: list[list[VariableState]], gradients: list, **settings) -> None:
        """Update many variables at once: `states` holds a list of the variables, then one for each slot."""
        values = [[state.current() for state in column] for column in states]
        if not have_one_shape((*values, gradients)):
            for row in zip(*values, gradients, strict=True):
                _check_shapes(row)
        self.rule(*values, gradients, **settings)


UPDATES: dict[str, Update] = {}
"""The dense update ops, on references and handles, by name."""


def _check_shapes(tensors) -> None:
    shape = tensors[0].shape
    for tensor in tensors[1:]:
        if tensor.shape != shape:
            raise errors.InvalidArgumentError(
                None, None,
                "the variable, its slots and the gradient do not have the same shape: "
                + ", ".join(dims_in_brackets(tuple(t.shape)) for t in tensors),
            )  # fmt: skip


# --- kernels ------------------------------------------------------------------------------------------------------


def _named(kernel: Callable, name: str, attrs) -> Callable:
    """Give a kernel a name for emitted code, and a signature with the attributes it is to be given."""
    kernel.__name__ = name
    keyword = inspect.Parameter.KEYWORD_ONLY
    return with_signature(kernel, inspect.Signature([inspect.Parameter(a, keyword) for a in attrs]))


def _locked(state: VariableState, use_locking: bool):
    return state.lock if use_locking else _NO_LOCK


_NO_LOCK = contextlib.nullcontext()


def _dense_kernel(update: Update, name: str, returns_state: bool) -> Callable:
    """The kernel of a dense op: the rule on lists of one."""
    rule, slots, gradient, numbers = update.rule, update.slots, update.gradient, update.numbers

    def kernel(*inputs, use_locking, **attrs):
        state = inputs[0]
        values = [each.current() for each in inputs[:slots]]
        values.append(inputs[gradient])
        _check_shapes(values)
        with _locked(state, use_locking):
            rule(*[[v] for v in values], **{key: inputs[i] for key, i in numbers.items()}, **attrs)
        return state if returns_state else None

    return _named(kernel, name, (*update.attrs, "use_locking"))


def _sparse_kernel(update: Update, name: str, returns_state: bool, indices_at: int) -> Callable:
    """The kernel of a sparse op: the rule on the rows that `indices` name, once for each time they are named."""
    rule, slots, gradient, numbers = update.rule, update.slots, update.gradient, update.numbers

    def kernel(*inputs, use_locking, **attrs):
        state, indices = inputs[0], inputs[indices_at]
        values = [each.current() for each in inputs[:slots]]
        _check_shapes(values)
        _check_sparse(values[0], inputs[gradient], indices)
        settings = {key: inputs[i] for key, i in numbers.items()} | attrs
        with _locked(state, use_locking):
            for group in rounds(indices):
                rows = indices if group is None else indices[group]
                grad = inputs[gradient] if group is None else inputs[gradient][group]
                parts = [value.index_select(0, rows) for value in values]
                rule(*[[p] for p in parts], [grad], **settings)
                for value, part in zip(values, parts, strict=True):
                    value.index_copy_(0, rows.long(), part)
        return state if returns_state else None

    return _named(kernel, name, (*update.attrs, "use_locking"))


def _check_sparse(value: torch.Tensor, grad: torch.Tensor, indices: torch.Tensor) -> None:
    def wrong(message):
        return errors.InvalidArgumentError(None, None, message)

    if value.ndim < 1:
        raise wrong("var must be at least 1 dimensional")
    if indices.ndim != 1:
        raise wrong("indices must be one-dimensional")
    if grad.shape[:1] != indices.shape:
        raise wrong("grad must be the same size as indices in the first dimension.")
    if grad.shape[1:] != value.shape[1:]:
        raise wrong("var and grad must match in all dimensions but the first: "
                    f"{dims_in_brackets(tuple(value.shape))} and {dims_in_brackets(tuple(grad.shape))}")  # fmt: skip
    check_rows(indices, value.shape[0])


# --- shapes -------------------------------------------------------------------------------------------------------


def _shape_rule(update: Update, indices_at: int | None, returns_state: bool) -> Callable:
    def rule(op):
        dims = None
        for tensor in op._inputs[: update.slots]:
            dims = merge(dims, handle_shape_and_type(tensor)[0] if tensor.dtype.name == "resource" else tensor.dims)
        for position in update.numbers.values():
            with_rank(op._inputs[position].dims, 0)
        dims = _merge_gradient(op, dims, update.gradient, indices_at)
        return [dims] if returns_state else []

    return rule


def _merge_gradient(op, dims: Dims, gradient: int, indices_at: int | None) -> Dims:
    """What is known of the variable's shape once the gradient's is."""
    grad = op._inputs[gradient].dims
    if indices_at is None:
        return merge(dims, grad)
    count = with_rank(op._inputs[indices_at].dims, 1)[0]
    if grad is None:
        return dims
    merge(grad[:1], (count,))
    return merge(dims, (None, *grad[1:]))


# --- the table ----------------------------------------------------------------------------------------------------


def _define(name: str, rule: Callable, inputs: str, attrs: str = "", *, dense: str = "ref handle",
            sparse: str = "ref handle") -> None:  # fmt: skip
    """Define Apply<name> and SparseApply<name>, and their Resource forms.

    Args:
      name: the optimizer, as the ops spell it.
      rule: its rule.
      inputs: the names of the dense op's inputs in order: variables first, which end in "*", the gradient in "!".
        Sparse ops have `indices` behind the gradient.
      attrs: attributes besides `use_locking`, each "name=default".
      dense: which forms of the dense op there are.
      sparse: which forms of the sparse op there are.
    """
    for form in dense.split():
        _define_one(name, rule, inputs.split(), attrs.split(), form, is_sparse=False)
    for form in sparse.split():
        _define_one(name, rule, inputs.split(), attrs.split(), form, is_sparse=True)


def _define_one(name, rule, inputs, attrs, form, is_sparse):
    if is_sparse:
        place = next(i for i, each in enumerate(inputs) if each[-1] == "!") + 1
        # The sparse op has another name for the gradient of plain descent.
        inputs = [*("grad!" if each == "delta!" else each for each in inputs[:place]), "indices", *inputs[place:]]
    slots = sum(each[-1] == "*" for each in inputs)
    gradient = next(i for i, each in enumerate(inputs) if each[-1] == "!")
    numbers = {each: i for i, each in enumerate(inputs) if each[-1] not in "*!" and each != "indices"}
    update = Update(rule, slots, gradient, numbers, tuple(a.partition("=")[0] for a in attrs))
    is_ref = form == "ref"
    indices_at = inputs.index("indices") if is_sparse else None
    op_name = f"{'' if is_ref else 'Resource'}{'Sparse' if is_sparse else ''}Apply{name}"
    make_kernel = _sparse_kernel if is_sparse else _dense_kernel
    arguments = (update, _snake(op_name), is_ref, *([indices_at] if is_sparse else []))
    define_op(
        op_name, _signature(inputs, is_ref), _attributes(attrs, is_sparse),
        shape=_shape_rule(update, indices_at, is_ref), kernel=make_kernel(*arguments), host=" ".join(numbers),
        writes=True, is_stateful=not is_ref,
    )  # fmt: skip
    if not is_sparse:
        UPDATES[op_name] = update


def _signature(inputs, is_ref) -> str:
    kinds = {"*": "ref T" if is_ref else "resource", "!": "T"}
    fixed = {"indices": "Tindices", "global_step": "int64"}
    arguments = [f"{e.rstrip('*!')}: {kinds.get(e[-1]) or fixed.get(e, 'T')}" for e in inputs]
    return f"{', '.join(arguments)} -> {'out: ref T' if is_ref else ''}"


def _attributes(attrs, is_sparse) -> str:
    listed = ["T: type in number", *(["Tindices: type in index"] if is_sparse else []), "use_locking: bool = false"]
    return ", ".join([*listed, *(a.replace("=", ": bool = ") for a in attrs)])


def _snake(name: str) -> str:
    return "".join(f"_{c.lower()}" if c.isupper() else c for c in name).lstrip("_")


_define("GradientDescent", rules.gradient_descent, "var* alpha delta!", sparse="")
_define("ProximalGradientDescent", rules.proximal_gradient_descent, "var* alpha l1 l2 delta!")
_define("Momentum", rules.momentum, "var* accum* lr grad! momentum", "use_nesterov=false")
_define("KerasMomentum", rules.keras_momentum, "var* accum* lr grad! momentum", "use_nesterov=false", dense="handle",
        sparse="handle")  # fmt: skip
_define("Adagrad", rules.adagrad, "var* accum* lr grad!", "update_slots=true")
_define("AdagradV2", rules.adagrad_v2, "var* accum* lr epsilon grad!", "update_slots=true")
_define("AdagradDA", rules.adagrad_da,
        "var* gradient_accumulator* gradient_squared_accumulator* grad! lr l1 l2 global_step")  # fmt: skip
_define("ProximalAdagrad", rules.proximal_adagrad, "var* accum* lr l1 l2 grad!")
_define("Adadelta", rules.adadelta, "var* accum* accum_update* lr rho epsilon grad!")
_define("RMSProp", rules.rms_prop, "var* ms* mom* lr rho momentum epsilon grad!")
_define("CenteredRMSProp", rules.centered_rms_prop, "var* mg* ms* mom* lr rho momentum epsilon grad!")
_define("Adam", rules.adam, "var* m* v* beta1_power beta2_power lr beta1 beta2 epsilon grad!", "use_nesterov=false",
        sparse="")  # fmt: skip
_define("AdamWithAmsgrad", rules.adam_with_amsgrad,
        "var* m* v* vhat* beta1_power beta2_power lr beta1 beta2 epsilon grad!", dense="handle", sparse="")  # fmt: skip
_define("AdaMax", rules.ada_max, "var* m* v* beta1_power lr beta1 beta2 epsilon grad!", sparse="")
_define("AddSign", rules.add_sign, "var* m* lr alpha sign_decay beta grad!", sparse="")
_define("PowerSign", rules.power_sign, "var* m* lr logbase sign_decay beta grad!", sparse="")
_define("Ftrl", rules.ftrl, "var* accum* linear* grad! lr l1 l2 lr_power")
_define("FtrlV2", rules.ftrl_v2, "var* accum* linear* grad! lr l1 l2 l2_shrinkage lr_power")
