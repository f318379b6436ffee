import sys

import pytest

from benchmarks import runner
from benchmarks.cases import CASES
from benchmarks.channel import Worker, WorkerError
from benchmarks.contenders import Contender

FAKE = """
import json, sys
for line in sys.stdin:
    request = json.loads(line)
    call = request["call"]
    if call == "prepare" and {fails}:
        answer = {{"error": "ValueError: no"}}
    else:
        answer = {{"ok": {{"prepare": {{"version": "1"}}, "measure": {{"": [3.0, 1.0, 2.0]}}}}.get(call, {{}})}}
    print(json.dumps(answer), flush=True)
"""


def fake_contender(tmp_path, name, fails=False, body=None):
    """A contender whose interpreter runs a script that speaks the protocol."""
    script = tmp_path / f"{name}.py"
    script.write_text(FAKE.format(fails=fails) if body is None else body)
    python = tmp_path / name
    python.write_text(f"#!/bin/sh\nexec {sys.executable} {script}\n")
    python.chmod(0o755)
    return Contender(name, name, name, str(python))


@pytest.fixture
def two_contenders(tmp_path, monkeypatch):
    table = {"reflow": fake_contender(tmp_path, "reflow"), "tf1": fake_contender(tmp_path, "tf1", fails=True)}
    monkeypatch.setattr(runner, "contenders", lambda device: table)
    monkeypatch.setattr(runner, "PAUSE_SECONDS", 0.0)


def test_a_round_counts_as_its_median(two_contenders):
    results = runner.measure(CASES["overhead"], ["reflow"], rounds=2, seconds=0.1)
    assert results["reflow"].rounds == {"": [2.0, 2.0]}


def test_the_others_go_on_when_one_fails(two_contenders):
    results = runner.measure(CASES["overhead"], ["reflow", "tf1"], rounds=3, seconds=0.1)
    assert results["tf1"].error == "ValueError: no"
    assert len(results["reflow"].rounds[""]) == 3


def test_a_missing_interpreter_is_an_error_of_that_contender(two_contenders, monkeypatch, tmp_path):
    table = {"tf1": Contender("tf1", "TF", "tf1", str(tmp_path / "nowhere"))}
    monkeypatch.setattr(runner, "contenders", lambda device: table)
    results = runner.measure(CASES["overhead"], ["tf1"], rounds=1, seconds=0.1)
    assert "not installed" in results["tf1"].error


def test_a_dead_worker_says_its_last_words(tmp_path):
    body = "import sys; sys.stdin.readline(); print('out of luck', file=sys.stderr)"
    contender = fake_contender(tmp_path, "dying", body=body)
    with Worker(contender) as worker, pytest.raises(WorkerError, match="out of luck"):
        worker.call("facts")
