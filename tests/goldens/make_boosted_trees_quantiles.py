"""Records boosted_trees_quantiles.json.gz: what TensorFlow 1.15.5 does in its cases."""

import boosted_trees_quantiles_cases
import op_recording
import tensorflow as tf

op_recording.record(tf, "boosted_trees_quantiles", boosted_trees_quantiles_cases.case)
