"""Ragged tensors: `tf.RaggedTensor`, `tf.ragged`, and the ordinary functions on ragged arguments (docs/ragged.md)."""

from reflow.ragged import constants, dispatch, mapping, operators, partitioning, session, spec  # noqa: F401
from reflow.ragged.tensor import RaggedTensor, is_ragged
from reflow.ragged.value import RaggedTensorValue

dispatch.install()
operators.install()
session.install()

__all__ = ["RaggedTensor", "RaggedTensorValue", "is_ragged"]
