"""Records contrib_framework.json.gz: what TensorFlow 1.15.5 does in the cases of contrib_framework_cases.py."""

import contrib_framework_cases
import op_recording
import tensorflow as tf

op_recording.record(tf, "contrib_framework", contrib_framework_cases.case)
