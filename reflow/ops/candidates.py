"""Candidate sampling: a few classes that stand for all others, for sampled softmax and noise-contrastive estimation.

The numbers come from philox_candidates.py, which follows TensorFlow's streams.
"""

from dataclasses import dataclass

import numpy as np
import torch

from reflow.graph.build import call
from reflow.graph.errors import InvalidArgumentError
from reflow.graph.export import export
from reflow.graph.random_seed import seed_attrs
from reflow.graph.registry import define_op
from reflow.ops import philox_candidates
from reflow.ops.philox import PhiloxState
from reflow.ops.shape_rules import with_rank
from reflow.platform.gfile import GFile

_INPUTS = "true_classes: int64"
_OUTPUTS = "sampled_candidates: int64, true_expected_count: float, sampled_expected_count: float"
_ATTRS = "num_true: int >= 1, num_sampled: int >= 1, unique: bool"
_SEEDS = "seed: int = 0, seed2: int = 0"


# --- samplers -----------------------------------------------------------------------------------------------------


@dataclass
class _SamplerState:
    """What a sampling op keeps between steps: its stream, and its distribution."""

    stream: PhiloxState
    sampler: philox_candidates.CandidateSampler


def _resource(make_sampler):
    def resource(resources, node_name, attrs):
        def make():
            return _SamplerState(PhiloxState(attrs["seed"], attrs["seed2"]), make_sampler(attrs))

        return resources.get_or_create("candidate_sampler", b"", node_name, make)

    return resource


def _sample_shape(op):
    batch, _ = with_rank(op._inputs[0].dims, 2)
    num_sampled = op.attrs["num_sampled"]
    return [(num_sampled,), (batch, op.attrs["num_true"]), (num_sampled,)]


def _sample(state, true_classes, num_true, num_sampled, unique):
    if true_classes.dim() != 2:
        raise InvalidArgumentError(None, None, "true_classes must be a matrix")
    if true_classes.shape[1] != num_true:
        raise InvalidArgumentError(None, None, "true_classes must have num_true columns, expected: "
                                   f"{true_classes.shape[1]} was: {num_true}")  # fmt: skip
    try:
        return philox_candidates.sample_candidates(state.stream, state.sampler, true_classes, num_sampled, unique)
    except ValueError as error:
        raise InvalidArgumentError(None, None, str(error)) from None


def _define_sampler(name, attrs, make_sampler):
    define_op(
        name, f"{_INPUTS} -> {_OUTPUTS}", f"{_ATTRS}, {attrs}{_SEEDS}", shape=_sample_shape, kernel=_sample,
        resource=_resource(make_sampler), is_stateful=True,
    )  # fmt: skip


def _in_range(kind):
    return lambda attrs: kind(attrs["range_max"])


_RANGE = "range_max: int >= 1, "
_define_sampler("UniformCandidateSampler", _RANGE, _in_range(philox_candidates.UniformSampler))
_define_sampler("LogUniformCandidateSampler", _RANGE, _in_range(philox_candidates.LogUniformSampler))
_define_sampler("LearnedUnigramCandidateSampler", _RANGE, _in_range(philox_candidates.LearnedUnigramSampler))
_define_sampler("ThreadUnsafeUnigramCandidateSampler", _RANGE, _in_range(philox_candidates.LearnedUnigramSampler))
_define_sampler("AllCandidateSampler", "", lambda attrs: philox_candidates.AllSampler(attrs["num_sampled"]))


def _fixed_unigram_sampler(attrs):
    unigrams, vocab_file = attrs["unigrams"], attrs["vocab_file"].decode()
    if not unigrams and not vocab_file:
        raise InvalidArgumentError(None, None, "Must provide either vocab_file or unigrams.")
    if unigrams and vocab_file:
        raise InvalidArgumentError(None, None, "Must only provide one of vocab_file and unigrams.")
    if vocab_file:
        unigrams = _weights_in(vocab_file)
    names = ("distortion", "num_reserved_ids", "num_shards", "shard")
    try:
        return philox_candidates.FixedUnigramSampler(attrs["range_max"], unigrams, *[attrs[name] for name in names])
    except ValueError as error:
        raise InvalidArgumentError(None, None, str(error)) from None


def _weights_in(vocab_file):
    """The last of the comma-separated fields of each line, as numbers."""
    with GFile(vocab_file) as file:
        lines = file.read().splitlines()
    try:
        return [float(line.rsplit(",", 1)[-1]) for line in lines]
    except ValueError as error:
        raise InvalidArgumentError(None, None, f"Wrong vocabulary format in {vocab_file}: {error}") from None


_define_sampler(
    "FixedUnigramCandidateSampler",
    "range_max: int >= 1, vocab_file: string = , distortion: float = 1, num_reserved_ids: int = 0, "
    "num_shards: int >= 1 = 1, shard: int >= 0 = 0, unigrams: list(float) = [], ",
    _fixed_unigram_sampler,
)


# --- accidental hits ----------------------------------------------------------------------------------------------


def _hits_shape(op):
    with_rank(op._inputs[0].dims, 2)
    with_rank(op._inputs[1].dims, 1)
    return [(None,)] * 3


def _accidental_hits(true_classes, sampled_candidates, num_true):
    """Rows and candidates (by their last position) where a true class was sampled, row by row."""
    if true_classes.dim() != 2 or true_classes.shape[1] != num_true:
        raise InvalidArgumentError(None, None, "true_classes must have num_true columns")
    places = {candidate: i for i, candidate in enumerate(sampled_candidates.tolist())}
    hits = [(i, places[c]) for i, row in enumerate(true_classes.tolist()) for c in row if c in places]
    rows, ids = zip(*hits, strict=True) if hits else ((), ())
    least = float(np.finfo(np.float32).min)
    return torch.tensor(rows, dtype=torch.int32), torch.tensor(ids, dtype=torch.int64), torch.full((len(ids),), least)


define_op(
    "ComputeAccidentalHits",
    "true_classes: int64, sampled_candidates: int64 -> indices: int32, ids: int64, weights: float",
    f"num_true: int, {_SEEDS}", shape=_hits_shape, kernel=_accidental_hits,
)  # fmt: skip


# --- public functions ---------------------------------------------------------------------------------------------

_RESULT_DOC = """Returns:
      The named tuple (sampled_candidates, true_expected_count, sampled_expected_count): int64 [num_sampled], and how
      often each true class and each candidate is expected among the candidates, float32 [batch, num_true] and
      [num_sampled].

    Raises:
      InvalidArgumentError: when it runs, if there are fewer classes than unique candidates."""


def _sampling_function(name, op_name, summary):
    """The exported function of a sampler that knows no more than the range."""

    def function(true_classes, num_true, num_sampled, unique, range_max, seed=None, name=None):
        return call(op_name, true_classes, name=name, num_true=num_true, num_sampled=num_sampled, unique=unique,
                    range_max=range_max, **seed_attrs(seed))  # fmt: skip

    function.__name__ = function.__qualname__ = name
    function.__doc__ = f"""{summary}

    Args:
      true_classes: int64 [batch, num_true].
      num_true: how many true classes an example has.
      num_sampled: how many candidates to draw for the batch.
      unique: draw without repetition.
      range_max: the number of classes.
      seed: the operation's random seed.
      name: a name for the operation.

    {_RESULT_DOC}
    """
    return export(f"random.{name}", f"nn.{name}")(function)


uniform_candidate_sampler = _sampling_function(
    "uniform_candidate_sampler", "UniformCandidateSampler", "Draws classes, each alike."
)
log_uniform_candidate_sampler = _sampling_function(
    "log_uniform_candidate_sampler", "LogUniformCandidateSampler",
    "Draws classes by P(k) = log((k + 2) / (k + 1)) / log(range_max + 1), for classes sorted by falling frequency.",
)  # fmt: skip
learned_unigram_candidate_sampler = _sampling_function(
    "learned_unigram_candidate_sampler", "LearnedUnigramCandidateSampler",
    "Draws classes by how often they were true classes in this session so far.",
)  # fmt: skip


@export("random.fixed_unigram_candidate_sampler", "nn.fixed_unigram_candidate_sampler")
def fixed_unigram_candidate_sampler(true_classes, num_true, num_sampled, unique, range_max, vocab_file="",
                                    distortion=1.0, num_reserved_ids=0, num_shards=1, shard=0, unigrams=(), seed=None,
                                    name=None):  # fmt: skip
    """Draws classes by given weights.

    Args:
      true_classes: int64 [batch, num_true].
      num_true: how many true classes an example has.
      num_sampled: how many candidates to draw for the batch.
      unique: draw without repetition.
      range_max: the number of classes.
      vocab_file: a file with a line a class, whose last comma-separated field is the weight.
      distortion: the power to which each weight is raised.
      num_reserved_ids: how many classes in front are never drawn; they have no weight.
      num_shards: how many operations share the vocabulary.
      shard: which of them this is.
      unigrams: the weights, instead of a file.
      seed: the operation's random seed.
      name: a name for the operation.

    Returns:
      The named tuple (sampled_candidates, true_expected_count, sampled_expected_count): int64 [num_sampled], and how
      often each true class and each candidate is expected among the candidates, float32 [batch, num_true] and
      [num_sampled].

    Raises:
      InvalidArgumentError: when it runs, if there are fewer classes than unique candidates, or the weights do not fit.
    """
    return call("FixedUnigramCandidateSampler", true_classes, name=name, num_true=num_true, num_sampled=num_sampled,
                unique=unique, range_max=range_max, vocab_file=vocab_file, distortion=distortion,
                num_reserved_ids=num_reserved_ids, num_shards=num_shards, shard=shard, unigrams=list(unigrams),
                **seed_attrs(seed))  # fmt: skip


@export("random.all_candidate_sampler", "nn.all_candidate_sampler")
def all_candidate_sampler(true_classes, num_true, num_sampled, unique, seed=None, name=None):
    """Takes all classes, for tests of sampled losses.

    Args:
      true_classes: int64 [batch, num_true].
      num_true: how many true classes an example has.
      num_sampled: the number of classes.
      unique: accepted.
      seed: accepted.
      name: a name for the operation.

    Returns:
      The named tuple (sampled_candidates, true_expected_count, sampled_expected_count): 0 to num_sampled - 1, and ones.
    """
    return call("AllCandidateSampler", true_classes, name=name, num_true=num_true, num_sampled=num_sampled,
                unique=unique, **seed_attrs(seed))  # fmt: skip


@export("nn.compute_accidental_hits")
def compute_accidental_hits(true_classes, sampled_candidates, num_true, seed=None, name=None):
    """Where a candidate is a true class.

    Args:
      true_classes: int64 [batch, num_true].
      sampled_candidates: int64 [num_sampled].
      num_true: how many true classes an example has.
      seed: accepted.
      name: a name for the operation.

    Returns:
      The named tuple (indices, ids, weights): int32 rows of the batch, int64 positions among the candidates, and the
      least float32 for each, all [number of hits]: to add to the logits.
    """
    return call("ComputeAccidentalHits", true_classes, sampled_candidates, name=name, num_true=num_true,
                **seed_attrs(seed))  # fmt: skip
