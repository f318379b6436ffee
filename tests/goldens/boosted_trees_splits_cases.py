"""The best splits of nodes, and sparse statistics."""

import numpy as np
from op_recording import Cases

case = Cases()

NODES, BUCKETS = 4, 5
COSTS = {
    "free": (0.0, 0.0, 0.0, 0.0),
    "l1": (0.5, 0.0, 0.0, 0.0),
    "l2": (0.0, 0.7, 0.1, 0.0),
    "all": (0.3, 0.2, 0.5, 1.0),
    "heavy": (0.0, 0.1, 0.0, 8.0),
    "too heavy": (0.0, 0.1, 0.0, 1e6),
}


def costs(t, name):
    l1, l2, complexity, weight = COSTS[name]
    return dict(l1=l1, l2=l2, tree_complexity=complexity, min_node_weight=weight)


def out_splits(tf, t, found):
    """Record splits; the weights' static shapes, which are wrong in TensorFlow, are not compared."""
    weights = [tf.placeholder_with_default(w, None) for w in found[4:6]]
    t.out(*found[:4])
    t.out(*weights)
    t.out(found[6])


def statistics(t, *shape, **options):
    """Sums of gradients of either sign and of hessians above zero; now and then a slot without examples."""
    width = options.get("width", 1)
    stats = t.normal(*shape)
    stats[..., width:] = np.abs(stats[..., width:]) * 2
    stats[t.normal(*shape[:-1]) > 1] = 0
    return stats


@case.each(what=sorted(COSTS))
def gains_per_feature(tf, t, what):
    summaries = [t.feed(statistics(t, NODES, BUCKETS, 2)) for _ in range(3)]
    found = tf.raw_ops.BoostedTreesCalculateBestGainsPerFeature(
        node_id_range=[1, 4], stats_summary_list=summaries, max_splits=NODES, **costs(t, what)
    )
    t.out(*[tensor for each in found for tensor in each])


@case.each(kind=["inequality", "equality"])
def no_statistics(tf, t, kind):
    out_splits(
        tf,
        t,
        tf.raw_ops.BoostedTreesCalculateBestFeatureSplit(
            node_id_range=[0, 2],
            stats_summary=t.feed(np.zeros((2, 1, 4, 2), "float32")),
            logits_dimension=1,
            split_type=kind,
            **costs(t, "free"),
        ),
    )


@case
def gains_without_statistics(tf, t):
    found = tf.raw_ops.BoostedTreesCalculateBestGainsPerFeature(
        node_id_range=[0, 2],
        stats_summary_list=[t.feed(np.zeros((2, 3, 2), "float32"))],
        max_splits=2,
        **costs(t, "free"),
    )
    t.out(*[tensor for each in found for tensor in each])


def _define_splits(kind, what):
    def feature_split(tf, t):
        stats = statistics(t, NODES, 3, BUCKETS + 1, 2)
        out_splits(
            tf,
            t,
            tf.raw_ops.BoostedTreesCalculateBestFeatureSplit(
                node_id_range=[0, 4], stats_summary=t.feed(stats), logits_dimension=1, split_type=kind, **costs(t, what)
            ),
        )

    case.add("feature_split[%s %s]" % (kind, what), feature_split)


for _kind in ("inequality", "equality"):
    for _what in sorted(COSTS):
        _define_splits(_kind, _what)


@case.each(hessians=[3, 9])
def several_logits(tf, t, hessians):
    stats = statistics(t, NODES, 2, BUCKETS, 3 + hessians, width=3)
    if hessians == 9:
        stats[..., [3, 7, 11]] += 20
    out_splits(
        tf,
        t,
        tf.raw_ops.BoostedTreesCalculateBestFeatureSplit(
            node_id_range=[0, 3], stats_summary=t.feed(stats), logits_dimension=3, **costs(t, "l2")
        ),
    )


@case
def unknown_shapes(tf, t):
    stats = statistics(t, NODES, 3, BUCKETS + 1, 2)
    out_splits(
        tf,
        t,
        tf.raw_ops.BoostedTreesCalculateBestFeatureSplit(
            node_id_range=t.feed(np.array([0, 2], "int32"), None),
            stats_summary=t.feed(stats, None),
            logits_dimension=1,
            **costs(t, "l2"),
        ),
    )


@case.each(wrong=["range", "rank", "cost"])
def wrong_shapes(tf, t, wrong):
    stats = np.zeros((4, 6, 2) if wrong == "rank" else (4, 3, 6, 2), "float32")
    arguments = costs(t, "l2")
    if wrong == "cost":
        arguments["l1"] = [0.0, 1.0]
    out_splits(
        tf,
        t,
        tf.raw_ops.BoostedTreesCalculateBestFeatureSplit(
            node_id_range=[0, 2, 3] if wrong == "range" else [0, 2],
            stats_summary=t.feed(stats),
            logits_dimension=1,
            **arguments,
        ),
    )


def sparse_statistics(t):
    """(indices, values) in order of nodes, dimensions and buckets; each slot has all of its numbers."""
    dense = statistics(t, NODES, 3, BUCKETS + 1, 2)
    slots = np.argwhere(t.normal(NODES, 3, BUCKETS + 1) > -0.5)
    indices = np.array([list(slot) + [i] for slot in slots for i in range(2)], "int32")
    return indices, dense[tuple(indices.T)]


@case.each(what=sorted(COSTS))
def sparse_feature_split(tf, t, what):
    indices, values = sparse_statistics(t)
    out_splits(
        tf,
        t,
        tf.raw_ops.BoostedTreesSparseCalculateBestFeatureSplit(
            node_id_range=[0, 4],
            stats_summary_indices=t.feed(indices),
            stats_summary_values=t.feed(values),
            stats_summary_shape=[NODES, 3, BUCKETS + 1, 2],
            logits_dimension=1,
            **costs(t, what),
        ),
    )


@case
def no_sparse_statistics(tf, t):
    out_splits(
        tf,
        t,
        tf.raw_ops.BoostedTreesSparseCalculateBestFeatureSplit(
            node_id_range=[0, 4],
            stats_summary_indices=t.feed(np.zeros((0, 4), "int32")),
            stats_summary_values=t.feed(np.zeros(0, "float32")),
            stats_summary_shape=[NODES, 3, BUCKETS + 1, 2],
            logits_dimension=1,
            **costs(t, "l2"),
        ),
    )


SPARSE = {
    "some": [[0, 1], [1, 0], [1, 1], [3, 0]],
    "none": np.zeros((0, 2)),
    "all": [[i, j] for i in range(5) for j in range(2)],
    "last": [[4, 1]],
}


@case.each(what=sorted(SPARSE))
def sparse_aggregate_stats(tf, t, what):
    indices = np.array(SPARSE[what], "int32")
    t.out(
        *tf.raw_ops.BoostedTreesSparseAggregateStats(
            node_ids=t.feed(t.integers(0, 3, 5)),
            gradients=t.feed(t.normal(5, 1)),
            hessians=t.feed(t.normal(5, 1)),
            feature_indices=t.feed(indices),
            feature_values=t.feed(t.integers(0, 4, len(indices))),
            feature_shape=[5, 2],
            max_splits=3,
            num_buckets=4,
        )
    )


@case
def sparse_stats_of_unknown_shapes(tf, t):
    t.out(
        *tf.raw_ops.BoostedTreesSparseAggregateStats(
            node_ids=t.feed(t.integers(0, 3, 5), None),
            gradients=t.feed(t.normal(5, 2), None),
            hessians=t.feed(t.normal(5, 4), None),
            feature_indices=t.feed(np.array([[2, 0]], "int32"), None),
            feature_values=t.feed(np.array([1], "int32"), None),
            feature_shape=[5, 2],
            max_splits=3,
            num_buckets=4,
        )
    )
