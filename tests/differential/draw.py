"""What draws inputs: types, sizes, numbers that are exact in every floating type, and the values at the edges."""

import numpy as np
from hypothesis import strategies as st

from reflow.graph.dtypes import DType, as_dtype

# Values are multiples of 1/16 with few bits: exact in half and bfloat16 too, so that types do not round their inputs.
_STEP = 16
_EDGES = [0.0, -0.0, 1.0, -1.0, float("inf"), float("-inf"), float("nan")]


def _floats(low, high, *edges):
    numbers = st.integers(int(low * _STEP), int(high * _STEP)).map(lambda k: k / _STEP)
    return st.one_of(numbers, numbers, numbers, st.sampled_from(edges)) if edges else numbers


# Domains of floating numbers by name. An array of "any" numbers has, now and then, NaN and infinities.
DOMAINS = {
    "any": (_floats(-4, 4), _floats(-4, 4, *_EDGES)),
    "finite": (_floats(-4, 4), _floats(-4, 4, 0.0, -0.0, 64.0, -64.0)),
    "nonzero": (_floats(1 / 16, 4) | _floats(-4, -1 / 16),) * 2,
    "ordered": (_floats(-4, 4), _floats(-4, 4, *_EDGES[:-1])),
    "positive": (_floats(1 / 16, 8), _floats(1 / 16, 8)),
    "symmetric_finite": (_floats(-1, 1),) * 2,
    "divisor": (_floats(-4, 4), _floats(-4, 4, 0.0, -0.0, 64.0, -64.0)),
    "unit": (_floats(0, 1), _floats(0, 1, 0.0, 1.0)),
    "symmetric": (_floats(-1, 1), _floats(-1.5, 1.5, *_EDGES)),
}
# Complex numbers stay finite, and divisors are not 0: what arithmetic makes of an infinite part, or of a division by 0,
# hangs on the order of its steps.
_OF_COMPLEX = {"any": "finite", "ordered": "finite", "symmetric": "finite", "divisor": "nonzero"}
_TEXTS = st.sampled_from(
    [b"", b"a", b"b", b"ab", b"Hello, World", b" x y ", b"7", b"-1.5", "é".encode(), b"\xff\x00", b"0"]
)


_WORDS = [word.encode() for word in ("", "a", "b c", " x y ", "Hello, World", "héllo", "a,b,,c", "7", "aaa")]


class Draw:
    """What an entry of a table draws with.

    Args:
      draw: hypothesis' function.
      op: the name of the op.
      types: its type attributes, by name.
    """

    def __init__(self, draw, op, types):
        self._draw = draw
        self.op = op
        self.types = types

    def pick(self, *options):
        """One of the options."""
        return self._draw(st.sampled_from(options))

    def flag(self):
        """True or False."""
        return self._draw(st.booleans())

    def rarely(self):
        """True one time in eight."""
        return self._draw(st.integers(0, 7)) == 7

    def int(self, low, high):
        """An integer from low to high, both included."""
        return self._draw(st.integers(low, high))

    def shape(self, least=0, most=3, low=0, high=4):
        """A shape of a rank from `least` to `most`, with sizes from `low` to `high`; size 0 is rare."""
        rank = self.int(least, most)
        return tuple(self.size(low, high) for _ in range(rank))

    def size(self, low=0, high=4):
        """One dimension."""
        size = self.int(max(low, 1), high)
        return 0 if low == 0 and self.rarely() else size

    def dtype(self, name) -> DType:
        """The type of a type attribute, or of this name."""
        return self.types.get(name) or as_dtype(name)

    def array(self, dtype, shape, domain="any", low=None, high=None):
        """An array of a type (or type attribute) and shape; floating numbers of a domain, integers from low to high."""
        dtype = self.dtype(dtype)
        count = int(np.prod(shape))
        elements = _elements(dtype, domain, self.int(0, 3) == 3, low, high)
        values = self._draw(st.lists(elements, min_size=count, max_size=count))
        if dtype.np_dtype.kind == "O":
            array = np.empty(count, object)
            array[:] = values
            return array.reshape(shape)
        with np.errstate(all="ignore"):
            plain = np.array(values, _plain_type(dtype)).reshape(shape)
            return plain.view(dtype.np_dtype) if dtype.is_quantized else plain.astype(dtype.np_dtype)

    def words(self, shape):
        """An array of strings that are UTF-8."""
        return np.array([self.pick(*_WORDS) for _ in range(int(np.prod(shape)))] + [b""], object)[:-1].reshape(shape)

    def ints(self, dtype, values):
        """An array of given integers."""
        dtype = self.dtype(dtype)
        return np.array(values, dtype.np_dtype)

    def axis(self, rank, none=False):
        """A dimension of a tensor of this rank, counted from either end; one that does not exist now and then."""
        if self.rarely():
            return self.pick(rank, -rank - 1, rank + 3)
        return self.int(-rank, rank - 1) if rank else 0

    def broadcast(self, shape):
        """A shape that broadcasts against another one; one that does not, now and then."""
        sizes = [self.pick(size, size, 1) for size in shape][self.int(0, len(shape)) if self.flag() else 0 :]
        if sizes and self.rarely():
            sizes[self.int(0, len(sizes) - 1)] += 1
        return tuple(sizes)


def _plain_type(dtype):
    """The NumPy type in which numbers of a type are listed before they are cast to it."""
    if dtype.is_quantized:
        return dtype.np_dtype[0]
    return "float64" if dtype.is_floating else dtype.np_dtype


def _elements(dtype, domain, at_edges, low, high):
    if dtype.np_dtype.kind == "O":
        return _TEXTS
    if dtype.is_bool:
        return st.booleans()
    floats = DOMAINS[domain][at_edges]
    if dtype.is_floating:
        return floats
    if dtype.is_complex:
        finite = DOMAINS[_OF_COMPLEX.get(domain, domain)][at_edges]
        return st.builds(complex, finite, finite)
    return _integers(dtype, at_edges, low, high)


def _integers(dtype, at_edges, low, high):
    least, most = int(dtype.min), int(dtype.max)
    if low is not None or high is not None:
        return st.integers(max(least, low if low is not None else -9), min(most, high if high is not None else 9))
    small = st.integers(max(least, -9), 9)
    if not at_edges:
        return small
    return st.one_of(small, st.sampled_from([least, most, 0, 1, max(least, -1), most - 1]))
