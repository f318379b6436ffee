"""Records losses.json.gz: what TensorFlow 1.15.5 does in the cases of losses_cases.py."""

import losses_cases
import op_recording
import tensorflow as tf

op_recording.record(tf, "losses", losses_cases.case)
