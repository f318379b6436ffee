"""`tf.contrib.framework.py_func`: Python functions on structures of tensors."""

from reflow.graph import nest
from reflow.graph.export import export
from reflow.graph.shapes import as_shape
from reflow.ops import py_func as py_func_ops


@export("contrib.framework.py_func")
def py_func(func, args=(), kwargs=None, output_types=None, output_shapes=None, stateful=True, name=None):
    """A Python function as an operation, on structures of tensors.

    Args:
      func: the function; it gets arrays in the structure of `args` and `kwargs`.
      args: a list or tuple of nests of tensors.
      kwargs: a dict of nests of tensors.
      output_types: the types of what the function returns, in its structure; or a function of the arguments that
        returns them.
      output_shapes: the shapes, in the same structure, or a function of the arguments that returns them; None if they
        are not known.
      stateful: whether the function does more than compute from its arguments.
      name: a name for the operation.

    Returns:
      Tensors in the structure of `output_types`.

    Raises:
      TypeError: if `args` or `kwargs` is of another kind.
    """
    kwargs = {} if kwargs is None else kwargs
    if not isinstance(args, (list, tuple)):
        raise TypeError(f"args must be list and not {type(args)}. args: {args}")
    if not isinstance(kwargs, dict):
        raise TypeError(f"kwargs must be dict and not {type(kwargs)}. args: {kwargs}")
    if callable(output_types):
        output_types = output_types(*args, **kwargs)
    if callable(output_shapes):
        output_shapes = output_shapes(*args, **kwargs)
    arguments = (args, kwargs)

    def on_flat_arguments(*values):
        given, given_by_name = nest.pack_sequence_as(arguments, values)
        result = func(*given, **given_by_name)
        nest.assert_shallow_structure(output_types, result)
        return nest.flatten(result)

    results = py_func_ops.py_func(on_flat_arguments, nest.flatten(arguments), nest.flatten(output_types),
                                  stateful=stateful, name=name)  # fmt: skip
    if output_shapes is not None:
        shapes = nest.map_structure_up_to(output_types, as_shape, output_shapes)
        for result, shape in zip(results, nest.flatten(shapes), strict=True):
            result.set_shape(shape)
    return nest.pack_sequence_as(output_types, results)
