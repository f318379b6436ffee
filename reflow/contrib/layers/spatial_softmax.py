"""Spatial softmax: where each channel of an image is, on average (Finn et al., https://arxiv.org/abs/1509.06113)."""

from reflow.contrib.framework.arg_scope import add_arg_scope
from reflow.contrib.framework.variables import model_variable
from reflow.contrib.layers import layer_parts
from reflow.graph.context import name_scope
from reflow.graph.dtypes import float32
from reflow.graph.export import export
from reflow.ops.grids import meshgrid
from reflow.ops.joining import concat
from reflow.ops.permute import transpose
from reflow.ops.ranges import linspace
from reflow.ops.reduction import reduce_sum
from reflow.ops.shape_ops import reshape, shape
from reflow.ops.softmax import softmax
from reflow.variables.initializers import Constant, Ones
from reflow.variables.variable_scope import variable_scope


@export("contrib.layers.spatial_softmax")
@add_arg_scope
def spatial_softmax(features, temperature=None, name=None, variables_collections=None, trainable=True,
                    data_format="NHWC"):  # fmt: skip
    """The expected place of each channel: the mean of the coordinates under a softmax over the image.

    Args:
      features: a floating tensor [batch, height, width, channels] (by `data_format`); the channels have to be known.
      temperature: what the features are divided by at first; 1 if None. It is a variable.
      name: a variable scope or its name; "spatial_softmax" made unique if None.
      variables_collections: a list of collections for the temperature, or a dict with a list for "temperature".
      trainable: whether the temperature is trained.
      data_format: "NHWC" or "NCHW".

    Returns:
      [batch, 2 * channels]: row and column of each channel, from -1 to 1.

    Raises:
      ValueError: if the number of channels is not known, or for an unknown `data_format`.
    """
    with variable_scope(name, "spatial_softmax"):
        sizes = shape(features)
        layer_parts.check_data_format(data_format, "NCHW", "NHWC")
        height_axis, channel_axis = (2, 1) if data_format == "NCHW" else (1, 3)
        height, width = sizes[height_axis], sizes[height_axis + 1]
        channels = features.shape[channel_axis].value
        if channels is None:
            raise ValueError("The num_channels dimension of the inputs to `spatial_softmax` should be defined. Found "
                             "`None`.")  # fmt: skip
        with name_scope("spatial_softmax_op", "spatial_softmax_op", [features]):
            rows, columns = meshgrid(linspace(-1.0, 1.0, num=height), linspace(-1.0, 1.0, num=width), indexing="ij")
            rows, columns = reshape(rows, [height * width]), reshape(columns, [height * width])
            divisor = model_variable(
                "temperature", shape=(), dtype=float32, trainable=trainable,
                initializer=Ones() if temperature is None else Constant(temperature),
                collections=_collections(variables_collections, trainable),
            )  # fmt: skip
            if data_format == "NHWC":
                features = transpose(features, [0, 3, 1, 2])
            attention = softmax(reshape(features, [-1, height * width]) / divisor)
            row = reduce_sum(rows * attention, [1], keepdims=True)
            column = reduce_sum(columns * attention, [1], keepdims=True)
            places = reshape(concat([row, column], 1), [-1, channels * 2])
            places.set_shape([None, channels * 2])
    return places


def _collections(variables_collections, trainable):
    return layer_parts.get_variable_collections(variables_collections, "temperature") if trainable else None
