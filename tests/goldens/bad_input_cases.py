"""What a program does wrong, recorded from TensorFlow 1.15.5: class and first line of the exception."""

import re

import numpy as np

cases = {}


def case(function):
    cases[function.__name__] = function
    return function


# --- while the graph is built -----------------------------------------------------------------------------------------


@case
def matmul_of_shapes_that_do_not_fit(tf):
    tf.matmul(tf.zeros([2, 3]), tf.zeros([4, 5]), name="product")


@case
def matmul_of_a_vector(tf):
    tf.matmul(tf.zeros([3]), tf.zeros([3, 5]))


@case
def add_of_shapes_that_do_not_broadcast(tf):
    tf.add(tf.zeros([2, 3]), tf.zeros([2, 4]))


@case
def add_of_two_types(tf):
    tf.add(tf.zeros([2]), tf.zeros([2], tf.int32), name="sum")


@case
def operator_of_two_types(tf):
    tf.zeros([2]) + tf.zeros([2], tf.float64)


@case
def number_of_the_wrong_kind(tf):
    tf.zeros([2], tf.int32) + 1.5


@case
def text_for_a_number(tf):
    tf.add(tf.zeros([2]), "text")


@case
def none_for_a_tensor(tf):
    tf.add(tf.zeros([2]), None)


@case
def none_alone(tf):
    tf.tanh(None)


@case
def type_that_the_op_does_not_take(tf):
    tf.tanh(tf.constant([1, 2]))


@case
def text_that_the_op_does_not_take(tf):
    tf.matmul(tf.constant([["a"]]), tf.constant([["b"]]))


@case
def ragged_list(tf):
    tf.constant([[1, 2], [3]])


@case
def constant_that_does_not_fit_its_shape(tf):
    tf.constant([1, 2, 3], shape=[2])


@case
def constant_of_mixed_types(tf):
    tf.constant([1, "two"])


@case
def constant_of_an_object(tf):
    tf.constant(object())


@case
def number_out_of_range(tf):
    tf.constant(300, tf.uint8)


@case
def float_for_an_integer(tf):
    tf.constant(1.5, tf.int32)


@case
def list_that_is_no_list(tf):
    tf.concat(3, 0)


@case
def add_n_of_nothing(tf):
    tf.add_n([])


@case
def add_n_of_two_types(tf):
    tf.add_n([tf.zeros([1]), tf.zeros([1], tf.int32)])


@case
def pack_of_two_types(tf):
    tf.stack([tf.zeros([1]), tf.zeros([1], tf.int32)])


@case
def pack_of_two_shapes(tf):
    tf.stack([tf.zeros([1]), tf.zeros([2])])


@case
def concat_of_shapes_that_do_not_fit(tf):
    tf.concat([tf.zeros([2, 3]), tf.zeros([2, 4])], 0)


@case
def concat_along_no_axis(tf):
    tf.concat([tf.zeros([2, 3]), tf.zeros([2, 3])], 2)


@case
def reshape_to_another_size(tf):
    tf.reshape(tf.zeros([2, 3]), [4])


@case
def reshape_with_two_unknown_sizes(tf):
    tf.reshape(tf.zeros([2, 3]), [-1, -1])


@case
def transpose_by_a_wrong_permutation(tf):
    tf.transpose(tf.zeros([2, 3]), [0, 0])


@case
def squeeze_of_a_size_that_is_not_one(tf):
    tf.squeeze(tf.zeros([2, 1]), [0])


@case
def expand_dims_along_no_axis(tf):
    tf.expand_dims(tf.zeros([2]), 3)


@case
def reduction_along_no_axis(tf):
    tf.reduce_sum(tf.zeros([2, 3]), axis=2)


@case
def split_into_parts_that_do_not_fit(tf):
    tf.split(tf.zeros([5]), 2)


@case
def unstack_of_an_unknown_size(tf):
    tf.unstack(tf.placeholder(tf.float32, [None]))


@case
def slice_out_of_bounds(tf):
    tf.slice(tf.zeros([2]), [1], [3])


@case
def index_out_of_bounds(tf):
    tf.zeros([2])[5]


@case
def too_many_indices(tf):
    tf.zeros([2])[0, 0]


@case
def iteration(tf):
    list(tf.zeros([2]))


@case
def truth(tf):
    if tf.constant(True):
        pass


@case
def losses_of_shapes_that_do_not_fit(tf):
    tf.nn.sparse_softmax_cross_entropy_with_logits(labels=tf.zeros([3], tf.int32), logits=tf.zeros([4, 2]))


@case
def losses_without_names(tf):
    tf.nn.softmax_cross_entropy_with_logits(tf.zeros([3, 2]), tf.zeros([3, 2]))


@case
def sigmoid_losses_of_two_shapes(tf):
    tf.nn.sigmoid_cross_entropy_with_logits(labels=tf.zeros([3]), logits=tf.zeros([4]))


@case
def placeholder_shape_that_does_not_fit(tf):
    tf.placeholder(tf.float32, [None, 3]).set_shape([2, 4])


@case
def unknown_type(tf):
    tf.placeholder("float33")


@case
def name_that_is_none(tf):
    tf.constant(1, name="a b")


@case
def scope_that_is_none(tf):
    with tf.name_scope("a b"):
        pass


@case
def variable_without_a_value(tf):
    tf.Variable()


@case
def variable_of_an_unknown_shape(tf):
    tf.Variable(tf.placeholder(tf.float32), name="v")


@case
def get_variable_without_a_shape(tf):
    tf.get_variable("v")


@case
def get_variable_twice(tf):
    tf.get_variable("v", [1])
    tf.get_variable("v", [1])


@case
def get_variable_that_is_not_there(tf):
    with tf.variable_scope("scope", reuse=True):
        tf.get_variable("v", [1])


@case
def get_variable_of_another_shape(tf):
    with tf.variable_scope("scope", reuse=tf.AUTO_REUSE):
        tf.get_variable("v", [1])
        tf.get_variable("v", [2])


@case
def assignment_of_another_shape(tf):
    tf.get_variable("v", [2]).assign(tf.zeros([3]))


@case
def assignment_of_another_type(tf):
    tf.assign(tf.get_variable("v", [2]), tf.zeros([2], tf.int32))


@case
def assignment_to_a_tensor(tf):
    tf.assign(tf.zeros([2]), tf.zeros([2]))


@case
def operator_that_variables_lack(tf):
    tf.get_variable("v", [2])[0] = 1.0


@case
def two_graphs_in_one_op(tf):
    other = tf.Graph()
    with other.as_default():
        x = tf.constant(1.0)
    tf.add(x, tf.constant(2.0))


@case
def graph_that_is_finalized(tf):
    tf.get_default_graph().finalize()
    tf.constant(1)


@case
def tensor_that_is_not_there(tf):
    tf.get_default_graph().get_tensor_by_name("nobody:0")


@case
def output_that_is_not_there(tf):
    tf.constant(1, name="one")
    tf.get_default_graph().get_tensor_by_name("one:3")


@case
def tensor_name_without_a_number(tf):
    tf.constant(1, name="one")
    tf.get_default_graph().get_tensor_by_name("one")


@case
def operation_that_is_not_there(tf):
    tf.get_default_graph().get_operation_by_name("nobody")


@case
def operation_name_of_a_tensor(tf):
    tf.constant(1, name="one")
    tf.get_default_graph().get_operation_by_name("one:0")


@case
def device_that_is_none(tf):
    with tf.device("/nonsense:0"):
        tf.constant(1)


@case
def attribute_that_is_not_allowed(tf):
    tf.nn.conv2d(tf.zeros([1, 4, 4, 1]), tf.zeros([2, 2, 1, 1]), [1, 1, 1, 1], "NONSENSE")


@case
def convolution_of_depths_that_do_not_fit(tf):
    tf.nn.conv2d(tf.zeros([1, 4, 4, 3]), tf.zeros([2, 2, 1, 1]), [1, 1, 1, 1], "SAME")


@case
def argument_that_the_raw_op_lacks(tf):
    tf.raw_ops.Tanh(y=1.0)


# --- while it runs ----------------------------------------------------------------------------------------------------


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


def outcome(tf, name):
    """[class, first line of the message] of the exception; None if there is none."""
    with tf.Graph().as_default():
        try:
            cases[name](tf)
        except Exception as error:
            message = re.sub("at 0x[0-9a-f]+", "at ADDRESS", str(error).split("\n")[0])
            # TensorFlow also lists the values that its shape functions looked at.
            return [type(error).__name__, re.split(r" and with (computed )?input tensors", message)[0].rstrip(".")]
    return None
