"""Records metrics.json.gz: what TensorFlow 1.15.5 does in the cases of metrics_cases.py."""

import metrics_cases
import op_recording
import tensorflow as tf

op_recording.record(tf, "metrics", metrics_cases.case)
