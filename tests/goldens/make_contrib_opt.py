"""Records contrib_opt.json.gz: what TensorFlow 1.15.5 does in the cases of contrib_opt_cases.py."""

import contrib_opt_cases
import op_recording
import tensorflow as tf

op_recording.record(tf, "contrib_opt", contrib_opt_cases.case)
