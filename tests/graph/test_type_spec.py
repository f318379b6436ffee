"""tf.TypeSpec and its kinds, and what a Tensor refuses to do, against TensorFlow 1.15.5."""

import pickle
import re

import pytest

import reflow as tf
from reflow.graph.type_spec import TypeSpec, register_type_spec, type_spec_from_value
from tests.ops.recorded import Recorded

recorded = Recorded("type_specs")
# Words of Python 3.7 that are others now, and help that is Reflow's own.
OTHER_WORDS = [("abstract methods .*", "abstract methods"), ("a real number", "a number"), (r" \(Use `if.*", ""),
               (r" \(To iterate.*", "")]  # fmt: skip


def _told(outcome):
    text = outcome["values"][0].item().decode()
    for words, other in OTHER_WORDS:
        text = re.sub(words, other, text, flags=re.DOTALL)
    return text


@recorded.each_case
def test_as_tensorflow(name):
    assert _told(recorded.recording.outcome(tf, name, recorded.functions[name])) == _told(recorded.outcomes[name])


@pytest.mark.parametrize(
    "spec",
    [tf.TensorSpec([None, 2], "int32", "x"), tf.SparseTensorSpec(), tf.IndexedSlicesSpec([2, 3]), tf.TensorArraySpec()],
    ids=lambda spec: type(spec).__name__,
)  # fmt: skip
def test_pickled_it_is_the_same(spec):
    assert pickle.loads(pickle.dumps(spec)) == spec


class Pair:
    def __init__(self, shapes):
        self.shapes = shapes


class PairSpec(TypeSpec):
    def __init__(self, shapes, names):
        self.shapes, self.names = shapes, names

    @property
    def value_type(self):
        return Pair

    def _serialize(self):
        return self.shapes, self.names


def _pair_spec(**shapes):
    return PairSpec({key: tf.TensorSpec(shape) for key, shape in shapes.items()}, ("a", ("b", None)))


def test_a_kind_of_ones_own():
    spec = _pair_spec(left=[1, 2], right=[3])
    assert spec == _pair_spec(right=[3], left=[1, 2])
    assert hash(spec) == hash(_pair_spec(right=[3], left=[1, 2]))
    assert spec.is_compatible_with(_pair_spec(left=[None, 2], right=None))
    assert not spec.is_compatible_with(_pair_spec(left=[1, 2]))
    assert not spec.is_compatible_with(PairSpec(spec.shapes, ("a", ("c", None))))
    common = spec.most_specific_compatible_type(_pair_spec(left=[1, 5], right=[3]))
    assert common == _pair_spec(left=[1, None], right=[3])
    with pytest.raises(ValueError, match="Types are not compatible: 'b' vs 'c'"):
        spec.most_specific_compatible_type(PairSpec(spec.shapes, ("a", ("c", None))))


def test_values_of_registered_types_have_specifications():
    class Derived(Pair):
        pass

    with pytest.raises(TypeError, match="Could not build a TypeSpec for .* with type Derived"):
        type_spec_from_value(Derived(None))
    register_type_spec(Pair, lambda pair: PairSpec(pair.shapes, ()))
    assert type_spec_from_value(Derived({})) == PairSpec({}, ())
    assert type_spec_from_value([[1.0, 2.0]]) == tf.TensorSpec([1, 2])
