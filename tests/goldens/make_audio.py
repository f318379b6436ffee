"""Records audio.json.gz: what TensorFlow 1.15.5 does in the cases of audio_cases.py."""

import audio_cases
import op_recording
import tensorflow as tf

op_recording.record(tf, "audio", audio_cases.case)
