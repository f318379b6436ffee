"""Records contrib_summary.json: what TensorFlow 1.15.5 does in the cases of contrib_summary_cases.py."""

import json
import os
import tempfile

import contrib_summary_cases
import tensorflow as tf

outcomes = {}
for name, function in contrib_summary_cases.CASES.items():
    outcomes[name] = contrib_summary_cases.outcome(tf, function, os.path.join(tempfile.mkdtemp(), "logs"))
    print(name, outcomes[name].get("error"))
path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "contrib_summary.json")
with open(path, "w") as out:
    out.write(json.dumps(outcomes, indent=0, sort_keys=True) + "\n")
