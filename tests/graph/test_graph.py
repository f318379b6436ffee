"""Graphs: names, scopes, control dependencies, devices, collections, lookups, finalization."""

import pytest

import reflow as tf
from reflow.graph.operation import _PACKAGE


@pytest.fixture(autouse=True)
def graph():
    with tf.Graph().as_default() as graph:
        yield graph


def test_names_are_unique_whatever_their_case():
    names = [tf.constant(0, name=n).op.name for n in ("a", "a", "A", "a_1", "b/c", "b/c")]
    assert names == ["a", "a_1", "A_2", "a_1_1", "b/c", "b/c_1"]


def test_name_scopes_nest_and_reopen():
    with tf.name_scope("outer") as outer:
        assert outer == "outer/"
        with tf.name_scope("inner"):
            assert tf.constant(0, name="x").op.name == "outer/inner/x"
        with tf.name_scope("inner"):
            assert tf.constant(0, name="x").op.name == "outer/inner_1/x"
    with tf.name_scope(outer):
        assert tf.constant(0, name="y").op.name == "outer/y"
    with tf.name_scope("outer"):
        assert tf.constant(0, name="y").op.name == "outer_1/y"
    with tf.name_scope("outer"), tf.name_scope(None):
        assert tf.constant(0, name="z").op.name == "z"


def test_bad_names():
    with pytest.raises(ValueError, match="not a valid scope name"), tf.name_scope("a b"):
        pass
    with pytest.raises(ValueError, match="not a valid node name"):
        tf.identity(tf.constant(1), name="no spaces")


def test_unique_name(graph):
    assert graph.unique_name("n", mark_as_used=False) == "n"
    assert [graph.unique_name("n") for _ in range(3)] == ["n", "n_1", "n_2"]


def test_control_dependencies():
    a, b = tf.constant(1, name="a"), tf.constant(2, name="b")
    with tf.control_dependencies([a]):
        with tf.control_dependencies([b]):
            c = tf.constant(3)
            d = c + 1
        e = tf.constant(4)
        with tf.control_dependencies(None):
            f = tf.constant(5)
    assert c.op.control_inputs == [a.op, b.op]
    assert d.op.control_inputs == []  # c waits already
    assert e.op.control_inputs == [a.op] and f.op.control_inputs == []
    with tf.control_dependencies([tf.IndexedSlices(a, b), a]):
        assert tf.no_op().control_inputs == [a.op]
    with pytest.raises(TypeError), tf.control_dependencies([tf.SparseTensor([[0]], [1.0], [1])]):
        pass
    with pytest.raises(TypeError), tf.control_dependencies([3]):
        pass


def test_an_input_is_no_control_input():
    a = tf.constant(1)
    with tf.control_dependencies([a]):
        assert tf.identity(a).op.control_inputs == []


def test_devices():
    with tf.device("/gpu:0"):
        a = tf.constant(1)
        with tf.device("/job:worker/task:3"):
            b = tf.constant(1)
        with tf.device("/cpu:0"):
            c = tf.constant(1)
        with tf.device(None):
            d = tf.constant(1)
    with tf.device(lambda op: "/cpu:1" if op.type == "Const" else ""):
        e = tf.constant(1)
    assert [t.device for t in (a, b, c, d, e)] == [
        "/device:GPU:0", "/job:worker/task:3/device:GPU:0", "/device:CPU:0", "", "/cpu:1"]  # fmt: skip


@pytest.mark.parametrize(("device", "written"), [
    ("/cpu:0", "/cpu:0"), (b"/gpu:0", "/gpu:0"), (tf.DeviceSpec(device_type="cpu"), "/device:CPU:*")])  # fmt: skip
def test_what_a_device_function_gives_stays_as_it_is_written(device, written):
    with tf.device(lambda op: device):
        assert tf.constant(1).device == written
    operation = tf.no_op()
    operation._set_device(device)
    assert operation.device == written


@pytest.mark.parametrize("device", [None, 3])
def test_a_device_function_has_to_give_a_device(device):
    with tf.device(lambda op: device), pytest.raises(TypeError, match=f"binary or unicode string, got {device}"):
        tf.constant(1)


def test_colocation_with_what_is_no_operation_yet():
    with tf.colocate_with(3.0):
        assert tf.no_op().colocation_groups() == [b"loc:@Const"]


def test_colocation():
    with tf.device("/cpu:0"):
        a = tf.constant(1, name="a")
    with tf.colocate_with(a):
        b = tf.constant(2)
        with tf.colocate_with(None, ignore_existing=True):
            c = tf.constant(3)
    assert b.op.colocation_groups() == [b"loc:@a"] and b.device == "/device:CPU:0"
    assert c.device == "" and b"loc:@a" not in c.op.colocation_groups()


def test_collections(graph):
    tf.add_to_collection("things", 1)
    tf.add_to_collections(["things", "more"], 2)
    assert tf.get_collection("things") == [1, 2] and tf.get_collection("none") == []
    tf.get_collection("things").append(3)
    tf.get_collection_ref("more").append(4)
    assert tf.get_collection("things") == [1, 2] and tf.get_collection("more") == [2, 4]
    with tf.name_scope("s"):
        x = tf.constant(1, name="x")
    tf.add_to_collection("tensors", x)
    tf.add_to_collection("tensors", tf.constant(2))
    assert tf.get_collection("tensors", scope="s/") == [x]
    graph.clear_collection("things")
    assert tf.get_collection("things") == []


def test_lookups(graph):
    x = tf.constant(1, name="x")
    assert graph.get_tensor_by_name("x:0") is x and graph.get_operation_by_name("x") is x.op
    assert graph.as_graph_element("x:0") is x
    for name, error in [("x", ValueError), ("x:1", KeyError), ("y:0", KeyError), (":0", ValueError)]:
        with pytest.raises(error):
            graph.get_tensor_by_name(name)
    with pytest.raises(KeyError, match="not in the graph"):
        graph.get_operation_by_name("y")
    with pytest.raises(TypeError):
        graph.as_graph_element(3)
    with tf.Graph().as_default(), pytest.raises(ValueError, match="not an element of this graph"):
        tf.get_default_graph().as_graph_element(x)


def test_finalized_graphs_are_closed(graph):
    x = tf.constant(1)
    graph.finalize()
    with pytest.raises(RuntimeError, match="Graph is finalized and cannot be modified"):
        tf.identity(x)
    with pytest.raises(RuntimeError, match="finalized"):
        tf.add_to_collection("c", 1)
    with tf.Session() as session:
        assert session.run(x) == 1


def test_tensors_of_two_graphs_do_not_mix():
    x = tf.constant(1.0)
    with tf.Graph().as_default():
        y = tf.constant(2.0)
    with pytest.raises(ValueError, match="must be from the same graph"):
        tf.add(x, y)


def test_operations_join_the_graph_of_their_inputs(graph):
    x = tf.constant(1.0)
    with tf.Graph().as_default():
        assert tf.add(x, 1.0).graph is graph


def test_default_graphs():
    inner = tf.Graph()
    with inner.as_default():
        assert tf.get_default_graph() is inner
        with pytest.raises(AssertionError, match="nested graphs"):
            tf.reset_default_graph()
    assert tf.get_default_graph() is not inner


def test_tensors_say_what_they_are():
    x = tf.placeholder(tf.float32, [None, 3], name="x")
    assert str(x) == 'Tensor("x:0", shape=(?, 3), dtype=float32)'
    assert repr(x) == "<tf.Tensor 'x:0' shape=(?, 3) dtype=float32>"
    assert x.op.type == "Placeholder" and x.consumers() == []
    y = tf.exp(x)
    assert x.consumers() == [y.op] and y.op.inputs[0] is x
    for misuse in (lambda: bool(x), lambda: len(x), lambda: list(x)):
        with pytest.raises(TypeError):
            misuse()


def test_set_shape():
    x = tf.placeholder(tf.float32)
    x.set_shape([None, 3])
    x.set_shape([5, None])
    assert x.shape.as_list() == [5, 3]
    with pytest.raises(ValueError, match="Dimension 0 in both shapes must be equal, but are 5 and 4"):
        x.set_shape([4, 3])


def test_operations_know_the_users_line():
    x = tf.constant(1)
    filename, line, function, source = x.op.traceback[-1]
    assert (filename, function, source) == (__file__, "test_operations_know_the_users_line", "x = tf.constant(1)")
    assert line > 0 and not any(row[0].startswith(_PACKAGE) for row in x.op.traceback)


def test_shapes_that_do_not_fit_are_reported_with_both():
    a, b = tf.placeholder(tf.float32, [2, 3]), tf.placeholder(tf.float32, [4, 5])
    with pytest.raises(ValueError, match=r"Dimensions must be equal, but are 3 and 4 for 'm' \(op: 'MatMul'\) with "
                                         r"input shapes: \[2,3\], \[4,5\]"):  # fmt: skip
        tf.matmul(a, b, name="m")


def test_types_that_do_not_fit_are_reported_with_both():
    a, b = tf.constant(1.0), tf.constant(1)
    with pytest.raises(TypeError, match="Input 'y' of 'Add' Op has type int32 that does not match type float32 of "
                                        "argument 'x'"):  # fmt: skip
        tf.add(a, b)
    with pytest.raises(TypeError, match="DataType string not in list of allowed values"):
        tf.matmul([["a"]], [["b"]])


def test_gradient_override_map(graph):
    @tf.RegisterGradient("test_graph.Double")
    def double(op, grad):
        return 2.0 * grad

    x = tf.constant(3.0)
    with graph.gradient_override_map({"Identity": "test_graph.Double"}):
        y = tf.identity(x)
    with tf.Session() as session:
        assert session.run(tf.gradients(y, x)[0]) == 2


def test_create_op(graph):
    x = tf.constant([1.0, 2.0])
    operation = graph.create_op("Neg", [x], [tf.float32], name="by_hand", attrs={"T": tf.AttrValue(type=1)})
    with tf.Session() as session:
        assert list(session.run(operation.outputs[0])) == [-1, -2]
    assert operation.get_attr("T") is tf.float32
    with pytest.raises(ValueError, match="no attr named"):
        operation.get_attr("nothing")
