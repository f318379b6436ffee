"""Connectionist temporal classification (Graves et al. 2006): the loss, and greedy and beam search decoding, as ops.

Logits are [time, batch, classes]; the last class is the blank. Public functions are in ctc_functions.py.
"""

import numpy as np
import torch

from reflow.graph.build import call
from reflow.graph.errors import FailedPreconditionError, InvalidArgumentError
from reflow.graph.export import export
from reflow.graph.registry import define_op, gradient
from reflow.ops.identity import prevent_gradient
from reflow.ops.shape_ops import expand_dims
from reflow.ops.shape_rules import merge_size, with_rank

# --- loss ---------------------------------------------------------------------------------------------------------


def _loss_shape(op):
    dims = with_rank(op._inputs[0].dims, 3)
    indices, values = with_rank(op._inputs[1].dims, 2), with_rank(op._inputs[2].dims, 1)
    merge_size(indices[0], values[0])
    batch = merge_size(dims[1], with_rank(op._inputs[3].dims, 1)[0])
    return [(batch,), (dims[0], batch, dims[2])]


def _ctc_loss(
    inputs, labels_indices, labels_values, sequence_length, preprocess_collapse_repeated, ctc_merge_repeated,
    ignore_longer_outputs_than_inputs,
):  # fmt: skip
    """-log of the probability of each example's labels, and its gradient by the logits."""
    lengths = sequence_length.tolist()
    _check_lengths(lengths, *inputs.shape[:2])
    labels = _labels_by_example(labels_indices, labels_values, inputs, preprocess_collapse_repeated)
    fits = [_fits(i, row, length, ignore_longer_outputs_than_inputs)
            for i, (row, length) in enumerate(zip(labels, lengths, strict=True))]  # fmt: skip
    logarithms = torch.log_softmax(inputs, 2)
    loss_of = _loss_with_merging if ctc_merge_repeated else _loss_without_merging
    loss, grad = loss_of(logarithms, labels, lengths)
    if bool(loss.isinf().any()):
        # No path spells the labels: there is nothing to pull the probabilities towards.
        is_frame = torch.arange(len(inputs))[:, None] < torch.tensor(lengths)
        grad = torch.where(loss.isinf()[:, None], torch.where(is_frame[:, :, None], logarithms.exp(), 0), grad)
    used = torch.tensor([fit and length > 0 for fit, length in zip(fits, lengths, strict=True)])
    return torch.where(used, loss, 0), torch.where(used[:, None], grad, 0)


def _check_lengths(lengths, time, batch, kind=InvalidArgumentError):
    if len(lengths) != batch:
        raise InvalidArgumentError(None, None, "len(sequence_length) != batch_size.  "
                                   f"len(sequence_length):  {len(lengths)} batch_size: {batch}")  # fmt: skip
    for i, length in enumerate(lengths):
        if length > time:
            raise kind(None, None, f"sequence_length({i}) <= {time}")


def _labels_by_example(indices, values, inputs, collapse):
    """The labels of each example, up to a blank; runs of one label as one with `collapse`."""
    _, batch, classes = inputs.shape
    rows: list[list] = [[] for _ in range(batch)]
    for (example, _), label in zip(indices.tolist(), values.tolist(), strict=True):
        if not 0 <= example < batch:
            raise InvalidArgumentError(None, None, f"labels batch index must be between 0 and {batch} but saw: "
                                       f"{example}")  # fmt: skip
        rows[example].append(label)
    return [_checked_labels(i, row, classes, collapse) for i, row in enumerate(rows)]


def _checked_labels(example, row, classes, collapse):
    if not row:
        raise InvalidArgumentError(None, None, f"Labels length is zero in batch {example}")
    labels: list[int] = []
    finished = False
    for label in row:
        if label < 0:
            raise InvalidArgumentError(None, None, f"All labels must be nonnegative integers, batch: {example} labels: "
                                       f"{','.join(map(str, row))}")  # fmt: skip
        if collapse and labels and labels[-1] == label:
            continue
        if label >= classes - 1:
            finished = True
        elif finished:
            raise InvalidArgumentError(None, None, "Saw a non-null label (index >= num_classes - 1) following a null "
                                       f"label, batch: {example} num_classes: {classes} labels: "
                                       f"{','.join(map(str, row))} labels seen so far: "
                                       f"{','.join(map(str, labels))}")  # fmt: skip
        else:
            labels.append(label)
    return labels


def _fits(example, labels, length, ignore_longer):
    if len(labels) <= length or ignore_longer:
        return len(labels) <= length
    raise InvalidArgumentError(None, None, f"Not enough time for target transition sequence (required: {len(labels)}, "
                               f"available: {length}){example}You can turn this error into a warning by using the flag "
                               "ignore_longer_outputs_than_inputs")  # fmt: skip


def _loss_with_merging(logarithms, labels, lengths):
    blank = logarithms.shape[2] - 1
    targets = torch.tensor([label for row in labels for label in row], dtype=torch.long)
    arguments = targets, lengths, [len(row) for row in labels]
    loss, alpha = torch.ops.aten._ctc_loss(logarithms, *arguments, blank, False)
    grad = torch.ops.aten._ctc_loss_backward(
        torch.ones_like(loss), logarithms, *arguments, loss, alpha, blank, False
    )  # fmt: skip
    return loss, grad


def _loss_without_merging(logarithms, labels, lengths):
    """Where a label that stands twice in a row is meant twice: no label stays, each takes one step."""
    losses, grads = torch.zeros(len(labels), dtype=logarithms.dtype), torch.zeros_like(logarithms)
    for i, (row, length) in enumerate(zip(labels, lengths, strict=True)):
        frames = logarithms[:length, i].double().numpy()
        if length and len(row) <= length:
            losses[i], grad = _forward_backward(frames, row)
            grads[:length, i] = torch.from_numpy(grad).to(grads.dtype)
    return losses, grads


def _forward_backward(frames, labels):
    """The loss of one example and its gradient, by the sums over all paths up to and from each state."""
    blank = frames.shape[1] - 1
    states = np.full(2 * len(labels) + 1, blank)
    states[1::2] = labels
    observed = frames[:, states]
    forward, backward = _path_sums(observed, states == blank), _path_sums(observed[::-1, ::-1], states == blank)
    joint = forward + backward[::-1, ::-1] - observed
    total = np.logaddexp.reduce(joint, axis=1)
    posterior = np.full(frames.shape, -np.inf)
    for state, label in enumerate(states):
        posterior[:, label] = np.logaddexp(posterior[:, label], joint[:, state])
    return -total[0], np.exp(frames) - np.exp(posterior - total[:, None])


def _path_sums(observed, is_blank):
    """Logarithms of the probabilities of all paths from the first two states to each state, by time."""
    sums = np.full(observed.shape, -np.inf)
    sums[0, :2] = observed[0, :2]
    for t in range(1, len(observed)):
        last = sums[t - 1]
        stay = np.where(is_blank, last, -np.inf)
        step = np.concatenate([[-np.inf], last[:-1]])
        skip = np.where(is_blank, -np.inf, np.concatenate([[-np.inf] * 2, last])[: len(last)])
        sums[t] = np.logaddexp(np.logaddexp(stay, step), skip) + observed[t]
    return sums


define_op(
    "CTCLoss", "inputs: T, labels_indices: int64, labels_values: int32, sequence_length: int32 -> loss: T, gradient: T",
    "preprocess_collapse_repeated: bool = false, ctc_merge_repeated: bool = true, "
    "ignore_longer_outputs_than_inputs: bool = false, T: type in float|double = float",
    shape=_loss_shape, kernel=_ctc_loss,
)  # fmt: skip


@gradient("CTCLoss")
def _ctc_loss_gradient(op, grad_loss, _):
    known = prevent_gradient(
        op.outputs[1],
        message="Currently there is no way to take the second  derivative of ctc_loss due to the fused "
        "implementation's interaction  with tf.gradients()",
    )
    return expand_dims(grad_loss, -1) * known, None, None, None


def _ctc_loss_with_first_blank(
    inputs, labels_indices, labels_values, sequence_length, preprocess_collapse_repeated, ctc_merge_repeated,
    ignore_longer_outputs_than_inputs,
):  # fmt: skip
    """As `_ctc_loss`, but the blank is the first class."""
    loss, grad = _ctc_loss(
        inputs.roll(-1, 2), labels_indices, labels_values - 1, sequence_length, preprocess_collapse_repeated,
        ctc_merge_repeated, ignore_longer_outputs_than_inputs,
    )  # fmt: skip
    return loss, grad.roll(1, 2)


# TensorFlow 2 computes it by cuDNN, which is where the blank comes from, and has no kernel for the CPU.
define_op(
    "CTCLossV2",
    "inputs: float, labels_indices: int64, labels_values: int32, sequence_length: int32 -> loss: float, "
    "gradient: float",
    "preprocess_collapse_repeated: bool = false, ctc_merge_repeated: bool = true, "
    "ignore_longer_outputs_than_inputs: bool = false",
    shape=_loss_shape, kernel=_ctc_loss_with_first_blank,
)  # fmt: skip
gradient("CTCLossV2")(_ctc_loss_gradient)


@export("ctc_loss_v2")
def ctc_loss_v2(inputs, labels_indices, labels_values, sequence_length, preprocess_collapse_repeated=False,
                ctc_merge_repeated=True, ignore_longer_outputs_than_inputs=False, name=None):  # fmt: skip
    """The op CTCLossV2 itself: the connectionist temporal classification loss where the blank is the first class.

    Args:
      inputs: float32 tensor [time, batch, classes]: logits.
      labels_indices: int64 matrix [n, 2]: the example and place of each label.
      labels_values: int32 vector [n]: the labels, from 1 on.
      sequence_length: int32 vector [batch].
      preprocess_collapse_repeated: take runs of one label as one label first.
      ctc_merge_repeated: whether a path merges runs of one label.
      ignore_longer_outputs_than_inputs: let the loss of an example whose labels do not fit be 0.
      name: a name for the operation.

    Returns:
      (loss [batch], its gradient by the logits [time, batch, classes]).
    """
    return call("CTCLossV2", inputs, labels_indices, labels_values, sequence_length, name=name,
                preprocess_collapse_repeated=preprocess_collapse_repeated, ctc_merge_repeated=ctc_merge_repeated,
                ignore_longer_outputs_than_inputs=ignore_longer_outputs_than_inputs)  # fmt: skip


# --- decoding -----------------------------------------------------------------------------------------------------


def _as_sparse(paths):
    """Rows of labels as the indices, values and shape of a sparse matrix."""
    indices = [[i, j] for i, row in enumerate(paths) for j in range(len(row))]
    values = [label for row in paths for label in row]
    shape = [len(paths), max(map(len, paths), default=0)]
    return (
        torch.tensor(indices, dtype=torch.int64).reshape(-1, 2), torch.tensor(values, dtype=torch.int64),
        torch.tensor(shape, dtype=torch.int64),
    )  # fmt: skip


def _greedy_shape(op):
    batch = merge_size(with_rank(op._inputs[0].dims, 3)[1], with_rank(op._inputs[1].dims, 1)[0])
    return [(None, 2), (None,), (2,), (batch, 1)]


def _ctc_greedy_decoder(inputs, sequence_length, merge_repeated):
    lengths = sequence_length.tolist()
    _check_lengths(lengths, inputs.shape[0], inputs.shape[1], FailedPreconditionError)
    blank = inputs.shape[2] - 1
    greatest, classes = inputs.max(2)
    paths, scores = [], greatest.new_zeros(len(lengths), 1)
    for i, length in enumerate(lengths):
        path, previous = [], -1
        for label in classes[:length, i].tolist():
            if label != blank and not (merge_repeated and label == previous):
                path.append(label)
            previous = label
        paths.append(path)
        scores[i] = -greatest[:length, i].sum()
    return (*_as_sparse(paths), scores)


define_op(
    "CTCGreedyDecoder",
    "inputs: T, sequence_length: int32 -> decoded_indices: int64, decoded_values: int64, decoded_shape: int64, "
    "log_probability: T",
    "merge_repeated: bool = false, T: type in float|double = float", shape=_greedy_shape, kernel=_ctc_greedy_decoder,
    gradient=None,
)  # fmt: skip


class _Beams:
    """The most probable label sequences, best first, with the logarithms of their probabilities.

    A sequence is a node of a tree: its parent and its last label. `blank` counts the paths that end in a blank,
    `label` those that end in its last label.
    """

    def __init__(self, width: int):
        self.width = width
        self.tree = [(-1, -1)]
        self.children: dict[tuple[int, int], int] = {}
        self.nodes = [0]
        self.blank, self.label = np.zeros(1), np.full(1, -np.inf)

    @property
    def total(self) -> np.ndarray:
        """The logarithms of the sequences' probabilities."""
        return np.logaddexp(self.blank, self.label)

    def step(self, frame: np.ndarray) -> None:
        """Take the log probabilities of one frame; its last class is the blank."""
        old_total, place = self.total, {node: i for i, node in enumerate(self.nodes)}
        labels = np.array([self.tree[node][1] for node in self.nodes])
        blank, label = old_total + frame[-1], np.full(len(labels), -np.inf)
        grown = np.where(labels[:, None] == np.arange(len(frame) - 1), self.blank[:, None], old_total[:, None])
        children: list[list] = [[] for _ in labels]
        for i, node in enumerate(self.nodes):
            parent = place.get(self.tree[node][0])
            from_parent = -np.inf
            if parent is not None:
                from_parent = self.blank[parent] if labels[parent] == labels[i] else old_total[parent]
                # This child is a beam already: it takes what its parent gives.
                grown[parent, labels[i]] = -np.inf
                children[parent].append(i)
            if node:
                label[i] = np.logaddexp(self.label[i], from_parent) + frame[labels[i]]
        grown = grown + frame[:-1]
        scores = np.concatenate([np.logaddexp(blank, label), grown.ravel()])
        self._keep(self._best(scores, old_total, grown, labels, children), blank, label, scores, grown)

    def _best(self, scores, old_total, grown, labels, children):
        """The places of the next beams in `scores`, best first: the old beams, then all that grow out of them.

        Beams grow one after the other. As in TensorFlow, one that has fallen out of the best ones does not grow any
        more once its parent has after that, and none does that was less probable than the worst that is left.
        """
        count, fallen = len(old_total), set()
        best = np.arange(count)
        for i in range(count):
            if i in fallen:
                continue
            if len(best) == self.width and old_total[i] <= scores[best].min():
                break
            for child in children[i]:
                better = (scores[best] > scores[child]).sum() + (grown[i, : labels[child]] > scores[child]).sum()
                if better >= self.width:
                    fallen.add(child)
            best = np.concatenate([best, count + i * grown.shape[1] + np.arange(grown.shape[1])])
            best = best[np.argsort(-scores[best], kind="stable")[: self.width]]
            best = best[scores[best] > -np.inf]
        return best[np.argsort(-scores[best], kind="stable")]

    def _keep(self, best, blank, label, scores, grown):
        nodes, count = [], len(blank)
        for i in best.tolist():
            nodes.append(self.nodes[i] if i < count else self._child(*divmod(i - count, grown.shape[1])))
        is_old = best < count
        old = np.where(is_old, best, 0)
        self.blank = np.where(is_old, blank[old], -np.inf)
        self.label = np.where(is_old, label[old], scores[best])
        self.nodes = nodes

    def _child(self, beam, label):
        key = self.nodes[beam], label
        if key not in self.children:
            self.children[key] = len(self.tree)
            self.tree.append(key)
        return self.children[key]

    def sequence(self, beam: int, merge_repeated: bool) -> list[int]:
        """The labels of a beam; runs of one label as one with `merge_repeated`."""
        labels, node = [], self.nodes[beam]
        while node:
            node, label = self.tree[node]
            labels.append(label)
        labels.reverse()
        return [v for i, v in enumerate(labels) if not merge_repeated or i == 0 or v != labels[i - 1]]


def _beam_shape(op):
    batch = merge_size(with_rank(op._inputs[0].dims, 3)[1], with_rank(op._inputs[1].dims, 1)[0])
    paths = op.attrs["top_paths"]
    return [(None, 2)] * paths + [(None,)] * paths + [(2,)] * paths + [(batch, paths)]


def _ctc_beam_search_decoder(inputs, sequence_length, beam_width, top_paths, merge_repeated):
    lengths = sequence_length.tolist()
    _check_lengths(lengths, inputs.shape[0], inputs.shape[1], FailedPreconditionError)
    if top_paths > beam_width:
        raise InvalidArgumentError(None, None, "requested more paths than the beam width.")
    frames = torch.log_softmax(inputs.double(), 2).numpy()
    paths: list[list] = [[] for _ in range(top_paths)]
    scores = np.empty((len(lengths), top_paths))
    for i, length in enumerate(lengths):
        beams = _Beams(beam_width)
        for frame in frames[:length, i]:
            beams.step(frame)
        if len(beams.nodes) < top_paths:
            raise InvalidArgumentError(None, None, "Less leaves in the beam search than requested.")
        for j in range(top_paths):
            paths[j].append(beams.sequence(j, merge_repeated))
        scores[i] = beams.total[:top_paths]
    indices, values, shapes = zip(*map(_as_sparse, paths), strict=True)
    return list(indices), list(values), list(shapes), torch.from_numpy(scores).to(inputs.dtype)


define_op(
    "CTCBeamSearchDecoder",
    "inputs: T, sequence_length: int32 -> decoded_indices: top_paths*int64, decoded_values: top_paths*int64, "
    "decoded_shape: top_paths*int64, log_probability: T",
    "beam_width: int >= 1, top_paths: int >= 1, merge_repeated: bool = true, T: type in float|double = float",
    shape=_beam_shape, kernel=_ctc_beam_search_decoder, gradient=None,
)  # fmt: skip
