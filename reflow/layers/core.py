"""Layers without a notion of space: dense, dropout, flatten."""

from collections.abc import Callable
from typing import Any

import numpy as np

from reflow.graph.build import call
from reflow.graph.convert import to_tensor
from reflow.graph.dtypes import as_dtype
from reflow.graph.export import export
from reflow.graph.shapes import TensorShape
from reflow.layers import identifiers
from reflow.layers.arguments import normalize_data_format
from reflow.layers.functional import functional_form
from reflow.layers.input_spec import InputSpec
from reflow.layers.layer import Layer
from reflow.layers.smart_cond import smart_cond
from reflow.ops import dropout as dropout_ops
from reflow.ops.bias import bias_add
from reflow.ops.casting import cast
from reflow.ops.einsum import tensordot
from reflow.ops.identity import identity
from reflow.ops.permute import transpose
from reflow.ops.shape_ops import reshape, shape
from reflow.variables.initializers import Zeros


@export("layers.Dense")
class Dense(Layer):
    """A fully connected layer: activation(inputs * kernel + bias).

    Inputs [..., n] of a higher rank are multiplied along their last axis; the output is [..., units].

    Args:
      units: the size of the output.
      activation: a function of the output, or its name; none if None.
      use_bias: whether there is a bias.
      kernel_initializer: what initializes the kernel [n, units]; the variable scope's, then Glorot's uniform numbers,
        if None.
      bias_initializer: what initializes the bias [units].
      kernel_regularizer: a function from the kernel to a scalar loss.
      bias_regularizer: a function from the bias to a scalar loss.
      activity_regularizer: a function from the output to a scalar loss.
      kernel_constraint: a function that optimizers apply to the kernel after an update.
      bias_constraint: a function that optimizers apply to the bias after an update.
      trainable: whether kernel and bias are trained.
      name: the layer's name.

    Raises:
      ValueError: if the size of the last axis of the inputs is not known.
      TypeError: if the type is neither floating nor complex.
    """

    activation: Callable
    kernel_initializer: Any
    kernel_regularizer: Any
    kernel_constraint: Any
    bias_initializer: Any
    bias_regularizer: Any
    bias_constraint: Any

    def __init__(self, units, activation=None, use_bias=True, kernel_initializer=None, bias_initializer=Zeros(),  # noqa: B008
                 kernel_regularizer=None, bias_regularizer=None, activity_regularizer=None, kernel_constraint=None,
                 bias_constraint=None, trainable=True, name=None, **kwargs):  # fmt: skip
        super().__init__(trainable=trainable, name=name,
                         activity_regularizer=identifiers.regularizer(activity_regularizer), **kwargs)  # fmt: skip
        self.units = int(units)
        self.use_bias = use_bias
        identifiers.set_parts(
            self, activation=activation, kernel_initializer=kernel_initializer, bias_initializer=bias_initializer,
            kernel_regularizer=kernel_regularizer, bias_regularizer=bias_regularizer,
            kernel_constraint=kernel_constraint, bias_constraint=bias_constraint,
        )  # fmt: skip
        self.supports_masking = True
        self.input_spec = InputSpec(min_ndim=2)

    def build(self, input_shape):
        """Make kernel and bias."""
        dtype = as_dtype(self.dtype or "float32")
        if not (dtype.is_floating or dtype.is_complex):
            raise TypeError(f"Unable to build `Dense` layer with non-floating point dtype {dtype}")
        size = TensorShape(input_shape)[-1].value
        if size is None:
            raise ValueError("The last dimension of the inputs to `Dense` should be defined. Found `None`.")
        self.input_spec = InputSpec(min_ndim=2, axes={-1: size})
        self.kernel = self.add_weight(
            "kernel", shape=[size, self.units], initializer=self.kernel_initializer, dtype=self.dtype, trainable=True,
            regularizer=self.kernel_regularizer, constraint=self.kernel_constraint,
        )  # fmt: skip
        self.bias = None
        if self.use_bias:
            self.bias = self.add_weight(
                "bias", shape=[self.units], initializer=self.bias_initializer, dtype=self.dtype, trainable=True,
                regularizer=self.bias_regularizer, constraint=self.bias_constraint,
            )  # fmt: skip
        self.built = True

    def call(self, inputs):
        """The output [..., units] for inputs [..., n]."""
        rank = inputs.shape.ndims
        if rank > 2:
            outputs = tensordot(inputs, self.kernel, [[rank - 1], [0]])
            outputs.set_shape([*inputs.shape.as_list()[:-1], self.units])
        else:
            outputs = call("MatMul", cast(inputs, as_dtype(self.dtype)), self.kernel)
        if self.use_bias:
            outputs = bias_add(outputs, self.bias)
        return self.activation(outputs)

    def compute_output_shape(self, input_shape):
        """The output's shape for an input of that shape."""
        input_shape = TensorShape(input_shape).with_rank_at_least(2)
        if input_shape[-1].value is None:
            raise ValueError(f"The innermost dimension of input_shape must be defined, but saw: {input_shape}")
        return input_shape[:-1].concatenate(self.units)

    def get_config(self):
        """The arguments that make an equal layer."""
        parts = ("activation", "kernel_initializer", "bias_initializer", "kernel_regularizer", "bias_regularizer",
                 "activity_regularizer", "kernel_constraint", "bias_constraint")  # fmt: skip
        return {**super().get_config(), **identifiers.configuration(self, ("units", "use_bias"), parts)}


@export("layers.Dropout")
class Dropout(Layer):
    """Dropout: in training, elements are dropped at random and the rest is scaled so that the mean stays.

    Args:
      rate: the probability that an element is dropped.
      noise_shape: the shape of the random choices, which broadcast to the input; None for one each. A size of None is
        that of the input.
      seed: a seed for the random numbers.
      name: the layer's name.
    """

    def __init__(self, rate=0.5, noise_shape=None, seed=None, name=None, **kwargs):
        super().__init__(name=name, **kwargs)
        self.rate = rate
        self.noise_shape = noise_shape
        self.seed = seed
        self.supports_masking = True

    def _noise_shape_of(self, inputs):
        if self.noise_shape is None:
            return None
        sizes = shape(inputs)
        return to_tensor([sizes[i] if size is None else size for i, size in enumerate(self.noise_shape)])

    def call(self, inputs, training=False):
        """The inputs, elements dropped if `training`, a bool or bool scalar, is true."""

        def dropped():
            return dropout_ops.dropout(inputs, noise_shape=self._noise_shape_of(inputs), seed=self.seed, rate=self.rate)

        return smart_cond(training, dropped, lambda: identity(inputs))

    def compute_output_shape(self, input_shape):
        """The shape of the input."""
        return input_shape

    def get_config(self):
        """The arguments that make an equal layer."""
        return {**super().get_config(), "rate": self.rate, "noise_shape": self.noise_shape, "seed": self.seed}


@export("layers.Flatten")
class Flatten(Layer):
    """Flattens each example: [batch, ...] to [batch, n].

    Args:
      data_format: "channels_last" or "channels_first"; with the latter the channels are moved behind the rest before.
    """

    def __init__(self, data_format=None, **kwargs):
        super().__init__(**kwargs)
        self.data_format = normalize_data_format(data_format)
        self.input_spec = InputSpec(min_ndim=1)

    def call(self, inputs):
        """The inputs as [batch, n]."""
        rank = inputs.shape.ndims
        if self.data_format == "channels_first" and rank is not None and rank > 1:
            inputs = transpose(inputs, perm=[0, *range(2, rank), 1])
        outputs = reshape(inputs, (inputs.shape[0].value or shape(inputs)[0], -1))
        outputs.set_shape(self.compute_output_shape(inputs.shape))
        return outputs

    def compute_output_shape(self, input_shape):
        """The output's shape for an input of that shape."""
        first, *rest = TensorShape(input_shape).as_list()
        return TensorShape([first, int(np.prod(rest)) if all(rest) else None])

    def get_config(self):
        """The arguments that make an equal layer."""
        return {**super().get_config(), "data_format": self.data_format}


dense = functional_form("layers.dense", Dense, reuse="name")
dropout = functional_form("layers.dropout", Dropout, training="seed")


@export("layers.flatten")
def flatten(inputs, name=None, data_format="channels_last"):
    """Flattens each example: [batch, ...] to [batch, n].

    Args:
      inputs: a tensor of rank 1 or more.
      name: the layer's name.
      data_format: "channels_last" or "channels_first"; with the latter the channels are moved behind the rest before.

    Returns:
      The flattened tensor.
    """
    return Flatten(name=name, data_format=data_format)(inputs)
