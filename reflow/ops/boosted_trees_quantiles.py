"""Boosted trees: summaries of features' quantiles, and the boundaries of buckets that come of them."""

import torch

from reflow.graph.registry import define_op
from reflow.graph.shapes import Dims
from reflow.ops.boosted_trees_state import invalid
from reflow.ops.quantile_sketch import QuantileStream
from reflow.ops.shape_rules import no_outputs, with_rank
from reflow.ops.torch_types import array_of


def _make_summaries(float_values, example_weights, epsilon):
    if not 0 < epsilon < 1:
        raise invalid(f"epsilon must be in (0, 1), got {epsilon}")
    weights, found = array_of(example_weights).reshape(-1), []
    batch_size = float_values[0].numel() if float_values else 0
    if len(weights) not in (1, batch_size):
        raise invalid("Weights should be a single value or same size as features.")
    for feature in float_values:
        stream, values = QuantileStream(epsilon, batch_size + 1), array_of(feature).reshape(-1)
        stream.add(values, weights if len(weights) == len(values) else weights.repeat(len(values)))
        found.append(torch.from_numpy(stream.summary()))
    return found


def _flush_summaries(streams, num_features):
    streams.boundaries(num_features)
    return [torch.from_numpy(each) for each in streams.take_summaries()]


def _add_summaries(streams, summaries):
    for each in summaries:
        if each.shape[1] != 4:
            raise invalid(f"A summary has four columns, not {each.shape[1]}")
    streams.add_summaries([array_of(each) for each in summaries])


def _flush(streams, num_buckets, generate_quantiles):
    streams.flush(num_buckets, generate_quantiles)


def _make_summaries_shape(op) -> list[Dims]:
    *features, weights, epsilon = op._inputs
    for vector in [*features, weights]:
        with_rank(vector.dims, 1)
    with_rank(epsilon.dims, 0)
    return [(None, 4)] * len(features)


def _summaries_shape(op) -> list[Dims]:
    return [(None, 4)] * op.attrs["num_features"]


def _add_summaries_shape(op) -> list[Dims]:
    for summary in op._inputs[1:]:
        with_rank(summary.dims, 2)
    return []


_STREAM = "quantile_stream_resource_handle: resource"

define_op("BoostedTreesMakeQuantileSummaries",
          "float_values: num_features*float, example_weights: float, epsilon: float -> "
          "summaries: num_features*float", "num_features: int >= 0", host="epsilon", shape=_make_summaries_shape,
          kernel=_make_summaries)  # fmt: skip
define_op("BoostedTreesFlushQuantileSummaries", f"{_STREAM} -> summaries: num_features*float",
          "num_features: int >= 0", shape=_summaries_shape, kernel=_flush_summaries, writes=True,
          is_stateful=True)  # fmt: skip
define_op("BoostedTreesQuantileStreamResourceAddSummaries", f"{_STREAM}, summaries: num_features*float ->",
          "num_features: int >= 0", shape=_add_summaries_shape, kernel=_add_summaries, writes=True,
          is_stateful=True)  # fmt: skip
define_op("BoostedTreesQuantileStreamResourceFlush", f"{_STREAM}, num_buckets: int64 ->",
          "generate_quantiles: bool = false", host="num_buckets", shape=no_outputs, kernel=_flush, writes=True,
          is_stateful=True)  # fmt: skip
