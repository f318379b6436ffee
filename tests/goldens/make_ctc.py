"""Records ctc.json.gz: what TensorFlow 1.15.5 does in the cases of ctc_cases.py."""

import ctc_cases
import op_recording
import tensorflow as tf

op_recording.record(tf, "ctc", ctc_cases.case)
