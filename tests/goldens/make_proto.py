"""Records proto.json.gz: what TensorFlow 1.15.5 does in the cases of proto_cases.py."""

import op_recording
import proto_cases
import tensorflow as tf

op_recording.record(tf, "proto", proto_cases.case)
