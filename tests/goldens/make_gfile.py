"""Records gfile.json: what TensorFlow 1.15.5's tf.gfile does in the cases of gfile_cases.py."""

import json
import os

import gfile_cases
import tensorflow as tf

HERE = os.path.dirname(os.path.abspath(__file__))

with open(os.path.join(HERE, "gfile.json"), "w") as out:
    out.write("[\n%s\n]\n" % ",\n".join(json.dumps(outcome) for outcome in gfile_cases.outcomes(tf.gfile)))
