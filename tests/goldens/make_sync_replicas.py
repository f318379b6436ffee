"""Records sync_replicas.json.gz: what TensorFlow 1.15.5 does in the cases of sync_replicas_cases.py."""

import op_recording
import sync_replicas_cases
import tensorflow as tf

op_recording.record(tf, "sync_replicas", sync_replicas_cases.case)
