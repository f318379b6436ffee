"""Each op against TensorFlow while it runs, on examples that hypothesis draws and, where they differ, shrinks."""

import pytest
from hypothesis import HealthCheck, given, settings

from tests.differential.compare import difference, is_comparable, reflow_outcome
from tests.differential.families import TABLES
from tests.differential.peer import Peers

pytestmark = [pytest.mark.oracle, pytest.mark.timeout(900)]

_EXAMPLES = 60


@pytest.fixture(scope="module")
def workers(peers):
    """The workers of the peers; skips where one is not installed."""
    assert peers["tf1"]
    assert peers["tf2"]
    with Peers() as workers:
        yield workers


@pytest.mark.parametrize(("family", "op"), [(family, op) for family, table in TABLES.items() for op in table])
def test_as_tensorflow(family, op, workers):
    entry = TABLES[family][op]

    @settings(max_examples=_EXAMPLES, derandomize=True, database=None, deadline=None, report_multiple_bugs=False,
              suppress_health_check=list(HealthCheck))  # fmt: skip
    @given(entry.examples())
    def compare(example):
        request = example.request()
        expected = workers.outcome(entry.peer_of(example), request)
        if is_comparable(expected):
            found = difference(entry, expected, reflow_outcome(request))
            assert not found, found

    compare()
