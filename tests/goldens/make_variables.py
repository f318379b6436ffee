"""Records variables.json.gz: what TensorFlow 1.15.5 does in the cases of variables_cases.py."""

import op_recording
import variables_cases
import tensorflow as tf

op_recording.record(tf, "variables", variables_cases.case)
