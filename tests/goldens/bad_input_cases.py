"""Mistakes that show while the graph is built."""

from bad_input_recording import case


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
