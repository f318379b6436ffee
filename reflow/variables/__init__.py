"""Variables: the objects, the scopes that name and share them, their initializers and partitions."""

from reflow.variables import (  # noqa: F401
    convolution_initializers,
    initializers,
    module,
    partitioned_variable,
    partitioners,
    random_generator,
    ref_variable,
    resource_variable,
    template,
    variable,
    variable_lists,
    variable_scope,
    variable_store,
)
