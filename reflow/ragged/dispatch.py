"""Ordinary functions on ragged arguments: `tf.add`, `tf.concat`, `tf.reduce_sum` and others take RaggedTensors.

A function that has a way with ragged tensors is replaced by one that calls it and, only if it raises TypeError or
ValueError, looks for ragged arguments: what has none pays for an idle `try` and one more call. It stands in the table
of public names and in the module that defines it; modules below that took the function by name keep the plain one.
"""

import functools
import sys
from typing import Any

from reflow.graph.export import EXPORTS
from reflow.graph.operation import Tensor
from reflow.platform.deprecation import deprecated_argument_lookup
from reflow.ragged import elementwise, gathering, joining, partitioning, reduction, selection, shape_functions, tiling
from reflow.ragged.elementwise import NOT_RAGGED, converts_to_tensor, parameters
from reflow.ragged.tensor import is_ragged

# Notes on outdated arguments are about the line that called the function below.
IS_TRANSPARENT_TO_NOTES = True

# Public names of elementwise functions of one tensor, of a list of tensors, and of two that broadcast.
_UNARY = """
    abs acos acosh angle as_string asin asinh atan atanh bitwise.invert cast ceil check_numerics clip_by_value
    conj cos cosh decode_base64 decode_compressed digamma encode_base64 erf erfc exp expm1 floor identity imag
    is_finite is_inf is_nan lgamma log log1p log_sigmoid logical_not negative ones_like real reciprocal
    regex_replace rint round rsqrt saturate_cast sign sin sinh sqrt square string_strip
    string_to_hash_bucket_fast string_to_hash_bucket_strong strings.length strings.regex_full_match
    strings.substr strings.unicode_script tan zeros_like
"""
_OF_LISTS = "add_n string_join"
_BINARY = """
    add atan2 bitwise.bitwise_and bitwise.bitwise_or bitwise.bitwise_xor bitwise.left_shift bitwise.right_shift
    complex div_no_nan divide equal floordiv floormod greater greater_equal less less_equal logical_and
    logical_or logical_xor maximum minimum multiply not_equal pow realdiv squared_difference subtract truediv
    truncatediv truncatemod
"""


# --- functions with the signatures of the dense ones ------------------------------------------------------------------


def _gather(params, indices, validate_indices=None, name=None, axis=0, batch_dims=0):
    return gathering.gather(params, indices, axis=axis, batch_dims=batch_dims, name=name)


def _gather_nd(params, indices, name=None, batch_dims=0):
    return gathering.gather_nd(params, indices, batch_dims, name)


def _expand_dims(input, axis=None, name=None, dim=None):
    return shape_functions.expand_dims(input, axis if dim is None else dim, name)


def _size(input, name=None, out_type=shape_functions.dtypes.int32):
    return shape_functions.size(input, out_type, name)


def _squeeze(input, axis=None, name=None, squeeze_dims=None):
    axis = deprecated_argument_lookup("axis", axis, "squeeze_dims", squeeze_dims)
    return shape_functions.squeeze(input, axis, name)


def _reducing(function):
    """A reduction with the old names of its arguments, too."""

    def reduce(input_tensor, axis=None, keepdims=None, name=None, reduction_indices=None, keep_dims=None):
        axis = deprecated_argument_lookup("axis", axis, "reduction_indices", reduction_indices)
        keepdims = deprecated_argument_lookup("keepdims", keepdims, "keep_dims", keep_dims)
        return function(input_tensor, axis, keepdims, name)

    return reduce


def _reduce_join(inputs, axis=None, keep_dims=None, separator="", name=None, reduction_indices=None, keepdims=None):
    axis = deprecated_argument_lookup("axis", axis, "reduction_indices", reduction_indices)
    keepdims = deprecated_argument_lookup("keepdims", keepdims, "keep_dims", keep_dims)
    return reduction.reduce_join(inputs, axis, keepdims, separator, name)


# By public name: what it does with ragged arguments, and which arguments may be ragged ("*" is before a list of them).
_OTHERS = {
    "batch_gather": (gathering.batch_gather, "params indices"),
    "concat": (joining.concat, "*values"),
    "dynamic_partition": (partitioning.dynamic_partition, "data partitions"),
    "expand_dims": (_expand_dims, "input"),
    "gather": (_gather, "params indices"),
    "gather_nd": (_gather_nd, "params indices"),
    "one_hot": (shape_functions.one_hot, "indices"),
    "rank": (shape_functions.rank, "input"),
    "reduce_join": (_reduce_join, "inputs"),
    "size": (_size, "input"),
    "squeeze": (_squeeze, "input"),
    "stack": (joining.stack, "*values"),
    "tile": (tiling.tile, "input"),
    "where": (selection.where, "condition x y"),
    **{f"reduce_{op}": (_reducing(getattr(reduction, f"reduce_{op}")), "input_tensor")
       for op in ("sum", "prod", "min", "max", "mean", "any", "all")},
    **{f"unsorted_segment_{op}": (getattr(reduction, f"segment_{op}"), "data segment_ids")
       for op in ("sum", "prod", "min", "max", "mean", "sqrt_n")},
}  # fmt: skip


def _is_supported(names: list[str], function, args, kwargs) -> bool:
    """Whether an argument that may be ragged is, and the others of those convert to tensors."""
    places = {name: place for place, name in enumerate(parameters(function))}
    found = False
    for name in names:
        is_list, name = name.startswith("*"), name.lstrip("*")
        given = args[places[name]] if places[name] < len(args) else kwargs.get(name)
        if is_list and not isinstance(given, (list, tuple)):
            return False
        for value in given if is_list else [given]:
            if is_ragged(value):
                found = True
            elif not converts_to_tensor(value):
                return False
    return found


def _handler(ragged_function, names: str):
    """The handler of a function that has one of its own for ragged arguments."""

    def handle(function, args, kwargs):
        if not _is_supported(names.split(), function, args, kwargs):
            return NOT_RAGGED
        return ragged_function(*args, **kwargs)

    return handle


# --- the replacement --------------------------------------------------------------------------------------------------


def with_ragged(function, handle):
    """A function that leaves to `handle` the calls that `function` refuses.

    Args:
      function: a function of dense tensors.
      handle: `(function, args, kwargs) -> result or NOT_RAGGED`.
    """

    @functools.wraps(function)
    def dispatching(*args, **kwargs):
        try:
            return function(*args, **kwargs)
        except (TypeError, ValueError):
            result = handle(function, args, kwargs)
            if result is NOT_RAGGED:
                raise
            return result

    return dispatching


def _replace(name: str, handle) -> None:
    """Put the replacement of a public function under all its names, and into the module that defines it."""
    function: Any = EXPORTS[name]
    replacement = with_ragged(function, handle)
    for public, value in EXPORTS.items():
        if value is function:
            EXPORTS[public] = replacement
    module, own_name = sys.modules[function.__module__], function.__name__
    if getattr(module, own_name, None) is function:
        setattr(module, own_name, replacement)


def install() -> None:
    """Make the ordinary functions take ragged arguments."""
    handlers = {
        **dict.fromkeys(_UNARY.split(), elementwise.unary), **dict.fromkeys(_OF_LISTS.split(), elementwise.of_list),
        **dict.fromkeys(_BINARY.split(), elementwise.binary), **{name: _handler(*row) for name, row in _OTHERS.items()},
    }  # fmt: skip
    for name, handle in handlers.items():
        _replace(name, handle)
    # The other operators of tensors give way to the reflected ones of what is on their right; these have none.
    for operator, name in {"lt": "less", "le": "less_equal", "gt": "greater", "ge": "greater_equal"}.items():
        Tensor._override_operator(f"__{operator}__", EXPORTS[name])
