"""The base of all linear operators: public methods over what each kind defines."""

import contextlib

import numpy as np

from reflow.graph.context import name_scope
from reflow.graph.convert import to_tensor
from reflow.graph.dtypes import as_dtype
from reflow.graph.export import export
from reflow.graph.operation import Tensor
from reflow.graph.shapes import Dimension
from reflow.linear_operators.algebra import combined
from reflow.linear_operators.broadcasting import (
    cholesky_solve_with_broadcast,
    matrix_solve_with_broadcast,
    shape_tensor,
)
from reflow.ops.casting import cast
from reflow.ops.checks import assert_equal, assert_less, assert_positive
from reflow.ops.decompositions import cholesky, svd
from reflow.ops.diagonal import matrix_diag_part
from reflow.ops.elementwise import exp, log
from reflow.ops.linalg import adjoint as adjoint_of
from reflow.ops.linalg import eye
from reflow.ops.matrix_like import MatrixLike
from reflow.ops.reduction import reduce_max, reduce_min, reduce_sum
from reflow.ops.shape_ops import expand_dims, size, squeeze
from reflow.ops.solvers import log_matrix_determinant, matrix_determinant
from reflow.variables.module import Module
from reflow.variables.variable import Variable


def _size_along(tensor, axis):
    dims = tensor.shape.dims
    return Dimension(None) if dims is None else dims[axis]


@export("linalg.LinearOperator")
class LinearOperator(Module, MatrixLike):
    """A batch of matrices [..., m, n] of which only what is done with them need be known.

    A kind of operator defines `_shape`, `_shape_tensor` and `_matmul`, and whatever it can do better than with the
    dense matrix, such as `_solve` or `_determinant`. Hints about the matrix choose between ways; they are not checked
    unless the `assert_` methods are used.

    Args:
      dtype: the type of the elements.
      graph_parents: the tensors that it depends on.
      is_non_singular: whether all matrices have inverses; None if that is not known.
      is_self_adjoint: whether all matrices equal their conjugate transposes.
      is_positive_definite: whether x^H A x has a positive real part for all x but 0.
      is_square: whether the matrices are square.
      name: the name; that of the class if None.

    Raises:
      ValueError: if hints contradict.
    """

    def __init__(self, dtype, graph_parents=None, is_non_singular=None, is_self_adjoint=None,
                 is_positive_definite=None, is_square=None, name=None):  # fmt: skip
        if is_positive_definite:
            if is_non_singular is False:
                raise ValueError("A positive definite matrix is always non-singular.")
            is_non_singular = True
        if is_non_singular:
            if is_square is False:
                raise ValueError("A non-singular matrix is always square.")
            is_square = True
        if is_self_adjoint:
            if is_square is False:
                raise ValueError("A self-adjoint matrix is always square.")
            is_square = True
        self._square_hint = is_square
        graph_parents = [] if graph_parents is None else graph_parents
        for i, parent in enumerate(graph_parents):
            if not isinstance(parent, (Tensor, Variable, Module)):
                raise ValueError(f"Graph parent item {i} is not a Tensor; {parent}.")
        self._dtype = as_dtype(dtype).base_dtype if dtype else dtype
        self._graph_parents = graph_parents
        self._is_non_singular = is_non_singular
        self._is_self_adjoint = is_self_adjoint
        self._is_positive_definite = is_positive_definite
        self._name = self._scope_name = name or type(self).__name__

    @contextlib.contextmanager
    def _name_scope(self, name=None):
        with name_scope(self.name if name is None else f"{self.name}/{name}") as scope:
            yield scope

    # --- what it is -----------------------------------------------------------------------------------------------

    @property
    def dtype(self):
        """The type of the elements."""
        return self._dtype

    @property
    def name(self):
        """The name, with which those of its operations begin."""
        return self._name

    @property
    def graph_parents(self):
        """The tensors that it depends on, as a list."""
        return self._graph_parents

    @property
    def is_non_singular(self):
        """Whether all matrices have inverses; None if that is not known."""
        return self._is_non_singular

    @property
    def is_self_adjoint(self):
        """Whether all matrices equal their conjugate transposes; None if that is not known."""
        return self._is_self_adjoint

    @property
    def is_positive_definite(self):
        """Whether all matrices are positive definite; None if that is not known."""
        return self._is_positive_definite

    @property
    def is_square(self):
        """Whether the matrices are square; None if that is not known."""
        is_known_square = self.domain_dimension == self.range_dimension
        if self._square_hint is False and is_known_square:
            raise ValueError("User set is_square hint to False, but the operator was square.")
        return is_known_square if self._square_hint is None else self._square_hint

    # --- shapes ---------------------------------------------------------------------------------------------------

    @property
    def shape(self):
        """The static shape [..., m, n]."""
        return self._shape()

    @property
    def batch_shape(self):
        """The static shape of the batch: that before the last two dimensions."""
        return self.shape[:-2]

    @property
    def tensor_rank(self):
        """The number of dimensions, or None."""
        return self.shape.ndims

    @property
    def domain_dimension(self):
        """n, the size of the vectors that it takes, as a Dimension."""
        return Dimension(None) if self.shape.ndims is None else self.shape.dims[-1]

    @property
    def range_dimension(self):
        """m, the size of the vectors that it makes, as a Dimension."""
        return self.shape.dims[-2] if self.shape.dims else Dimension(None)

    def shape_tensor(self, name="shape_tensor"):
        """The shape as an int32 vector."""
        with self._name_scope(name):
            return shape_tensor(self.shape.as_list()) if self.shape.is_fully_defined() else self._shape_tensor()

    def batch_shape_tensor(self, name="batch_shape_tensor"):
        """The shape of the batch as an int32 vector."""
        with self._name_scope(name):
            if self.batch_shape.is_fully_defined():
                return shape_tensor(self.batch_shape.as_list(), name="batch_shape")
            return self.shape_tensor()[:-2]

    def tensor_rank_tensor(self, name="tensor_rank_tensor"):
        """The number of dimensions as an int32 scalar."""
        with self._name_scope(name):
            return size(self.shape_tensor()) if self.tensor_rank is None else to_tensor(self.tensor_rank)

    def domain_dimension_tensor(self, name="domain_dimension_tensor"):
        """n, the size of the vectors that it takes, as an int32 scalar."""
        with self._name_scope(name):
            known = self.domain_dimension.value
            return self.shape_tensor()[-1] if known is None else to_tensor(known)

    def range_dimension_tensor(self, name="range_dimension_tensor"):
        """m, the size of the vectors that it makes, as an int32 scalar."""
        with self._name_scope(name):
            known = self.range_dimension.value
            return self.shape_tensor()[-2] if known is None else to_tensor(known)

    # --- checks ---------------------------------------------------------------------------------------------------

    def assert_non_singular(self, name="assert_non_singular"):
        """An operation that fails unless all matrices have inverses, up to rounding."""
        with self._name_scope(name):
            return self._assert_non_singular()

    def assert_positive_definite(self, name="assert_positive_definite"):
        """An operation that fails unless all matrices are positive definite."""
        with self._name_scope(name):
            return self._assert_positive_definite()

    def assert_self_adjoint(self, name="assert_self_adjoint"):
        """An operation that fails unless all matrices equal their conjugate transposes."""
        with self._name_scope(name):
            return self._assert_self_adjoint()

    def _check_input_dtype(self, argument):
        if argument.dtype.base_dtype != self.dtype:
            raise TypeError(f"Expected argument to have dtype {self.dtype}.  Found: {argument.dtype} in tensor "
                            f"{argument}")  # fmt: skip

    def _with_operator(self, kind, other, adjoint, adjoint_arg, name, argument):
        """The product with another operator, or the solution for one: an operator."""
        left, right = self.adjoint() if adjoint else self, other.adjoint() if adjoint_arg else other
        if right.range_dimension != left.domain_dimension and None not in (
            right.range_dimension.value, left.domain_dimension.value,
        ):  # fmt: skip
            raise ValueError(f"Operators are incompatible. Expected `{argument}` to have dimension "
                             f"{left.domain_dimension} but got {right.range_dimension}.")  # fmt: skip
        with self._name_scope(name):
            return combined(kind, left, right)

    # --- products and solutions -----------------------------------------------------------------------------------

    def matmul(self, x, adjoint=False, adjoint_arg=False, name="matmul"):
        """The product with matrices.

        Args:
          x: a tensor [..., n, k] of the operator's type, or another operator.
          adjoint: take the adjoint of the operator.
          adjoint_arg: take the adjoint of `x`.
          name: a name for the operations.

        Returns:
          A tensor [..., m, k]; an operator if `x` is one.

        Raises:
          ValueError: if the shapes do not fit.
          TypeError: if the types differ.
        """
        if isinstance(x, LinearOperator):
            return self._with_operator("Matmul", x, adjoint, adjoint_arg, name, "x")
        with self._name_scope(name):
            x = to_tensor(x, name="x")
            self._check_input_dtype(x)
            taken = self.range_dimension if adjoint else self.domain_dimension
            taken.assert_is_compatible_with(_size_along(x, -1 if adjoint_arg else -2))
            return self._matmul(x, adjoint=adjoint, adjoint_arg=adjoint_arg)

    def matvec(self, x, adjoint=False, name="matvec"):
        """The product with vectors.

        Args:
          x: a tensor [..., n] of the operator's type.
          adjoint: take the adjoint of the operator.
          name: a name for the operations.

        Returns:
          A tensor [..., m].

        Raises:
          ValueError: if the shapes do not fit.
          TypeError: if the types differ.
        """
        with self._name_scope(name):
            x = to_tensor(x, name="x")
            self._check_input_dtype(x)
            taken = self.range_dimension if adjoint else self.domain_dimension
            taken.assert_is_compatible_with(_size_along(x, -1))
            return self._matvec(x, adjoint=adjoint)

    def solve(self, rhs, adjoint=False, adjoint_arg=False, name="solve"):
        """X with A X = rhs.

        Args:
          rhs: a tensor [..., m, k] of the operator's type, or another operator.
          adjoint: take the adjoint of the operator.
          adjoint_arg: take the adjoint of `rhs`.
          name: a name for the operations.

        Returns:
          A tensor [..., n, k]; an operator if `rhs` is one.

        Raises:
          NotImplementedError: if the operator is known to be singular or not square.
          ValueError: if the shapes do not fit.
          TypeError: if the types differ.
        """
        self._check_solvable()
        if isinstance(rhs, LinearOperator):
            return self._with_operator("Solve", rhs, adjoint, adjoint_arg, name, "rhs")
        with self._name_scope(name):
            rhs = to_tensor(rhs, name="rhs")
            self._check_input_dtype(rhs)
            made = self.domain_dimension if adjoint else self.range_dimension
            made.assert_is_compatible_with(_size_along(rhs, -1 if adjoint_arg else -2))
            return self._solve(rhs, adjoint=adjoint, adjoint_arg=adjoint_arg)

    def _check_solvable(self):
        if self.is_non_singular is False:
            raise NotImplementedError("Exact solve not implemented for an operator that is expected to be singular.")
        if self.is_square is False:
            raise NotImplementedError("Exact solve not implemented for an operator that is expected to not be square.")

    def solvevec(self, rhs, adjoint=False, name="solve"):
        """x with A x = rhs.

        Args:
          rhs: a tensor [..., m] of the operator's type.
          adjoint: take the adjoint of the operator.
          name: a name for the operations.

        Returns:
          A tensor [..., n].

        Raises:
          NotImplementedError: if the operator is known to be singular or not square.
          ValueError: if the shapes do not fit.
          TypeError: if the types differ.
        """
        with self._name_scope(name):
            rhs = to_tensor(rhs, name="rhs")
            self._check_input_dtype(rhs)
            made = self.domain_dimension if adjoint else self.range_dimension
            made.assert_is_compatible_with(_size_along(rhs, -1))
            return self._solvevec(rhs, adjoint=adjoint)

    # --- what it has ----------------------------------------------------------------------------------------------

    def _check_determinable(self):
        if self.is_square is False:
            raise NotImplementedError("Determinant not implemented for an operator that is expected to not be square.")

    def determinant(self, name="det"):
        """The determinants, a tensor of the shape of the batch.

        Raises:
          NotImplementedError: if the operator is known not to be square.
        """
        self._check_determinable()
        with self._name_scope(name):
            return self._determinant()

    def log_abs_determinant(self, name="log_abs_det"):
        """The logarithms of the absolute values of the determinants.

        Raises:
          NotImplementedError: if the operator is known not to be square.
        """
        self._check_determinable()
        with self._name_scope(name):
            return self._log_abs_determinant()

    def adjoint(self, name="adjoint"):
        """The operator of the conjugate transposes."""
        if self.is_self_adjoint is True:
            return self
        with self._name_scope(name):
            return combined("Adjoint", self)

    H = property(adjoint, None, doc="The operator of the conjugate transposes.")

    def inverse(self, name="inverse"):
        """The operator of the inverses.

        Raises:
          ValueError: if the operator is known to be singular or not square.
        """
        if self.is_square is False:
            raise ValueError("Cannot take the Inverse: This operator represents a non square matrix.")
        if self.is_non_singular is False:
            raise ValueError("Cannot take the Inverse: This operator represents a singular matrix.")
        with self._name_scope(name):
            return combined("Inverse", self)

    def cholesky(self, name="cholesky"):
        """The operator of the Cholesky factors L, with L L^H = A.

        Raises:
          ValueError: unless the operator is known to be positive definite and self-adjoint.
        """
        if not self._can_use_cholesky():
            raise ValueError("Cannot take the Cholesky decomposition: Not a positive definite self adjoint matrix.")
        with self._name_scope(name):
            return combined("Cholesky", self)

    def to_dense(self, name="to_dense"):
        """The matrices, as a tensor [..., m, n]."""
        with self._name_scope(name):
            return self._to_dense()

    def diag_part(self, name="diag_part"):
        """The main diagonals of the matrices, a tensor [..., min(m, n)]."""
        with self._name_scope(name):
            return self._diag_part()

    def trace(self, name="trace"):
        """The sums of the main diagonals, a tensor of the shape of the batch."""
        with self._name_scope(name):
            return self._trace()

    def add_to_tensor(self, x, name="add_to_tensor"):
        """The sum of the operator and a tensor.

        Args:
          x: a tensor [..., m, n] of the operator's type.
          name: a name for the operations.

        Returns:
          A tensor [..., m, n].

        Raises:
          TypeError: if the types differ.
        """
        with self._name_scope(name):
            x = to_tensor(x, name="x")
            self._check_input_dtype(x)
            return self._add_to_tensor(x)

    # --- what a kind of operator defines --------------------------------------------------------------------------

    def _shape(self):
        raise NotImplementedError("_shape is not implemented.")

    def _shape_tensor(self):
        raise NotImplementedError("_shape_tensor is not implemented.")

    def _matmul(self, x, adjoint=False, adjoint_arg=False):
        raise NotImplementedError("_matmul is not implemented.")

    # --- what it may define, here by means of the dense matrix ----------------------------------------------------

    def _can_use_cholesky(self):
        return self.is_self_adjoint and self.is_positive_definite

    def _assert_non_singular(self):
        if self._can_use_cholesky():
            return self.assert_positive_definite()
        singular_values = svd(self.to_dense(), compute_uv=False)
        condition = reduce_max(singular_values, axis=-1) / reduce_min(singular_values, axis=-1)
        message = "Singular matrix up to precision epsilon."
        return assert_less(condition, self._greatest_condition_number(), message=message)

    def _greatest_condition_number(self):
        with name_scope("max_nonsingular_condition_number"):
            sizes = [100.0, cast(self.range_dimension_tensor(), self.dtype),
                     cast(self.domain_dimension_tensor(), self.dtype)]  # fmt: skip
            epsilon = cast(reduce_max(sizes), self.dtype) * np.finfo(self.dtype.as_numpy_dtype).eps
            return 1.0 / epsilon

    def _assert_positive_definite(self):
        if not self.is_self_adjoint:
            raise NotImplementedError("assert_positive_definite is not implemented.")
        return assert_positive(
            matrix_diag_part(cholesky(self.to_dense())), message="Matrix was not positive definite."
        )  # fmt: skip

    def _assert_self_adjoint(self):
        dense = self.to_dense()
        return assert_equal(dense, adjoint_of(dense), message="Matrix was not equal to its adjoint.")

    def _matvec(self, x, adjoint=False):
        return squeeze(self.matmul(expand_dims(x, axis=-1), adjoint=adjoint), axis=-1)

    def _solve(self, rhs, adjoint=False, adjoint_arg=False):
        if self.is_square is False:
            raise NotImplementedError("Solve is not yet implemented for non-square operators.")
        rhs = adjoint_of(rhs) if adjoint_arg else rhs
        if self._can_use_cholesky():
            return cholesky_solve_with_broadcast(cholesky(self.to_dense()), rhs)
        return matrix_solve_with_broadcast(self.to_dense(), rhs, adjoint=adjoint)

    def _solvevec(self, rhs, adjoint=False):
        return squeeze(self.solve(expand_dims(rhs, axis=-1), adjoint=adjoint), axis=-1)

    def _determinant(self):
        return exp(self.log_abs_determinant()) if self._can_use_cholesky() else matrix_determinant(self.to_dense())

    def _log_abs_determinant(self):
        if self._can_use_cholesky():
            return 2 * reduce_sum(log(matrix_diag_part(cholesky(self.to_dense()))), axis=[-1])
        return log_matrix_determinant(self.to_dense())[1]

    def _to_dense(self):
        batch_shape = self.batch_shape if self.batch_shape.is_fully_defined() else self.batch_shape_tensor()
        n = self.domain_dimension.value
        n = self.domain_dimension_tensor() if n is None else n
        return self.matmul(eye(num_rows=n, batch_shape=batch_shape, dtype=self.dtype))

    def _diag_part(self):
        return matrix_diag_part(self.to_dense())

    def _trace(self):
        return reduce_sum(self.diag_part(), axis=-1)

    def _add_to_tensor(self, x):
        return self.to_dense() + x
