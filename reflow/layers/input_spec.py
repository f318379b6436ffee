"""What a layer expects of its inputs: rank, type, sizes of axes."""

from reflow.graph import nest
from reflow.graph.dtypes import as_dtype
from reflow.graph.export import export


@export("layers.InputSpec", "keras.layers.InputSpec")
class InputSpec:
    """The rank, type and shape that a layer expects of one input.

    Args:
      dtype: the type.
      shape: the shape, with None where any size will do.
      ndim: the rank, if there is no `shape`.
      max_ndim: the greatest rank.
      min_ndim: the least rank.
      axes: a dict from an axis (negative ones count from the end) to its size.

    Raises:
      TypeError: if an axis is not an integer.
      ValueError: if an axis does not exist in the rank given.
    """

    def __init__(self, dtype=None, shape=None, ndim=None, max_ndim=None, min_ndim=None, axes=None):
        self.dtype = None if dtype is None else as_dtype(dtype).name
        self.shape = shape
        self.ndim = ndim if shape is None else len(shape)
        self.max_ndim = max_ndim
        self.min_ndim = min_ndim
        try:
            self.axes = {int(axis): size for axis, size in (axes or {}).items()}
        except (ValueError, TypeError):
            raise TypeError("The keys in axes must be integers.") from None
        if self.axes and (self.ndim is not None or self.max_ndim is not None):
            last = (self.ndim or self.max_ndim) - 1
            if max(self.axes) > last:
                raise ValueError(f"Axis {max(self.axes)} is greater than the maximum allowed value: {last}")

    def __repr__(self):
        parts = ("dtype", "shape", "ndim", "max_ndim", "min_ndim", "axes")
        given = ", ".join(f"{part}={getattr(self, part)}" for part in parts if getattr(self, part))
        return f"InputSpec({given})"

    def get_config(self):
        """The arguments that make an equal InputSpec."""
        return {"dtype": self.dtype, "shape": self.shape, "ndim": self.ndim, "max_ndim": self.max_ndim,
                "min_ndim": self.min_ndim, "axes": self.axes}  # fmt: skip

    @classmethod
    def from_config(cls, config):
        """The InputSpec with these arguments, as `get_config` returns them."""
        return cls(**config)


def assert_input_compatibility(input_spec, inputs, layer_name):
    """Raise ValueError unless the inputs of a layer are what it expects.

    Args:
      input_spec: an InputSpec, a nest of them (None: anything), or None.
      inputs: a tensor or a nest of them.
      layer_name: for the message.
    """
    if not input_spec:
        return
    inputs, specs = nest.flatten(inputs), nest.flatten(input_spec)
    if len(inputs) != len(specs):
        raise ValueError(f"Layer {layer_name} expects {len(specs)} inputs, but it received {len(inputs)} input "
                         f"tensors. Inputs received: {inputs}")  # fmt: skip
    for index, (tensor, spec) in enumerate(zip(inputs, specs, strict=True)):
        if spec is None:
            continue
        problem = _rank_problem(spec, tensor.shape) or _type_problem(spec, tensor) or _size_problem(spec, tensor.shape)
        if problem:
            raise ValueError(f"Input {index} of layer {layer_name} is incompatible with the layer: {problem}")


def _rank_problem(spec: InputSpec, shape) -> str | None:
    if spec.ndim is None and spec.min_ndim is None and spec.max_ndim is None:
        return None
    rank = shape.ndims
    if rank is None:
        return "its rank is undefined, but the layer requires a defined rank."
    if spec.ndim is not None and rank != spec.ndim:
        return f"expected ndim={spec.ndim}, found ndim={rank}. Full shape received: {shape.as_list()}"
    if spec.max_ndim is not None and rank > spec.max_ndim:
        return f"expected max_ndim={spec.max_ndim}, found ndim={rank}"
    if spec.min_ndim is not None and rank < spec.min_ndim:
        return f": expected min_ndim={spec.min_ndim}, found ndim={rank}. Full shape received: {shape.as_list()}"
    return None


def _type_problem(spec: InputSpec, tensor) -> str | None:
    if spec.dtype is not None and tensor.dtype.base_dtype != spec.dtype:
        return f"expected dtype={spec.dtype}, found dtype={tensor.dtype}"
    return None


def _size_problem(spec: InputSpec, shape) -> str | None:
    if shape.ndims is None:
        return None
    sizes = shape.as_list()
    for axis, size in spec.axes.items():
        size = getattr(size, "value", size)
        if size is not None and sizes[axis] not in (size, None):
            return f"expected axis {axis} of input shape to have value {size} but received input with shape {sizes}"
    for expected, size in zip(spec.shape or (), sizes, strict=False):
        if None not in (expected, size) and expected != size:
            return f"expected shape={spec.shape}, found shape={sizes}"
    return None
