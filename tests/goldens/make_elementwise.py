"""Records elementwise.json.gz: what TensorFlow 1.15.5 does in the cases of elementwise_cases.py."""

import elementwise_cases
import op_recording
import tensorflow as tf

op_recording.record(tf, "elementwise", elementwise_cases.case)
