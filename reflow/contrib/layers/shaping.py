"""Layers that reshape, encode or pick: flatten, one-hot, images as sequences, maxout, softmax, dropout, biases."""

from reflow.contrib.framework.arg_scope import add_arg_scope
from reflow.contrib.framework.variables import model_variable
from reflow.contrib.layers import layer_parts
from reflow.contrib.layers.dimensions import last_dimension
from reflow.contrib.layers.named_outputs import collect_named_outputs
from reflow.graph import dtypes
from reflow.graph.context import name_scope
from reflow.graph.convert import to_tensor
from reflow.graph.export import export
from reflow.graph.sparse_tensor import SparseTensor
from reflow.layers import core
from reflow.ops import bias
from reflow.ops import softmax as softmax_ops
from reflow.ops.casting import to_int64
from reflow.ops.comparison import not_equal
from reflow.ops.constant import constant
from reflow.ops.gathering import gather_nd
from reflow.ops.permute import transpose
from reflow.ops.reduction import reduce_max
from reflow.ops.select import one_hot, where
from reflow.ops.shape_ops import reshape, shape
from reflow.variables.initializers import Zeros
from reflow.variables.variable_scope import variable_scope


@export("contrib.layers.flatten")
@add_arg_scope
def flatten(inputs, outputs_collections=None, scope=None):
    """The inputs [batch, ...] as [batch, n].

    Args:
      inputs: a tensor of rank 2 or more.
      outputs_collections: collections for the output.
      scope: a name scope.
    """
    with name_scope(scope, "Flatten", [inputs]) as sc:
        return collect_named_outputs(outputs_collections, sc, core.flatten(to_tensor(inputs)))


@export("contrib.layers.one_hot_encoding")
@add_arg_scope
def one_hot_encoding(labels, num_classes, on_value=1.0, off_value=0.0, outputs_collections=None, scope=None):
    """Labels as vectors: `on_value` at the label's place and `off_value` elsewhere.

    Args:
      labels: int32 or int64 tensor.
      num_classes: the size of the vectors, an int or int32 scalar.
      on_value, off_value: scalars.
      outputs_collections: collections for the output.
      scope: a name scope.

    Returns:
      A tensor with one axis more.
    """
    with name_scope(scope, "OneHotEncoding", [labels, num_classes]) as sc:
        labels = to_tensor(labels)
        if labels.dtype == dtypes.int32:
            labels = to_int64(labels)
        outputs = one_hot(labels, num_classes, on_value=on_value, off_value=off_value)
        return collect_named_outputs(outputs_collections, sc, outputs)


@export("contrib.layers.dense_to_sparse")
@add_arg_scope
def dense_to_sparse(tensor, eos_token=0, outputs_collections=None, scope=None):
    """A SparseTensor of the elements that are not `eos_token`.

    Args:
      tensor: a tensor.
      eos_token: the element to leave out.
      outputs_collections: collections for the output.
      scope: a variable scope or its name; "dense_to_sparse" made unique if None.
    """
    with variable_scope(scope, "dense_to_sparse", [tensor]) as sc:
        tensor = to_tensor(tensor)
        indices = where(not_equal(tensor, constant(eos_token, tensor.dtype)))
        outputs = SparseTensor(indices, gather_nd(tensor, indices), shape(tensor, out_type=dtypes.int64))
        return collect_named_outputs(outputs_collections, sc.name, outputs)


@export("contrib.layers.images_to_sequence")
@add_arg_scope
def images_to_sequence(inputs, data_format="NHWC", outputs_collections=None, scope=None):
    """Images [batch, height, width, channels] as sequences of columns [width, batch * height, channels].

    Args:
      inputs: a tensor of rank 4 (by `data_format`); width and channels have to be known.
      data_format: "NHWC" or "NCHW".
      outputs_collections: collections for the output.
      scope: a name scope.

    Raises:
      ValueError: for an unknown `data_format`.
    """
    layer_parts.check_data_format(data_format, "NCHW", "NHWC")
    with name_scope(scope, "ImagesToSequence", [inputs]) as sc:
        inputs = to_tensor(inputs)
        if data_format == "NCHW":
            inputs = transpose(inputs, [0, 2, 3, 1])
        _, _, width, depth = inputs.get_shape().as_list()
        sizes = shape(inputs)
        batch_size, height = sizes[0], sizes[1]
        columns = transpose(inputs, [2, 0, 1, 3])
        return collect_named_outputs(outputs_collections, sc, reshape(columns, [width, batch_size * height, depth]))


@export("contrib.layers.sequence_to_images")
@add_arg_scope
def sequence_to_images(inputs, height, output_data_format="channels_last", outputs_collections=None, scope=None):
    """Sequences of columns [width, batch * height, channels] as images: undoes `images_to_sequence`.

    Args:
      inputs: a tensor of rank 3.
      height: the height of the images.
      output_data_format: "channels_last" or "channels_first".
      outputs_collections: collections for the output.
      scope: a name scope.
    """
    with name_scope(scope, "SequenceToImages", [inputs]) as sc:
        inputs = to_tensor(inputs)
        width, rows, depth = inputs.get_shape().as_list()
        columns = reshape(inputs, [width, -1 if rows is None else rows // height, height, depth])
        order = [1, 3, 2, 0] if output_data_format == "channels_first" else [1, 2, 0, 3]
        return collect_named_outputs(outputs_collections, sc, transpose(columns, order))


@export("contrib.layers.maxout")
@add_arg_scope
def maxout(inputs, num_units, axis=-1, scope=None):
    """The greatest of each group of features (Goodfellow et al., https://arxiv.org/abs/1302.4389).

    Args:
      inputs: a tensor.
      num_units: the number of groups, which divides the size of the axis.
      axis: the axis of the features.
      scope: a variable scope or its name; "MaxOut" made unique if None.

    Returns:
      A tensor with `num_units` along the axis.

    Raises:
      ValueError: if `num_units` does not divide the size.
    """
    with variable_scope(scope, "MaxOut", [inputs]):
        inputs = to_tensor(inputs)
        sizes = inputs.get_shape().as_list()
        features = sizes[axis]
        if features % num_units:
            raise ValueError(f"number of features({features}) is not a multiple of num_units({num_units})")
        sizes[axis] = num_units
        sizes = [shape(inputs)[i] if size is None else size for i, size in enumerate([*sizes, features // num_units])]
        return reduce_max(reshape(inputs, sizes), -1, keepdims=False)


@export("contrib.layers.softmax")
@add_arg_scope
def softmax(logits, scope=None):
    """Softmax along the last axis.

    Args:
      logits: a floating tensor [..., n] of rank 2 or more; n has to be known.
      scope: a variable scope or its name; "softmax" made unique if None.

    Returns:
      A tensor of that shape.
    """
    with variable_scope(scope, "softmax", [logits]):
        rows = reshape(logits, [-1, last_dimension(logits.get_shape(), min_rank=2)])
        predictions = reshape(softmax_ops.softmax(rows), shape(logits))
        predictions.set_shape(logits.get_shape())
        return predictions


@export("contrib.layers.dropout")
@add_arg_scope
def dropout(inputs, keep_prob=0.5, noise_shape=None, is_training=True, outputs_collections=None, scope=None,
            seed=None):  # fmt: skip
    """Dropout: in training, elements are dropped at random and the rest is scaled so that the mean stays.

    Args:
      inputs: a floating tensor.
      keep_prob: the probability that an element stays.
      noise_shape: the shape of the random choices, which broadcast to the inputs; None for one each.
      is_training: a bool or bool scalar: whether to drop anything.
      outputs_collections: collections for the output.
      scope: a variable scope or its name; "Dropout" made unique if None.
      seed: a seed for the random numbers.

    Returns:
      A tensor of the shape of `inputs`.
    """
    with variable_scope(scope, "Dropout", [inputs], custom_getter=layer_parts.model_variable_getter) as sc:
        layer = core.Dropout(rate=1 - keep_prob, noise_shape=noise_shape, seed=seed, name=sc.name, _scope=sc)
        return collect_named_outputs(outputs_collections, sc.name, layer(to_tensor(inputs), training=is_training))


@export("contrib.layers.bias_add")
@add_arg_scope
def bias_add(inputs, activation_fn=None, initializer=Zeros(), regularizer=None, reuse=None,  # noqa: B008
             variables_collections=None, outputs_collections=None, trainable=True, data_format="NHWC",
             scope=None):  # fmt: skip
    """The inputs plus a bias for each channel.

    Args:
      inputs: a floating tensor [batch, ..., channels] (by `data_format`); the channels have to be known.
      activation_fn: a function of the output, or None.
      initializer: what initializes the biases [channels].
      regularizer: a function from the biases to a scalar loss.
      reuse: True to find the variables of an earlier layer in `scope`.
      variables_collections: a list of collections for the biases, or a dict with a list for "biases".
      outputs_collections: collections for the output.
      trainable: whether the biases are trained.
      data_format: "NHWC", or "NCHW" for rank 4.
      scope: a variable scope or its name; "BiasAdd" made unique if None.

    Returns:
      A tensor of the shape of `inputs`.

    Raises:
      ValueError: if the rank or the number of channels is not known, or does not go with `data_format`.
    """
    layer_parts.check_data_format(data_format, "NCHW", "NHWC")
    with variable_scope(scope, "BiasAdd", [inputs], reuse=reuse) as sc:
        inputs = to_tensor(inputs)
        rank = inputs.get_shape().ndims
        if rank is None:
            raise ValueError("Dims of shape must be known but is None")
        if rank != 4 and data_format == "NCHW":
            raise ValueError("Data format NCHW only supports 4D Tensor")
        channels = inputs.shape[1 if data_format == "NCHW" else -1].value
        if channels is None:
            raise ValueError("`C` dimension must be known but is None")
        biases = model_variable(
            "biases", shape=[channels], dtype=inputs.dtype.base_dtype, initializer=initializer,
            regularizer=regularizer, trainable=trainable,
            collections=layer_parts.get_variable_collections(variables_collections, "biases"),
        )  # fmt: skip
        outputs = bias.bias_add(inputs, biases, data_format=data_format)
        return layer_parts.finish(outputs, activation_fn, outputs_collections, sc.name)
