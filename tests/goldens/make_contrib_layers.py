"""Records contrib_layers.json.gz: what TensorFlow 1.15.5 does in the cases of contrib_layers_cases.py."""

import contrib_layers_cases
import op_recording
import tensorflow as tf

op_recording.record(tf, "contrib_layers", contrib_layers_cases.case)
