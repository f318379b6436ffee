"""Records templates.json.gz: what TensorFlow 1.15.5 does in the cases of templates_cases.py."""

import op_recording
import templates_cases
import tensorflow as tf

op_recording.record(tf, "templates", templates_cases.case)
