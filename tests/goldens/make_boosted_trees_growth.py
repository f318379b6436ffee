"""Records boosted_trees_growth.json.gz: what TensorFlow 1.15.5 does in the cases of boosted_trees_growth_cases.py."""

import boosted_trees_growth_cases
import op_recording
import tensorflow as tf

op_recording.record(tf, "boosted_trees_growth", boosted_trees_growth_cases.case)
