"""Fully connected layers."""

import functools

from reflow.contrib.framework.arg_scope import add_arg_scope
from reflow.contrib.layers import layer_parts
from reflow.contrib.layers.initializers import xavier_initializer
from reflow.graph.collections import GraphKeys
from reflow.graph.convert import to_tensor
from reflow.graph.export import export, export_values
from reflow.graph.graph import get_default_graph
from reflow.layers import core
from reflow.ops import activations
from reflow.ops.bias import bias_add
from reflow.ops.joining import stack, unstack
from reflow.ops.matmul import matmul
from reflow.ops.shape_ops import reshape, shape
from reflow.variables.initializers import Zeros
from reflow.variables.variable_scope import get_variable, variable_scope


@export("contrib.layers.fully_connected")
@add_arg_scope
def fully_connected(inputs, num_outputs, activation_fn=activations.relu, normalizer_fn=None, normalizer_params=None,
                    weights_initializer=xavier_initializer(), weights_regularizer=None,  # noqa: B008
                    biases_initializer=Zeros(), biases_regularizer=None, reuse=None,  # noqa: B008
                    variables_collections=None, outputs_collections=None, trainable=True, scope=None):  # fmt: skip
    """A fully connected layer: activation(inputs * weights + biases).

    Args:
      inputs: a floating tensor [..., n] of rank 2 or more; n has to be known.
      num_outputs: the size of the output, an int.
      activation_fn: a function of the output; None for a linear layer.
      normalizer_fn: a function such as `batch_norm` that takes the place of the biases.
      normalizer_params: its further arguments, a dict.
      weights_initializer: what initializes the weights [n, num_outputs].
      weights_regularizer: a function from the weights to a scalar loss.
      biases_initializer: what initializes the biases [num_outputs]; None for a layer without.
      biases_regularizer: a function from the biases to a scalar loss.
      reuse: True to find the variables of an earlier layer in `scope`.
      variables_collections: a list of collections for the variables, or a dict of lists by "weights" and "biases".
      outputs_collections: collections for the output.
      trainable: whether the variables are trained.
      scope: a variable scope or its name; "fully_connected" made unique if None.

    Returns:
      The output [..., num_outputs].

    Raises:
      ValueError: if `num_outputs` is no int, or the last size or the rank of the inputs is not known.
    """
    if not isinstance(num_outputs, int):
        raise ValueError(f"num_outputs type should be one of {[int]}, got {type(num_outputs)}.")
    getter = layer_parts.renaming_getter(layer_parts.WEIGHTS_AND_BIASES)
    with variable_scope(scope, "fully_connected", [inputs], reuse=reuse, custom_getter=getter) as sc:
        inputs = to_tensor(inputs)
        layer = core.Dense(
            num_outputs, use_bias=not normalizer_fn and biases_initializer, kernel_initializer=weights_initializer,
            bias_initializer=biases_initializer, kernel_regularizer=weights_regularizer,
            bias_regularizer=biases_regularizer, trainable=trainable, name=sc.name, dtype=inputs.dtype.base_dtype,
            _scope=sc, _reuse=reuse,
        )  # fmt: skip
        outputs = layer(inputs)
        return layer_parts.finish_core_layer(layer, [layer.kernel], outputs, variables_collections, activation_fn,
                                             outputs_collections, sc.name, normalizer_fn,
                                             normalizer_params)  # fmt: skip


@export("contrib.layers.legacy_fully_connected")
def legacy_fully_connected(x, num_output_units, activation_fn=None, weight_init=xavier_initializer(),  # noqa: B008
                           bias_init=Zeros(), name=None, weight_collections=(GraphKeys.WEIGHTS,),  # noqa: B008
                           bias_collections=(GraphKeys.BIASES,), output_collections=(GraphKeys.ACTIVATIONS,),
                           trainable=True, weight_regularizer=None, bias_regularizer=None):  # fmt: skip
    """A fully connected layer as `tf.contrib.layers` had it first: activation(x * weights + bias).

    Args:
      x: a floating tensor [..., n] of rank 2 or more; n has to be known.
      num_output_units: the size of the output.
      activation_fn: a function of the output; None for a linear layer.
      weight_init: what initializes the weights [n, num_output_units].
      bias_init: what initializes the bias [num_output_units]; None for a layer without.
      name: a variable scope or its name; "fully_connected" made unique if None.
      weight_collections, bias_collections: collections for the variables besides GLOBAL_VARIABLES.
      output_collections: collections for the output besides ACTIVATIONS.
      trainable: whether the variables are trained.
      weight_regularizer, bias_regularizer: functions from the variables to scalar losses.

    Returns:
      The output [..., num_output_units].

    Raises:
      ValueError: if the rank of `x` is less than 2, or its last size or the rank is not known.
    """
    with variable_scope(name, "fully_connected", [x]):
        x = to_tensor(x)
        size = _last_size(x)
        options = {"dtype": x.dtype.base_dtype, "trainable": trainable}
        weights = get_variable("weights", [size, num_output_units], initializer=weight_init,
                               collections=_with_global(weight_collections), regularizer=weight_regularizer,
                               **options)  # fmt: skip
        y = matmul(x if x.shape.ndims <= 2 else reshape(x, [-1, size]), weights)
        if bias_init is not None:
            bias = get_variable("bias", [num_output_units], initializer=bias_init,
                                collections=_with_global(bias_collections), regularizer=bias_regularizer,
                                **options)  # fmt: skip
            y = bias_add(y, bias)
        if x.shape.ndims > 2:
            y = reshape(y, stack([*unstack(shape(x))[:-1], num_output_units]))
            y.set_shape([*x.shape.as_list()[:-1], num_output_units])
        if activation_fn is not None:
            y = activation_fn(y)
        get_default_graph().add_to_collections([*(output_collections or ()), GraphKeys.ACTIVATIONS], y)
        return y


def _last_size(x):
    if x.shape.ndims is None:
        raise ValueError("dims of x must be known but is None")
    if x.shape.ndims < 2:
        raise ValueError(f"rank of x must be at least 2 not: {x.shape.ndims}")
    size = x.shape[-1].value
    if size is None:
        raise ValueError("last dimension of x must be known but is None")
    return size


def _with_global(collections):
    return list(dict.fromkeys([*(collections or ()), GraphKeys.GLOBAL_VARIABLES]))


export_values({
    "contrib.layers.elu": functools.partial(fully_connected, activation_fn=activations.elu),
    "contrib.layers.relu": functools.partial(fully_connected, activation_fn=activations.relu),
    "contrib.layers.relu6": functools.partial(fully_connected, activation_fn=activations.relu6),
    "contrib.layers.linear": functools.partial(fully_connected, activation_fn=None),
    "contrib.layers.legacy_relu": functools.partial(legacy_fully_connected, activation_fn=activations.relu),
    "contrib.layers.legacy_linear": functools.partial(legacy_fully_connected, activation_fn=None),
})  # fmt: skip
