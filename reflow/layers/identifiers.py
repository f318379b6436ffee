"""Activations, initializers, regularizers and constraints by name: what layers accept besides the objects themselves.

A name is looked up among the public names: "relu" is `tf.keras.activations.relu` or `tf.nn.relu`, "he_normal" is
`tf.keras.initializers.he_normal` or `tf.initializers.he_normal`. The configuration of a layer (`get_config`) holds the
objects as names, or as {"class_name": ..., "config": ...}.
"""

import inspect

from reflow.graph.export import EXPORTS
from reflow.variables import initializers

# Where to look names up, in order.
_ACTIVATIONS = ("keras.activations", "nn")
_INITIALIZERS = ("keras.initializers", "initializers")
_REGULARIZERS = ("keras.regularizers",)
_CONSTRAINTS = ("keras.constraints",)


def linear(x):
    """The activation that changes nothing: returns `x`."""
    return x


def activation(identifier):
    """The activation function for None, a name or a function.

    Raises:
      ValueError: for an unknown name.
      TypeError: for anything else.
    """
    if identifier is None or identifier == "linear":
        return linear
    if isinstance(identifier, str):
        return _by_name(identifier, _ACTIVATIONS, "activation function")
    if callable(identifier):
        return identifier
    raise TypeError(f"Could not interpret activation function identifier: {identifier!r}")


def initializer(identifier):
    """The initializer for None (which stays None), a name, a configuration, or an initializer.

    Raises:
      ValueError: for anything else.
    """
    return _object(identifier, _INITIALIZERS, "initializer")


def regularizer(identifier):
    """The regularizer for None (which stays None), a name, a configuration, or a function."""
    return _object(identifier, _REGULARIZERS, "regularizer")


def constraint(identifier):
    """The constraint for None (which stays None), a name, a configuration, or a function."""
    return _object(identifier, _CONSTRAINTS, "constraint")


def _object(identifier, places, kind):
    if identifier is None:
        return None
    if isinstance(identifier, dict):
        return _by_name(identifier["class_name"], places, kind).from_config(identifier["config"])
    if isinstance(identifier, str):
        found = _by_name(identifier, places, kind)
        return found() if inspect.isclass(found) or places is _INITIALIZERS else found
    if callable(identifier):
        return identifier
    raise ValueError(f"Could not interpret {kind} identifier: {identifier}")


def _by_name(name, places, kind):
    for place in places:
        found = EXPORTS.get(f"{place}.{name}")
        if found is not None:
            return found
    if places is _INITIALIZERS and inspect.isclass(getattr(initializers, name, None)):
        return getattr(initializers, name)
    raise ValueError(f"Unknown {kind}: {name}")


def serialize(value):
    """An activation, initializer, regularizer or constraint as JSON can hold it.

    Raises:
      ValueError: for what has neither a configuration nor a name.
    """
    if value is None:
        return None
    if hasattr(value, "get_config"):
        return {"class_name": type(value).__name__, "config": value.get_config()}
    if hasattr(value, "__name__"):
        return value.__name__
    raise ValueError(f"Cannot serialize {value}")


# --- several at once ----------------------------------------------------------------------------------------------


def set_parts(layer, **parts):
    """Set attributes of a layer; the last word of a name ("kernel_initializer", "activation") says what it holds."""
    kinds = {"activation": activation, "initializer": initializer, "regularizer": regularizer, "constraint": constraint}
    for name, identifier in parts.items():
        setattr(layer, name, kinds[name.rpartition("_")[2]](identifier))


def configuration(layer, plain, parts):
    """The configuration of a layer as a dict: attributes as they are, and those that `set_parts` set, serialized."""
    config = {name: getattr(layer, name) for name in plain}
    config.update((name, serialize(getattr(layer, name))) for name in parts)
    return config
