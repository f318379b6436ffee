"""Random programs as data: a recipe is a list of steps, which can be built into a graph, printed, and cut down."""

import contextlib
import zlib
from dataclasses import dataclass, field

import numpy as np

import reflow as tf
from tests.engine.fuzz.operations import BUILDERS, numbers

_jit_scope = tf.contrib.compiler.jit.experimental_jit_scope

# A value of a recipe: (the number of the step that makes it, which of the step's outputs it is).
Value = tuple[int, int]
# What an output of a step is: ("tensor" or "variable", name of the dtype, shape); ("operation", "", ()).
Kind = tuple[str, str, tuple[int, ...]]


@dataclass
class Step:
    """One step: a builder's name, the values that it takes, keyword arguments, and where and after what it runs."""

    number: int
    name: str
    inputs: list[Value]
    arguments: dict
    outputs: list[Kind] = field(default_factory=list)
    device: int | None = None
    after: list[int] = field(default_factory=list)


@dataclass
class Recipe:
    """A program, and what is run of it.

    Attributes:
      steps: in the order in which they are built.
      runs: pairs (values to fetch, values to feed besides the placeholders); each is run several times.
      open_shapes: how placeholders are declared: 0 with their shapes, 1 without the first size, 2 with nothing.
    """

    steps: list[Step]
    runs: list[tuple[list[Value], list[Value]]]
    open_shapes: int = 0

    def kind(self, value: Value) -> Kind:
        """What a value is."""
        return next(step for step in self.steps if step.number == value[0]).outputs[value[1]]


class Program:
    """A recipe built into a graph.

    Args:
      recipe: the recipe.
      perturb: by what share of themselves the numbers that go into the program are changed.
      scopes: build most of the steps in jit scopes.

    Attributes:
      values: tensors, variables and operations by the recipe's values.
      feeds: arrays by placeholder.
    """

    def __init__(self, recipe: Recipe, perturb: float = 0.0, scopes: bool = False):
        self.recipe = recipe
        self.values: dict[Value, object] = {}
        self.feeds: dict = {}
        self.graph = tf.Graph()
        self._perturb = perturb
        self._operations: dict[int, list] = {}
        self._scopes = scopes
        with self.graph.as_default():
            tf.set_random_seed(5)
            for step in recipe.steps:
                self._build(step)
            self.initializer = tf.global_variables_initializer()
            self.variables = tf.global_variables()

    def _build(self, step: Step) -> None:
        arguments = dict(step.arguments)
        if step.name in ("constant", "variable"):
            arguments["perturb"] = self._perturb
        if step.name in ("placeholder", "leaves"):
            with self.graph.as_default():
                (self._feed if step.name == "placeholder" else self._leaves)(step)
            return
        after = [op for number in step.after for op in self._operations.get(number, ())]
        inputs = [self.value(v) for v in step.inputs]
        device = None if step.device is None else f"/cpu:{step.device}"
        scope = _jit_scope() if self._scopes and step.number % 4 else contextlib.nullcontext()
        with self.graph.as_default(), self.graph.device(device), self.graph.control_dependencies(after), scope:
            outputs = BUILDERS[step.name](*inputs, **arguments)
        outputs = outputs if isinstance(outputs, (tuple, list)) else (outputs,)
        self.values.update({(step.number, i): output for i, output in enumerate(outputs)})
        self._operations[step.number] = [o if isinstance(o, tf.Operation) else o.op for o in outputs
                                         if not isinstance(o, tf.Variable)]  # fmt: skip

    def _feed(self, step: Step) -> None:
        dtype, shape, seed = (step.arguments[name] for name in ("dtype", "shape", "seed"))
        declared = [list(shape), [None, *shape[1:]] if shape else [], None][self.recipe.open_shapes]
        tensor = self.values[step.number, 0] = tf.placeholder(dtype, declared)
        self._operations[step.number] = [tensor.op]
        self.feeds[tensor] = numbers(dtype, shape, seed, self._perturb)

    def _leaves(self, step: Step) -> None:
        """Placeholders in the place of a step that was cut out."""
        self._operations[step.number] = []
        for i, (_, dtype, shape) in enumerate(step.outputs):
            if -1 not in shape:
                tensor = self.values[step.number, i] = tf.placeholder(dtype, shape)
                self.feeds[tensor] = numbers(dtype, shape, step.number * 100 + i, self._perturb)

    def value(self, value: Value):
        """The tensor or variable of a value."""
        return self.values[value]

    def feed_of(self, value: Value) -> np.ndarray:
        """Numbers to feed for a value that the program would compute."""
        _, dtype, shape = self.recipe.kind(value)
        return numbers(dtype, shape, zlib.crc32(repr(value).encode()) % 2**31, self._perturb)


def described(step: Step, outputs) -> list[Kind]:
    """What the outputs of a step are; None stands for a tensor of unknown shape."""
    kinds: list[Kind] = []
    for output in outputs:
        if isinstance(output, tf.Operation):
            kinds.append(("operation", "", ()))
            continue
        shape = output.shape
        kind = "variable" if step.name == "variable" else "tensor"
        sizes = tuple(shape.as_list()) if shape.is_fully_defined() else (-1,)
        kinds.append((kind, output.dtype.base_dtype.name, sizes))
    return kinds
