"""Each op against what TensorFlow did with recorded examples (docs/differential_tests.md)."""

import base64
import functools

import pytest
from tensorboard.compat.proto.graph_pb2 import GraphDef

from tests.differential import goldens
from tests.differential.compare import difference, reflow_outcome
from tests.differential.families import TABLES

read = functools.cache(goldens.read)


@pytest.mark.parametrize(("family", "op"), [(family, op) for family, table in TABLES.items() for op in table])
def test_as_tensorflow(family, op):
    pairs = read(family)[op]
    assert pairs, f"no example of {op} is recorded"
    for request, expected in pairs:
        found = difference(TABLES[family][op], expected, reflow_outcome(request))
        assert not found, f"{found}\n{GraphDef.FromString(base64.b64decode(request['graph']))}\n{request['feeds']}"
