"""Each op takes all types that TensorFlow 1.15's kernels on the CPU take (tests/goldens/kernel_types.json)."""

import itertools
import json
import pathlib

import pytest

from reflow.graph.dtypes import as_dtype
from reflow.graph.registry import OPS
from tests.differential.compare import reflow_outcome
from tests.differential.families import TABLES

pytestmark = pytest.mark.slow

RECORDED = json.loads((pathlib.Path(__file__).parents[1] / "goldens" / "kernel_types.json").read_text())
# Types that an op without constraints is tried with, besides those of its table.
_VARIED = ["float32", "uint16", "bool", "complex64", "string"]
# Draws until one is no error: axes that do not exist are drawn, too.
_TRIED = 8

# TensorFlow has a kernel, but the kernel fails.
_NEVER_WORK = {
    ("InplaceAdd", "string"), ("InplaceSub", "string"),
}  # fmt: skip


def _combinations(op, entry, row):
    """The values of the type attributes that a recorded row of constraints allows."""
    pools = []
    for name, attr in OPS[op].attrs.items():
        if attr.type != "type":
            continue
        possible = row[name].split() if name in row else entry.types.get(name) or attr.allowed or _VARIED
        allowed = [t for t in map(as_dtype, possible) if not attr.allowed or t in attr.allowed]
        pools.append([(name, t) for t in allowed if t.name not in ("resource", "variant") and not t.is_quantized])
    return map(dict, itertools.product(*pools))


def _works(entry, types):
    """Whether Reflow computes one of the first examples of these types."""
    return any("error" not in reflow_outcome(example.request())
               for count in (1, _TRIED) for example in entry.of_types(types, count))  # fmt: skip


# What a cast can be made of, and how many bytes make how many elements, hangs on both types.
_OPS = [(family, op) for family, table in TABLES.items() for op in table
        if op in RECORDED and op not in ("Cast", "Bitcast")]  # fmt: skip


@pytest.mark.parametrize(("family", "op"), _OPS)
def test_takes_what_tensorflow_takes(family, op):
    entry = TABLES[family][op]
    missing = [types for row in RECORDED[op] for types in _combinations(op, entry, row) if not _works(entry, types)]
    names = [tuple(t.name for t in types.values()) for types in missing]
    assert [each for each in names if (op, *each) not in _NEVER_WORK] == []
