"""Tables: op -> how its inputs are drawn, and how close its results have to be."""

import zlib
from dataclasses import dataclass, field

import numpy as np
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from reflow.graph.dtypes import BY_ENUM, DType, as_dtype
from reflow.graph.registry import OPS
from tests.differential.draw import Draw
from tests.differential.example import CONSTANT, KNOWN, PARTIAL, UNKNOWN, Example

# What a type attribute that allows every type stands for.
ANY_TYPE = [d for enum, d in sorted(BY_ENUM.items()) if enum < 100 and d.name not in ("resource", "variant")]


@dataclass
class Entry:
    """How an op is tried.

    Attributes:
      op: its name.
      draw: `Draw -> (inputs, attrs, *readers)`; see `example.Example`.
      types: the values of type attributes, where not all that the op allows are tried.
      tolerances: those that differ from `compare.TOLERANCES`, by type.
      scaled: True if the tolerance is relative to the greatest number of a result, as sums need; else to each number.
      faults: whether inputs are damaged now and then, to see the errors.
      gradient: whether gradients are compared, or the types of the first output for which they are.
      newer: the types that TensorFlow 1.15 is known to compute wrongly, True for all, or a function that tells of an
        example whether it is: those are compared with 2.21.
      static_shapes: whether static shapes are compared.
      constants: the inputs that are always constants.
      derived: `outputs -> arrays` that are compared in their place, where the outputs are not determined.
      producer: the version of the GraphDef, for ops that are in old ones only.
    """

    op: str
    draw: object
    types: dict = field(default_factory=dict)
    tolerances: dict = field(default_factory=dict)
    scaled: bool = False
    faults: bool = True
    gradient: bool | tuple = True
    newer: object = ()
    static_shapes: bool = True
    constants: tuple = ()
    derived: object = None
    producer: int = 134

    def type_choices(self):
        """Type attribute -> the types it is tried with."""
        choices = {}
        for name, attr in OPS[self.op].attrs.items():
            if attr.type == "type":
                allowed = self.types.get(name) or attr.allowed or ANY_TYPE
                choices[name] = [t for t in map(as_dtype, allowed) if t.name not in ("resource", "variant")]
        return choices

    def peer_of(self, example):
        """The peer that an example is compared with."""
        if isinstance(self.newer, tuple):
            is_newer = {t.name for t in example.attrs.values() if isinstance(t, DType)} & set(self.newer)
        else:
            is_newer = self.newer is True or self.newer(example)
        return "tf2" if is_newer else "tf1"

    def examples(self, main_type=None):
        """A strategy of examples; `main_type` is the value of the first type attribute that has a choice."""
        return _examples(self, main_type)

    def main_types(self):
        """The values of the first type attribute that has a choice; [None] if there is none."""
        return next((c for c in self.type_choices().values() if len(c) > 1), [None])

    def some(self, each):
        """`each` examples for every main type: the same ones whenever the tables and hypothesis are the same."""
        found = {}
        for main_type in self.main_types():
            for example in _collect(self.examples(main_type), f"{self.op} {main_type}", each):
                found.setdefault(repr(example), example)
        return list(found.values())

    def of_types(self, types, count):
        """`count` examples of these type attributes; nothing is damaged, and all shapes are known."""
        found = _collect(_of_types(self, types), f"{self.op} {sorted(types)}", count)
        for example in found:
            example.known = [KNOWN] * len(example.arrays())
        return found


class Table(dict):
    """The entries of one family, by op.

    Args:
      family: its name, that of the file of goldens.
      kept: how many examples of an op the goldens hold.
    """

    def __init__(self, family, kept=24):
        super().__init__()
        self.family = family
        self.kept = kept

    def add(self, ops, draw, **options):
        """Enter ops (names with blanks between them) that are drawn alike; options are the fields of Entry."""
        for op in ops.split():
            if op in self:
                raise ValueError(f"{op} stands in the table twice")
            self[op] = Entry(op, draw, **options)


@st.composite
def _examples(draw, entry, main_type):
    choices = entry.type_choices()
    main = next((name for name, c in choices.items() if len(c) > 1), None)
    types = {name: main_type if name == main and main_type else draw(st.sampled_from(c)) for name, c in choices.items()}
    example = draw(_of_types(entry, types))
    if entry.faults and draw(st.integers(0, 9)) == 9:
        _damage(draw, example)
    example.known = _knowledge(draw, entry, example)
    return example


@st.composite
def _of_types(draw, entry, types):
    inputs, attrs, *readers = entry.draw(Draw(draw, entry.op, types))
    settled = {x for a in OPS[entry.op].inputs for x in (a.type_attr, a.type_list_attr)}
    attrs = {**{name: t for name, t in types.items() if name not in settled}, **attrs}
    return Example(entry.op, inputs, attrs, producer=entry.producer, readers=readers)


def _knowledge(draw, entry, example):
    """What is known of each array: usually all shapes are, and the values that kernels take as Python numbers."""
    style = draw(st.sampled_from([KNOWN, KNOWN, KNOWN, PARTIAL, UNKNOWN, "mixed"]))
    known = []
    for op, arg, array in example.arguments():
        each = draw(st.sampled_from([KNOWN, PARTIAL, UNKNOWN, CONSTANT])) if style == "mixed" else style
        if arg.name in entry.constants or arg.name in OPS[op].host and draw(st.integers(0, 2)):
            each = CONSTANT
        if each == CONSTANT and array.dtype.names:
            each = KNOWN
        known.append(each)
    return known


def _damage(draw, example):
    """Make one input of the example another one than the op wants, perhaps: of another rank, size or value."""
    places = [(i, None) for i, v in enumerate(example.inputs) if isinstance(v, np.ndarray)]
    places += [(i, j) for i, v in enumerate(example.inputs) if isinstance(v, list) for j in range(len(v))]
    if not places:
        return
    i, j = draw(st.sampled_from(places))
    array = example.inputs[i] if j is None else example.inputs[i][j]
    array = _damaged(draw, array)
    if j is None:
        example.inputs[i] = array
    else:
        example.inputs[i] = [*example.inputs[i][:j], array, *example.inputs[i][j + 1 :]]


def _damaged(draw, array):
    kind = draw(st.sampled_from(["rank", "scalar", "size", "value"]))
    if kind == "rank":
        return array[np.newaxis]
    if kind == "scalar" and array.ndim and array.size:
        return array[0, ...]
    if kind == "size" and array.ndim:
        return np.repeat(array, 2, axis=draw(st.integers(0, array.ndim - 1)))
    if kind == "value" and array.dtype.kind == "i" and array.size:
        array = array.copy()
        array.flat[draw(st.integers(0, array.size - 1))] = draw(st.sampled_from([-1, -2, 5, 100]))
    return array


def _collect(examples, name, count):
    """The first examples that hypothesis makes of a strategy; it tries the simplest first."""
    found = []

    @seed(zlib.crc32(name.encode()))
    @settings(max_examples=count, database=None, deadline=None, phases=[Phase.generate],
              suppress_health_check=list(HealthCheck))  # fmt: skip
    @given(examples)
    def collect(example):
        found.append(example)

    collect()
    return found
