"""Records arithmetic.json.gz: what TensorFlow 1.15.5 does in the cases of arithmetic_cases.py."""

import arithmetic_cases
import op_recording
import tensorflow as tf

op_recording.record(tf, "arithmetic", arithmetic_cases.case)
