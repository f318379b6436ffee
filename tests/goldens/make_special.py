"""Records special.json.gz: what TensorFlow 1.15.5 does in the cases of special_cases.py."""

import op_recording
import special_cases
import tensorflow as tf

op_recording.record(tf, "special", special_cases.case)
