"""Records critical_section.json.gz: what TensorFlow 1.15.5 does in the cases of critical_section_cases.py."""

import critical_section_cases
import op_recording
import tensorflow as tf

op_recording.record(tf, "critical_section", critical_section_cases.case)
