"""Pooling layers."""

from reflow.contrib.framework.arg_scope import add_arg_scope
from reflow.contrib.layers import layer_parts
from reflow.contrib.layers.dimensions import n_positive_integers
from reflow.contrib.layers.named_outputs import collect_named_outputs
from reflow.graph.context import name_scope
from reflow.graph.convert import to_tensor
from reflow.graph.export import export
from reflow.layers import pooling as core
from reflow.ops import pooling as ops

_DOC = """{what} of a window that moves over {things}.

    Args:
      inputs: a tensor {shape} (by `data_format`).
      kernel_size: the size of the window, an int or {sizes}.
      stride: the step of the window, an int or {sizes}.
      padding: "VALID" or "SAME".
      data_format: {formats}.
      outputs_collections: collections for the output.
      scope: a name scope.

    Returns:
      A tensor of that rank.

    Raises:
      ValueError: for an unknown `data_format`.
    """


def _pooling(name, what, layer_class, default_scope):
    """A public pooling layer."""
    is_2d = layer_class.rank == 2
    default_format, other = ("NHWC", "NCHW") if is_2d else ("NDHWC", "NCDHW")

    def pool_layer(inputs, kernel_size, stride=2, padding="VALID", data_format=default_format,
                   outputs_collections=None, scope=None):  # fmt: skip
        layer_parts.check_data_format(data_format, other, default_format)
        with name_scope(scope, default_scope, [inputs]) as sc:
            layer = layer_class(pool_size=kernel_size, strides=stride, padding=padding,
                                data_format=layer_parts.core_data_format(data_format), _scope=sc)  # fmt: skip
            return collect_named_outputs(outputs_collections, sc, layer(to_tensor(inputs)))

    pool_layer.__name__ = pool_layer.__qualname__ = name
    pool_layer.__doc__ = _DOC.format(
        what=what, things="images" if is_2d else "volumes", formats=f'"{default_format}" or "{other}"',
        shape="[batch, height, width, channels]" if is_2d else "[batch, depth, height, width, channels]",
        sizes="a pair" if is_2d else "three of them",
    )  # fmt: skip
    return export(f"contrib.layers.{name}")(add_arg_scope(pool_layer))


avg_pool2d = _pooling("avg_pool2d", "The mean", core.AveragePooling2D, "AvgPool2D")
avg_pool3d = _pooling("avg_pool3d", "The mean", core.AveragePooling3D, "AvgPool3D")
max_pool2d = _pooling("max_pool2d", "The greatest value", core.MaxPooling2D, "MaxPool2D")
max_pool3d = _pooling("max_pool3d", "The greatest value", core.MaxPooling3D, "MaxPool3D")


@export("contrib.slim.pool")
@add_arg_scope
def pool(inputs, kernel_size, pooling_type, padding="VALID", data_format=None, dilation_rate=1, stride=1,
         outputs_collections=None, scope=None):  # fmt: skip
    """Pooling in any number of dimensions.

    Args:
      inputs: a tensor [batch, *space, channels] (by `data_format`) of rank 3 or more.
      kernel_size: the size of the window, an int or one a dimension.
      pooling_type: "AVG" or "MAX".
      padding: "VALID" or "SAME".
      data_format: "N...C" (if None) or "NC...".
      dilation_rate: the distance between the window's elements, an int or one a dimension.
      stride: the step of the window, an int or one a dimension.
      outputs_collections: collections for the output.
      scope: a name scope.

    Returns:
      A tensor of that rank.

    Raises:
      ValueError: if the rank is not known or too small, or an argument is malformed.
    """
    with name_scope(scope, f"{pooling_type.lower()}_pool", [inputs]) as sc:
        inputs = to_tensor(inputs)
        rank = inputs.get_shape().ndims
        if rank is None:
            raise ValueError("Rank of inputs must be known")
        if rank < 3:
            raise ValueError("Rank of inputs must be >= 3")
        output = ops.pool(
            input=inputs, window_shape=n_positive_integers(rank - 2, kernel_size), pooling_type=pooling_type,
            padding=padding, data_format=data_format, dilation_rate=n_positive_integers(rank - 2, dilation_rate),
            strides=n_positive_integers(rank - 2, stride), name=sc,
        )  # fmt: skip
        return collect_named_outputs(outputs_collections, sc, output)
