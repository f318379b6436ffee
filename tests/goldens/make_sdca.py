"""Records sdca.json.gz: what TensorFlow 1.15.5 does in the cases of sdca_cases.py."""

import op_recording
import sdca_cases
import tensorflow as tf

op_recording.record(tf, "sdca", sdca_cases.case)
