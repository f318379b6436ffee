"""Benchmarks and replaced attributes."""

import json
import sys
import types

import pytest

import reflow as tf
from reflow.testing.benchmark import run_benchmarks


class Summing(tf.test.Benchmark):
    """A benchmark of an addition."""

    runs = 0

    def benchmark_sum(self):
        Summing.runs += 1
        with tf.Graph().as_default(), tf.Session(config=tf.test.benchmark_config()) as session:
            total = tf.placeholder(tf.float32, []) + 1
            feeds = {total.op.inputs[0]: 2.0}
            extras = {"note": "small", "size": 1}
            self.result = self.run_op_benchmark(session, total, feeds, min_iters=3, mbs=6, extras=extras)
            assert self.evaluate(total.graph.get_tensor_by_name("add/y:0")) == 1


def test_benchmark_reports_the_median(capsys):
    benchmark = Summing()
    benchmark.benchmark_sum()
    result = benchmark.result
    assert result["iters"] == 3
    assert result["throughput"] == pytest.approx(6 / result["wall_time"])
    printed = capsys.readouterr().out
    assert printed.startswith('entry {\n  name: "Summing.benchmark_sum"\n  iters: 3\n  wall_time: ')
    assert 'key: "note"\n    value {\n      string_value: "small"' in printed
    assert 'key: "size"\n    value {\n      double_value: 1' in printed


def test_benchmark_with_a_trace():
    with tf.Graph().as_default(), tf.Session() as session:
        drawn = tf.random_uniform([2])
        result = Summing().run_op_benchmark(session, drawn, min_iters=1, store_trace=True, name="traced")
    assert json.loads(result["extras"]["full_trace_chrome_format"])["traceEvents"]


def test_report_of_metrics(capsys):
    Summing().report_benchmark(name="other", cpu_time=0.5, metrics=[{"name": "loss", "value": 2, "max_value": 3}])
    assert capsys.readouterr().out == (
        'entry {\n  name: "Summing.other"\n  cpu_time: 0.5\n  metrics {\n    name: "loss"\n    value: 2\n'
        "    max_value {\n      value: 3\n    }\n  }\n}\n"
    )


@pytest.mark.parametrize("bad", [{"extras": [1]}, {"metrics": {}}, {"metrics": [{"name": "x"}]}])
def test_bad_reports(bad):
    with pytest.raises(TypeError):
        Summing().report_benchmark(name="bad", **bad)


def test_benchmarks_run_from_the_command_line(monkeypatch):
    assert not Summing.is_abstract() and tf.test.Benchmark.is_abstract()
    before = Summing.runs
    run_benchmarks("nothing like that")
    assert Summing.runs == before
    monkeypatch.setattr(sys, "argv", ["program", f"--benchmarks={__name__}.Summing.*sum"])
    tf.test.main()
    assert Summing.runs == before + 1


def test_evaluate_needs_a_session():
    with pytest.raises(ValueError, match="no default session"):
        Summing().evaluate([])


class Parent:
    """Something with attributes to replace."""

    value = 1

    @staticmethod
    def static():
        return "static"


class Child(Parent):
    """Inherits them."""


def test_replaced_attributes_come_back():
    module = types.ModuleType("module")
    module.name = "original"
    with tf.test.StubOutForTesting() as stubs:
        stubs.Set(module, "name", "first")
        stubs.Set(module, "name", "second")
        stubs.Set(Parent, "static", lambda: "replaced")
        assert module.name == "second" and Parent.static() == "replaced"
        stubs.UnsetAll()
        assert module.name == "original" and Parent().static() == "static"
        stubs.SmartSet(module, "name", "smart")
        assert module.name == "smart"
    assert module.name == "original"


def test_attributes_are_replaced_where_they_are_defined():
    stubs = tf.test.StubOutForTesting()
    stubs.SmartSet(Child(), "value", 5)
    assert Parent.value == 5 and "value" not in vars(Child)
    stubs.SmartSet(Child, "static", lambda: "replaced")
    stubs.CleanUp()
    assert Parent.value == 1 and Child().static() == "static"
    with pytest.raises(AttributeError):
        stubs.SmartSet(Child, "missing", 1)
