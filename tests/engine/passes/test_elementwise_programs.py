"""Elementwise ops that become programs: which ones, in how many, and that the numbers stay what they are."""

import numpy as np
import pytest

import reflow as tf
from reflow.engine import pipeline
from reflow.engine.plan import build_plan
from reflow.ops.native import programs
from tests.engine.passes.plans import PROGRAMS, compared, plan_of, random_feed, run, source_of, types

pytestmark = pytest.mark.skipif(programs.library() is None, reason="no C compiler")
PROGRAM_OPS = {"_Elementwise", "_ElementwiseMany"}


def _programs(plan):
    return [node for node in plan.nodes if node.type in PROGRAM_OPS]


def _cell(gates, c):
    i, j, f, o = tf.split(gates, 4, 1)
    c = c * tf.sigmoid(f + 1.0) + tf.sigmoid(i) * tf.tanh(j)
    return c, tf.tanh(c) * tf.sigmoid(o)


def test_a_cell_is_one_program():
    gates, c = tf.placeholder(tf.float32, [20, 800]), tf.placeholder(tf.float32, [20, 200])
    with_pass, without = compared(_cell(gates, c), random_feed(gates, c), PROGRAMS)
    assert types(with_pass) == ["Split", "_ElementwiseMany"]
    assert len(types(without)) > 8
    (node,) = _programs(with_pass)
    assert len(node.attrs["steps"]) == 10 and "elementwise([" in source_of(with_pass)
    assert any("10 elementwise ops in 1 program" in note for note in with_pass.notes)


def test_the_gradient_of_a_cell():
    gates, c = tf.placeholder(tf.float32, [3, 20]), tf.placeholder(tf.float32, [3, 5])
    h = _cell(gates, c)[1]
    with_pass, _ = compared([h, *tf.gradients(h * h, [gates, c])], random_feed(gates, c), PROGRAMS)
    assert set(types(with_pass)) <= PROGRAM_OPS | {"Split", "ConcatV2"}


UNARY = [tf.negative, tf.square, tf.abs, tf.exp, tf.sigmoid, tf.tanh, tf.nn.relu, tf.reciprocal]
OF_POSITIVE = [tf.sqrt, tf.rsqrt, tf.log]
BINARY = [tf.add, tf.subtract, tf.multiply, tf.divide, tf.maximum, tf.minimum, tf.squared_difference]


@pytest.mark.parametrize("shape", [[], [1], [7], [3, 300], [700, 3], [2, 3, 4, 5], [40000]])
def test_every_operation(shape):
    x, y = tf.placeholder(tf.float32, shape), tf.placeholder(tf.float32, shape)
    fetches = [f(x + y) for f in UNARY] + [f(tf.square(x) + 0.5) for f in OF_POSITIVE] + [f(x, y * y) for f in BINARY]
    fetches += tf.gradients([tf.sigmoid(x * y) + tf.tanh(x - y) + tf.nn.relu(x)], [x, y]) + [tf.add_n([x, y, x * y, y])]
    with_pass, _ = compared(fetches, random_feed(x, y), PROGRAMS, rtol=2e-6, atol=1e-6)
    assert set(types(with_pass)) <= PROGRAM_OPS | {"Sigmoid", "Tanh", "Relu", "Square"}


@pytest.mark.parametrize("shape, other", [
    ([6, 5], [5]), ([6, 5], [1, 5]), ([6, 5], []), ([6, 5], [1, 1]), ([2, 3, 4], [4]), ([2, 3, 4], [1, 1, 4]),
    ([9, 700], [700]), ([5], [1, 5]), ([1], [3]),
])  # fmt: skip
def test_rows_and_scalars(shape, other):
    x, y = tf.placeholder(tf.float32, shape), tf.placeholder(tf.float32, other)
    with_pass, _ = compared([tf.tanh(y - x * y) / 3.0, x + 1.0], random_feed(x, y), PROGRAMS)
    assert _programs(with_pass)


def test_columns_of_a_matrix_and_other_broadcasts_stay_outside():
    x, column, matrix = (tf.placeholder(tf.float32, s) for s in ([2, 3, 4], [2, 3, 1], [3, 4]))
    for other in column, matrix:
        with_pass, _ = compared([tf.tanh(tf.exp(x * other))], random_feed(x, other), PROGRAMS)
        assert types(with_pass) == ["Mul", "_Elementwise"]


@pytest.mark.parametrize("change", ["columns", "transposed", "every other row", "reversed"])
def test_views(change):
    """A program reads rows that are apart; other views go through PyTorch's functions."""
    x = tf.placeholder(tf.float32, [6, 6])
    view = {"columns": x[:, 1:4], "transposed": tf.transpose(x), "every other row": x[::2],
            "reversed": tf.reverse(x, [1])}[change]  # fmt: skip
    compared([tf.tanh(view * 2.0 + 1.0), view], random_feed(x), PROGRAMS)


def test_what_else_needs_a_value_gets_it():
    x = tf.placeholder(tf.float32, [4, 4])
    y = tf.exp(x)
    z = tf.tanh(y) * 2.0
    with_pass, _ = compared([z, tf.matmul(y, y), y], random_feed(x), PROGRAMS)
    assert [len(node.outputs) for node in _programs(with_pass)] == [2]


def test_no_way_leads_out_of_a_program_and_back():
    x = tf.placeholder(tf.float32, [4, 4])
    y = tf.exp(x) + 1.0
    z = tf.matmul(y, y)
    with_pass, _ = compared([tf.tanh(z * y) + y], random_feed(x), PROGRAMS)
    assert types(with_pass) == ["_Elementwise", "MatMul", "_Elementwise"]


def test_nodes_that_take_the_same_value():
    x, y, z = (tf.placeholder(tf.float32, [6, 4]) for _ in range(3))
    with_pass, _ = compared([x * y, x - z, tf.exp(z)], random_feed(x, y, z), PROGRAMS)
    assert types(with_pass) == ["_ElementwiseMany"]


def test_a_node_waits_for_the_program_that_takes_its_value():
    x, b = tf.placeholder(tf.float32, [6, 4]), tf.placeholder(tf.float32, [4])
    y = (x - b) * tf.reduce_max(x * x, 0)
    with_pass, _ = compared([y], random_feed(x, b), PROGRAMS)
    assert types(with_pass) == ["Mul", "Max", "_Elementwise"]


@pytest.mark.parametrize("dtype, shape", [(tf.float64, [4]), (tf.float16, [4]), (tf.int32, [4]), (tf.float32, [0, 3]),
                                          (tf.float32, [None])])  # fmt: skip
def test_other_types_no_elements_and_unknown_sizes_stay(dtype, shape):
    x = tf.placeholder(dtype, shape)
    assert not _programs(plan_of([(x + x) * x - x], [x], disabled=()))


def test_single_ops_and_ops_that_others_wait_for_stay():
    x = tf.placeholder(tf.float32, [4])
    assert types(plan_of([tf.exp(x)], [x], disabled=())) == ["Exp"]
    y = tf.exp(x)
    plan = plan_of([tf.tanh(y) + 1.0], [x], disabled=(), targets=[y.op])
    assert types(plan) == ["Exp", "_Elementwise"]


def test_long_chains_are_cut():
    x = tf.placeholder(tf.float32, [3])
    y = x
    for _ in range(200):
        y = tf.tanh(y) + x
    with_pass, _ = compared([y], random_feed(x), PROGRAMS)
    assert 400 / 64 < len(_programs(with_pass)) <= 16
    assert all(len(node.attrs["steps"]) <= 64 for node in _programs(with_pass))


def test_programs_of_many_inputs_are_cut():
    xs = [tf.placeholder(tf.float32, [3]) for _ in range(60)]
    total = xs[0]
    for x in xs[1:]:
        total = total * x + x
    with_pass, _ = compared([total], random_feed(*xs), PROGRAMS)
    assert len(_programs(with_pass)) >= 3


def test_a_dying_input_is_overwritten():
    x = tf.placeholder(tf.float32, [50, 50])
    plan = plan_of([tf.tanh(tf.matmul(x, x) * 2.0 + x)], [x], disabled=())
    assert [node.reuses for node in _programs(plan)] == [(0,)] and "out=MatMul)" in source_of(plan)
    feed = random_feed(x)
    expected = np.tanh(feed[x] @ feed[x] * 2 + feed[x])
    np.testing.assert_allclose(run(plan, feed)[0], expected, rtol=1e-4, atol=1e-5)


def test_a_fed_array_is_not_overwritten():
    x = tf.placeholder(tf.float32, [50])
    fed = np.ones(50, np.float32)
    with tf.Session() as session:
        session.run(tf.tanh(x + 1.0) * 2.0, {x: fed})
    assert (fed == 1).all()


def test_nan_and_infinity():
    x = tf.placeholder(tf.float32, [5])
    with np.errstate(all="ignore"):
        feed = {x: np.array([np.nan, np.inf, -np.inf, 0, -0.0], np.float32)}
        y = x * 1.5
        functions = tf.nn.relu, tf.tanh, tf.sigmoid, tf.exp, tf.log, tf.sqrt
        fetches = [*(f(y) for f in functions), tf.maximum(y, 0.0), 1 / y]
        compared(fetches, feed, PROGRAMS)


def test_branches_and_devices_have_programs_of_their_own():
    x, way = tf.placeholder(tf.float32, [4]), tf.placeholder(tf.bool, [])
    y = tf.cond(way, lambda: tf.exp(x + 1.0), lambda: tf.tanh(x - 1.0) * 2.0)
    with tf.device("/cpu:1"):
        z = tf.exp(y + 1.0)
    config = tf.ConfigProto(device_count={"CPU": 2})
    fed = np.arange(4, dtype=np.float32) / 4
    with tf.Session(config=config) as session:
        for taken, inner in ((True, np.exp(fed + 1)), (False, np.tanh(fed - 1) * 2)):
            got = session.run(z * 2.0 + 1.0, {x: fed, way: taken})
            np.testing.assert_allclose(got, np.exp(inner + 1) * 2 + 1, rtol=1e-5)


def test_reads_of_variables_keep_their_values():
    v = tf.Variable([1.0, 2.0])
    before = tf.exp(v) * 2.0
    with tf.control_dependencies([before]):
        change = tf.assign_add(v, [1.0, 1.0])
    after = tf.exp(change) * 2.0 + before
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        got = session.run([before, after])
    np.testing.assert_allclose(got[0], 2 * np.exp([1, 2]), rtol=1e-6)
    np.testing.assert_allclose(got[1], 2 * np.exp([2, 3]) + got[0], rtol=1e-6)


def test_values_that_can_be_computed_again_stay_single():
    x = tf.placeholder(tf.float32, [8])
    plan = build_plan([tf.exp(x + 1.0) * 2.0], [], [x])
    assert not _programs(pipeline.optimize(plan, pipeline.Options(recompute=True)))


def test_nodes_that_nobody_takes_make_no_program():
    x = tf.placeholder(tf.float32, [3, 4])
    with tf.control_dependencies([tf.tanh(x) * 2.0]):
        y = tf.sin(x)
    assert types(plan_of([y], [x], disabled=())) == ["Sin"]


def test_a_constant_that_waits_for_a_program_is_no_part_of_it():
    x = tf.placeholder(tf.float32, [3, 4])
    a = tf.tanh(x) * 2.0
    with tf.control_dependencies([tf.assign(tf.Variable(tf.zeros([3, 4])), a)]):
        ones = tf.constant(1.0, shape=[3, 4])
    plan = plan_of([tf.sigmoid(a + ones)], [x], disabled=())
    assert len(_programs(plan)) == 2
