"""Records mnist.json: the sets and batches of TensorFlow 1.15.5's input_data for the cases of mnist_cases.py."""

import json
import os
import tempfile

import mnist_cases
import tensorflow as tf
from tensorflow.examples.tutorials.mnist import input_data

HERE = os.path.dirname(os.path.abspath(__file__))

with tempfile.TemporaryDirectory() as folder, open(os.path.join(HERE, "mnist.json"), "w") as out:
    mnist_cases.write_files(folder)
    recorded = mnist_cases.outcomes(
        input_data.read_data_sets, tf.set_random_seed, tf.reset_default_graph, tf.uint8, folder
    )
    out.write("[\n%s\n]\n" % ",\n".join(json.dumps(outcome) for outcome in recorded))
