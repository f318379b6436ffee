"""Records sampling.json.gz: what TensorFlow 1.15.5 does in the cases of sampling_cases.py."""

import op_recording
import sampling_cases
import tensorflow as tf

op_recording.record(tf, "sampling", sampling_cases.case)
