"""Losses over many classes, of which only a few are looked at: noise-contrastive estimation and sampled softmax."""

from reflow.graph import dtypes
from reflow.graph.build import call
from reflow.graph.context import name_scope
from reflow.graph.export import export
from reflow.ops.candidates import compute_accidental_hits, log_uniform_candidate_sampler
from reflow.ops.casting import cast
from reflow.ops.constant import ones, ones_like, zeros_like
from reflow.ops.cross_entropy import sigmoid_cross_entropy_with_logits, softmax_cross_entropy_with_logits_v2
from reflow.ops.embedding import embedding_lookup
from reflow.ops.identity import stop_gradient
from reflow.ops.joining import concat, stack
from reflow.ops.matmul import matmul
from reflow.ops.shape_ops import expand_dims, reshape, shape
from reflow.ops.slicing import slice_


def _sum_rows(matrix):
    """The sums of a matrix's rows, as a product with ones: its gradient is cheaper than a sum's."""
    columns = shape(matrix)[1]
    return reshape(matmul(matrix, ones(stack([columns, 1]), matrix.dtype)), [-1])


def _sampled_logits(weights, biases, labels, inputs, num_sampled, num_classes, num_true, sampled_values,
                    remove_accidental_hits, partition_strategy, name, seed=None):  # fmt: skip
    """Logits and labels [batch, num_true + num_sampled] of the true classes and the candidates, in this order.

    The logarithm of a class's expected count is subtracted from its logit (Jean et al. 2014, equation 8).
    """
    weights = list(weights) if hasattr(weights, "_get_variable_list") else weights
    weights = weights if isinstance(weights, list) else [weights]
    with name_scope(name, "compute_sampled_logits", [*weights, biases, inputs, labels]):
        labels = cast(labels, dtypes.int64)
        flat_labels = reshape(labels, [-1])
        if sampled_values is None:
            sampled_values = log_uniform_candidate_sampler(
                true_classes=labels, num_true=num_true, num_sampled=num_sampled, unique=True, range_max=num_classes,
                seed=seed,
            )  # fmt: skip
        sampled, true_count, sampled_count = (stop_gradient(s) for s in sampled_values)
        sampled = cast(sampled, dtypes.int64)
        true_logits, sampled_logits = _logits(
            weights, biases, flat_labels, sampled, inputs, num_true, partition_strategy
        )  # fmt: skip
        if remove_accidental_hits:
            sampled_logits += _minus_infinity_at_hits(labels, sampled, sampled_logits, num_true, num_sampled)
        true_logits -= call("Log", true_count)
        sampled_logits -= call("Log", sampled_count)
        logits = concat([true_logits, sampled_logits], 1)
        # Each example's labels sum to 1.
        return logits, concat([ones_like(true_logits) / num_true, zeros_like(sampled_logits)], 1)


def _logits(weights, biases, flat_labels, sampled, inputs, num_true, partition_strategy):
    """The logits of the true classes, [batch, num_true], and of the candidates, [batch, num_sampled]."""
    every_id = concat([flat_labels, sampled], 0)
    every_weight = embedding_lookup(weights, every_id, partition_strategy=partition_strategy)
    every_weight = cast(every_weight, inputs.dtype)
    true_weights = slice_(every_weight, [0, 0], stack([shape(flat_labels)[0], -1]))
    sampled_weights = slice_(every_weight, stack([shape(flat_labels)[0], 0]), [-1, -1])
    sampled_logits = matmul(inputs, sampled_weights, transpose_b=True)
    every_bias = cast(embedding_lookup(biases, every_id, partition_strategy=partition_strategy), inputs.dtype)
    true_biases = slice_(every_bias, [0], shape(flat_labels))
    sampled_biases = slice_(every_bias, shape(flat_labels), [-1])
    size = shape(true_weights)[1:2]
    true_shape = concat([[-1, num_true], size], 0)
    products = call("Mul", expand_dims(inputs, 1), reshape(true_weights, true_shape))
    products = reshape(products, concat([[-1], size], 0))
    true_logits = reshape(_sum_rows(products), [-1, num_true])
    true_logits += reshape(true_biases, [-1, num_true])
    sampled_logits += sampled_biases
    return true_logits, sampled_logits


def _minus_infinity_at_hits(labels, sampled, sampled_logits, num_true, num_sampled):
    """What to add to the candidates' logits so that those which are true classes do not count: [batch, num_sampled]."""
    rows, ids, least = compute_accidental_hits(labels, sampled, num_true=num_true)
    places = concat([reshape(rows, [-1, 1]), reshape(cast(ids, dtypes.int32), [-1, 1])], 1, "sparse_indices")
    logits_shape = concat([shape(labels)[:1], expand_dims(num_sampled, 0)], 0)
    least = cast(least, sampled_logits.dtype)
    return call("SparseToDense", places, logits_shape, least, 0.0, validate_indices=False)


@export("nn.nce_loss")
def nce_loss(weights, biases, labels, inputs, num_sampled, num_classes, num_true=1, sampled_values=None,
             remove_accidental_hits=False, partition_strategy="mod", name="nce_loss"):  # fmt: skip
    """The noise-contrastive estimation loss (Gutmann and Hyvarinen 2010), for training with many classes.

    Args:
      weights: [num_classes, dim] tensor or variable, or a list of partitions of one.
      biases: [num_classes] tensor or variable.
      labels: int64 [batch, num_true].
      inputs: [batch, dim].
      num_sampled: how many negative classes to draw for the batch.
      num_classes: the number of classes.
      num_true: how many true classes an example has.
      sampled_values: what a candidate sampler returned; drawn log-uniformly if None.
      remove_accidental_hits: whether a candidate that is a true class of an example does not count there.
      partition_strategy: "mod" or "div": how the weights are partitioned.
      name: a name scope.

    Returns:
      [batch]: the losses.
    """
    logits, labels = _sampled_logits(weights, biases, labels, inputs, num_sampled, num_classes, num_true,
                                     sampled_values, remove_accidental_hits, partition_strategy, name)  # fmt: skip
    return _sum_rows(sigmoid_cross_entropy_with_logits(labels=labels, logits=logits, name="sampled_losses"))


@export("nn.sampled_softmax_loss")
def sampled_softmax_loss(weights, biases, labels, inputs, num_sampled, num_classes, num_true=1, sampled_values=None,
                         remove_accidental_hits=True, partition_strategy="mod", name="sampled_softmax_loss",
                         seed=None):  # fmt: skip
    """The softmax cross entropy over the true classes and a sample of the others (Jean et al. 2014), for training.

    Args:
      weights: [num_classes, dim] tensor or variable, or a list of partitions of one.
      biases: [num_classes] tensor or variable.
      labels: int64 [batch, num_true].
      inputs: [batch, dim].
      num_sampled: how many classes to draw for the batch.
      num_classes: the number of classes.
      num_true: how many true classes an example has.
      sampled_values: what a candidate sampler returned; drawn log-uniformly if None.
      remove_accidental_hits: whether a candidate that is a true class of an example does not count there.
      partition_strategy: "mod" or "div": how the weights are partitioned.
      name: a name scope.
      seed: the sampler's random seed.

    Returns:
      [batch]: the losses.
    """
    logits, labels = _sampled_logits(weights, biases, labels, inputs, num_sampled, num_classes, num_true,
                                     sampled_values, remove_accidental_hits, partition_strategy, name,
                                     seed)  # fmt: skip
    labels = stop_gradient(labels, name="labels_stop_gradient")
    return softmax_cross_entropy_with_logits_v2(labels=labels, logits=logits)
