"""Static shapes: the public `TensorShape` and `Dimension`, over raw dims.

Inside Reflow a static shape is *raw dims*: a tuple of int (or None for an unknown size), or None for an unknown rank.
Shape rules and passes work on those; `Tensor.shape` wraps them for users.
"""

from reflow.graph.export import export

Dims = tuple[int | None, ...] | None


@export("Dimension", "compat.v1.Dimension")
class Dimension:
    """One dimension of a static shape; `value` is an int, or None where the size is not known.

    Arithmetic and comparison with an unknown dimension give an unknown dimension, or None.
    """

    __slots__ = ("_value",)

    def __init__(self, value):
        if value is None:
            self._value = None
            return
        if isinstance(value, Dimension):
            self._value = value._value
            return
        try:
            self._value = value.__index__()
        except AttributeError:
            number = int(value)
            if number != value and not isinstance(value, (str, bytes)):
                raise ValueError(f"Ambiguous dimension: {value}") from None
            self._value = number
        if self._value < 0:
            raise ValueError(f"Dimension {self._value} must be >= 0")

    @property
    def value(self):
        """The size as an int, or None."""
        return self._value

    def is_compatible_with(self, other):
        """True if both sizes are equal or either is unknown."""
        other = as_dimension(other)
        return self._value is None or other._value is None or self._value == other._value

    def assert_is_compatible_with(self, other):
        """Raise ValueError unless `is_compatible_with(other)`."""
        if not self.is_compatible_with(other):
            raise ValueError(f"Dimensions {self} and {other} are not compatible")

    def merge_with(self, other):
        """The more specific of two compatible dimensions; raises ValueError for incompatible ones."""
        other = as_dimension(other)
        self.assert_is_compatible_with(other)
        return Dimension(other._value if self._value is None else self._value)

    def __repr__(self):
        return f"Dimension({self._value!r})"

    def __str__(self):
        return "?" if self._value is None else str(self._value)

    def __hash__(self):
        return hash(self._value)

    def __int__(self):
        return self._value

    def __long__(self):
        return self._value

    def __index__(self):
        if self._value is None:
            raise TypeError("an unknown Dimension has no integer value")
        return self._value

    def __eq__(self, other):
        return _compare(self, other, lambda a, b: a == b)

    def __ne__(self, other):
        return _compare(self, other, lambda a, b: a != b)

    def __lt__(self, other):
        return _compare(self, other, lambda a, b: a < b)

    def __le__(self, other):
        return _compare(self, other, lambda a, b: a <= b)

    def __gt__(self, other):
        return _compare(self, other, lambda a, b: a > b)

    def __ge__(self, other):
        return _compare(self, other, lambda a, b: a >= b)

    def __add__(self, other):
        return _arithmetic(self, other, lambda a, b: a + b)

    __radd__ = __add__

    def __sub__(self, other):
        return _arithmetic(self, other, lambda a, b: a - b)

    def __rsub__(self, other):
        return _arithmetic(self, other, lambda a, b: b - a)

    def __mul__(self, other):
        return _arithmetic(self, other, lambda a, b: a * b)

    __rmul__ = __mul__

    def __floordiv__(self, other):
        return _arithmetic(self, other, lambda a, b: a // b)

    def __rfloordiv__(self, other):
        return _arithmetic(self, other, lambda a, b: b // a)

    __div__ = __floordiv__

    def __truediv__(self, other):
        raise TypeError(f"unsupported operand type(s) for /: 'Dimension' and '{type(other).__name__}', "
                        "please use // instead")  # fmt: skip

    def __rtruediv__(self, other):
        raise TypeError(f"unsupported operand type(s) for /: '{type(other).__name__}' and 'Dimension', "
                        "please use // instead")  # fmt: skip

    def __mod__(self, other):
        return _arithmetic(self, other, lambda a, b: a % b)

    def __rmod__(self, other):
        return _arithmetic(self, other, lambda a, b: b % a)

    def __reduce__(self):
        return Dimension, (self._value,)


def _compare(left, right, operation):
    try:
        right = as_dimension(right)
    except (TypeError, ValueError):
        return NotImplemented
    if left._value is None or right._value is None:
        return None
    return operation(left._value, right._value)


def _arithmetic(left, right, operation):
    try:
        right = as_dimension(right)
    except (TypeError, ValueError):
        return NotImplemented
    if left._value is None or right._value is None:
        return Dimension(None)
    return Dimension(operation(left._value, right._value))


@export("dimension_value", "compat.dimension_value")
def dimension_value(dimension):
    """The int (or None) behind a `Dimension`, and ints and None unchanged."""
    return dimension.value if isinstance(dimension, Dimension) else dimension


@export("dimension_at_index", "compat.dimension_at_index")
def dimension_at_index(shape, index):
    """One Dimension of a TensorShape.

    Args:
      shape: a TensorShape.
      index: which, an int.

    Returns:
      A Dimension, an unknown one if the rank is unknown.
    """
    assert isinstance(shape, TensorShape)
    return Dimension(None) if shape.ndims is None else shape.dims[index]


def as_dimension(value):
    """A Dimension for an int, None or Dimension."""
    return value if isinstance(value, Dimension) else Dimension(value)


@export("TensorShape")
class TensorShape:
    """A static shape: known, partly known (some sizes None), or of unknown rank (`TensorShape(None)`).

    Args:
      dims: a list of sizes (ints, None or Dimensions), an int for a vector, a TensorShapeProto, or None.
    """

    __slots__ = ("_dims",)

    def __init__(self, dims):
        self._dims = as_dims(dims)

    @property
    def dims(self):
        """A list of `Dimension`, or None if the rank is unknown."""
        return None if self._dims is None else [Dimension(d) for d in self._dims]

    @property
    def ndims(self):
        """The rank, or None."""
        return None if self._dims is None else len(self._dims)

    rank = ndims

    def __repr__(self):
        return f"TensorShape({self.dims!r})"

    def __str__(self):
        return dims_to_str(self._dims)

    def __len__(self):
        if self._dims is None:
            raise ValueError("Cannot take the length of shape with unknown rank.")
        return len(self._dims)

    def __bool__(self):
        return self._dims is not None

    def __iter__(self):
        if self._dims is None:
            raise ValueError("Cannot iterate over a shape with unknown rank.")
        return iter(self.dims)

    def __getitem__(self, key):
        if self._dims is not None:
            return TensorShape(self._dims[key]) if isinstance(key, slice) else Dimension(self._dims[key])
        if not isinstance(key, slice):
            return Dimension(None)
        start, stop = key.start or 0, key.stop
        if key.step is not None or stop is None or start < 0 or stop < 0:
            return TensorShape(None)
        return TensorShape([None] * max(stop - start, 0))

    def num_elements(self):
        """The product of the sizes, or None unless all are known."""
        return num_elements(self._dims)

    def merge_with(self, other):
        """The shape that holds what both know; raises ValueError if they contradict each other."""
        other = as_shape(other)
        try:
            return TensorShape(merge_dims(self._dims, other._dims))
        except ValueError:
            raise ValueError(f"Shapes {self} and {other} are not compatible") from None

    def concatenate(self, other):
        """This shape followed by `other`; unknown rank if either has unknown rank."""
        other = as_shape(other)
        if self._dims is None or other._dims is None:
            return TensorShape(None)
        return TensorShape(self._dims + other._dims)

    def assert_same_rank(self, other):
        """Raise ValueError if both ranks are known and differ."""
        other = as_shape(other)
        if None not in (self.ndims, other.ndims) and self.ndims != other.ndims:
            raise ValueError(f"Shapes {self} and {other} must have the same rank")

    def assert_has_rank(self, rank):
        """Raise ValueError if the rank is known and is not `rank`."""
        if self.ndims not in (None, rank):
            raise ValueError(f"Shape {self} must have rank {rank}")

    def with_rank(self, rank):
        """This shape, known to have `rank` dimensions; raises ValueError if it has another rank."""
        try:
            return self.merge_with(TensorShape([None] * rank))
        except ValueError:
            raise ValueError(f"Shape {self} must have rank {rank}") from None

    def with_rank_at_least(self, rank):
        """This shape; raises ValueError if its rank is known and less than `rank`."""
        if self.ndims is not None and self.ndims < rank:
            raise ValueError(f"Shape {self} must have rank at least {rank}")
        return self

    def with_rank_at_most(self, rank):
        """This shape; raises ValueError if its rank is known and greater than `rank`."""
        if self.ndims is not None and self.ndims > rank:
            raise ValueError(f"Shape {self} must have rank at most {rank}")
        return self

    def is_compatible_with(self, other):
        """True if some fully known shape matches both."""
        return dims_compatible(self._dims, as_shape(other)._dims)

    def assert_is_compatible_with(self, other):
        """Raise ValueError unless `is_compatible_with(other)`."""
        if not self.is_compatible_with(other):
            raise ValueError(f"Shapes {self} and {other} are incompatible")

    def most_specific_compatible_shape(self, other):
        """The most specific shape that both shapes match."""
        other = as_shape(other)
        if self._dims is None or other._dims is None or len(self._dims) != len(other._dims):
            return TensorShape(None)
        return TensorShape([a if a == b else None for a, b in zip(self._dims, other._dims, strict=True)])

    def is_fully_defined(self):
        """True if the rank and all sizes are known."""
        return self._dims is not None and None not in self._dims

    def assert_is_fully_defined(self):
        """Raise ValueError unless `is_fully_defined()`."""
        if not self.is_fully_defined():
            raise ValueError(f"Shape {self} is not fully defined")

    def as_list(self):
        """The sizes as a list of int or None; raises ValueError if the rank is unknown."""
        if self._dims is None:
            raise ValueError("as_list() is not defined on an unknown TensorShape.")
        return list(self._dims)

    def as_proto(self):
        """The TensorShapeProto of this shape."""
        from tensorboard.compat.proto.tensor_shape_pb2 import TensorShapeProto

        if self._dims is None:
            return TensorShapeProto(unknown_rank=True)
        sizes = [TensorShapeProto.Dim(size=-1 if d is None else d) for d in self._dims]
        return TensorShapeProto(dim=sizes)

    def __eq__(self, other):
        try:
            return self._dims == as_shape(other)._dims
        except TypeError:
            return NotImplemented

    def __ne__(self, other):
        try:
            other = as_shape(other)
        except TypeError:
            return NotImplemented
        if self._dims is None or other._dims is None:
            raise ValueError("The inequality of unknown TensorShapes is undefined.")
        return self._dims != other._dims

    def __hash__(self):
        return hash(self._dims)

    def __reduce__(self):
        return TensorShape, (self._dims,)

    def __concat__(self, other):
        return self.concatenate(other)


@export("python.framework.tensor_shape.scalar")
def scalar() -> TensorShape:
    """The shape of a scalar."""
    return TensorShape(())


@export("python.framework.tensor_shape.vector")
def vector(length) -> TensorShape:
    """The shape of a vector of `length` elements (None: not known)."""
    return TensorShape((length,))


@export("python.framework.tensor_shape.matrix")
def matrix(rows, cols) -> TensorShape:
    """The shape of a matrix of `rows` and `cols`, either of which may be None."""
    return TensorShape((rows, cols))


@export("python.framework.tensor_shape.unknown_shape")
def unknown_shape(rank=None, **kwargs) -> TensorShape:
    """A shape of `rank` unknown sizes, or of unknown rank (`ndims` is the older name of the argument)."""
    rank = kwargs.pop("ndims", rank)
    if kwargs:
        raise TypeError(f"Unknown argument: {kwargs}")
    return TensorShape(None if rank is None else (None,) * rank)


def as_shape(shape) -> TensorShape:
    """A TensorShape for anything that names a shape."""
    return shape if isinstance(shape, TensorShape) else TensorShape(shape)


def as_dims(shape) -> Dims:
    """Raw dims for a TensorShape, TensorShapeProto, int, None, or an iterable of sizes (None or -1 proto: unknown)."""
    if shape is None:
        return None
    if isinstance(shape, TensorShape):
        return shape._dims
    if isinstance(shape, (tuple, list)):
        return tuple([d if type(d) is int and d >= 0 else Dimension(d)._value for d in shape])
    if hasattr(shape, "unknown_rank"):
        return None if shape.unknown_rank else tuple(None if d.size == -1 else d.size for d in shape.dim)
    if isinstance(shape, (str, bytes)):
        raise TypeError(f"A string has ambiguous TensorShape, please wrap in a list or convert to an int: {shape!s}")
    if isinstance(shape, Dimension) or not hasattr(shape, "__iter__"):
        return (Dimension(shape)._value,)
    return tuple(Dimension(d)._value for d in shape)


def dims_to_str(dims: Dims) -> str:
    """Raw dims as TensorFlow prints a TensorShape: "(2, ?)", "(3,)", "<unknown>"."""
    if dims is None:
        return "<unknown>"
    inner = ", ".join("?" if d is None else str(d) for d in dims)
    return f"({inner},)" if len(dims) == 1 else f"({inner})"


def dims_in_brackets(dims: Dims) -> str:
    """Raw dims as TensorFlow's C++ messages print a shape: "[2,?]", "<unknown>"."""
    return "<unknown>" if dims is None else "[" + ",".join("?" if d is None else str(d) for d in dims) + "]"


def num_elements(dims: Dims) -> int | None:
    """How many elements a tensor of these dims has, or None unless all sizes are known."""
    if dims is None:
        return None
    total = 1
    for size in dims:
        if size is None:
            return None
        total *= size
    return total


def dims_compatible(a: Dims, b: Dims) -> bool:
    """True if some fully known shape matches both."""
    if a is None or b is None:
        return True
    return len(a) == len(b) and all(x is None or y is None or x == y for x, y in zip(a, b, strict=True))


def merge_dims(a: Dims, b: Dims) -> Dims:
    """What both know together; raises ValueError if they contradict each other."""
    if a is None or a == b:
        return b
    if b is None:
        return a
    if len(a) != len(b):
        raise ValueError(f"Shapes must be equal rank, but are {len(a)} and {len(b)}")
    for i, (x, y) in enumerate(zip(a, b, strict=True)):
        if x != y and x is not None and y is not None:
            raise ValueError(f"Dimension {i} in both shapes must be equal, but are {x} and {y}. Shapes are "
                             f"{dims_in_brackets(a)} and {dims_in_brackets(b)}.")  # fmt: skip
    return tuple([y if x is None else x for x, y in zip(a, b, strict=True)])


def broadcast_dims(a: Dims, b: Dims) -> Dims:
    """Dims of an elementwise result under NumPy's broadcasting rules; raises ValueError if they do not broadcast."""
    if a == b and a is not None and None not in a:
        return a
    if a is None or b is None:
        return None
    if len(a) < len(b):
        a = (1,) * (len(b) - len(a)) + a
    elif len(b) < len(a):
        b = (1,) * (len(a) - len(b)) + b
    result = []
    for x, y in zip(a, b, strict=True):
        if x is None or y is None:
            # As in TensorFlow, size 0 against an unknown one tells nothing.
            result.append(max(x or 0, y or 0) if max(x or 0, y or 0) > 1 else None)
        elif x == 1:
            result.append(y)
        elif y == 1 or x == y:
            result.append(x)
        else:
            raise ValueError(f"Dimensions must be equal, but are {x} and {y}")
    return tuple(result)
