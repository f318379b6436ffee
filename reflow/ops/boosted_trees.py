"""Boosted trees: ensembles as resources, predictions, buckets of features, statistics of gradients.

Best splits stand in boosted_trees_splits.py, updates of an ensemble in boosted_trees_growth.py,
summaries of quantiles in boosted_trees_quantiles.py.
"""

import numpy as np
import torch

from reflow.graph import errors
from reflow.graph.registry import define_op
from reflow.graph.shapes import Dims
from reflow.ops.boosted_trees_state import Ensemble, QuantileBoundaries, invalid
from reflow.ops.shape_rules import merge, merge_size, no_outputs, scalar, with_rank
from reflow.ops.torch_types import array_of

# --- kernels ------------------------------------------------------------------------------------------------------


def _resource(kind, make):
    def resource(resources, node_name, attrs):
        name = attrs["shared_name"].decode() or node_name
        return resources.get_or_create(kind, attrs["container"], name, lambda: make(name))

    return resource


def _create(ensemble, stamp_token, tree_ensemble_serialized):
    ensemble.create(tree_ensemble_serialized.item(), stamp_token)


def _deserialize(ensemble, stamp_token, tree_ensemble_serialized):
    ensemble.replace(tree_ensemble_serialized.item(), stamp_token)


def _serialize(ensemble):
    return torch.tensor(ensemble.stamp), np.array(ensemble.proto.SerializeToString(), object)


def _is_initialized(resource):
    return torch.tensor(resource.is_initialized)


def _states(ensemble):
    proto = ensemble.proto
    count = len(proto.trees)
    is_finished = not count or proto.tree_metadata[count - 1].is_finalized
    growing = proto.growing_metadata
    numbers = [count, count if is_finished else count - 1, growing.num_layers_attempted]
    # Of an ensemble without nodes the one that is to come counts.
    nodes = [growing.last_layer_node_start, max(growing.last_layer_node_end, 1)]
    return torch.tensor(ensemble.stamp), *(torch.tensor(n, dtype=torch.int32) for n in [*numbers, nodes])


def _predict(ensemble, bucketized_features, logits_dimension):
    features = np.stack([array_of(f) for f in bucketized_features])
    return torch.from_numpy(ensemble.predict(features, logits_dimension))


def _training_predict(ensemble, cached_tree_ids, cached_node_ids, bucketized_features, logits_dimension):
    features = np.stack([array_of(f) for f in bucketized_features])
    found = ensemble.training_predict(array_of(cached_tree_ids), array_of(cached_node_ids), features, logits_dimension)
    return tuple(map(torch.from_numpy, found))


def _debug_outputs(ensemble, bucketized_features, logits_dimension):
    if logits_dimension != 1:
        raise errors.UnimplementedError(None, None, "Currently only support one-dimensional outputs.")
    outputs = ensemble.debug_outputs(np.stack([array_of(f) for f in bucketized_features]))
    array = np.empty(len(outputs), object)
    array[:] = outputs
    return array


def _bucketize(float_values, bucket_boundaries):
    return [_buckets(array_of(v), array_of(b)) for v, b in zip(float_values, bucket_boundaries, strict=True)]


def _buckets(values, boundaries):
    found = np.searchsorted(boundaries, values)
    found[np.isnan(values)] = 0
    return torch.from_numpy(np.clip(found, 0, max(len(boundaries) - 1, 0)).astype(np.int32))


def _make_stats_summary(node_ids, gradients, hessians, bucketized_features_list, max_splits, num_buckets):
    stats = np.concatenate([array_of(gradients), array_of(hessians)], 1)
    nodes = _checked(array_of(node_ids), max_splits, "node_id")
    summary = np.zeros((len(bucketized_features_list), max_splits, num_buckets, 2))
    for part, feature in zip(summary, bucketized_features_list, strict=True):
        np.add.at(part, (nodes, _checked(array_of(feature), num_buckets, "bucket")), stats)
    return torch.from_numpy(summary.astype(np.float32))


def _aggregate_stats(node_ids, gradients, hessians, feature, max_splits, num_buckets):
    """The sums of each node's examples by dimension and bucket; the last bucket is of missing values."""
    stats = np.concatenate([array_of(gradients), array_of(hessians)], 1)
    nodes = _checked(array_of(node_ids), max_splits, "node_id")
    columns = array_of(feature)
    columns = np.where(columns == -1, num_buckets, columns)
    summary = np.zeros((max_splits, columns.shape[1], num_buckets + 1, stats.shape[1]))
    for dimension in range(columns.shape[1]):
        buckets = _checked(columns[:, dimension], num_buckets + 1, "bucket")
        np.add.at(summary[:, dimension], (nodes, buckets), stats)
    return torch.from_numpy(summary.astype(np.float32))


def _checked(indices, size, what):
    """`indices`, if all of them are below `size`: else the sums would go to whatever stands there."""
    wrong = indices[(indices < 0) | (indices >= size)]
    if wrong.size:
        raise invalid(f"{what} {wrong[0]} is not in [0, {size})")
    return indices


def _create_stream(stream, epsilon, num_streams, max_elements):
    if epsilon <= 0:
        raise invalid("An epsilon value of zero is not allowed.")
    stream.create(num_streams, epsilon, max_elements)


def _deserialize_stream(stream, bucket_boundaries):
    stream.replace([array_of(each).copy() for each in bucket_boundaries])


def _boundaries(stream, num_features):
    return [torch.from_numpy(each.copy()) for each in stream.boundaries(num_features)]


# --- shapes -------------------------------------------------------------------------------------------------------


def _batch_size(tensors) -> int | None:
    size = None
    for tensor in tensors:
        size = merge_size(size, with_rank(tensor.dims, 1)[0])
    return size


def _predict_shape(op) -> list[Dims]:
    return [(_batch_size(op._inputs[1:]), op.attrs["logits_dimension"])]


def _training_predict_shape(op) -> list[Dims]:
    size = _batch_size(op._inputs[1:])
    return [(size, op.attrs["logits_dimension"]), (size,), (size,)]


def _debug_shape(op) -> list[Dims]:
    return [(_batch_size(op._inputs[1:]),)]


def _states_shape(op) -> list[Dims]:
    return [(), (), (), (), (2,)]


def _bucketize_shape(op) -> list[Dims]:
    count = op.attrs["num_features"]
    return [with_rank(tensor.dims, 1) for tensor in op._inputs][:count]


def _stats_shape(op) -> list[Dims]:
    size = _batch_size([op._inputs[0], *op._inputs[3:]])
    for tensor in op._inputs[1:3]:
        merge((size, 1), with_rank(tensor.dims, 2))
    return [(op.attrs["num_features"], op.attrs["max_splits"], op.attrs["num_buckets"], 2)]


def _aggregate_shape(op) -> list[Dims]:
    nodes, gradients, hessians, feature = op._inputs
    size = with_rank(nodes.dims, 1)[0]
    for tensor in (gradients, hessians, feature):
        size = merge_size(size, with_rank(tensor.dims, 2)[0])
    first, second = with_rank(gradients.dims, 2)[1], with_rank(hessians.dims, 2)[1]
    stats = None if first is None or second is None else first + second
    return [(op.attrs["max_splits"], with_rank(feature.dims, 2)[1], op.attrs["num_buckets"] + 1, stats)]


def _boundaries_shape(op) -> list[Dims]:
    return [(None,)] * op.attrs["num_features"]


# --- ops ----------------------------------------------------------------------------------------------------------

_NAMES = "container: string = '', shared_name: string = ''"
_ENSEMBLE = "tree_ensemble_handle: resource"
_STAMPED = f"{_ENSEMBLE}, stamp_token: int64, tree_ensemble_serialized: string ->"
_FEATURES = "bucketized_features: num_bucketized_features*int32"
_PREDICT = "num_bucketized_features: int >= 1, logits_dimension: int"
_STREAM = "quantile_stream_resource_handle: resource"

define_op("BoostedTreesEnsembleResourceHandleOp", "-> resource: resource", _NAMES, shape=scalar, is_stateful=True,
          resource=_resource("boosted trees", Ensemble))  # fmt: skip
define_op("BoostedTreesCreateEnsemble", _STAMPED, host="stamp_token", shape=no_outputs, kernel=_create, writes=True,
          is_stateful=True)  # fmt: skip
define_op("BoostedTreesDeserializeEnsemble", _STAMPED, host="stamp_token", shape=no_outputs, kernel=_deserialize,
          writes=True, is_stateful=True)  # fmt: skip
define_op("BoostedTreesSerializeEnsemble", f"{_ENSEMBLE} -> stamp_token: int64, tree_ensemble_serialized: string",
          shape=scalar, kernel=_serialize, writes=True, is_stateful=True)  # fmt: skip
define_op("IsBoostedTreesEnsembleInitialized", f"{_ENSEMBLE} -> is_initialized: bool", shape=scalar,
          kernel=_is_initialized, writes=True, is_stateful=True)  # fmt: skip
define_op("BoostedTreesGetEnsembleStates",
          f"{_ENSEMBLE} -> stamp_token: int64, num_trees: int32, num_finalized_trees: int32, "
          "num_attempted_layers: int32, last_layer_nodes_range: int32", shape=_states_shape, kernel=_states,
          writes=True, is_stateful=True)  # fmt: skip
define_op("BoostedTreesPredict", f"{_ENSEMBLE}, {_FEATURES} -> logits: float", _PREDICT, shape=_predict_shape,
          kernel=_predict, is_stateful=True)  # fmt: skip
define_op("BoostedTreesTrainingPredict",
          f"{_ENSEMBLE}, cached_tree_ids: int32, cached_node_ids: int32, {_FEATURES} -> partial_logits: float, "
          "tree_ids: int32, node_ids: int32", _PREDICT, shape=_training_predict_shape, kernel=_training_predict,
          is_stateful=True)  # fmt: skip
define_op("BoostedTreesExampleDebugOutputs", f"{_ENSEMBLE}, {_FEATURES} -> examples_debug_outputs_serialized: string",
          _PREDICT, shape=_debug_shape, kernel=_debug_outputs, is_stateful=True)  # fmt: skip
define_op("BoostedTreesBucketize",
          "float_values: num_features*float, bucket_boundaries: num_features*float -> buckets: num_features*int32",
          "num_features: int >= 0", shape=_bucketize_shape, kernel=_bucketize)  # fmt: skip
define_op("BoostedTreesMakeStatsSummary",
          "node_ids: int32, gradients: float, hessians: float, bucketized_features_list: num_features*int32 -> "
          "stats_summary: float", "max_splits: int >= 1, num_buckets: int >= 1, num_features: int >= 1",
          shape=_stats_shape, kernel=_make_stats_summary)  # fmt: skip
define_op("BoostedTreesAggregateStats",
          "node_ids: int32, gradients: float, hessians: float, feature: int32 -> stats_summary: float",
          "max_splits: int >= 1, num_buckets: int >= 1", shape=_aggregate_shape, kernel=_aggregate_stats)  # fmt: skip

define_op("BoostedTreesQuantileStreamResourceHandleOp", "-> resource: resource", _NAMES, shape=scalar,
          is_stateful=True, resource=_resource("quantile stream", QuantileBoundaries))  # fmt: skip
define_op("BoostedTreesCreateQuantileStreamResource", f"{_STREAM}, epsilon: float, num_streams: int64 ->",
          "max_elements: int = 1099511627776", host="epsilon num_streams", shape=no_outputs, kernel=_create_stream,
          writes=True, is_stateful=True)  # fmt: skip
define_op("BoostedTreesQuantileStreamResourceDeserialize", f"{_STREAM}, bucket_boundaries: num_streams*float ->",
          "num_streams: int >= 1", shape=no_outputs, kernel=_deserialize_stream, writes=True,
          is_stateful=True)  # fmt: skip
define_op("BoostedTreesQuantileStreamResourceGetBucketBoundaries",
          f"{_STREAM} -> bucket_boundaries: num_features*float", "num_features: int >= 0", shape=_boundaries_shape,
          kernel=_boundaries, writes=True, is_stateful=True)  # fmt: skip
define_op("IsBoostedTreesQuantileStreamResourceInitialized", f"{_STREAM} -> is_initialized: bool", shape=scalar,
          kernel=_is_initialized, writes=True, is_stateful=True)  # fmt: skip
