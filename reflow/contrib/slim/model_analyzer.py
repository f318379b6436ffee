"""How large a model is: its operations and variables, listed."""

from reflow.graph.export import export


@export("contrib.slim.model_analyzer.tensor_description")
def tensor_description(var):
    """Type and shape of a tensor or variable of known rank, such as "(float32 3x4)".

    Args:
      var: a tensor or variable.
    """
    return f"({var.dtype.name} {'x'.join(str(size) for size in var.get_shape())})"


@export("contrib.slim.model_analyzer.analyze_ops")
def analyze_ops(graph, print_info=False):
    """The number of elements in all outputs of a graph.

    Args:
      graph: a Graph.
      print_info: whether to print each operation with its output shapes and size.

    Returns:
      An int; outputs whose shape is not known count as nothing.
    """
    if print_info:
        _heading("Operations: name -> (type shapes) [size]")
    total = 0
    for op in graph.get_operations():
        size = sum(output.get_shape().num_elements() or 0 for output in op.outputs)
        if print_info:
            shapes = [tensor_description(output) for output in op.outputs if output.get_shape()]
            print(op.name, "\t->", ", ".join(shapes), f"[{size}]")
        total += size
    return total


@export("contrib.slim.model_analyzer.analyze_vars")
def analyze_vars(variables, print_info=False):
    """The size of variables.

    Args:
      variables: a list of variables.
      print_info: whether to print each of them.

    Returns:
      (number of elements, number of bytes).
    """
    if print_info:
        _heading("Variables: name (type shape) [size]")
    total = total_bytes = 0
    for variable in variables:
        size = variable.get_shape().num_elements() or 0
        if print_info:
            print(variable.name, tensor_description(variable), f"[{size}, bytes: {size * variable.dtype.size}]")
        total += size
        total_bytes += size * variable.dtype.size
    if print_info:
        print(f"Total size of variables: {total}")
        print(f"Total bytes of variables: {total_bytes}")
    return total, total_bytes


def _heading(text):
    print("---------", text, "---------", sep="\n")
