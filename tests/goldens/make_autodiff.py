"""Records autodiff.json.gz: what TensorFlow 1.15.5 makes of autodiff_cases.py and custom_gradient_cases.py."""

import gzip
import json
import pathlib

import autodiff_cases  # noqa: F401 - it fills the recording's cases, as the next one does
import autodiff_recording
import custom_gradient_cases  # noqa: F401
import tensorflow as tf

outcomes = {name: autodiff_recording.outcome(tf, name) for name in autodiff_recording.cases}
path = pathlib.Path(__file__).with_name("autodiff.json.gz")
with path.open("wb") as raw, gzip.GzipFile("", "wb", fileobj=raw, mtime=0) as file:
    file.write(json.dumps(outcomes, indent=0, sort_keys=True).encode())
