"""Layers made of layers: repeated, stacked; and a gradient scaled on its way back."""

from reflow.gradient_registry import custom_gradient
from reflow.graph.convert import to_tensor
from reflow.graph.export import export
from reflow.ops.identity import identity
from reflow.variables.variable_scope import variable_scope


@export("contrib.layers.repeat")
def repeat(inputs, repetitions, layer, *args, **kwargs):
    """A layer applied several times, with variables of its own each time.

        net = repeat(images, 2, conv2d, 64, [3, 3], scope="conv1")     # conv1/conv1_1, conv1/conv1_2

    Args:
      inputs: a tensor.
      repetitions: how many times.
      layer: a function `layer(inputs, *args, scope=..., **kwargs)`.
      *args, **kwargs: its further arguments; `scope` is the variable scope of all, "Repeat" made unique if None.

    Returns:
      The output of the last.
    """
    scope = kwargs.pop("scope", None)
    with variable_scope(scope, "Repeat", [inputs]):
        outputs, prefix = to_tensor(inputs), scope or _name_of(layer, "repeat")
        for i in range(repetitions):
            outputs = layer(outputs, *args, **{**kwargs, "scope": f"{prefix}_{i + 1}"})
        return outputs


@export("contrib.layers.stack")
def stack(inputs, layer, stack_args, **kwargs):
    """A layer applied several times with different arguments.

        net = stack(x, fully_connected, [32, 64, 128], scope="fc")     # fc/fc_1, fc/fc_2, fc/fc_3

    Args:
      inputs: a tensor.
      layer: a function `layer(inputs, *args, scope=..., **kwargs)`.
      stack_args: a list with the arguments of each time, a value or a list of them.
      **kwargs: arguments of all times; `scope` is the variable scope of all, "Stack" made unique if None.

    Returns:
      The output of the last.

    Raises:
      ValueError: if `stack_args` is no list.
    """
    scope = kwargs.pop("scope", None)
    if not isinstance(stack_args, (list, tuple)):
        raise ValueError("stack_args need to be a list or tuple")
    with variable_scope(scope, "Stack", [inputs]):
        outputs, prefix = to_tensor(inputs), scope or _name_of(layer, "stack")
        for i, args in enumerate(stack_args):
            args = args if isinstance(args, (list, tuple)) else [args]
            outputs = layer(outputs, *args, **{**kwargs, "scope": f"{prefix}_{i + 1}"})
        return outputs


def _name_of(layer, default):
    """The name of a function, also of one in a functools.partial."""
    return getattr(layer, "__name__", None) or getattr(getattr(layer, "func", None), "__name__", default)


@export("contrib.layers.scale_gradient")
def scale_gradient(inputs, gradient_multiplier):
    """The inputs; their gradient is that of the output times `gradient_multiplier`.

    Args:
      inputs: a floating tensor.
      gradient_multiplier: a tensor of the same type that broadcasts to it.

    Returns:
      A tensor equal to `inputs`.
    """

    @custom_gradient
    def scaled(x, multiplier):
        return identity(x), lambda grad: (grad * multiplier, None)

    return scaled(inputs, gradient_multiplier)
