"""Records contrib_losses.json.gz: what TensorFlow 1.15.5 does in the cases of contrib_losses_cases.py."""

import contrib_losses_cases
import op_recording
import tensorflow as tf

op_recording.record(tf, "contrib_losses", contrib_losses_cases.case)
