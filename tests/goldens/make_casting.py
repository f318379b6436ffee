"""Records casting.json.gz: what TensorFlow 1.15.5 does in the cases of casting_cases.py."""

import casting_cases
import op_recording
import tensorflow as tf

op_recording.record(tf, "casting", casting_cases.case)
