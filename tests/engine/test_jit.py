"""The JIT: what is compiled, what is not and why, and that results stay the same."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch

import reflow as tf
from reflow.engine.jit import compiled as compiled_module
from reflow.engine.jit import inductor
from reflow.engine.jit.obstacles import _objection, _tried
from reflow.engine.jit.segments import _MOST_NODES, _cut

needs_compiler = pytest.mark.skipif(not inductor.has_compiler(), reason="there is no C++ compiler")


@pytest.fixture
def uncompiled(monkeypatch):
    """Stands in for the compiler, which takes seconds: the function itself. Gives the list of what was compiled."""
    functions = []
    monkeypatch.setattr(inductor, "compile_function", lambda function, inputs: functions.append(function) or function)
    monkeypatch.setattr(compiled_module, "_functions", type(compiled_module._functions)())
    return functions


def _config(level=tf.OptimizerOptions.ON_1):
    config = tf.ConfigProto()
    config.graph_options.optimizer_options.global_jit_level = level
    return config


def _segments(session, fetches, feeds=()):
    return session.plan(fetches, list(feeds)).plan.jit.segments


def _types(segment):
    return [node.type for node in segment.nodes]


def _elementwise(x, count=4):
    for _ in range(count):
        x = tf.tanh(x) + 1.0
    return x


def test_a_global_level_compiles_what_it_can(uncompiled):
    x = tf.placeholder(tf.float32, [3, 2])
    y = _elementwise(x)
    with tf.Session(config=_config()) as session:
        session.run(y, {x: np.ones([3, 2])})
        (segment,) = _segments(session, y, [x])
    assert _types(segment) == ["Tanh", "AddV2"] * 4 or _types(segment) == ["Tanh", "Add"] * 4
    assert len(uncompiled) == 1


def test_what_a_library_does_as_fast_stays_with_it(uncompiled):
    x, w = (tf.placeholder(tf.float32, [64, 64]) for _ in range(2))
    product = tf.matmul(_elementwise(x), w)
    fetches = [_elementwise(product), product]
    with tf.Session(config=_config()) as session:
        session.run(fetches, {x: np.eye(64), w: np.eye(64)})
        segments = _segments(session, fetches, [x, w])
        assert session.plan(fetches, [x, w]).plan.jit.left_out == {"MatMul is as fast in a library": 1}
    assert [len(s.nodes) for s in segments] == [8, 8]
    # The same function twice.
    assert len(uncompiled) == 1


def test_inputs_of_other_strides_are_compiled_for(uncompiled):
    function = compiled_module.CompiledFunction(lambda a: [a + 1.0], on_gpu=False)
    a = torch.arange(6.0).reshape(2, 3)
    for value in (a, a.t(), a, a.t()):
        torch.testing.assert_close(function([value]), [value + 1.0])
    assert function.reason is None and len(uncompiled) == 2


@pytest.mark.parametrize("level", [tf.OptimizerOptions.DEFAULT, tf.OptimizerOptions.OFF])
def test_without_being_asked_nothing_is_compiled(level, uncompiled):
    y = _elementwise(tf.ones([2]) * tf.placeholder_with_default(1.0, []))
    with tf.Session(config=_config(level)) as session:
        session.run(y)
        assert session.plan(y).plan.jit is None
    assert not uncompiled


@pytest.mark.parametrize("setting, count", [("1", 1), ("0", 0)])
def test_the_environment_is_stronger_than_the_config(setting, count, uncompiled, monkeypatch):
    monkeypatch.setenv("REFLOW_JIT", setting)
    x = tf.placeholder(tf.float32, [2])
    y = _elementwise(x)
    with tf.Session(config=None if setting == "1" else _config()) as session:
        session.run(y, {x: [1.0, 2.0]})
    assert len(uncompiled) == count


def test_state_strings_randomness_and_unknown_shapes_run_by_themselves(uncompiled):
    x = tf.placeholder(tf.float32, [3])
    v = tf.Variable(tf.zeros([3]))
    noise = tf.random_uniform([3], seed=1)
    change = tf.assign_add(v, _elementwise(x * noise) + v)
    chosen = tf.boolean_mask(change, change > 0)
    text = tf.as_string(change), tf.exp(chosen)
    with tf.Session(config=_config()) as session:
        session.run(tf.global_variables_initializer())
        session.run(text, {x: [1.0, 2.0, 3.0]})
        jit = session.plan(text, [x]).plan.jit
    inside = {t for s in jit.segments for t in _types(s)}
    assert {"Tanh", "Mul"} <= inside
    assert not inside & {"RandomUniform", "AssignAdd", "_Read", "AsString", "Exp", "Where"}
    assert jit.left_out["RandomUniform has state or an effect"] == 1
    assert jit.left_out["Exp shapes are not known before the run"] == 1
    assert jit.left_out["AsString works on string"] == 1


def test_nodes_that_check_indices_or_divisors_run_by_themselves(uncompiled):
    x = tf.placeholder(tf.float32, [3])
    i = tf.placeholder(tf.int32, [2])
    y = _elementwise(tf.gather(x, i // 2))
    with tf.Session(config=_config()) as session:
        session.run(y, {x: [1.0, 2.0, 3.0], i: [0, 5]})
        (segment,) = _segments(session, y, [x, i])
        assert set(_types(segment)) == {"Tanh", "AddV2"} or set(_types(segment)) == {"Tanh", "Add"}
        with pytest.raises(tf.errors.InvalidArgumentError):
            session.run(y, {x: [1.0, 2.0, 3.0], i: [0, 8]})


@pytest.mark.parametrize("operation, reason", [
    (torch.ops.aten.bernoulli.p, "draws random numbers"),
    (torch.ops.aten.nonzero.default, "its shape depends on values"),
    (torch.ops.aten.index_select.default, "checks indices"), (torch.ops.aten.remainder.Tensor, "checks integers"),
    (torch.ops.aten.tanh.default, None),
])  # fmt: skip
def test_what_must_not_be_compiled(operation, reason):
    assert _objection(operation, (torch.ones(2, dtype=torch.int32),)) == reason


def test_what_torch_cannot_trace_runs_by_itself():
    """One such node in a segment would leave all of it uncompiled."""
    x = tf.placeholder(tf.float32, [2])
    plan = tf.Session().plan(tf.tanh(x), [x]).plan
    (value,), (node,) = plan.feeds, plan.nodes
    assert "cannot trace" in _tried(lambda a: [(a + 1).square_()], [value], node)
    assert _tried(lambda a: [(a + 1).relu_()], [value], node) is None


def test_clipping_by_the_global_norm_can_be_traced(uncompiled):
    xs = [tf.placeholder(tf.float32, [3]) for _ in range(5)]
    clipped, norm = tf.clip_by_global_norm(xs, 1.0)
    with tf.Session(config=_config()) as session:
        session.run([*clipped, norm], dict.fromkeys(xs, [1.0, 2.0, 3.0]))
        (segment,) = _segments(session, [*clipped, norm], xs)
        assert {"_HalfSquaresOfMany", "_ScaleMany"} <= set(_types(segment))


def test_random_numbers_and_updates_are_the_same(uncompiled):
    results = []
    for config in (None, _config()):
        with tf.Graph().as_default():
            tf.set_random_seed(3)
            v = tf.Variable(tf.random_normal([4]))
            step = tf.train.AdamOptimizer(0.1).minimize(tf.reduce_sum(tf.square(_elementwise(v))))
            with tf.Session(config=config) as session:
                session.run(tf.global_variables_initializer())
                for _ in range(3):
                    session.run(step)
                results.append(session.run([v, tf.random_uniform([3], seed=2)]))
    (plain, drawn), (compiled, drawn_with_jit) = results
    np.testing.assert_allclose(plain, compiled, rtol=1e-6)
    np.testing.assert_array_equal(drawn, drawn_with_jit)


def test_a_read_before_a_change_stays_before_it(uncompiled):
    v = tf.Variable([1.0, 2.0])
    before = _elementwise(v.read_value())
    with tf.control_dependencies([before]):
        change = tf.assign(v, [5.0, 6.0])
    with tf.control_dependencies([change]):
        after = _elementwise(v.read_value())
    expected = [np.array([1.0, 2.0]), np.array([5.0, 6.0])]
    with tf.Session(config=_config()) as session:
        session.run(v.initializer)
        results = session.run([before, after])
    for value, result in zip(expected, results, strict=True):
        for _ in range(4):
            value = np.tanh(value) + 1
        np.testing.assert_allclose(result, value, rtol=1e-6)


def test_branches_are_compiled_by_themselves(uncompiled):
    p = tf.placeholder(tf.bool, [])
    x = tf.placeholder(tf.float32, [2])
    y = tf.cond(p, lambda: _elementwise(x), lambda: _elementwise(-x, 5))
    with tf.Session(config=_config()) as session:
        for way in (True, False):
            value = np.array([1.0, 2.0]) * (1 if way else -1)
            for _ in range(4 if way else 5):
                value = np.tanh(value) + 1
            np.testing.assert_allclose(session.run(y, {p: way, x: [1.0, 2.0]}), value, rtol=1e-6)
        assert len(_segments(session, y, [p, x])) == 2


def test_each_device_has_its_segments(uncompiled):
    config = _config()
    config.device_count["CPU"] = 2
    x = tf.placeholder(tf.float32, [2])
    with tf.device("/cpu:1"):
        a = _elementwise(x)
    with tf.device("/cpu:0"):
        b = _elementwise(a)
    with tf.Session(config=config) as session:
        result = session.run(b, {x: [1.0, 2.0]})
        compiled = session.plan(b, [x])
    assert [s.nodes[0].device[-5:] for s in compiled.plan.jit.segments] == ["CPU:1", "CPU:0"]
    assert "segment_2" in compiled.source
    with tf.Session() as session:
        np.testing.assert_array_equal(session.run(_elementwise(_elementwise(x)), {x: [1.0, 2.0]}), result)


def test_equal_segments_share_a_function(uncompiled):
    x = tf.placeholder(tf.float32, [8, 8])
    w = tf.placeholder(tf.float32, [8, 8])
    y = x
    for _ in range(400):
        y = tf.tanh(tf.matmul(y, w))
    with tf.Session(config=_config()) as session:
        session.run(y, {x: np.eye(8), w: np.eye(8)})
        segments = _segments(session, y, [x, w])
    assert len(segments) > 2 and all(len(s.nodes) <= _MOST_NODES for s in segments)
    assert len({s._function for s in segments}) == 2  # All but the last have one length.


def test_long_runs_are_cut_where_least_crosses():
    x = tf.placeholder(tf.float32, [4])
    y = x
    for _ in range(30):
        y = tf.add_n([tf.sin(y), tf.cos(y), tf.exp(y)])
    nodes = tf.Session().plan(y, [x]).plan.nodes
    pieces = _cut(nodes)
    assert [n for p in pieces for n in p] == nodes
    assert all(piece[-1].type == "AddN" for piece in pieces)


# --- falling back -----------------------------------------------------------------------------------------------------


def _run_with(compiler, monkeypatch):
    """(result, reason) of a compiled step whose compiler is `compiler`."""
    monkeypatch.setattr(inductor, "compile_function", compiler)
    monkeypatch.setattr(compiled_module, "_functions", type(compiled_module._functions)())
    x = tf.placeholder(tf.float32, [2])
    y = _elementwise(x)
    with tf.Session(config=_config()) as session:
        results = [session.run(y, {x: [1.0, 2.0]}) for _ in range(2)]
        (segment,) = _segments(session, y, [x])
    np.testing.assert_array_equal(*results)
    value = np.array([1.0, 2.0])
    for _ in range(4):
        value = np.tanh(value) + 1
    np.testing.assert_allclose(results[0], value, rtol=1e-6)
    return segment.reason


def test_a_compiler_that_fails(monkeypatch):
    def failing(function, inputs):
        def run(*tensors):
            raise RuntimeError("no such luck\nand details")

        return run

    assert _run_with(failing, monkeypatch) == "RuntimeError: no such luck"


def test_a_compiler_that_is_wrong(monkeypatch):
    def wrong(function, inputs):
        return lambda *inputs: [result * 1.001 for result in function(*inputs)]

    assert "off" in _run_with(wrong, monkeypatch)


def test_a_compiler_that_changes_its_inputs(monkeypatch):
    def changing(function, inputs):
        return lambda *inputs: [*function(*inputs), *(value.add_(1) for value in inputs)][:1]

    assert "off" in _run_with(changing, monkeypatch)


def test_a_compiler_whose_results_share_memory(monkeypatch):
    """It may find that two values are the same; but what comes after them may overwrite one."""
    monkeypatch.setattr(compiled_module, "_functions", type(compiled_module._functions)())
    monkeypatch.setattr(inductor, "compile_function", lambda function, _: lambda *inputs: [function(*inputs)[0]] * 2)
    monkeypatch.setenv("REFLOW_DISABLE_PASSES", "all")
    x = tf.placeholder(tf.float32, [2])
    fetches = [_elementwise(x), _elementwise(x)]
    with tf.Session(config=_config()) as session:
        for _ in range(2):
            a, b = session.run(fetches, {x: [1.0, 2.0]})
            assert not np.shares_memory(a, b)
        (segment,) = _segments(session, fetches, [x])
    assert "share memory" in segment.reason


def test_nodes_that_overwrite_inputs_do_not_do_so_inside(uncompiled):
    x = tf.placeholder(tf.float32, [64, 8])
    y = tf.matmul(x, tf.ones([8, 64]))
    loss = tf.reduce_sum(tf.nn.relu(tf.tanh(y) * y + 1.0))
    fetches = [loss, *tf.gradients(loss, [x])]
    values = np.random.RandomState(0).randn(64, 8)
    with tf.Session() as session:
        expected = session.run(fetches, {x: values})
    with tf.Session(config=_config()) as session:
        for _ in range(2):
            for one, other in zip(session.run(fetches, {x: values}), expected, strict=True):
                np.testing.assert_allclose(one, other, rtol=1e-5)
        compiled = session.plan(fetches, [x])
    assert any(node.reuses for segment in compiled.plan.jit.segments for node in segment.nodes)
    assert all("_(" not in segment.source for segment in compiled.plan.jit.segments)


def test_threads_compile_one_after_the_other_and_once(monkeypatch):
    """torch's tracer patches what all threads see."""
    at_work, counts = [], []

    def compile_alone(function, inputs):
        at_work.append(function)
        time.sleep(0.02)
        counts.append(len(at_work))
        at_work.pop()
        return function

    monkeypatch.setattr(inductor, "compile_function", compile_alone)
    monkeypatch.setattr(compiled_module, "_functions", type(compiled_module._functions)())
    x = tf.placeholder(tf.float32, [2])
    fetches = [_elementwise(x), _elementwise(tf.sin(x)), _elementwise(tf.cos(x))]
    with tf.Session(config=_config()) as session, ThreadPoolExecutor(8) as pool:
        start = threading.Barrier(8)

        def work(number):
            start.wait()
            return session.run(fetches[number % 3], {x: [1.0, 2.0]})

        results = list(pool.map(work, range(8)))
        reasons = {s.reason for fetch in fetches for s in _segments(session, fetch, [x])}
    assert counts == [1, 1, 1] and reasons == {None}
    for result, other in zip(results, results[3:], strict=False):
        np.testing.assert_array_equal(result, other)


def test_a_variable_that_another_thread_changes_meanwhile(monkeypatch):
    """What is compared is what the compiled function took, not what became of it."""

    def compile_meanwhile(function, inputs):
        memory.fill_(9.0)
        return function

    monkeypatch.setattr(inductor, "compile_function", compile_meanwhile)
    memory = torch.ones(2)
    function = compiled_module.CompiledFunction(lambda a: [a + 1.0], on_gpu=False)
    torch.testing.assert_close(function([memory]), [torch.full([2], 2.0)])
    assert function.reason is None


def test_strides_of_dimensions_of_size_one_do_not_matter(monkeypatch):
    monkeypatch.setattr(inductor, "compile_function", lambda function, inputs: lambda a: [torch.ones(1, 4)])
    function = compiled_module.CompiledFunction(lambda a: [torch.ones(1, 8)[:, :4]], on_gpu=False)
    function([torch.ones(1)])
    assert function.reason is None


def test_no_compiler(monkeypatch):
    monkeypatch.setattr(inductor.shutil, "which", lambda name: None)
    assert _run_with(inductor.compile_function, monkeypatch) == "there is no C++ compiler"


def test_a_failing_kernel_is_named(uncompiled):
    x = tf.placeholder(tf.float32, [None])
    y = tf.placeholder(tf.float32, [None])
    z = _elementwise(tf.add(x, y, name="sum"))
    with tf.Session(config=_config()) as session:
        session.run(z, {x: [1.0], y: [2.0]})
        with pytest.raises(tf.errors.InvalidArgumentError, match="node sum"):
            session.run(z, {x: [1.0, 2.0], y: [1.0, 2.0, 3.0]})


# --- the real compiler ------------------------------------------------------------------------------------------------


@needs_compiler
@pytest.mark.slow
@pytest.mark.timeout(900)
def test_views_constants_and_changes_in_place():
    kept = torch.ones(3)

    def function(a, b):
        c = (a * kept).relu_()
        return [c.t(), b[1:] + c[0]]

    inputs = [torch.randn(2, 3), torch.randn(4, 3)]
    compiled = inductor.compile_function(function, inputs)
    for _ in range(2):
        for one, other in zip(compiled(*inputs), function(*inputs), strict=True):
            torch.testing.assert_close(one, other)
            assert one.stride() == other.stride()


@needs_compiler
@pytest.mark.slow
@pytest.mark.timeout(900)
def test_compiled_results_and_gradients():
    x = tf.placeholder(tf.float32, [5, 8])
    w = tf.placeholder(tf.float32, [8, 8])
    y = tf.reduce_max(tf.nn.softmax(tf.tanh(tf.matmul(x, w)) * 2.0 + tf.sigmoid(x)), axis=1)
    fetches = [y, *tf.gradients(tf.square(y), [x, w])]
    random = np.random.RandomState(0)
    feeds = {x: random.randn(5, 8), w: random.randn(8, 8)}
    with tf.Session() as session:
        expected = session.run(fetches, feeds)
    with tf.Session(config=_config()) as session:
        session.run(fetches, feeds)
        results = session.run(fetches, feeds)
        segments = _segments(session, fetches, [x, w])
    assert segments and all(s.reason is None and s._function._compiled for s in segments)
    for one, other in zip(expected, results, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-6)
