"""Records nest.json: what TensorFlow 1.15.5's nest does in the cases of nest_cases.py."""

import json
import os

import nest_cases
from tensorflow.python.util import nest

HERE = os.path.dirname(os.path.abspath(__file__))

with open(os.path.join(HERE, "nest.json"), "w") as out:
    out.write("[\n%s\n]\n" % ",\n".join(json.dumps(outcome) for outcome in nest_cases.outcomes(nest)))
