"""`tf.linalg.LinearOperator` and its kinds: matrices that are never made, only multiplied, solved and so on."""

from reflow.linear_operators import (  # noqa: F401
    adjoint,
    block_diag,
    circulant,
    composition,
    diag,
    full_matrix,
    householder,
    identity,
    inversion,
    kronecker,
    low_rank_update,
    lower_triangular,
    operator,
    toeplitz,
    zeros,
)
