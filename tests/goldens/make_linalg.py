"""Records linalg.json.gz: what TensorFlow 1.15.5 does in the cases of linalg_cases.py."""

import linalg_cases
import op_recording
import tensorflow as tf

op_recording.record(tf, "linalg", linalg_cases.case)
