"""Random numbers drawn by a variable that holds the generator's state: what `tf.random.experimental.Generator` uses.

The state is an int64 vector: the two halves of a Philox counter, and the key.
"""

import secrets

import torch

from reflow.graph import errors
from reflow.graph.registry import define_op
from reflow.graph.shapes import dims_in_brackets
from reflow.ops import philox_distributions, philox_rejection
from reflow.ops.philox import BLOCKS_PER_OUTPUT, PhiloxState
from reflow.ops.resource_variable import handle_shape_and_type
from reflow.ops.resources import VariableState
from reflow.ops.shape_rules import merge, no_outputs, shape_from_input, with_rank

PHILOX = 1
PHILOX_STATE_SIZE = 3
_ATTRS = "dtype: type = {dtype}, shape_dtype: type = int64"
_WORD = (1 << 64) - 1


def _signed(word: int) -> int:
    """An unsigned 64-bit number as the int64 of the same bits."""
    return word - (1 << 64) if word >> 63 else word


def _drawn(state: VariableState, algorithm: int | None, draw):
    """What `draw(stream)` returns; the variable is left at the stream's new position.

    If `algorithm` is None, the variable's first element says which it is, and the stream's position follows.
    """
    with state.lock:
        vector = state.current()
        size = PHILOX_STATE_SIZE + (algorithm is None)
        if vector.dtype is not torch.int64 or vector.ndim != 1 or len(vector) < size:
            raise errors.InvalidArgumentError(
                None, None,
                f"RNG state must be an int64 vector of at least {size} elements, got shape "
                f"{dims_in_brackets(tuple(vector.shape))}",
            )  # fmt: skip
        if algorithm is None:
            algorithm, vector = int(vector[0]), vector[1:]
        if algorithm != PHILOX:
            raise errors.InvalidArgumentError(None, None, f"Unsupported algorithm id: {algorithm}")
        low, high, key = (word & _WORD for word in vector[:PHILOX_STATE_SIZE].tolist())
        stream = PhiloxState.from_counter(key, high << 64 | low)
        result = draw(stream)
        vector[0], vector[1] = _signed(stream.counter & _WORD), _signed(stream.counter >> 64)
    return result


def _shape_rule(position: int):
    def rule(op):
        with_rank(op._inputs[0].dims, 0)
        dims = handle_shape_and_type(op._inputs[0])[0]
        with_rank(dims, 1)
        return [shape_from_input(op, position)]

    return rule


def _stateful(name: str, fill, dtype: str) -> None:
    """Define a stateful op whose numbers `fill(stream, shape, dtype)` draws."""

    def kernel(state, algorithm, shape, dtype):
        return _drawn(state, algorithm, lambda stream: fill(stream, shape, dtype))

    kernel.__name__ = f"stateful_{fill.__name__}"
    define_op(name, "resource: resource, algorithm: int64, shape: shape_dtype -> output: dtype",
              _ATTRS.format(dtype=dtype), shape=_shape_rule(2), kernel=kernel, host="algorithm shape", writes=True,
              is_stateful=True)  # fmt: skip


_stateful("StatefulUniform", philox_distributions.uniform, "float")
_stateful("StatefulStandardNormalV2", philox_distributions.standard_normal, "float")
_stateful("StatefulTruncatedNormal", philox_distributions.truncated_normal, "float")
_stateful("StatefulUniformFullInt", philox_distributions.uniform_full_int, "uint64")


def _standard_normal(state, shape, dtype):
    return _drawn(state, None, lambda stream: philox_distributions.standard_normal(stream, shape, dtype))


def _uniform_int(state, algorithm, shape, minval, maxval, dtype):
    return _drawn(state, algorithm,
                  lambda stream: philox_distributions.uniform_int(stream, shape, minval, maxval, dtype))  # fmt: skip


def _binomial(state, algorithm, shape, counts, probs, dtype):
    return _drawn(state, algorithm, lambda stream: philox_rejection.binomial(stream, shape, counts, probs, dtype))


def _skip(state, algorithm, delta) -> None:
    _drawn(state, algorithm, lambda stream: stream.reserve(delta * BLOCKS_PER_OUTPUT))


def _non_deterministic_ints(shape, dtype):
    size = torch.Size(shape)
    words = secrets.token_bytes(max(size.numel(), 1) * dtype.itemsize)
    return torch.frombuffer(bytearray(words), dtype=dtype)[: size.numel()].reshape(size)


define_op("StatefulStandardNormal", "resource: resource, shape: shape_dtype -> output: dtype",
          _ATTRS.format(dtype="float"), shape=_shape_rule(1), kernel=_standard_normal, host="shape", writes=True,
          is_stateful=True)  # fmt: skip
define_op("StatefulUniformInt",
          "resource: resource, algorithm: int64, shape: shape_dtype, minval: dtype, maxval: dtype -> output: dtype",
          _ATTRS.format(dtype="int64"), shape=_shape_rule(2), kernel=_uniform_int,
          host="algorithm shape minval maxval", writes=True, is_stateful=True)  # fmt: skip
define_op("StatefulRandomBinomial",
          "resource: resource, algorithm: int64, shape: S, counts: T, probs: T -> output: dtype",
          "S: type in index, T: type in half|float|double|int32|int64 = double, "
          "dtype: type in half|float|double|int32|int64 = int64",
          shape=_shape_rule(2), kernel=_binomial, host="algorithm shape", writes=True, is_stateful=True)  # fmt: skip


def _skip_shape(op):
    for position in (1, 2):
        merge(op._inputs[position].dims, ())
    return no_outputs(op)


define_op("RngSkip", "resource: resource, algorithm: int64, delta: int64 ->", shape=_skip_shape, kernel=_skip,
          host="algorithm delta", writes=True, is_stateful=True)  # fmt: skip
define_op("NonDeterministicInts", "shape: shape_dtype -> output: dtype", _ATTRS.format(dtype="int64"),
          shape=lambda op: [shape_from_input(op, 0)], kernel=_non_deterministic_ints, host="shape",
          is_stateful=True)  # fmt: skip
