"""Mistakes that show when the graph runs."""

import numpy as np
from bad_input_recording import case


def _run(tf, fetches, feeds=None):
    with tf.Session() as session:
        return session.run(fetches, feeds)


@case
def missing_feed(tf):
    _run(tf, tf.placeholder(tf.float32, [2, 3], name="x") * 2.0)


@case
def feed_of_another_shape(tf):
    x = tf.placeholder(tf.float32, [None, 3], name="x")
    _run(tf, x * 2.0, {x: np.zeros([2, 4])})


@case
def feed_of_another_rank(tf):
    x = tf.placeholder(tf.float32, [None, 3], name="x")
    _run(tf, x * 2.0, {x: 1.0})


@case
def feed_of_another_type(tf):
    x = tf.placeholder(tf.float32, [2], name="x")
    _run(tf, x * 2.0, {x: ["a", "b"]})


@case
def feed_of_a_tensor(tf):
    x = tf.placeholder(tf.float32, [2], name="x")
    _run(tf, x * 2.0, {x: tf.zeros([2])})


@case
def feed_of_a_number_too_large(tf):
    x = tf.placeholder(tf.int32, [], name="x")
    _run(tf, x * 2, {x: 2**40})


@case
def feed_to_something_else(tf):
    _run(tf, tf.constant(1), {3: 4})


@case
def feed_by_a_name_that_is_not_there(tf):
    _run(tf, tf.constant(1), {"nobody:0": 4})


@case
def feed_to_a_tensor_of_another_graph(tf):
    with tf.Graph().as_default():
        x = tf.placeholder(tf.float32, name="x")
    _run(tf, tf.constant(1), {x: 4})


@case
def fetch_of_nothing(tf):
    _run(tf, None)


@case
def fetch_of_a_number(tf):
    _run(tf, 3)


@case
def fetch_of_a_name_that_is_not_there(tf):
    _run(tf, "nobody:0")


@case
def fetch_of_a_tensor_of_another_graph(tf):
    with tf.Graph().as_default():
        x = tf.constant(1.0, name="x")
    tf.constant(2.0)
    _run(tf, x)


@case
def fetch_in_an_empty_graph(tf):
    with tf.Graph().as_default():
        x = tf.constant(1.0, name="x")
    _run(tf, x)


@case
def session_that_is_closed(tf):
    x = tf.constant(1)
    session = tf.Session()
    session.close()
    session.run(x)


@case
def eval_without_a_session(tf):
    tf.constant(1).eval()


@case
def run_without_a_session(tf):
    tf.no_op().run()


@case
def uninitialized_variable(tf):
    _run(tf, tf.get_variable("v", [2]) * 2.0)


@case
def uninitialized_resource_variable(tf):
    _run(tf, tf.get_variable("v", [2], use_resource=True) * 2.0)


@case
def shapes_that_do_not_fit_when_fed(tf):
    x, y = (tf.placeholder(tf.float32, name=n) for n in "xy")
    _run(tf, tf.matmul(x, y, name="product"), {x: np.zeros([2, 3]), y: np.zeros([4, 5])})


@case
def matrices_that_do_not_fit_when_fed(tf):
    x, y = (tf.placeholder(tf.float32, [None, None], name=n) for n in "xy")
    _run(tf, tf.matmul(x, y, name="product"), {x: np.zeros([2, 3]), y: np.zeros([4, 5])})


@case
def shapes_that_do_not_broadcast_when_fed(tf):
    x, y = (tf.placeholder(tf.float32, name=n) for n in "xy")
    _run(tf, tf.add(x, y, name="sum"), {x: np.zeros([2, 3]), y: np.zeros([4])})


@case
def index_out_of_range_when_fed(tf):
    i = tf.placeholder(tf.int32, [1], name="i")
    _run(tf, tf.gather(tf.zeros([3]), i, name="picked"), {i: [7]})


@case
def labels_out_of_range(tf):
    labels = tf.placeholder(tf.int32, [1], name="labels")
    _run(tf, tf.nn.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=tf.zeros([1, 2])), {labels: [7]})


@case
def reshape_that_does_not_fit_when_fed(tf):
    x = tf.placeholder(tf.float32, name="x")
    _run(tf, tf.reshape(x, [2, 2], name="square"), {x: np.zeros([3])})


@case
def division_of_integers_by_zero(tf):
    x = tf.placeholder(tf.int32, name="x")
    _run(tf, tf.floordiv(1, x, name="quotient"), {x: 0})


@case
def assertion_that_fails(tf):
    x = tf.placeholder(tf.float32, [], name="x")
    with tf.control_dependencies([tf.Assert(x > 0, ["x is", x])]):
        _run(tf, tf.identity(x), {x: -1.0})


@case
def singular_matrix(tf):
    x = tf.placeholder(tf.float32, [2, 2], name="x")
    _run(tf, tf.matrix_inverse(x), {x: np.zeros([2, 2])})


@case
def slice_assignment_of_another_size(tf):
    variable = tf.Variable(tf.zeros([3]))
    with tf.Session() as session:
        session.run(variable.initializer)
        session.run(variable[:2].assign([1.0, 2.0, 3.0]))


@case
def slice_assignment_of_a_scalar(tf):
    variable = tf.get_variable("v", initializer=tf.zeros([3]), use_resource=True)
    with tf.Session() as session:
        session.run(variable.initializer)
        session.run(variable[::2].assign(1.0))


def _ctc_loss(tf, labels):
    rows = tf.SparseTensor([[0, i] for i in range(len(labels))], tf.constant(labels, tf.int32), [1, 9])
    _run(tf, tf.nn.ctc_loss(rows, tf.zeros([9, 2, 5]), [9, 9]))


@case
def label_behind_a_blank(tf):
    _ctc_loss(tf, [1, 4, 2])


@case
def labels_of_no_example(tf):
    _ctc_loss(tf, [1, 2])


@case
def indices_out_of_order(tf):
    _run(tf, tf.sparse_tensor_to_dense(tf.SparseTensor([[1, 0], [0, 1]], [1, 2], [2, 2])))


@case
def candidates_of_another_width(tf):
    _run(tf, tf.nn.uniform_candidate_sampler([[1, 2]], 1, 3, True, 10)[0])


@case
def candidates_without_a_distribution(tf):
    _run(tf, tf.nn.fixed_unigram_candidate_sampler([[1]], 1, 3, False, 4)[0])


@case
def random_numbers_of_a_negative_size(tf):
    shape = tf.placeholder(tf.int32, [2], name="shape")
    _run(tf, tf.random_normal(shape), {shape: [2, -3]})


@case
def truncated_numbers_of_a_negative_size(tf):
    _run(tf, tf.truncated_normal([-1]))


@case
def text_that_is_not_compressed(tf):
    _run(tf, tf.decode_compressed([b"text"], "ZLIB"))


def _example(tf):
    feature = tf.train.Feature(int64_list=tf.train.Int64List(value=[7]))
    return tf.train.Example(features=tf.train.Features(feature={"age": feature})).SerializeToString()


@case
def feature_of_another_type(tf):
    _run(tf, tf.parse_example([_example(tf)], {"age": tf.FixedLenFeature([], tf.float32)})["age"])


@case
def sparse_feature_of_another_type(tf):
    _run(tf, tf.parse_example([_example(tf)], {"age": tf.VarLenFeature(tf.float32)})["age"].values)


@case
def too_many_texts_in_a_feature(tf):
    feature = tf.train.Feature(bytes_list=tf.train.BytesList(value=[b"a", b"b"]))
    example = tf.train.Example(features=tf.train.Features(feature={"word": feature})).SerializeToString()
    _run(tf, tf.parse_example([example], {"word": tf.FixedLenFeature([], tf.string)})["word"])


@case
def config_that_is_none(tf):
    tf.Session(config="nonsense")


@case
def graph_that_is_none(tf):
    tf.Session(graph="nonsense")
