"""Records warm_start.json.gz: what the programs of warm_start_cases.py begin with in TensorFlow 1.15.5."""

import gzip
import json
import pathlib
import tempfile

import tensorflow as tf
import warm_start_cases

folder = tempfile.mkdtemp()
warm_start_cases.write_checkpoint(tf, folder)
outcomes = {name: warm_start_cases.outcome(tf, name, folder) for name in warm_start_cases.cases}
path = pathlib.Path(__file__).with_name("warm_start.json.gz")
with path.open("wb") as raw, gzip.GzipFile("", "wb", fileobj=raw, mtime=0) as file:
    file.write(json.dumps(outcomes, indent=0, sort_keys=True).encode())
