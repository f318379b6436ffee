"""Records bad_input.json: what TensorFlow 1.15.5 says of bad_input_cases.py and bad_input_when_run_cases.py."""

import json
import pathlib

import bad_input_cases  # noqa: F401 - it fills the recording's cases, as the next but one does
import bad_input_recording
import bad_input_when_run_cases  # noqa: F401
import tensorflow as tf

outcomes = {name: bad_input_recording.outcome(tf, name) for name in bad_input_recording.cases}
path = pathlib.Path(__file__).with_name("bad_input.json")
path.write_text(json.dumps(outcomes, indent=0, sort_keys=True) + "\n")
