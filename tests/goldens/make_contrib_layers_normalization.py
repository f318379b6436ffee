"""Records what TensorFlow 1.15.5 does in the cases of contrib_layers_normalization_cases.py."""

import contrib_layers_normalization_cases
import op_recording
import tensorflow as tf

op_recording.record(tf, "contrib_layers_normalization", contrib_layers_normalization_cases.case)
