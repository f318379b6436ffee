"""`tf.contrib.framework`: arg scopes, finding and filling variables, checks."""

from reflow.contrib.framework import (  # noqa: F401
    arg_scope,
    assignment,
    checkpoints,
    graphs,
    python_functions,
    shapes,
    shared_names,
    squeezing,
    variables,
    zero_initializer,
)
