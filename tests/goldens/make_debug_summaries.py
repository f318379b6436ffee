"""Records debug_summaries.json.gz: what TensorFlow 1.15.5 does in the cases of debug_summaries_cases.py."""

import debug_summaries_cases
import op_recording
import tensorflow as tf

op_recording.record(tf, "debug_summaries", debug_summaries_cases.case)
