"""Records bad_input.json: what TensorFlow 1.15.5 says in the cases of bad_input_cases.py."""

import json
import pathlib

import bad_input_cases
import tensorflow as tf

outcomes = {name: bad_input_cases.outcome(tf, name) for name in bad_input_cases.cases}
path = pathlib.Path(__file__).with_name("bad_input.json")
path.write_text(json.dumps(outcomes, indent=0, sort_keys=True) + "\n")
