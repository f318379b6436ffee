"""Generalized divisive normalization, https://arxiv.org/abs/1511.06281."""

from reflow.gradient_registry import RegisterGradient
from reflow.graph.context import name_scope
from reflow.graph.convert import to_tensor
from reflow.graph.dtypes import as_dtype
from reflow.graph.export import export
from reflow.graph.graph import get_default_graph
from reflow.graph.shapes import TensorShape
from reflow.layers.input_spec import InputSpec
from reflow.layers.layer import Layer
from reflow.ops import elementwise
from reflow.ops.arithmetic import maximum
from reflow.ops.bias import bias_add
from reflow.ops.casting import cast
from reflow.ops.comparison import logical_or
from reflow.ops.constant import constant, ones
from reflow.ops.convolution import convolution
from reflow.ops.linalg import eye
from reflow.ops.shape_ops import expand_dims, reshape, shape, squeeze

_CHANNEL_AXES = {"channels_first": 1, "channels_last": -1}


@RegisterGradient("GDNLowerBound")
def _lower_bound_gradient(op, grad):
    """A parameter at its bound still moves away from it."""
    inputs, bound = op.inputs
    passes = logical_or(inputs >= bound, grad < 0)
    return [cast(passes, grad.dtype) * grad, None]


def _lower_bound(inputs, bound):
    with name_scope(None, "GDNLowerBound", [inputs, bound]) as scope:
        inputs, bound = to_tensor(inputs, name="inputs"), to_tensor(bound, name="bound")
        with get_default_graph().gradient_override_map({"Maximum": "GDNLowerBound"}):
            return maximum(inputs, bound, name=scope)


@export("contrib.layers.GDN")
class GDN(Layer):
    """Generalized divisive normalization: x_i / sqrt(beta_i + sum_j gamma_ij x_j²), over channels.

    Args:
      inverse: multiply by the root instead of dividing.
      beta_min: the least value of `beta`.
      gamma_init: what the diagonal of `gamma` begins with.
      reparam_offset: the offset of the parameters whose squares are `beta` and `gamma`.
      data_format: "channels_last" or "channels_first".
      activity_regularizer: a function from the output to a scalar loss.
      trainable: whether the variables are trained.
      name: the layer's name.

    Raises:
      ValueError: for an unknown `data_format`, or if the number of channels of the inputs is not known.
    """

    def __init__(self, inverse=False, beta_min=1e-6, gamma_init=0.1, reparam_offset=2**-18,
                 data_format="channels_last", activity_regularizer=None, trainable=True, name=None,
                 **kwargs):  # fmt: skip
        super().__init__(trainable=trainable, name=name, activity_regularizer=activity_regularizer, **kwargs)
        if data_format not in _CHANNEL_AXES:
            raise ValueError(f"Unsupported `data_format` for GDN layer: {data_format}.")
        self.inverse = inverse
        self._beta_min = beta_min
        self._gamma_init = gamma_init
        self._reparam_offset = reparam_offset
        self.data_format = data_format
        self.input_spec = InputSpec(min_ndim=3, max_ndim=5)

    def build(self, input_shape):
        """Make the variables."""
        axis = _CHANNEL_AXES[self.data_format]
        input_shape = TensorShape(input_shape)
        channels = input_shape[axis].value
        if channels is None:
            raise ValueError("The channel dimension of the inputs to `GDN` must be defined.")
        self._input_rank = input_shape.ndims
        self.input_spec = InputSpec(ndim=input_shape.ndims, axes={axis: channels})
        pedestal = constant(self._reparam_offset**2, dtype=self.dtype)
        beta_bound = constant((self._beta_min + self._reparam_offset**2) ** 0.5, dtype=self.dtype)
        gamma_bound = constant(self._reparam_offset, dtype=self.dtype)
        beta = self.add_variable("reparam_beta", shape=[channels], initializer=self._initial_beta, dtype=self.dtype,
                                 trainable=True)  # fmt: skip
        self.beta = elementwise.square(_lower_bound(beta, beta_bound)) - pedestal
        gamma = self.add_variable("reparam_gamma", shape=[channels, channels], initializer=self._initial_gamma,
                                  dtype=self.dtype, trainable=True)  # fmt: skip
        self.gamma = elementwise.square(_lower_bound(gamma, gamma_bound)) - pedestal
        self.built = True

    def _initial_beta(self, shape, dtype=None, partition_info=None):
        pedestal = constant(self._reparam_offset**2, dtype=self.dtype)
        return elementwise.sqrt(ones(shape, dtype=dtype) + pedestal)

    def _initial_gamma(self, shape, dtype=None, partition_info=None):
        identity = eye(shape[0], dtype=dtype)
        pedestal = constant(self._reparam_offset**2, dtype=self.dtype)
        return elementwise.sqrt(self._gamma_init * identity + pedestal)

    def call(self, inputs):
        """The normalized inputs."""
        inputs = to_tensor(inputs, dtype=as_dtype(self.dtype))
        rank = self._input_rank
        gamma = reshape(self.gamma, (rank - 2) * [1] + self.gamma.get_shape().as_list())
        if self.data_format == "channels_first":
            pool = convolution(elementwise.square(inputs), gamma, "VALID", data_format="NC" + "DHW"[-(rank - 2) :])
            pool = self._add_beta_to_first(pool, rank)
        else:
            pool = convolution(elementwise.square(inputs), gamma, "VALID")
            pool = bias_add(pool, self.beta, data_format="NHWC")
        pool = elementwise.sqrt(pool)
        outputs = inputs * pool if self.inverse else inputs / pool
        outputs.set_shape(inputs.get_shape())
        return outputs

    def _add_beta_to_first(self, pool, rank):
        """The bias is added to images: sequences become ones of height 1, volumes ones of another width."""
        if rank == 3:
            return squeeze(bias_add(expand_dims(pool, 2), self.beta, data_format="NCHW"), [2])
        if rank == 4:
            return bias_add(pool, self.beta, data_format="NCHW")
        from reflow.ops.joining import concat

        sizes = shape(pool)
        flat = reshape(pool, concat([sizes[:3], [-1]], 0))
        return reshape(bias_add(flat, self.beta, data_format="NCHW"), sizes)

    def compute_output_shape(self, input_shape):
        """The shape of the input."""
        input_shape = TensorShape(input_shape)
        if input_shape.ndims is None or not 3 <= input_shape.ndims <= 5:
            raise ValueError("`input_shape` must be of rank 3 to 5, inclusive.")
        if input_shape[_CHANNEL_AXES[self.data_format]].value is None:
            raise ValueError("The channel dimension of `input_shape` must be defined.")
        return input_shape


@export("contrib.layers.gdn")
def gdn(inputs, inverse=False, beta_min=1e-6, gamma_init=0.1, reparam_offset=2**-18, data_format="channels_last",
        activity_regularizer=None, trainable=True, name=None, reuse=None):  # fmt: skip
    """Generalized divisive normalization: makes a `GDN` layer and applies it.

    Args:
      inputs: a floating tensor [batch, *space, channels] (by `data_format`) of rank 3 to 5.
      inverse, beta_min, gamma_init, reparam_offset, data_format, activity_regularizer, trainable, name: see `GDN`.
      reuse: True to find the variables of an earlier layer of that name.

    Returns:
      A tensor of the shape of `inputs`.
    """
    layer = GDN(inverse, beta_min, gamma_init, reparam_offset, data_format, activity_regularizer, trainable, name,
                dtype=inputs.dtype.base_dtype, _scope=name, _reuse=reuse)  # fmt: skip
    return layer(inputs)
