"""Savers beside TensorFlow 1.15.5: the same nodes, SaverDefs, errors and files (tests/goldens/saver_cases.py)."""

import base64
import difflib
import gzip
import json
import pathlib
import sys

import pytest

import reflow as tf

GOLDENS = pathlib.Path(__file__).parents[1] / "goldens"
sys.path.append(str(GOLDENS))
import saver_cases  # noqa: E402

RECORDED = json.loads(gzip.decompress((GOLDENS / "saver.json.gz").read_bytes()))


@pytest.mark.parametrize("case", saver_cases.graphs)
def test_nodes_and_saver_def(case):
    expected = RECORDED["graphs"][case]
    actual = saver_cases.graph_outcome(tf, case)
    for key in ("error", "message", "saver_def"):
        assert actual.get(key) == expected.get(key)
    ours, theirs = (sorted(outcome.get("nodes", ())) for outcome in (actual, expected))
    assert ours == theirs, "\n".join(difflib.unified_diff(theirs, ours, "TensorFlow", "Reflow", lineterm="", n=0))


@pytest.mark.parametrize("case", saver_cases.files)
def test_files_are_equal_byte_for_byte(case, tmp_path):
    expected = {name: base64.b64decode(content) for name, content in RECORDED["files"][case].items()}
    actual = {n: base64.b64decode(content) for n, content in saver_cases.file_outcome(tf, case, tmp_path).items()}
    assert actual.keys() == expected.keys()
    for name, content in expected.items():
        assert actual[name] == content, name
