"""What a benchmarked operation is: inputs at three sizes, and the same function of them in each framework."""

from typing import Any, Callable, Dict, NamedTuple, Optional, Tuple

import numpy as np

from benchmarks.ops.reasons import REASONS, SMALL

SIZES = ("small", "medium", "large")
# How many copies of the operation a step runs: small ones many, or the session would be measured.
COPIES = {"small": 50, "medium": 10, "large": 3}
GRADIENT = ", gradient"


class Spec(NamedTuple):
    """An input: its shape, its values, its NumPy type.

    The values are `uniform` in [-1, 1), `positive` in [0.5, 1.5), a `distribution` in each row, a positive `definite`
    matrix, integers `below` n, those `sorted`, or `equal` to n. `order` is the permutation of axes that PyTorch's
    layout has in its place.
    """

    shape: Tuple[int, ...]
    values: str = "uniform"
    n: int = 0
    dtype: str = "float32"
    order: Optional[Tuple[int, ...]] = None

    def array(self, random):
        """A fresh array from a NumPy `RandomState`."""
        return np.asarray(self._numbers(random), self.dtype)

    def _numbers(self, random):
        if self.values == "equal":
            return np.full(self.shape, self.n)
        if self.values in ("below", "sorted"):
            numbers = random.randint(0, self.n, self.shape)
            return np.sort(numbers) if self.values == "sorted" else numbers
        if self.values == "distribution":
            return random.dirichlet(np.ones(self.shape[-1]), self.shape[:-1])
        if self.values == "definite":
            noise = random.uniform(-1.0, 1.0, self.shape)
            size = self.shape[-1]
            return noise @ noise.T / size + np.eye(size)
        low, high = {"uniform": (-1.0, 1.0), "positive": (0.5, 1.5)}[self.values]
        return random.uniform(low, high, self.shape)

    def __str__(self):
        return "x".join(map(str, self.shape)) or "scalar"


class Op(NamedTuple):
    """One operation.

    Attributes:
      name: in the table.
      inputs: {size: a Spec for each input}.
      session: `(tf, *inputs) -> tensor or list of tensors`, as a 1.x program writes it.
      torch: `(torch, *inputs) -> tensor or tuple of tensors`.
      by: positions of the inputs by which it is differentiated; none for operations without a gradient.
      is_update: whether it is an optimizer's update: `session(tf, variables, gradients) -> Operation` and
        `torch(torch, parameters) -> function without arguments`, over all copies at once.
      copies: {size: copies of the operation a step}.
    """

    name: str
    inputs: Dict[str, Tuple[Spec, ...]]
    session: Callable[..., Any]
    torch: Callable[..., Any]
    by: Tuple[int, ...] = ()
    is_update: bool = False
    copies: Dict[str, int] = COPIES

    @property
    def rows(self):
        """The rows of the table that the operation has: a size, or a size with the gradient."""
        kinds = ("", GRADIENT) if self.by else ("",)
        return [size + kind for kind in kinds for size in SIZES]

    def arrays(self, size, copy):
        """The input arrays of one copy."""
        random = np.random.RandomState(copy)
        return [spec.array(random) for spec in self.inputs[size]]

    def reason(self, row):
        """Why Reflow is slow in a row, if it is."""
        size = row.replace(GRADIENT, "")
        reasons = REASONS.get(self.name, {})
        for key in (row, size, ""):
            if key in reasons:
                return reasons[key]
        return SMALL if size == "small" else ""


def sized(make, small, medium, large):
    """{size: make(numbers of that size)}; `make` returns a Spec or a tuple of them."""
    table = {}
    for size, numbers in zip(SIZES, (small, medium, large)):
        specs = make(*numbers) if isinstance(numbers, tuple) else make(numbers)
        table[size] = (specs,) if isinstance(specs, Spec) else specs
    return table


def matrices(count, **options):
    """{size: `count` square matrices}: of 32, 256 and 1,024 rows."""
    return sized(lambda n: (Spec((n, n), **options),) * count, 32, 256, 1024)


def feature_maps(channels=32):
    """{size: an image batch [N, H, W, C]}: some 8 thousand, 200 thousand and 1.6 million numbers."""
    return sized(
        lambda n, size: Spec((n, size, size, channels), order=(0, 3, 1, 2)), (1, 16), (8, 28), (16, 56)
    )
