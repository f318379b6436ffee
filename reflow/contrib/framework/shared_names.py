"""Names of `tf.contrib.framework` for things that stand elsewhere."""

from reflow.graph import context, indexed_slices
from reflow.graph.export import export_values
from reflow.ops import checks, shape_checks, sorting
from reflow.platform import deprecation
from reflow.train import training_util
from reflow.variables import convolution_initializers

_NAMES = {
    "argsort": sorting.argsort,
    "assert_global_step": training_util.assert_global_step,
    "assert_same_float_dtype": checks.assert_same_float_dtype,
    "assert_scalar": shape_checks.assert_scalar,
    "convert_to_tensor_or_sparse_tensor": indexed_slices.convert_to_tensor_or_sparse_tensor,
    "convolutional_delta_orthogonal": convolution_initializers.ConvolutionDeltaOrthogonal,
    "convolutional_orthogonal_1d": convolution_initializers.ConvolutionOrthogonal1D,
    "convolutional_orthogonal_2d": convolution_initializers.ConvolutionOrthogonal2D,
    "convolutional_orthogonal_3d": convolution_initializers.ConvolutionOrthogonal3D,
    "create_global_step": training_util.create_global_step,
    "deprecated": deprecation.deprecated,
    "deprecated_arg_values": deprecation.deprecated_arg_values,
    "deprecated_args": deprecation.deprecated_args,
    "get_global_step": training_util.get_global_step,
    "get_or_create_global_step": training_util.get_or_create_global_step,
    "prepend_name_scope": context.prepend_name_scope,
    "sort": sorting.sort,
    "strip_name_scope": context.strip_name_scope,
}

export_values({f"contrib.framework.{name}": value for name, value in _NAMES.items()})
