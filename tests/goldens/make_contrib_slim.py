"""Records contrib_slim.json.gz: what TensorFlow 1.15.5 does in the cases of contrib_slim_cases.py."""

import contrib_slim_cases
import op_recording
import tensorflow as tf

op_recording.record(tf, "contrib_slim", contrib_slim_cases.case)
