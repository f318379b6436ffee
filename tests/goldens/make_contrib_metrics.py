"""Records contrib_metrics.json.gz: what TensorFlow 1.15.5 does in the cases of contrib_metrics_cases.py."""

import contrib_metrics_cases
import op_recording
import tensorflow as tf

op_recording.record(tf, "contrib_metrics", contrib_metrics_cases.case)
