"""Records accumulators.json.gz: what TensorFlow 1.15.5 does in the cases of accumulators_cases.py."""

import accumulators_cases
import op_recording
import tensorflow as tf

op_recording.record(tf, "accumulators", accumulators_cases.case)
