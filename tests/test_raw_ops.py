"""tf.raw_ops: one plain function an op."""

import inspect

import pytest

import reflow as tf
from reflow.graph.registry import OPS
from reflow.raw_ops import argument_name, snake_case

# Ops of tf.contrib, registered when it is loaded: as in TensorFlow, tf.raw_ops does not offer them.
OF_CONTRIB = {"ZeroInitializer", "ZeroVarInitializer"}


def test_every_op_has_its_function():
    for name, op in OPS.items():
        if not name.startswith("_") and name not in OF_CONTRIB:
            parameters = inspect.signature(getattr(tf.raw_ops, name)).parameters
            assert [argument_name(name, a.name) for a in op.inputs] == list(parameters)[: len(op.inputs)]
            assert list(parameters)[-1] == "name"


def test_arguments_by_position_and_by_keyword():
    with tf.Graph().as_default(), tf.Session() as session:
        by_keyword = tf.raw_ops.MatMul(a=[[1.0, 2.0]], b=[[3.0, 4.0]], transpose_b=True, name="product")
        by_position = tf.raw_ops.MatMul([[1.0, 2.0]], [[3.0, 4.0]], False, True)
        assert by_keyword.op.name == "product"
        assert session.run([by_keyword, by_position])[0].item() == 11
        with pytest.raises(TypeError, match="missing a required argument: 'b'"):
            tf.raw_ops.MatMul(a=[[1.0]])
        with pytest.raises(TypeError, match=r"MatMul\(\) got an unexpected keyword argument 'c'"):
            tf.raw_ops.MatMul(a=[[1.0]], b=[[1.0]], c=1)


def test_arguments_that_functions_call_otherwise():
    with tf.Graph().as_default() as graph, tf.Session() as session:
        x = tf.constant([[1.0, 2.0], [3.0, 4.0]])
        total = tf.raw_ops.Sum(input=x, axis=[1], name="total")
        first, second = tf.raw_ops.Split(axis=0, value=x, num_split=2)
        flat = tf.raw_ops.Squeeze(input=first, axis=[0])
        chosen = tf.raw_ops.Select(condition=[True, False], x=flat, y=total)
        assert session.run(chosen).tolist() == [1, 7]
        assert session.run(tf.raw_ops.Where(condition=[False, True])).tolist() == [[1]]
        assert session.run(tf.raw_ops.ExpandDims(input=second, axis=0)).shape == (1, 1, 2)
        # The node is as it always was.
        assert list(graph.get_operation_by_name("total").inputs)[1].op.name == "total/reduction_indices"
        assert graph.get_operation_by_name("Squeeze").get_attr("squeeze_dims") == [0]
        with pytest.raises(TypeError, match="unexpected keyword argument 'reduction_indices'"):
            tf.raw_ops.Sum(input=x, reduction_indices=0)
    assert "axis: a tensor of type Tidx" in tf.raw_ops.Sum.__doc__
    assert "axis: attribute of type list" in tf.raw_ops.Squeeze.__doc__


def test_attributes_stand_in_the_order_of_tensorflow():
    assert list(inspect.signature(tf.raw_ops.MaxPoolWithArgmax).parameters)[-3:-1] == [
        "Targmax", "include_batch_in_index"
    ]  # fmt: skip
    assert list(inspect.signature(tf.raw_ops.TensorArray).parameters) == [
        "size", "dtype", "dynamic_size", "clear_after_read", "tensor_array_name", "element_shape", "name"
    ]  # fmt: skip


def test_what_help_says():
    assert tf.raw_ops.MatMul.__name__ == "MatMul"
    assert "transpose_a: attribute of type bool" in tf.raw_ops.MatMul.__doc__
    assert str(inspect.signature(tf.raw_ops.Concat)) == "(concat_dim, values, name=None)"


@pytest.mark.parametrize(
    ("name", "snake"),
    [("MatMul", "mat_mul"), ("Conv2D", "conv2d"), ("LRN", "lrn"), ("FFT2D", "fft2d"), ("SaveV2", "save_v2"),
     ("RGBToHSV", "rgb_to_hsv"), ("ReadVariableOp", "read_variable_op"), ("L2Loss", "l2_loss")],
)  # fmt: skip
def test_names_in_the_legacy_modules(name, snake):
    assert snake_case(name) == snake
