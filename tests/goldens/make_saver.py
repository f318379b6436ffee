"""Records saver.json.gz: the nodes, SaverDefs and files of the savers in saver_cases.py, from TensorFlow 1.15.5."""

import gzip
import json
import pathlib
import tempfile

import saver_cases
import tensorflow as tf

outcomes = {
    "graphs": {name: saver_cases.graph_outcome(tf, name) for name in saver_cases.graphs},
    "files": {name: saver_cases.file_outcome(tf, name, tempfile.mkdtemp()) for name in saver_cases.files},
}
path = pathlib.Path(__file__).with_name("saver.json.gz")
with path.open("wb") as raw, gzip.GzipFile("", "wb", fileobj=raw, mtime=0) as file:
    file.write(json.dumps(outcomes, indent=0, sort_keys=True).encode())
