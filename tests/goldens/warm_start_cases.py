"""Programs that begin with an earlier checkpoint, whose variables and nodes are recorded from TensorFlow 1.15.5.

Each case takes a TensorFlow and the checkpoint's folder, makes variables and sets their initializers. Python 3.7 and
3.11 run them.
"""

import os

import numpy as np

VOCABULARIES = {
    "old": "mercury venus mars", "new": "venus jupiter mercury", "old_columns": "1 2 3 4", "new_columns": "4 7",
}  # fmt: skip
cases = {}


def _case(function):
    cases[function.__name__] = function
    return function


def write_checkpoint(tf, folder):
    """Write the earlier model's checkpoint and the vocabularies."""
    for name, words in VOCABULARIES.items():
        with open(os.path.join(folder, name), "w") as file:
            file.write("".join(word + "\n" for word in words.split()))
    with tf.Graph().as_default(), tf.Session() as session:
        with tf.variable_scope("a"):
            tf.get_variable("w", initializer=np.arange(12, dtype=np.float32).reshape(3, 4))
            tf.get_variable("b", initializer=[1.0, 2.0])
        tf.get_variable("top", initializer=5.0)
        tf.get_variable("p", [10], initializer=tf.random_uniform_initializer(seed=3),
                        partitioner=tf.fixed_size_partitioner(2))  # fmt: skip
        session.run(tf.global_variables_initializer())
        tf.train.Saver().save(session, os.path.join(folder, "m"))


def outcome(tf, name, folder):
    """The initial values by variable and the nodes, or the error of a case."""
    with tf.Graph().as_default() as graph, tf.Session() as session:
        try:
            cases[name](tf, folder)
        except (ValueError, TypeError) as error:
            return {"error": type(error).__name__, "message": str(error).replace(str(folder), "")}
        session.run(tf.global_variables_initializer())
        values = {v.name: session.run(v).tolist() for v in tf.global_variables()}
        nodes = [[n.name, n.op, list(n.input), n.device] for n in graph.as_graph_def().node if "Const" not in n.op]
    return {"values": values, "nodes": nodes}


def _vocabulary(tf, folder, size, extra, **options):
    return tf.train.VocabInfo(os.path.join(folder, "new"), size, extra, os.path.join(folder, "old"), **options)


@_case
def scope(tf, folder):
    with tf.variable_scope("n"):
        tf.get_variable("w", [3, 4])
        tf.get_variable("b", [2])
    tf.train.init_from_checkpoint(folder, {"a/": "n/"})


@_case
def root(tf, folder):
    tf.get_variable("a/w", [3, 4])
    tf.train.init_from_checkpoint(os.path.join(folder, "m"), {"/": "/"})


@_case
def variables_and_names(tf, folder):
    matrix = tf.get_variable("matrix", [3, 4])
    tf.get_variable("t", [])
    tf.train.init_from_checkpoint(folder, {"a/w": matrix, "top": "t"})


@_case
def resource_variable(tf, folder):
    tf.train.init_from_checkpoint(folder, {"a/w": tf.get_variable("q", [3, 4], use_resource=True)})


@_case
def slices_by_name(tf, folder):
    tf.get_variable("parts", [10], partitioner=tf.fixed_size_partitioner(5))
    tf.train.init_from_checkpoint(folder, {"p": "parts"})


@_case
def list_of_slices(tf, folder):
    whole = tf.get_variable("parts", [10], partitioner=tf.fixed_size_partitioner(3))
    tf.train.init_from_checkpoint(folder, {"p": list(whole)})


@_case
def wrong_shape(tf, folder):
    tf.train.init_from_checkpoint(folder, {"a/w": tf.get_variable("q", [3, 5])})


@_case
def scope_for_a_tensor(tf, folder):
    tf.get_variable("n/q", [3, 5])
    tf.train.init_from_checkpoint(folder, {"a": "n/"})


@_case
def missing_in_scope(tf, folder):
    tf.get_variable("n/q", [3, 5])
    tf.train.init_from_checkpoint(folder, {"a/": "n/"})


@_case
def warm_start(tf, folder):
    tf.get_variable("a/w", [3, 4])
    tf.get_variable("a/b", [2], trainable=False, initializer=tf.zeros_initializer())
    tf.train.warm_start(folder)


@_case
def warm_start_of_all_in_a_scope(tf, folder):
    tf.get_variable("a/w", [3, 4])
    tf.get_variable("a/b", [2], trainable=False)
    tf.train.warm_start(folder, ["a/"])


@_case
def new_vocabulary(tf, folder):
    tf.get_variable("a/w", [5, 4])
    tf.get_variable("a/b", [2])
    vocabulary = _vocabulary(tf, folder, 3, 2, backup_initializer=tf.ones_initializer())
    tf.train.warm_start(folder, "a/", {"a/w": vocabulary})


@_case
def new_vocabulary_of_a_partitioned_variable(tf, folder):
    tf.get_variable("w", [5, 4], partitioner=tf.fixed_size_partitioner(2))
    tf.train.warm_start(folder, ".*", {"w": _vocabulary(tf, folder, 3, 2)}, {"w": "a/w"})


@_case
def new_vocabulary_of_columns(tf, folder):
    matrix = tf.get_variable("z/w", [3, 3])
    old, new = (os.path.join(folder, name) for name in ("old_columns", "new_columns"))
    vocabulary = tf.train.VocabInfo(new, 2, 1, old, axis=1)
    tf.train.warm_start(folder, [matrix], {"z/w": vocabulary}, {"z/w": "a/w"})


@_case
def only_vocabularies(tf, folder):
    tf.get_variable("a/w", [4, 4])
    tf.get_variable("a/b", [2], initializer=tf.zeros_initializer())
    tf.train.warm_start(folder, None, {"a/w": _vocabulary(tf, folder, 3, 1, old_vocab_size=1)})


@_case
def wrong_axis(tf, folder):
    _vocabulary(tf, folder, 3, 2, axis=2)


@_case
def wrong_columns(tf, folder):
    tf.get_variable("a/w", [3, 4])
    tf.train.warm_start(folder, ".*", {"a/w": _vocabulary(tf, folder, 3, 0, axis=1)})


@_case
def too_many_rows(tf, folder):
    tf.get_variable("a/w", [7, 4])
    tf.train.warm_start(folder, ".*", {"a/w": _vocabulary(tf, folder, 3, 2)})
