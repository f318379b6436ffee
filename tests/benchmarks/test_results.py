import json

import pytest

from benchmarks.cases import CASES, PRODUCT
from benchmarks.micro.product import MULTIPLY_ADDS
from benchmarks.results import fastest, merge, ratios, rows, summary
from benchmarks.runner import Samples


def samples(**rounds):
    return {name.replace("_", "-"): Samples(rounds={"": values}) for name, values in rounds.items()}


def test_summary_is_median_and_quartiles():
    assert summary([1.0, 2.0, 3.0, 4.0, 5.0]) == {"median": 3.0, "low": 2.0, "high": 4.0}
    assert summary([7.0]) == {"median": 7.0, "low": 7.0, "high": 7.0}


def test_fastest_goes_by_the_median_and_skips_the_absent():
    times = {"tf1": [1.0, 9.0, 9.0], "tf2": [5.0, 5.0, 5.0]}
    assert fastest(times, ("tf1", "tf2")) == "tf2"
    assert fastest(times, ("jax",)) is None


def test_ratios_are_taken_round_by_round():
    times = {"reflow": [1.0, 4.0, 2.0], "tf1": [9.0, 9.0, 9.0], "tf2": [2.0, 8.0, 4.0], "torch": [1.0, 2.0, 2.0]}
    table = ratios(times)
    assert table["TensorFlow"] == {"of": "tf2", "median": 0.5, "low": 0.5, "high": 0.5}
    assert table["PyTorch"]["median"] == 1.0
    assert "JAX" not in table


def test_a_model_at_the_machines_rate_has_share_one():
    case = CASES["mlp"]
    measured = samples(reflow=[case.multiply_adds / 1e9], product=[MULTIPLY_ADDS / 1e9])
    row = rows(case, measured)["mlp"]
    assert row["product_share"] == {"reflow": pytest.approx(1.0)}
    assert row["product_gflops"] == pytest.approx(2.0)
    assert PRODUCT.name not in row["seconds"]


def test_a_failed_contender_keeps_its_error_and_loses_its_times():
    measured = samples(reflow=[1.0], tf1=[2.0])
    measured["tf1"].error = "died"
    row = rows(CASES["overhead"], measured)["overhead"]
    assert set(row["seconds"]) == {"reflow"}
    assert row["errors"] == {"tf1": "died"}


def test_each_metric_is_a_row():
    measured = {"tf1": Samples(rounds={"build": [1.0], "first run": [2.0]})}
    assert set(rows(CASES["first_run"], measured)) == {"first_run: build", "first_run: first run"}


def test_merge_replaces_rows_of_the_same_name_only(tmp_path):
    path = tmp_path / "results.json"
    merge(path, {"a": 1, "b": 2})
    assert merge(path, {"b": 3}) == {"a": 1, "b": 3}
    assert json.loads(path.read_text()) == {"a": 1, "b": 3}
