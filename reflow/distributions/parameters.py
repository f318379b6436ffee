"""What parameters and values of distributions have in common: probabilities and logits, checks, seeds."""

import hashlib

import numpy as np

from reflow.graph import dtypes
from reflow.graph.build import call
from reflow.graph.context import name_scope
from reflow.graph.convert import to_tensor
from reflow.ops.activations import sigmoid
from reflow.ops.casting import cast
from reflow.ops.checks import (
    assert_equal,
    assert_greater_equal,
    assert_less_equal,
    assert_near,
    assert_non_negative,
)
from reflow.ops.constant import constant
from reflow.ops.control import no_op, with_dependencies
from reflow.ops.elementwise import log, log1p
from reflow.ops.reduction import reduce_sum
from reflow.ops.shape_checks import assert_rank_at_least
from reflow.ops.shape_ops import shape
from reflow.ops.softmax import softmax
from reflow.ops.special import lgamma


def new_seed(seed, salt):
    """A seed for another random operation of the same sample: made of `seed` and `salt`; None if `seed` is."""
    if seed is None:
        return None
    digest = hashlib.md5(f"{seed}{salt}".encode(), usedforsecurity=False).hexdigest()
    return int(digest[:8], 16) & 0x7FFFFFFF


def same_shape_for(sample_shape, *names):
    """The answer of `_param_shapes` where all parameters have the shape of the samples."""
    return dict.fromkeys(names, to_tensor(sample_shape, dtypes.int32))


def log_combinations(n, counts):
    """The logarithm of the number of orders in which `n` draws give `counts` (over the last dimension)."""
    with name_scope("log_combinations", values=[n, counts]):
        n, counts = to_tensor(n, name="n"), to_tensor(counts, name="counts")
        permutations, factorials = lgamma(n + 1), lgamma(counts + 1)
        return permutations - reduce_sum(factorials, axis=[-1])


# --- probabilities and logits -------------------------------------------------------------------------------------


def logits_and_probs(logits, probs, validate_args, scope, over_classes=False):
    """(logits, probabilities), of which one is given.

    Args:
      logits: floating point tensor, or None if `probs` is given.
      probs: floating point tensor, or None if `logits` is given.
      validate_args: whether the probabilities are checked while the graph runs.
      scope: the name scope.
      over_classes: whether the last dimension is one of classes, whose probabilities add up to 1.

    Returns:
      Two tensors.

    Raises:
      ValueError: if both or neither are given.
      TypeError: if it is not floating point.
    """
    with name_scope(scope, values=[probs, logits]):
        if (probs is None) == (logits is None):
            raise ValueError("Must pass probs or logits, but not both.")
        if probs is None:
            logits = to_tensor(logits, name="logits")
            if not logits.dtype.is_floating:
                raise TypeError("logits must having floating type.")
            if not over_classes:
                return logits, sigmoid(logits, name="probs")
            if validate_args:
                logits = checked_classes(logits)
            return logits, softmax(logits, name="probs")
        probs = to_tensor(probs, name="probs")
        if not probs.dtype.is_floating:
            raise TypeError("probs must having floating type.")
        if validate_args:
            probs = _checked_probs(probs, over_classes)
        with name_scope("logits"):
            if over_classes:
                return log(probs), probs
            return log(probs) - log1p(-1.0 * probs), probs


def _checked_probs(probs, over_classes):
    with name_scope("validate_probs"):
        one = constant(1.0, probs.dtype)
        checks = [assert_non_negative(probs)]
        if over_classes:
            probs = checked_classes(probs)
            checks.append(assert_near(reduce_sum(probs, -1), one, message="probs does not sum to 1."))
        else:
            checks.append(assert_less_equal(probs, one, message="probs has components greater than 1."))
        return with_dependencies(checks, probs)


def _largest_integer(dtype):
    """The largest number up to which a type has all integers."""
    if dtype.is_floating:
        return int(2 ** (np.finfo(dtype.as_numpy_dtype).nmant + 1))
    return 1 if dtype is dtypes.bool_ else int(np.iinfo(dtype.as_numpy_dtype).max)


def checked_classes(parameter):
    """`parameter`, whose last dimension is checked to hold two classes at least, and not more than its type counts.

    Raises:
      ValueError: if it is known not to.
      TypeError: if it is not floating point.
    """
    with name_scope("embed_check_categorical_event_shape", values=[parameter]):
        parameter = to_tensor(parameter, name="categorical_param")
        dtype = parameter.dtype.base_dtype
        if not dtype.is_floating:
            raise TypeError(f"Unable to validate size of unrecognized dtype ({dtype.name}).")
        most = _largest_integer(dtype)
        try:
            static = parameter.shape.with_rank_at_least(1)
        except ValueError:
            raise ValueError("A categorical-distribution parameter must have at least 1 dimension.") from None
        too_few = "A categorical-distribution parameter must have at least 2 events."
        known = static.dims[-1].value if static.dims is not None else None
        if known is not None:
            if known < 2:
                raise ValueError(too_few)
            if known > most:
                raise ValueError(f"Number of classes exceeds `dtype` precision, i.e., {dtype.name} implies shape "
                                 f"({known}) cannot exceed {most}.")  # fmt: skip
            return parameter
        size = shape(parameter, name="x_shape")[-1]
        too_many = f"Number of classes exceeds `dtype` precision, i.e., {dtype.name} dtype cannot exceed {most} shape."
        no_dimension = "A categorical-distribution parameter must have at least 1 dimension."
        return with_dependencies(
            [assert_rank_at_least(parameter, 1, message=no_dimension),
             assert_greater_equal(shape(parameter)[-1], 2, message=too_few),
             assert_less_equal(size, most, message=too_many)],
            parameter,
        )  # fmt: skip


# --- values that must be whole numbers ----------------------------------------------------------------------------

_INTEGERS = {dtypes.float16: dtypes.int16, dtypes.float32: dtypes.int32, dtypes.float64: dtypes.int64}


def assert_integer_form(x, message, int_dtype=None):
    """An operation that fails unless all elements are whole numbers that the integer type holds."""
    with name_scope("assert_integer_form", values=[x]) as scope:
        x = to_tensor(x, name="x")
        if x.dtype.is_integer:
            return no_op()
        dtype = x.dtype.base_dtype
        if int_dtype is None and dtype not in _INTEGERS:
            raise TypeError(f"Unrecognized type {dtype.name}")
        return assert_equal(x, cast(cast(x, int_dtype or _INTEGERS[dtype]), dtype), message=message, name=scope)


def checked_counts(x):
    """`x`, checked to hold whole numbers that are not negative."""
    with name_scope("embed_check_nonnegative_integer_form", values=[x]):
        x = to_tensor(x, name="x")
        checks = [assert_non_negative(x, message=f"'{x}' must be non-negative.")]
        if not x.dtype.is_integer:
            checks.append(assert_integer_form(x, f"'{x}' cannot contain fractional components."))
        return with_dependencies(checks, x)


def checked_integers(x, dtype):
    """`x`, checked to hold numbers that are not negative and that the integer type `dtype` (or bool) holds.

    Raises:
      TypeError: if `x` is neither floating point nor integer.
    """
    with name_scope("embed_check_casting_closed", values=[x]):
        x = to_tensor(x, name="x")
        if not (x.dtype.is_floating or x.dtype.is_integer or x.dtype.base_dtype is dtypes.bool_):
            raise TypeError(f"{x.dtype.name}.dtype must be floating- or integer-type.")
        checks = [assert_non_negative(x, message="Elements must be non-negative.")]
        most = _largest_integer(dtype)
        if x.dtype.is_floating:
            checks.append(assert_integer_form(x, f"Elements must be {dtype.name}-equivalent.", dtype))
        elif _largest_integer(x.dtype.base_dtype) > most:
            checks.append(assert_less_equal(x, most, message=f"Elements cannot exceed {most}."))
        return with_dependencies(checks, x)


def nan_unless(defined, value, nan_shape):
    """`value` where it is `defined`, NaN elsewhere."""
    nan = call("Fill", nan_shape, np.array(np.nan, value.dtype.as_numpy_dtype), name="nan")
    return call("SelectV2", defined, value, nan)
