"""Records old_ops.json.gz: what TensorFlow 1.15.5 does in the cases of old_ops_cases.py."""

import old_ops_cases
import op_recording
import tensorflow as tf

op_recording.record(tf, "old_ops", old_ops_cases.case)
