"""`nest` against outcomes recorded from TensorFlow 1.15.5, and what the recording cannot hold."""

import collections
import importlib.util
import json
import pathlib

import pytest

from reflow.graph import nest

GOLDENS = pathlib.Path(__file__).parents[1] / "goldens"


def _cases():
    spec = importlib.util.spec_from_file_location("nest_cases", GOLDENS / "nest_cases.py")
    cases = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(cases)
    return cases


RECORDED = json.loads((GOLDENS / "nest.json").read_text())


@pytest.mark.parametrize(
    ("recorded", "ours"),
    [pytest.param(*pair, id=pair[0][0]) for pair in zip(RECORDED, _cases().outcomes(nest), strict=True)],
)
def test_same_outcome_as_tensorflow(recorded, ours):
    assert ours == recorded


def test_unsortable_keys_are_named():
    with pytest.raises(TypeError, match="sortable keys: .*'a'"):
        nest.flatten({1: 1, "a": 2})


def test_round_trip_keeps_the_order_of_an_ordered_dict():
    structure = collections.OrderedDict([("z", [1, 2]), ("a", (3,))])
    packed = nest.pack_sequence_as(structure, nest.flatten(structure))
    assert packed == structure
    assert list(packed) == ["z", "a"]


class _Attrs:
    """As `attr.s` makes them, without the package."""

    __attrs_attrs__ = (collections.namedtuple("Field", "name")("b"), collections.namedtuple("Field", "name")("a"))

    def __init__(self, b, a):
        self.b, self.a = b, a


def test_attrs_objects_flatten_in_the_order_of_their_fields():
    assert nest.flatten(_Attrs(b=[1, 2], a=3)) == [1, 2, 3]
    assert nest.map_structure(lambda leaf: -leaf, _Attrs(1, 2)).a == -2
    assert list(nest.yield_flat_paths(_Attrs(1, [2]))) == [("b",), ("a", 0)]


class _Spec:
    def __init__(self, rank):
        self.rank = rank

    def _from_components(self, components):
        return _Composite(*components)

    @property
    def value_type(self):
        return _Composite

    @property
    def _component_specs(self):
        return ["indices", "values"]

    def most_specific_compatible_type(self, other):
        if other.rank != self.rank:
            raise ValueError("ranks differ")
        return self


class _Composite:
    def __init__(self, indices, values, rank=2):
        self.indices, self.values, self.rank = indices, values, rank

    def _to_components(self):
        return [self.indices, self.values]

    @property
    def _type_spec(self):
        return _Spec(self.rank)


def test_composites_are_leaves_until_expanded():
    composite = _Composite(1, 2)
    assert nest.flatten([composite]) == [composite]
    assert nest.flatten([composite], expand_composites=True) == [1, 2]
    doubled = nest.map_structure(lambda leaf: 2 * leaf, {"a": composite}, expand_composites=True)["a"]
    assert (doubled.indices, doubled.values) == (2, 4)
    assert nest.is_sequence_or_composite(composite)
    assert not nest.is_sequence(composite)


def test_composites_compare_by_their_specs():
    nest.assert_same_structure(_Composite(1, 2), _Spec(2), expand_composites=True)
    with pytest.raises(ValueError, match="ranks differ"):
        nest.assert_same_structure(_Composite(1, 2), _Composite(1, 2, rank=3), expand_composites=True)
    with pytest.raises(ValueError, match="ranks differ"):
        nest.assert_shallow_structure(_Composite(1, 2), _Composite(1, 2, rank=3), expand_composites=True)


def test_the_names_that_old_programs_reach_for():
    assert list(nest._yield_value({"b": 1, "a": 2})) == [2, 1]
    assert nest._sequence_like((1, 2), [3, 4]) == (3, 4)
    assert not nest._is_mapping([])


def test_functions_up_to_a_depth_pass_keywords_on():
    assert nest.map_structure_up_to([0], lambda leaf, scale: leaf * scale, [3], scale=2) == [6]
