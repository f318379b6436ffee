"""Records segment.json.gz: what TensorFlow 1.15.5 does in the cases of segment_cases.py."""

import op_recording
import segment_cases
import tensorflow as tf

op_recording.record(tf, "segment", segment_cases.case)
