"""Records staging.json.gz: what TensorFlow 1.15.5 does in the cases of staging_cases.py."""

import op_recording
import staging_cases
import tensorflow as tf

op_recording.record(tf, "staging", staging_cases.case)
