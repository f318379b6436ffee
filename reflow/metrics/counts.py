"""Counts of right and wrong decisions, and precision and recall from them."""

from reflow.graph import dtypes
from reflow.graph.build import call
from reflow.graph.context import control_dependencies
from reflow.graph.export import export
from reflow.metrics.state import COLLECTIONS_DOC, collect, matched, metric_variable
from reflow.ops.arithmetic import div
from reflow.ops.casting import cast
from reflow.ops.checks import assert_type
from reflow.ops.identity import identity
from reflow.ops.reduction import reduce_sum
from reflow.ops.select import where
from reflow.ops.shape_checks import assert_rank_in
from reflow.ops.shape_ops import rank
from reflow.ops.state import assign_add
from reflow.variables.variable_scope import variable_scope

# --- counts -------------------------------------------------------------------------------------------------------


def _count(values, weights, metrics_collections, updates_collections):
    """The (weighted) number of true values, in the variable `count`."""
    assert_type(values, dtypes.bool_)
    count = metric_variable([], dtypes.float32, name="count")
    values = cast(values, dtypes.float32)
    if weights is not None:
        with control_dependencies([assert_rank_in(weights, (0, rank(values)))]):
            values = call("Mul", values, cast(weights, dtypes.float32))
    value = collect(metrics_collections, identity(count))
    return value, collect(updates_collections, assign_add(count, reduce_sum(values)))


def _as_bools(labels, predictions, weights):
    return matched(cast(predictions, dtypes.bool_), cast(labels, dtypes.bool_), weights)


def _counting_function(name, label, prediction, summary):
    """The exported function that counts where label and prediction are as given."""

    def function(labels, predictions, weights=None, metrics_collections=None, updates_collections=None, name=None):
        with variable_scope(name, scope_name, [predictions, labels, weights]):
            predictions, labels, weights = _as_bools(labels, predictions, weights)
            is_one = call("LogicalAnd", call("Equal", labels, label), call("Equal", predictions, prediction))
            return _count(is_one, weights, metrics_collections, updates_collections)

    scope_name = name
    function.__name__ = function.__qualname__ = name
    function.__doc__ = f"""{summary}

    Args:
      labels: the truth, a tensor that is cast to bool.
      predictions: a tensor of the shape of `labels`, cast to bool.
      weights: a scalar, or a tensor of the rank of `labels`; 1 if None.
      {COLLECTIONS_DOC}

    Returns:
      (count, update_op), float32 scalars.

    Raises:
      ValueError: if the shapes do not fit.
    """
    return export(f"metrics.{name}")(function)


true_positives = _counting_function("true_positives", True, True, "How often a prediction is true, and rightly so.")
true_negatives = _counting_function("true_negatives", False, False, "How often a prediction is false, and rightly so.")
false_positives = _counting_function("false_positives", False, True, "How often a prediction is true, and wrongly so.")
false_negatives = _counting_function("false_negatives", True, False, "How often a prediction is false, and wrongly so.")


# --- precision and recall -----------------------------------------------------------------------------------------


def _share(part, other, name):
    return where(call("Greater", part + other, 0), div(part, part + other), 0, name)


@export("metrics.precision")
def precision(labels, predictions, weights=None, metrics_collections=None, updates_collections=None, name=None):
    """true positives / (true positives + false positives), 0 if there are none.

    Args:
      labels: the truth, a tensor that is cast to bool.
      predictions: a tensor of the shape of `labels`, cast to bool.
      weights: a scalar, or a tensor of the rank of `labels`; 1 if None.
      metrics_collections: collections to add the value to.
      updates_collections: collections to add the update operation to.
      name: the name of the variable scope.

    Returns:
      (precision, update_op), float32 scalars.

    Raises:
      ValueError: if the shapes do not fit.
    """
    return _ratio("precision", false_positives, labels, predictions, weights, metrics_collections, updates_collections,
                  name)  # fmt: skip


@export("metrics.recall")
def recall(labels, predictions, weights=None, metrics_collections=None, updates_collections=None, name=None):
    """true positives / (true positives + false negatives), 0 if there are none.

    Args:
      labels: the truth, a tensor that is cast to bool.
      predictions: a tensor of the shape of `labels`, cast to bool.
      weights: a scalar, or a tensor of the rank of `labels`; 1 if None.
      metrics_collections: collections to add the value to.
      updates_collections: collections to add the update operation to.
      name: the name of the variable scope.

    Returns:
      (recall, update_op), float32 scalars.

    Raises:
      ValueError: if the shapes do not fit.
    """
    return _ratio("recall", false_negatives, labels, predictions, weights, metrics_collections, updates_collections,
                  name)  # fmt: skip


def _ratio(default_name, count_errors, labels, predictions, weights, metrics_collections, updates_collections, name):
    with variable_scope(name, default_name, [predictions, labels, weights]):
        predictions, labels, weights = _as_bools(labels, predictions, weights)
        right, new_right = true_positives(labels, predictions, weights)
        wrong, new_wrong = count_errors(labels, predictions, weights)
        value = collect(metrics_collections, _share(right, wrong, "value"))
        return value, collect(updates_collections, _share(new_right, new_wrong, "update_op"))
