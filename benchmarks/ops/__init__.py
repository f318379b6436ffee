"""Single operations at three sizes, forward and with their gradient: one table of `Op` a family, one file each.

`OPS` has them all by name. A step runs many copies of the operation, each on inputs of its own, so that neither the
cost of `Session.run` nor a merging of equal expressions hides what one costs; docs/benchmarks.md tells the rest.
"""

from benchmarks.implementations import SESSIONS
from benchmarks.ops import arithmetic, arrays, images, indexing, linear, losses, random_numbers, reductions, updates

_FAMILIES = (linear, arithmetic, reductions, losses, images, arrays, indexing, random_numbers, updates)
OPS = {op.name: op for family in _FAMILIES for op in family.OPS}


def prepare(name, framework, variant):
    """The program that measures operation `variant`."""
    if name in SESSIONS:
        from benchmarks.drivers.session_ops import session_steps as steps
    else:
        from benchmarks.drivers.torch_ops import torch_steps as steps
    from benchmarks.ops.program import OpProgram

    return OpProgram(steps(framework, OPS[variant]))
