"""Hyperparameters: types, texts, JSON."""

import pytest

import reflow as tf

HParams, parse_values = tf.contrib.training.HParams, tf.contrib.training.parse_values


@pytest.fixture
def hparams():
    return HParams(rate=0.1, steps=10, name="adam", layers=[3, 4], debug=False)


def test_values_are_attributes(hparams):
    assert (hparams.rate, hparams.steps, hparams.layers) == (0.1, 10, [3, 4])
    assert hparams.values() == {"rate": 0.1, "steps": 10, "name": "adam", "layers": [3, 4], "debug": False}
    assert "rate" in hparams and "other" not in hparams
    assert str(HParams(a=1, b="x")) == "a=1,b=x"
    assert repr(HParams(b="x", a=1)) == "HParams([('a', 1), ('b', 'x')])"


def test_override_from_text(hparams):
    assert hparams.parse("rate=1e-3, steps=5,name=sgd,layers=[1, 2,3],debug=True") is hparams
    assert hparams.values() == {"rate": 0.001, "steps": 5, "name": "sgd", "layers": [1, 2, 3], "debug": True}
    assert hparams.parse("debug=0").debug is False


def test_override_from_json_and_dict(hparams):
    hparams.parse_json('{"rate": 2, "layers": [9]}').override_from_dict({"steps": 1})
    assert (hparams.rate, hparams.layers, hparams.steps) == (2.0, [9], 1)
    assert HParams(a=1).to_json() == '{"a": 1}'
    assert HParams(b=2, a=1).to_json(sort_keys=True, separators=(",", ":")) == '{"a":1,"b":2}'


@pytest.mark.parametrize(
    "text, problem",
    [
        ("rate", "Malformed"), ("other=1", "Unknown hyperparameter type for other"), ("steps=1.5", "Could not parse"),
        ("steps=1,steps=2", "Multiple assignments"), ("debug=maybe", "Could not parse"),
        ("layers=3", "Must pass a list"), ("rate=[1.0]", "Must not pass a list"),
    ],
)  # fmt: skip
def test_bad_text(hparams, text, problem):
    with pytest.raises(ValueError, match=problem):
        hparams.parse(text)


@pytest.mark.parametrize("name, value", [("steps", 1.5), ("steps", "1"), ("steps", True), ("debug", 1), ("name", 3)])
def test_bad_type(hparams, name, value):
    with pytest.raises(ValueError, match="Could not cast"):
        hparams.set_hparam(name, value)


def test_numbers_become_the_declared_type(hparams):
    hparams.set_hparam("rate", 1)
    assert isinstance(hparams.rate, float)
    anything = HParams(path=None)
    anything.set_hparam("path", "x")
    assert anything.path == "x"


def test_get_checks_the_default(hparams):
    assert hparams.get("rate") == 0.1
    assert hparams.get("rate", 0.5) == 0.1
    assert hparams.get("other", "x") == "x"
    with pytest.raises(ValueError, match="incompatible with default"):
        hparams.get("rate", "x")
    with pytest.raises(ValueError, match="incompatible with default"):
        hparams.get("layers", 3)


def test_add_and_delete(hparams):
    hparams.add_hparam("new", (1, 2))
    assert hparams.new == (1, 2)
    hparams.del_hparam("new")
    assert "new" not in hparams and not hasattr(hparams, "new")
    with pytest.raises(ValueError, match="reserved"):
        hparams.add_hparam("rate", 1)
    with pytest.raises(ValueError, match="cannot be empty"):
        hparams.add_hparam("empty", [])
    with pytest.raises(KeyError):
        hparams.set_hparam("empty", 1)


def test_model_structure():
    hparams = HParams(model_structure="net")
    assert hparams.get_model_structure() == "net"
    hparams.set_model_structure(None)
    assert hparams.get_model_structure() is None
    with pytest.raises(NotImplementedError):
        HParams(hparam_def=object())


class TestParseValues:
    def test_elements(self):
        assert parse_values("w[2]=5,w[0]=1,b=[]", {"w": int, "b": float}) == {"w": {2: 5, 0: 1}, "b": []}

    def test_unknown_names_left_out(self):
        assert parse_values("a=1,b=2", {"b": int}, ignore_unknown=True) == {"b": 2}

    @pytest.mark.parametrize("text", ["w[0]=1,w[0]=2", "w=1,w[0]=2", "w[0]=[1,2]", "w[0]=1,w=2"])
    def test_bad_elements(self, text):
        with pytest.raises(ValueError):
            parse_values(text, {"w": int})
