"""Records signal.json.gz: what TensorFlow 1.15.5 does in the cases of signal_cases.py."""

import op_recording
import signal_cases
import tensorflow as tf

op_recording.record(tf, "signal", signal_cases.case)
