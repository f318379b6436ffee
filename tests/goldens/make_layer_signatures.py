"""Records layer_signatures.json: the names and parameters of tf.layers and of parts of tf.contrib in TensorFlow 1.15.5.

For each function or class: a list of [parameter, default], the default as text if it is a plain value, else null; a
parameter without default has no second item.
"""

import inspect
import json
import os

import tensorflow as tf

MODULES = ["layers"]
MODULES += ["contrib." + m for m in ["framework", "layers", "losses", "metrics", "opt", "training", "util"]]
PLAIN = (bool, int, float, str, tuple, list, type(None))


def described(value):
    try:
        parameters = inspect.signature(value).parameters.values()
    except (TypeError, ValueError):
        return None
    rows = []
    for p in parameters:
        if p.kind is p.VAR_KEYWORD or p.kind is p.VAR_POSITIONAL:
            rows.append(["*" + p.name])
        elif p.default is p.empty:
            rows.append([p.name])
        else:
            rows.append([p.name, repr(p.default) if isinstance(p.default, PLAIN) else None])
    return rows


recorded = {}
for path in MODULES:
    module = tf
    for part in path.split("."):
        module = getattr(module, part)
    names = [n for n in dir(module) if not n.startswith("_") and callable(getattr(module, n))]
    recorded[path] = {n: described(getattr(module, n)) for n in names}
folder = os.path.dirname(os.path.abspath(__file__))
with open(os.path.join(folder, "layer_signatures.json"), "w") as out:
    json.dump(recorded, out, indent=0, sort_keys=True)
