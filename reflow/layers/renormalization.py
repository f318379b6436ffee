"""Batch renormalization, https://arxiv.org/abs/1702.03275: the batch's moments are corrected toward moving ones."""

from collections.abc import Callable
from typing import Any

from reflow.graph.context import colocate_with, control_dependencies, name_scope
from reflow.layers.smart_cond import smart_cond
from reflow.ops import elementwise, state
from reflow.ops.activations import relu
from reflow.ops.arithmetic import maximum, minimum
from reflow.ops.constant import ones_like, zeros_like
from reflow.ops.identity import identity, stop_gradient


class Renormalization:
    """The part of `BatchNormalization` that corrects moments."""

    # What BatchNormalization sets and defines.
    epsilon: Any
    momentum: Any
    moving_mean: Any
    moving_variance: Any
    moving_mean_initializer: Callable
    moving_variance_initializer: Callable
    _moment: Callable
    _assign_moving_average: Callable

    def _set_renorm(self, renorm, clipping, momentum):
        self.renorm = renorm
        if not renorm:
            return
        allowed = ["rmax", "rmin", "dmax"]
        if set(clipping or {}) - set(allowed):
            raise ValueError(f"renorm_clipping {clipping} contains keys not in {allowed}")
        self.renorm_clipping = clipping or {}
        self.renorm_momentum = momentum

    def _build_renorm(self, param_shape):
        """Make the moving moments that the batch's are corrected toward."""

        def initial_stddev(*args, **kwargs):
            return elementwise.sqrt(self.moving_variance_initializer(*args, **kwargs))

        with colocate_with(self.moving_variance):
            self.moving_stddev = self._moment("moving_stddev", param_shape, initial_stddev)
        with colocate_with(self.moving_mean):
            self.renorm_mean = self._moment("renorm_mean", param_shape, self.moving_mean_initializer)
        with colocate_with(self.moving_stddev):
            self.renorm_stddev = self._moment("renorm_stddev", param_shape, initial_stddev)

    def _renorm_correction(self, mean, variance, training, broadcast):
        """(scale, offset) of the correction, and the moments after the moving ones were updated."""
        stddev = elementwise.sqrt(variance + self.epsilon)
        moving_stddev = maximum(self.renorm_stddev, elementwise.sqrt(self.epsilon))
        r = stddev / moving_stddev
        d = (mean - self.renorm_mean) / moving_stddev
        # The correction is made before the updates below change what it is made of.
        with control_dependencies([r, d]):
            mean, stddev = identity(mean), identity(stddev)
        r, d = self._clipped(r, d)
        r, d = _in_training(training, r, ones_like), _in_training(training, d, zeros_like)
        updates = [self._update_renorm(self.renorm_mean, mean, training),
                   self._update_renorm(self.renorm_stddev, stddev, training)]  # fmt: skip
        with control_dependencies(updates):
            mean, variance = identity(mean), identity(variance)
        r = broadcast(stop_gradient(r, name="renorm_r"))
        return r, broadcast(stop_gradient(d, name="renorm_d")), mean, variance

    def _clipped(self, r, d):
        rmin, rmax, dmax = (self.renorm_clipping.get(key) for key in ("rmin", "rmax", "dmax"))
        if rmin is not None:
            r = maximum(r, rmin)
        if rmax is not None:
            r = minimum(r, rmax)
        if dmax is not None:
            d = minimum(maximum(d, -dmax), dmax)
        return r, d

    def _update_renorm(self, variable, value, training):
        value = identity(value)

        def update():
            return self._assign_moving_average(variable, value, self.renorm_momentum)

        return smart_cond(training, update, lambda: identity(variable))

    def _renorm_update_of_variance(self, variance):
        stddev = self._assign_moving_average(
            self.moving_stddev, elementwise.sqrt(variance + self.epsilon), self.momentum
        )  # fmt: skip
        return self._assign_new_value(self.moving_variance, relu(stddev * stddev - self.epsilon))

    def _assign_new_value(self, variable, value):
        with name_scope("AssignNewValue") as scope, colocate_with(variable):
            return state.assign(variable, value, name=scope)


def _in_training(training, value, neutral):
    return smart_cond(training, lambda: value, lambda: neutral(value))
