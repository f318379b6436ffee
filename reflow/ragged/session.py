"""Ragged tensors in sessions: fetched as RaggedTensorValue, and fed with one."""

from reflow.engine.fetches import register_session_run_conversion_functions
from reflow.ragged.tensor import RaggedTensor
from reflow.ragged.value import RaggedTensorValue


def _parts(ragged) -> list:
    """The tensors (or arrays) that a ragged tensor (or its value) consists of."""
    return [*ragged.nested_row_splits, ragged.flat_values]


def _value_of_parts(parts):
    *nested, value = parts
    for splits in reversed(nested):
        value = RaggedTensorValue(value, splits)
    return value


def _fetch(ragged):
    return _parts(ragged), _value_of_parts


def _feed(ragged, value):
    return list(zip(_parts(ragged), _parts(value), strict=False))


def install() -> None:
    """Teach sessions ragged tensors."""
    register_session_run_conversion_functions(RaggedTensor, _fetch, _feed, _parts)
