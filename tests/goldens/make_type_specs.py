"""Records type_specs.json.gz: what TensorFlow 1.15.5 does in the cases of type_specs_cases.py."""

import op_recording
import tensorflow as tf
import type_specs_cases

op_recording.record(tf, "type_specs", type_specs_cases.case)
