"""Records remapping.json.gz: what TensorFlow 1.15.5 does in the cases of remapping_cases.py."""

import op_recording
import remapping_cases
import tensorflow as tf

op_recording.record(tf, "remapping", remapping_cases.case)
