"""What stands for a matrix without being a tensor: the linear operators of `reflow.linear_operators`."""

from collections.abc import Callable


class MatrixLike:
    """The base of linear operators, by which functions of matrices know them. What they do is up to its methods."""

    @property
    def is_positive_definite(self) -> bool | None:
        """Whether the matrix is positive definite; None if that is not known."""
        raise NotImplementedError

    @property
    def is_self_adjoint(self) -> bool | None:
        """Whether the matrix is its own adjoint; None if that is not known."""
        raise NotImplementedError

    adjoint: Callable
    cholesky: Callable
    determinant: Callable
    diag_part: Callable
    inverse: Callable
    log_abs_determinant: Callable
    matmul: Callable
    solve: Callable
    trace: Callable


def product_with_operator(a, b, transpose_a=False, transpose_b=False, adjoint_a=False, adjoint_b=False,
                          a_is_sparse=False, b_is_sparse=False, name=None):  # fmt: skip
    """`tf.matmul` where one factor at least is a linear operator.

    Raises:
      ValueError: if transposition or sparse products are asked for.
    """
    from reflow.ops.linalg import adjoint

    if transpose_a or transpose_b:
        raise ValueError("Transposing not supported at this time.")
    if a_is_sparse or b_is_sparse:
        raise ValueError("Sparse methods not supported at this time.")
    if isinstance(a, MatrixLike):
        return a.matmul(b, adjoint=adjoint_a, adjoint_arg=adjoint_b, name=name)
    return adjoint(b.matmul(a, adjoint=not adjoint_b, adjoint_arg=not adjoint_a, name=name))
