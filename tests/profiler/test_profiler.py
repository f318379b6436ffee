"""`tf.profiler` against reports and messages recorded from TensorFlow 1.15.5, and with the statistics of runs."""

import gzip
import json
import pathlib
import re

import numpy as np
import pytest
from tensorboard.compat.proto import tfprof_log_pb2

import reflow as tf
from reflow.graph.statistics import OpStats, RegisterStatistics, get_stats_for_node_def
from tests.goldens import profiler_cases

_GOLDEN = pathlib.Path(__file__).parents[1] / "goldens" / "profiler.json.gz"
Builder = tf.profiler.ProfileOptionBuilder


@pytest.fixture(scope="module")
def ours():
    return profiler_cases.profiles(tf)


@pytest.fixture(scope="module")
def theirs():
    return json.loads(gzip.decompress(_GOLDEN.read_bytes()))


def _without_order(rows):
    """The rows sorted, without what depends on their order: TensorFlow sorts rows of equal numbers at random."""
    return sorted(re.sub(r"\([0-9.]+%, ", "(", row) for row in rows)


@pytest.mark.parametrize("name", [name for name, _, _ in profiler_cases.cases(Builder)])
def test_reports_and_messages_are_tensorflows(name, ours, theirs):
    if name in ("flops by scope", "flops by type"):
        assert _without_order(ours[name][0]) == _without_order(theirs[name][0])
        return
    assert ours[name][0] == theirs[name][0]
    kind = tf.profiler.MultiGraphNodeProto if name in ("three types", "seldom") else None
    kind = kind or tf.profiler.GraphNodeProto
    assert kind.FromString(bytes.fromhex(ours[name][1])) == kind.FromString(bytes.fromhex(theirs[name][1]))


# --- with the statistics of runs --------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def run():
    """(graph, RunMetadata) of a product with an unknown batch size."""
    with tf.Graph().as_default() as graph:
        x = tf.placeholder(tf.float32, [None, 30], name="x")
        with tf.variable_scope("top"):
            y = tf.matmul(tf.exp(x), tf.get_variable("w", [30, 40], initializer=tf.ones_initializer()), name="product")
        meta = tf.RunMetadata()
        with tf.Session() as session:
            session.run(tf.global_variables_initializer())
            session.run(y, {x: np.ones([200, 30])}, tf.RunOptions(trace_level=tf.RunOptions.FULL_TRACE), meta)
    return graph, meta


def _silent(options, **changes):
    return Builder({**options, **changes}).with_empty_output().build()


def _row(message, name):
    return next(child for child in message.children if child.name == name)


def test_time_and_memory_of_scopes(run):
    graph, meta = run
    options = _silent(Builder.time_and_memory(min_micros=0, min_bytes=0))
    root = tf.profiler.profile(graph, meta, cmd="scope", options=options)
    product = _row(_row(root, "top"), "top/product")
    assert product.requested_bytes == product.output_bytes == product.peak_bytes == 200 * 40 * 4
    assert product.exec_micros == product.cpu_exec_micros > 0 and product.run_count == 1
    assert list(product.devices) == ["/job:localhost/replica:0/task:0/device:cpu:0"]
    assert root.total_exec_micros >= _row(_row(root, "top"), "top/Exp").exec_micros + product.exec_micros


def test_shapes_of_a_run_complete_the_graphs(run):
    graph, meta = run
    options = _silent(Builder.float_operation())
    root = tf.profiler.profile(graph, meta, cmd="op", options=options)
    assert root.children[0].name == "MatMul" and root.children[0].float_ops == 2 * 200 * 30 * 40


def test_a_profiler_averages_over_steps(run):
    graph, meta = run
    slower = tf.RunMetadata.FromString(meta.SerializeToString())
    for stats in slower.step_stats.dev_stats[0].node_stats:
        stats.all_end_rel_micros = 3 * stats.all_end_rel_micros
    profiler = tf.profiler.Profiler(graph)
    profiler.add_step(1, meta)
    profiler.add_step(2, slower)

    def micros(step):
        options = _silent(Builder.time_and_memory(), step=step)
        root = profiler.profile_operations(options)
        while root.name != "MatMul":
            root = root.children[0]
        return root.exec_micros

    assert micros(2) == 3 * micros(1) and micros(-1) == 2 * micros(1)
    profile = tfprof_log_pb2.ProfileProto.FromString(profiler.serialize_to_string())
    assert list(profile.steps) == [1, 2] and profile.has_trace
    (product,) = [node for node in profile.nodes.values() if node.name == "top/product"]
    assert profile.nodes[product.inputs[0]].op == "Exp" and sorted(product.execs) == [1, 2]


def test_lines_of_python(run):
    graph, meta = run
    options = _silent(Builder.time_and_memory(), show_name_regexes=[r"test_profiler\.py:\d+:run"], min_micros=0,
                      min_bytes=0)  # fmt: skip
    root = tf.profiler.profile(graph, meta, cmd="code", options=options)
    assert any(child.total_requested_bytes >= 200 * 70 * 4 for child in root.children)


def test_a_long_chain_by_data_flow():
    with tf.Graph().as_default():
        x = tf.ones([2])
        for _ in range(3000):
            x = tf.negative(x)
        root = tf.profiler.profile(cmd="graph", options=_silent(Builder.float_operation()))
    assert root.total_float_ops == 6000


def test_advice(run, capsys):
    graph, meta = run
    advice = tf.profiler.advise(graph, meta)
    reports = advice.checkers["ExpensiveOperationChecker"].reports
    assert "top 1 operation type: " in reports[0] and "top 1 graph node: " in reports[1]
    assert "test_profiler.py" in reports[2]
    assert set(advice.checkers) == {"ExpensiveOperationChecker", "AcceleratorUtilizationChecker", "OperationChecker"}
    assert "ExpensiveOperationChecker:" in capsys.readouterr().out


def test_outputs(run, tmp_path, capsys):
    graph, meta = run
    tf.profiler.profile(graph, meta)
    printed = capsys.readouterr().out
    assert "-account_type_regexes       _trainable_variables\n" in printed
    assert "_TFProfRoot (--/1.20k params)\n  top (--/1.20k params)\n    top/w (30x40, 1.20k/1.20k params)\n" in printed
    for cmd, step in (("scope", -1), ("graph", 0)):
        options = Builder(Builder.time_and_memory()).with_timeline_output(str(tmp_path / cmd)).build()
        tf.profiler.profile(graph, meta, cmd=cmd, options=options)
        events = json.loads((tmp_path / f"{cmd}_{step}").read_text())["traceEvents"]
        assert any(event.get("args", {}).get("name") == "top/product" for event in events)
    tf.profiler.profile(graph, meta, cmd="op", options=options)
    assert {path.name for path in tmp_path.iterdir()} == {"scope_-1", "graph_0"}
    with pytest.raises(tf.errors.UnimplementedError, match="pprof"):
        tf.profiler.profile(graph, options=Builder().with_pprof_output("x").build())
    with pytest.raises(tf.errors.InvalidArgumentError, match="unknown cmd: lines"):
        tf.profiler.profile(graph, cmd="lines")


def test_each_step_has_a_timeline(run, tmp_path):
    graph, meta = run
    profiler = tf.profiler.Profiler(graph)
    for step in (3, 7):
        profiler.add_step(step, meta)
    builder = Builder(Builder.time_and_memory()).with_timeline_output(str(tmp_path / "trace"))
    profiler.profile_graph(builder.with_step(7).build())
    assert {path.name for path in tmp_path.iterdir()} == {"trace_7"}
    profiler.profile_graph(builder.with_step(-1).build())
    assert {path.name for path in tmp_path.iterdir()} == {"trace_3", "trace_7"}


def test_op_logs_are_written_and_read(run, tmp_path):
    graph, meta = run
    op_log = tf.profiler.OpLogProto()
    op_log.log_entries.add(name="top/product", types=["mine"])
    tf.profiler.write_op_log(graph, str(tmp_path), op_log, meta)
    written = tf.profiler.OpLogProto.FromString((tmp_path / "tfprof_log").read_bytes())
    entries = {entry.name: entry for entry in written.log_entries}
    assert list(entries["top/product"].types) == ["mine"] and entries["top/product"].float_ops == 2 * 200 * 30 * 40
    assert list(entries["top/w"].types) == ["_trainable_variables"]
    files = {written.id_to_string[t.file_id] for t in entries["top/Exp"].code_def.traces}
    assert __file__ in files
    options = _silent(Builder.float_operation(), account_type_regexes=["mine"])
    root = tf.profiler.profile(graph, meta, op_log, "op", options)
    assert root.total_float_ops == 2 * 200 * 30 * 40


def test_registered_statistics():
    RegisterStatistics("Tanh", "letters")(lambda graph, node: OpStats("letters", len(node.op)))
    with pytest.raises(KeyError, match="Tanh,letters"):
        RegisterStatistics("Tanh", "letters")(len)
    with pytest.raises(TypeError, match="comma"):
        RegisterStatistics("a,b", "letters")
    with tf.Graph().as_default() as graph:
        y = tf.tanh(tf.ones([2]))
        total = OpStats("letters")
        total += get_stats_for_node_def(graph, y.op.node_def, "letters")
        total += get_stats_for_node_def(graph, y.op.inputs[0].op.node_def, "letters")
        assert total.value == 4
        with pytest.raises(ValueError, match="letters"):
            total += OpStats("flops", 3)


def _rows(row):
    yield row
    for child in row.children:
        yield from _rows(child)


def test_scopes_of_what_took_time_are_shown(run):
    """As in TensorFlow, the least time and memory are those of all in a scope: it takes none itself."""
    graph, meta = run
    root = tf.profiler.profile(graph, meta, cmd="scope", options=_silent(Builder.time_and_memory()))
    (top,) = [row for row in root.children if row.name == "top"]
    assert top.requested_bytes == 0 < top.total_requested_bytes
    assert "top/product" in [row.name for row in top.children]


@pytest.mark.parametrize("own", [True, False])
def test_the_least_of_op_types_counts_those_below(own):
    """TensorFlow's rows of a program with 24000 operations in products, and 1310, 750, 560 and 82 in others."""
    with tf.Graph().as_default() as graph:
        x = tf.placeholder(tf.float32, [10, 30])
        tf.reduce_sum(tf.square(tf.matmul(x, tf.ones([30, 2])))) * 2.0
    options = _silent(Builder.float_operation(), min_float_ops=30, account_displayed_op_only=own)
    root = tf.profiler.profile(graph, cmd="op", options=options)
    # 1200, 20 and 19, and 1: the last two rows make 20 together.
    assert [row.name for row in _rows(root)][1:] == ["MatMul", "Square"]
    assert [row.total_float_ops for row in _rows(root)][1:] == ([1220, 20] if own else [1240, 40])


def test_transfers_are_no_work_and_nodes_of_passes_have_types():
    meta = tf.RunMetadata()
    with tf.Graph().as_default() as graph:
        with tf.device("/cpu:1"):
            w = tf.Variable(tf.ones([30, 40]), name="w")
        x = tf.placeholder(tf.float32, [200, 30])
        with tf.device("/cpu:0"):
            y = tf.matmul(tf.exp(x), w)
        with tf.Session(config=tf.ConfigProto(device_count={"CPU": 2})) as session:
            session.run(w.initializer)
            session.run(y, {x: np.ones([200, 30])}, tf.RunOptions(trace_level=tf.RunOptions.FULL_TRACE), meta)
    assert any(n.node_name.endswith("recv") for d in meta.step_stats.dev_stats for n in d.node_stats)
    options = _silent(Builder.time_and_memory(min_micros=0, min_bytes=0))
    names = {row.name for row in _rows(tf.profiler.profile(graph, meta, cmd="op", options=options))}
    assert {"MatMul", "Exp", "_Read"} <= names and not any("/" in name or "ecv" in name for name in names)
