"""What `tf.contrib.slim` has of other parts of contrib: all layers, arg scopes, variables, losses, metrics."""

# The rooms whose names appear here again.
from reflow.contrib import framework, layers, losses, metrics  # noqa: F401
from reflow.graph.export import EXPORTS, export_value

_ARG_SCOPES = (
    "add_arg_scope", "arg_scope", "arg_scope_func_key", "arg_scoped_arguments", "current_arg_scope", "has_arg_scope"
)  # fmt: skip
_VARIABLES = (
    "VariableDeviceChooser", "add_model_variable", "assert_global_step", "assert_or_get_global_step",
    "assign_from_checkpoint", "assign_from_checkpoint_fn", "assign_from_values", "assign_from_values_fn",
    "create_global_step", "filter_variables", "get_global_step", "get_local_variables", "get_model_variables",
    "get_or_create_global_step", "get_trainable_variables", "get_unique_variable", "get_variable_full_name",
    "get_variables", "get_variables_by_name", "get_variables_by_suffix", "get_variables_to_restore", "global_variable",
    "local_variable", "model_variable", "variable", "zero_initializer",
)  # fmt: skip
_INITIALIZERS = ("xavier_initializer", "xavier_initializer_conv2d", "variance_scaling_initializer")
_REGULARIZERS = (
    "l1_regularizer", "l2_regularizer", "l1_l2_regularizer", "sum_regularizer", "apply_regularization"
)  # fmt: skip


def _mirror(source, target, names=None):
    """Publish names of `source` below `target`; all of them for None."""
    prefix = f"{source}."
    if names is None:
        names = [name.removeprefix(prefix) for name in EXPORTS if name.startswith(prefix)]
    for name in names:
        export_value(f"{target}.{name}", EXPORTS[f"{prefix}{name}"])


_mirror("contrib.layers", "contrib.slim")
_mirror("contrib.framework", "contrib.slim", _ARG_SCOPES + _VARIABLES)
_mirror("contrib.framework", "contrib.slim.variables", _VARIABLES)
_mirror("contrib.layers", "contrib.slim.initializers", _INITIALIZERS)
_mirror("contrib.layers", "contrib.slim.regularizers", _REGULARIZERS)
_mirror("contrib.losses", "contrib.slim.losses")
_mirror("contrib.metrics", "contrib.slim.metrics")
