"""Approximate quantiles of a stream of weighted numbers in little memory.

The multi-level summaries of Zhang and Wang, "A fast algorithm for approximate quantiles in high speed data streams"
(2007), weighted as in XGBoost (Chen and Guestrin 2016, appendix).
"""

import math

import numpy as np

# The columns of a summary: a value, its weight, and bounds of the weight of all that is less, and not greater.
VALUE, WEIGHT, MIN_RANK, MAX_RANK = range(4)
_EMPTY = np.zeros((0, 4), np.float32)


def summary_of(values, weights):
    """The exact summary of some numbers: float32 [distinct values, 4], sorted by value."""
    order = np.argsort(values, kind="stable")
    distinct, slot_of = np.unique(values[order], return_inverse=True)
    sums = np.zeros(len(distinct), np.float32)
    np.add.at(sums, slot_of, weights[order])
    ranks = np.cumsum(np.concatenate([[0], sums]), dtype=np.float32)
    return np.stack([distinct, sums, ranks[:-1], ranks[1:]], 1).astype(np.float32)


def merge_summaries(first, second):
    """The summary of what two summaries were made of; its error is the greater one of theirs."""
    if not len(first) or not len(second):
        return first if len(first) else second
    mine, shared = _ranked_among(first, second)
    others, _ = _ranked_among(second, first)
    both = np.concatenate([mine, others[~np.isin(second[:, VALUE], first[shared, VALUE])]])
    return both[np.argsort(both[:, VALUE], kind="stable")]


def _ranked_among(entries, others):
    """(the entries with their ranks among others too, which of them the others have as well)."""
    at = np.searchsorted(others[:, VALUE], entries[:, VALUE])
    shared = others[np.minimum(at, len(others) - 1), VALUE] == entries[:, VALUE]
    below = np.concatenate([[0], others[:, MIN_RANK] + others[:, WEIGHT]])[at]
    above = np.concatenate([others[:, MAX_RANK] - others[:, WEIGHT], others[-1:, MAX_RANK]])[at]
    ranked = entries.copy()
    ranked[:, MIN_RANK] += below.astype(np.float32)
    ranked[:, MAX_RANK] += above.astype(np.float32)
    ranked[shared, WEIGHT:] = entries[shared, WEIGHT:] + others[at[shared], WEIGHT:]
    return ranked, shared


def compress(summary, size: int, least_error: float = 0.0):
    """About `size` entries of a summary, the first and the last among them.

    Args:
      summary: float32 [entries, 4].
      size: how many entries to keep, about.
      least_error: the part of the whole weight that may lie between two entries, if more than 1 / size.
    """
    size, count = max(size, 2), len(summary)
    if count <= size:
        return summary
    widest = float(summary[-1, MAX_RANK]) * max(1.0 / size, least_error)
    starts, ends = summary[:, MAX_RANK] - summary[:, WEIGHT], summary[:, MIN_RANK] + summary[:, WEIGHT]
    kept, at, credit = [0], 0, 0
    while at + 1 < count:
        following = at + 1
        while following < count and credit < count and starts[following] - ends[at] <= widest:
            credit += size
            following += 1
        at = max(at + 1, following - 1)
        kept.append(at)
        credit -= count
    return summary[kept]


def error_of(summary) -> float:
    """The greatest uncertainty of a rank, as a part of the whole weight."""
    if not len(summary):
        return 0.0
    own = summary[1:, MAX_RANK] - summary[1:, MIN_RANK] - summary[1:, WEIGHT]
    starts, ends = summary[:, MAX_RANK] - summary[:, WEIGHT], summary[:, MIN_RANK] + summary[:, WEIGHT]
    gap = max(own.max(initial=0), (starts[1:] - ends[:-1]).max(initial=0))
    return float(gap) / float(summary[-1, MAX_RANK])


def boundaries_of(summary, count: int):
    """float32 [about count]: distinct values that represent the summary, in order."""
    error = np.float32(error_of(summary) + (1.0 / count if count else math.inf))
    return np.unique(compress(summary, count, float(error))[:, VALUE])


def quantiles_of(summary, count: int):
    """float32 [count + 1]: the values at equal steps of rank, the least and the greatest among them."""
    found, at = [], 0
    middles = summary[:, MIN_RANK] + summary[:, MAX_RANK]
    starts, ends = summary[:, MAX_RANK] - summary[:, WEIGHT], summary[:, MIN_RANK] + summary[:, WEIGHT]
    for step in range(count + 1):
        wanted = np.float32(2) * (np.float32(step) * summary[-1, MAX_RANK] / np.float32(count))
        while at + 1 < len(summary) and wanted >= middles[at + 1]:
            at += 1
        is_next = at + 1 < len(summary) and wanted >= ends[at] + starts[at + 1]
        found.append(summary[at + is_next, VALUE])
    return np.array(found, np.float32)


class QuantileStream:
    """A stream of weighted numbers, of which summaries are kept: one for the latest, more for ever longer pasts.

    Args:
      error: how wrong a rank may be, as a part of the whole weight; in (0, 1).
      max_elements: how many numbers are to be expected at most.
    """

    def __init__(self, error: float, max_elements: int):
        self._error = error
        self._block_size = _block_size(error, max_elements)
        self._buffer_size = min(2 * self._block_size, max_elements)
        self._levels: list[np.ndarray] = []

    def add(self, values, weights) -> None:
        """Take float32 numbers; those without a weight above zero do not count."""
        values, weights = values[weights > 0], weights[weights > 0]
        for start in range(0, len(values), self._buffer_size):
            block = slice(start, start + self._buffer_size)
            self.add_summary(summary_of(values[block], weights[block]))

    def add_summary(self, summary) -> None:
        """Take the numbers that a summary stands for."""
        summary = compress(summary, self._block_size, self._error)
        level = 0
        while len(summary):
            if level == len(self._levels):
                self._levels.append(_EMPTY)
            present = self._levels[level]
            summary = merge_summaries(summary, present)
            if not len(present) or len(summary) <= self._block_size + 1:
                self._levels[level] = summary
                return
            summary = compress(summary, self._block_size, self._error)
            self._levels[level] = _EMPTY
            level += 1

    def summary(self):
        """float32 [entries, 4]: the summary of all that was added."""
        whole = _EMPTY
        for level in self._levels:
            whole = merge_summaries(whole, level)
        return whole


def _block_size(error: float, max_elements: int) -> int:
    """The least size of summaries whose levels keep the error; two entries are the least and the greatest."""
    if error <= np.finfo(np.float64).eps:
        return max(max_elements, 2)
    level, size = 1, 2
    while 2**level * size < max_elements:
        size = math.ceil(level / error) + 1
        level += 1
    return max(size, 2)
