"""Records shape_errors.json: what TensorFlow 1.15.5 says in the cases of shape_errors_cases.py."""

import json
import pathlib

import shape_errors_cases
import tensorflow as tf

outcomes = {name: shape_errors_cases.outcome(tf, name) for name in shape_errors_cases.cases}
path = pathlib.Path(__file__).with_name("shape_errors.json")
path.write_text(json.dumps(outcomes, indent=0, sort_keys=True) + "\n")
