"""Records conditional.json.gz: what TensorFlow 1.15.5 does in the cases of conditional_cases.py."""

import conditional_cases
import op_recording
import tensorflow as tf

op_recording.record(tf, "conditional", conditional_cases.case)
