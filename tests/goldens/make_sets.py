"""Records sets.json.gz: what TensorFlow 1.15.5 does in the cases of sets_cases.py."""

import op_recording
import sets_cases
import tensorflow as tf

op_recording.record(tf, "sets", sets_cases.case)
