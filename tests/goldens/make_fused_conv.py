"""Records fused_conv.json.gz: what TensorFlow 1.15.5 does in the cases of fused_conv_cases.py."""

import fused_conv_cases
import op_recording
import tensorflow as tf

op_recording.record(tf, "fused_conv", fused_conv_cases.case)
