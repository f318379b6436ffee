"""Records reduction.json.gz: what TensorFlow 1.15.5 does in the cases of reduction_cases.py."""

import reduction_cases
import op_recording
import tensorflow as tf

op_recording.record(tf, "reduction", reduction_cases.case)
