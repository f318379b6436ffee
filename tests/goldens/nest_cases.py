"""Calls of `nest` whose outcomes are recorded from TensorFlow 1.15.5 and compared with Reflow's.

Runs under Python 3.7 as well. Error messages avoid OrderedDict, whose repr depends on the Python version.
"""

import collections

import numpy as np

Pair = collections.namedtuple("Pair", "x y")
Other = collections.namedtuple("Other", "x y")
Twin = collections.namedtuple("Pair", "x y")
OD = collections.OrderedDict


class SubPair(Pair):
    """A namedtuple that is not a plain one."""


class SubList(list):
    """A list of another type."""


def _flatten_cases(nest):
    for value in [
        1,
        "ab",
        b"ab",
        None,
        [],
        {},
        [[], ()],
        [1, (2, 3), {"b": 4, "a": [5]}],
        Pair([1], 2),
        range(3),
        {1: 2}.values(),
        {1: 2}.keys(),
        {2: 1, 1: 0}.items(),
        OD([("b", 1), ("a", 2)]),
        bytearray(b"ab"),
        collections.deque([1, 2]),
        np.array([1, 2]),
    ]:
        yield (nest.flatten, value)
        yield (nest.is_nested, value)


def _same_structure_cases(nest):
    same = nest.assert_same_structure
    for pair in [
        ([1, 2], [1, [2]]),
        ([1, [2]], [1, 2]),
        ([1, 2], [1]),
        ([[1, 2], 3], [[1], 3]),
        ([1], (1,)),
        ([1], SubList([1])),
        ((1,), range(1)),
        ({"a": 1}, {"b": 1}),
        ({"a": 1}, {"a": 1, "b": 2}),
        ({"a": 1}, OD(a=1)),
        ({"a": 1}, [1]),
        (Pair(1, 2), Other(1, 2)),
        (Pair(1, 2), Twin(1, 2)),
        (Pair(1, 2), SubPair(1, 2)),
        (Pair(1, 2), (1, 2)),
        (Pair(1, 2), Pair(1, [2])),
        (1, [1]),
        ("abc", 1),
    ]:
        yield (same,) + pair
        yield (lambda one, two: same(one, two, check_types=False),) + pair


def _pack_cases(nest):
    for structure, flat in [
        (1, [5]),
        (1, [5, 6]),
        (1, []),
        ([], []),
        ([1, (2,)], [5, 6]),
        ([1, (2,)], [5]),
        ([1, (2,)], [5, 6, 7]),
        ([1], 5),
        ([1], "a"),
        ("a", ["b"]),
        (OD([("b", 1), ("a", 2)]), [5, 6]),
        (collections.defaultdict(int, {"b": 1, "a": 2}), [5, 6]),
        ({"b": 1, "a": 2}.values(), [5, 6]),
        (Pair(1, [2, 3]), [4, 5, 6]),
        (SubPair(1, 2), (4, 5)),
        (SubList([1]), [3]),
        (range(2), [1, 2]),
        ([1, 2], np.array([1, 2])),
    ]:
        yield (lambda s, f: list(nest.pack_sequence_as(s, f).items())
               if isinstance(s, dict) else nest.pack_sequence_as(s, f), structure, flat)


def _map_cases(nest):
    def add(one, two):
        return one + two

    yield (nest.map_structure, add, [1, (2,)], [3, (4,)])
    yield (nest.map_structure, add, [1, (2,)], [3, [4]])
    yield (lambda *args: nest.map_structure(*args, check_types=False), add, [1, (2,)], (3, [4]))
    yield (nest.map_structure, 3, [1])
    yield (nest.map_structure, add)
    yield (lambda *args: nest.map_structure(*args, foo=3), add, [1], [2])
    yield (nest.map_structure, repr, Pair(1, {"z": 1}))
    joined = {"a": [1, 2], "b": Pair(3, 4)}
    yield (nest.map_structure_with_paths, lambda path, leaf: (path, leaf), joined)
    yield (nest.map_structure_with_tuple_paths, lambda path, leaf: (path, leaf), joined)
    yield (nest.map_structure_with_paths, lambda path, leaf: (path, leaf), 3)
    yield (nest.map_structure_up_to, [None, None], lambda leaf: 2 * leaf, [1, 2])
    yield (nest.map_structure_up_to, [None, None], lambda leaf: 2 * leaf)
    yield (nest.map_structure_up_to, Pair(0, 0), lambda one, two: (one, two), Pair([1], 2), Pair(3, [4]))


def _shallow_cases(nest):
    upto = nest.flatten_up_to
    for pair in [
        ([1, 1], [[2], [3]]),
        ([1, 1], [[2]]),
        ([1], 5),
        (1, [1, 2]),
        ([1], (2,)),
        ({"a": 1}, {"b": 2}),
        ({"a": 1}, {"a": [1], "b": 2}),
        (["a", "b"], ["c", ["d"], "f"]),
        (["a", "b", "c"], ["c"]),
        (Pair(1, 2), Twin([3], 4)),
        ({"a": 1}, [3]),
    ]:
        yield (upto,) + pair
        yield (lambda one, two: upto(one, two, check_subtrees_length=False),) + pair
    yield (lambda: upto([1], (2,), check_types=False),)
    yield (nest.flatten_with_tuple_paths_up_to, [1, 0], [[5], [2]])


def _path_cases(nest):
    structure = {"a": [3], "b": Pair(1, 2)}
    yield (lambda: list(nest.yield_flat_paths(structure)),)
    yield (nest.flatten_with_joined_string_paths, structure)
    yield (lambda: nest.flatten_with_joined_string_paths([1, [2]], separator="."),)
    yield (nest.flatten_with_tuple_paths, [1, [2]])


def _dictionary_cases(nest):
    for dictionary in [
        {(4, 5, (6, 8)): ("a", "b", ("c", "d"))},
        {"a": [1, 2]},
        {(1, 2): 3},
        {(1, 1): (3, 4)},
        {1: 2, (1,): (3,)},
        5,
    ]:
        yield (nest.flatten_dict_items, dictionary)


def _traverse_cases(nest):
    shallow = nest.get_traverse_shallow_structure
    yield (shallow, lambda s: isinstance(s, (list, tuple)), [1, (2, 3), {"a": 4}])
    yield (shallow, lambda s: not isinstance(s, tuple), [1, (2, [3]), [4]])
    yield (shallow, lambda s: [True, False] if isinstance(s, list) else True, [(1,), [2]])
    yield (shallow, lambda s: True, 3)
    yield (shallow, lambda s: "x", [1])
    yield (shallow, lambda s: 5, 3)


def outcomes(nest):
    """Runs every case: a list of [result repr] or [error class, message]."""
    results = []
    for group in [_flatten_cases, _same_structure_cases, _pack_cases, _map_cases, _shallow_cases, _path_cases,
                  _dictionary_cases, _traverse_cases]:
        for number, case in enumerate(group(nest)):
            try:
                outcome = [repr(case[0](*case[1:]))]
            except (TypeError, ValueError) as error:
                outcome = [type(error).__name__, str(error)]
            results.append([f"{group.__name__} {number}"] + outcome)
    return results
