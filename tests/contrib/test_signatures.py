"""Names and parameters of tf.layers and of parts of tf.contrib against those of TensorFlow 1.15.5."""

import inspect
import json
import pathlib

import pytest

import reflow as tf

RECORDED = json.loads((pathlib.Path(__file__).parents[1] / "goldens" / "layer_signatures.json").read_text())
PLAIN = (bool, int, float, str, tuple, list, type(None))

# What TensorFlow 1.15.5 has and Reflow has not: a name that is added has to go from here.
ABSENT = {
    "layers": "",
    "contrib.framework": """BoundedTensorSpec RecordInput TensorSpec fuse_op load_and_remap_matrix_initializer
        load_embedding_initializer load_linear_multiclass_bias_initializer load_variable_slot_initializer smart_case""",
    # Feature columns as they were before `tf.feature_column`, and reversible blocks.
    "contrib.layers": """RevBlock bucketized_column check_feature_columns create_feature_spec_for_parsing
        crossed_column embedding_column infer_real_valued_columns input_from_feature_columns
        joint_weighted_sum_from_feature_columns make_place_holder_tensors_for_base_features multi_class_target
        one_hot_column parse_feature_columns_from_examples parse_feature_columns_from_sequence_examples
        real_valued_column recompute_grad regression_target rev_block scattered_embedding_column
        sequence_input_from_feature_columns shared_embedding_columns sparse_column_with_hash_bucket
        sparse_column_with_integerized_feature sparse_column_with_keys sparse_column_with_vocabulary_file
        transform_features weighted_sparse_column weighted_sum_from_feature_columns""",
    "contrib.losses": "",
    "contrib.metrics": """auc_using_histogram auc_with_confidence_intervals cohen_kappa f1_score precision_at_recall
        precision_recall_at_equal_thresholds recall_at_precision sparse_recall_at_top_k streaming_concat
        streaming_curve_points streaming_dynamic_auc streaming_false_negative_rate
        streaming_false_negative_rate_at_thresholds streaming_false_negatives_at_thresholds
        streaming_false_positive_rate streaming_false_positive_rate_at_thresholds
        streaming_false_positives_at_thresholds streaming_sparse_average_precision_at_top_k
        streaming_sparse_precision_at_top_k streaming_true_negatives_at_thresholds
        streaming_true_positives_at_thresholds""",
    # Optimizers for many machines, of SciPy, and some that few programs used.
    "contrib.opt": """AGNCustomGetter AGNOptimizer AdamGSOptimizer DropStaleGradientOptimizer
        ElasticAverageCustomGetter ElasticAverageOptimizer ExternalOptimizerInterface GGTOptimizer
        LazyAdamGSOptimizer ModelAverageCustomGetter ModelAverageOptimizer ScipyOptimizerInterface
        ShampooOptimizer""",
    # What takes queues, hooks and monitored sessions.
    "contrib.training": """FeedingQueueRunner GreedyLoadBalancingStrategy NextQueuedSequenceBatch RandomStrategy
        SequenceQueueingStateSaver StopAfterNEvalsHook SummaryAtEndHook batch_sequences_with_states bucket
        bucket_by_sequence_length byte_size_load_fn evaluate_once evaluate_repeatedly
        get_or_create_eval_step rejection_sample resample_at_rate stratified_sample train
        weighted_resample""",
    "contrib.util": "",
}
# TensorFlow's is a function of the graph, which takes anything.
OTHER_PARAMETERS = {"scale_gradient"}


def module_at(path):
    module = tf
    for part in path.split("."):
        module = getattr(module, part)
    return module


def described(value):
    """Parameters as make_layer_signatures.py records them."""
    rows = []
    for parameter in inspect.signature(value).parameters.values():
        if parameter.kind in (parameter.VAR_KEYWORD, parameter.VAR_POSITIONAL):
            rows.append([f"*{parameter.name}"])
        elif parameter.default is parameter.empty:
            rows.append([parameter.name])
        else:
            default = repr(parameter.default) if isinstance(parameter.default, PLAIN) else None
            rows.append([parameter.name, default])
    return rows


@pytest.mark.parametrize("path", list(RECORDED))
def test_names(path):
    module = module_at(path)
    assert {name for name in RECORDED[path] if not hasattr(module, name)} == set(ABSENT[path].split())


@pytest.mark.parametrize("path", list(RECORDED))
def test_parameters(path):
    module = module_at(path)
    for name, expected in RECORDED[path].items():
        if expected is not None and hasattr(module, name) and name not in OTHER_PARAMETERS:
            assert described(getattr(module, name)) == expected, f"{path}.{name}"


@pytest.mark.parametrize("path", [*RECORDED, "contrib.slim"])
def test_docstrings(path):
    for name, value in vars(module_at(path)).items():
        if callable(value) and not name.startswith("_"):
            assert inspect.getdoc(value), f"{path}.{name}"
