"""Records morphology.json.gz: what TensorFlow 1.15.5 does in the cases of morphology_cases.py."""

import morphology_cases
import op_recording
import tensorflow as tf

op_recording.record(tf, "morphology", morphology_cases.case)
