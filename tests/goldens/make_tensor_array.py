"""Records tensor_array.json.gz: what TensorFlow 1.15.5 does in the cases of tensor_array_cases.py."""

import op_recording
import tensor_array_cases
import tensorflow as tf

op_recording.record(tf, "tensor_array", tensor_array_cases.case)
