"""GraphDef and MetaGraphDef: round trips, imports, and damaged input."""

import random
import time

import numpy as np
import pytest

import reflow as tf


def _program():
    with tf.Graph().as_default() as graph:
        x = tf.placeholder(tf.float32, [None, 3], name="x")
        w = tf.get_variable("w", [3, 2], initializer=tf.constant_initializer([[1, 2], [3, 4], [5, 6]]))
        with tf.name_scope("layer"), tf.device("/cpu:0"):
            y = tf.nn.relu(tf.matmul(x, w) - 4.0, name="y")
        with tf.control_dependencies([y]):
            tf.identity(tf.reduce_mean(y), name="average")
        tf.constant(["a", "bc"], name="text")
        tf.train.Saver()
    return graph


def test_round_trip_is_exact():
    graph_def = _program().as_graph_def()
    with tf.Graph().as_default() as copy:
        tf.import_graph_def(graph_def, name="")
    assert copy.as_graph_def() == graph_def


def test_an_imported_graph_computes_the_same():
    graph = _program()
    with tf.Graph().as_default():
        mean, init = tf.import_graph_def(graph.as_graph_def(), return_elements=["average:0", "w/Assign"])
        assert mean.name == "import/average:0"
        with tf.Session() as session:
            session.run(init)
            assert session.run(mean, {"import/x:0": [[1, 1, 1]]}) == pytest.approx((5 + 8) / 2)


def test_input_map():
    graph_def = _program().as_graph_def()
    with tf.Graph().as_default(), tf.Session() as session:
        mine = tf.constant([[1.0, 0.0, 0.0]])
        y, init = tf.import_graph_def(graph_def, {"x": mine}, ["layer/y:0", "w/Assign"], name="again")
        session.run(init)
        np.testing.assert_array_equal(session.run(y), [[0, 0]])
        with pytest.raises(ValueError, match="not found in graph_def"):
            tf.import_graph_def(graph_def, {"nobody:0": mine})


def _imported(rows, device=None):
    """The devices of imported nodes n0, n1, ...; a row is a device and a colocation label."""
    graph_def = tf.GraphDef()
    for i, (own, label) in enumerate(rows):
        node = graph_def.node.add(name=f"n{i}", op="NoOp", device=own)
        if label:
            node.attr["_class"].list.s.append(label)
    with tf.Graph().as_default() as graph, tf.device(device):
        tf.import_graph_def(graph_def, name="")
    return [op.device for op in graph.get_operations()]


def test_an_imported_node_keeps_its_device():
    rows = [("", b""), ("/cpu:0", b""), ("/job:w/device:CPU:1", b"")]
    assert _imported(rows) == ["", "/device:CPU:0", "/job:w/device:CPU:1"]
    assert _imported(rows, "/job:o/gpu:7") == ["/job:o/device:GPU:7", "/job:o/device:CPU:0", "/job:w/device:CPU:1"]
    seen = []
    assert _imported(rows, lambda op: seen.append(op.device) or "/cpu:5") == ["/cpu:5"] * 3
    assert seen == ["", "/device:CPU:0", "/job:w/device:CPU:1"]
    with pytest.raises(ValueError, match="Unknown attribute: 'bogus' in 'bogus'"):
        _imported([("bogus", b"")], "/cpu:0")


def test_an_imported_node_takes_the_device_of_what_it_stands_with():
    assert _imported([("/cpu:1", b"loc:@n1"), ("/cpu:0", b"")], "/gpu:2") == ["/device:CPU:0"] * 2
    assert _imported([("/cpu:1", b"loc:@n0"), ("/cpu:0", b"other")]) == ["/device:CPU:1", "/device:CPU:0"]
    with pytest.raises(ValueError, match="Node 'n0' expects to be colocated with unknown node 'nobody'"):
        _imported([("/cpu:1", b"loc:@nobody")])


def test_imports_that_cannot_work():
    graph_def = _program().as_graph_def()
    with tf.Graph().as_default():
        with pytest.raises(TypeError, match="must be a GraphDef proto"):
            tf.import_graph_def("nonsense")
        with pytest.raises(ValueError, match="not found"):
            tf.import_graph_def(graph_def, return_elements=["nobody"])
    broken = tf.GraphDef()
    broken.CopyFrom(graph_def)
    broken.node[0].op = "NoSuchOp"
    with tf.Graph().as_default(), pytest.raises(ValueError, match="No op named NoSuchOp"):
        tf.import_graph_def(broken)
    broken.CopyFrom(graph_def)
    del broken.node[0]
    with tf.Graph().as_default(), pytest.raises(ValueError, match="Unknown input node"):
        tf.import_graph_def(broken)


def test_nodes_may_stand_in_any_order():
    graph_def = _program().as_graph_def()
    shuffled = tf.GraphDef(versions=graph_def.versions)
    nodes = list(graph_def.node)
    random.Random(0).shuffle(nodes)
    shuffled.node.extend(nodes)
    with tf.Graph().as_default() as graph:
        tf.import_graph_def(shuffled, name="")
    assert sorted(n.name for n in graph.as_graph_def().node) == sorted(n.name for n in nodes)


def test_from_version_and_shapes():
    with tf.Graph().as_default() as graph:
        tf.constant(1, name="a")
        version = graph.version
        tf.constant([1, 2], name="b")
        part = graph.as_graph_def(from_version=version, add_shapes=True)
    assert [n.name for n in part.node] == ["b"]
    assert part.node[0].attr["_output_shapes"].list.shape[0].dim[0].size == 2


def test_write_graph(tmp_path):
    graph = _program()
    path = tf.train.write_graph(graph, str(tmp_path), "g.pb", as_text=False)
    with open(path, "rb") as file:
        assert tf.GraphDef.FromString(file.read()) == graph.as_graph_def()
    with open(tf.train.write_graph(graph, str(tmp_path), "g.txt")) as file:
        assert "MatMul" in file.read()


def test_meta_graph_keeps_the_collections(tmp_path):
    path = str(tmp_path / "m.meta")
    with tf.Graph().as_default():
        w = tf.get_variable("w", initializer=[1.0, 2.0])
        tf.add_to_collection("numbers", 3)
        tf.add_to_collection("outputs", w * 2.0)
        saver = tf.train.Saver()
        with tf.Session() as session:
            session.run(tf.global_variables_initializer())
            prefix = saver.save(session, str(tmp_path / "c"))
        tf.train.export_meta_graph(path, saver_def=saver.as_saver_def())
    with tf.Graph().as_default(), tf.Session() as session:
        saver = tf.train.import_meta_graph(path)
        saver.restore(session, prefix)
        assert tf.get_collection("numbers") == [3]
        (variable,) = tf.trainable_variables()
        assert variable.name == "w:0" and variable in tf.global_variables()
        np.testing.assert_array_equal(session.run(tf.get_collection("outputs")[0]), [2, 4])


@pytest.mark.parametrize("seed", range(30))
def test_damaged_graph_defs_fail_soon_and_clearly(seed):
    rng = random.Random(seed)
    content = bytearray(_program().as_graph_def().SerializeToString())
    for _ in range(rng.randint(1, 8)):
        content[rng.randrange(len(content))] = rng.randrange(256)
    content = bytes(content[: rng.randrange(len(content))] if seed % 3 == 0 else content)
    start = time.monotonic()
    try:
        graph_def = tf.GraphDef.FromString(content)
    except Exception as error:
        assert "pars" in str(error).lower() or "decod" in str(error).lower()
        return
    try:
        with tf.Graph().as_default():
            tf.import_graph_def(graph_def)
    except (ValueError, TypeError, KeyError, RuntimeError, tf.errors.OpError) as error:
        assert str(error)
    assert time.monotonic() - start < 30


_PEER_PROGRAM = """
graph_def = tf.GraphDef.FromString(open(sys.argv[1], "rb").read())
with tf.Graph().as_default() as graph, tf.Session() as session:
    mean, init = tf.import_graph_def(graph_def, return_elements=["average:0", "w/Assign"], name="")
    session.run(init)
    print(float(session.run(mean, {"x:0": np.ones((2, 3))})))
    open(sys.argv[2], "wb").write(graph.as_graph_def().SerializeToString())
"""


@pytest.mark.oracle
def test_tensorflow_loads_the_graph_and_we_load_it_back(peer, tmp_path):
    graph = _program()
    mine, theirs = tmp_path / "mine.pb", tmp_path / "theirs.pb"
    mine.write_bytes(graph.as_graph_def().SerializeToString())
    mean = peer(_PEER_PROGRAM, mine, theirs)
    with tf.Graph().as_default() as back, tf.Session() as session:
        tf.import_graph_def(tf.GraphDef.FromString(theirs.read_bytes()), name="")
        session.run("w/Assign")
        value = session.run("average:0", {"x:0": np.ones((2, 3))})
    assert mean == pytest.approx(float(value))
    assert [n.name for n in back.as_graph_def().node] == [n.name for n in graph.as_graph_def().node]


def test_order_of_control_inputs():
    """As they were given in the node's own NodeDef, by name in a GraphDef (as TensorFlow 1.15.5)."""
    with tf.Graph().as_default() as graph:
        before = [tf.no_op(name=name) for name in "zam"]
        with tf.control_dependencies(before):
            last = tf.no_op(name="last")
    assert list(last.node_def.input) == ["^z", "^a", "^m"]
    assert list(graph.as_graph_def().node[-1].input) == ["^a", "^m", "^z"]
