"""Records the losses of the benchmark models' first training steps in TensorFlow 1.15. Runs under the tf1 peer.

Usage: python tests/goldens/make_model_losses.py
"""

import json
import os
import sys

import tensorflow as tf

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.dirname(os.path.dirname(HERE)), HERE]

from model_losses_cases import BATCHES, STEPS  # noqa: E402

from benchmarks.cases import CASES, prepare_model  # noqa: E402

losses = {}
for name, batch in BATCHES.items():
    program = prepare_model("tf1", tf, CASES[name].model, "train", batch)
    losses[name] = [program.loss() for _ in range(STEPS)]
    program.session.close()

with open(os.path.join(HERE, "model_losses.json"), "w") as file:
    json.dump(losses, file, indent=1)
    file.write("\n")
