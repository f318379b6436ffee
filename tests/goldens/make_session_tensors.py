"""Records session_tensors.json.gz: what TensorFlow 1.15.5 does in the cases of session_tensors_cases.py."""

import op_recording
import session_tensors_cases
import tensorflow as tf

op_recording.record(tf, "session_tensors", session_tensors_cases.case)
