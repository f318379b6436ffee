"""Records nn.json.gz: what TensorFlow 1.15.5 does in the cases of nn_cases.py."""

import nn_cases
import op_recording
import tensorflow as tf

op_recording.record(tf, "nn", nn_cases.case)
