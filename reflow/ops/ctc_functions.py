"""Connectionist temporal classification as public functions, for sparse and dense labels."""

from reflow.graph import dtypes
from reflow.graph.build import call
from reflow.graph.context import name_scope
from reflow.graph.convert import to_tensor
from reflow.graph.export import export
from reflow.graph.sparse_tensor import SparseTensor
from reflow.ops.casting import cast
from reflow.ops.constant import ones_like
from reflow.ops.gathering import gather_nd
from reflow.ops.grids import sequence_mask
from reflow.ops.joining import concat, stack
from reflow.ops.permute import transpose
from reflow.ops.reduction import argmax, reduce_max, reduce_sum
from reflow.ops.renamed_arguments import either_argument
from reflow.ops.scan import cumsum
from reflow.ops.scattering import scatter_nd
from reflow.ops.select import boolean_mask, one_hot, where
from reflow.ops.shape_ops import expand_dims, shape

# --- loss ---------------------------------------------------------------------------------------------------------


@export("nn.ctc_loss")
def ctc_loss(labels, inputs=None, sequence_length=None, preprocess_collapse_repeated=False, ctc_merge_repeated=True,
             ignore_longer_outputs_than_inputs=False, time_major=True, logits=None):  # fmt: skip
    """-log of the probability that a sequence of frames spells the labels, over all alignments (Graves et al. 2006).

    A path has a class a frame; it spells its labels without repetitions, and then without blanks.

    Args:
      labels: int32 SparseTensor [batch, length] of classes in [0, classes - 1).
      inputs: [time, batch, classes] logits, float32 or float64; the last class is the blank.
      sequence_length: int32 [batch]: how many frames count.
      preprocess_collapse_repeated: take runs of one label as one label.
      ctc_merge_repeated: if False, a repetition in a path counts as a label of its own.
      ignore_longer_outputs_than_inputs: a loss of 0, instead of an error, for more labels than frames.
      time_major: if False, `inputs` are [batch, time, classes].
      logits: the newer name of `inputs`.

    Returns:
      [batch]: the losses in nats.

    Raises:
      TypeError: if `labels` is not a SparseTensor.
      InvalidArgumentError: when it runs, for labels out of range or too long.
    """
    if not isinstance(labels, SparseTensor):
        raise TypeError("Expected labels (first argument) to be a SparseTensor")
    inputs = either_argument("logits", logits, "inputs", inputs)
    if not time_major:
        inputs = transpose(inputs, [1, 0, 2])
    loss, _ = call("CTCLoss", inputs, labels.indices, labels.values, sequence_length,
                   preprocess_collapse_repeated=preprocess_collapse_repeated, ctc_merge_repeated=ctc_merge_repeated,
                   ignore_longer_outputs_than_inputs=ignore_longer_outputs_than_inputs)  # fmt: skip
    return loss


def _size(tensor, axis):
    size = tensor.shape[axis].value
    return shape(tensor)[axis] if size is None else size


def _with_blank_last(logits, blank):
    return concat([logits[:, :, :blank], logits[:, :, blank + 1 :], logits[:, :, blank : blank + 1]], axis=2)


@export("nn.ctc_loss_v2")
def ctc_loss_v2(labels, logits, label_length, logit_length, logits_time_major=True, unique=None, blank_index=None,
                name=None):  # fmt: skip
    """`ctc_loss` for dense or sparse labels, and any class as the blank.

    Args:
      labels: int [batch, length] of classes, or an int32 SparseTensor.
      logits: [time, batch, classes], float32 or float64.
      label_length: int [batch]: how many labels count; None for sparse labels.
      logit_length: int [batch]: how many frames count.
      logits_time_major: if False, `logits` are [batch, time, classes].
      unique: what `ctc_unique_labels` returned; accepted.
      blank_index: the class of the blank, 0 if None; it has to be given for sparse labels. Negative: from the end.
      name: a name scope.

    Returns:
      [batch]: the losses in nats.

    Raises:
      ValueError: for sparse labels without `blank_index`.
    """
    is_sparse = isinstance(labels, SparseTensor)
    if is_sparse and blank_index is None:
        raise ValueError("blank_index must be given when using SparseTensor labels.")
    with name_scope(name, "ctc_loss_dense", [logits, logit_length]):
        logits = to_tensor(logits, name="logits")
        if not logits_time_major:
            logits = transpose(logits, [1, 0, 2])
        labels = labels if is_sparse else _as_sparse(labels, label_length)
        blank_index = 0 if blank_index is None else blank_index
        if blank_index < 0:
            blank_index += _size(logits, 2)
        if blank_index != _size(logits, 2) - 1:
            logits = _with_blank_last(logits, blank_index)
            values = where(labels.values < blank_index, labels.values, labels.values - 1)
            labels = SparseTensor(labels.indices, values, labels.dense_shape)
        return ctc_loss(labels, logits, cast(logit_length, dtypes.int32))


def _as_sparse(labels, lengths):
    labels = to_tensor(labels, name="labels")
    mask = sequence_mask(to_tensor(lengths, name="label_length"), maxlen=_size(labels, 1))
    places = where(mask)
    return SparseTensor(places, cast(gather_nd(labels, places), dtypes.int32), shape(labels, out_type=dtypes.int64))


@export("nn.ctc_unique_labels")
def ctc_unique_labels(labels, name=None):
    """The distinct labels of each row, in order of their first occurrence, and which of them each label is.

    Args:
      labels: int [batch, length].
      name: a name scope.

    Returns:
      (y, idx): int64 [batch, length], the distinct labels followed by zeros; and int32 [batch, length], with
      labels[b, t] = y[b, idx[b, t]].
    """
    with name_scope(name, "ctc_unique_labels", [labels]):
        labels = to_tensor(labels, name="labels")
        length = _size(labels, 1)
        is_same = call("Equal", expand_dims(labels, 2), expand_dims(labels, 1))
        first = argmax(cast(is_same, dtypes.int32), 2, output_type=dtypes.int32)
        places = call("Range", 0, length, 1)
        is_first = cast(call("Equal", first, expand_dims(places, 0)), dtypes.int32)
        numbers = cumsum(is_first, axis=1) - 1
        # Position t picks the number of its label's first occurrence.
        idx = reduce_sum(one_hot(first, length, dtype=dtypes.int32) * expand_dims(numbers, 1), 2)
        columns = one_hot(idx, length, dtype=dtypes.int64) * expand_dims(cast(is_first, dtypes.int64), 2)
        return reduce_sum(columns * expand_dims(cast(labels, dtypes.int64), 2), 1), idx


@export("nn.collapse_repeated")
def collapse_repeated(labels, seq_length, name=None):
    """Rows of labels with runs of one label as one label.

    Args:
      labels: [batch, length] of labels.
      seq_length: int [batch]: how many of them count.
      name: a name scope.

    Returns:
      (labels, lengths): [batch, greatest length], followed by zeros; and [batch], of the type of `seq_length`.
    """
    with name_scope(name, "collapse_repeated_labels", [labels, seq_length]):
        labels, seq_length = to_tensor(labels, name="labels"), to_tensor(seq_length, name="seq_length")
        differs = call("NotEqual", labels[:, 1:], labels[:, :-1])
        is_kept = concat([ones_like(labels[:, :1], dtypes.bool_), differs], axis=1)
        is_kept = call("LogicalAnd", is_kept, sequence_mask(seq_length, maxlen=_size(labels, 1)))
        lengths = reduce_sum(cast(is_kept, dtypes.int32), axis=1)
        longest = reduce_max(lengths)
        places = where(sequence_mask(lengths, maxlen=longest))
        result = scatter_nd(
            places, boolean_mask(labels, is_kept), cast(stack([_size(labels, 0), longest]), dtypes.int64)
        )
        return result, cast(lengths, seq_length.dtype)


# --- decoding -----------------------------------------------------------------------------------------------------


@export("nn.ctc_greedy_decoder")
def ctc_greedy_decoder(inputs, sequence_length, merge_repeated=True):
    """The labels of the best class of each frame.

    Args:
      inputs: [time, batch, classes] logits, float32 or float64; the last class is the blank.
      sequence_length: int32 [batch]: how many frames count.
      merge_repeated: take runs of one class as one label.

    Returns:
      ([decoded], neg_sum_logits): an int64 SparseTensor [batch, length] of labels, and [batch, 1], minus the sums of
      the greatest logits.
    """
    indices, values, dense_shape, scores = call(
        "CTCGreedyDecoder", inputs, sequence_length, merge_repeated=merge_repeated
    )  # fmt: skip
    return [SparseTensor(indices, values, dense_shape)], scores


@export("nn.ctc_beam_search_decoder")
def ctc_beam_search_decoder(inputs, sequence_length, beam_width=100, top_paths=1, merge_repeated=True):
    """The most probable labels, by a beam search (Graves 2012, section 7.5.3).

    Args:
      inputs: [time, batch, classes] logits, float32 or float64; the last class is the blank.
      sequence_length: int32 [batch]: how many frames count.
      beam_width: how many sequences to follow.
      top_paths: how many sequences to return, at most `beam_width`.
      merge_repeated: take runs of one label in a result as one label, which is seldom what is wanted.

    Returns:
      (decoded, log_probabilities): a list of `top_paths` int64 SparseTensors [batch, length], the best first, and
      [batch, top_paths].
    """
    indices, values, shapes, scores = call(
        "CTCBeamSearchDecoder", inputs, sequence_length, beam_width=beam_width, top_paths=top_paths,
        merge_repeated=merge_repeated,
    )  # fmt: skip
    return [SparseTensor(*parts) for parts in zip(indices, values, shapes, strict=True)], scores


@export("nn.ctc_beam_search_decoder_v2")
def ctc_beam_search_decoder_v2(inputs, sequence_length, beam_width=100, top_paths=1):
    """`ctc_beam_search_decoder` without merging repetitions in the results.

    Args:
      inputs: [time, batch, classes] logits, float32 or float64; the last class is the blank.
      sequence_length: int32 [batch]: how many frames count.
      beam_width: how many sequences to follow.
      top_paths: how many sequences to return, at most `beam_width`.

    Returns:
      (decoded, log_probabilities): a list of `top_paths` int64 SparseTensors [batch, length], the best first, and
      [batch, top_paths].
    """
    return ctc_beam_search_decoder(inputs, sequence_length, beam_width, top_paths, merge_repeated=False)
