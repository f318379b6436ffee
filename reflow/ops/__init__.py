"""The operations, one module a family: signature, shape rule, kernel, gradient and public function of an op together.

Importing this package registers them all.
"""

from reflow.ops import (  # noqa: F401
    concat_gradient,
    constant,
    control,
    gathering,
    identity,
    inplace,
    joining,
    padding,
    permute,
    placeholder,
    random,
    resource_variable,
    scatter_state,
    scattering,
    select,
    shape_ops,
    slicing,
    state,
    stateless_random,
    strided_slice,
)
