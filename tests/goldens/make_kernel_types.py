"""Records kernel_types.json: the types that TensorFlow 1.15.5's kernels on the CPU take, by op and type attribute."""

import json
import pathlib

from tensorflow.python.framework import dtypes, kernels


def merged(rows):
    """Rows {attribute: set of types}, those made one that differ in one attribute only."""
    for i, row in enumerate(rows):
        for other in rows[i + 1 :]:
            differing = [name for name in row if row[name] != other.get(name)]
            if row.keys() == other.keys() and len(differing) <= 1:
                for name in differing:
                    row[name] |= other[name]
                return merged([r for r in rows if r is not other])
    return rows


found = {}
for kernel in kernels.get_all_registered_kernels().kernel:
    row = {c.name: {dtypes.as_dtype(t).name for t in c.allowed_values.list.type} for c in kernel.constraint}
    if kernel.device_type == "CPU" and not kernel.label and row and "Dataset" not in kernel.op:
        found.setdefault(kernel.op, []).append(row)
lines = [
    "%s: %s" % (json.dumps(op), json.dumps([{k: " ".join(sorted(v)) for k, v in row.items()} for row in merged(rows)]))
    for op, rows in sorted(found.items())
]
pathlib.Path(__file__).with_name("kernel_types.json").write_text("{\n%s\n}\n" % ",\n".join(lines))
