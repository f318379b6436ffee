"""Records what TensorFlow 1.15.5 does with ragged tensors.

- ragged.json.gz, ragged_elementwise.json.gz and ragged_functions.json.gz: the outcomes of the cases of ragged_cases.py,
  ragged_elementwise_cases.py and ragged_functions_cases.py;
- ragged_dispatch.json: the public names of the functions that have a dispatcher for ragged arguments.
"""

import json
import os
import types

import op_recording
import ragged_cases
import ragged_elementwise_cases
import ragged_functions_cases
import tensorflow as tf


def takes_ragged(function):
    """Whether a function, or one that it wraps, has a dispatcher for ragged arguments."""
    while function is not None:
        dispatchers = getattr(function, "_tf_dispatchers", None) or []
        if any(type(each).__module__.endswith("ragged_dispatch") for each in dispatchers):
            return True
        function = getattr(function, "__wrapped__", None)
    return False


def public_names(module, prefix, seen):
    """Yield (dotted name, value) of what is public in a module and in those below it."""
    for name in sorted(vars(module)):
        value = getattr(module, name)
        if name.startswith("_") or name in ("compat", "contrib", "estimator", "keras", "python"):
            continue
        if not isinstance(value, types.ModuleType):
            yield prefix + name, value
        elif value.__name__.startswith("tensorflow") and value not in seen:
            seen.add(value)
            for pair in public_names(value, prefix + name + ".", seen):
                yield pair


if __name__ == "__main__":
    names = [name for name, value in public_names(tf.compat.v1, "", set()) if callable(value) and takes_ragged(value)]
    with open(os.path.join(op_recording.HERE, "ragged_dispatch.json"), "w") as out:
        json.dump(sorted(names), out, indent=0)
    op_recording.record(tf, "ragged", ragged_cases.case)
    op_recording.record(tf, "ragged_elementwise", ragged_elementwise_cases.case)
    op_recording.record(tf, "ragged_functions", ragged_functions_cases.case)
