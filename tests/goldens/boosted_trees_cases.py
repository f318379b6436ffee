"""Ensembles of trees that were grown before: states, predictions; buckets and statistics."""

import numpy as np
from google.protobuf import text_format
from op_recording import Cases

case = Cases()

TREES = """
trees {
  nodes { bucketized_split { feature_id: 0 threshold: 1 left_id: 1 right_id: 2 }
          metadata { gain: 7.62 original_leaf { scalar: 0.5 } } }
  nodes { leaf { scalar: 1.14 } }
  nodes { bucketized_split { feature_id: 1 threshold: 7 left_id: 3 right_id: 4 }
          metadata { original_leaf { scalar: 8.79 } } }
  nodes { leaf { scalar: 1.5 } }
  nodes { leaf { scalar: 2.5 } }
}
trees {
  nodes { categorical_split { feature_id: 1 value: 8 left_id: 1 right_id: 2 } }
  nodes { leaf { scalar: -1 } }
  nodes { leaf { scalar: -2 } }
}
tree_weights: 1.0
tree_weights: 0.1
tree_metadata { num_layers_grown: 2 is_finalized: true }
tree_metadata { num_layers_grown: 1 }
growing_metadata { num_layers_attempted: 3 num_trees_attempted: 2 last_layer_node_start: 1 last_layer_node_end: 3 }
"""
PRUNED = """
trees {
  nodes { bucketized_split { feature_id: 0 threshold: 1 left_id: 1 right_id: 2 }
          metadata { original_leaf { scalar: 0.5 } } }
  nodes { leaf { scalar: 1.14 } }
  nodes { leaf { scalar: 8.79 } }
}
trees { nodes { leaf { scalar: 0.0 } } }
tree_weights: 0.5
tree_weights: 1.0
tree_metadata {
  num_layers_grown: 3
  is_finalized: true
  post_pruned_nodes_meta { new_node_id: 0 logit_change: 0.0 }
  post_pruned_nodes_meta { new_node_id: 1 logit_change: 0.0 }
  post_pruned_nodes_meta { new_node_id: 2 logit_change: 0.25 }
  post_pruned_nodes_meta { new_node_id: 2 logit_change: -1.5 }
}
tree_metadata { }
"""
FEATURES = np.array([[0, 3, 3, 1], [7, 8, 2, 8]], "int32")


def message(tf, text):
    """A serialized TreeEnsemble."""
    if tf.__name__ == "reflow":
        from reflow.files.protos import load

        ensemble = load("boosted_trees").TreeEnsemble
    else:
        from tensorflow.core.kernels.boosted_trees import boosted_trees_pb2

        ensemble = boosted_trees_pb2.TreeEnsemble
    return text_format.Parse(text, ensemble()).SerializeToString()


def created(tf, text=TREES):
    """(handle, the operation that creates the ensemble)."""
    handle = tf.raw_ops.BoostedTreesEnsembleResourceHandleOp(shared_name="e")
    return handle, tf.raw_ops.BoostedTreesCreateEnsemble(
        tree_ensemble_handle=handle, stamp_token=3, tree_ensemble_serialized=message(tf, text)
    )


@case.each(width=[1, 2])
def predict(tf, t, width):
    handle, made = created(tf)
    features = [t.feed(f) for f in FEATURES]
    with tf.control_dependencies([made]):
        t.out(tf.raw_ops.BoostedTreesPredict(tree_ensemble_handle=handle, bucketized_features=features,
                                             logits_dimension=width))  # fmt: skip
    t.values_only()


CACHED = {
    "never seen": (TREES, [0, 0, 0, 0], [-1, -1, -1, -1]),
    "at roots": (TREES, [0, 0, 0, 0], [0, 0, 0, 0]),
    "anywhere": (TREES, [0, 0, 1, 1], [-1, 2, 2, 1]),
    "pruned": (PRUNED, [0, 0, 0, 0], [1, 2, 3, 3]),
    "empty": ("", [0, 0, 0, 0], [-1, -1, -1, -1]),
}


@case.each(what=sorted(CACHED))
def training_predict(tf, t, what):
    text, trees, nodes = CACHED[what]
    handle, made = created(tf, text)
    features = [t.feed(f) for f in FEATURES]
    with tf.control_dependencies([made]):
        t.out(*tf.raw_ops.BoostedTreesTrainingPredict(
            tree_ensemble_handle=handle, cached_tree_ids=trees, cached_node_ids=nodes, logits_dimension=1,
            bucketized_features=features))  # fmt: skip
        t.out(tf.raw_ops.BoostedTreesPredict(tree_ensemble_handle=handle, logits_dimension=1,
                                             bucketized_features=features))  # fmt: skip
    t.values_only()


@case
def debug_outputs(tf, t):
    handle, made = created(tf)
    features = [t.feed(f) for f in FEATURES]
    with tf.control_dependencies([made]):
        t.out(tf.raw_ops.BoostedTreesExampleDebugOutputs(
            tree_ensemble_handle=handle, bucketized_features=features, logits_dimension=1))  # fmt: skip
    t.values_only()


@case.each(text=["", TREES, PRUNED])
def states(tf, t, text):
    handle, made = created(tf, text)
    with tf.control_dependencies([made]):
        t.out(*tf.raw_ops.BoostedTreesGetEnsembleStates(tree_ensemble_handle=handle))
        t.out(*tf.raw_ops.BoostedTreesSerializeEnsemble(tree_ensemble_handle=handle))
        t.out(tf.raw_ops.IsBoostedTreesEnsembleInitialized(tree_ensemble_handle=handle))
    t.values_only()


@case
def another_ensemble(tf, t):
    handle, made = created(tf)
    with tf.control_dependencies([made]):
        other = tf.raw_ops.BoostedTreesDeserializeEnsemble(
            tree_ensemble_handle=handle, stamp_token=8, tree_ensemble_serialized=message(tf, PRUNED)
        )
    with tf.control_dependencies([other]):
        t.out(*tf.raw_ops.BoostedTreesSerializeEnsemble(tree_ensemble_handle=handle))
    t.values_only()


@case
def no_ensemble(tf, t):
    handle = tf.raw_ops.BoostedTreesEnsembleResourceHandleOp(shared_name="none")
    t.out(tf.raw_ops.IsBoostedTreesEnsembleInitialized(tree_ensemble_handle=handle))


@case
def states_of_no_ensemble(tf, t):
    handle = tf.raw_ops.BoostedTreesEnsembleResourceHandleOp(shared_name="none")
    t.out(*tf.raw_ops.BoostedTreesGetEnsembleStates(tree_ensemble_handle=handle))


@case
def buckets(tf, t):
    values = np.array([-1, 0, 0.5, 1, 1.2, 1.5, 2, np.inf, -np.inf, np.nan], "float32")
    t.out(*tf.raw_ops.BoostedTreesBucketize(float_values=[t.feed(values), t.feed(values)],
                                            bucket_boundaries=[[0.0, 1.0, 1.5], tf.zeros([0])]))  # fmt: skip


@case
def stats_summary(tf, t):
    t.out(tf.raw_ops.BoostedTreesMakeStatsSummary(
        node_ids=[0, 1, 0, 1], gradients=t.feed(t.normal(4, 1)), hessians=t.feed(t.normal(4, 1)), max_splits=3,
        bucketized_features_list=[[0, 1, 1, 1], [2, 2, 0, 1]], num_buckets=3))  # fmt: skip


@case
def quantile_boundaries(tf, t):
    ops = tf.raw_ops
    # TensorFlow takes boundaries of unknown shape alone, as restored ones have.
    boundaries = [t.feed(np.array(b, "float32"), None) for b in ([1, 2, 4], [0.5])]
    handle = ops.BoostedTreesQuantileStreamResourceHandleOp(shared_name="q")
    t.out(ops.IsBoostedTreesQuantileStreamResourceInitialized(quantile_stream_resource_handle=handle))
    with tf.control_dependencies(list(t.outputs)):
        made = ops.BoostedTreesCreateQuantileStreamResource(
            quantile_stream_resource_handle=handle, epsilon=0.1, num_streams=2
        )
    with tf.control_dependencies([made]):
        filled = ops.BoostedTreesQuantileStreamResourceDeserialize(
            quantile_stream_resource_handle=handle, bucket_boundaries=boundaries
        )
    with tf.control_dependencies([filled]):
        t.out(*ops.BoostedTreesQuantileStreamResourceGetBucketBoundaries(
            quantile_stream_resource_handle=handle, num_features=2))  # fmt: skip
    t.values_only()
