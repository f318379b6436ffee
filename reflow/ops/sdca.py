"""Stochastic dual coordinate ascent on linear models: SdcaOptimizer and its kin.

Examples are taken one after another, in their order; with `adaptive`, in falling order of how much they promise.
TensorFlow takes them in an order that is random each time, on several threads. As there, a call goes over the examples
once, whatever `num_inner_iterations` says.
"""

import numpy as np
import torch

from reflow.graph import errors
from reflow.graph.build import call
from reflow.graph.export import export
from reflow.graph.registry import define_op
from reflow.graph.shapes import Dims
from reflow.ops.fingerprint128 import fingerprint128
from reflow.ops.sdca_losses import LOSSES
from reflow.ops.shape_rules import no_outputs, with_rank
from reflow.ops.torch_types import array_of


def _invalid(message: str):
    return errors.InvalidArgumentError(None, None, message)


# --- the problem --------------------------------------------------------------------------------------------------


class _SparseGroup:
    """A group of sparse features: for each example, places in the group's weights and values there."""

    def __init__(self, example_indices, feature_indices, values, indices, weights, count):
        self.weights = array_of(weights).reshape(-1)
        self.delta = np.zeros(self.weights.shape)
        places = self._places(array_of(feature_indices), array_of(indices))
        values = np.ones(len(places), np.float32) if values is None else array_of(values)
        examples = array_of(example_indices)
        if not len(examples) == len(places) == len(values):
            raise _invalid("The sparse features of an example have indices and values of different numbers")
        if len(examples) and not 0 <= examples.min() <= examples.max() < count:
            raise _invalid(f"Example indices should be in [0, {count})")
        order = np.argsort(examples, kind="stable")
        ends = np.searchsorted(examples[order], np.arange(count + 1))
        parts = [order[start:end] for start, end in zip(ends[:-1], ends[1:], strict=True)]
        self.examples = [(places[part], values[part].astype(np.float64)) for part in parts]

    def _places(self, features, indices):
        """Where the features' weights stand."""
        order = np.argsort(indices, kind="stable")
        found = np.searchsorted(indices[order], features)
        if len(features) and ((found >= len(indices)).any() or (indices[order[found]] != features).any()):
            raise _invalid("Feature indices should be among the indices of the weights")
        return order[found]


class _DenseGroup:
    """A group of dense features: a row of values for each example."""

    def __init__(self, features, weights, count):
        rows = array_of(features)
        if rows.ndim != 2 or len(rows) != count:
            raise _invalid(f"Dense features should be a matrix of {count} rows")
        self.weights = array_of(weights).reshape(-1)
        self.delta = np.zeros(self.weights.shape)
        everywhere = np.arange(rows.shape[1])
        self.examples = [(everywhere, row.astype(np.float64)) for row in rows]


class _Problem:
    """Examples, weights and regularization of one call.

    Args:
      groups: of features.
      l1, l2: factors of the regularization.
      partitions: how many parts of the loss are optimized at the same time.
    """

    def __init__(self, groups, l1: float, l2: float, partitions: int):
        self._groups = groups
        self._l2 = l2
        self._shrinkage = l1 / l2
        self._partitions = partitions

    def norm(self, example: int) -> float:
        """The squared norm of an example."""
        return sum(float(np.dot(x, x)) for x in (group.examples[example][1] for group in self._groups))

    def predictions(self, example: int) -> tuple[float, float]:
        """The model's linear prediction before this call, and as it is now."""
        before = now = 0.0
        for group in self._groups:
            places, values = group.examples[example]
            weights = group.weights[places].astype(np.float64)
            before += float(np.dot(values, self._shrunk(weights)))
            now += float(np.dot(values, self._shrunk(weights + group.delta[places] * self._partitions)))
        return before, now

    def _shrunk(self, weights):
        return np.sign(weights) * np.maximum(np.abs(weights) - self._shrinkage, 0.0)

    def improve(self, example: int, loss, label: float, weight: float, dual: float) -> tuple[float, float]:
        """Take a step on an example; (its dual variable after it, the prediction before the call)."""
        before, now = self.predictions(example)
        norm = self._partitions * self.norm(example) / self._l2
        new = loss.step(label, weight, dual, now, norm)
        for group in self._groups:
            places, values = group.examples[example]
            np.add.at(group.delta, places, (new - dual) * weight / self._l2 * values)
        return new, before

    def promise(self, example: int, loss, label: float, weight: float, dual: float) -> float:
        """How much a step on an example promises."""
        gap = dual + loss.derivative(self.predictions(example)[1], label)
        return weight * (self.norm(example) + self._l2 * loss.smoothness) ** 0.5 * abs(gap)


def _optimize(problem, loss, labels, weights, state, is_adaptive: bool):
    """Improve the weights; the examples' new state [examples, 4]: dual, primal loss, dual loss, weight."""
    labels = [loss.label(float(label)) for label in labels]
    order = list(range(len(weights)))
    if is_adaptive:
        promises = {i: problem.promise(i, loss, labels[i], float(weights[i]), float(state[i, 0])) for i in order}
        order.sort(key=lambda i: -promises[i])
    for i in order:
        label, weight, dual = labels[i], float(weights[i]), float(state[i, 0])
        new, wx = problem.improve(i, loss, label, weight, dual)
        state[i] = new, loss.primal(wx, label, weight), loss.dual(dual, label, weight), weight
    return state


# --- kernels ------------------------------------------------------------------------------------------------------


def _sdca_optimizer(
    sparse_example_indices, sparse_feature_indices, sparse_feature_values, dense_features, example_weights,
    example_labels, sparse_indices, sparse_weights, dense_weights, example_state_data, *, loss_type, l1, l2,
    num_loss_partitions, is_adaptive,
):  # fmt: skip
    if l2 <= 0:
        raise _invalid("l2 should be greater than 0")
    count = len(example_weights)
    if tuple(example_state_data.shape) != (count, 4):
        raise _invalid(f"example_state_data should have the shape [{count},4]")
    values = [*sparse_feature_values, *[None] * (len(sparse_weights) - len(sparse_feature_values))]
    columns = sparse_example_indices, sparse_feature_indices, values, sparse_indices, sparse_weights
    sparse = [_SparseGroup(*parts, count) for parts in zip(*columns, strict=True)]
    dense = [_DenseGroup(x, weights, count) for x, weights in zip(dense_features, dense_weights, strict=True)]
    problem = _Problem([*sparse, *dense], l1, l2, num_loss_partitions)
    state = _optimize(problem, LOSSES[loss_type], array_of(example_labels), array_of(example_weights),
                      array_of(example_state_data).copy(), is_adaptive)  # fmt: skip
    return torch.from_numpy(state), _deltas(sparse, sparse_weights), _deltas(dense, dense_weights)


def _deltas(groups, weights) -> list:
    """How the weights of each group change, in the shapes that the weights have."""
    pairs = zip(groups, weights, strict=True)
    return [torch.from_numpy(group.delta.astype(np.float32)).reshape(each.shape) for group, each in pairs]


def _first_version(*inputs, adaptative, loss_type, l1, l2, num_loss_partitions):
    return _sdca_optimizer(*inputs, loss_type=loss_type, l1=l1, l2=l2, num_loss_partitions=num_loss_partitions,
                           is_adaptive=adaptative)  # fmt: skip


def _second_version(*inputs, adaptive, loss_type, l1, l2, num_loss_partitions):
    return _sdca_optimizer(*inputs, loss_type=loss_type, l1=l1, l2=l2, num_loss_partitions=num_loss_partitions,
                           is_adaptive=adaptive)  # fmt: skip


def _shrink(weights, l1, l2):
    shrinkage = l1 / l2
    for state in weights:
        value = state.current()
        value.copy_(value.sign() * (value.abs() - shrinkage).clamp_(min=0))


def _fprint(input):
    if input.ndim != 1:
        raise _invalid("Input must be a vector")
    words = np.array([fingerprint128(text) for text in input.tolist()], np.uint64).reshape(-1, 2)
    return torch.from_numpy(words.view(np.int64))


# --- ops ----------------------------------------------------------------------------------------------------------


def _optimizer_shape(op) -> list[Dims]:
    sparse, dense = op.attrs["num_sparse_features"], op.attrs["num_dense_features"]
    weights = op._inputs[len(op._inputs) - 1 - sparse - dense : -1]
    return [(None, 4), *[tensor.dims for tensor in weights]]


def _fprint_shape(op) -> list[Dims]:
    return [(with_rank(op._inputs[0].dims, 1)[0], 2)]


_SIGNATURE = (
    "sparse_example_indices: num_sparse_features*int64, sparse_feature_indices: num_sparse_features*int64, "
    "sparse_feature_values: num_sparse_features_with_values*float, dense_features: num_dense_features*float, "
    "example_weights: float, example_labels: float, sparse_indices: num_sparse_features*int64, "
    "sparse_weights: num_sparse_features*float, dense_weights: num_dense_features*float, example_state_data: float -> "
    "out_example_state_data: float, out_delta_sparse_weights: num_sparse_features*float, "
    "out_delta_dense_weights: num_dense_features*float"
)
_ATTRS = (
    "loss_type: string in logistic_loss|squared_loss|hinge_loss|smooth_hinge_loss|poisson_loss, {}: bool = false, "
    "num_sparse_features: int >= 0, num_sparse_features_with_values: int >= 0, num_dense_features: int >= 0, "
    "l1: float, l2: float, num_loss_partitions: int >= 1, num_inner_iterations: int >= 1"
)

define_op("SdcaOptimizer", _SIGNATURE, _ATTRS.format("adaptative"), shape=_optimizer_shape, kernel=_first_version,
          gradient=None)  # fmt: skip
define_op("SdcaOptimizerV2", _SIGNATURE, _ATTRS.format("adaptive"), shape=_optimizer_shape, kernel=_second_version,
          gradient=None)  # fmt: skip
define_op("SdcaShrinkL1", "weights: ref num_features*float ->", "num_features: int >= 0, l1: float, l2: float",
          shape=no_outputs, kernel=_shrink, writes=True, gradient=None)  # fmt: skip
define_op("SdcaFprint", "input: string -> output: int64", shape=_fprint_shape, kernel=_fprint, gradient=None)


# --- public functions -------------------------------------------------------------------------------------------------


@export("train.sdca_optimizer")
def sdca_optimizer(sparse_example_indices, sparse_feature_indices, sparse_feature_values, dense_features,
                   example_weights, example_labels, sparse_indices, sparse_weights, dense_weights, example_state_data,
                   loss_type, l1, l2, num_loss_partitions, num_inner_iterations, adaptative=True,
                   name=None):  # fmt: skip
    """One pass of stochastic dual coordinate ascent over a batch of examples of a linear model.

    Args:
      sparse_example_indices: int64 vectors: for each sparse feature group, the example of each value.
      sparse_feature_indices: int64 vectors: the feature of each value.
      sparse_feature_values: float32 vectors, as many as groups that have values (others count as ones).
      dense_features: float32 matrices [examples, features].
      example_weights: float32 vector [examples].
      example_labels: float32 vector [examples].
      sparse_indices: int64 vectors: for each group, which features' weights are given.
      sparse_weights: float32 vectors: these weights.
      dense_weights: float32 vectors.
      example_state_data: float32 matrix [examples, 4]: each example's dual value and its like.
      loss_type: "logistic_loss", "squared_loss", "hinge_loss", "smooth_hinge_loss" or "poisson_loss".
      l1: weight of the L1 penalty.
      l2: weight of the L2 penalty.
      num_loss_partitions: how many parts of the data are worked on at once.
      num_inner_iterations: at least 1.
      adaptative: begin with the examples that are most in error.
      name: the node's name.

    Returns:
      A named tuple (out_example_state_data, out_delta_sparse_weights, out_delta_dense_weights).

    Source: Shalev-Shwartz, Zhang, "Stochastic dual coordinate ascent methods for regularized loss", JMLR 14 (2013).
    """
    return call("SdcaOptimizer", sparse_example_indices, sparse_feature_indices, sparse_feature_values, dense_features,
                example_weights, example_labels, sparse_indices, sparse_weights, dense_weights, example_state_data,
                loss_type=loss_type, l1=l1, l2=l2, num_loss_partitions=num_loss_partitions,
                num_inner_iterations=num_inner_iterations, adaptative=adaptative, name=name)  # fmt: skip


@export("train.sdca_shrink_l1")
def sdca_shrink_l1(weights, l1, l2, name=None):
    """An operation that moves the weights of a linear model towards zero, as its L1 penalty asks.

    Args:
      weights: a list of float32 reference variables.
      l1: weight of the L1 penalty.
      l2: weight of the L2 penalty.
      name: the node's name.
    """
    return call("SdcaShrinkL1", weights, l1=l1, l2=l2, name=name)


@export("train.sdca_fprint")
def sdca_fprint(input, name=None):
    """Fingerprints of strings, such as the ids of examples.

    Args:
      input: string vector [n].
      name: the node's name.

    Returns:
      An int64 Tensor [n, 2].
    """
    return call("SdcaFprint", input, name=name)
