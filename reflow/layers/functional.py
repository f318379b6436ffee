"""The functional forms of layers: `tf.layers.dense(x, 3)` makes a `Dense(3)` and applies it to `x`."""

import inspect

from reflow.graph.export import export, with_signature

# Arguments of `call` rather than of the layer.
_CALL_ARGUMENTS = ("training",)


def functional_form(name: str, layer_class: type, moved_last: tuple[str, ...] = (), **placed_after: str):
    """Publish the functional form of a layer.

    Args:
      name: the public name, such as "layers.dense".
      layer_class: the class that it makes.
      moved_last: arguments of the class that stand behind all others here.
      **placed_after: further arguments, each with the name of the one that it stands behind: `reuse`, whether the layer
        finds its variables instead of making them, and `training`, which goes to the call.

    Returns:
      A function with the arguments of the class behind `inputs`.
    """
    signature = _signature(layer_class, moved_last, placed_after)
    takes_reuse = "reuse" in placed_after

    def function(*args, **kwargs):
        bound = signature.bind(*args, **kwargs)
        bound.apply_defaults()
        options = bound.arguments
        inputs = options.pop("inputs")
        call_options = {key: options.pop(key) for key in _CALL_ARGUMENTS if key in options}
        if takes_reuse:
            options["_reuse"] = options.pop("reuse")
            options["_scope"] = options["name"]
        return layer_class(**options)(inputs, **call_options)

    function.__name__ = function.__qualname__ = name.rpartition(".")[2]
    function.__module__ = layer_class.__module__
    function.__doc__ = _docstring(layer_class, placed_after)
    return export(name)(with_signature(function, signature))


def _signature(layer_class, moved_last, placed_after) -> inspect.Signature:
    own = list(inspect.signature(layer_class.__init__).parameters.values())[1:]
    parameters = {p.name: p for p in own if p.kind is not p.VAR_KEYWORD}
    names = ["inputs", *parameters]
    for added, before in placed_after.items():
        default = False if added == "training" else None
        parameters[added] = inspect.Parameter(added, inspect.Parameter.POSITIONAL_OR_KEYWORD, default=default)
        names.insert(names.index(before) + 1, added)
    parameters["inputs"] = inspect.Parameter("inputs", inspect.Parameter.POSITIONAL_OR_KEYWORD)
    names = [name for name in names if name not in moved_last] + list(moved_last)
    return inspect.Signature([parameters[name] for name in names])


_ARGUMENT_TEXTS = {
    "training": "  training: a bool or bool scalar: whether the layer works as in training.",
    "reuse": "  reuse: True to find the variables of an earlier layer so named, tf.AUTO_REUSE to make missing ones.",
}


def _docstring(layer_class, placed_after) -> str:
    """The docstring of the class, with the arguments of a call among its arguments."""
    summary, _, rest = (inspect.getdoc(layer_class) or "").partition("\n")
    heading, _, arguments = rest.partition("Args:\n")
    added = "\n".join(_ARGUMENT_TEXTS[name] for name in placed_after)
    return (f"{summary} This makes a `tf.layers.{layer_class.__name__}` and applies it.\n{heading}"
            f"Args:\n  inputs: the tensor that it is applied to.\n{arguments.split(chr(10) * 2)[0]}\n{added}\n\n"
            "Returns:\n  The layer's output.")  # fmt: skip
