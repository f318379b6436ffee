"""Records training.json.gz: what TensorFlow 1.15.5 does in the trainings of training_cases.py."""

import json
import os

import op_recording
import tensorflow as tf
import training_cases

outcomes = {name: training_cases.outcome(tf, name) for name in training_cases.CASES}
with open(os.path.join(op_recording.HERE, "training.json.gz"), "wb") as out:
    out.write(op_recording._gzip(json.dumps(outcomes, sort_keys=True).encode()))
print("training: %d cases" % len(outcomes))
