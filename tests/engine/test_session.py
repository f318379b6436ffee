"""Session: what may be fetched and fed, what comes back, and what goes wrong in which words."""

import collections
import threading

import numpy as np
import pytest

import reflow as tf


@pytest.fixture(autouse=True)
def graph():
    with tf.Graph().as_default() as graph:
        yield graph


def test_fetches_keep_their_structure():
    a, b = tf.constant(1.0), tf.constant([2, 3])
    pair = collections.namedtuple("pair", ["x", "y"])
    with tf.Session() as session:
        assert session.run(a) == np.float32(1)
        assert isinstance(session.run(a), np.float32)
        got = session.run({"k": [a, (b, a)], "p": pair(a, b)})
    assert list(got) == ["k", "p"] and isinstance(got["k"][1], tuple) and type(got["p"]) is pair
    np.testing.assert_array_equal(got["k"][1][0], [2, 3])


def test_fetch_by_name_variable_and_operation():
    v = tf.Variable([1.0, 2.0], name="v")
    tf.add(v, 1.0, name="next")
    with tf.Session() as session:
        assert session.run(v.initializer) is None
        np.testing.assert_array_equal(session.run("next:0"), [2, 3])
        np.testing.assert_array_equal(session.run(v), [1, 2])
        assert session.run("next") is None


@pytest.mark.parametrize("disabled", ["", "all"])
def test_waiting_for_a_placeholder_that_is_fed(disabled, monkeypatch):
    monkeypatch.setenv("REFLOW_DISABLE_PASSES", disabled)
    x = tf.placeholder(tf.float32, [])
    with tf.control_dependencies([x]):
        y = tf.assign_add(tf.Variable(1.0, name="v"), 1.0)
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        assert session.run(y, {x: 0.0}) == 2.0


def test_feeding_a_later_output_of_an_operation(monkeypatch):
    monkeypatch.setenv("REFLOW_VERIFY", "1")
    first, second = tf.split(tf.constant([1.0, 2.0]), 2)
    with tf.Session() as session:
        np.testing.assert_array_equal(session.run(second + first, {second: [5.0]}), [6.0])


def test_sparse_tensor_and_indexed_slices():
    sparse = tf.SparseTensor([[0, 1]], [5.0], [2, 2])
    slices = tf.IndexedSlices(tf.constant([[1.0]]), tf.constant([3]))
    with tf.Session() as session:
        value, rows = session.run([sparse, slices])
    assert isinstance(value, tf.SparseTensorValue) and value.values[0] == 5
    assert rows.dense_shape is None and rows.indices[0] == 3


def test_any_tensor_can_be_fed():
    x = tf.constant(1.0)
    y = x * 2.0
    with tf.Session() as session:
        assert session.run(y + 1.0, {y: 10.0}) == 11
        assert session.run(y, {"Const:0": 4}) == 8


def test_feeds_convert_and_check():
    x = tf.placeholder(tf.float32, [None, 2], name="x")
    with tf.Session() as session:
        np.testing.assert_array_equal(session.run(x, {x: [[1, 2]]}), [[1, 2]])
        with pytest.raises(ValueError, match=r"Cannot feed value of shape \(1, 3\) for Tensor 'x:0', which has shape"):
            session.run(x, {x: [[1, 2, 3]]})
        with pytest.raises(tf.errors.InvalidArgumentError, match="You must feed a value for placeholder") as info:
            session.run(x)
        assert info.value.op.name == "x" and __file__ in str(info.value)
        with pytest.raises(TypeError, match="cannot be a tf.Tensor"):
            session.run(x, {x: tf.constant([[1.0, 2.0]])})
        with pytest.raises(TypeError, match="Cannot interpret feed_dict key"):
            session.run(x, {"nothing:0": 1})


def test_integers_that_do_not_fit_are_refused():
    x = tf.placeholder(tf.int32)
    with tf.Session() as session, pytest.raises(TypeError, match="not compatible with Tensor type"):
        session.run(x, {x: 1 << 40})


def test_foreign_and_wrong_fetches():
    with tf.Graph().as_default():
        foreign = tf.constant(1)
    tf.constant(2)
    with tf.Session() as session:
        with pytest.raises(ValueError, match="is not an element of this graph"):
            session.run(foreign)
        with pytest.raises(TypeError, match="has invalid type <class 'NoneType'>"):
            session.run(None)
        with pytest.raises(TypeError, match="has invalid type <class 'float'>"):
            session.run(3.0)
        with pytest.raises(ValueError, match="refers to a Tensor which does not exist"):
            session.run("no:0")


def test_empty_graph_and_closed_session():
    with tf.Session() as session, pytest.raises(RuntimeError, match="The Session graph is empty"):
        session.run([])
    x = tf.constant(1)
    session = tf.Session()
    session.run(x)
    session.close()
    with pytest.raises(RuntimeError, match="closed Session"):
        session.run(x)
    with pytest.raises(tf.errors.CancelledError, match="Session has been closed"):
        session.list_devices()


def test_uninitialized_variable_names_itself_and_the_line():
    v = tf.Variable(1.0, name="weights")
    with tf.Session() as session, pytest.raises(tf.errors.FailedPreconditionError, match="value weights") as info:
        session.run(v + 1.0)
    assert __file__ in str(info.value)


def test_sessions_do_not_share_variables():
    v = tf.Variable(1.0)
    first, second = tf.Session(), tf.Session()
    first.run(v.initializer)
    first.run(v.assign(5.0))
    with pytest.raises(tf.errors.FailedPreconditionError):
        second.run(v)
    second.run(v.initializer)
    assert (first.run(v), second.run(v)) == (5, 1)


def test_results_belong_to_the_caller():
    v = tf.Variable([1.0, 2.0])
    c = tf.constant([3.0, 4.0])
    x = tf.placeholder(tf.float32, [2])
    view = tf.reshape(x, [2, 1])
    with tf.Session() as session:
        session.run(v.initializer)
        fed = np.array([7.0, 8.0], np.float32)
        results = session.run([v, c, x, view, tf.identity(v), tf.reshape(c, [1, 2])], {x: fed})
        for result in results:
            result[...] = -1
        np.testing.assert_array_equal(fed, [7, 8])
        np.testing.assert_array_equal(session.run(v), [1, 2])
        np.testing.assert_array_equal(session.run(c), [3, 4])
        twice = session.run([tf.exp(x), tf.reshape(tf.exp(x), [2, 1])], {x: fed})
        twice[0][...] = 0
        assert (twice[1] != 0).all()


def test_new_operations_after_a_run():
    x = tf.constant(1.0)
    with tf.Session() as session:
        assert session.run(x) == 1
        assert session.run(x + 1.0) == 2


def test_shapes_vary_from_run_to_run():
    x = tf.placeholder(tf.float32, [None, None])
    mean = tf.reduce_mean(x, 0)
    gradient = tf.gradients(mean, x)[0]
    with tf.Session() as session:
        for rows in range(1, 12):
            fed = np.ones((rows, 3), np.float32)
            got, slope = session.run([mean, gradient], {x: fed})
            np.testing.assert_allclose(got, np.ones(3))
            np.testing.assert_allclose(slope, fed / rows, rtol=1e-6)


def test_make_callable():
    x = tf.placeholder(tf.float32, [2])
    with tf.Session() as session:
        double = session.make_callable(x * 2.0, feed_list=[x])
        np.testing.assert_array_equal(double([1, 2]), [2, 4])
        with pytest.raises(TypeError, match="Expected 1 feed values"):
            double()


def test_default_sessions():
    x = tf.constant(4.0)
    with pytest.raises(ValueError, match="No default session is registered"):
        x.eval()
    with tf.Session() as session:
        assert x.eval() == 4 and tf.get_default_session() is session
    assert tf.get_default_session() is None
    interactive = tf.InteractiveSession()
    assert x.eval() == 4
    interactive.close()
    assert tf.get_default_session() is None


def test_sessions_of_other_graphs_evaluate_nothing():
    x, done = tf.constant(4.0), tf.no_op()
    with tf.Session(graph=tf.Graph()):
        with pytest.raises(ValueError, match="Pass an explicit session to `eval\\(session=sess\\)`"):
            x.eval()
        with pytest.raises(ValueError, match="Pass an explicit session to run\\(session=sess\\)"):
            done.run()


def test_a_session_is_entered_once_at_a_time():
    session = tf.Session()
    with session, pytest.raises(RuntimeError, match="Session context managers are not re-entrant"), session:
        pass
    assert tf.get_default_session() is None


def test_a_second_interactive_session_warns():
    first = tf.InteractiveSession()
    with pytest.warns(UserWarning, match="An interactive session is already active"):
        second = tf.InteractiveSession()
    assert tf.get_default_session() is second
    second.close()
    first.close()
    tf.InteractiveSession().close()


def test_there_are_no_servers():
    message = 'given session options: {target: "grpc://there" config: intra_op_parallelism_threads: 1}'
    config = tf.ConfigProto(intra_op_parallelism_threads=1)
    for make in (tf.Session, tf.InteractiveSession, lambda target, config: tf.Session.reset(target, None, config)):
        with pytest.raises(tf.errors.NotFoundError, match=message):
            make("grpc://there", config=config)
    assert tf.Session("").sess_str == b"" and tf.Session.reset("") is None


def test_kernel_errors_name_node_and_line():
    x = tf.placeholder(tf.float32, [None, None], name="x")
    y = tf.placeholder(tf.float32, [None, None], name="y")
    product = tf.matmul(x, y, name="product")
    with tf.Session() as session, pytest.raises(tf.errors.InvalidArgumentError) as info:
        session.run(product, {x: np.ones((2, 3)), y: np.ones((2, 3))})
    assert info.value.op is product.op and "product" in info.value.message and __file__ in str(info.value)
    assert "with input shapes: [2,3], [2,3]" in info.value.message


def test_one_session_from_many_threads():
    x = tf.placeholder(tf.float32, [None])
    total = tf.reduce_sum(x * 2.0)
    failures = []
    with tf.Session() as session:

        def work(seed):
            for i in range(50):
                n = 1 + (seed + i) % 9
                if session.run(total, {x: np.full(n, seed, np.float32)}) != 2 * n * seed:
                    failures.append((seed, i))

        threads = [threading.Thread(target=work, args=(s,)) for s in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert not failures


def test_plan_shows_the_function():
    x = tf.placeholder(tf.float32, [None, 2], name="x")
    y = tf.nn.relu(tf.matmul(x, tf.constant([[1.0], [2.0]])))
    with tf.Session() as session:
        source = session.plan(y).source
    assert source.startswith("def step(x):") and "torch.mm(x, Const)" in source


def test_numbers_too_small_to_be_normal_are_zero():
    x = tf.placeholder(tf.float32, [100000])
    with tf.Session() as session:
        product = session.run(x * 1e-10, {x: np.full(100000, 1e-30)})
    assert not product.any()
    assert np.float32(1e-30) * np.float32(1e-10) > 0  # and only inside a step
