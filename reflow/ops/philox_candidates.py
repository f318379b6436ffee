"""The candidate samplers of sampled softmax and noise-contrastive estimation, with TensorFlow's values.

A sampler knows a distribution over the classes 0 .. range_max - 1; `sample_candidates` draws from it and computes how
often each class is expected among the candidates. A sampler belongs to one op, as its `PhiloxState` does.
"""

from __future__ import annotations

import math
import threading
from abc import ABC, abstractmethod
from collections.abc import Sequence

import numpy as np
import torch

from reflow.ops.philox import PhiloxState, blocks
from reflow.ops.philox_distributions import uniforms_32, uniforms_64, words_to_bits

# The blocks that TensorFlow reserves for each candidate.
_BLOCKS_PER_CANDIDATE = 512
_INT32_MAX = (1 << 31) - 1


class WordReader:
    """Reads a stream word by word from a given counter on."""

    def __init__(self, key: int, counter: int) -> None:
        self._key = key
        self._counter = counter
        self._words = np.empty(0, np.uint32)

    def take(self, n_words: int) -> np.ndarray:
        """Returns the next words, uint32 [n_words]."""
        missing = n_words - len(self._words)
        if missing > 0:
            n_blocks = -(-missing // 4)
            more = blocks(self._key, self._counter, n_blocks).reshape(-1)
            self._counter += n_blocks
            self._words = np.concatenate([self._words, more])
        taken, self._words = self._words[:n_words], self._words[n_words:]
        return taken

    def put_back(self, words: np.ndarray) -> None:
        """Makes words that were taken the next ones again."""
        self._words = np.concatenate([words, self._words])

    def integers(self, n: int, limit: int, unsigned: type[np.unsignedinteger]) -> np.ndarray:
        """Returns n integers in [0, limit) without bias, int64 [n]; the smallest random bits are drawn again.

        Args:
            n: number of integers.
            limit: positive, fits `unsigned`.
            unsigned: uint32 or uint64, the random bits to draw for each.
        """
        words_each = unsigned().itemsize // 4
        kept = np.empty(0, unsigned)
        while len(kept) < n:
            bits = words_to_bits(self.take((n - len(kept)) * words_each), unsigned)
            kept = np.concatenate([kept, bits[bits >= _rejected_below(limit, unsigned)]])
        return (kept % unsigned(limit)).astype(np.int64)


def _rejected_below(limit: int, unsigned: type[np.unsignedinteger]) -> np.unsignedinteger:
    """Bits from here on hold each remainder modulo `limit` equally often."""
    is_power_of_two = limit & (limit - 1) == 0
    return unsigned(0 if is_power_of_two else np.iinfo(unsigned).max % limit + 1)


class CandidateSampler(ABC):
    """A distribution over the classes 0 .. range_max - 1."""

    def __init__(self, range_max: int) -> None:
        self.range_max = range_max

    @property
    def n_possible(self) -> int:
        """How many classes have a probability above zero."""
        return self.range_max

    @abstractmethod
    def draw(self, reader: WordReader, n: int) -> np.ndarray:
        """Draws n classes, int64 [n]."""

    @abstractmethod
    def probability(self, classes: np.ndarray) -> np.ndarray:
        """The probability of each of these classes, float32 of the same shape."""

    def expected_count(self, classes: np.ndarray, n: int, n_tries: int) -> np.ndarray:
        """How often each of these classes is expected among n candidates that took n_tries draws, float32."""
        probability = self.probability(classes)
        if n == n_tries:
            return probability * np.float32(n)
        return -np.expm1(np.float32(n_tries) * np.log1p(-probability))

    def learn(self, classes: np.ndarray) -> None:
        """Takes note of the true classes of a batch; most distributions are fixed and need not."""
        return


class UniformSampler(CandidateSampler):
    """Every class alike."""

    def draw(self, reader: WordReader, n: int) -> np.ndarray:
        return reader.integers(n, self.range_max, np.uint64)

    def probability(self, classes: np.ndarray) -> np.ndarray:
        return np.full(classes.shape, 1.0 / self.range_max, np.float32)


class LogUniformSampler(CandidateSampler):
    """P(k) = log((k + 2) / (k + 1)) / log(range_max + 1): Zipf's law for classes sorted by falling frequency."""

    def __init__(self, range_max: int) -> None:
        super().__init__(range_max)
        self._log_range = math.log1p(range_max)

    def draw(self, reader: WordReader, n: int) -> np.ndarray:
        uniforms = uniforms_64(reader.take(2 * n))
        return (np.exp(uniforms * self._log_range).astype(np.int64) - 1) % self.range_max

    def probability(self, classes: np.ndarray) -> np.ndarray:
        return (np.log((classes + 2.0) / (classes + 1.0)) / self._log_range).astype(np.float32)


class LearnedUnigramSampler(CandidateSampler):
    """Each class by how often it was a true class so far, counting from one."""

    def __init__(self, range_max: int) -> None:
        super().__init__(range_max)
        self._weights = np.ones(range_max, np.int32)
        self._cumulated = np.cumsum(self._weights, dtype=np.int64)
        self._lock = threading.Lock()

    def draw(self, reader: WordReader, n: int) -> np.ndarray:
        with self._lock:
            positions = reader.integers(n, int(self._cumulated[-1]), np.uint32)
            return np.searchsorted(self._cumulated, positions, side="right")

    def probability(self, classes: np.ndarray) -> np.ndarray:
        with self._lock:
            return self._weights[classes].astype(np.float32) / np.float32(self._cumulated[-1])

    def learn(self, classes: np.ndarray) -> None:
        with self._lock:
            room = _INT32_MAX - int(self._cumulated[-1])
            np.add.at(self._weights, classes[:room], 1)
            self._cumulated = np.cumsum(self._weights, dtype=np.int64)


class FixedUnigramSampler(CandidateSampler):
    """Each class by a given weight, drawn with Walker's alias method."""

    def __init__(
        self,
        range_max: int,
        unigrams: Sequence[float],
        distortion: float = 1.0,
        num_reserved_ids: int = 0,
        num_shards: int = 1,
        shard: int = 0,
    ) -> None:
        """Builds the alias table.

        Args:
            range_max: number of classes that can be drawn, the reserved ones among them.
            unigrams: weights of the classes behind the reserved ones.
            distortion: power to which each weight is raised.
            num_reserved_ids: classes in front that are never drawn.
            num_shards: number of ops that share the vocabulary.
            shard: which part of the vocabulary this op draws from: every num_shards-th class, this one first.

        Raises:
            ValueError: the weights are not as many as range_max.
        """
        super().__init__(range_max)
        n_reserved = len(range(shard, num_reserved_ids, num_shards))
        own = np.asarray(unigrams, np.float32)[(shard - n_reserved) % num_shards :: num_shards]
        distorted = np.power(own, np.float32(distortion))
        self._weights = np.concatenate([np.zeros(n_reserved, np.float32), distorted])
        if len(self._weights) != range_max:
            raise ValueError(f"range is {range_max} must be equal to weights size {len(self._weights)}")
        self._total = np.cumsum(distorted)[-1]  # in sequence and in single precision, as TensorFlow adds
        self._kept, self._alias = _alias_table(self._weights)

    @property
    def n_possible(self) -> int:
        return int(np.count_nonzero(self._weights))

    def draw(self, reader: WordReader, n: int) -> np.ndarray:
        uniforms, index = self._hits(reader, n)
        return np.where(uniforms < self._kept[index], index, self._alias[index])

    def _hits(self, reader: WordReader, n: int) -> tuple[np.ndarray, np.ndarray]:
        """Returns, for each of n draws, a uniform number and the class hit: a word for each, unless one is rejected."""
        words = reader.take(2 * n).reshape(n, 2)
        rejected = np.flatnonzero(words[:, 1] < _rejected_below(self.range_max, np.uint32))
        n_good = int(rejected[0]) if len(rejected) else n
        uniforms = uniforms_32(words[:n_good, 0])
        index = (words[:n_good, 1] % np.uint32(self.range_max)).astype(np.int64)
        if not len(rejected):
            return uniforms, index
        reader.put_back(words[n_good:].reshape(-1))
        uniform, hit = uniforms_32(reader.take(1)), reader.integers(1, self.range_max, np.uint32)
        later_uniforms, later_index = self._hits(reader, n - n_good - 1)
        return np.concatenate([uniforms, uniform, later_uniforms]), np.concatenate([index, hit, later_index])

    def probability(self, classes: np.ndarray) -> np.ndarray:
        known = classes < self.range_max
        return np.where(known, self._weights[np.where(known, classes, 0)] / self._total, np.float32(0))


class AllSampler(CandidateSampler):
    """Not random: every class once."""

    def draw(self, reader: WordReader, n: int) -> np.ndarray:
        return np.arange(n)

    def probability(self, classes: np.ndarray) -> np.ndarray:
        return np.ones(classes.shape, np.float32)

    def expected_count(self, classes: np.ndarray, n: int, n_tries: int) -> np.ndarray:
        return self.probability(classes)


def sample_candidates(
    state: PhiloxState, sampler: CandidateSampler, true_classes: torch.Tensor, num_sampled: int, unique: bool
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Draws candidate classes for a batch.

    Args:
        state: the op's stream.
        sampler: the op's distribution; it learns the true classes afterwards.
        true_classes: int64 [batch, num_true].
        num_sampled: number of candidates.
        unique: draw without repetition, by dropping what came before.

    Returns:
        The candidates, int64 [num_sampled]; how often each true class is expected among them, float32
        [batch, num_true]; and the same for the candidates, float32 [num_sampled].

    Raises:
        ValueError: unique, but fewer classes than candidates can be drawn (TensorFlow would draw forever if only their
            probabilities are zero).
    """
    if unique and num_sampled > sampler.n_possible:
        raise ValueError("Sampler's range is too small.")
    reader = WordReader(state.key, state.reserve(_BLOCKS_PER_CANDIDATE * num_sampled))
    true = true_classes.cpu().numpy()
    sampled, n_tries = _draw(sampler, reader, num_sampled, unique)
    true_counts = sampler.expected_count(true, num_sampled, n_tries)
    sampled_counts = sampler.expected_count(sampled, num_sampled, n_tries)
    sampler.learn(true.reshape(-1))
    return torch.from_numpy(sampled), torch.from_numpy(true_counts), torch.from_numpy(sampled_counts)


def _draw(sampler: CandidateSampler, reader: WordReader, n: int, unique: bool) -> tuple[np.ndarray, int]:
    """Returns n classes and how many were drawn to find them."""
    drawn = sampler.draw(reader, n)
    if not unique:
        return drawn, n
    while True:
        _, first = np.unique(drawn, return_index=True)
        if len(first) >= n:
            chosen = np.sort(first)[:n]
            return drawn[chosen], int(chosen[-1]) + 1
        drawn = np.concatenate([drawn, sampler.draw(reader, len(drawn))])


def _alias_table(weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Returns for each class the probability of keeping it when it is hit, and the class to take otherwise.

    Source: Walker, "An efficient method for generating discrete random variables with general distributions", ACM TOMS
    3 (1977). The pairing order is TensorFlow's: the latest small class with the latest large one.
    """
    n = len(weights)
    # The product is rounded to single precision, as TensorFlow's is.
    share = ((weights * np.float32(n)).astype(np.float64) / np.cumsum(weights, dtype=np.float64)[-1]).tolist()
    alias = list(range(n))
    low = [i for i in range(n) if share[i] < 1]
    high = [i for i in range(n) if share[i] >= 1]
    while low and high:
        small, large = low.pop(), high.pop()
        alias[small] = large
        share[large] -= 1 - share[small]
        (low if share[large] < 1 else high).append(large)
    for index in low + high:
        share[index] = 1.0
    return np.array(share, np.float32), np.array(alias)
