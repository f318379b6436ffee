"""Measures of rankings: how many of the k classes with the greatest predictions are among the labels."""

from reflow.graph import dtypes
from reflow.graph.build import call
from reflow.graph.context import control_dependencies, name_scope
from reflow.graph.export import export
from reflow.graph.indexed_slices import convert_to_tensor_or_sparse_tensor
from reflow.graph.sparse_tensor import SparseTensor, is_sparse
from reflow.metrics.state import collect, metric_variable
from reflow.ops.arithmetic import div, div_no_nan, minimum
from reflow.ops.casting import cast
from reflow.ops.conditional import cond
from reflow.ops.constant import fill, ones_like, zeros_like
from reflow.ops.joining import concat
from reflow.ops.padding import tile
from reflow.ops.reduction import reduce_max, reduce_sum
from reflow.ops.reduction_gradients import reduced_shape
from reflow.ops.scan import cumsum
from reflow.ops.select import where_v2
from reflow.ops.set_ops import set_difference, set_intersection, set_size
from reflow.ops.shape_ops import expand_dims, rank, reshape, shape, size
from reflow.ops.slicing import slice_
from reflow.ops.sorting import top_k
from reflow.ops.sparse_functions import sparse_retain
from reflow.ops.sparse_structure import sparse_concat, sparse_reshape
from reflow.ops.state import assign_add
from reflow.ops.weights_broadcast import assert_broadcastable, broadcast_weights


def _name_at_k(name, k=None, class_id=None):
    name = f"{name}_at_k" if k is None else f"{name}_at_{k}"
    return name if class_id is None else f"{name}_class{class_id}"


# --- labels -------------------------------------------------------------------------------------------------------


def _with_last_dimension(labels, predictions):
    """Labels with a dimension of 1 behind, if they have one less than the predictions."""
    with name_scope(None, "expand_labels", [labels, predictions]) as scope:
        labels = convert_to_tensor_or_sparse_tensor(labels)
        if is_sparse(labels):
            lacks_one = call("Equal", rank(predictions), size(labels.dense_shape) + 1)

            def expanded():
                return sparse_reshape(labels, concat((labels.dense_shape, (1,)), 0), name=scope)

            return cond(lacks_one, expanded, lambda: labels)
        ndims, wanted = labels.shape.ndims, predictions.shape.ndims
        if ndims is None or wanted is None:
            lacks_one = call("Equal", rank(predictions), rank(labels) + 1)
            return cond(lacks_one, lambda: expand_dims(labels, -1, name=scope), lambda: labels)
        if ndims == wanted:
            return labels
        if ndims == wanted - 1:
            return expand_dims(labels, -1, name=scope)
        raise ValueError(f"Unexpected labels shape {labels.shape} for predictions shape {predictions.shape}.")


def _only_class(ids, class_id):
    """A SparseTensor of those ids that are `class_id`."""
    ids = convert_to_tensor_or_sparse_tensor(ids)
    if is_sparse(ids):
        return sparse_retain(ids, call("Equal", ids.values, class_id))
    ids_shape = shape(ids, out_type=dtypes.int64)
    last = reshape(size(ids_shape) - 1, [1])
    wanted = fill(reduced_shape(ids_shape, last), cast(class_id, dtypes.int64))
    result = set_intersection(wanted, ids)
    return SparseTensor(result.indices, result.values, ids_shape)


def _selected(labels, top_ids, class_id):
    if class_id is None:
        return labels, top_ids
    return _only_class(labels, class_id), _only_class(top_ids, class_id)


def _without_unknown(labels, classes):
    """Labels with -1 in place of numbers that are no class."""

    def cleaned(values):
        return where_v2(call("GreaterEqual", values, classes), -1 * ones_like(values), values)

    def of_all():
        if is_sparse(labels):
            return type(labels)(labels.indices, cleaned(labels.values), labels.dense_shape)
        return cleaned(labels)

    greatest = reduce_max(labels.values if is_sparse(labels) else labels)
    return cond(call("GreaterEqual", greatest, classes), of_all, lambda: labels)


def _tiled(labels, multiple):
    """Labels [..., n] as [..., multiple, n]."""
    with name_scope("labels_per_k", values=[labels]) as scope:
        labels = convert_to_tensor_or_sparse_tensor(labels)
        if is_sparse(labels):
            place = reshape(size(labels.dense_shape) + -1, [1])
            new_shape = concat(
                (slice_(labels.dense_shape, [0], place), [1], slice_(labels.dense_shape, place, [-1])), 0,
                name="expanded_shape",
            )  # fmt: skip
            expanded = sparse_reshape(labels, new_shape, name="expand")
            return expanded if multiple == 1 else sparse_concat(-2, [expanded] * multiple, name=scope)
        expanded = expand_dims(labels, -2, name="expand")
        if multiple == 1:
            return expanded
        ones = ones_like(shape(labels))
        return tile(expanded, concat((ones[:-1], (multiple,), ones[-1:]), 0, name="multiples"), name=scope)


# --- counts -------------------------------------------------------------------------------------------------------


def _found(top_ids, labels):
    return set_intersection(top_ids, labels)


def _missed(top_ids, labels):
    return set_difference(top_ids, labels, aminusb=False)


def _wrong(top_ids, labels):
    return set_difference(top_ids, labels, aminusb=True)


def _counts(name, default_name, of_sets, labels, top_ids, class_id=None, weights=None):
    """How many ids there are in each set that `of_sets` makes of predictions and labels, weighted, as float64."""
    with name_scope(name, default_name, [top_ids, labels, weights]):
        labels, top_ids = _selected(labels, top_ids, class_id)
        counts = cast(set_size(of_sets(top_ids, labels)), dtypes.float64)
        if weights is not None:
            with control_dependencies([assert_broadcastable(weights, counts)]):
                counts = call("Mul", counts, cast(weights, dtypes.float64))
        return counts


def _total(singular, of_sets, labels, top_ids, k, class_id, weights):
    """(the variable that counts over batches, what adds this batch)."""
    with name_scope(None, _name_at_k(singular, k, class_id), [top_ids, labels, weights]) as scope:
        counts = _counts(None, f"{singular}s", of_sets, labels, top_ids, class_id, weights)
        batch_total = cast(reduce_sum(counts), dtypes.float64)
        total = metric_variable([], dtypes.float64, name=scope)
        return total, assign_add(total, batch_total, name="update")


def _share(labels, top_ids, k, class_id, weights, others, of_others, collections, scope):
    """The share of labels found among those found and others: (value, update_op)."""
    labels = _with_last_dimension(labels, top_ids)
    top_ids = cast(top_ids, dtypes.int64)
    found, new_found = _total("true_positive", _found, labels, top_ids, k, class_id, weights)
    other, new_other = _total(others, of_others, labels, top_ids, k, class_id, weights)
    value = collect(collections[0], div(found, call("Add", found, other), name=scope))
    return value, collect(collections[1], div(new_found, call("Add", new_found, new_other), name="update"))


# --- recall and precision -----------------------------------------------------------------------------------------


@export("metrics.recall_at_k")
def recall_at_k(labels, predictions, k, class_id=None, weights=None, metrics_collections=None,
                updates_collections=None, name=None):  # fmt: skip
    """The share of labels that are among the k classes with the greatest predictions.

    Args:
      labels: int64 tensor or SparseTensor [..., labels] of classes; or a tensor [...] of one class each.
      predictions: floating point tensor [..., classes].
      k: int: how many classes count.
      class_id: if given, only labels and predictions of this class count.
      weights: a tensor that broadcasts to [...]; 1 if None.
      metrics_collections: collections to add the value to.
      updates_collections: collections to add the update operation to.
      name: the name scope.

    Returns:
      (recall, update_op), float64 scalars.

    Raises:
      ValueError: if the shapes do not fit.
    """
    with name_scope(name, _name_at_k("recall", k, class_id), [predictions, labels, weights]) as scope:
        return recall_at_top_k(labels, top_k(predictions, k)[1], k, class_id, weights, metrics_collections,
                               updates_collections, scope)  # fmt: skip


@export("metrics.recall_at_top_k")
def recall_at_top_k(labels, predictions_idx, k=None, class_id=None, weights=None, metrics_collections=None,
                    updates_collections=None, name=None):  # fmt: skip
    """The share of labels that are among the predicted classes.

    Args:
      labels: int64 tensor or SparseTensor [..., labels] of classes; or a tensor [...] of one class each.
      predictions_idx: integer tensor [..., k] of classes.
      k: int for the names of the operations.
      class_id: if given, only labels and predictions of this class count.
      weights: a tensor that broadcasts to [...]; 1 if None.
      metrics_collections: collections to add the value to.
      updates_collections: collections to add the update operation to.
      name: the name scope.

    Returns:
      (recall, update_op), float64 scalars.

    Raises:
      ValueError: if the shapes do not fit.
    """
    with name_scope(name, _name_at_k("recall", k, class_id), [predictions_idx, labels, weights]) as scope:
        return _share(labels, predictions_idx, k, class_id, weights, "false_negative", _missed,
                      (metrics_collections, updates_collections), scope)  # fmt: skip


@export("metrics.precision_at_k")
def precision_at_k(labels, predictions, k, class_id=None, weights=None, metrics_collections=None,
                   updates_collections=None, name=None):  # fmt: skip
    """The share of the k classes with the greatest predictions that are among the labels.

    Args:
      labels: int64 tensor or SparseTensor [..., labels] of classes; or a tensor [...] of one class each.
      predictions: floating point tensor [..., classes].
      k: int: how many classes count.
      class_id: if given, only labels and predictions of this class count.
      weights: a tensor that broadcasts to [...]; 1 if None.
      metrics_collections: collections to add the value to.
      updates_collections: collections to add the update operation to.
      name: the name scope.

    Returns:
      (precision, update_op), float64 scalars.

    Raises:
      ValueError: if the shapes do not fit.
    """
    with name_scope(name, _name_at_k("precision", k, class_id), [predictions, labels, weights]) as scope:
        return precision_at_top_k(labels, top_k(predictions, k)[1], k, class_id, weights, metrics_collections,
                                  updates_collections, scope)  # fmt: skip


@export("metrics.sparse_precision_at_k")
def sparse_precision_at_k(labels, predictions, k, class_id=None, weights=None, metrics_collections=None,
                          updates_collections=None, name=None):  # fmt: skip
    """The older name of `precision_at_k`."""
    return precision_at_k(labels, predictions, k, class_id, weights, metrics_collections, updates_collections, name)


@export("metrics.precision_at_top_k")
def precision_at_top_k(labels, predictions_idx, k=None, class_id=None, weights=None, metrics_collections=None,
                       updates_collections=None, name=None):  # fmt: skip
    """The share of the predicted classes that are among the labels.

    Args:
      labels: int64 tensor or SparseTensor [..., labels] of classes; or a tensor [...] of one class each.
      predictions_idx: integer tensor [..., k] of classes.
      k: int for the names of the operations.
      class_id: if given, only labels and predictions of this class count.
      weights: a tensor that broadcasts to [...]; 1 if None.
      metrics_collections: collections to add the value to.
      updates_collections: collections to add the update operation to.
      name: the name scope.

    Returns:
      (precision, update_op), float64 scalars.

    Raises:
      ValueError: if the shapes do not fit.
    """
    with name_scope(name, _name_at_k("precision", k, class_id), [predictions_idx, labels, weights]) as scope:
        return _share(labels, predictions_idx, k, class_id, weights, "false_positive", _wrong,
                      (metrics_collections, updates_collections), scope)  # fmt: skip


# --- average precision --------------------------------------------------------------------------------------------


def _relevant(labels, k):
    """How many labels there are, up to k, in each set."""
    with name_scope(None, "num_relevant", [labels]) as scope:
        labels = convert_to_tensor_or_sparse_tensor(labels)
        if is_sparse(labels):
            return minimum(set_size(labels), k, name=scope)
        is_class = call("GreaterEqual", labels, 0)
        number = reduce_sum(where_v2(is_class, ones_like(labels), zeros_like(labels)), axis=-1)
        return minimum(number, k, name=scope)


def _average_precision(labels, top_ids):
    """For each set of labels: the mean over labels of the precision at the place where each was found."""
    with name_scope(None, "average_precision", [top_ids, labels]) as scope:
        top_ids = cast(top_ids, dtypes.int64, name="predictions_idx")
        if top_ids.shape.ndims == 0:
            raise ValueError("The rank of predictions_idx must be at least 1.")
        k = top_ids.shape.as_list()[-1]
        if k is None:
            raise ValueError("The last dimension of predictions_idx must be set.")
        labels = _with_last_dimension(labels, top_ids)
        each_id = expand_dims(top_ids, -1, name="predictions_idx_per_k")
        is_found = _counts("relevant_per_k", None, _found, _tiled(labels, k), each_id)
        found = cumsum(is_found, axis=-1, name="tp_per_k")
        retrieved = cumsum(ones_like(is_found), axis=-1, name="retrieved_per_k")
        precision = div(cast(found, dtypes.float64), cast(retrieved, dtypes.float64), name="precision_per_k")
        precision = call("Mul", precision, cast(is_found, dtypes.float64), name="relevant_precision_per_k")
        total = reduce_sum(precision, axis=(-1,), name="precision_sum")
        return div(total, cast(_relevant(labels, k), dtypes.float64), name=scope)


@export("metrics.average_precision_at_k")
def average_precision_at_k(labels, predictions, k, weights=None, metrics_collections=None, updates_collections=None,
                           name=None):  # fmt: skip
    """The mean over examples of the average precision of the k classes with the greatest predictions.

    Args:
      labels: int64 tensor or SparseTensor [..., labels] of classes; or a tensor [...] of one class each.
      predictions: floating point tensor [..., classes].
      k: int: how many classes count.
      weights: a tensor that broadcasts to [...]; 1 if None.
      metrics_collections: collections to add the value to.
      updates_collections: collections to add the update operation to.
      name: the name scope.

    Returns:
      (mean_average_precision, update_op), float64 scalars.

    Raises:
      ValueError: if k is below 1 or the shapes do not fit.
    """
    if k < 1:
        raise ValueError(f"Invalid k={k}.")
    with name_scope(name, _name_at_k("average_precision", k), [predictions, labels, weights]) as scope:
        _, top_ids = top_k(predictions, k)
        labels = _without_unknown(labels, cast(shape(predictions)[-1], dtypes.int64))
        with name_scope(scope, values=[top_ids, labels, weights]) as scope:
            return _mean_average_precision(labels, top_ids, weights, metrics_collections, updates_collections, scope)


def _mean_average_precision(labels, top_ids, weights, metrics_collections, updates_collections, scope):
    precision = _average_precision(labels, top_ids)
    if weights is not None:
        weights = broadcast_weights(cast(weights, dtypes.float64), precision)
        precision = call("Mul", precision, weights)
    with name_scope(None, "max", [precision]) as max_scope:
        most = metric_variable([], dtypes.float64, name=max_scope)
        if weights is None:
            batch_most = cast(size(precision, name="batch_max"), dtypes.float64)
        else:
            batch_most = reduce_sum(weights, name="batch_max")
        new_most = assign_add(most, batch_most, name="update")
    with name_scope(None, "total", [precision]) as total_scope:
        total = metric_variable([], dtypes.float64, name=total_scope)
        new_total = assign_add(total, reduce_sum(precision, name="batch_total"), name="update")
    value = collect(metrics_collections, div_no_nan(total, most, name="mean"))
    return value, collect(updates_collections, div_no_nan(new_total, new_most, name=scope))


@export("metrics.sparse_average_precision_at_k")
def sparse_average_precision_at_k(labels, predictions, k, weights=None, metrics_collections=None,
                                  updates_collections=None, name=None):  # fmt: skip
    """The older name of `average_precision_at_k`."""
    return average_precision_at_k(labels, predictions, k, weights, metrics_collections, updates_collections, name)
