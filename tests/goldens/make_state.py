"""Records state.json.gz: what TensorFlow 1.15.5 does in the cases of state_cases.py."""

import op_recording
import state_cases
import tensorflow as tf

op_recording.record(tf, "state", state_cases.case)
