"""Records the losses of recurrent nets written out of single ops in TensorFlow 1.15. Runs under the tf1 peer.

Usage: python tests/goldens/make_recurrent_cells.py
"""

import json
import os
import sys

import tensorflow as tf

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)

from recurrent_cells_cases import CASES, STEPS, Training  # noqa: E402

losses = {}
for case in CASES:
    training = Training(tf, case)
    losses[case.__name__] = [training.loss() for _ in range(STEPS)]

with open(os.path.join(HERE, "recurrent_cells.json"), "w") as file:
    file.write("{\n" + ",\n".join('"%s": %s' % (name, json.dumps(each)) for name, each in losses.items()) + "\n}\n")
