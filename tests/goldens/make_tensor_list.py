"""Records tensor_list.json.gz: what TensorFlow 1.15.5 does in the cases of tensor_list_cases.py."""

import op_recording
import tensor_list_cases
import tensorflow as tf

op_recording.record(tf, "tensor_list", tensor_list_cases.case)
