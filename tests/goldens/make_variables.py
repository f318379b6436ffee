"""Records variables.json.gz: what TensorFlow 1.15.5 does in the cases of variables_cases.py."""

import op_recording
import tensorflow as tf
import variables_cases

op_recording.record(tf, "variables", variables_cases.case)
