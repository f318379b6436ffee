import io

import pytest
from rich.console import Console

from benchmarks.cases import CASES
from benchmarks.report import markdown, number, print_report
from benchmarks.results import rows
from benchmarks.runner import Samples


@pytest.fixture
def measured():
    samples = {
        "reflow": Samples(rounds={"": [0.001, 0.001]}, memory=2**20 * 30),
        "tf1": Samples(rounds={"": [0.002, 0.002]}),
        "jax": Samples(error="no such module"),
        "product": Samples(rounds={"": [0.1, 0.1]}),
    }
    return rows(CASES["mlp"], samples)


@pytest.mark.parametrize(("value", "text"), [(1234.4, "1234"), (12.34, "12.3"), (0.567, "0.57")])
def test_number_keeps_three_digits(value, text):
    assert number(value) == text


def test_markdown_has_times_ratio_memory_and_failure(measured):
    lines = [line for line in markdown(measured).splitlines() if line.startswith("| mlp")]
    assert lines[0].startswith("| mlp | ms | 1.00 | 2.00 | failed | 0.50 (0.50-0.50) | - | - |")
    assert lines[1].startswith("| mlp | 172 |")
    assert ", 30 |" in lines[1]


def test_the_terminal_gets_the_reason_of_a_failure(measured):
    console = Console(file=io.StringIO(), width=200)
    print_report(console, measured)
    assert "mlp, JAX: no such module" in console.file.getvalue()
