"""Records batching.json.gz: what TensorFlow 1.15.5 does in the cases of batching_cases.py."""

import batching_cases
import op_recording
import tensorflow as tf

op_recording.record(tf, "batching", batching_cases.case)
