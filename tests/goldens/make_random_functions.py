"""Records random.json.gz: what TensorFlow 1.15.5 does in the cases of random_cases.py."""

import op_recording
import random_cases
import tensorflow as tf

op_recording.record(tf, "random", random_cases.case)
