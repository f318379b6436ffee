"""Hyperparameters: named values with types, which command lines and JSON can override."""

import json
import numbers
import re

from reflow.graph.export import export

# `name=value`, `name[3]=value` or `name=[value, value]`, and the comma behind it.
_ASSIGNMENT = re.compile(
    r"(?P<name>[a-zA-Z][\w.]*)(\[\s*(?P<index>\d+)\s*\])?\s*=\s*"
    r"((?P<value>[^,\[]*)|\[(?P<list>[^\]]*)\])($|,\s*)"
)
_BOOLS = {"true": True, "True": True, "false": False, "False": False}


def _parse_bool(text):
    return _BOOLS[text] if text in _BOOLS else bool(int(text))


def _malformed(name, kind, text, values):
    return ValueError(f"Could not parse hparam '{name}' of type '{kind.__name__}' with value '{text}' in {values}")


def _assigned_twice(name, values):
    return ValueError(f"Multiple assignments to variable '{name}' in {values}")


@export("contrib.training.parse_values")
def parse_values(values, type_map, ignore_unknown=False):
    """Hyperparameters from a text such as "rate=0.1,sizes=[3,4],w[2]=5".

    Args:
      values: the text.
      type_map: a dict from a name to its type, or to the type of its elements.
      ignore_unknown: leave out names that are not in `type_map`.

    Returns:
      A dict from a name to a value, a list, or, for assignments to elements, a dict from index to value.

    Raises:
      ValueError: for a malformed text, an unknown name, or two assignments to one name.
    """
    results: dict = {}
    position = 0
    while position < len(values):
        match = _ASSIGNMENT.match(values, position)
        if not match:
            raise ValueError(f"Malformed hyperparameter value: {values[position:]}")
        position = match.end()
        if match["name"] in type_map:
            _assign(results, match, type_map[match["name"]], values)
        elif not ignore_unknown:
            raise ValueError(f"Unknown hyperparameter type for {match['name']}")
    return results


def _assign(results, match, kind, values):
    """Note one assignment."""
    name, is_list = match["name"], match["list"] is not None
    parse = _parse_bool if kind is bool else kind
    text = match["list"] if is_list else match["value"]
    try:
        parsed = [parse(e) for e in re.split("[ ,]", text) if e] if is_list else parse(text)
    except ValueError:
        raise _malformed(name, kind, text, values) from None
    if match["index"] is None:
        if name in results:
            raise _assigned_twice(name, values)
        results[name] = parsed
        return
    if is_list:
        raise ValueError("Assignment of a list to a list index.")
    elements, index = results.setdefault(name, {}), int(match["index"])
    if not isinstance(elements, dict):
        raise _assigned_twice(name, values)
    if index in elements:
        raise _assigned_twice(f"{name}[{index}]", values)
    elements[index] = parsed


def _cast(name, kind, value):
    """`value` in the type of a hyperparameter; raises ValueError if that would change what it is."""
    if type(value) is kind or kind is type(None):
        return value
    fits = issubclass(kind, bool) == isinstance(value, bool)
    for base in ((str, bytes), numbers.Integral, numbers.Number):
        fits = fits and (not issubclass(kind, base) or isinstance(value, base))
    if not fits:
        raise ValueError(f"Could not cast hparam '{name}' of type '{kind}' from value {value!r}")
    return kind(value)


@export("contrib.training.HParams")
class HParams:
    """Hyperparameters as attributes: `HParams(rate=0.1, layers=[3, 4]).rate`.

    Args:
      hparam_def: accepted for its place; protos of hyperparameters are not read.
      model_structure: anything, kept with them.
      **kwargs: names and values; a list that is not empty is one of several values.

    Raises:
      ValueError: for a reserved name or an empty list.
      NotImplementedError: for a `hparam_def`.
    """

    _HAS_DYNAMIC_ATTRIBUTES = True

    def __init__(self, hparam_def=None, model_structure=None, **kwargs):
        if hparam_def is not None:
            raise NotImplementedError("HParamDef protos are not read: give the values by name")
        self._hparam_types = {}
        self._model_structure = model_structure
        for name, value in kwargs.items():
            self.add_hparam(name, value)

    def add_hparam(self, name, value):
        """Add a hyperparameter; raises ValueError for a name that is taken, or an empty list."""
        if getattr(self, name, None) is not None:
            raise ValueError(f"Hyperparameter name is reserved: {name}")
        is_list = isinstance(value, (list, tuple))
        if is_list and not value:
            raise ValueError(f"Multi-valued hyperparameters cannot be empty: {name}")
        self._hparam_types[name] = (type(value[0] if is_list else value), is_list)
        setattr(self, name, value)

    def set_hparam(self, name, value):
        """Give a hyperparameter another value.

        Raises:
          KeyError: if there is no hyperparameter of that name.
          ValueError: if the value has another type, or is a list where none is expected or the other way round.
        """
        kind, is_list = self._hparam_types[name]
        if isinstance(value, list) and not is_list:
            raise ValueError(f"Must not pass a list for single-valued parameter: {name}")
        if is_list and not isinstance(value, list):
            raise ValueError(f"Must pass a list for multi-valued parameter: {name}.")
        setattr(self, name, [_cast(name, kind, v) for v in value] if is_list else _cast(name, kind, value))

    def del_hparam(self, name):
        """Forget a hyperparameter."""
        if hasattr(self, name):
            delattr(self, name)
            del self._hparam_types[name]

    def parse(self, values):
        """Override from a text, as `parse_values` reads it; returns this object."""
        return self.override_from_dict(parse_values(values, {n: kind for n, (kind, _) in self._hparam_types.items()}))

    def override_from_dict(self, values_dict):
        """Override from a dict of names and values; returns this object."""
        for name, value in values_dict.items():
            self.set_hparam(name, value)
        return self

    def set_from_map(self, values_map):
        """The old name of `override_from_dict`."""
        return self.override_from_dict(values_map)

    def parse_json(self, values_json):
        """Override from a JSON object; returns this object."""
        return self.override_from_dict(json.loads(values_json))

    def to_json(self, indent=None, separators=None, sort_keys=False):
        """The hyperparameters as a JSON object; the arguments are those of `json.dumps`."""
        return json.dumps(self.values(), indent=indent, separators=separators, sort_keys=sort_keys)

    def values(self):
        """The hyperparameters as a dict."""
        return {name: getattr(self, name) for name in self._hparam_types}

    def get(self, key, default=None):
        """The value of a hyperparameter, or `default`; raises ValueError if `default` has another type."""
        if key not in self._hparam_types:
            return default
        if default is not None:
            self._check_default(key, default)
        return getattr(self, key)

    def _check_default(self, key, default):
        kind, is_list = self._hparam_types[key]
        shown = f"list<{kind}>" if is_list else str(kind)
        problem = f"Hparam '{key}' of type '{shown}' is incompatible with default={default}"
        if is_list != isinstance(default, list):
            raise ValueError(problem)
        try:
            for value in default if is_list else [default]:
                _cast(key, kind, value)
        except ValueError as error:
            raise ValueError(f"{problem}. {error}") from None

    def set_model_structure(self, model_structure):
        """Keep an object with the hyperparameters."""
        self._model_structure = model_structure

    def get_model_structure(self):
        """The object kept with them."""
        return self._model_structure

    def __contains__(self, key):
        return key in self._hparam_types

    def __str__(self):
        return ",".join(f"{name}={value}" for name, value in self.values().items())

    def __repr__(self):
        return f"{type(self).__name__}({sorted(self.values().items())})"
