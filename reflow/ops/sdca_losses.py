"""Losses of linear models as stochastic dual coordinate ascent needs them: primal, dual, and the step of one example.

Source: S. Shalev-Shwartz, T. Zhang, "Stochastic Dual Coordinate Ascent Methods for Regularized Loss Minimization"
(2013), section 5 (steps in closed form), and for the logistic and Poisson losses Newton's method on the dual.
"""

import math

from reflow.graph import errors

_NEWTON_STEPS = 10
_LARGEST = 1.7976931348623157e308
_TINY = 1e-300


class Loss:
    """One loss; `wx` is the model's linear prediction for an example, `norm` the example's squared norm over l2."""

    # An upper bound of the second derivative.
    smoothness = 1.0

    def label(self, label: float) -> float:
        """A label in the form that the loss wants.

        Raises:
          InvalidArgumentError: for a label that it does not know.
        """
        return label

    def step(self, label: float, weight: float, dual: float, wx: float, norm: float) -> float:
        """The dual variable after a step on one example; `norm` counts the partitions of the loss."""
        raise NotImplementedError

    def primal(self, wx: float, label: float, weight: float) -> float:
        """The weighted loss of a prediction."""
        raise NotImplementedError

    def dual(self, dual: float, label: float, weight: float) -> float:
        """The weighted value of the loss's conjugate."""
        raise NotImplementedError

    def derivative(self, wx: float, label: float) -> float:
        """The derivative of the loss by the prediction."""
        raise NotImplementedError


class SquaredLoss(Loss):
    """Half the squared difference."""

    def step(self, label, weight, dual, wx, norm):
        """In closed form."""
        return dual + (label - dual - wx) / (1 + norm * weight)

    def primal(self, wx, label, weight):
        """(label - wx)^2 / 2."""
        return 0.5 * (label - wx) ** 2 * weight

    def dual(self, dual, label, weight):
        """dual (dual / 2 - label)."""
        return dual * (0.5 * dual - label) * weight

    def derivative(self, wx, label):
        """wx - label."""
        return wx - label


class _Binary(Loss):
    def label(self, label):
        """-1 for 0, and 1."""
        if label not in (0, 1):
            raise errors.InvalidArgumentError(None, None, "Only labels of 0.0 or 1.0 are supported right now. Found "
                                              f"example with label: {label:g}")  # fmt: skip
        return 1.0 if label else -1.0


def _clipped(dual: float, label: float) -> float:
    """The dual variable with the label's sign, between 0 and 1."""
    return min(max(dual * label, 0.0), 1.0) * label


class HingeLoss(_Binary):
    """max(0, 1 - label wx)."""

    gamma = 0.0

    def step(self, label, weight, dual, wx, norm):
        """In closed form."""
        curvature = max(norm * weight + self.gamma, _TINY)  # An example without features has norm 0.
        return _clipped(dual + (label - wx - self.gamma * dual) / curvature, label)

    def primal(self, wx, label, weight):
        """max(0, 1 - label wx)."""
        return max(0.0, 1 - label * wx) * weight

    def dual(self, dual, label, weight):
        """-label dual, between 0 and 1."""
        return -dual * label * weight if 0 <= dual * label <= 1 else _LARGEST

    def derivative(self, wx, label):
        """-label where the loss is not 0."""
        return -label if label * wx < 1 else 0.0


class SmoothHingeLoss(HingeLoss):
    """The hinge loss with a parabola for its corner."""

    gamma = 1.0

    def primal(self, wx, label, weight):
        """0 from 1 on, (1 - label wx)^2 / 2 from 0 to 1, linear below."""
        margin = label * wx
        if margin >= 1:
            return 0.0
        return (0.5 * (1 - margin) ** 2 if margin > 0 else 0.5 - margin) * weight

    def dual(self, dual, label, weight):
        """-label dual + dual^2 / 2, between 0 and 1."""
        return (-dual * label + 0.5 * dual * dual) * weight if 0 <= dual * label <= 1 else _LARGEST

    def derivative(self, wx, label):
        """-label, less and less as the margin nears 1."""
        return -label * min(max(1 - label * wx, 0.0), 1.0)


class LogisticLoss(_Binary):
    """log(1 + exp(-label wx))."""

    smoothness = 4.0

    def step(self, label, weight, dual, wx, norm):
        """The dual variable is written as (1 + tanh x) / 2 label, and x is found by Newton's method."""
        x, scale = 0.0, norm * weight
        for _ in range(_NEWTON_STEPS):
            tanh = math.tanh(x)
            value = -2 * label * x - wx - scale * (0.5 * (1 + tanh) / label - dual)
            x -= value / (-2 * label - scale * (1 - tanh * tanh) * 0.5 / label)
        return 0.5 * (1 + math.tanh(x)) / label

    def primal(self, wx, label, weight):
        """log(1 + exp(-label wx)), without overflow."""
        margin = label * wx
        return (math.log1p(math.exp(-abs(margin))) + max(-margin, 0.0)) * weight

    def dual(self, dual, label, weight):
        """The negative entropy of label dual."""
        p = dual * label
        if not 0 <= p <= 1:
            return _LARGEST
        return ((p * math.log(p) if p else 0.0) + ((1 - p) * math.log(1 - p) if p < 1 else 0.0)) * weight

    def derivative(self, wx, label):
        """-label / (1 + exp(label wx))."""
        return -label * 0.5 * (1 - math.tanh(0.5 * label * wx))


class PoissonLoss(Loss):
    """exp(wx) - label wx."""

    def label(self, label):
        """A number that is not negative."""
        if label < 0:
            raise errors.InvalidArgumentError(None, None, "Only non-negative labels can be used with the Poisson log "
                                              f"loss. Found example with label: {label:g}")  # fmt: skip
        return label

    def step(self, label, weight, dual, wx, norm):
        """The dual variable is written as label - exp(x), and x is found by Newton's method."""
        rest, scale = label - dual, norm * weight
        x = math.log(rest) if rest > 0 else 0.0
        for _ in range(_NEWTON_STEPS):
            power = math.exp(x)
            x -= (x - wx - scale * (label - dual - power)) / (1 + scale * power)
        return label - math.exp(x)

    def primal(self, wx, label, weight):
        """exp(wx) - label wx."""
        return (math.exp(wx) - wx * label) * weight

    def dual(self, dual, label, weight):
        """r (log r - 1) for r = label - dual."""
        rest = label - dual
        if rest < 0:
            return _LARGEST
        return rest * (math.log(rest) - 1) * weight if rest else 0.0

    def derivative(self, wx, label):
        """exp(wx) - label."""
        return math.exp(wx) - label


LOSSES: dict[bytes, Loss] = {
    b"squared_loss": SquaredLoss(), b"hinge_loss": HingeLoss(), b"smooth_hinge_loss": SmoothHingeLoss(),
    b"logistic_loss": LogisticLoss(), b"poisson_loss": PoissonLoss(),
}  # fmt: skip
