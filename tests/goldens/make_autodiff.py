"""Records autodiff.json.gz: the gradient graphs of autodiff_cases.py as TensorFlow 1.15.5 makes them."""

import gzip
import json
import pathlib

import autodiff_cases
import tensorflow as tf

outcomes = {name: autodiff_cases.outcome(tf, name) for name in autodiff_cases.cases}
path = pathlib.Path(__file__).with_name("autodiff.json.gz")
with path.open("wb") as raw, gzip.GzipFile("", "wb", fileobj=raw, mtime=0) as file:
    file.write(json.dumps(outcomes, indent=0, sort_keys=True).encode())
