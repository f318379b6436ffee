"""Records sparse_strings.json.gz: what TensorFlow 1.15.5 does in the cases of sparse_strings_cases.py."""

import op_recording
import sparse_strings_cases
import tensorflow as tf

op_recording.record(tf, "sparse_strings", sparse_strings_cases.case)
