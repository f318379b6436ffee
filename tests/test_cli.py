"""The `reflow` command's own words."""

import subprocess
import sys

import pytest
from typer.testing import CliRunner

from reflow import cli


def _invoke(*arguments):
    return CliRunner().invoke(cli.app, list(arguments))


def test_alone_it_tells_what_it_can_do():
    result = _invoke()
    assert result.exit_code == 0
    for line in ["reflow run train.py --steps 100", "reflow explain train.py", "%load_ext reflow"]:
        assert line in result.output


def test_help_lists_the_commands():
    output = _invoke("--help").output
    assert "run" in output
    assert "explain" in output


def test_versions():
    assert _invoke("--version").output.startswith("reflow ")
    assert "TensorFlow 1.15.5" in _invoke("--version").output


def test_run_wants_a_program():
    result = _invoke("run")
    assert result.exit_code == 2
    assert "name a script" in result.output


@pytest.mark.parametrize(
    ("arguments", "command"),
    [
        (["run", "a.py", "--help"], ["a.py", "--help"]),
        (["run", "-m", "module", "-h"], ["-m", "module", "-h"]),
        (["run", "-c", "pass"], ["-c", "pass"]),
        (["run", "-O", "a.py", "run"], ["-O", "a.py", "run"]),
    ],
)
def test_run_passes_everything_on(arguments, command, monkeypatch):
    class Launched(Exception):
        pass

    def launched(passed_on):
        raise Launched(passed_on)

    monkeypatch.setattr(cli.launch, "run", launched)
    monkeypatch.setattr(sys, "argv", ["reflow", *arguments])
    with pytest.raises(Launched) as caught:
        cli.main()
    assert caught.value.args[0] == command


def test_the_command_starts_without_torch():
    code = "import sys; sys.argv = ['reflow']; import reflow.cli; print('torch' in sys.modules)"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout == "False\n"
