"""Records optimizer_ops.json.gz: what TensorFlow 1.15.5 does in the cases of optimizer_ops_cases.py."""

import op_recording
import optimizer_ops_cases
import tensorflow as tf

op_recording.record(tf, "optimizer_ops", optimizer_ops_cases.case)
