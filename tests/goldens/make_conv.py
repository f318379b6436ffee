"""Records conv.json.gz: what TensorFlow 1.15.5 does in the cases of conv_cases.py."""

import conv_cases
import op_recording
import tensorflow as tf

op_recording.record(tf, "conv", conv_cases.case)
