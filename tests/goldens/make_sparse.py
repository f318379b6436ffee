"""Records sparse.json.gz: what TensorFlow 1.15.5 does in the cases of sparse_cases.py."""

import op_recording
import sparse_cases
import tensorflow as tf

op_recording.record(tf, "sparse", sparse_cases.case)
