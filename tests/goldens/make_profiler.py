"""Records profiler.json.gz: TensorFlow 1.15.5's profiles of the network of profiler_cases.py."""

import gzip
import json
import pathlib

import profiler_cases
import tensorflow.compat.v1 as tf

path = pathlib.Path(__file__).with_name("profiler.json.gz")
with path.open("wb") as raw, gzip.GzipFile("", "wb", fileobj=raw, mtime=0) as file:
    file.write(json.dumps(profiler_cases.profiles(tf)).encode())
