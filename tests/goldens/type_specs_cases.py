"""Type specifications of tensors and composite tensors, run under TensorFlow 1.15.5 and Reflow (Python 3.7 as well)."""

import numpy as np
from op_recording import Cases

case = Cases()


def _sparse(tf):
    return tf.SparseTensor([[0, 0]], [1.0], [2, 2])


def _sparse_value(tf):
    return tf.SparseTensorValue(np.zeros([1, 2], "int64"), np.zeros([1], "float32"), np.array([2, 2]))


def _slices(tf, with_shape):
    return tf.IndexedSlices(tf.zeros([3, 4]), tf.constant([0, 5, 7]), tf.constant([8, 4]) if with_shape else None)


QUESTIONS = {
    "plain": lambda tf: tf.TensorSpec([None, 3]),
    "named": lambda tf: tf.TensorSpec(None, "int32", "x"),
    "equal": lambda tf: [tf.TensorSpec([1]) == tf.TensorSpec([1]), tf.TensorSpec([1]) == tf.TensorSpec([1], name="a"),
                         tf.TensorSpec([1]) != tf.TensorSpec([2]), tf.TensorSpec(None) == tf.TensorSpec(None),
                         tf.TensorSpec([None]) == tf.TensorSpec([None]), tf.TensorSpec([1]) == 3,
                         tf.SparseTensorSpec([1]) == tf.SparseTensorSpec([1]),
                         tf.SparseTensorSpec([1]) == tf.TensorSpec([1])],
    "set": lambda tf: len({tf.TensorSpec([1]), tf.TensorSpec([1]), tf.SparseTensorSpec(), tf.SparseTensorSpec()}),
    "string_shape": lambda tf: tf.TensorSpec("a"),
    "unknown_type": lambda tf: tf.TensorSpec([1], "foo"),
    "from_number": lambda tf: tf.TensorSpec.from_tensor(3),
    "from_tensor": lambda tf: tf.TensorSpec.from_tensor(tf.constant(1, name="c")),
    "from_tensor_named": lambda tf: tf.TensorSpec.from_tensor(tf.constant([1.0]), "other"),
    "from_spec": lambda tf: [tf.TensorSpec.from_spec(tf.TensorSpec([1], name="q")),
                             tf.TensorSpec.from_spec(tf.TensorSpec([1], name="q"), "r")],
    "abstract": lambda tf: tf.TypeSpec(),
    "common": lambda tf: tf.TensorSpec([1, 2]).most_specific_compatible_type(tf.TensorSpec([1, 3], name="z")),
    "common_name": lambda tf: tf.TensorSpec([1], name="z").most_specific_compatible_type(tf.TensorSpec(None, name="z")),
    "common_types": lambda tf: tf.TensorSpec([1]).most_specific_compatible_type(tf.TensorSpec([1], "int32")),
    "common_kinds": lambda tf: tf.SparseTensorSpec([1]).most_specific_compatible_type(tf.TensorSpec([1])),
    "common_sparse": lambda tf: tf.SparseTensorSpec([1, 2]).most_specific_compatible_type(tf.SparseTensorSpec([3, 2])),
    "common_sparse_types": lambda tf: tf.SparseTensorSpec([1]).most_specific_compatible_type(
        tf.SparseTensorSpec([1], "int32")),
    "common_slices": lambda tf: tf.IndexedSlicesSpec([2, 3]).most_specific_compatible_type(
        tf.IndexedSlicesSpec([2, 4], indices_shape=[3])),
    "compatible": lambda tf: [tf.TensorSpec([2]).is_compatible_with(other) for other in (
        tf.zeros([2]), tf.zeros([3]), tf.constant([1, 2]), tf.placeholder("float32"), [1.0, 2.0], np.zeros([2]),
        tf.TensorSpec([None], name="x"), tf.TensorSpec([2], "int32"))],
    "sparse": lambda tf: [tf.SparseTensorSpec(), tf.SparseTensorSpec([2, None], "int32"),
                          tf.SparseTensorSpec([2]).shape, tf.SparseTensorSpec([2]).dtype],
    "sparse_from_value": lambda tf: [tf.SparseTensorSpec.from_value(_sparse(tf)),
                                     tf.SparseTensorSpec.from_value(_sparse_value(tf)),
                                     tf.SparseTensorSpec.from_value(tf.SparseTensorValue([[0]], [1.5], [3]))],
    "sparse_from_number": lambda tf: tf.SparseTensorSpec.from_value(3),
    "sparse_compatible": lambda tf: [tf.SparseTensorSpec([2, None]).is_compatible_with(other) for other in (
        _sparse(tf), _sparse_value(tf), tf.SparseTensorSpec([2, 3]), tf.SparseTensorSpec([3, 3]), tf.zeros([2, 2]),
        [[1.0]])],
    "no_spec": lambda tf: tf.SparseTensorSpec().is_compatible_with({1: 2}),
    "slices": lambda tf: [tf.IndexedSlicesSpec(), tf.IndexedSlicesSpec([2, None]),
                          tf.IndexedSlicesSpec([2], "int32", "int32", "int64", [4])],
    "slices_shape": lambda tf: tf.IndexedSlicesSpec(indices_shape=[1, 2]),
    "slices_compatible": lambda tf: [tf.IndexedSlicesSpec([8, 4], indices_dtype="int32").is_compatible_with(
        _slices(tf, False)), tf.IndexedSlicesSpec([8, 4], indices_dtype="int32").is_compatible_with(_slices(tf, True)),
        tf.IndexedSlicesSpec([8, 4], "float32", "int32", "int32").is_compatible_with(_slices(tf, True))],
    "array": lambda tf: [tf.TensorArraySpec(), tf.TensorArraySpec([2], "int32", True, False)],
    "array_from_value": lambda tf: [
        tf.TensorArraySpec.from_value(tf.TensorArray("int32", 3)),
        tf.TensorArraySpec.from_value(tf.TensorArray("int32", 3, dynamic_size=True, infer_shape=False,
                                                     element_shape=[2]))],
    "array_from_number": lambda tf: tf.TensorArraySpec.from_value(3),
    "array_compatible": lambda tf: [tf.TensorArraySpec([2]).is_compatible_with(other) for other in (
        tf.TensorArraySpec([2], infer_shape=False), tf.TensorArraySpec([2], dynamic_size=True),
        tf.TensorArraySpec([3]), tf.TensorArray("float32", 3), tf.zeros([2]))],
    "array_common": lambda tf: tf.TensorArraySpec([2]).most_specific_compatible_type(
        tf.TensorArraySpec([None], infer_shape=False)),
    "array_common_shapes": lambda tf: tf.TensorArraySpec([2]).most_specific_compatible_type(tf.TensorArraySpec([3])),
    "value_types": lambda tf: [spec.value_type.__name__ for spec in (
        tf.TensorSpec([1]), tf.SparseTensorSpec(), tf.IndexedSlicesSpec(), tf.TensorArraySpec())],
    "components": lambda tf: [tf.SparseTensorSpec([2, 3])._component_specs, tf.SparseTensorSpec()._component_specs,
                              tf.IndexedSlicesSpec([5, 3])._component_specs,
                              tf.IndexedSlicesSpec([5, 3], indices_shape=[2],
                                                   dense_shape_dtype="int32")._component_specs],
    "flattened": lambda tf: [len(tf.nest.flatten([_sparse(tf), 1, _slices(tf, True), _slices(tf, False)],
                                                 expand_composites=True)),
                             tf.nest.flatten(tf.SparseTensorSpec([2]), expand_composites=True),
                             len(tf.nest.flatten([_sparse(tf), _slices(tf, True)]))],
    "packed": lambda tf: [tf.nest.pack_sequence_as(tf.SparseTensorSpec([2]), [[[0]], [1.0], [2]],
                                                   expand_composites=True).shape,
                          type(tf.nest.pack_sequence_as(tf.SparseTensorSpec([2]), [np.zeros([1, 1]), np.zeros([1]),
                                                        np.zeros([1])], expand_composites=True)).__name__,
                          type(tf.nest.pack_sequence_as(_slices(tf, False), [np.zeros([1, 1]), np.zeros([1])],
                                                        expand_composites=True)).__name__],
    "consumers": lambda tf: _consumers(tf, _sparse(tf), _slices(tf, True)),
    "dimension_value": lambda tf: [tf.dimension_value(tf.Dimension(3)), tf.dimension_value(4), tf.dimension_value(None),
                                   tf.dimension_value(tf.Dimension(None)), tf.compat.dimension_value(5)],
    "dimension_at_index": lambda tf: [tf.dimension_at_index(tf.TensorShape(None), 1),
                                      tf.dimension_at_index(tf.TensorShape([1, 2]), 1),
                                      tf.dimension_at_index(tf.TensorShape([1, 2]), -2)],
    "dimension_of_list": lambda tf: tf.dimension_at_index([1, 2], 1),
    "dimension_beyond": lambda tf: tf.dimension_at_index(tf.TensorShape([1, 2]), 5),
    # What a symbolic tensor does not do.
    "bool": lambda tf: bool(tf.constant(1)),
    "not": lambda tf: not tf.constant(1),
    "and": lambda tf: tf.constant(1) and True,
    "max": lambda tf: max(tf.constant(1), tf.constant(2)),
    "loop": lambda tf: list(tf.constant([1, 2])),
    "iter": lambda tf: type(iter(tf.constant([1, 2]))).__name__,
    "in": lambda tf: 1 in tf.constant([1, 2]),
    "sum": lambda tf: sum(tf.constant([1])),
    "len": lambda tf: len(tf.constant([1, 2], name="named")),
    "reversed": lambda tf: reversed(tf.constant([1], name="named")),
    "array_of": lambda tf: np.array(tf.constant([1], name="named")),
    "call": lambda tf: tf.constant(1)(),
    "int": lambda tf: int(tf.constant(1)),
    "float": lambda tf: float(tf.constant(1)),
    "index": lambda tf: [1, 2, 3][tf.constant(1)],
    "range": lambda tf: range(tf.constant(3)),
    "round": lambda tf: round(tf.constant(1.5)),
    "format": lambda tf: "{:d}".format(tf.constant(3)),
    "variable_loop": lambda tf: list(tf.Variable([1, 2])),
    "variable_iter": lambda tf: iter(tf.Variable([1, 2])),
    "variable_bool": lambda tf: bool(tf.Variable(1)),
    "numpy": lambda tf: tf.constant(1).numpy(),
}  # fmt: skip


def _consumers(tf, sparse, slices):
    tf.identity(sparse.indices, name="a")
    tf.identity(sparse.dense_shape, name="b")
    tf.add(slices.values, slices.values, name="c")
    return [sorted(op.name for op in sparse.consumers()), sorted(op.name for op in slices.consumers())]


@case.each(question=QUESTIONS)
def _answer(tf, t, question):
    t.values_only()
    try:
        text = repr(QUESTIONS[question](tf))
    except Exception as error:
        text = "%s: %s" % (type(error).__name__, error)
    t.out(tf.constant(text))
