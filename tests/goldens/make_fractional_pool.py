"""Records fractional_pool.json.gz: what TensorFlow 1.15.5 does in the cases of fractional_pool_cases.py."""

import fractional_pool_cases
import op_recording
import tensorflow as tf

op_recording.record(tf, "fractional_pool", fractional_pool_cases.case)
