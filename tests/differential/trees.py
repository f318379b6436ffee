"""Statistics, quantiles and splits of gradient boosted trees, and linear models by dual coordinate ascent."""

import numpy as np

from tests.differential.table import Table

table = Table("trees", kept=16)


def _i32(values):
    return np.array(values, "int32")


def _f32(values):
    return np.array(values, "float32")


# --- statistics -------------------------------------------------------------------------------------------------------


def _batch(d):
    """(attributes, node of each example, gradients, hessians): of a batch that falls on some nodes."""
    batch, attrs = d.int(1, 5), {"max_splits": d.int(1, 3), "num_buckets": d.int(1, 4)}
    nodes = d.array("int32", (batch,), low=0, high=attrs["max_splits"] - 1)
    gradients = d.array("float32", (batch, d.int(1, 2) if "Make" not in d.op else 1), "finite")
    return attrs, nodes, gradients, d.array("float32", gradients.shape, "positive")


def _buckets(d, attrs, shape):
    return d.array("int32", shape, low=0, high=attrs["num_buckets"] - 1)


def _aggregate(d):
    attrs, *inputs = _batch(d)
    return [*inputs, _buckets(d, attrs, (inputs[0].size, d.int(1, 3)))], attrs


def _aggregate_sparse(d):
    attrs, *inputs = _batch(d)
    shape = (inputs[0].size, d.int(1, 3))
    places = np.argwhere(d.array("bool", shape))
    return [*inputs, places.astype("int32"), _buckets(d, attrs, (len(places),)), _i32(shape)], attrs


def _summarize(d):
    attrs, *inputs = _batch(d)
    return [*inputs, [_buckets(d, attrs, inputs[0].shape) for _ in range(d.int(1, 3))]], attrs


def _columns(d, batch):
    return [d.array("float32", (batch,), "finite") for _ in range(d.int(1, 3))]


def _bucketize(d):
    columns = _columns(d, d.int(0, 5))
    return [columns, [np.sort(d.array("float32", (d.int(0, 4),), "finite")) for _ in columns]], {}


def _quantiles(d):
    batch = d.int(1, 6)
    return [_columns(d, batch), d.array("float32", (batch,), "positive"), _f32(d.pick(0.01, 0.1, 0.3))], {}


# --- splits -----------------------------------------------------------------------------------------------------------


def _numbers(d):
    """l1, l2, the complexity of a tree and the least weight of a node."""
    return [_f32(d.pick(0, 0, 0.5)), _f32(d.pick(0, 0.25, 1)), _f32(d.pick(0, 0, 0.25)), _f32(d.pick(0, 0, 1.0))]


def _node_range(d, splits):
    first = d.int(0, splits - 1)
    return _i32([first, d.int(first, splits)])


def _statistics(d, *shape):
    """[..., 2]: sums of gradients, and of hessians."""
    return np.stack([d.array("float32", shape, "finite"), d.array("float32", shape, "positive")], -1)


def _best_split(d):
    splits = d.int(1, 3)
    statistics = _statistics(d, splits, d.int(1, 3), d.int(2, 4))
    return [_node_range(d, splits), statistics, *_numbers(d)], {
        "logits_dimension": 1, "split_type": d.pick(b"inequality", b"equality")}  # fmt: skip


def _best_gains(d):
    splits, buckets = d.int(1, 3), d.int(1, 4)
    statistics = [_statistics(d, splits, buckets) for _ in range(d.int(1, 3))]
    return [_node_range(d, splits), statistics, *_numbers(d)], {"max_splits": splits}


def _best_sparse_split(d):
    splits = d.int(1, 3)
    statistics = _statistics(d, splits, d.int(1, 3), d.int(2, 4))
    here = d.array("bool", statistics.shape[:-1])
    places = np.argwhere(np.broadcast_to(here[..., None], statistics.shape))
    return [_node_range(d, splits), _i32(places).reshape(-1, 4), statistics[here].reshape(-1), _i32(statistics.shape),
            *_numbers(d)], {"logits_dimension": 1}  # fmt: skip


_OPTIONS = {"tolerances": {"float32": 1e-4}, "scaled": True}

# Of these TensorFlow's static shapes are not those of the results.
_WRONG_SHAPES = {"static_shapes": False, **_OPTIONS}

table.add("BoostedTreesAggregateStats", _aggregate, **_WRONG_SHAPES)
table.add("BoostedTreesSparseAggregateStats", _aggregate_sparse, **_OPTIONS)
# TensorFlow adds to nodes that do not exist.
table.add("BoostedTreesMakeStatsSummary", _summarize, faults=False, **_OPTIONS)
table.add("BoostedTreesBucketize", _bucketize)
table.add("BoostedTreesMakeQuantileSummaries", _quantiles, **_OPTIONS)
table.add("BoostedTreesCalculateBestFeatureSplit", _best_split, **_WRONG_SHAPES)
table.add("BoostedTreesCalculateBestGainsPerFeature", _best_gains, **_OPTIONS)
table.add("BoostedTreesSparseCalculateBestFeatureSplit", _best_sparse_split, **_WRONG_SHAPES)

# --- linear models ----------------------------------------------------------------------------------------------------

_LOSSES = [b"logistic_loss", b"squared_loss", b"hinge_loss", b"smooth_hinge_loss", b"poisson_loss"]


def _sdca(d):
    """Each example has features of its own: in which order TensorFlow visits them is not determined."""
    examples = d.int(1, 3)
    features = _i32([[i, 2 * i + j] for i in range(examples) for j in range(d.int(0, 2))]).reshape(-1, 2)
    own = [features[:, 0].astype("int64"), features[:, 1].astype("int64")]
    with_values = d.flag()
    values = [d.array("float32", (len(features),), "nonzero")] if with_values else []
    present = np.unique(own[1])
    dense = np.diag(d.array("float32", (examples,), "finite"))
    attrs = {
        "loss_type": d.pick(*_LOSSES), "l1": d.pick(0.0, 0.25), "l2": d.pick(0.5, 1.0), "num_loss_partitions": 1,
        "num_inner_iterations": d.int(1, 3), "num_sparse_features_with_values": len(values),
        "adaptive" if d.op.endswith("V2") else "adaptative": False,
    }  # fmt: skip
    return [
        [own[0]], [own[1]], values, [dense], d.array("float32", (examples,), "positive"),
        d.array("float32", (examples,), "unit").round(), [present],
        [d.array("float32", present.shape, "symmetric_finite")],
        [d.array("float32", (examples,), "symmetric_finite")], np.zeros((examples, 4), "float32"),
    ], attrs  # fmt: skip


def _shrink(d):
    return [[d.array("float32", d.shape(), "finite") for _ in range(d.int(1, 2))]], {
        "l1": d.pick(0.0, 0.5), "l2": d.pick(0.5, 1.0)}  # fmt: skip


table.add("SdcaFprint", lambda d: ([d.array("string", d.shape(least=1, most=1))], {}))
table.add("SdcaOptimizer SdcaOptimizerV2", _sdca, **_OPTIONS)
table.add("SdcaShrinkL1", _shrink)
