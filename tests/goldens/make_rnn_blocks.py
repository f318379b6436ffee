"""Records rnn_blocks.json.gz: what TensorFlow 1.15.5 does in the cases of rnn_blocks_cases.py."""

import op_recording
import rnn_blocks_cases
import tensorflow as tf

op_recording.record(tf, "rnn_blocks", rnn_blocks_cases.case)
