"""Records meta_graph.json.gz: what TensorFlow 1.15.5 exports and imports in the cases of meta_graph_cases.py."""

import gzip
import json
import pathlib

import meta_graph_cases
import tensorflow as tf

outcomes = {name: meta_graph_cases.outcome(tf, name) for name in meta_graph_cases.cases}
path = pathlib.Path(__file__).with_name("meta_graph.json.gz")
with path.open("wb") as raw, gzip.GzipFile("", "wb", fileobj=raw, mtime=0) as file:
    file.write(json.dumps(outcomes, indent=0, sort_keys=True).encode())
