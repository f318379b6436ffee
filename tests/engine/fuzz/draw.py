"""Draws random recipes: a weighted grammar over what the rewrite passes look at."""

import contextlib

import numpy as np

import reflow as tf
from tests.engine.fuzz.operations import ASSIGNMENTS, BINARY, OPTIMIZERS, REDUCTIONS, UNARY
from tests.engine.fuzz.recipes import Kind, Program, Recipe, Step, Value, described

# Larger tensors make runs slow and their sums uncertain.
_MOST_ELEMENTS = 6000
# Numbers that sums of nothing but rounding do not come close to.
_THRESHOLDS = -9.0, 0.037, 0.537
_SMOOTH = [name for name in UNARY if name not in ("sign", "floor")]


class Draw:
    """Draws one recipe.

    Args:
      seed: equal seeds give equal recipes.
      steps: about how many steps to draw.
      devices: the number of devices to pin steps to; with 1 nothing is pinned.
    """

    def __init__(self, seed: int, steps: int = 25, devices: int = 1):
        self.random = np.random.RandomState(seed)
        self._devices = devices
        self._recipe = Recipe([], [])
        # The program with all shapes known, which tells those of the outputs.
        self._program = Program(self._recipe)
        self._kinds: dict[Value, Kind] = {}
        self._order = _Order()
        while len(self._recipe.steps) < steps:
            self._step()
        self._draw_runs()

    @property
    def recipe(self) -> Recipe:
        """What was drawn."""
        return self._recipe

    # --- choices ------------------------------------------------------------------------------------------------------

    def chance(self, share: float) -> bool:
        return bool(self.random.rand() < share)

    def one_of(self, things):
        things = list(things)
        return things[self.random.randint(len(things))]

    def size(self) -> int:
        return int(self.one_of([1, 2, 3, 4, 5, 8, 16, 17]))

    def shape(self, rank=None) -> tuple[int, ...]:
        rank = int(self.one_of([0, 1, 2, 2, 2, 3, 4])) if rank is None else rank
        return tuple(self.size() if rank < 4 else int(self.one_of([1, 2, 3, 4, 8])) for _ in range(rank))

    def values(self, fits=lambda dtype, shape: True) -> list[Value]:
        """The values that fit, variables among them."""
        return [v for v, (kind, dtype, shape) in self._kinds.items()
                if kind != "operation" and -1 not in shape and fits(dtype, shape)]  # fmt: skip

    def floats(self, rank=None, shape=None, dtype=None) -> Value:
        """A float value, one of the latest more likely than others; a new leaf if there is none."""
        found = self.values(lambda d, s: d.startswith("float") and dtype in (None, d) and shape in (None, s)
                            and rank in (None, len(s)))  # fmt: skip
        if not found or self.chance(0.12):
            return self.leaf(
                dtype or ("float64" if self.chance(0.08) else "float32"), self.shape(rank) if shape is None else shape
            )
        late = found[-max(3, len(found) // 3) :]
        return self.one_of(late if self.chance(0.7) else found)

    def dtype(self, value: Value) -> str:
        return self._kinds[value][1]

    def dims(self, value: Value) -> tuple[int, ...]:
        return self._kinds[value][2]

    # --- steps --------------------------------------------------------------------------------------------------------

    def leaf(self, dtype, shape, kind=None) -> Value:
        kind = kind or self.one_of(["placeholder", "placeholder", "constant", "variable"])
        if dtype == "int32" and kind == "variable":
            kind = "constant"
        seed = int(self.random.randint(1 << 30))
        arguments = {"dtype": dtype, "shape": list(shape), "seed": seed}
        if kind == "variable":
            arguments["resource"] = self.chance(0.4)
        return self.add(kind, [], **arguments)[0]

    def add(self, kind: str, inputs, /, after=(), **arguments) -> list[Value]:
        """Add a step; gives its outputs."""
        step = Step(len(self._recipe.steps), kind, list(inputs), arguments, after=list(after))
        if kind not in ("placeholder", "constant", "variable"):
            if self._devices > 1 and self.chance(0.5):
                step.device = int(self.random.randint(self._devices))
            if self._recipe.steps and self.chance(0.08):
                step.after.append(int(self.random.randint(len(self._recipe.steps))))
        elif kind == "variable" and self._devices > 1:
            step.device = int(self.random.randint(self._devices))
        self._order.settle(step, self._kinds, wait=self.chance(0.3))
        self._program._build(step)
        outputs = []
        while (step.number, len(outputs)) in self._program.values:
            outputs.append(self._program.values[step.number, len(outputs)])
        step.outputs = described(step, outputs)
        self._recipe.steps.append(step)
        made = [(step.number, i) for i in range(len(outputs))]
        self._kinds.update(zip(made, step.outputs, strict=True))
        self._order.note(step, self._kinds)
        return made

    def _step(self) -> None:
        names, weights = zip(*_WEIGHTS.items(), strict=True)
        chosen = self.random.choice(len(names), p=np.array(weights) / sum(weights))
        with contextlib.suppress(_Unfit, LookupError):  # A LookupError: there is no second derivative.
            _DRAWERS[names[chosen]](self)

    def _draw_runs(self) -> None:
        everything = list(self._kinds)
        tensors = [v for v, (kind, dtype, _) in self._kinds.items() if kind == "tensor"]
        floats = [v for v in tensors if self._kinds[v][1].startswith("float") and -1 not in self._kinds[v][2]]
        taken = {v for step in self._recipe.steps for v in step.inputs}
        ends = [v for v in everything if v not in taken]
        for number in range(3):
            some = [self.one_of(everything) for _ in range(self.random.randint(1, 5))]
            fetches = list(dict.fromkeys([*(ends if number == 0 else ()), *some]))
            fed = [self.one_of(floats)] if floats and number == 2 else []
            fed = [v for v in fed if self._program.values[v].op.type != "Placeholder"]
            self._recipe.runs.append((fetches, fed))
        self._recipe.open_shapes = int(self.one_of([0, 0, 1, 1, 2]))


class _Order:
    """Keeps recipes free of races, whose outcome TensorFlow leaves open.

    What takes a variable waits for its last change. A change need not wait for what took the variable before it, which
    then sees the old value, unless that comes after some other change.
    """

    def __init__(self):
        self._writer: dict[Value, int] = {}
        self._readers: dict[Value, list[int]] = {}
        # By step: the variables behind its values, and whether it comes after a change of some variable.
        self._behind: dict[int, set[Value]] = {}
        self._late: set[int] = set()

    def settle(self, step: Step, kinds: dict[Value, Kind], wait: bool) -> None:
        """Add what the step has to wait for; with `wait` a change waits for all that took the variable."""
        for variable in self._taken(step, kinds):
            step.after.extend([self._writer[variable]] if variable in self._writer else [])
        for variable in _changed(step):
            readers = self._readers.get(variable, ())
            step.after.extend(number for number in readers if wait or number in self._late)
        step.after = list(dict.fromkeys(step.after))

    def note(self, step: Step, kinds: dict[Value, Kind]) -> None:
        """The step is part of the recipe."""
        taken, changed = self._taken(step, kinds), _changed(step)
        before = [*(v[0] for v in step.inputs), *step.after]
        self._behind[step.number] = taken.union(*(self._behind[n] for n in before))
        if changed or not self._late.isdisjoint(before):
            self._late.add(step.number)
        for variable in taken:
            self._readers.setdefault(variable, []).append(step.number)
        for variable in changed:
            self._writer[variable], self._readers[variable] = step.number, []

    def _taken(self, step: Step, kinds) -> set[Value]:
        """The variables that a step reads or changes; gradients read those that the loss was made of."""
        direct = {v for v in step.inputs if kinds[v][0] == "variable"}
        if step.name in ("gradients", "minimize"):
            return direct.union(*(self._behind[v[0]] for v in step.inputs))
        return direct


def _changed(step: Step) -> list[Value]:
    if step.name == "minimize":
        return step.inputs[1:]
    if step.name == "assignment":
        return step.inputs[:1]
    return step.inputs[2:] if step.name == "cond" else []


class _Unfit(Exception):
    """What was to be drawn does not fit what is there."""


def _check(condition) -> None:
    if not condition:
        raise _Unfit


# --- kinds of steps ---------------------------------------------------------------------------------------------------


def _draw_unary(d: Draw):
    x = d.floats()
    name = d.one_of(UNARY)
    _check(name != "cumsum" or d.dims(x))
    y = d.add("unary", [x], name=name)[0]
    if d.chance(0.1):  # The same again.
        d.add("binary", [y, d.add("unary", [x], name=name)[0]], name="add")


def _broadcast_partner(d: Draw, x: Value) -> Value:
    shape = d.dims(x)
    shapes = [shape, shape, shape[-1:], (), tuple(1 if d.chance(0.3) else n for n in shape)]
    return d.floats(shape=d.one_of(shapes), dtype=d.dtype(x))


def _draw_binary(d: Draw):
    x = d.floats()
    pair = [x, _broadcast_partner(d, x)]
    d.add("binary", pair if d.chance(0.7) else pair[::-1], name=d.one_of(BINARY))


def _draw_chain(d: Draw):
    """Elementwise chains of 256 elements and more."""
    shape = d.one_of([(16, 17), (4, 8, 8), (2, 130), (300,)])
    x = d.floats(shape=shape, dtype="float32")
    for _ in range(d.random.randint(2, 5)):
        form = d.random.randint(4)
        y = _broadcast_partner(d, x) if d.chance(0.4) else d.floats(shape=shape, dtype="float32")
        if form == 0:
            x = d.add("lerp", [x, y, d.floats(shape=d.one_of([shape, ()]), dtype="float32")], form=d.chance(0.5))[0]
        elif form == 1:
            x = d.add(
                "unary", [x], name=d.one_of(["silu", "scaled", "third", "complement", "relu", "tanh", "sigmoid"])
            )[0]
        else:
            _check(d.dims(x) == shape)
            product = d.add("binary", [x, y], name=d.one_of(["mul", "mul", "div", "add"]))[0]
            other = d.floats(shape=d.dims(product), dtype="float32")
            x = d.add("binary", [other, product], name=d.one_of(["add", "plus", "sub", "plus_half", "minus_tenth"]))[0]


def _draw_reduce(d: Draw):
    x = d.floats()
    rank = len(d.dims(x))
    axes = d.one_of([None, [0], [-1], list(range(rank))[: max(1, rank - 1)]]) if rank else None
    d.add("reduce", [x], name=d.one_of(REDUCTIONS), axes=axes, keep=d.chance(0.4))


def _draw_dense(d: Draw):
    x = d.floats(rank=2)
    if d.chance(0.2):
        x = d.add("transpose", [x], permutation=[1, 0])[0]
    width, transposed = d.size(), d.chance(0.2)
    w = d.floats(shape=(width, d.dims(x)[1]) if transposed else (d.dims(x)[1], width), dtype=d.dtype(x))
    y = d.add("matmul", [x, w], transpose_b=transposed)[0]
    if d.chance(0.15):
        y = d.add("binary", [y, d.floats(shape=(width,), dtype=d.dtype(x))], name="mul")[0]
    _ending(d, y, width, "NHWC")


def _ending(d: Draw, y: Value, width: int, data_format: str) -> Value:
    """Perhaps a bias and an activation, and perhaps a residual."""
    if d.chance(0.8):
        form = "bias_add" if data_format == "NCHW" else d.one_of(["bias_add", "add", "swapped"])
        b = d.floats(shape=(width,), dtype=d.dtype(y))
        y = d.add("bias", [y, b], form=form, **({"data_format": data_format} if data_format == "NCHW" else {}))[0]
    if d.chance(0.25):
        y = d.add("binary", [y, d.floats(shape=d.dims(y), dtype=d.dtype(y))], name=d.one_of(["add", "plus"]))[0]
    if d.chance(0.75):
        y = d.add("unary", [y], name=d.one_of(["relu", "relu", "relu", "tanh", "sigmoid", "relu6", "elu", "silu"]))[0]
    return y


def _images(d: Draw) -> Value:
    found = d.values(lambda t, s: t == "float32" and len(s) == 4 and min(s[1:3]) >= 4)
    if found and d.chance(0.75):
        return d.one_of(found[-4:])
    return d.leaf("float32", (d.one_of([1, 2, 3]), d.one_of([4, 6, 8]), d.one_of([4, 6, 8]), d.one_of([1, 3, 4, 8])))


def _draw_conv(d: Draw):
    x = _images(d)
    data_format = "NCHW" if d.chance(0.15) else "NHWC"
    channels = d.dims(x)[1 if data_format == "NCHW" else 3]
    sizes = d.dims(x)[2:] if data_format == "NCHW" else d.dims(x)[1:3]
    window = d.one_of([n for n in (1, 1, 2, 3, 3, 5) if n <= min(sizes)])
    depthwise = d.chance(0.15) and data_format == "NHWC"
    filters = d.one_of([1, 2]) if depthwise else d.one_of([1, 3, 4, 8, 16])
    w = d.floats(shape=(window, window, channels, filters), dtype="float32")
    y = d.add("conv", [x, w], stride=d.one_of([1, 1, 1, 2]), padding=d.one_of(["SAME", "VALID"]),
              data_format=data_format, depthwise=depthwise)[0]  # fmt: skip
    width = channels * filters if depthwise else filters
    if d.chance(0.25):
        y = _norm(d, y, width, data_format)
    elif d.chance(0.1):
        y = d.add("binary", [y, d.floats(shape=(d.dims(y)[-1],), dtype="float32")], name="mul")[0]
    y = _ending(d, y, width, data_format)
    if d.chance(0.4):
        _pool(d, y, data_format)


def _norm(d: Draw, y: Value, width: int, data_format: str) -> Value:
    kind = d.one_of([None, "constant"])
    vectors = [d.leaf("float32", (width,), kind) for _ in range(4)]
    return d.add("batch_norm", [y, *vectors], training=d.chance(0.5), data_format=data_format)[0]


def _pool(d: Draw, x: Value, data_format: str):
    sizes = d.dims(x)[2:] if data_format == "NCHW" else d.dims(x)[1:3]
    size = d.one_of([n for n in (1, 2, 2, 2, 3) if n <= min(sizes)])
    d.add("pool", [x], name=d.one_of(["max", "max", "avg"]), size=size, stride=d.one_of([1, 2, size]),
          padding=d.one_of(["SAME", "VALID"]), data_format=data_format)  # fmt: skip


def _draw_pool(d: Draw):
    _pool(d, _images(d), "NHWC")


def _draw_lrn(d: Draw):
    d.add(
        "lrn",
        [_images(d)],
        radius=d.one_of([1, 2, 5]),
        bias=1.0,
        alpha=d.one_of([0.001, 0.5]),
        beta=d.one_of([0.5, 0.75, 1.0]),
    )


def _draw_norm(d: Draw):
    x = _images(d)
    if d.chance(0.5):
        _norm(d, x, d.dims(x)[3], "NHWC")
    else:
        d.add("moments_norm", [x], axes=d.one_of([[0, 1, 2], [0], [1, 2], [0, 2, 3]]))


def _draw_cross_entropy(d: Draw):
    logits = d.floats(rank=2)
    rows, columns = d.dims(logits)
    sparse = d.chance(0.5)
    if sparse:
        _check(columns >= 4)
        found = d.values(lambda t, s: t == "int32" and s == (rows,))
        labels = d.one_of(found) if found else d.leaf("int32", (rows,))
    else:
        labels = d.floats(shape=(rows, columns), dtype=d.dtype(logits))
    loss = d.add("cross_entropy", [logits, labels], sparse=sparse)[0]
    if d.chance(0.6):
        d.add("gradients", [loss, logits])


def _draw_concat(d: Draw):
    x = d.floats()
    rank = len(d.dims(x))
    _check(rank)
    xs = [x, *(d.floats(shape=d.dims(x), dtype=d.dtype(x)) for _ in range(d.random.randint(1, 4)))]
    _check(np.prod(d.dims(x)) * len(xs) < _MOST_ELEMENTS)
    d.add(d.one_of(["concat", "concat", "stack"]), xs, axis=d.one_of([0, rank - 1]))


def _draw_split(d: Draw):
    x = d.floats()
    shape = d.dims(x)
    axes = [a for a, n in enumerate(shape) if n > 1]
    _check(axes)
    axis = d.one_of(axes)
    if d.chance(0.3) and shape[axis] < 9:
        d.add("unstack", [x], count=shape[axis], axis=axis)
    else:
        d.add("split", [x], count=next(n for n in range(2, shape[axis] + 1) if shape[axis] % n == 0), axis=axis)


def _draw_movement(d: Draw):
    x = d.floats()
    shape = d.dims(x)
    rank = len(shape)
    _check(rank)
    form = d.random.randint(8)
    if form == 0:
        d.add("transpose", [x], permutation=[int(i) for i in d.random.permutation(rank)])
    elif form == 1:
        d.add("reshape", [x], shape=d.one_of([[shape[0], -1], [shape[0], *shape[1:]]]), dynamic=d.chance(0.4))
    elif form == 2:
        y = d.add("expand", [x], axis=d.random.randint(rank + 1))[0]
        if d.chance(0.5):
            d.add("squeeze", [y], axis=d.dims(y).index(1))
    elif form == 3:
        _check(np.prod(shape) * 4 < _MOST_ELEMENTS)
        d.add("tile", [x], multiples=[d.one_of([1, 1, 2]) for _ in shape])
    elif form == 4:
        d.add("pad", [x], paddings=[[d.one_of([0, 0, 1]), d.one_of([0, 0, 1])] for _ in shape])
    elif form == 5:
        d.add("reverse", [x], axis=d.random.randint(rank))
    elif form == 6:
        d.add("softmax", [x], log=d.chance(0.5)) if d.chance(0.7) else d.add("l2_normalize", [x])
    else:
        begin = [int(d.random.randint(n)) if d.chance(0.5) else 0 for n in shape]
        size = [
            int(d.random.randint(1, n - b + 1)) if d.chance(0.5) else n - b for n, b in zip(shape, begin, strict=True)
        ]
        d.add("part", [x], begin=begin, size=size, strided=d.chance(0.5))


def _draw_integers(d: Draw):
    found = d.values(lambda t, s: t == "int32")
    if not found or d.chance(0.4):
        x = d.floats()
        _check(d.dims(x))
        d.add("argmax", [x], axis=len(d.dims(x)) - 1)
        return
    i = d.one_of(found)
    form = d.random.randint(4)
    if form == 0:
        same = d.values(lambda t, s: t == "int32" and s == d.dims(i))
        d.add("integers", [i, d.one_of(same)], name=d.one_of(["add", "mul", "floordiv", "mod"]))
    elif form == 1:
        d.add("cast", [i], dtype="float32")
    elif form == 2:
        d.add("one_hot", [i], dtype="float32")
    else:
        tables = d.values(lambda t, s: t.startswith("float") and len(s) == 2 and s[0] >= 4)
        table = d.one_of(tables) if tables else d.leaf("float32", (5, d.size()))
        _check(np.prod(d.dims(i)) < 100 and len(d.dims(i)) < 3)
        d.add("gather", [table, i])


def _draw_clip(d: Draw):
    xs = [d.floats(dtype="float32") for _ in range(d.random.randint(2, 8))]
    d.add("clip_by_global_norm", list(dict.fromkeys(xs)), norm=d.one_of([0.1, 1.0, 100.0]))


def _loss(d: Draw) -> tuple[Value, list[Value]]:
    """A float value and the float values that it depends on."""
    loss = d.floats()
    candidates = [v for v in d.values(lambda t, s: t.startswith("float")) if v != loss]
    _check(candidates)
    with d._program.graph.as_default():
        found = tf.gradients(d._program.value(loss), [d._program.value(v) for v in candidates])
    reached = [v for v, g in zip(candidates, found, strict=True) if g is not None]
    _check(reached)
    return loss, reached


def _draw_gradients(d: Draw):
    loss, reached = _loss(d)
    leaves = [v for v in reached if not d._recipe.steps[v[0]].inputs] or reached
    pool = leaves if d.chance(0.7) else reached
    chosen = list(dict.fromkeys(d.one_of(pool) for _ in range(d.random.randint(1, 4))))
    d.add("gradients", [loss, *chosen])


def _draw_minimize(d: Draw):
    loss, reached = _loss(d)
    variables = [v for v in reached if d._kinds[v][0] == "variable"]
    _check(variables)
    d.add("minimize", [loss, *variables], name=d.one_of(OPTIMIZERS), clip=d.chance(0.4))


def _draw_assignment(d: Draw):
    variables = [v for v, k in d._kinds.items() if k[0] == "variable" and k[1].startswith("float")]
    v = d.one_of(variables) if variables else d.leaf("float32", d.shape(), "variable")
    x = d.floats(shape=d.dims(v), dtype=d.dtype(v))
    changed = d.add("assignment", [v, x], name=d.one_of(ASSIGNMENTS))[0]
    if d.chance(0.6):
        d.add("read", [v])
    if d.chance(0.3):
        d.add("unary", [changed], name=d.one_of(_SMOOTH))


def _draw_recurrence(d: Draw):
    batch, width, state = d.one_of([1, 2, 4]), d.one_of([1, 3, 5]), d.one_of([2, 4])
    steps = d.random.randint(2, 6)
    if d.chance(0.5):
        block = d.floats(shape=(batch, steps, width), dtype="float32")
        xs = d.add("unstack", [block], count=steps, axis=1)
    else:
        xs = [d.floats(shape=(batch, width), dtype="float32") for _ in range(steps)]
    weights = [d.floats(shape=s, dtype="float32") for s in ((width, state), (state, state), (state,))]
    first = d.floats(shape=(batch, state), dtype="float32")
    d.add("recurrence", [*xs, *weights, first], steps=steps, cell=d.one_of(["joined", "apart", "gated"]))


def _draw_cond(d: Draw):
    x = d.floats()
    y = d.floats(shape=d.dims(x), dtype=d.dtype(x))
    variables = [v for v, k in d._kinds.items() if k[0] == "variable" and k[1].startswith("float")]
    assigns = bool(variables) and d.chance(0.4)
    names = [[d.one_of(_SMOOTH) for _ in range(d.random.randint(0, 4))] for _ in range(2)]
    names = [[n for n in each if n != "cumsum"] for each in names]
    if d.chance(0.15) and d._kinds[x][0] == "tensor":
        d.add("switch_merge", [x], threshold=d.one_of(_THRESHOLDS), true_name=(names[0] or ["tanh"])[0],
              false_name=(names[1] or ["neg"])[0])  # fmt: skip
        return
    inputs = [x, y, d.one_of(variables)] if assigns else [x, y]
    d.add("cond", inputs, threshold=d.one_of(_THRESHOLDS), true_names=names[0], false_names=names[1],
          nested=d.chance(0.3))  # fmt: skip


_DRAWERS = {name.removeprefix("_draw_"): function for name, function in list(globals().items())
            if name.startswith("_draw_")}  # fmt: skip
_WEIGHTS = {
    "unary": 10, "binary": 10, "chain": 4, "reduce": 5, "dense": 9, "conv": 7, "pool": 2, "lrn": 2, "norm": 3,
    "cross_entropy": 3, "concat": 5, "split": 3, "movement": 7, "integers": 4, "clip": 2, "gradients": 6, "minimize": 4,
    "assignment": 4, "recurrence": 2, "cond": 4,
}  # fmt: skip
