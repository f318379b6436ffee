"""Records layers.json.gz: what TensorFlow 1.15.5 does in the cases of layers_cases.py."""

import layers_cases
import op_recording
import tensorflow as tf

op_recording.record(tf, "layers", layers_cases.case)
