"""The operations, one module a family: signature, shape rule, kernel, gradient and public function of an op together.

Importing this package registers them all.
"""

from reflow.ops import (  # noqa: F401
    batch_norm,
    bias,
    concat_gradient,
    constant,
    control,
    conv,
    cross_entropy,
    decompositions,
    depthwise,
    gathering,
    identity,
    inplace,
    joining,
    lrn,
    matmul,
    padding,
    permute,
    placeholder,
    pool,
    random,
    resource_variable,
    scatter_state,
    scattering,
    select,
    shape_ops,
    slicing,
    softmax,
    solvers,
    state,
    stateless_random,
    strided_slice,
    tridiagonal,
)
