"""Records matmul.json.gz: what TensorFlow 1.15.5 does in the cases of matmul_cases.py."""

import matmul_cases
import op_recording
import tensorflow as tf

op_recording.record(tf, "matmul", matmul_cases.case)
