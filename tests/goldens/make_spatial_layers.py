"""Records spatial_layers.json.gz: what TensorFlow 1.15.5 does in the cases of spatial_layers_cases.py."""

import op_recording
import spatial_layers_cases
import tensorflow as tf

op_recording.record(tf, "spatial_layers", spatial_layers_cases.case)
