"""Batch normalization: Ioffe and Szegedy, https://arxiv.org/abs/1502.03167; renorm: https://arxiv.org/abs/1702.03275."""

from typing import Any

from reflow.graph.context import colocate_with, name_scope
from reflow.graph.convert import to_tensor
from reflow.graph.dtypes import as_dtype, float16, float32
from reflow.graph.export import export
from reflow.graph.shapes import TensorShape
from reflow.layers import identifiers
from reflow.layers.functional import functional_form
from reflow.layers.input_spec import InputSpec
from reflow.layers.layer import Layer
from reflow.layers.renormalization import Renormalization
from reflow.layers.smart_cond import smart_cond, smart_constant_value
from reflow.ops import normalization as ops
from reflow.ops import state
from reflow.ops.casting import cast
from reflow.ops.constant import constant, ones_like, zeros_like
from reflow.ops.reduction import reduce_mean
from reflow.ops.shape_ops import reshape, shape
from reflow.variables.initializers import Ones, Zeros
from reflow.variables.synchronization import VariableAggregation, VariableSynchronization

_PARTS = (
    "beta_initializer", "gamma_initializer", "moving_mean_initializer", "moving_variance_initializer",
    "beta_regularizer", "gamma_regularizer", "beta_constraint", "gamma_constraint",
)  # fmt: skip


@export("layers.BatchNormalization")
class BatchNormalization(Renormalization, Layer):
    """Batch normalization: scales each channel to mean `beta` and standard deviation `gamma`.

    In training the moments are those of the batch, and moving averages follow them: their updates are added to
    collection UPDATE_OPS, which a training step has to run. Outside of training the moving averages are the moments.

    Args:
      axis: the axis of the channels, or a list of axes.
      momentum: how much of a moving average stays at an update.
      epsilon: what is added to the variance before its root is taken.
      center: whether there is a `beta`.
      scale: whether there is a `gamma`.
      beta_initializer, gamma_initializer: what initializes them.
      moving_mean_initializer, moving_variance_initializer: what initializes the moving averages.
      beta_regularizer, gamma_regularizer: functions from them to scalar losses.
      beta_constraint, gamma_constraint: functions that optimizers apply to them after an update.
      renorm: whether to correct the batch's moments toward moving ones (batch renormalization).
      renorm_clipping: a dict with bounds "rmax", "rmin", "dmax" of the correction, or None for none.
      renorm_momentum: how much of the moments that renorm keeps stays at an update.
      fused: False for single operations; None or True for one fused operation where it can be used.
      trainable: whether `beta` and `gamma` are trained.
      virtual_batch_size: the size of the parts of a batch that have moments of their own; None for the whole batch.
      adjustment: a function from the shape of the inputs to (scale, bias), applied in training before gamma and beta.
      name: the layer's name.

    Raises:
      TypeError: if `axis` is neither int nor list.
      ValueError: for wrong axes, sizes, or keys of `renorm_clipping`.
    """

    # A list of axes once the layer is built.
    axis: Any
    # Neutral values of what is not wanted, for the fused operation.
    _beta_const: Any
    _gamma_const: Any

    def __init__(self, axis=-1, momentum=0.99, epsilon=1e-3, center=True, scale=True, beta_initializer=Zeros(),  # noqa: B008
                 gamma_initializer=Ones(), moving_mean_initializer=Zeros(), moving_variance_initializer=Ones(),  # noqa: B008
                 beta_regularizer=None, gamma_regularizer=None, beta_constraint=None, gamma_constraint=None,
                 renorm=False, renorm_clipping=None, renorm_momentum=0.99, fused=None, trainable=True,
                 virtual_batch_size=None, adjustment=None, name=None, **kwargs):  # fmt: skip
        super().__init__(name=name, trainable=trainable, **kwargs)
        if not isinstance(axis, (int, list)):
            raise TypeError(f"axis must be int or list, type given: {type(axis)}")
        self.axis = axis[:] if isinstance(axis, list) else axis
        self.momentum = momentum
        self.epsilon = epsilon
        self.center = center
        self.scale = scale
        identifiers.set_parts(
            self, beta_initializer=beta_initializer, gamma_initializer=gamma_initializer,
            moving_mean_initializer=moving_mean_initializer, moving_variance_initializer=moving_variance_initializer,
            beta_regularizer=beta_regularizer, gamma_regularizer=gamma_regularizer, beta_constraint=beta_constraint,
            gamma_constraint=gamma_constraint,
        )  # fmt: skip
        self._set_renorm(renorm, renorm_clipping, renorm_momentum)
        self.fused = True if fused is None else fused
        self.virtual_batch_size = virtual_batch_size
        self.adjustment = adjustment
        self.supports_masking = True

    def _fused_can_be_used(self):
        return (not self.renorm and self.virtual_batch_size is None and self.adjustment is None
                and len(self.axis) == 1 and self.axis[0] in (1, 3))  # fmt: skip

    @property
    def _param_dtype(self):
        """The type of the parameters: at least float32."""
        dtype = as_dtype(self.dtype or float32)
        return float32 if dtype in (float16, as_dtype("bfloat16")) else dtype

    # --- variables ------------------------------------------------------------------------------------------------

    def build(self, input_shape):
        """Make gamma, beta and the moving averages."""
        input_shape = TensorShape(input_shape)
        if not input_shape.ndims:
            raise ValueError("Input has undefined rank:", input_shape)
        rank = input_shape.ndims
        self.axis = _settled_axes(self.axis, rank)
        self._check_virtual_batches()
        if self.fused:
            self.fused = rank == 4 and self._fused_can_be_used()
        if self.fused:
            self._data_format = "NCHW" if self.axis == [1] else "NHWC"
        sizes = {axis: input_shape[axis].value for axis in self.axis}
        if None in sizes.values():
            raise ValueError("Input has undefined `axis` dimension. Input shape: ", input_shape)
        self.input_spec = InputSpec(ndim=rank, axes=sizes)
        param_shape = self._shape_of_parameters(sizes, rank)
        self.gamma = self._parameter("gamma", param_shape, self.scale, 1.0)
        self.beta = self._parameter("beta", param_shape, self.center, 0.0)
        partitioner = self._scope.partitioner if self._scope else None
        if partitioner:
            self._scope.set_partitioner(None)
        try:
            self.moving_mean = self._moment("moving_mean", param_shape, self.moving_mean_initializer)
            self.moving_variance = self._moment("moving_variance", param_shape, self.moving_variance_initializer)
            if self.renorm:
                self._build_renorm(param_shape)
        finally:
            if partitioner:
                self._scope.set_partitioner(partitioner)
        self.built = True

    def _check_virtual_batches(self):
        if self.virtual_batch_size is None:
            return
        if self.virtual_batch_size <= 0:
            raise ValueError("virtual_batch_size must be a positive integer that divides the true batch size of the "
                             "input Tensor")  # fmt: skip
        if 0 in self.axis:
            raise ValueError("When using virtual_batch_size, the batch dimension must be 0 and thus axis cannot "
                             "include 0")  # fmt: skip
        if self.adjustment is not None:
            raise ValueError("When using virtual_batch_size, adjustment cannot be specified")

    def _shape_of_parameters(self, sizes, rank):
        if len(sizes) == 1 and self.virtual_batch_size is None:
            return tuple(sizes.values())
        result = [sizes.get(axis, 1) for axis in range(rank)]
        if self.virtual_batch_size is not None:
            result.insert(1, 1)
            # The batch becomes two axes: parts, and examples of a part.
            self.axis = [axis + 1 for axis in self.axis]
        return result

    def _parameter(self, name, param_shape, wanted, value):
        """A trained parameter; if it is not wanted None, or its neutral value for the fused operation."""
        if wanted:
            return self.add_weight(
                name=name, shape=param_shape, dtype=self._param_dtype, trainable=True,
                initializer=getattr(self, f"{name}_initializer"), regularizer=getattr(self, f"{name}_regularizer"),
                constraint=getattr(self, f"{name}_constraint"),
            )  # fmt: skip
        if self.fused:
            setattr(self, f"_{name}_const", constant(value, dtype=self._param_dtype, shape=param_shape))
        return None

    def _moment(self, name, param_shape, initializer):
        return self.add_weight(
            name=name, shape=param_shape, dtype=self._param_dtype, initializer=initializer, trainable=False,
            synchronization=VariableSynchronization.ON_READ, aggregation=VariableAggregation.MEAN,
        )  # fmt: skip

    def _assign_moving_average(self, variable, value, momentum):
        with name_scope("AssignMovingAvg") as scope, colocate_with(variable):
            base = variable.dtype.base_dtype
            decay = cast(to_tensor(1.0 - momentum, name="decay"), base)
            return state.assign_sub(variable, (variable - cast(value, base)) * decay, name=scope)

    # --- calling --------------------------------------------------------------------------------------------------

    def call(self, inputs, training=False):
        """The normalized inputs.

        Args:
          inputs: a tensor.
          training: a bool or bool scalar: whether to use the moments of the batch.
        """
        sizes = [-1, *inputs.shape.as_list()[1:]]
        if self.virtual_batch_size is not None:
            inputs = reshape(inputs, [self.virtual_batch_size, *sizes])
        outputs = self._fused(inputs, training) if self.fused else self._plain(inputs, training)
        return outputs if self.virtual_batch_size is None else reshape(outputs, sizes)

    def _fused(self, inputs, training):
        """Normalize by one operation, which also gives the moments of the batch."""
        beta = self.beta if self.center else self._beta_const
        gamma = self.gamma if self.scale else self._gamma_const
        options = {"epsilon": self.epsilon, "data_format": self._data_format}

        def in_training():
            return ops.fused_batch_norm(inputs, gamma, beta, **options)

        def in_inference():
            return ops.fused_batch_norm(inputs, gamma, beta, mean=self.moving_mean, variance=self.moving_variance,
                                        is_training=False, **options)  # fmt: skip

        outputs, mean, variance = smart_cond(training, in_training, in_inference)
        known = smart_constant_value(training)
        if known is None:
            momentum = smart_cond(training, lambda: self.momentum, lambda: 1.0)
        else:
            momentum = to_tensor(self.momentum)
        if known is not False:
            self.add_update(lambda: self._assign_moving_average(self.moving_mean, mean, momentum))
            self.add_update(lambda: self._assign_moving_average(self.moving_variance, variance, momentum))
        return outputs

    def _plain(self, inputs, training):
        """Normalize by single operations."""
        rank = inputs.shape.ndims
        reduced = [axis for axis in range(rank) if axis not in self.axis]
        if self.virtual_batch_size is not None:
            del reduced[1]
        spread = [1] * rank
        spread[self.axis[0]] = inputs.shape[self.axis[0]].value

        def broadcast(value):
            if value is None or value.shape.ndims == rank or reduced == list(range(rank - 1)):
                return value
            return reshape(value, spread)

        scale, offset = broadcast(self.gamma), broadcast(self.beta)
        if smart_constant_value(training) is False:
            mean, variance = self.moving_mean, self.moving_variance
        else:
            mean, variance, scale, offset = self._training_moments(inputs, training, reduced, scale, offset, broadcast)
        dtype = inputs.dtype
        mean, variance = cast(mean, dtype), cast(variance, dtype)
        offset = None if offset is None else cast(offset, dtype)
        scale = None if scale is None else cast(scale, dtype)
        outputs = ops.batch_normalization(inputs, broadcast(mean), broadcast(variance), offset, scale, self.epsilon)
        outputs.set_shape(inputs.shape)
        return outputs

    def _training_moments(self, inputs, training, reduced, scale, offset, broadcast):
        """The moments where training may be true, with adjusted scale and offset; adds the updates."""
        if self.adjustment:
            scale, offset = self._adjusted(inputs, training, scale, offset)
        keep = self.virtual_batch_size is not None or len(self.axis) > 1
        batch_mean, batch_variance = ops.moments(cast(inputs, self._param_dtype), reduced, keep_dims=keep)
        mean = smart_cond(training, lambda: batch_mean, lambda: to_tensor(self.moving_mean))
        variance = smart_cond(training, lambda: batch_variance, lambda: to_tensor(self.moving_variance))
        new_mean, new_variance = mean, variance
        if self.virtual_batch_size is not None:
            new_mean = reduce_mean(mean, axis=1, keepdims=True)
            new_variance = reduce_mean(variance, axis=1, keepdims=True)
        if self.renorm:
            r, d, new_mean, new_variance = self._renorm_correction(new_mean, new_variance, training, broadcast)
            scale, offset = _composed(r, d, scale, offset)

        def update_mean():
            return self._assign_moving_average(self.moving_mean, new_mean, self.momentum)

        def update_variance():
            if self.renorm:
                return self._renorm_update_of_variance(new_variance)
            return self._assign_moving_average(self.moving_variance, new_variance, self.momentum)

        self.add_update(lambda: smart_cond(training, update_mean, lambda: self.moving_mean))
        self.add_update(lambda: smart_cond(training, update_variance, lambda: self.moving_variance))
        return mean, variance, scale, offset

    def _adjusted(self, inputs, training, scale, offset):
        by_scale, by_bias = self.adjustment(shape(inputs))
        by_scale = smart_cond(training, lambda: by_scale, lambda: ones_like(by_scale))
        by_bias = smart_cond(training, lambda: by_bias, lambda: zeros_like(by_bias))
        return _composed(by_scale, by_bias, scale, offset)

    def compute_output_shape(self, input_shape):
        """The shape of the input."""
        return input_shape

    def get_config(self):
        """The arguments that make an equal layer; `adjustment` is left out."""
        config = identifiers.configuration(self, ("axis", "momentum", "epsilon", "center", "scale"), _PARTS)
        if self.renorm:
            config.update(renorm=True, renorm_clipping=self.renorm_clipping, renorm_momentum=self.renorm_momentum)
        if self.virtual_batch_size is not None:
            config["virtual_batch_size"] = self.virtual_batch_size
        return {**super().get_config(), **config}


def _settled_axes(axis, rank):
    """The axes as a list of numbers from 0."""
    axes = [axis] if isinstance(axis, int) else axis
    axes = [rank + a if a < 0 else a for a in axes]
    for each in axes:
        if each < 0 or each >= rank:
            raise ValueError(f"Invalid axis: {each}")
    if len(axes) != len(set(axes)):
        raise ValueError(f"Duplicate axis: {axes}")
    return axes


def _composed(scale, offset, then_scale, then_offset):
    """Scale and offset of one affine function after another; the second may lack either."""
    if then_scale is not None:
        scale, offset = scale * then_scale, offset * then_scale
    return scale, offset if then_offset is None else offset + then_offset


batch_normalization = functional_form(
    "layers.batch_normalization", BatchNormalization,
    moved_last=("renorm", "renorm_clipping", "renorm_momentum", "fused", "virtual_batch_size", "adjustment"),
    training="gamma_constraint", reuse="name",
)  # fmt: skip
