"""Batch normalization: Ioffe and Szegedy, https://arxiv.org/abs/1502.03167.

The usual case is the layer of `tf.layers`. Updates at once, weighted examples and averages without bias are made here,
by one fused operation where it can be used and else by single ones.
"""

from reflow.contrib.framework.arg_scope import add_arg_scope
from reflow.contrib.framework.variables import model_variable
from reflow.contrib.layers import layer_parts
from reflow.contrib.layers.conditions import constant_value, smart_cond
from reflow.graph.collections import GraphKeys
from reflow.graph.context import control_dependencies
from reflow.graph.convert import to_tensor
from reflow.graph.dtypes import float32
from reflow.graph.export import export
from reflow.graph.graph import get_default_graph
from reflow.layers.normalization import BatchNormalization
from reflow.ops import normalization as ops
from reflow.ops.constant import constant
from reflow.ops.identity import identity
from reflow.ops.shape_ops import reshape, shape
from reflow.train.moving_averages import assign_moving_average
from reflow.variables.initializers import Ones, Zeros
from reflow.variables.variable_scope import get_variable_scope, variable_scope


@export("contrib.layers.batch_norm")
@add_arg_scope
def batch_norm(inputs, decay=0.999, center=True, scale=False, epsilon=0.001, activation_fn=None,
               param_initializers=None, param_regularizers=None, updates_collections=GraphKeys.UPDATE_OPS,
               is_training=True, reuse=None, variables_collections=None, outputs_collections=None, trainable=True,
               batch_weights=None, fused=None, data_format="NHWC", zero_debias_moving_mean=False, scope=None,
               renorm=False, renorm_clipping=None, renorm_decay=0.99, adjustment=None):  # fmt: skip
    """Batch normalization: scales each channel to mean `beta` and standard deviation `gamma`.

    In training the moments are those of the batch, and moving averages follow them; else the averages are the moments.

    Args:
      inputs: a floating tensor [batch, *space, channels] (by `data_format`); the channels have to be known.
      decay: how much of a moving average stays at an update.
      center: whether there is a `beta`.
      scale: whether there is a `gamma`.
      epsilon: what is added to the variance before its root is taken.
      activation_fn: a function of the output, or None.
      param_initializers: a dict of initializers for "beta", "gamma", "moving_mean", "moving_variance".
      param_regularizers: a dict of regularizers for "beta" and "gamma".
      updates_collections: the collections that get the updates of the averages, which a training step has to run; None
        to update whenever the output is computed.
      is_training: a bool or bool scalar.
      reuse: True to find the variables of an earlier layer in `scope`.
      variables_collections: a list of collections for the variables, or a dict of lists by name.
      outputs_collections: collections for the output.
      trainable: whether `beta` and `gamma` are trained.
      batch_weights: a weight for each example in the moments [batch], or None.
      fused: False for single operations; None or True for one fused operation where it can be used.
      data_format: "NHWC" or "NCHW".
      zero_debias_moving_mean: correct the moving mean for its beginning with 0.
      scope: a variable scope or its name; "BatchNorm" made unique if None.
      renorm, renorm_clipping, renorm_decay, adjustment: as for `tf.layers.batch_normalization`.

    Returns:
      The normalized inputs.

    Raises:
      ValueError: if the rank or the number of channels is not known, or options exclude each other.
    """
    inputs = to_tensor(inputs)
    rank = inputs.get_shape().ndims
    plain_updates = updates_collections is GraphKeys.UPDATE_OPS and not zero_debias_moving_mean
    can_fuse = batch_weights is None and not renorm and rank in (2, 4) and adjustment is None
    layer_parts.check_data_format(data_format, "NCHW", "NHWC")
    options = _Options(decay, center, scale, epsilon, param_initializers or {}, param_regularizers or {},
                       updates_collections, is_training, variables_collections, trainable, data_format,
                       zero_debias_moving_mean)  # fmt: skip
    if fused is not False and can_fuse and (rank == 2 or not plain_updates):
        with variable_scope(scope, "BatchNorm", [inputs], reuse=reuse) as sc:
            outputs = _fused(inputs, options)
            return layer_parts.finish(outputs, activation_fn, outputs_collections, sc.name)
    with variable_scope(scope, "BatchNorm", [inputs], reuse=reuse, custom_getter=layer_parts.renaming_getter()) as sc:
        if batch_weights is None and plain_updates:
            outputs = _by_core_layer(inputs, options, sc, reuse, fused, renorm, renorm_clipping, renorm_decay,
                                     adjustment)  # fmt: skip
        elif renorm:
            raise ValueError("renorm is not supported with batch_weights, updates_collections or "
                             "zero_debias_moving_mean")  # fmt: skip
        else:
            outputs = _by_single_operations(inputs, batch_weights, options)
        return layer_parts.finish(outputs, activation_fn, outputs_collections, sc.name)


class _Options:
    """The arguments of `batch_norm` that all ways to compute it look at."""

    def __init__(self, decay, center, scale, epsilon, initializers, regularizers, updates_collections, is_training,
                 variables_collections, trainable, data_format, zero_debias):  # fmt: skip
        self.decay = decay
        self.center = center
        self.scale = scale
        self.epsilon = epsilon
        self.initializers = initializers
        self.regularizers = regularizers
        self.updates_collections = updates_collections
        self.is_training = is_training
        self.variables_collections = variables_collections
        self.trainable = trainable
        self.data_format = data_format
        self.zero_debias = zero_debias

    @property
    def channels_first(self):
        return self.data_format == "NCHW"

    def variable(self, name, initializer, shape, dtype, trainable, regularizer=None):
        """The model variable of that name, with the initializer given for it."""
        return model_variable(
            name, shape=shape, dtype=dtype, initializer=self.initializers.get(name, initializer),
            regularizer=regularizer, trainable=trainable,
            collections=layer_parts.get_variable_collections(self.variables_collections, name),
        )  # fmt: skip

    def moving_moments(self, shape, dtype):
        """The moving averages of mean and variance; they are never partitioned."""
        with variable_scope(get_variable_scope()) as local_scope:
            local_scope.set_partitioner(None)
            return (self.variable("moving_mean", Zeros(), shape, dtype, False),
                    self.variable("moving_variance", Ones(), shape, dtype, False))  # fmt: skip

    def may_train(self):
        """False if it is known that this is not training."""
        known = constant_value(self.is_training)
        return known is None or bool(known)


def _by_core_layer(inputs, options, sc, reuse, fused, renorm, renorm_clipping, renorm_decay, adjustment):
    get, regularizers = options.initializers.get, options.regularizers
    layer = BatchNormalization(
        axis=1 if options.channels_first else -1, momentum=options.decay, epsilon=options.epsilon,
        center=options.center, scale=options.scale, beta_initializer=get("beta", Zeros()),
        gamma_initializer=get("gamma", Ones()), moving_mean_initializer=get("moving_mean", Zeros()),
        moving_variance_initializer=get("moving_variance", Ones()), beta_regularizer=regularizers.get("beta"),
        gamma_regularizer=regularizers.get("gamma"), trainable=options.trainable, renorm=renorm,
        renorm_clipping=renorm_clipping, renorm_momentum=renorm_decay, adjustment=adjustment, name=sc.name, _scope=sc,
        _reuse=reuse, fused=True if fused is None else fused,
    )  # fmt: skip
    outputs = layer(inputs, training=options.is_training)
    for name in ("moving_mean", "moving_variance", "beta", "gamma"):
        if getattr(layer, name) is not None:
            layer_parts.add_to_collections(getattr(layer, name), options.variables_collections, name)
    return outputs


# --- fused --------------------------------------------------------------------------------------------------------


def _fused(inputs, options):
    original_inputs, channels = inputs, _channels_of(inputs, options)
    if inputs.shape.ndims == 2:
        inputs = reshape(inputs, [-1, channels, 1, 1] if options.channels_first else [-1, 1, 1, channels])
    params_shape = inputs.shape[1:2] if options.channels_first else inputs.shape[-1:]
    beta = _fused_parameter("beta", options.center, Zeros(), 0.0, params_shape, options)
    gamma = _fused_parameter("gamma", options.scale, Ones(), 1.0, params_shape, options)
    moving_mean, moving_variance = options.moving_moments(params_shape, float32)
    settings = {"epsilon": options.epsilon, "data_format": options.data_format}

    def in_training():
        return ops.fused_batch_norm(inputs, gamma, beta, **settings)

    def in_inference():
        return ops.fused_batch_norm(inputs, gamma, beta, mean=moving_mean, variance=moving_variance,
                                    is_training=False, **settings)  # fmt: skip

    outputs, mean, variance = smart_cond(options.is_training, in_training, in_inference)
    if options.may_train():
        updates = _Updates(moving_mean, moving_variance, mean, variance, options)
        if options.updates_collections is None:
            outputs = updates.before(outputs)
        else:
            updates.collect()
    outputs.set_shape(inputs.shape)
    return outputs if original_inputs is inputs else reshape(outputs, shape(original_inputs))


def _channels_of(inputs, options):
    axis = 1 if options.channels_first and inputs.shape.ndims == 4 else -1
    channels = inputs.shape[axis].value
    if channels is None and inputs.shape.ndims == 2:
        raise ValueError("`C` dimension must be known but is None")
    if channels is None:
        raise ValueError(f"Inputs {inputs.name} has undefined `C` dimension {inputs.shape[axis]}.")
    return channels


def _fused_parameter(name, wanted, initializer, neutral, params_shape, options):
    if not wanted:
        return constant(neutral, dtype=float32, shape=params_shape)
    return options.variable(name, initializer, params_shape, float32, options.trainable,
                            options.regularizers.get(name))  # fmt: skip


class _Updates:
    """The updates of the moving averages of mean and variance."""

    def __init__(self, moving_mean, moving_variance, mean, variance, options):
        self._moving = moving_mean, moving_variance
        self._options = options
        self._moments = mean, variance

    def _made(self):
        decays = self._options.zero_debias, False
        return tuple(
            assign_moving_average(moving, moment, self._options.decay, zero_debias=debias)
            for moving, moment, debias in zip(self._moving, self._moments, decays, strict=True)
        )  # fmt: skip

    def before(self, outputs):
        """The outputs, computed after the updates."""

        def updated():
            with control_dependencies(self._made()):
                return identity(outputs)

        return smart_cond(self._options.is_training, updated, lambda: outputs)

    def moments_after(self):
        """(mean, variance) to normalize by, computed after the updates in training."""
        mean, variance = self._moments

        def updated():
            with control_dependencies(self._made()):
                return identity(mean), identity(variance)

        return smart_cond(self._options.is_training, updated, lambda: self._moving)

    def collect(self):
        """Add the updates to their collections."""
        for update in smart_cond(self._options.is_training, self._made, lambda: self._moving):
            get_default_graph().add_to_collections(self._options.updates_collections, update)


# --- single operations --------------------------------------------------------------------------------------------


def _by_single_operations(inputs, batch_weights, options):
    rank = inputs.shape.ndims
    if rank is None:
        raise ValueError(f"Inputs {inputs.name} has undefined rank.")
    dtype = inputs.dtype.base_dtype
    if batch_weights is not None:
        batch_weights = to_tensor(batch_weights)
        inputs.shape[0:1].assert_is_compatible_with(batch_weights.get_shape())
        batch_weights = reshape(batch_weights, [-1] + [1] * (rank - 1))
    params_shape = inputs.shape[1:2] if options.channels_first else inputs.shape[-1:]
    if not params_shape.is_fully_defined():
        raise ValueError(f"Inputs {inputs.name} has undefined channels dimension {params_shape}.")
    beta = gamma = None
    if options.center:
        beta = options.variable("beta", Zeros(), params_shape, dtype, options.trainable)
    if options.scale:
        gamma = options.variable("gamma", Ones(), params_shape, dtype, options.trainable)
    mean, variance = options.moving_moments(params_shape, dtype)
    if options.may_train():
        mean, variance = _training_moments(inputs, batch_weights, mean, variance, options)
    if options.channels_first:
        spread = [1, inputs.shape[1].value] + [1] * (rank - 2)
        mean, variance, beta, gamma = (v if v is None else reshape(v, spread) for v in (mean, variance, beta, gamma))
    outputs = ops.batch_normalization(inputs, mean, variance, beta, gamma, options.epsilon)
    outputs.set_shape(inputs.shape)
    return outputs


def _training_moments(inputs, batch_weights, moving_mean, moving_variance, options):
    """The moments to normalize by where it may be training; adds the updates."""
    rank = inputs.shape.ndims
    axes = [0, *range(2, rank)] if options.channels_first else list(range(rank - 1))
    keep = {"keep_dims": True} if options.channels_first else {}
    if batch_weights is None:
        mean, variance = ops.moments(inputs, axes, **keep)
    else:
        mean, variance = ops.weighted_moments(inputs, axes, batch_weights, **keep)
    if options.channels_first:
        mean, variance = reshape(mean, [-1]), reshape(variance, [-1])
    updates = _Updates(moving_mean, moving_variance, mean, variance, options)
    if options.updates_collections is None:
        return updates.moments_after()
    updates.collect()
    return smart_cond(options.is_training, lambda: (mean, variance), lambda: (moving_mean, moving_variance))
