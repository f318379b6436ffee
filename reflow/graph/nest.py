"""`tf.nest`: flatten nested Python structures to a list of leaves, map over them, and pack leaves back.

A structure is a leaf, or a list, tuple, namedtuple, mapping, mapping view, `attr.s` object or other
`collections.abc.Sequence` of structures. Strings, bytes, NumPy arrays and sets are leaves. A mapping is
always walked in the order of its sorted keys, whatever order it keeps, so that plain and ordered
dictionaries flatten alike. With `expand_composites=True`, objects made of several tensors (such as
`tf.SparseTensor`) are structures too: they offer `_to_components()` and `_type_spec`, and their type spec
offers `_component_specs` and `_from_components(components)`.

`tensorflow.python.util.nest` is this module, so the underscored names that old programs use are here as well.
"""

import sys
from collections.abc import Callable, Iterator, Mapping

from reflow.graph.export import export, export_value
from reflow.graph.nest_kinds import (
    COMPOSITE_KINDS,
    Kind,
    children_of,
    is_attrs,
    is_mapping,
    is_namedtuple,
    is_sequence,
    is_sequence_or_composite,
    items_of,
    kind_of,
    same_namedtuples,
    sorted_keys,
    structure_like,
)

# The names that programs which reach below the public API use.
_is_attrs = is_attrs
_is_mapping = is_mapping
_is_namedtuple = is_namedtuple
_same_namedtuples = same_namedtuples
_sequence_like = structure_like
_sorted = sorted_keys
_yield_sorted_items = items_of
_yield_value = children_of


@export("nest.is_nested")
def is_nested(seq) -> bool:
    """Tells whether `seq` is a structure with children.

    Args:
      seq: any object.

    Returns:
      True for lists, tuples, namedtuples, mappings, mapping views, `attr.s` objects and other sequences;
      False for everything else, strings, bytes, sets and NumPy arrays included.
    """
    return is_sequence(seq)


@export("nest.flatten")
def flatten(structure, expand_composites: bool = False) -> list:
    """Lists the leaves of a structure.

    Args:
      structure: any structure; a leaf gives a list of that one leaf.
      expand_composites: also take composite tensors such as `tf.SparseTensor` apart.

    Returns:
      A list of leaves; those of a mapping come in the order of its sorted keys.

    Raises:
      TypeError: if the keys of a mapping cannot be sorted.
    """
    leaves: list = []
    _flatten_into(leaves, structure, expand_composites)
    return leaves


def _flatten_into(leaves: list, structure, expand_composites: bool) -> None:
    kind = kind_of(structure, expand_composites)
    if kind is Kind.LEAF:
        leaves.append(structure)
    elif kind is Kind.SEQUENCE or kind is Kind.NAMEDTUPLE:
        for child in structure:
            _flatten_into(leaves, child, expand_composites)
    else:
        for child in children_of(structure):
            _flatten_into(leaves, child, expand_composites)


@export("nest.pack_sequence_as")
def pack_sequence_as(structure, flat_sequence, expand_composites: bool = False):
    """Packs a flat list of leaves into a given structure: the inverse of `flatten`.

    Args:
      structure: the structure to imitate; its own leaves are ignored.
      flat_sequence: a sequence with as many leaves as `structure` has.
      expand_composites: composite tensors in `structure` are made again from their components.

    Returns:
      A structure like `structure` with the leaves of `flat_sequence`.

    Raises:
      TypeError: if `flat_sequence` is no sequence, or the keys of a mapping cannot be sorted.
      ValueError: if the numbers of leaves differ.
    """
    if not is_sequence(flat_sequence) or is_mapping(flat_sequence):
        raise TypeError("flat_sequence must be a sequence")
    if kind_of(structure, expand_composites) is Kind.LEAF:
        if len(flat_sequence) != 1:
            raise ValueError(f"Structure is a scalar but len(flat_sequence) == {len(flat_sequence)} > 1")
        (leaf,) = flat_sequence
        return leaf
    leaves = iter(flat_sequence)
    exhausted = object()
    try:
        packed = _pack(structure, leaves, expand_composites)
        complete = next(leaves, exhausted) is exhausted
    except StopIteration:
        complete = False
    if not complete:
        raise ValueError(
            f"Could not pack sequence. Structure had {len(flatten(structure, expand_composites))} elements, but "
            f"flat_sequence had {len(flat_sequence)} elements.  Structure: {structure}, flat_sequence: {flat_sequence}."
        )
    return packed


def _pack(structure, leaves: Iterator, expand_composites: bool):
    """Packs the next leaves; a StopIteration of `leaves` passes through."""
    children = []
    for child in children_of(structure):
        is_leaf = kind_of(child, expand_composites) is Kind.LEAF
        children.append(next(leaves) if is_leaf else _pack(child, leaves, expand_composites))
    return structure_like(structure, children)


@export("nest.map_structure")
def map_structure(func: Callable, *structure, **kwargs):
    """Applies a function to the corresponding leaves of structures.

    Args:
      func: a callable with as many arguments as there are structures.
      *structure: structures nested in the same way.
      **kwargs: `check_types` (default True: the types of the sequences must agree too) and
        `expand_composites` (default False), as in `assert_same_structure`.

    Returns:
      A structure like the first one, of `func`'s results.

    Raises:
      TypeError: if `func` is not callable, or the types of sequences differ.
      ValueError: if there is no structure, the structures differ, or a keyword is unknown.
    """
    if not callable(func):
        raise TypeError(f"func must be callable, got: {func}")
    if not structure:
        raise ValueError("Must provide at least one structure")
    check_types = kwargs.pop("check_types", True)
    expand_composites = kwargs.pop("expand_composites", False)
    if kwargs:
        raise ValueError(
            f"Only valid keyword arguments are `check_types` and `expand_composites`, not: `{'`, `'.join(kwargs)}`"
        )
    for other in structure[1:]:
        assert_same_structure(structure[0], other, check_types=check_types, expand_composites=expand_composites)
    flat = [flatten(one, expand_composites) for one in structure]
    return pack_sequence_as(structure[0], [func(*leaves) for leaves in zip(*flat, strict=True)], expand_composites)


class _DotString:
    """Stands for a leaf where an error message shows only the nesting."""

    def __str__(self) -> str:
        return "."

    __repr__ = __str__


_DOT = _DotString()


def _describe(value) -> str:
    return f"type={type(value).__name__} str={value}"


@export("nest.assert_same_structure")
def assert_same_structure(nest1, nest2, check_types: bool = True, expand_composites: bool = False) -> None:
    """Checks that two structures are nested in the same way.

    Args:
      nest1: a structure.
      nest2: a structure.
      check_types: also compare the types of sequences and the keys of mappings. Any two kinds of mapping
        count as one type, so do list subclasses, and namedtuples of equal name and fields.
      expand_composites: also compare the components of composite tensors.

    Raises:
      ValueError: if the structures differ in their number of elements, nesting or keys.
      TypeError: if two sequences differ in type and `check_types` is set.
    """
    try:
        _check_same(nest1, nest2, check_types, expand_composites)
    except (ValueError, TypeError) as error:
        raise type(error)(
            "The two structures don't have the same nested structure.\n\n"
            f"First structure: {_describe(nest1)}\n\nSecond structure: {_describe(nest2)}\n\n"
            f"More specifically: {error}\n"
            f"Entire first structure:\n{map_structure(lambda _: _DOT, nest1)}\n"
            f"Entire second structure:\n{map_structure(lambda _: _DOT, nest2)}"
        ) from None


def _check_same(first, second, check_types: bool, expand_composites: bool) -> None:
    kinds = kind_of(first, expand_composites), kind_of(second, expand_composites)
    if kinds == (Kind.LEAF, Kind.LEAF):
        return
    if Kind.LEAF in kinds:
        nested, leaf = (first, second) if kinds[1] is Kind.LEAF else (second, first)
        raise ValueError(
            f'Substructure "{_describe(nested)}" is a sequence, while substructure "{_describe(leaf)}" is not'
        )
    if _both_composite(kinds):
        _check_compatible_specs(first, second)
    elif check_types:
        _check_same_type(first, second)
        if kinds == (Kind.MAPPING, Kind.MAPPING):
            _check_same_keys(first, second)
    children = list(children_of(first)), list(children_of(second))
    if len(children[0]) != len(children[1]):
        raise ValueError(
            "The two structures don't have the same number of elements. "
            f"First structure: {_describe(first)}. Second structure: {_describe(second)}"
        )
    for pair in zip(*children, strict=True):
        _check_same(*pair, check_types, expand_composites)


def _both_composite(kinds: tuple[Kind, Kind]) -> bool:
    return kinds[0] in COMPOSITE_KINDS and kinds[1] in COMPOSITE_KINDS


def _check_same_type(first, second) -> None:
    if is_namedtuple(first, strict=True) and is_namedtuple(second, strict=True):
        same = same_namedtuples(first, second)
    else:
        same = (
            type(first) is type(second)
            or (is_mapping(first) and is_mapping(second))
            or (isinstance(first, list) and isinstance(second, list))
        )
    if not same:
        # TensorFlow says "namedtuples" whatever the types are; programs match on the text.
        raise TypeError(
            "The two namedtuples don't have the same sequence type. "
            f"First structure {_describe(first)} has type {type(first).__name__}, "
            f"while second structure {_describe(second)} has type {type(second).__name__}"
        )


def _check_same_keys(first, second) -> None:
    if set(first) != set(second):
        raise ValueError(
            "The two dictionaries don't have the same set of keys. First structure has keys "
            f"{_describe(list(first))}, while second structure has keys {_describe(list(second))}"
        )


def _check_compatible_specs(first, second) -> None:
    specs = [value if kind_of(value, True) is Kind.SPEC else value._type_spec for value in (first, second)]
    try:
        specs[0].most_specific_compatible_type(specs[1])
    except (TypeError, ValueError) as error:
        raise ValueError(f"Incompatible CompositeTensor TypeSpecs: {specs[0]} vs. {specs[1]} -- {error}") from None


def flatten_dict_items(dictionary) -> dict:
    """Flattens the keys and the values of a dictionary together.

    Args:
      dictionary: a mapping whose keys may be structures; the value of such a key is nested as the key is.

    Returns:
      A dictionary from each leaf of the keys to the leaf of the values that stands at its place.

    Raises:
      TypeError: if `dictionary` is no mapping.
      ValueError: if a key and its value are nested differently, or a leaf key occurs twice.
    """
    if not is_mapping(dictionary):
        raise TypeError("input must be a dictionary")
    flat: dict = {}
    for key, value in dictionary.items():
        keys, values = (flatten(key), flatten(value)) if is_sequence(key) else ([key], [value])
        if len(keys) != len(values):
            raise ValueError(
                f"Could not flatten dictionary. Key had {len(keys)} elements, but value had {len(values)} elements. "
                f"Key: {keys}, value: {values}."
            )
        for leaf_key, leaf in zip(keys, values, strict=True):
            if leaf_key in flat:
                raise ValueError(f"Could not flatten dictionary: key {leaf_key} is not unique.")
            flat[leaf_key] = leaf
    return flat


def assert_shallow_structure(
    shallow_tree,
    input_tree,
    check_types: bool = True,
    expand_composites: bool = False,
    check_subtrees_length: bool = True,
) -> None:
    """Checks that `shallow_tree` is the upper part of `input_tree`.

    Args:
      shallow_tree: a structure, whose leaves may stand for whole structures.
      input_tree: a structure at least as deep.
      check_types: the types of corresponding sequences must agree, as in `assert_same_structure`.
      expand_composites: composite tensors count as structures.
      check_subtrees_length: corresponding sequences must be of equal length; else `input_tree` may have more.

    Raises:
      TypeError: if a sequence in `shallow_tree` meets a leaf, or a sequence of another type.
      ValueError: if the lengths or the keys do not fit.
    """
    kinds = kind_of(shallow_tree, expand_composites), kind_of(input_tree, expand_composites)
    if kinds[0] is Kind.LEAF:
        return
    if kinds[1] is Kind.LEAF:
        raise TypeError(
            "If shallow structure is a sequence, input must also be a sequence. "
            f"Input has type: {type(input_tree)}."
        )
    if _both_composite(kinds):
        _check_compatible_specs(shallow_tree, input_tree)
    else:
        if check_types:
            _check_shallow_type(shallow_tree, input_tree)
        _check_shallow_length(len(shallow_tree), len(input_tree), check_subtrees_length)
    if kinds == (Kind.MAPPING, Kind.MAPPING):
        _check_shallow_keys(shallow_tree, input_tree)
    for shallow, deep in zip(children_of(shallow_tree), children_of(input_tree), strict=False):
        assert_shallow_structure(shallow, deep, check_types, expand_composites, check_subtrees_length)


def _check_shallow_type(shallow_tree, input_tree) -> None:
    if is_namedtuple(shallow_tree) and is_namedtuple(input_tree):
        same = isinstance(input_tree, type(shallow_tree)) or same_namedtuples(shallow_tree, input_tree)
    else:
        same = isinstance(input_tree, type(shallow_tree)) or (is_mapping(shallow_tree) and is_mapping(input_tree))
    if not same:
        raise TypeError(
            "The two structures don't have the same sequence type. Input structure has type "
            f"{type(input_tree)}, while shallow structure has type {type(shallow_tree)}."
        )


def _check_shallow_length(shallow: int, deep: int, equal: bool) -> None:
    if equal and shallow != deep:
        raise ValueError(
            "The two structures don't have the same sequence length. "
            f"Input structure has length {deep}, while shallow structure has length {shallow}."
        )
    if deep < shallow:
        raise ValueError(
            "The input_tree has fewer elements than the shallow_tree. "
            f"Input structure has length {deep}, while shallow structure has length {shallow}."
        )


def _check_shallow_keys(shallow_tree: Mapping, input_tree: Mapping) -> None:
    absent = set(shallow_tree) - set(input_tree)
    if absent:
        raise ValueError(
            "The shallow_tree's keys are not a subset of the input_tree's keys. "
            f"The shallow_tree has the following keys that are not in the input_tree: {sorted(absent)}."
        )


def _yield_flat_up_to(shallow_tree, input_tree, is_seq: Callable[..., bool], path: tuple = ()) -> Iterator[tuple]:
    """Yields (path, subtree of `input_tree`) at each leaf of `shallow_tree`."""
    if not is_seq(shallow_tree):
        yield path, input_tree
        return
    subtrees = dict(items_of(input_tree))
    for key, shallow in items_of(shallow_tree):
        yield from _yield_flat_up_to(shallow, subtrees[key], is_seq, (*path, key))


def _is_seq(expand_composites: bool) -> Callable[..., bool]:
    return is_sequence_or_composite if expand_composites else is_sequence


def flatten_up_to(
    shallow_tree,
    input_tree,
    check_types: bool = True,
    expand_composites: bool = False,
    check_subtrees_length: bool = True,
) -> list:
    """Lists the parts of `input_tree` that stand where `shallow_tree` has its leaves.

    Args and Raises: as in `assert_shallow_structure`.

    Returns:
      A list with one subtree of `input_tree` for each leaf of `shallow_tree`.
    """
    pairs = flatten_with_tuple_paths_up_to(
        shallow_tree, input_tree, check_types, expand_composites, check_subtrees_length
    )
    return [subtree for _, subtree in pairs]


def flatten_with_tuple_paths_up_to(
    shallow_tree,
    input_tree,
    check_types: bool = True,
    expand_composites: bool = False,
    check_subtrees_length: bool = True,
) -> list[tuple]:
    """Lists (path, subtree) pairs of `input_tree`, one for each leaf of `shallow_tree`.

    Args and Raises: as in `assert_shallow_structure`.

    Returns:
      A list of pairs; a path is a tuple of the keys, field names and indices that lead to the subtree.
    """
    assert_shallow_structure(shallow_tree, input_tree, check_types, expand_composites, check_subtrees_length)
    return list(_yield_flat_up_to(shallow_tree, input_tree, _is_seq(expand_composites)))


def map_structure_up_to(shallow_tree, func: Callable, *inputs, **kwargs):
    """Applies a function to the parts of structures that stand at the leaves of `shallow_tree`.

    Args:
      shallow_tree: a structure that is the upper part of every input.
      func: a callable with as many arguments as there are inputs.
      *inputs: structures.
      **kwargs: `check_types`, `expand_composites` and `check_subtrees_length` as in
        `assert_shallow_structure`; the rest goes to `func`.

    Returns:
      A structure like `shallow_tree`, of `func`'s results.

    Raises:
      TypeError, ValueError: as in `assert_shallow_structure`; ValueError if there are no inputs.
    """
    return map_structure_with_tuple_paths_up_to(
        shallow_tree, lambda _, *values, **options: func(*values, **options), *inputs, **kwargs
    )


def map_structure_with_tuple_paths_up_to(shallow_tree, func: Callable, *inputs, **kwargs):
    """As `map_structure_up_to`, but `func` gets the path, a tuple, as its first argument."""
    if not inputs:
        raise ValueError("Cannot map over no sequences")
    expand_composites = kwargs.pop("expand_composites", False)
    checks = {"check_types": kwargs.pop("check_types", True), "expand_composites": expand_composites}
    checks["check_subtrees_length"] = kwargs.pop("check_subtrees_length", True)
    flat = [flatten_up_to(shallow_tree, tree, **checks) for tree in inputs]
    paths = [path for path, _ in _yield_flat_up_to(shallow_tree, inputs[0], _is_seq(expand_composites))]
    results = [func(*values, **kwargs) for values in zip(paths, *flat, strict=True)]
    return pack_sequence_as(shallow_tree, results, expand_composites)


def map_structure_with_tuple_paths(func: Callable, *structure, **kwargs):
    """As `map_structure`, but `func` gets the path, a tuple of keys, as its first argument."""
    return map_structure_with_tuple_paths_up_to(structure[0], func, *structure, **kwargs)


def map_structure_with_paths(func: Callable, *structure, **kwargs):
    """As `map_structure`, but `func` gets the path, its keys joined with "/", as its first argument."""

    def with_joined_path(path, *values, **options):
        return func("/".join(map(str, path)), *values, **options)

    return map_structure_with_tuple_paths(with_joined_path, *structure, **kwargs)


def yield_flat_paths(nest, expand_composites: bool = False) -> Iterator[tuple]:
    """Yields the path of each leaf, a tuple of keys, field names and indices, in flattening order."""
    return (path for path, _ in _yield_flat_up_to(nest, nest, _is_seq(expand_composites)))


def flatten_with_tuple_paths(structure, expand_composites: bool = False) -> list[tuple]:
    """Lists (path, leaf) pairs in flattening order; a path is a tuple."""
    return list(_yield_flat_up_to(structure, structure, _is_seq(expand_composites)))


def flatten_with_joined_string_paths(structure, separator: str = "/", expand_composites: bool = False) -> list[tuple]:
    """Lists (path, leaf) pairs in flattening order; a path is a string, its keys joined with `separator`."""
    pairs = flatten_with_tuple_paths(structure, expand_composites)
    return [(separator.join(map(str, path)), leaf) for path, leaf in pairs]


def get_traverse_shallow_structure(traverse_fn: Callable, structure, expand_composites: bool = False):
    """Makes the shallow structure that `flatten_up_to` needs, from a rule that says where to descend.

    Args:
      traverse_fn: takes a substructure; returns a bool (descend or not), or a structure of bools as long as
        the substructure that decides for each child.
      structure: the structure to walk.
      expand_composites: composite tensors count as structures.

    Returns:
      A structure of bools.

    Raises:
      TypeError: if `traverse_fn` returns anything else.
    """
    to_traverse = traverse_fn(structure)
    if kind_of(structure, expand_composites) is Kind.LEAF:
        if not isinstance(to_traverse, bool):
            raise TypeError(f"traverse_fn returned structure: {to_traverse} for non-structure: {structure}")
        return to_traverse
    if to_traverse is False:
        return False
    if to_traverse is True:
        decisions = [True] * len(list(children_of(structure)))
    elif kind_of(to_traverse, expand_composites) is Kind.LEAF:
        raise TypeError(f"traverse_fn returned a non-bool scalar: {to_traverse} for input: {structure}")
    else:
        assert_shallow_structure(to_traverse, structure, expand_composites=expand_composites)
        decisions = list(children_of(to_traverse))
    if not all(isinstance(decision, bool) for decision in decisions):
        raise TypeError(
            f"traverse_fn didn't return a depth=1 structure of bools.  saw: {to_traverse}  for structure: {structure}"
        )
    return structure_like(
        structure,
        [
            decision and get_traverse_shallow_structure(traverse_fn, child, expand_composites)
            for decision, child in zip(decisions, children_of(structure), strict=True)
        ],
    )


export_value("contrib.framework.nest", sys.modules[__name__])
