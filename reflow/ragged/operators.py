"""The operators of RaggedTensor."""

from reflow.graph.export import EXPORTS
from reflow.ragged.indexing import getitem
from reflow.ragged.tensor import RaggedTensor

_UNARY = {"abs": "abs", "neg": "negative", "invert": "logical_not"}
_COMPARISONS = {"lt": "less", "le": "less_equal", "gt": "greater", "ge": "greater_equal"}
_BINARY = {
    "add": "add", "sub": "subtract", "mul": "multiply", "div": "div", "truediv": "truediv", "floordiv": "floordiv",
    "mod": "floormod", "pow": "pow", "and": "logical_and", "or": "logical_or", "xor": "logical_xor",
}  # fmt: skip


def _operator(function, doc: str):
    def operator(self, other):
        return function(self, other)

    operator.__doc__ = doc
    return operator


def _reflected(function, doc: str):
    def operator(self, other):
        return function(other, self)

    operator.__doc__ = doc
    return operator


def install() -> None:
    """Give RaggedTensor its operators: those of the public functions, which take ragged arguments by now."""
    operators = {"getitem": getitem, **{operator: EXPORTS[name] for operator, name in _UNARY.items()}}
    for operator, name in {**_COMPARISONS, **_BINARY}.items():
        operators[operator] = _operator(EXPORTS[name], f"`tf.{name}(self, other)`.")
    for operator, name in _BINARY.items():
        operators[f"r{operator}"] = _reflected(EXPORTS[name], f"`tf.{name}(other, self)`.")
    for operator, function in operators.items():
        setattr(RaggedTensor, f"__{operator}__", function)
