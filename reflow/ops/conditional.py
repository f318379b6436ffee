"""Choices made while the graph runs: cond, case, switch_case."""

import collections
import functools

from reflow.graph import dtypes, nest
from reflow.graph.build import call
from reflow.graph.collections import GraphKeys
from reflow.graph.context import add_to_collection, control_dependencies, name_scope
from reflow.graph.dtypes import DType
from reflow.graph.export import export
from reflow.graph.indexed_slices import IndexedSlices
from reflow.graph.operation import Tensor
from reflow.ops.control_flow import components, from_components, merge, switch
from reflow.ops.control_flow_context import CondContext


@export("cond")
def cond(pred, true_fn=None, false_fn=None, strict=False, name=None, fn1=None, fn2=None):
    """What `true_fn` returns if `pred` is true, else what `false_fn` returns.

    Both functions are called once, now. What they make runs only if its branch is taken; what was made before them
    runs in any case.

    Args:
      pred: bool scalar.
      true_fn: a function without arguments that returns a tensor, an operation, or a nest of them.
      false_fn: a function whose result has the same structure and types.
      strict: if not set, a list or tuple of one item stands for the item.
      name: the name scope.
      fn1, fn2: old names of `true_fn` and `false_fn`.

    Returns:
      A nest of tensors like the functions' results; for an operation, a tensor.

    Raises:
      TypeError: if a function is missing or not callable, `pred` is a Python bool, or the results' sequences differ.
      ValueError: if the results differ in structure or type, or there are none.
    """
    true_fn = _function("true_fn", true_fn, "fn1", fn1)
    false_fn = _function("false_fn", false_fn, "fn2", fn2)
    with name_scope(name, "cond", [pred]):
        if isinstance(pred, bool):
            raise TypeError("pred must not be a Python bool")
        when_false, when_true = switch(pred, pred)
        pivots = [call("Identity", when_true, name="switch_t"), call("Identity", when_false, name="switch_f")]
        pred = call("Identity", pred, name="pred_id")
        for tensor in (when_true, *pivots, pred):
            tensor.op.graph.prevent_fetching(tensor.op)
        then, original_then, then_values = _branch("true_fn", true_fn, pred, pivots[0], 1)
        otherwise, original_otherwise, otherwise_values = _branch("false_fn", false_fn, pred, pivots[1], 0)
        if not strict:
            original_then, original_otherwise = _single(original_then), _single(original_otherwise)
        merged = _merged(original_then, then_values, original_otherwise, otherwise_values)
        if then.outer_context is None:
            add_to_collection(GraphKeys.COND_CONTEXT, then)
            add_to_collection(GraphKeys.COND_CONTEXT, otherwise)
        return merged if strict else _single(merged)


def _function(name, function, old_name, old):
    if old is not None:
        if function is not None:
            raise TypeError(f"cond(): {name} and {old_name} may not be set simultaneously.")
        function = old
    elif function is None:
        raise TypeError(f"cond(): {name} argument required")
    if not callable(function):
        raise TypeError(f"{name} must be callable.")
    return function


def _branch(what, function, pred, pivot, branch):
    """(context, what `function` returned, the tensors that stand for it) of one branch."""
    context = CondContext(pred, pivot, branch)
    context.Enter()
    try:
        original, values = context.BuildCondBranch(function)
        if original is None:
            raise ValueError(f"{what} must have a return value.")
        context.ExitResult(values)
    finally:
        context.Exit()
    return context, original, values


def _single(result):
    return result[0] if isinstance(result, (list, tuple)) and len(result) == 1 else result


def _merged(original_then, then_values, original_otherwise, otherwise_values):
    """The merged results, in the structure of `original_then`."""
    nest.assert_same_structure(original_then, original_otherwise)
    if not then_values:
        raise ValueError("true_fn and false_fn must return at least one result.")
    pairs = [_indices_alike(x, y)
             for x, y in zip(nest.flatten(then_values), nest.flatten(otherwise_values), strict=True)]  # fmt: skip
    for x, y in pairs:
        _check_types(x, y)
    merges = [from_components(x, [merge(part)[0] for part in zip(components(y), components(x), strict=True)])
              for x, y in pairs]  # fmt: skip
    originals = nest.flatten(original_then)
    merges = [_with_flow(original, value) for original, value in zip(originals, merges, strict=True)]
    return nest.pack_sequence_as(original_then, merges)


def _check_types(x, y):
    if type(x) is not type(y) or len(components(x)) != len(components(y)):
        raise ValueError(f"Incompatible return values of true_fn and false_fn: {x}, {y}")
    for a, b in zip(components(x), components(y), strict=True):
        if a.dtype.base_dtype is not b.dtype.base_dtype:
            raise ValueError("Outputs of true_fn and false_fn must have the same type: "
                             f"{a.dtype.name}, {b.dtype.name}")  # fmt: skip


def _indices_alike(x, y):
    """Both values; two IndexedSlices with indices of different types get int64 ones."""
    if not (isinstance(x, IndexedSlices) and isinstance(y, IndexedSlices)) or x.indices.dtype is y.indices.dtype:
        return x, y
    return tuple(v if v.indices.dtype is dtypes.int64 else
                 IndexedSlices(v.values, call("Cast", v.indices, DstT=dtypes.int64), v.dense_shape)
                 for v in (x, y))  # fmt: skip


def _with_flow(original, value):
    """A TensorArray that goes on from the merged flow, where a branch returned one."""
    follow = getattr(original, "_with_flow", None)
    return value if follow is None else follow(value)


# --- case -------------------------------------------------------------------------------------------------------------


@export("case")
def case(pred_fn_pairs, default=None, exclusive=False, strict=False, name="case"):
    """What the function beside the first true condition returns.

    Args:
      pred_fn_pairs: a list of (bool scalar, function without arguments), or a dict of them.
      default: the function for when no condition is true; if None, one of them has to be.
      exclusive: check, when it runs, that at most one condition is true.
      strict: as of `cond`.
      name: the name scope.

    Returns:
      What the functions return, as of `cond`.

    Raises:
      TypeError: if the pairs are no list or dict of pairs of a bool tensor and a function.
    """
    conditions, functions = _checked_pairs(pred_fn_pairs)
    with name_scope(name, "case", [conditions]):
        if default is None:
            default = _last_as_default(conditions, functions)
            conditions, functions = conditions[:-1], functions[:-1]
        function = default
        for condition, each in reversed(list(zip(conditions, functions, strict=True))):
            function = functools.partial(cond, condition, true_fn=each, false_fn=function, strict=strict)
        if not exclusive:
            return function()
        with control_dependencies([_assert_at_most(1, conditions, "Input error: exclusive=True")]):
            return function()


def _checked_pairs(pairs):
    if not isinstance(pairs, (list, tuple, dict)):
        raise TypeError("fns must be a list, tuple, or dict")
    if isinstance(pairs, collections.OrderedDict):
        pairs = list(pairs.items())
    elif isinstance(pairs, dict):
        pairs = sorted(pairs.items(), key=lambda item: item[0].name)
    for pair in pairs:
        if not isinstance(pair, tuple) or len(pair) != 2:
            raise TypeError("Each entry in pred_fn_pairs must be a 2-tuple")
        condition, function = pair
        if not isinstance(condition, Tensor):
            raise TypeError(f"pred must be a Tensor, got: {condition}")
        if not condition.dtype.is_bool:
            raise TypeError(f"pred must be Tensor of type bool: {condition.name}")
        if not callable(function):
            raise TypeError(f"fn for pred {condition.name} must be callable.")
    conditions, functions = zip(*pairs, strict=True)
    return conditions, functions


def _last_as_default(conditions, functions):
    """The last function as the default, which checks that its condition alone is true."""
    from reflow.ops.checks import Assert
    from reflow.ops.joining import stack

    position = len(conditions) - 1

    def default():
        others = (f"Implementation error: selected default action #{position} was called, but some of other "
                  "predicates are True: ")  # fmt: skip
        none_true = ("Input error: None of conditions evaluated as True:", stack(conditions, name="preds_c"))
        checks = [_assert_at_most(0, conditions[:-1], others), Assert(conditions[-1], data=none_true)]
        with control_dependencies(checks):
            return functions[-1]()

    return default


def _assert_at_most(count, conditions, message):
    """An Assert that not more than `count` of the conditions are true."""
    from reflow.ops.casting import cast
    from reflow.ops.checks import Assert
    from reflow.ops.comparison import less_equal
    from reflow.ops.constant import constant
    from reflow.ops.joining import stack
    from reflow.ops.reduction import reduce_sum

    stacked = stack(conditions, name="preds_c")
    true_conditions = reduce_sum(cast(stacked, dtypes.int32), name="num_true_conds")
    condition = less_equal(true_conditions, constant(count, name="n_true_conds"))
    names = ", ".join(c.name for c in conditions)
    data = [f"{message}: more than {count} conditions ({names}) evaluated as True:", stacked]
    return Assert(condition, data=data, summarize=len(conditions))


# --- switch_case ------------------------------------------------------------------------------------------------------


@export("switch_case")
def switch_case(branch_index, branch_fns, default=None, name="switch_case"):
    """What the function of number `branch_index` returns.

    Args:
      branch_index: integer scalar.
      branch_fns: a list of functions without arguments, or a list or dict of (number, function); the numbers are 0, 1,
        2, ... in any order.
      default: the function for any other number; the last one if None.
      name: the name scope.

    Returns:
      What the functions return, as of `cond`.

    Raises:
      TypeError: if an argument is of the wrong kind.
      ValueError: if there are no functions, or their numbers leave a gap.
    """
    from reflow.ops.comparison import equal

    functions = _checked_branches(branch_index, branch_fns)
    if default is None:
        default = functions.pop()
    with name_scope(name, "switch_case", [branch_index]):
        function = default
        for number, each in reversed(list(enumerate(functions))):
            function = functools.partial(cond, equal(branch_index, number), true_fn=each, false_fn=function)
        return function()


def _checked_branches(index, branches):
    """The functions in the order of their numbers."""
    if not isinstance(index, Tensor):
        raise TypeError(f"branch_index must a Tensor, got {type(index)}")
    if not isinstance(index.dtype, DType) or not index.dtype.is_integer:
        raise TypeError(f"branch_index must an integer Tensor, got {index.dtype}")
    if not branches:
        raise ValueError("Must provide at least one item in branch_fns")
    if not isinstance(branches, (list, tuple, dict)):
        raise TypeError("branch_fns must be a list, tuple, or dict")
    pairs = list(branches.items()) if isinstance(branches, dict) else list(branches)
    if all(callable(pair) for pair in pairs):
        pairs = list(enumerate(pairs))
    for pair in pairs:
        if not isinstance(pair, tuple) or len(pair) != 2:
            raise TypeError("Each entry in branch_fns must be a 2-tuple")
        if not isinstance(pair[0], int):
            raise TypeError(f"key must be a Python `int`, got {type(pair[0])}")
        if not callable(pair[1]):
            raise TypeError(f"fn for key {pair[0]} must be callable.")
    keys = sorted(pair[0] for pair in pairs)
    if keys != list(range(len(keys))):
        raise ValueError(f"branch indices (keys) must form contiguous range of [0 to {len(keys)}) but found "
                         f"{{{','.join(map(str, keys))}}}")  # fmt: skip
    return [function for _, function in sorted(pairs, key=lambda pair: pair[0])]
