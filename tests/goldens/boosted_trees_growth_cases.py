"""Ensembles that grow layer by layer: splits by hand, pruning, bias, and whole trainings."""

import numpy as np
from op_recording import Cases

case = Cases()

EXAMPLES, BUCKETS = 40, 6


class Growth:
    """An ensemble in a graph whose steps run in order: each operation waits for the one before it."""

    def __init__(self, tf):
        self.tf, self.ops = tf, tf.raw_ops
        self.handle = self.ops.BoostedTreesEnsembleResourceHandleOp(shared_name="e")
        self.last = self.ops.BoostedTreesCreateEnsemble(
            tree_ensemble_handle=self.handle, stamp_token=0, tree_ensemble_serialized=b""
        )

    def after(self):
        return self.tf.control_dependencies([self.last])

    def state(self, t):
        """Record the ensemble as it is now."""
        with self.after():
            found = self.ops.BoostedTreesSerializeEnsemble(tree_ensemble_handle=self.handle)
            states = self.ops.BoostedTreesGetEnsembleStates(tree_ensemble_handle=self.handle)
        t.out(*found)
        t.out(*states)
        with self.tf.control_dependencies(list(found) + list(states)):
            self.last = self.tf.no_op()

    def update(self, nodes, gains, depth=3, mode=0, features=(7, 2), dtype="v1", rate=0.5):
        """Split nodes by two features."""
        count, left = len(nodes), np.arange(1.0, len(nodes) + 1).astype("float32")[:, None]
        arguments = dict(
            tree_ensemble_handle=self.handle,
            feature_ids=list(features),
            node_ids=[nodes] * 2,
            gains=gains,
            thresholds=[list(range(count)), list(range(5, count + 5))],
            left_node_contribs=[left, -left],
            right_node_contribs=[left * 0.3, left * 0.7],
            max_depth=depth,
            learning_rate=rate,
            pruning_mode=mode,
        )
        with self.after():
            if dtype == "v1":
                self.last = self.ops.BoostedTreesUpdateEnsemble(**arguments)
            else:
                kinds = [[b"INEQUALITY_DEFAULT_RIGHT"] * count, [b"EQUALITY_DEFAULT_RIGHT"] * count]
                self.last = self.ops.BoostedTreesUpdateEnsembleV2(
                    dimension_ids=[[1] * count, [3] * count], split_types=kinds, **arguments
                )


@case.each(mode=[0, 1, 2])
def grow(tf, t, mode):
    growth = Growth(tf)
    growth.update([0], [[0.5], [0.25]], mode=mode)
    growth.state(t)
    growth.update([1, 2], [[-0.5, 0.75], [-0.25, 0.75]], mode=mode)
    growth.state(t)
    growth.update([3, 4], [[-0.5, 0.75], [-0.75, -1.0]], mode=mode)
    growth.state(t)
    growth.update([0], [[-1.5], [-2.0]], mode=mode, depth=1)
    growth.state(t)
    t.values_only()


@case.each(version=["v1", "v2"])
def kinds(tf, t, version):
    growth = Growth(tf)
    growth.update([0], [[0.5], [0.75]], depth=2, dtype=version)
    growth.state(t)
    growth.update([1, 2], [[0.5, 0.75], [0.25, 0.8]], depth=2, dtype=version)
    growth.state(t)
    t.values_only()


@case
def no_splits(tf, t):
    growth = Growth(tf)
    growth.update([], [[], []])
    growth.state(t)
    t.values_only()


@case.each(costs=[(0.0, 0.0), (0.1, 0.2), (9.0, 0.0)])
def center_bias(tf, t, costs):
    growth = Growth(tf)
    for gradient in (0.8, -0.5, 0.001):
        with growth.after():
            found = tf.raw_ops.BoostedTreesCenterBias(
                tree_ensemble_handle=growth.handle,
                mean_gradients=[[gradient]],
                mean_hessians=[[0.6]],
                l1=costs[0],
                l2=costs[1],
            )
        t.out(found)
        with tf.control_dependencies([found]):
            growth.last = tf.no_op()
        growth.state(t)
    growth.update([0], [[0.5], [0.75]])
    growth.state(t)
    t.values_only()


@case
def update_nodes(tf, t):
    """The graph alone."""
    Growth(tf).update([0, 1], [[0.5, 1.0], [0.75, 1.0]])
    Growth(tf).update([0, 1], [[0.5, 1.0], [0.75, 1.0]], dtype="v2")
    t.out(tf.constant(1))


@case.each(mode=[0, 1, 2])
def training(tf, t, mode):
    """Least squares: predictions, statistics, gains and updates, layer after layer."""
    ops, growth = tf.raw_ops, Growth(tf)
    features = [t.feed(t.integers(0, BUCKETS, EXAMPLES)) for _ in range(3)]
    labels = t.feed(t.normal(EXAMPLES, 1) * 2)
    logits = tf.zeros([EXAMPLES, 1])
    trees, nodes = tf.zeros([EXAMPLES], tf.int32), tf.fill([EXAMPLES], -1)
    for _ in range(7):
        with growth.after():
            change, trees, nodes = ops.BoostedTreesTrainingPredict(
                tree_ensemble_handle=growth.handle,
                cached_tree_ids=trees,
                cached_node_ids=nodes,
                bucketized_features=features,
                logits_dimension=1,
            )
            layer = ops.BoostedTreesGetEnsembleStates(tree_ensemble_handle=growth.handle)[4]
        logits += change
        summaries = ops.BoostedTreesMakeStatsSummary(
            node_ids=nodes,
            gradients=logits - labels,
            hessians=tf.ones([EXAMPLES, 1]),
            bucketized_features_list=features,
            max_splits=32,
            num_buckets=BUCKETS,
        )
        found = ops.BoostedTreesCalculateBestGainsPerFeature(
            node_id_range=layer,
            stats_summary_list=tf.unstack(summaries),
            l1=0.1,
            l2=0.3,
            tree_complexity=1.5,
            min_node_weight=1.0,
            max_splits=32,
        )
        splits, gains, thresholds, left, right = found
        growth.last = ops.BoostedTreesUpdateEnsemble(
            tree_ensemble_handle=growth.handle,
            feature_ids=[0, 1, 2],
            node_ids=splits,
            gains=gains,
            thresholds=thresholds,
            left_node_contribs=left,
            right_node_contribs=right,
            max_depth=3,
            learning_rate=0.3,
            pruning_mode=mode,
        )
        t.out(logits)
        growth.state(t)
    with growth.after():
        t.out(
            ops.BoostedTreesPredict(
                tree_ensemble_handle=growth.handle, bucketized_features=features, logits_dimension=1
            )
        )
    t.values_only()
