"""Records sparse_structure.json.gz: what TensorFlow 1.15.5 does in the cases of sparse_structure_cases.py."""

import op_recording
import sparse_structure_cases
import tensorflow as tf

op_recording.record(tf, "sparse_structure", sparse_structure_cases.case)
