"""Records queues.json.gz: what TensorFlow 1.15.5 does in the cases of queues_cases.py."""

import op_recording
import queues_cases
import tensorflow as tf

op_recording.record(tf, "queues", queues_cases.case)
