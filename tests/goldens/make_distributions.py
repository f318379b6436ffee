"""Records distributions.json.gz: what TensorFlow 1.15.5 does in the cases of distributions_cases.py."""

import distributions_cases
import op_recording
import tensorflow as tf

op_recording.record(tf, "distributions", distributions_cases.case)
