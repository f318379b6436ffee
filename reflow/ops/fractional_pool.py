"""Pooling over regions of random sizes: FractionalMaxPool, FractionalAvgPool (Graham, "Fractional max-pooling", 2014).

Rows and columns are cut at random into regions whose sizes differ by one at most; the same random numbers as
TensorFlow's give the same cuts. An op returns where it cut, for its gradient.
"""

import math
import secrets
from typing import Any

import numpy as np
import torch

from reflow.graph.build import call
from reflow.graph.errors import UnimplementedError
from reflow.graph.export import export
from reflow.graph.registry import define_op, gradient
from reflow.ops.philox import PhiloxState, blocks, shuffled_indices
from reflow.ops.shape_rules import shape_from_input, with_rank
from reflow.ops.sparse_coordinates import invalid

_TYPES = "T: type in float|double|int32|int64"
_ATTRS = ("pooling_ratio: list(float) >= 4, pseudo_random: bool = false, overlapping: bool = false, "
          f"deterministic: bool = false, seed: int = 0, seed2: int = 0, {_TYPES}")  # fmt: skip

# --- where to cut ---------------------------------------------------------------------------------------------------


def _words(state: PhiloxState, count: int) -> np.ndarray:
    """At least `count` random 32-bit words, in whole blocks of four."""
    block_count = -(-count // 4)
    return blocks(state.key, state.reserve(block_count), block_count).reshape(-1)


def _unit_number(state: PhiloxState) -> float:
    """A number in [0, 1) of 52 random bits."""
    high, low = _words(state, 2)[:2].tolist()
    return ((high & 0xFFFFF) << 32 | low) / 2**52


def _pseudo_random_sizes(length, count, u):
    """Regions that end at ceil(ratio (i + u)) for one random u: more evenly spread than shuffled ones."""
    ratio, least = length / count, length // count
    # For a larger u some region would be too large.
    most = min((least + 2) / ratio - 1, (length + 1 - least) / ratio - (count - 1))
    u *= most
    cuts = [1, *[math.ceil(ratio * (i + u)) for i in range(1, count)], length + 1]
    return np.diff(cuts)


def _random_sizes(length, count, state):
    """Regions of the two sizes, shuffled."""
    sizes = np.full(count, length // count)
    sizes[: length % count] += 1
    return sizes[shuffled_indices(_words(state, count), count)]


def _cuts(length, count, state, pseudo_random):
    """The `count` + 1 ends of regions."""
    if not pseudo_random:
        sizes = _random_sizes(length, count, state)
    else:
        # The number is drawn even where all regions are alike.
        u = _unit_number(state)
        if length % count == 0:
            return np.arange(0, length + 1, length // count)
        sizes = _pseudo_random_sizes(length, count, u)
    return np.concatenate([[0], np.cumsum(sizes)])


# --- regions --------------------------------------------------------------------------------------------------------


def _regions(cuts, overlapping, length):
    """(elements of each region [regions, greatest size], how many each has); the last one of a region repeats."""
    cuts = np.asarray(cuts, np.int64)
    last = np.minimum(cuts[1:] - (not overlapping), length - 1)
    sizes = last - cuts[:-1] + 1
    elements = cuts[:-1, None] + np.minimum(np.arange(max(sizes.max(initial=1), 1)), sizes[:, None] - 1)
    return torch.from_numpy(elements), torch.from_numpy(sizes)


# The elements of each region along an axis, and how many they are.
_Regions = tuple[torch.Tensor, torch.Tensor]


def _sums(x, elements, sizes, axis):
    """The sum of each region along an axis."""
    parts = x.index_select(axis, elements.reshape(-1)).unflatten(axis, elements.shape)
    counts = torch.arange(elements.shape[1]) < sizes[:, None]
    shape = [1] * axis + list(counts.shape) + [1] * (x.dim() - axis - 1)
    return (parts * counts.reshape(shape)).sum(axis + 1, dtype=x.dtype)


def _averages(x, rows: _Regions, columns: _Regions):
    total = _sums(_sums(x, *rows, 1), *columns, 2)
    count = rows[1][:, None, None] * columns[1][:, None]
    return total / count if x.is_floating_point() else torch.div(total, count, rounding_mode="trunc").to(x.dtype)


def _greatest(x, rows, columns):
    for axis, (elements, _) in enumerate((rows, columns), 1):
        x = x.index_select(axis, elements.reshape(-1)).unflatten(axis, elements.shape).amax(axis + 1)
    return x


def _greatest_places(x, rows, columns):
    """Where the greatest element of each region stands: row times width plus column. Of equal ones the first counts."""
    best: Any = None
    where: Any = None
    width = x.shape[2]
    for i in range(rows[0].shape[1]):
        line = x.index_select(1, rows[0][:, i])
        for j in range(columns[0].shape[1]):
            values = line.index_select(2, columns[0][:, j])
            places = (rows[0][:, i, None] * width + columns[0][:, j])[None, :, :, None].expand(values.shape)
            if best is None:
                best, where = values, places
                continue
            better = values > best
            best, where = torch.where(better, values, best), torch.where(better, places, where)
    return where


# --- kernels --------------------------------------------------------------------------------------------------------


def _streams(resources, node_name, attrs):
    """What makes the random numbers of a run. A resource, so that no pass takes two nodes for one or folds one."""
    seed, seed2 = attrs["seed"], attrs["seed2"]
    if attrs["deterministic"] and not seed and not seed2:
        seed = secrets.randbits(63) | 1
    return lambda: PhiloxState(seed, seed2)


def _pooling(function, what):
    """The kernel of a pooling; `function(x, rows, columns)` makes one of regions."""

    def kernel(new_stream, value, pooling_ratio, pseudo_random, overlapping, deterministic, seed, seed2):
        if len(pooling_ratio) != 4:
            raise invalid("pooling_ratio field must specify 4 dimensions")
        if pooling_ratio[0] != 1 or pooling_ratio[3] != 1:
            raise UnimplementedError(None, None, f"Fractional {what} pooling is not yet supported on the batch nor "
                                     "channel dimension.")  # fmt: skip
        if not deterministic and (seed or seed2):
            raise invalid("Both seed and seed2 should be 0 if deterministic is false.")
        if value.dim() != 4:
            raise invalid("value must be 4-dimensional")
        counts = [math.floor(size / ratio) for size, ratio in zip(value.shape[1:3], pooling_ratio[1:3], strict=True)]
        if min(counts) < 1 or max(c / s for c, s in zip(counts, value.shape[1:3], strict=True)) > 1:
            raise invalid(f"pooling_ratio {pooling_ratio} does not fit an image of {tuple(value.shape[1:3])}")
        state = new_stream()
        cuts = [_cuts(size, count, state, pseudo_random)
                for size, count in zip(value.shape[1:3], counts, strict=True)]  # fmt: skip
        regions = [_regions(c, overlapping, size) for c, size in zip(cuts, value.shape[1:3], strict=True)]
        return function(value, *regions), *[torch.from_numpy(c.astype(np.int64)) for c in cuts]

    return kernel


def _max_gradient(orig_input, orig_output, out_backprop, row_pooling_sequence, col_pooling_sequence, overlapping):
    batch, height, width, depth = orig_input.shape
    rows = _regions(row_pooling_sequence, overlapping, height)
    columns = _regions(col_pooling_sequence, overlapping, width)
    _check_gradient(out_backprop, orig_input.shape, rows, columns)
    where = _greatest_places(orig_input, rows, columns)
    flat = out_backprop.new_zeros(batch, height * width, depth)
    return flat.scatter_add_(1, where.flatten(1, 2), out_backprop.flatten(1, 2)).view(orig_input.shape)


def _avg_gradient(orig_input_tensor_shape, out_backprop, row_pooling_sequence, col_pooling_sequence, overlapping):
    if not isinstance(orig_input_tensor_shape, list) or len(orig_input_tensor_shape) != 4:
        raise invalid("original input tensor shape must be1-dimensional and 4 elements")
    _, height, width, _ = shape = orig_input_tensor_shape
    rows = _regions(row_pooling_sequence, overlapping, height)
    columns = _regions(col_pooling_sequence, overlapping, width)
    _check_gradient(out_backprop, shape, rows, columns)
    count = rows[1][:, None, None] * columns[1][:, None]
    each = out_backprop.double() / count
    (row_regions, row_elements), (column_regions, column_elements) = map(_members, (rows, columns))
    spread = each.index_select(1, row_regions).index_select(2, column_regions).flatten(1, 2)
    places = (row_elements[:, None] * width + column_elements).reshape(-1)
    # In the order in which TensorFlow adds.
    sums = torch.zeros(shape[0], height * width, shape[3], dtype=torch.float64).index_add_(1, places, spread)
    return sums.reshape(shape).to(out_backprop.dtype)


def _members(regions):
    """(region, element) of all elements of all regions along an axis."""
    elements, sizes = regions
    region, position = (torch.arange(elements.shape[1]) < sizes[:, None]).nonzero(as_tuple=True)
    return region, elements[region, position]


def _check_gradient(out_backprop, shape, rows, columns):
    wanted = (shape[0], len(rows[1]), len(columns[1]), shape[3])
    if tuple(out_backprop.shape) != wanted:
        raise invalid(f"out_backprop has the shape {tuple(out_backprop.shape)} instead of {wanted}")


# --- shapes ---------------------------------------------------------------------------------------------------------


def _pool_shape(op):
    dims = with_rank(op._inputs[0].dims, 4)
    ratios = op.attrs["pooling_ratio"]
    if len(ratios) != 4:
        raise ValueError(f"pooling_ratio field must specify 4 dimensions, not {len(ratios)}")
    sizes = [None if size is None else math.floor(size / ratio) for size, ratio in zip(dims, ratios, strict=True)]
    if any(size is not None and size < 0 for size in sizes):
        raise ValueError(f"Size computed for a pooled dimension is negative: {sizes}")
    return [tuple(sizes), *[(None if size is None else size + 1,) for size in sizes[1:3]]]


def _sized_shape(op):
    return [with_rank(shape_from_input(op, 0), 4)]


# --- ops ------------------------------------------------------------------------------------------------------------

_OUTPUTS = "output: T, row_pooling_sequence: int64, col_pooling_sequence: int64"
_SEQUENCES = "row_pooling_sequence: int64, col_pooling_sequence: int64"

for _name, _kernel in (
    ("FractionalMaxPool", _pooling(_greatest, "max")),
    ("FractionalAvgPool", _pooling(_averages, "average")),
):
    define_op(_name, f"value: T -> {_OUTPUTS}", _ATTRS, shape=_pool_shape, kernel=_kernel, resource=_streams)
define_op(
    "FractionalMaxPoolGrad", f"orig_input: T, orig_output: T, out_backprop: T, {_SEQUENCES} -> output: T",
    f"overlapping: bool = false, {_TYPES}", shape=lambda op: [with_rank(op._inputs[0].dims, 4)], kernel=_max_gradient,
    host="row_pooling_sequence col_pooling_sequence",
)  # fmt: skip
define_op(
    "FractionalAvgPoolGrad", f"orig_input_tensor_shape: int64, out_backprop: T, {_SEQUENCES} -> output: T",
    f"overlapping: bool = false, {_TYPES}", shape=_sized_shape, kernel=_avg_gradient,
    host="orig_input_tensor_shape row_pooling_sequence col_pooling_sequence",
)  # fmt: skip


@gradient("FractionalMaxPool")
def _fractional_max_pool_gradient(op, grad, *unused):
    return call("FractionalMaxPoolGrad", op.inputs[0], op.outputs[0], grad, *op.outputs[1:],
                overlapping=op.attrs["overlapping"])  # fmt: skip


@gradient("FractionalAvgPool")
def _fractional_avg_pool_gradient(op, grad, *unused):
    value = op.inputs[0]
    known = value.shape.is_fully_defined()
    size = np.int64(value.shape.as_list()) if known else call("Shape", value, out_type="int64")
    return call("FractionalAvgPoolGrad", size, grad, *op.outputs[1:], overlapping=op.attrs["overlapping"])


# --- public functions -----------------------------------------------------------------------------------------------


@export("nn.fractional_max_pool")
def fractional_max_pool(value, pooling_ratio, pseudo_random=False, overlapping=False, deterministic=False, seed=0,
                        seed2=0, name=None):  # fmt: skip
    """Maxima over regions of random sizes (Graham, "Fractional max-pooling", 2014).

    Args:
      value: float32, float64, int32 or int64 [batch, height, width, channels].
      pooling_ratio: four floats: how many times smaller the result is; 1 for batch and channels.
      pseudo_random: draw the regions' sizes more evenly.
      overlapping: a region has the first row and column of the next one, too.
      deterministic: the same regions in each run; without it `seed` and `seed2` have to be 0.
      seed: int, the first seed.
      seed2: int, the second seed.
      name: the node's name.

    Returns:
      (output, row_pooling_sequence, col_pooling_sequence): the maxima, and int64 vectors of where the regions begin.

    Raises:
      ValueError: for shapes that do not fit.
    """
    return call("FractionalMaxPool", value, pooling_ratio=pooling_ratio, pseudo_random=pseudo_random,
                overlapping=overlapping, deterministic=deterministic, seed=seed, seed2=seed2, name=name)  # fmt: skip


@export("nn.fractional_avg_pool")
def fractional_avg_pool(value, pooling_ratio, pseudo_random=False, overlapping=False, deterministic=False, seed=0,
                        seed2=0, name=None):  # fmt: skip
    """Averages over regions of random sizes, which are those of `fractional_max_pool`.

    Args:
      value: float32, float64, int32 or int64 [batch, height, width, channels].
      pooling_ratio: four floats: how many times smaller the result is; 1 for batch and channels.
      pseudo_random: draw the regions' sizes more evenly.
      overlapping: a region has the first row and column of the next one, too.
      deterministic: the same regions in each run; without it `seed` and `seed2` have to be 0.
      seed: int, the first seed.
      seed2: int, the second seed.
      name: the node's name.

    Returns:
      (output, row_pooling_sequence, col_pooling_sequence): the averages, and int64 vectors of where the regions begin.

    Raises:
      ValueError: for shapes that do not fit.
    """
    return call("FractionalAvgPool", value, pooling_ratio=pooling_ratio, pseudo_random=pseudo_random,
                overlapping=overlapping, deterministic=deterministic, seed=seed, seed2=seed2, name=name)  # fmt: skip
