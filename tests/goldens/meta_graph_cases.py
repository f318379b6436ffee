"""MetaGraphDefs that are recorded from TensorFlow 1.15.5 and compared with Reflow's. Python 3.7 and 3.11 run this.

Each case takes a TensorFlow, in an empty default graph, and returns a MetaGraphDef or a list of texts.
"""

cases = {}


def case(function):
    cases[function.__name__] = function
    return function


def _layers(tf):
    x = tf.placeholder(tf.float32, [None, 3], name="x")
    with tf.variable_scope("first"):
        w = tf.get_variable("w", [3, 4], regularizer=lambda v: tf.reduce_sum(v))
        hidden = tf.matmul(x, w, name="hidden")
    with tf.variable_scope("second"), tf.device("/cpu:0"):
        v = tf.get_variable("v", [4, 2], use_resource=True)
        with tf.control_dependencies([hidden]):
            out = tf.identity(tf.matmul(hidden, v) * 2.0, name="out")
    tf.add_to_collection("outputs", out)
    tf.add_to_collection("outputs", hidden)
    tf.add_to_collection("numbers", 3)
    tf.add_to_collection("numbers", 4)
    tf.add_to_collection("rates", 0.5)
    tf.add_to_collection("words", "one")
    return out


@case
def whole(tf):
    _layers(tf)
    return tf.train.export_meta_graph()


@case
def with_saver(tf):
    _layers(tf)
    saver = tf.train.Saver()
    tf.add_to_collection(tf.GraphKeys.SAVERS, saver)
    return saver.export_meta_graph()


@case
def without_the_other_saver(tf):
    _layers(tf)
    tf.add_to_collection(tf.GraphKeys.SAVERS, tf.train.Saver())
    return tf.train.Saver().export_meta_graph(clear_extraneous_savers=True)


@case
def without_devices(tf):
    _layers(tf)
    return tf.train.export_meta_graph(clear_devices=True)


@case
def without_defaults(tf):
    _layers(tf)
    return tf.train.export_meta_graph(strip_default_attrs=True)


@case
def some_collections(tf):
    _layers(tf)
    return tf.train.export_meta_graph(collection_list=["numbers", "outputs"])


@case
def first_scope(tf):
    _layers(tf)
    return tf.train.export_meta_graph(export_scope="first")


@case
def second_scope(tf):
    _layers(tf)
    return tf.train.export_meta_graph(export_scope="second")


@case
def scope_with_a_saver(tf):
    with tf.name_scope("model"):
        tf.Variable([1.0], name="v")
        saver = tf.train.Saver()
        tf.add_to_collection(tf.GraphKeys.SAVERS, saver)
    tf.Variable([2.0], name="outside")
    return tf.train.export_meta_graph(export_scope="model", saver_def=saver.to_proto("model"))


def _imported(tf, meta, **options):
    """What lies in a graph of its own into which `meta` is imported: nodes, collections, the saver."""
    with tf.Graph().as_default() as graph:
        if "input_map" in options:
            options["input_map"] = {key: tf.zeros([1, 4]) for key in options["input_map"]}
        saver = tf.train.import_meta_graph(meta, **options)
        lines = [node.name + " " + ", ".join(sorted(node.input)) for node in graph.as_graph_def().node]
        for key in sorted(graph.get_all_collection_keys()):
            lines.append(key + ": " + ", ".join(str(getattr(i, "name", i)) for i in graph.get_collection(key)))
        if saver is not None:
            lines.append(" ".join(str(value) for _, value in saver.saver_def.ListFields()))
        return sorted(lines)


@case
def import_whole(tf):
    _layers(tf)
    return _imported(tf, tf.train.Saver().export_meta_graph())


@case
def import_without_saver(tf):
    _layers(tf)
    return _imported(tf, tf.train.export_meta_graph())


@case
def import_into_a_scope(tf):
    _layers(tf)
    return _imported(tf, tf.train.Saver().export_meta_graph(), import_scope="copy")


@case
def import_twice_into_one_scope(tf):
    _layers(tf)
    meta = tf.train.Saver().export_meta_graph()
    with tf.Graph().as_default() as graph:
        for _ in range(2):
            # TensorFlow changes the names in what it is given.
            saver = tf.train.import_meta_graph(type(meta).FromString(meta.SerializeToString()), import_scope="copy")
        names = [node.name for node in graph.as_graph_def().node]
        return sorted(names) + [saver.saver_def.restore_op_name] + [v.name for v in tf.global_variables()]


@case
def import_with_unbound_inputs(tf):
    _layers(tf)
    meta = tf.train.export_meta_graph(export_scope="first")
    unbound = [b.decode() for b in meta.collection_def["unbound_inputs"].bytes_list.value]
    return unbound + _imported(tf, meta, import_scope="new", input_map=unbound)


@case
def import_with_an_unbound_control_input(tf):
    _layers(tf)
    meta = tf.train.export_meta_graph(export_scope="second")
    unbound = [b.decode() for b in meta.collection_def["unbound_inputs"].bytes_list.value]
    return unbound + _imported(tf, meta, import_scope="new", input_map=unbound)


@case
def import_with_unbound_inputs_not_given(tf):
    _layers(tf)
    return _imported(tf, tf.train.export_meta_graph(export_scope="second"))


@case
def import_nothing(tf):
    tf.constant(1)
    return _imported(tf, tf.train.export_meta_graph())


@case
def import_a_file_that_is_not_there(tf):
    tf.train.import_meta_graph("no/such/file.meta")


def outcome(tf, name):
    """Lines of text that say what the case gives."""
    with tf.Graph().as_default():
        try:
            result = cases[name](tf)
        except Exception as error:
            return ["%s: %s" % (type(error).__name__, str(error).split("\n")[0])]
    return result if isinstance(result, list) else list(_lines(tf, result))


def _lines(tf, meta):
    for node in meta.graph_def.node:
        attrs = ["%s=%s" % (key, " ".join(str(value).split())) for key, value in sorted(node.attr.items())
                 if key != "value"]  # fmt: skip
        yield "node %s %s(%s) {%s} %s" % (node.name, node.op, ", ".join(node.input), ", ".join(attrs), node.device)
    for key, collection in sorted(meta.collection_def.items()):
        kind = collection.WhichOneof("kind")
        values = getattr(collection, kind).value if kind else []
        if key in (tf.GraphKeys.GLOBAL_VARIABLES, tf.GraphKeys.TRAINABLE_VARIABLES, tf.GraphKeys.SAVERS):
            values = [value.hex() for value in values]
        yield "collection %s %s %s" % (key, kind, [str(value) for value in values])
    yield "saver %s" % [str(value) for _, value in meta.saver_def.ListFields()]
    info = meta.meta_info_def
    yield "stripped %s, ops %s" % (info.stripped_default_attrs, [op.name for op in info.stripped_op_list.op])
