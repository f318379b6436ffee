"""Records linear_operators.json.gz: what TensorFlow 1.15.5 does in the cases of linear_operators_cases.py."""

import linear_operators_cases
import op_recording
import tensorflow as tf

op_recording.record(tf, "linear_operators", linear_operators_cases.case)
