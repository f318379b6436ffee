"""Records reduction.json.gz: what TensorFlow 1.15.5 does in the cases of reduction_cases.py."""

import op_recording
import reduction_cases
import tensorflow as tf

op_recording.record(tf, "reduction", reduction_cases.case)
