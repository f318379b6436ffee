"""Records fft.json.gz: what TensorFlow 1.15.5 does in the cases of fft_cases.py."""

import fft_cases
import op_recording
import tensorflow as tf

op_recording.record(tf, "fft", fft_cases.case)
