"""Records patches.json.gz: what TensorFlow 1.15.5 does in the cases of patches_cases.py."""

import op_recording
import patches_cases
import tensorflow as tf

op_recording.record(tf, "patches", patches_cases.case)
